//! Where to send: what a person wrote, checked, with every mistake at once.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use crate::limits::{SPOOL_BYTES_DEFAULT, TIMEOUT_DEFAULT};
use crate::tls::{Tls, TlsText};

/// Where OTLP over gRPC is listened to by default.
const GRPC_PORT: u16 = 4317;

/// A destination as it was written in a file or in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestinationText {
    /// Its name in counters and logs; made from the endpoint when empty.
    pub name: String,
    /// `http://tempo:4318`, with or without `/v1/traces`.
    pub endpoint: String,
    /// `http/protobuf`, `http/json` or `grpc`; if not said, `grpc` for port 4317, else `http/protobuf`.
    pub protocol: Option<String>,
    /// Headers for every request.
    pub headers: Vec<(String, String)>,
    /// A TraceQL selector: only spans that match are sent.
    pub filter: Option<String>,
    /// `gzip`, `zstd` or `none` (default).
    pub compression: Option<String>,
    /// How long a request may take.
    pub timeout: Option<Duration>,
    /// Bytes that may wait on disk.
    pub spool_bytes_max: Option<u64>,
    /// Where traces go, used as it is; wins over `endpoint`.
    pub traces_endpoint: Option<String>,
    /// Where logs go, used as it is; wins over `endpoint`.
    pub logs_endpoint: Option<String>,
    /// Certificates, for `https://`.
    pub tls: TlsText,
}

/// A destination that can be sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name in counters and logs, and that of its folder.
    pub name: String,
    /// Where traces go; none when they are not sent.
    pub traces: Option<Uri>,
    /// Where logs go; none when they are not sent.
    pub logs: Option<Uri>,
    /// How they are sent.
    pub protocol: Protocol,
    /// Headers for every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A checked TraceQL selector: only spans that match are sent.
    pub filter: Option<String>,
    /// How bodies are compressed.
    pub compression: Compression,
    /// How long a request may take.
    pub timeout: Duration,
    /// Bytes that may wait on disk; what comes beyond is dropped and counted.
    pub spool_bytes_max: u64,
    /// Certificates, for `https://`.
    pub tls: Tls,
}

impl fmt::Debug for Destination {
    /// Without the headers' values: they hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&HeaderName> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Destination")
            .field("name", &self.name)
            .field("traces", &self.traces.as_ref().map(without_userinfo))
            .field("logs", &self.logs.as_ref().map(without_userinfo))
            .field("protocol", &self.protocol)
            .field("headers", &headers)
            .field("filter", &self.filter)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .field("spool_bytes_max", &self.spool_bytes_max)
            .field("tls", &self.tls)
            .finish()
    }
}

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP with protobuf bodies.
    HttpProtobuf,
    /// OTLP/HTTP with JSON bodies.
    HttpJson,
    /// OTLP/gRPC.
    Grpc,
}

impl Protocol {
    /// The name as OpenTelemetry spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
            Self::Grpc => "grpc",
        }
    }
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The name of the content coding; none for no compression.
    #[must_use]
    pub fn coding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// One mistake in a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationProblem {
    /// The key it stands under: `endpoint`, `headers.x-y`, …
    pub key: String,
    /// What is wrong, with what was read.
    pub error: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for DestinationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.key, self.error, self.hint)
    }
}

impl std::error::Error for DestinationProblem {}

