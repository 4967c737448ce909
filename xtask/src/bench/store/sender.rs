//! A load sender that believes nothing: it counts what was acknowledged, sends again what was not, and complains of every
//! answer that is not a plain yes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::generator::{Generator, request_body};

/// Connections (HTTP) or streams (gRPC) at once.
const SENDERS: u64 = 4;
/// Traces of one request.
pub const TRACES_A_REQUEST: u64 = 100;
/// A body that is refused this often in a row is a failure.
const TRIES_MAX: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// How the bodies travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    Grpc,
}

/// How they are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn compress(self, plain: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => plain,
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                let _ = std::io::Write::write_all(&mut encoder, &plain);
                encoder.finish().unwrap_or_default()
            }
            Self::Zstd => zstd::bulk::compress(&plain, 3).unwrap_or_default(),
        }
    }
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Spans acknowledged.
    pub spans: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Requests told to come again.
    pub throttled: u64,
}

/// Sends the traces of these numbers and waits for every acknowledgement.
pub fn send(
    address: SocketAddr,
    protocol: Protocol,
    compression: Compression,
    generator: &Generator,
    traces: std::ops::Range<u64>,
) -> Result<Sent, String> {
    let next = AtomicU64::new(traces.start);
    let send_share = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(send_until(address, protocol, compression, generator, &next, traces.end))
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send_share)).collect();
        let mut total = Sent::default();
        for sender in senders {
            let sent = sender.join().map_err(|_| "a sender panicked".to_owned())??;
            total.spans += sent.spans;
            total.bytes += sent.bytes;
            total.throttled += sent.throttled;
        }
        Ok(total)
    })
}

async fn send_until(
    address: SocketAddr,
    protocol: Protocol,
    compression: Compression,
    generator: &Generator,
    next: &AtomicU64,
    end: u64,
) -> Result<Sent, String> {
    let mut connection = Connection::open(address, protocol).await?;
    let mut sent = Sent::default();
    loop {
        let first = next.fetch_add(TRACES_A_REQUEST, Ordering::Relaxed);
        if first >= end {
            return Ok(sent);
        }
        let traces: Vec<_> =
            (first..(first + TRACES_A_REQUEST).min(end)).map(|number| generator.trace(number)).collect();
        let body = Bytes::from(framed(protocol, compression, compression.compress(request_body(&traces))));
        sent.throttled += connection.deliver(address, protocol, compression, body.clone()).await?;
        sent.spans += traces.iter().map(|trace| trace.spans.len() as u64).sum::<u64>();
        sent.bytes += body.len() as u64;
    }
}

fn framed(protocol: Protocol, compression: Compression, body: Vec<u8>) -> Vec<u8> {
    if protocol == Protocol::Http {
        return body;
    }
    let mut framed = vec![u8::from(compression != Compression::None)];
    framed.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(body);
    framed
}

/// Delivers one body of any size, over HTTP and uncompressed.
pub fn send_body(address: SocketAddr, body: Vec<u8>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut connection = Connection::open(address, Protocol::Http).await?;
        connection.deliver(address, Protocol::Http, Compression::None, body.into()).await.map(drop)
    })
}

enum Connection {
    Http(http1::SendRequest<Full<Bytes>>),
    Grpc(http2::SendRequest<Full<Bytes>>),
}

/// What an answer means.
enum Answer {
    Kept,
    ComeAgain,
}

impl Connection {
    async fn open(address: SocketAddr, protocol: Protocol) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("cannot connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = TokioIo::new(stream);
        match protocol {
            Protocol::Http => {
                let (sender, connection) = http1::handshake(stream).await.map_err(|error| error.to_string())?;
                tokio::spawn(connection);
                Ok(Self::Http(sender))
            }
            Protocol::Grpc => {
                let handshake = http2::handshake(TokioExecutor::new(), stream).await;
                let (sender, connection) = handshake.map_err(|error| error.to_string())?;
                tokio::spawn(connection);
                Ok(Self::Grpc(sender))
            }
        }
    }

