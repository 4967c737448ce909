//! The receiver over real sockets: what is taken, what is refused and with which words.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest::{BodyKind, Config, Counts, Encoding, Format, Received, Receiver, Refusal, Signal, Sink, decode_body};
use model::{LogRecord, Span, SpanId, TraceId};
use stdx::ManualClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TRACE_SERVICE: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Keeps what it is given, or refuses if told to.
#[derive(Debug, Default)]
struct Kept {
    received: Mutex<Vec<Arc<Received>>>,
    refusal: Mutex<Option<Refusal>>,
}

impl Sink for Kept {
    fn accept(&self, received: Arc<Received>) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            if let Some(refusal) = self.refusal.lock().expect("unpoisoned").clone() {
                return Err(refusal);
            }
            self.received.lock().expect("unpoisoned").push(received);
            Ok(())
        })
    }
}

struct Running {
    receiver: Receiver,
    kept: Arc<Kept>,
    address: SocketAddr,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).or_else(|| self.trailers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Running {
    async fn start() -> Self {
        let kept = Arc::new(Kept::default());
        let config = Config { grpc: None, http: Some("127.0.0.1:0".to_owned()) };
        let sinks: Vec<Arc<dyn Sink>> = vec![Arc::<Kept>::clone(&kept)];
        let receiver = Receiver::bind(&config, sinks, Arc::new(ManualClock::at(7))).await.expect("a free port");
        let address = receiver.http_address().expect("it listens");
        Self { receiver, kept, address }
    }

    async fn http(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("shaken hands");
        tokio::spawn(connection);
        answered(sender.send_request(request(method, path, headers, body))).await
    }

    async fn post(&self, path: &str, content_type: &str, encoding: Encoding, body: &[u8]) -> Answer {
        let headers = [("content-type", content_type), ("content-encoding", name(encoding))];
        self.http(Method::POST, path, &headers, compressed(encoding, body)).await
    }

    async fn grpc(&self, path: &str, encoding: Encoding, frame: Vec<u8>) -> Answer {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("http2");
        tokio::spawn(connection);
        let path = format!("http://{}{path}", self.address);
        let headers = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-encoding", name(encoding))];
        answered(sender.send_request(request(Method::POST, &path, &headers, frame))).await
    }

    fn refuse(&self, refusal: Refusal) {
        *self.kept.refusal.lock().expect("unpoisoned") = Some(refusal);
    }

    fn received(&self) -> Vec<Arc<Received>> {
        std::mem::take(&mut *self.kept.received.lock().expect("unpoisoned"))
    }

    fn counts(&self) -> Counts {
        self.receiver.counters().counts()
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::from(body))).expect("a request")
}

async fn answered(response: impl Future<Output = hyper::Result<http::Response<hyper::body::Incoming>>>) -> Answer {
    let (parts, body) = response.await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_default();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes(), trailers }
}

fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Identity => "identity",
        Encoding::Gzip => "gzip",
        Encoding::Zstd => "zstd",
    }
}

fn compressed(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => body.to_vec(),
        Encoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).and_then(|()| encoder.finish()).expect("compressed")
        }
        Encoding::Zstd => zstd::encode_all(body, 1).expect("compressed"),
    }
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("small").to_be_bytes();
    [&[flag], length.as_slice(), message].concat()
}

fn spans() -> Vec<Span> {
    (1..=3).map(|number| Span::new(TraceId([9; 16]), SpanId([number; 8]), format!("step {number}"))).collect()
}

const ENCODINGS: [Encoding; 3] = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd];

#[tokio::test]
async fn http_takes_every_format_and_compression_and_keeps_the_body_as_it_came() {
    let running = Running::start().await;
    for encoding in ENCODINGS {
        for (content_type, format, body) in [
            (PROTOBUF, Format::Protobuf, otlp::encode_traces_protobuf(&spans())),
            (JSON, Format::Json, otlp::encode_traces_json(&spans()).into_bytes()),
        ] {
            let answer = running.post("/v1/traces", content_type, encoding, &body).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, content_type));
            let received = running.received();
            let kind = BodyKind { signal: Signal::Traces, format, encoding };
            assert_eq!((received.len(), received[0].kind, received[0].batch.unpack().spans), (1, kind, spans()));
            assert_eq!(received[0].body, compressed(encoding, &body));
            assert_eq!(decode_body(kind, &received[0].body).expect("again").batch.unpack(), received[0].batch.unpack());
        }
    }
    assert_eq!((running.counts().spans, running.counts().requests), (18, 6));
}

