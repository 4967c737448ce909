//! Sending on: what arrives equals what was sent; a destination that refuses for a while misses nothing; one that never
//! answers costs the receiver nothing.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acceptance::{Server, http_client};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

/// An OTLP destination whose temper can be changed.
#[derive(Default)]
struct Destination {
    refuses: AtomicBool,
    refused: AtomicU64,
    received: Mutex<Vec<ExportTraceServiceRequest>>,
    authorizations: Mutex<Vec<String>>,
}

impl Destination {
    /// Listens on a free port; answers with its endpoint.
    async fn start(self: &Arc<Self>) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let destination = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let destination = Arc::clone(&destination);
                let service = service_fn(move |request| answer(Arc::clone(&destination), request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
            }
        });
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().expect("not poisoned");
        let scopes = received.iter().flat_map(|request| &request.resource_spans).flat_map(|block| &block.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

async fn answer(
    destination: Arc<Destination>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (encoding, authorization) = (header("content-encoding"), header("authorization"));
    let traces = request.uri().path() == "/v1/traces";
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if destination.refuses.load(Ordering::SeqCst) {
        destination.refused.fetch_add(1, Ordering::SeqCst);
        let response = Response::builder().status(503).body(Full::default()).expect("a valid response");
        return Ok(response);
    }
    if traces {
        let plain = match encoding.as_str() {
            "" | "identity" => body.to_vec(),
            "gzip" => {
                let mut plain = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut plain).expect("gzip");
                plain
            }
            other => panic!("unexpected content-encoding {other}"),
        };
        let decoded = ExportTraceServiceRequest::decode(&plain[..]).expect("an OTLP request");
        destination.authorizations.lock().expect("not poisoned").push(authorization);
        destination.received.lock().expect("not poisoned").push(decoded);
    }
    Ok(Response::new(Full::default()))
}

fn request(number: u64) -> ExportTraceServiceRequest {
    let attribute = |key: &str, value: Value| KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    };
    let span = Span {
        trace_id: (u128::from(number) + 1).to_be_bytes().to_vec(),
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: format!("operation {number}"),
        kind: 3,
        start_time_unix_nano: 1_700_000_000_000_000_000 + number,
        end_time_unix_nano: 1_700_000_000_100_000_000 + number,
        attributes: vec![
            attribute("bytes", Value::BytesValue(vec![0, 255])),
            attribute("double", Value::DoubleValue(0.1)),
        ],
        trace_state: "vendor=value".into(),
        flags: 0x301,
        ..Default::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", Value::StringValue("sender".into()))],
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..Default::default() }],
            ..Default::default()
        }],
    }
}

async fn post(server: &Server, number: u64) {
    let body = request(number).encode_to_vec();
    let sent = http_client()
        .post(format!("{}/v1/traces", server.http))
        .header("content-type", "application/x-protobuf")
        .body(body);
    let response = sent.send().await.expect("the server answers");
    assert_eq!(response.status(), 200);
}

async fn until(what: &str, timeout: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {timeout:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_refuses_and_a_restart_lose_nothing() {
    let destination = Arc::new(Destination::default());
    destination.refuses.store(true, Ordering::SeqCst);
    let endpoint = destination.start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = [("OTLP_COLLECTOR_ENDPOINT", endpoint.as_str()), ("OTLP_AUTH_TOKEN", "secret")];

    const SPANS: u64 = 40;
    let server = Server::start_on(folder.path(), &[], &environment);
    for number in 0..SPANS / 2 {
        post(&server, number).await;
    }
    until("the destination was asked", Duration::from_secs(10), || destination.refused.load(Ordering::SeqCst) > 0)
        .await;
    server.kill();

    let server = Server::start_on(folder.path(), &[], &environment);
    for number in SPANS / 2..SPANS {
        post(&server, number).await;
    }
    destination.refuses.store(false, Ordering::SeqCst);
    let distinct = || {
        let mut names: Vec<String> = destination.spans().into_iter().map(|span| span.name).collect();
        names.sort();
        names.dedup();
        names.len() as u64
    };
    until("every span arrived", Duration::from_secs(90), || distinct() == SPANS).await;

    let spans = destination.spans();
    // A killed server may send again what it could not note as delivered; nothing else may come twice.
    assert!(spans.len() as u64 <= SPANS + SPANS / 2, "{} spans for {SPANS}", spans.len());
    for number in 0..SPANS {
        let sent = &request(number).resource_spans[0].scope_spans[0].spans[0];
        assert!(spans.contains(sent), "span {number} arrived changed");
    }
    let authorizations = destination.authorizations.lock().expect("not poisoned").clone();
    assert!(authorizations.iter().all(|value| value == "Bearer secret"), "{authorizations:?}");

    // The counters follow the delivery by a moment.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = server.json("/api/v1/status").await;
        let forwarding = &status["forwarding"][0];
        if forwarding["queuedRequests"] == 0 && forwarding["deliveredSpans"].as_u64() >= Some(SPANS / 2) {
            assert_eq!(forwarding["droppedSpans"], 0);
            break;
        }
        assert!(Instant::now() < deadline, "{forwarding}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_never_answers_costs_the_receiver_nothing() {
    // It takes the connection and says nothing, for ever.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let _silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_on(folder.path(), &[], &[("OTLP_COLLECTOR_ENDPOINT", &endpoint)]);
    for number in 0..50 {
        let answered = tokio::time::timeout(Duration::from_secs(5), post(&server, number)).await;
        assert!(answered.is_ok(), "request {number} waited for the destination");
    }
    let status = server.json("/api/v1/status").await;
    assert_eq!(status["storing"]["spans"], 50, "{status}");
    assert_eq!(status["forwarding"][0]["deliveredSpans"], 0, "{status}");
    assert_eq!(server.stop(), Some(0));
}
