//! Where to send telemetry on to: from the environment and from the `forwarding:` section of a file.

use forward::{Destination, DestinationText, TlsText};

use crate::exit::Failure;

/// The destinations that the environment names.
pub fn from_environment() -> Vec<DestinationText> {
    forward::from_environment(|name| std::env::var(name).ok())
}

/// The one of a command line.
pub fn from_argument(endpoint: Option<&str>) -> Option<DestinationText> {
    let endpoint = endpoint?.to_owned();
    Some(DestinationText { name: "otlp-endpoint".to_owned(), endpoint, ..DestinationText::default() })
}

/// Those of a suite file.
pub fn from_suite(forwarding: &[eval::suite::Forwarding]) -> Vec<DestinationText> {
    let on = forwarding.iter().filter(|forwarding| forwarding.enabled);
    on.map(|forwarding| DestinationText {
        name: forwarding.name.clone(),
        endpoint: forwarding.endpoint.clone(),
        protocol: forwarding.protocol.clone(),
        headers: forwarding.headers.clone(),
        filter: forwarding.filter.clone(),
        tls: TlsText {
            certificate: forwarding.certificate.clone(),
            client_certificate: forwarding.client_certificate.clone(),
            client_key: forwarding.client_key.clone(),
        },
        ..DestinationText::default()
    })
    .collect()
}

/// Checks all of them; every mistake is told at once.
pub fn checked(texts: &[DestinationText]) -> Result<Vec<Destination>, Failure> {
    let mut destinations = Vec::new();
    let mut problems = Vec::new();
    for text in texts {
        match text.check() {
            Ok(destination) => destinations.push(destination),
            Err(wrong) => problems.extend(wrong.iter().map(|problem| format!("forwarding: {problem}"))),
        }
    }
    if problems.is_empty() { Ok(destinations) } else { Err(Failure::usage(problems.join("\n"))) }
}
