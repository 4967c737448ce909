//! Without a fault, whatever passes arrives as it was sent: bytes, headers, trailers, streams, other protocols.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use proptest::prelude::*;
use proxy::{EdgeSpec, Proxies};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// A callee that answers with what it was asked: body, `x-` headers, and as trailers the method and the host.
async fn echo() -> String {
    serve(|request: Request<Incoming>| async move {
        let mut answer = Response::builder();
        for (name, value) in request.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-")) {
            answer = answer.header(name, value);
        }
        let host = request.uri().authority().map(|host| host.to_string());
        let host = host.or_else(|| Some(request.headers().get("host")?.to_str().ok()?.to_owned()));
        let asked = format!("{} {}", request.method(), request.uri().path_and_query().expect("a path"));
        answer = answer.header("x-asked", asked).header("x-host-seen", host.unwrap_or_default());
        let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
        let mut incoming = request.into_body();
        while let Some(Ok(frame)) = incoming.frame().await {
            match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers.extend(frame.into_trailers().expect("data or trailers")),
            }
        }
        trailers.insert("x-trailer", HeaderValue::from_static("last"));
        let body = Full::new(Bytes::from(body)).with_trailers(async move { Some(Ok(trailers)) });
        answer.header("trailer", "x-trailer").body(BodyExt::boxed_unsync(body)).expect("valid")
    })
    .await
}

async fn serve<F, A>(answer: F) -> String
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answered = answer(request);
                    async move { Ok::<_, Infallible>(answered.await) }
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection_with_upgrades(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    format!("http://{address}")
}

/// A proxy before `callee`.
fn before(callee: &str) -> (Proxies, String) {
    let proxies = Proxies::new(Arc::new(stdx::SystemClock::new()), 1).expect("certificates");
    let spec: EdgeSpec = format!("a -> b=127.0.0.1:0={callee}").parse().expect("a spec");
    let edge = proxies.stand(spec).expect("a free port");
    (proxies, format!("http://{}", edge.address()))
}

fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

async fn ask(url: &str, http2: bool, path: &str, headers: &[(String, Vec<u8>)], body: &[u8]) -> Seen {
    let mut request = Request::post(format!("{url}{path}")).header("te", "trailers");
    for (name, value) in headers {
        request = request.header(name, HeaderValue::from_bytes(value).expect("valid"));
    }
    let request = request.body(Full::new(Bytes::from(body.to_vec()))).expect("valid");
    let answer = client(http2).request(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let mut headers: Vec<(String, Vec<u8>)> = answer
        .headers()
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    headers.sort();
    let body = answer.into_body().collect().await.expect("a body");
    let trailers = body.trailers().cloned();
    Seen { status, headers, body: body.to_bytes().to_vec(), trailers }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Asked through the proxy and directly, the callee sees and answers the same, to the byte.
    #[test]
    fn nothing_changes_on_the_way(
        body in proptest::collection::vec(any::<u8>(), 0..100_000),
        headers in proptest::collection::vec(("x-[a-z]{1,8}", "[ -~]{0,30}"), 0..5),
        path in "/[a-z0-9/]{0,20}(\\?[a-z=&]{1,10})?",
        http2 in any::<bool>(),
    ) {
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.trim().as_bytes().to_vec())).collect();
        let (direct, passed) = runtime().block_on(async {
            let callee = echo().await;
            let (_proxies, url) = before(&callee);
            (ask(&callee, http2, &path, &headers, &body).await, ask(&url, http2, &path, &headers, &body).await)
        });
        prop_assert_eq!(&direct.body, &body);
        prop_assert!(!http2 || direct.trailers.is_some());
        prop_assert_eq!(direct, passed);
    }
}

#[tokio::test]
async fn names_of_headers_keep_their_case_and_no_header_is_added() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let callee = listener.local_addr().expect("bound");
    let (_proxies, url) = before(&format!("http://{callee}"));
    let mut caller = TcpStream::connect(url.trim_start_matches("http://")).await.expect("a proxy");
    let sent = "GET /x HTTP/1.1\r\nHost: proxy\r\nTraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-CamelCase: a\r\n\r\n";
    caller.write_all(sent.as_bytes()).await.expect("sent");
    let (mut stream, _) = listener.accept().await.expect("the proxy calls");
    let got = read_head(&mut stream).await;
    assert_eq!(got, sent.replace("proxy", &callee.to_string()));
    stream.write_all(b"HTTP/1.1 200 OK\r\nX-Answer: b\r\nContent-Length: 2\r\n\r\nhi").await.expect("answered");
    assert_eq!(read_head(&mut caller).await, "HTTP/1.1 200 OK\r\nX-Answer: b\r\nContent-Length: 2\r\n\r\nhi");
}

/// What comes until nothing more does for a moment.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut bytes)).await {
        read.extend_from_slice(&bytes[..count]);
    }
    String::from_utf8(read).expect("text")
}