impl DestinationText {
    /// Checks everything.
    ///
    /// # Errors
    /// All mistakes, in the order of the keys.
    pub fn check(&self) -> Result<Destination, Vec<DestinationProblem>> {
        let mut problems = Vec::new();
        let mut note = |key: &str, error: String, hint: &str| {
            problems.push(DestinationProblem { key: key.to_owned(), error, hint: hint.to_owned() });
        };
        let protocol = match self.protocol.as_deref().unwrap_or_else(|| self.protocol_of_port()) {
            "http/protobuf" | "http" => Protocol::HttpProtobuf,
            "http/json" => Protocol::HttpJson,
            "grpc" => Protocol::Grpc,
            other => {
                note("protocol", format!("unknown protocol {other:?}"), "write http/protobuf, http/json or grpc");
                Protocol::HttpProtobuf
            }
        };
        let compression = match self.compression.as_deref().unwrap_or("none") {
            "none" | "" => Compression::None,
            "gzip" => Compression::Gzip,
            "zstd" => Compression::Zstd,
            other => {
                note("compression", format!("unknown compression {other:?}"), "write gzip, zstd or none");
                Compression::None
            }
        };
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((name, value));
                }
                (Err(_), _) => note(
                    &format!("headers.{name}"),
                    format!("{name:?} is no header name"),
                    "use letters, digits and dashes",
                ),
                // The value may be a key: it is not repeated.
                (_, Err(_)) => note(
                    &format!("headers.{name}"),
                    "its value holds a character that no header can carry".to_owned(),
                    "is there a line break at its end?",
                ),
            }
        }
        if let Some(problem) = self.filter.as_deref().and_then(|filter| crate::filter::Filter::parse(filter).err()) {
            note("filter", problem, "write a TraceQL selector, such as { status = error }");
        }
        let (traces, logs) = match self.addresses(protocol) {
            Ok(addresses) => addresses,
            Err((key, error)) => {
                note(key, error, "write it like http://tempo:4318 or https://otlp.example.com");
                (None, None)
            }
        };
        let timeout = self.timeout.unwrap_or(TIMEOUT_DEFAULT);
        if timeout.is_zero() {
            note("timeout", "no request can be answered in 0 s".to_owned(), "write 10s");
        }
        let tls = self.tls.read().unwrap_or_else(|wrong| {
            wrong.into_iter().for_each(|(key, error, hint)| note(key, error, hint));
            Tls::default()
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Destination {
            name: self.name_or_host(traces.as_ref().or(logs.as_ref())),
            traces,
            logs,
            protocol,
            headers,
            filter: self.filter.clone(),
            compression,
            timeout,
            spool_bytes_max: self.spool_bytes_max.unwrap_or(SPOOL_BYTES_DEFAULT),
            tls,
        })
    }

    /// Port 4317 is registered for OTLP over gRPC, and nothing else is expected there.
    fn protocol_of_port(&self) -> &'static str {
        let written = [Some(&self.endpoint), self.traces_endpoint.as_ref(), self.logs_endpoint.as_ref()];
        let first = written.into_iter().flatten().map(|text| text.trim()).find(|text| !text.is_empty());
        let uri: Option<Uri> = first.and_then(|text| text.parse().ok());
        if uri.and_then(|uri| uri.port_u16()) == Some(GRPC_PORT) { "grpc" } else { "http/protobuf" }
    }

    fn addresses(&self, protocol: Protocol) -> Result<Addresses, (&'static str, String)> {
        let exact = |key, text: &Option<String>| {
            text.as_deref().map(|text| absolute(text, protocol).map_err(|error| (key, error))).transpose()
        };
        let traces = exact("traces_endpoint", &self.traces_endpoint)?;
        let logs = exact("logs_endpoint", &self.logs_endpoint)?;
        if self.endpoint.trim().is_empty() {
            if traces.is_none() && logs.is_none() {
                return Err(("endpoint", "there is none".to_owned()));
            }
            return Ok((traces, logs));
        }
        let base = absolute(&self.endpoint, protocol).map_err(|error| ("endpoint", error))?;
        if protocol == Protocol::Grpc {
            return Ok((traces.or_else(|| Some(base.clone())), logs.or(Some(base))));
        }
        let of = |signal| below(&base, signal).map_err(|error| ("endpoint", error));
        Ok((traces.map_or_else(|| of("traces"), Ok).map(Some)?, logs.map_or_else(|| of("logs"), Ok).map(Some)?))
    }

    fn name_or_host(&self, address: Option<&Uri>) -> String {
        if !self.name.trim().is_empty() {
            return self.name.trim().to_owned();
        }
        address.and_then(Uri::host).unwrap_or("destination").to_owned()
    }
}

/// Where traces and logs go.
type Addresses = (Option<Uri>, Option<Uri>);

