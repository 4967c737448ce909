//! Destinations from the environment: the simple form (`OTLP_COLLECTOR_ENDPOINT`, `OTLP_AUTH_TOKEN`) and OpenTelemetry's
//! (`OTEL_EXPORTER_OTLP_…`, <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::time::Duration;

use crate::destination::DestinationText;
use crate::tls::TlsText;

/// The destinations that the variables name; unchecked, so that their mistakes are reported with all others.
/// An empty variable counts as unset.
#[must_use]
pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Vec<DestinationText> {
    let read = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let token = read("OTLP_AUTH_TOKEN");
    let simple = read("OTLP_COLLECTOR_ENDPOINT").map(|endpoint| DestinationText {
        name: "collector".to_owned(),
        endpoint,
        ..DestinationText::default()
    });
    let mut destinations: Vec<DestinationText> = simple.into_iter().collect();
    let base = read("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_default();
    // Both forms naming one place is one destination, with what the longer form says.
    destinations.retain(|simple| simple.endpoint.trim_end_matches('/') != base.trim_end_matches('/'));
    destinations.extend(exporters(&read));
    for destination in &mut destinations {
        let has_own = destination.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(token) = token.as_ref().filter(|_| !has_own) {
            destination.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
    }
    destinations
}

/// One destination, or one for each signal where their settings differ.
fn exporters(read: &impl Fn(&str) -> Option<String>) -> Vec<DestinationText> {
    let endpoint = read("OTEL_EXPORTER_OTLP_ENDPOINT");
    let traces_endpoint = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let logs_endpoint = read("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
    let (traces, logs) = (settings(read, "TRACES"), settings(read, "LOGS"));
    if endpoint.is_none() && traces_endpoint.is_none() && logs_endpoint.is_none() {
        return Vec::new();
    }
    let traces_at = traces_endpoint.map(|text| with_scheme(text, &traces, read, "TRACES"));
    let logs_at = logs_endpoint.map(|text| with_scheme(text, &logs, read, "LOGS"));
    let same_scheme = schemeless_is_secure(read, "TRACES") == schemeless_is_secure(read, "LOGS");
    if traces == logs && same_scheme {
        let endpoint = endpoint.map(|text| with_scheme(text, &traces, read, "TRACES")).unwrap_or_default();
        let (traces_endpoint, logs_endpoint) = (traces_at, logs_at);
        return vec![DestinationText { name: "otel".to_owned(), endpoint, traces_endpoint, logs_endpoint, ..traces }];
    }
    let below = |settings: &DestinationText, signal: &str| {
        let base = with_scheme(endpoint.clone()?, settings, read, &signal.to_ascii_uppercase());
        let is_grpc = settings.protocol.as_deref() == Some("grpc");
        Some(if is_grpc { base } else { format!("{}/v1/{signal}", base.trim_end_matches('/')) })
    };
    let (traces_at, logs_at) =
        (traces_at.or_else(|| below(&traces, "traces")), logs_at.or_else(|| below(&logs, "logs")));
    let traces =
        traces_at.map(|at| DestinationText { name: "otel-traces".to_owned(), traces_endpoint: Some(at), ..traces });
    let logs = logs_at.map(|at| DestinationText { name: "otel-logs".to_owned(), logs_endpoint: Some(at), ..logs });
    traces.into_iter().chain(logs).collect()
}

/// What the variables say of one signal, but where it goes; those that name the signal win.
fn settings(read: &impl Fn(&str) -> Option<String>, signal: &str) -> DestinationText {
    let of = |name: &str| of_signal(read, signal, name);
    DestinationText {
        protocol: of("PROTOCOL"),
        headers: of("HEADERS").map(|text| headers(&text)).unwrap_or_default(),
        compression: of("COMPRESSION"),
        timeout: of("TIMEOUT").map(|text| milliseconds(&text)),
        tls: TlsText {
            certificate: of("CERTIFICATE"),
            client_certificate: of("CLIENT_CERTIFICATE"),
            client_key: of("CLIENT_KEY"),
        },
        ..DestinationText::default()
    }
}

fn of_signal(read: &impl Fn(&str) -> Option<String>, signal: &str, name: &str) -> Option<String> {
    read(&format!("OTEL_EXPORTER_OTLP_{signal}_{name}")).or_else(|| read(&format!("OTEL_EXPORTER_OTLP_{name}")))
}

/// Whether a gRPC address without a scheme is spoken to with TLS: only where the variables say so.
fn schemeless_is_secure(read: &impl Fn(&str) -> Option<String>, signal: &str) -> bool {
    of_signal(read, signal, "INSECURE").is_some_and(|text| text.eq_ignore_ascii_case("false"))
}

fn with_scheme(
    text: String,
    settings: &DestinationText,
    read: &impl Fn(&str) -> Option<String>,
    signal: &str,
) -> String {
    let is_grpc = settings.protocol.as_deref() == Some("grpc");
    if is_grpc && !text.contains("://") && schemeless_is_secure(read, signal) {
        format!("https://{text}")
    } else {
        text
    }
}

/// `key=value,key2=value2`, values percent-encoded.
fn headers(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.trim().to_owned(), percent_decoded(value.trim()))
        })
        .collect()
}