#[tokio::test]
async fn grpc_is_taken_on_the_same_port_with_every_compression() {
    let running = Running::start().await;
    let body = otlp::encode_traces_protobuf(&spans());
    for encoding in ENCODINGS {
        let message = compressed(encoding, &body);
        let flag = u8::from(encoding != Encoding::Identity);
        let answer = running.grpc(TRACE_SERVICE, encoding, framed(flag, &message)).await;
        assert_eq!((answer.status, answer.header("grpc-status"), &answer.body[..]), (200, "0", &[0; 5][..]));
        let received = running.received();
        assert_eq!((received[0].batch.unpack().spans, received[0].kind.encoding), (spans(), encoding));
        assert_eq!(received[0].body, message, "kept without the frame, still compressed");
    }
}

#[tokio::test]
async fn logs_join_by_trace_and_the_rest_is_counted() {
    let running = Running::start().await;
    let kept = LogRecord { trace_id: Some(TraceId([1; 16])), ..LogRecord::default() };
    let body = otlp::encode_logs_protobuf(&[kept.clone(), LogRecord::default()]);
    let answer = running.post("/v1/logs", PROTOBUF, Encoding::Identity, &body).await;
    let (rejected, message) = otlp::decode_partial_success(&answer.body).expect("a response");
    assert_eq!((answer.status, rejected), (200, 1));
    assert!(message.contains("without a trace id"), "{message}");
    assert_eq!(running.received()[0].batch.logs, [kept]);
    assert_eq!((running.counts().logs, running.counts().logs_without_trace), (1, 1));
}

#[tokio::test]
async fn spans_set_aside_are_told_in_partial_success() {
    let running = Running::start().await;
    let mut mixed = spans();
    mixed[1].span_id = SpanId([0; 8]);
    let body = otlp::encode_traces_protobuf(&mixed);
    let answer = running.post("/v1/traces", PROTOBUF, Encoding::Identity, &body).await;
    let (rejected, message) = otlp::decode_partial_success(&answer.body).expect("a response");
    assert_eq!((answer.status, rejected), (200, 1));
    assert!(message.contains("span id"), "{message}");
    assert_eq!((running.received()[0].batch.spans.len(), running.counts().spans_rejected), (2, 1));
    let json = otlp::encode_traces_json(&mixed).into_bytes();
    let answer = running.post("/v1/traces", JSON, Encoding::Identity, &json).await;
    assert!(String::from_utf8_lossy(&answer.body).contains("rejectedSpans"));
}

#[tokio::test]
async fn metrics_are_answered_and_counted() {
    let running = Running::start().await;
    let json = br#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"dataPoints":[{},{}]}}]}]}]}"#;
    let answer = running.post("/v1/metrics", JSON, Encoding::Identity, json).await;
    assert_eq!((answer.status, running.counts().metric_points_not_kept), (200, 2));
    assert!(running.received().is_empty());
}

#[tokio::test]
async fn each_mistake_has_its_status_and_says_what_to_do() {
    let running = Running::start().await;
    let json = [("content-type", JSON)];
    let check = |answer: Answer, status: u16, words: &str| {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(words), "{text}");
        answer
    };
    check(running.http(Method::POST, "/v1/trace", &json, vec![]).await, 404, "/v1/traces");
    let answer = check(running.http(Method::GET, "/v1/traces", &json, vec![]).await, 405, "POST");
    assert!(answer.header("allow").contains("POST"));
    let plain = [("content-type", "text/plain")];
    check(running.http(Method::POST, "/v1/traces", &plain, vec![]).await, 415, "application/x-protobuf");
    let brotli = [("content-type", JSON), ("content-encoding", "br")];
    check(running.http(Method::POST, "/v1/traces", &brotli, vec![]).await, 415, "gzip, zstd");
    check(running.post("/v1/traces", JSON, Encoding::Identity, b"{\"resourceSpans\":[{]}").await, 400, "\"code\":3");
    check(running.post("/v1/traces", PROTOBUF, Encoding::Identity, b"\x0a\xff").await, 400, "decode");
    let lying = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    check(running.http(Method::POST, "/v1/traces", &lying, b"no gzip".to_vec()).await, 400, "content-encoding");
    let counts = running.counts();
    assert_eq!((counts.requests_rejected, counts.spans), (7, 0));
    assert!(counts.last_rejection.is_some_and(|last| last.message.contains("content-encoding") && last.time.0 == 7));
    assert!(running.received().is_empty(), "nothing of a broken body is kept");
}

#[tokio::test]
async fn a_bomb_is_refused_as_too_large() {
    let running = Running::start().await;
    // Written piece by piece: half a gigabyte of zeros need not stand in memory on this side too.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
    let piece = vec![0; 1 << 20];
    for _ in 0..=ingest::limits::DECOMPRESSED_BYTES_MAX >> 20 {
        encoder.write_all(&piece).expect("compressed");
    }
    let bomb = encoder.finish().expect("compressed");
    assert!(bomb.len() < 1 << 20, "small on the wire");
    let headers = [("content-type", PROTOBUF), ("content-encoding", "zstd")];
    let answer = running.http(Method::POST, "/v1/traces", &headers, bomb).await;
    assert_eq!(answer.status, 413);
    assert!(running.received().is_empty());
}

