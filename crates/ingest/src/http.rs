//! OTLP over HTTP (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use otlp::ResponseSignal;

use crate::cors;
use crate::exchange::{Exchange, Outcome, Refused, bad};
use crate::limits::QUOTED_CHARS_MAX;
use crate::{BodyKind, Encoding, Format, Signal};

/// The body of every answer.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) fn full(bytes: impl Into<Bytes>) -> AnswerBody {
    Full::new(bytes.into()).boxed_unsync()
}

/// A refusal with its HTTP status.
struct Wrong {
    status: StatusCode,
    refused: Refused,
    allow: Option<&'static str>,
}

impl From<Refused> for Wrong {
    fn from(refused: Refused) -> Self {
        let status = match &refused {
            Refused::Bad { .. } => StatusCode::BAD_REQUEST,
            Refused::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Overloaded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refused::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self { status, refused, allow: None }
    }
}

pub(crate) async fn answer(exchange: &Exchange, request: Request<Incoming>, peer: SocketAddr) -> Response<AnswerBody> {
    let origin = cors::allowed_origin(request.headers());
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        let format = format_of(request.headers()).unwrap_or(Format::Protobuf);
        match export(exchange, request, peer).await {
            Ok((signal, outcome)) => success(format, signal, &outcome),
            Err(wrong) => {
                exchange.count(&wrong.refused, peer);
                failure(format, wrong)
            }
        }
    };
    cors::permit(origin, response.headers_mut());
    response
}

async fn export(
    exchange: &Exchange,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<(ResponseSignal, Outcome), Wrong> {
    let signal = signal_of(request.uri().path())?;
    if request.method() != Method::POST {
        let refused =
            bad("wrong-method", format!("{} takes POST only, not {}", request.uri().path(), request.method()));
        return Err(Wrong { status: StatusCode::METHOD_NOT_ALLOWED, refused, allow: Some("POST, OPTIONS") });
    }
    let format = format_of(request.headers()).map_err(unsupported)?;
    let encoding = encoding_of(request.headers(), CONTENT_ENCODING.as_str()).map_err(unsupported)?;
    let admitted = exchange.read(request.into_body()).await?;
    let outcome = match signal {
        ResponseSignal::Metrics => exchange.metrics(format, encoding, admitted).await?,
        ResponseSignal::Traces => {
            exchange.export(BodyKind { signal: Signal::Traces, format, encoding }, admitted, peer).await?
        }
        ResponseSignal::Logs => {
            exchange.export(BodyKind { signal: Signal::Logs, format, encoding }, admitted, peer).await?
        }
    };
    Ok((signal, outcome))
}

fn unsupported(refused: Refused) -> Wrong {
    Wrong { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, refused, allow: None }
}

fn signal_of(path: &str) -> Result<ResponseSignal, Wrong> {
    match path {
        "/v1/traces" => Ok(ResponseSignal::Traces),
        "/v1/logs" => Ok(ResponseSignal::Logs),
        "/v1/metrics" => Ok(ResponseSignal::Metrics),
        other => {
            let other: String = other.chars().take(QUOTED_CHARS_MAX).collect();
            let message = format!("there is nothing at {other}: OTLP is taken at /v1/traces, /v1/logs and /v1/metrics");
            Err(Wrong { status: StatusCode::NOT_FOUND, refused: bad("wrong-path", message), allow: None })
        }
    }
}

fn format_of(headers: &HeaderMap) -> Result<Format, Refused> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/x-protobuf" => Ok(Format::Protobuf),
        "application/json" => Ok(Format::Json),
        _ => {
            let read: String = content_type.chars().take(QUOTED_CHARS_MAX).collect();
            let message = format!("content-type is {read:?}: send application/x-protobuf or application/json");
            Err(bad("wrong-content-type", message))
        }
    }
}

/// The compression named in `header`.
pub(crate) fn encoding_of(headers: &HeaderMap, header: &str) -> Result<Encoding, Refused> {
    let Some(value) = headers.get(header) else { return Ok(Encoding::Identity) };
    let text = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
    match text.as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        other => {
            let read: String = other.chars().take(QUOTED_CHARS_MAX).collect();
            Err(bad("wrong-encoding", format!("{header} is {read:?}: send gzip, zstd or no compression")))
        }
    }
}

fn preflight(asked: &HeaderMap) -> Response<AnswerBody> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    cors::permit_preflight(asked, response.headers_mut());
    response
}

fn success(format: Format, signal: ResponseSignal, outcome: &Outcome) -> Response<AnswerBody> {
    let body = match format {
        Format::Protobuf => otlp::encode_response_protobuf(outcome.rejected, &outcome.message),
        Format::Json => otlp::encode_response_json(signal, outcome.rejected, &outcome.message).into_bytes(),
    };
    with_body(StatusCode::OK, format, body)
}

fn failure(format: Format, wrong: Wrong) -> Response<AnswerBody> {
    // The codes of google.rpc.Code.
    const INVALID_ARGUMENT: i32 = 3;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const UNAVAILABLE: i32 = 14;
    let code = match wrong.refused {
        Refused::Bad { .. } | Refused::TooLarge(_) => INVALID_ARGUMENT,
        Refused::Overloaded { .. } => RESOURCE_EXHAUSTED,
        Refused::Unavailable(_) => UNAVAILABLE,
    };
    let (message, retry_seconds) = (wrong.refused.message(), wrong.refused.retry_seconds());
    let body = match format {
        Format::Protobuf => otlp::encode_status_protobuf(code, message, retry_seconds),
        Format::Json => otlp::encode_status_json(code, message).into_bytes(),
    };
    let mut response = with_body(wrong.status, format, body);
    if let Some(allow) = wrong.allow {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = retry_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn with_body(status: StatusCode, format: Format, body: Vec<u8>) -> Response<AnswerBody> {
    let content_type = match format {
        Format::Protobuf => "application/x-protobuf",
        Format::Json => "application/json",
    };
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