/// What `%20` and its like stand for; a `%` with anything else behind it stays.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What cannot be read becomes zero, which the check refuses with a hint.
fn milliseconds(text: &str) -> Duration {
    text.parse().map(Duration::from_millis).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Vec<DestinationText> {
        from_environment(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_no_destination() {
        assert!(read(&[("OTLP_AUTH_TOKEN", "t"), ("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).is_empty());
    }

    #[test]
    fn the_simple_form_sends_a_bearer_token() {
        let found = read(&[("OTLP_COLLECTOR_ENDPOINT", "http://c:4318"), ("OTLP_AUTH_TOKEN", "t")]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].headers, [("authorization".to_owned(), "Bearer t".to_owned())]);
        assert_eq!(found[0].name, "collector");
    }

    #[test]
    fn the_long_form_reads_as_the_specification_says() {
        let found = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/custom"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20abc, x-org = a%2Cb"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTLP_COLLECTOR_ENDPOINT", "http://c:4318/"),
            ("OTLP_AUTH_TOKEN", "t"),
        ]);
        assert_eq!(found.len(), 1, "both forms name one place");
        let destination = found[0].check().expect("valid");
        assert_eq!(destination.traces.expect("traces").to_string(), "http://t:1/custom");
        assert_eq!(destination.logs.expect("logs").to_string(), "http://c:4318/v1/logs");
        assert_eq!(destination.timeout, Duration::from_millis(2_500));
        assert_eq!(found[0].headers[0].1, "Basic abc", "the header given wins over the token");
        assert_eq!(found[0].headers[1], ("x-org".to_owned(), "a,b".to_owned()));
    }

    #[test]
    fn signals_with_settings_of_their_own_are_destinations_of_their_own() {
        let found = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-org=us"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-org=logs"),
        ]);
        let [traces, logs] = &found[..] else { panic!("{found:?}") };
        let (traces, logs) = (traces.check().expect("valid"), logs.check().expect("valid"));
        assert_eq!(traces.traces.expect("traces").to_string(), "http://c:4318/v1/traces");
        assert_eq!((traces.logs, logs.traces), (None, None));
        assert_eq!(logs.logs.expect("logs").to_string(), "http://c:4318/v1/logs");
        assert_eq!(logs.headers[0].1, "logs");
    }

    #[test]
    fn grpc_without_a_scheme_is_plain_unless_insecure_is_false() {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        assert_eq!(read(&variables)[0].check().expect("valid").traces.expect("traces").to_string(), "http://c:4317/");
        let secure = [variables[0], variables[1], ("OTEL_EXPORTER_OTLP_INSECURE", "false")];
        assert_eq!(read(&secure)[0].check().expect("valid").traces.expect("traces").to_string(), "https://c:4317/");
    }

    #[test]
    fn files_of_certificates_that_are_none_are_mistakes() {
        let found = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/key.pem"),
        ]);
        let problems = found[0].check().expect_err("mistakes");
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["certificate", "client_key", "client_key"], "{problems:?}");
    }

    #[test]
    fn mistakes_in_variables_are_found_by_the_check() {
        let found = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "udp"),
        ]);
        assert_eq!(found[0].check().expect_err("mistakes").len(), 3);
    }
}
