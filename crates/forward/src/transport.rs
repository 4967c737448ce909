//! One request to a destination, by HTTP or gRPC. Whatever happens becomes an [`Answer`].
//!
//! gRPC is spoken over tonic's channel but framed here: the body is on its way as bytes already, compressed as the
//! destination takes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use stdx::Clock;
use tonic::transport::{Channel, Endpoint};
use tower::{Service as _, ServiceExt as _};

use crate::answer::{Answer, media_type, of_grpc, of_http, shortened};
use crate::body::Signal;
use crate::destination::{Destination, Protocol};
use crate::environment::percent_decoded;
use crate::limits::{ANSWER_BYTES_MAX, CAUSES_MAX, CONNECT_TIMEOUT};
use crate::tls::Tls;

/// Sends requests to one destination.
#[derive(Clone)]
pub struct Transport {
    destination: Arc<Destination>,
    clock: Arc<dyn Clock>,
    wire: Wire,
}

#[derive(Clone)]
enum Wire {
    Http(reqwest::Client),
    Grpc { traces: Option<Channel>, logs: Option<Channel> },
}

const USER_AGENT: &str = concat!("headwater/", env!("CARGO_PKG_VERSION"));

impl Transport {
    /// Makes ready to send; connects to nothing yet.
    ///
    /// # Errors
    /// What keeps TLS from being set up, in words.
    pub fn new(destination: Arc<Destination>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let wire = match destination.protocol {
            Protocol::Grpc => Wire::Grpc {
                traces: destination.traces.as_ref().map(|uri| channel(uri, &destination.tls)).transpose()?,
                logs: destination.logs.as_ref().map(|uri| channel(uri, &destination.tls)).transpose()?,
            },
            Protocol::HttpProtobuf | Protocol::HttpJson => Wire::Http(client(&destination.tls)?),
        };
        Ok(Self { destination, clock, wire })
    }

    /// Sends `body`, which is encoded and compressed for the destination, and waits for the answer, no longer than
    /// configured.
    pub async fn send(&self, signal: Signal, body: Bytes) -> Answer {
        let timeout = self.destination.timeout;
        let sent = async {
            match &self.wire {
                Wire::Http(client) => self.send_http(client, signal, body).await,
                Wire::Grpc { traces, logs } => {
                    let channel = match signal {
                        Signal::Traces => traces,
                        Signal::Logs => logs,
                    };
                    self.send_grpc(channel.as_ref(), signal, body).await
                }
            }
        };
        match tokio::time::timeout(timeout, sent).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Failure::Connection(reason))) => Answer::Again { after: None, reason },
            Ok(Err(Failure::Here(reason))) => Answer::Never { reason },
            Err(_) => Answer::Again { after: None, reason: format!("no answer within {timeout:?}") },
        }
    }

    async fn send_http(&self, client: &reqwest::Client, signal: Signal, body: Bytes) -> Result<Answer, Failure> {
        let uri = self.address(signal)?;
        let mut request = client.post(uri.to_string()).body(body).headers(self.headers());
        request = request.header(CONTENT_TYPE, media_type(self.destination.protocol));
        if let Some(coding) = self.destination.compression.coding() {
            request = request.header(CONTENT_ENCODING, coding);
        }
        let mut response = request.send().await.map_err(Failure::connection)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut said = Vec::new();
        while let Some(part) = response.chunk().await.map_err(Failure::connection)? {
            let room = ANSWER_BYTES_MAX - said.len();
            said.extend_from_slice(&part[..part.len().min(room)]);
            if said.len() == ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(of_http(status, &headers, &said, self.clock.unix_nanos() / 1_000_000_000))
    }

    async fn send_grpc(&self, channel: Option<&Channel>, signal: Signal, body: Bytes) -> Result<Answer, Failure> {
        let uri = self.address(signal)?;
        let service = match signal {
            Signal::Traces => "opentelemetry.proto.collector.trace.v1.TraceService",
            Signal::Logs => "opentelemetry.proto.collector.logs.v1.LogsService",
        };
        let path = format!("{}/{service}/Export", uri.path().trim_end_matches('/'));
        let is_compressed = self.destination.compression.coding().is_some();
        let mut request = http::Request::post(path)
            .body(tonic::body::Body::new(Full::new(framed(&body, is_compressed))))
            .map_err(Failure::here)?;
        *request.version_mut() = http::Version::HTTP_2;
        let headers = request.headers_mut();
        headers.extend(self.headers());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(Protocol::Grpc)));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(coding) = self.destination.compression.coding() {
            headers.insert("grpc-encoding", HeaderValue::from_static(coding));
        }
        let timeout = format!("{}m", self.destination.timeout.as_millis().min(99_999_999));
        headers.insert("grpc-timeout", HeaderValue::try_from(timeout).map_err(Failure::here)?);

        let mut channel = channel.cloned().ok_or_else(|| Failure::here("no address for this signal"))?;
        let ready = channel.ready().await.map_err(Failure::connection)?;
        let response = ready.call(request).await.map_err(Failure::connection)?;
        let (parts, body) = response.into_parts();
        let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(Failure::connection)?;
        let trailers = collected.trailers().cloned().unwrap_or_default();
        Ok(grpc_answer(parts.status.as_u16(), &parts.headers, &trailers, &collected.to_bytes()))
    }

    fn address(&self, signal: Signal) -> Result<&Uri, Failure> {
        let address = match signal {
            Signal::Traces => &self.destination.traces,
            Signal::Logs => &self.destination.logs,
        };
        address.as_ref().ok_or_else(|| Failure::here("no address for this signal"))
    }

    fn headers(&self) -> HeaderMap {
        self.destination.headers.iter().cloned().collect()
    }
}