    /// Sends a body until it is acknowledged; answers how often it was told to come again.
    async fn deliver(
        &mut self,
        address: SocketAddr,
        protocol: Protocol,
        compression: Compression,
        body: Bytes,
    ) -> Result<u64, String> {
        for refused in 0..TRIES_MAX {
            match self.try_once(address, protocol, compression, body.clone()).await? {
                Answer::Kept => return Ok(u64::from(refused)),
                Answer::ComeAgain => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(format!("a body was refused {TRIES_MAX} times in a row"))
    }

    async fn try_once(
        &mut self,
        address: SocketAddr,
        protocol: Protocol,
        compression: Compression,
        body: Bytes,
    ) -> Result<Answer, String> {
        let request = Request::post(match protocol {
            Protocol::Http => "/v1/traces".to_owned(),
            Protocol::Grpc => format!("http://{address}{EXPORT}"),
        });
        let request = match (protocol, compression) {
            (Protocol::Http, Compression::None) => request.header("content-type", "application/x-protobuf"),
            (Protocol::Http, _) => {
                request.header("content-type", "application/x-protobuf").header("content-encoding", compression.name())
            }
            (Protocol::Grpc, _) => request
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("grpc-encoding", compression.name()),
        };
        let request = request.header("host", address.to_string()).body(Full::new(body));
        let request = request.map_err(|error| error.to_string())?;
        match self {
            Self::Http(sender) => {
                sender.ready().await.map_err(|error| error.to_string())?;
                http_answer(sender.send_request(request).await.map_err(|error| error.to_string())?).await
            }
            Self::Grpc(sender) => {
                sender.ready().await.map_err(|error| error.to_string())?;
                grpc_answer(sender.send_request(request).await.map_err(|error| error.to_string())?).await
            }
        }
    }
}

async fn http_answer(response: Response<hyper::body::Incoming>) -> Result<Answer, String> {
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    match status {
        StatusCode::OK if body.is_empty() => Ok(Answer::Kept),
        StatusCode::OK => Err(format!("not everything was kept: {}", String::from_utf8_lossy(&body))),
        StatusCode::TOO_MANY_REQUESTS => Ok(Answer::ComeAgain),
        other => Err(format!("the server answered {other}: {}", String::from_utf8_lossy(&body))),
    }
}

async fn grpc_answer(response: Response<hyper::body::Incoming>) -> Result<Answer, String> {
    let early = response.headers().get("grpc-status").cloned();
    let collected = response.into_body().collect().await.map_err(|error: hyper::Error| error.to_string())?;
    let status = early.or_else(|| collected.trailers().and_then(|trailers| trailers.get("grpc-status").cloned()));
    let body = collected.to_bytes();
    match status.as_ref().map(hyper::header::HeaderValue::as_bytes) {
        Some(b"0") if body.len() <= 5 => Ok(Answer::Kept),
        Some(b"0") => Err(format!("not everything was kept: {}", String::from_utf8_lossy(&body))),
        Some(b"8") => Ok(Answer::ComeAgain),
        other => Err(format!("the server answered with grpc-status {other:?}")),
    }
}

/// Asks the page's address, over one connection that is kept.
pub struct Asker {
    runtime: tokio::runtime::Runtime,
    sender: http1::SendRequest<Full<Bytes>>,
    page: SocketAddr,
}

impl Asker {
    /// Connects.
    pub fn open(page: SocketAddr) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let sender = runtime.block_on(async {
            let stream = TcpStream::connect(page).await.map_err(|error| error.to_string())?;
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            let handshake = http1::handshake(TokioIo::new(stream)).await;
            let (sender, connection) = handshake.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            Ok::<_, String>(sender)
        })?;
        Ok(Self { runtime, sender, page })
    }

    /// The body of the answer, if it is 200.
    pub fn get(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.get_as(path, "application/json")
    }

    /// The same as protobuf, where the address has that.
    pub fn get_protobuf(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.get_as(path, "application/x-protobuf")
    }

    fn get_as(&mut self, path: &str, accept: &str) -> Result<Vec<u8>, String> {
        let request = Request::get(path).header("host", self.page.to_string()).header("accept", accept);
        let request = request.body(Full::<Bytes>::default()).map_err(|error| error.to_string())?;
        let sender = &mut self.sender;
        self.runtime.block_on(async {
            sender.ready().await.map_err(|error| error.to_string())?;
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
            match status {
                StatusCode::OK => Ok(body.to_vec()),
                other => Err(format!("{path} answered {other}: {}", String::from_utf8_lossy(&body))),
            }
        })
    }
}
