//! Who may control. Only hosts that mean this machine are answered for, and no page of any site may change anything: a
//! page elsewhere could point its own name at 127.0.0.1 (DNS rebinding), or send a request blindly.

use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{Method, Request, StatusCode};
use stdx::{host_of, is_this_machine};

use crate::told::Problem;

/// Whether a request may be answered.
///
/// # Errors
/// What to answer instead.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), (StatusCode, Problem)> {
    let refused = |status, error: String, hint: &str| Err((status, Problem { error, hint: hint.to_owned() }));
    let headers = request.headers();
    // HTTP/2 puts it into the URI, HTTP/1.1 into a header.
    let asked = request.uri().authority().map(|authority| authority.as_str());
    let host = asked.or_else(|| headers.get(HOST)?.to_str().ok()).and_then(host_of).unwrap_or_default();
    if !is_this_machine(host) {
        let error = format!("the proxies are not controlled by the name {host:?}");
        return refused(StatusCode::FORBIDDEN, error, "ask for localhost or 127.0.0.1");
    }
    if headers.contains_key(ORIGIN) {
        let error = "a web page may not control the proxies".to_owned();
        return refused(StatusCode::FORBIDDEN, error, "use `headwater eval --via`, or a program of your own");
    }
    let is_json = |value: &http::HeaderValue| value.to_str().is_ok_and(|value| value.starts_with("application/json"));
    if request.method() == Method::POST && !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        let error = "faults are put in as JSON".to_owned();
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, "send `content-type: application/json`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_request(method: Method, headers: &[(&str, &str)], expected: Option<StatusCode>) {
        let mut request = Request::builder().method(method).uri("/v1/faults");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = check(&request.body(()).expect("valid"));
        assert_eq!(answer.err().map(|(status, _)| status), expected, "{headers:?}");
    }

    #[test]
    fn only_programs_of_this_machine_control() {
        let json = ("content-type", "application/json");
        for host in ["localhost:9", "127.0.0.1", "[::1]:9", "a.localhost"] {
            check_request(Method::POST, &[("host", host), json], None);
        }
        for host in ["evil.example", "127.0.0.1.evil.example:9", ""] {
            check_request(Method::GET, &[("host", host)], Some(StatusCode::FORBIDDEN));
        }
        let page = ("origin", "http://127.0.0.1:9");
        check_request(Method::POST, &[("host", "127.0.0.1:9"), json, page], Some(StatusCode::FORBIDDEN));
        let blind = [("host", "127.0.0.1:9"), ("content-type", "text/plain")];
        check_request(Method::POST, &blind, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
}