fn absolute(text: &str, protocol: Protocol) -> Result<Uri, String> {
    let text = text.trim();
    // gRPC targets are often written without a scheme.
    let written =
        if protocol == Protocol::Grpc && !text.contains("://") { format!("http://{text}") } else { text.to_owned() };
    let uri: Uri = written.parse().map_err(|_| format!("{text:?} is no address"))?;
    let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    if !known_scheme || uri.host().is_none_or(str::is_empty) {
        return Err(format!("{text:?} has no http:// or https:// and host"));
    }
    Ok(uri)
}

/// The address of a signal below a base, which may name a signal already.
fn below(base: &Uri, signal: &str) -> Result<Uri, String> {
    let text = base.to_string();
    let text = text.trim_end_matches('/');
    let text = text.strip_suffix("/v1/traces").or_else(|| text.strip_suffix("/v1/logs")).unwrap_or(text);
    format!("{text}/v1/{signal}").parse().map_err(|_| format!("{text:?} cannot be followed by /v1/{signal}"))
}

/// An address for people: without user and password.
#[must_use]
pub fn without_userinfo(uri: &Uri) -> String {
    let text = uri.to_string();
    match (text.split_once("://"), uri.authority().and_then(|authority| authority.as_str().rsplit_once('@'))) {
        (Some((scheme, _)), Some((_, host))) => {
            format!("{scheme}://{host}{}", uri.path_and_query().map_or("", |path| path.as_str()))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(endpoint: &str, protocol: &str) -> (String, String) {
        let text = DestinationText {
            endpoint: endpoint.into(),
            protocol: Some(protocol.into()),
            ..DestinationText::default()
        };
        let destination = text.check().expect("valid");
        let print = |uri: Option<Uri>| uri.map(|uri| uri.to_string()).unwrap_or_default();
        (print(destination.traces), print(destination.logs))
    }

    #[test]
    fn signals_are_sent_below_the_endpoint() {
        let expected = ("http://tempo:4318/v1/traces".to_owned(), "http://tempo:4318/v1/logs".to_owned());
        assert_eq!(addresses("http://tempo:4318", "http/protobuf"), expected);
        assert_eq!(addresses("http://tempo:4318/", "http/json"), expected);
        assert_eq!(addresses("http://tempo:4318/v1/traces", "http/protobuf"), expected);
        assert_eq!(addresses("https://h/otlp", "http/protobuf").0, "https://h/otlp/v1/traces");
        assert_eq!(addresses("collector:4317", "grpc").0, "http://collector:4317/");
    }

    #[test]
    fn the_protocol_is_told_from_the_port() {
        let protocol = |endpoint: &str| {
            let text = DestinationText { endpoint: endpoint.into(), ..DestinationText::default() };
            text.check().expect("valid").protocol
        };
        assert_eq!(protocol("http://datadog-agent:4317"), Protocol::Grpc);
        assert_eq!(protocol("collector:4317"), Protocol::Grpc);
        assert_eq!(protocol("http://tempo:4318"), Protocol::HttpProtobuf);
        assert_eq!(protocol("https://otlp.example.com/otlp"), Protocol::HttpProtobuf);
    }

    #[test]
    fn every_mistake_is_said_at_once_and_no_key_is_repeated() {
        let text = DestinationText {
            endpoint: "tempo".into(),
            protocol: Some("udp".into()),
            compression: Some("rar".into()),
            headers: vec![("a b".into(), "x".into()), ("dd-api-key".into(), "secret\n".into())],
            timeout: Some(Duration::ZERO),
            ..DestinationText::default()
        };
        let problems = text.check().expect_err("five mistakes");
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["protocol", "compression", "headers.a b", "headers.dd-api-key", "endpoint", "timeout"]);
        assert!(!problems.iter().any(|problem| problem.to_string().contains("secret")));
    }

    #[test]
    fn what_is_printed_has_no_keys() {
        let text = DestinationText {
            endpoint: "http://user:secret@tempo:4318".into(),
            headers: vec![("authorization".into(), "Bearer secret".into())],
            ..DestinationText::default()
        };
        let destination = text.check().expect("valid");
        assert!(!format!("{destination:?}").contains("secret"), "{destination:?}");
        assert_eq!(destination.name, "tempo");
    }
}