enum Failure {
    /// The destination could not be reached, or went away.
    Connection(String),
    /// It would fail the next time too.
    Here(String),
}

impl Failure {
    fn connection(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Connection(with_causes(&*error.into()))
    }

    fn here(error: impl std::fmt::Display) -> Self {
        Self::Here(error.to_string())
    }
}

/// An error with its causes: reqwest and tonic say "error sending request" and hide why.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| said.len() < CAUSES_MAX) {
        let text = error.to_string();
        if said.last().is_none_or(|last| !last.contains(&text)) {
            said.push(text);
        }
        cause = error.source();
    }
    shortened(&said.join(": "))
}

fn client(tls: &Tls) -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        // Environment variables are read by the binary alone.
        .no_proxy();
    tls.of_http(builder).and_then(reqwest::ClientBuilder::build).map_err(|error| with_causes(&error))
}

fn channel(uri: &Uri, tls: &Tls) -> Result<Channel, String> {
    let mut endpoint = Endpoint::from_shared(uri.to_string())
        .and_then(|endpoint| endpoint.user_agent(USER_AGENT))
        .map_err(|error| with_causes(&error))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    if uri.scheme_str() == Some("https") {
        endpoint = endpoint.tls_config(tls.of_grpc()).map_err(|error| with_causes(&error))?;
    }
    Ok(endpoint.connect_lazy())
}

/// A gRPC message: whether it is compressed, its length, itself.
fn framed(body: &[u8], is_compressed: bool) -> Bytes {
    let mut frame = Vec::with_capacity(5 + body.len());
    frame.push(u8::from(is_compressed));
    frame.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(body);
    frame.into()
}

fn grpc_answer(http_status: u16, headers: &HeaderMap, trailers: &HeaderMap, body: &[u8]) -> Answer {
    let field = |name: &str| trailers.get(name).or_else(|| headers.get(name)).and_then(|value| value.to_str().ok());
    let Some(status) = field("grpc-status").and_then(|text| text.parse().ok()) else {
        // No gRPC answered, perhaps a proxy did (gRPC's "HTTP to gRPC status code mapping").
        let reason = format!("HTTP {http_status} without a gRPC status: is this a gRPC endpoint?");
        return match http_status {
            429 | 502 | 503 | 504 => Answer::Again { after: None, reason },
            _ => Answer::Never { reason },
        };
    };
    let message = percent_decoded(field("grpc-message").unwrap_or_default());
    of_grpc(status, &message, field("grpc-status-details-bin"), body.get(5..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_answer_is_told_from_grpc() {
        let none = HeaderMap::new();
        assert!(matches!(grpc_answer(503, &none, &none, b""), Answer::Again { .. }));
        assert!(matches!(grpc_answer(200, &none, &none, b""), Answer::Never { .. }));
        let trailers =
            HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        assert!(matches!(grpc_answer(200, &none, &trailers, &[0; 5]), Answer::Delivered { rejected: 0, .. }));
    }

    #[test]
    fn a_grpc_message_is_read_without_its_percent_signs() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("3"));
        headers.insert("grpc-message", HeaderValue::from_static("50%25 of %C3%BC is 100% wrong"));
        let expected = Answer::Never { reason: "gRPC INVALID_ARGUMENT: 50% of ü is 100% wrong".to_owned() };
        assert_eq!(grpc_answer(200, &headers, &HeaderMap::new(), b""), expected);
    }
}