#[tokio::test]
async fn grpc_mistakes_have_their_codes() {
    let running = Running::start().await;
    let body = otlp::encode_traces_protobuf(&spans());
    let good = framed(0, &body);
    let code = async |path: &str, frame: Vec<u8>| {
        running.grpc(path, Encoding::Identity, frame).await.header("grpc-status").to_owned()
    };
    assert_eq!(code("/some.Service/Method", good.clone()).await, "12");
    assert_eq!(code(TRACE_SERVICE, vec![0, 0]).await, "3");
    assert_eq!(code(TRACE_SERVICE, good[..good.len() - 1].to_vec()).await, "3");
    assert_eq!(code(TRACE_SERVICE, framed(1, &body)).await, "3");
    assert_eq!(code(TRACE_SERVICE, framed(0, b"\x0a\xff")).await, "3");
    assert!(running.received().is_empty());
}

#[tokio::test]
async fn overload_and_a_store_that_cannot_write_ask_to_come_again() {
    let running = Running::start().await;
    let body = otlp::encode_traces_protobuf(&spans());
    running.refuse(Refusal::Overloaded { reason: "full".to_owned(), retry_after: Duration::from_secs(3) });
    let answer = running.post("/v1/traces", PROTOBUF, Encoding::Identity, &body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "3"));
    let answer = running.grpc(TRACE_SERVICE, Encoding::Identity, framed(0, &body)).await;
    assert_eq!((answer.header("grpc-status"), answer.header("grpc-message")), ("8", "full"));
    assert!(!answer.header("grpc-status-details-bin").is_empty(), "without RetryInfo a client gives up");
    running.refuse(Refusal::Unavailable { reason: "disk full".to_owned() });
    let answer = running.post("/v1/traces", PROTOBUF, Encoding::Identity, &body).await;
    assert_eq!(answer.status, 503);
    let answer = running.grpc(TRACE_SERVICE, Encoding::Identity, framed(0, &body)).await;
    assert_eq!(answer.header("grpc-status"), "14");
    assert_eq!((running.counts().spans, running.counts().requests_throttled), (0, 2));
}

#[tokio::test]
async fn only_pages_from_loopback_are_permitted() {
    let running = Running::start().await;
    for (origin, permitted) in [("http://localhost:3000", "http://localhost:3000"), ("https://example.com", "")] {
        let asked = [("origin", origin), ("access-control-request-method", "POST")];
        let answer = running.http(Method::OPTIONS, "/v1/traces", &asked, vec![]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, permitted));
        let sent = [("origin", origin), ("content-type", JSON)];
        let answer = running.http(Method::POST, "/v1/traces", &sent, b"{}".to_vec()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, permitted));
    }
}

#[tokio::test]
async fn a_sender_that_dies_in_the_middle_of_a_body_leaves_nothing() {
    let running = Running::start().await;
    let mut stream = TcpStream::connect(running.address).await.expect("connected");
    let body = otlp::encode_traces_protobuf(&spans());
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&body[..body.len() / 2]).await.expect("sent");
    stream.shutdown().await.expect("closed");
    // The other side closing is what tells that it is done with the request.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert!(running.received().is_empty() && running.counts().spans == 0);
    let answer = running.post("/v1/traces", PROTOBUF, Encoding::Identity, &body).await;
    assert_eq!(answer.status, 200, "the receiver goes on");
}

#[tokio::test]
async fn a_port_in_use_says_which_and_how_to_look() {
    let running = Running::start().await;
    let config = Config { grpc: Some(running.address.to_string()), http: None };
    let error = Receiver::bind(&config, vec![], Arc::new(ManualClock::at(0))).await.expect_err("in use");
    let text = error.to_string();
    assert!(text.contains(&running.address.to_string()) && text.contains("ss -ltnp"), "{text}");
}

#[tokio::test]
async fn one_address_for_both_is_one_port_and_draining_ends() {
    let free = Running::start().await;
    let address = free.address.to_string();
    assert!(free.receiver.drain(Duration::from_secs(5)).await, "nothing was under way");
    let config = Config { grpc: Some(address.clone()), http: Some(address) };
    let receiver = Receiver::bind(&config, vec![], Arc::new(ManualClock::at(0))).await.expect("free again");
    assert_eq!(receiver.grpc_address(), receiver.http_address());
    assert!(receiver.drain(Duration::from_secs(5)).await);
}
