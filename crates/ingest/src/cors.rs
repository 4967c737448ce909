//! Cross-origin requests: pages served from loopback may send; others get no permission from us, and the browser keeps them out.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Uri};

/// The origin of the request, if it is a page served from loopback.
pub(crate) fn allowed_origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let uri: Uri = origin.to_str().ok()?.parse().ok()?;
    let host = uri.host()?;
    let loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
    loopback.then(|| origin.clone())
}

/// Lets the page read the answer.
pub(crate) fn permit(origin: Option<HeaderValue>, answer: &mut HeaderMap) {
    if let Some(origin) = origin {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    answer.append(VARY, HeaderValue::from_static("origin"));
}

/// What a preflight is answered with, beside [`permit`].
pub(crate) fn permit_preflight(asked: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    let headers = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.unwrap_or_else(|| HeaderValue::from_static("content-type")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_from_loopback_may_send() {
        let allowed = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().expect("a header value"));
            allowed_origin(&headers).is_some()
        };
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5173", "http://app.localhost:8080"] {
            assert!(allowed(origin), "{origin}");
        }
        for origin in ["https://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com", "null"] {
            assert!(!allowed(origin), "{origin}");
        }
    }
}