#[tokio::test]
async fn server_sent_events_arrive_one_by_one() {
    // The callee sends the next event only when it is told that the one before has arrived.
    let (told, arrived) = tokio::sync::mpsc::channel::<()>(1);
    let arrived = Arc::new(tokio::sync::Mutex::new(arrived));
    let callee = serve(move |_| {
        let arrived = Arc::clone(&arrived);
        async move {
            let events = futures_util::stream::unfold(0, move |number| {
                let arrived = Arc::clone(&arrived);
                async move {
                    if number > 0 {
                        arrived.lock().await.recv().await?;
                    }
                    (number < 3).then(|| (Ok(Frame::data(Bytes::from(format!("data: {number}\n\n")))), number + 1))
                }
            });
            let body = BodyExt::boxed_unsync(StreamBody::new(events));
            Response::builder().header("content-type", "text/event-stream").body(body).expect("valid")
        }
    })
    .await;
    let (_proxies, url) = before(&callee);
    for http2 in [false, true] {
        let request = Request::get(&url).body(Full::default()).expect("valid");
        let mut body = client(http2).request(request).await.expect("an answer").into_body();
        for number in 0..3 {
            let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("not held back");
            let data = frame.expect("an event").expect("whole").into_data().expect("data");
            assert_eq!(data, format!("data: {number}\n\n"));
            told.send(()).await.expect("the callee listens");
        }
        // HTTP/2 may end with an empty frame.
        assert!(body.collect().await.expect("whole").to_bytes().is_empty());
    }
}

#[tokio::test]
async fn connections_that_become_something_else_pass_both_ways() {
    let callee = serve(|mut request| async move {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.expect("upgraded"));
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await.expect("asked");
            assert_eq!(&bytes, b"ping");
            stream.write_all(b"pong").await.expect("answered");
        });
        let empty = BodyExt::boxed_unsync(Full::default());
        Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(empty)
            .expect("valid")
    })
    .await;
    let (_proxies, url) = before(&callee);
    let request = Request::get(&url).header("connection", "upgrade").header("upgrade", "echo");
    let answer = client(false).request(request.body(Full::default()).expect("valid")).await.expect("an answer");
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers()["upgrade"], "echo");
    let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.expect("upgraded"));
    stream.write_all(b"ping").await.expect("sent");
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await.expect("answered");
    assert_eq!(&bytes, b"pong");
}

#[tokio::test]
async fn an_upgraded_connection_ends_with_its_proxy() {
    let callee = serve(|mut request| async move {
        let upgrade = hyper::upgrade::on(&mut request);
        // Held open, and silent.
        tokio::spawn(async move {
            let _held = upgrade.await.expect("upgraded");
            std::future::pending::<()>().await;
        });
        let empty = BodyExt::boxed_unsync(Full::default());
        let answer = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
        answer.body(empty).expect("valid")
    })
    .await;
    let (proxies, url) = before(&callee);
    let request = Request::get(&url).header("connection", "upgrade").header("upgrade", "echo");
    let answer = client(false).request(request.body(Full::default()).expect("valid")).await.expect("an answer");
    let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.expect("upgraded"));
    drop(proxies);
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    // Closed or reset, but over.
    assert!(ended.is_ok() && bytes.is_empty());
}

#[tokio::test]
async fn a_callee_that_breaks_off_amid_its_answer_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let callee = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = [0; 1_024];
            let _ = stream.read(&mut bytes).await;
            // Promised are ten bytes.
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.expect("answered");
        }
    });
    let (proxies, url) = before(&callee);
    let request = Request::get(&url).body(Full::default()).expect("valid");
    let answer = client(false).request(request).await.expect("an answer");
    answer.into_body().collect().await.expect_err("it breaks off");
    let told = proxies.told().remove(0).counters;
    assert_eq!((told.requests, told.broken, told.hit), (1, 1, 0));
}

#[tokio::test]
async fn a_callee_that_is_not_there_is_told_and_counted() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("bound")
    };
    let (proxies, url) = before(&format!("http://{gone}"));
    let seen = ask(&url, false, "/", &[], b"").await;
    let said = String::from_utf8(seen.body).expect("text");
    assert!(seen.status == 502 && said.contains("proxy on a -> b: cannot reach"), "{} {said}", seen.status);
    let grpc = [("content-type".to_owned(), b"application/grpc".to_vec())];
    let seen = ask(&url, true, "/p.S/M", &grpc, b"").await;
    assert!(seen.status == 200 && seen.headers.contains(&("grpc-status".to_owned(), b"14".to_vec())), "{seen:?}");
    let told = proxies.told().remove(0).counters;
    assert_eq!((told.requests, told.unreachable, told.without_context, told.hit), (2, 2, 2, 0));
}
