//! OTLP over gRPC, unary calls on bare HTTP/2 (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>): a library
//! would decompress before we see the body, and we keep it as it came.
//!
//! ```text
//! body     1 byte: compressed or not | 4 bytes: length, big endian | the message
//! answer   the same, then trailers grpc-status and grpc-message; a failure is trailers only
//! ```

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

use crate::exchange::{Admitted, Exchange, Outcome, Refused, bad};
use crate::http::{AnswerBody, encoding_of, full};
use crate::limits::QUOTED_CHARS_MAX;
use crate::{BodyKind, Encoding, Format, Signal};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ENCODING: &str = "grpc-encoding";
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// <https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>
#[derive(Clone, Copy)]
enum Code {
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
}

/// Whether the request is gRPC's, whatever its path.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

enum Method {
    Export(Signal),
    Metrics,
}

fn method_of(path: &str) -> Option<Method> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Method::Export(Signal::Traces)),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Method::Export(Signal::Logs)),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Method::Metrics),
        _ => None,
    }
}

pub(crate) async fn answer(exchange: &Exchange, request: Request<Incoming>, peer: SocketAddr) -> Response<AnswerBody> {
    if request.version() != Version::HTTP_2 {
        let refused =
            bad("grpc-over-http1", "gRPC needs HTTP/2; OTLP over HTTP/1.1 has content-type application/x-protobuf");
        exchange.count(&refused, peer);
        let mut response = failure(Code::Unimplemented, &refused);
        *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
        return response;
    }
    let Some(method) = method_of(request.uri().path()) else {
        let path: String = request.uri().path().chars().take(QUOTED_CHARS_MAX).collect();
        let refused = bad(
            "wrong-path",
            format!("there is no method {path}: OTLP's trace, logs and metrics services are served here"),
        );
        exchange.count(&refused, peer);
        return failure(Code::Unimplemented, &refused);
    };
    match export(exchange, method, request, peer).await {
        Ok(outcome) => success(&outcome),
        Err((code, refused)) => {
            exchange.count(&refused, peer);
            failure(code, &refused)
        }
    }
}

async fn export(
    exchange: &Exchange,
    method: Method,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Outcome, (Code, Refused)> {
    let encoding = encoding_of(request.headers(), GRPC_ENCODING).map_err(|refused| (Code::Unimplemented, refused))?;
    let with_code = |refused: Refused| (code_of(&refused), refused);
    let mut admitted = exchange.read(request.into_body()).await.map_err(with_code)?;
    let encoding = unframe(&mut admitted, encoding).map_err(with_code)?;
    let outcome = match method {
        Method::Export(signal) => {
            exchange.export(BodyKind { signal, format: Format::Protobuf, encoding }, admitted, peer).await
        }
        Method::Metrics => exchange.metrics(Format::Protobuf, encoding, admitted).await,
    };
    outcome.map_err(with_code)
}

/// Takes the one message out of its frame; answers with how it is compressed.
fn unframe(admitted: &mut Admitted, encoding: Encoding) -> Result<Encoding, Refused> {
    let broken = |message: String| bad("broken-frame", message);
    let body = &admitted.bytes;
    let Some((&[compressed, a, b, c, d], message)) = body.split_first_chunk::<5>() else {
        return Err(broken(format!("a gRPC message begins with 5 bytes of frame, the body has {}", body.len())));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if message.len() != length {
        return Err(broken(format!("the frame says {length} bytes, {} came: send one message a call", message.len())));
    }
    admitted.bytes = body.slice(5..);
    match (compressed, encoding) {
        (0, _) => Ok(Encoding::Identity),
        (1, Encoding::Identity) => Err(broken("the message is compressed, but grpc-encoding does not say how".into())),
        (1, encoding) => Ok(encoding),
        (other, _) => Err(broken(format!("the frame's first byte is {other}: 0 is plain, 1 compressed"))),
    }
}

fn code_of(refused: &Refused) -> Code {
    match refused {
        Refused::Bad { .. } => Code::InvalidArgument,
        Refused::TooLarge(_) | Refused::Overloaded { .. } => Code::ResourceExhausted,
        Refused::Unavailable(_) => Code::Unavailable,
    }
}

fn success(outcome: &Outcome) -> Response<AnswerBody> {
    let message = otlp::encode_response_protobuf(outcome.rejected, &outcome.message);
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(framed)).with_trailers(std::future::ready(Some(Ok(trailers))));
    headed(body.boxed_unsync())
}

/// Trailers only: they stand in the headers, and no body follows.
fn failure(code: Code, refused: &Refused) -> Response<AnswerBody> {
    let mut response = headed(full(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(code as u16));
    insert(headers, GRPC_MESSAGE, percent_encoded(refused.message()));
    let details = otlp::encode_status_protobuf(code as i32, refused.message(), refused.retry_seconds());
    insert(headers, GRPC_DETAILS, STANDARD_NO_PAD.encode(details));
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    // Both values are plain ASCII by how they are encoded.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn headed(body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,zstd"));
    response
}

/// `grpc-message` is percent-encoded: everything but printable ASCII, and the percent sign.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte as char),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(super::percent_encoded("50% of ü\n"), "50%25 of %C3%BC%0A");
    }
}
