//! Destinations from the environment: the simple form (`OTLP_COLLECTOR_ENDPOINT`, `OTLP_AUTH_TOKEN`) and OpenTelemetry's
//! (`OTEL_EXPORTER_OTLP_…`, <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::time::Duration;

use crate::destination::DestinationText;

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
    if let Some(exporter) = exporter(&read) {
        // Both forms naming one place is one destination, with what the longer form says.
        destinations.retain(|simple| simple.endpoint.trim_end_matches('/') != exporter.endpoint.trim_end_matches('/'));
        destinations.push(exporter);
    }
    for destination in &mut destinations {
        let has_own = destination.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(token) = token.as_ref().filter(|_| !has_own) {
            destination.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
    }
    destinations
}

fn exporter(read: &impl Fn(&str) -> Option<String>) -> Option<DestinationText> {
    let endpoint = read("OTEL_EXPORTER_OTLP_ENDPOINT");
    let traces_endpoint = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let logs_endpoint = read("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
    if endpoint.is_none() && traces_endpoint.is_none() && logs_endpoint.is_none() {
        return None;
    }
    Some(DestinationText {
        name: "otel".to_owned(),
        endpoint: endpoint.unwrap_or_default(),
        protocol: read("OTEL_EXPORTER_OTLP_PROTOCOL"),
        headers: read("OTEL_EXPORTER_OTLP_HEADERS").map(|text| headers(&text)).unwrap_or_default(),
        compression: read("OTEL_EXPORTER_OTLP_COMPRESSION"),
        timeout: read("OTEL_EXPORTER_OTLP_TIMEOUT").map(|text| milliseconds(&text)),
        traces_endpoint,
        logs_endpoint,
        ..DestinationText::default()
    })
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
    fn mistakes_in_variables_are_found_by_the_check() {
        let found = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "udp"),
        ]);
        assert_eq!(found[0].check().expect_err("mistakes").len(), 3);
    }
}
