//! What tells one call of a client span from another, so that what was learned about it can be found again.

use model::Span;

/// The text under which the other side of this call is remembered: caller, span name, peer, path. Ports of loopback
/// addresses change from run to run and are left out.
pub(super) fn key(span: &Span) -> String {
    let peer = peer(span).unwrap_or_default();
    let text = |key: &str| span.attributes.text(key).unwrap_or_default();
    let path = span
        .attributes
        .text("url.full")
        .or_else(|| span.attributes.text("http.url"))
        .and_then(|url| url.split_once("://"))
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, path)| path.split(['?', '#']).next().unwrap_or_default())
        .unwrap_or_default();
    let path: String = path.chars().take(64).map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    format!("{}|{}|{peer}|{path}|{}", span.service_name(), span.name, text("rpc.method"))
}

/// The other side's host or name, as the caller calls it.
pub(super) fn peer(span: &Span) -> Option<&str> {
    ["service.peer.name", "peer.service", "server.address", "net.peer.name", "rpc.service"]
        .into_iter()
        .find_map(|key| span.attributes.text(key))
        .filter(|peer| !peer.is_empty())
}

/// Calls whose other side is usually not traced: databases by their drivers, language models by their libraries.
pub(super) fn is_usually_untraced(span: &Span) -> bool {
    let has = |key: &str| span.attributes.get(key).is_some();
    let remote_call = has("rpc.system") || has("rpc.system.name") || has("http.request.method") || has("http.method");
    !remote_call && (has("db.system.name") || has("db.system") || has("gen_ai.operation.name") || has("gen_ai.system"))
}

/// A host out in the world, which will hardly be one of the services under test.
pub(super) fn is_public(peer: &str) -> bool {
    let inner = [".local", ".internal", ".svc", ".cluster.local", ".localhost"];
    let numeric = peer.parse::<std::net::IpAddr>().is_ok();
    !numeric && peer.contains('.') && !peer.contains('/') && !inner.iter().any(|suffix| peer.ends_with(suffix))
}

/// Whether the caller got an answer, though one that says error: then somebody handled the call.
pub(super) fn was_answered(span: &Span) -> bool {
    let status = ["http.response.status_code", "http.status_code"]
        .into_iter()
        .find_map(|key| span.attributes.get(key).and_then(model::Value::as_int));
    // 408 and 504 may be the caller's own words for a time-out, 502 and 503 those of a proxy that found nobody.
    status.is_some_and(|status| !matches!(status, 408 | 502..=504))
}
