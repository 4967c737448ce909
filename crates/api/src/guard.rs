//! Who may ask. Without a token only hosts that mean this machine are served, so that a page elsewhere cannot reach us by
//! pointing its own name at 127.0.0.1 (DNS rebinding). With a token, only those who know it.

use std::fmt;
use std::net::SocketAddr;

use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode, Uri};
use sha2::{Digest, Sha256};
use stdx::{host_of, is_this_machine};
use wire::Problem;

/// The cookie of a page that signed in.
pub const COOKIE_NAME: &str = "headwater-token";

/// Decides who may ask.
#[derive(Clone)]
pub struct Guard {
    token: Option<String>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("token", &self.token.as_ref().map(|_| "…")).finish()
    }
}

/// An address that others can reach, and no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMissing {
    /// The address.
    pub address: SocketAddr,
}

impl fmt::Display for TokenMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} can be reached from other machines, so it needs a token: set one, or listen on 127.0.0.1",
            self.address
        )
    }
}

impl std::error::Error for TokenMissing {}

impl Guard {
    /// A guard for a server that listens on `address`.
    ///
    /// # Errors
    /// If the address is not loopback and there is no token.
    pub fn new(address: SocketAddr, token: Option<String>) -> Result<Self, TokenMissing> {
        let token = token.filter(|token| !token.is_empty());
        if token.is_none() && !address.ip().is_loopback() {
            return Err(TokenMissing { address });
        }
        Ok(Self { token })
    }

    /// Whether `token` is the right one.
    #[must_use]
    pub fn is_token(&self, token: &str) -> bool {
        // Hashes are compared, so that the time taken says nothing about the token.
        self.token.as_ref().is_some_and(|right| Sha256::digest(right) == Sha256::digest(token))
    }

    /// Whether the host asked for is one that this server may answer for.
    ///
    /// # Errors
    /// The answer to give instead.
    pub fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), (StatusCode, Problem)> {
        if self.token.is_some() {
            return Ok(());
        }
        let host = host_asked_for(uri, headers);
        if host.is_some_and(is_this_machine) {
            return Ok(());
        }
        Err((
            StatusCode::FORBIDDEN,
            Problem::new(
                format!("this server does not answer for the host {:?}", host.unwrap_or_default()),
                "ask for localhost or 127.0.0.1; to serve other names, start it with a token",
            ),
        ))
    }

    /// Whether the asker knows the token, if one is asked for.
    ///
    /// # Errors
    /// The answer to give instead.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), (StatusCode, Problem)> {
        if self.token.is_none() {
            return Ok(());
        }
        let sent = bearer(headers).or_else(|| cookie(headers));
        match sent {
            Some(token) if self.is_token(token) => Ok(()),
            Some(_) => Err(refusal("the token is not the right one")),
            None => Err(refusal("this server asks for a token")),
        }
    }

    /// Whether a request that changes something comes from our own page or from a program: another site's page could
    /// send one blindly.
    ///
    /// # Errors
    /// The answer to give instead.
    pub fn check_origin(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), (StatusCode, Problem)> {
        if method.is_safe() {
            return Ok(());
        }
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        if !authority.is_empty() && authority_asked_for(uri, headers) == Some(authority) {
            return Ok(());
        }
        Err((
            StatusCode::FORBIDDEN,
            Problem::new(
                format!("a page of {origin:?} may not change anything here"),
                "use the page that this server serves",
            ),
        ))
    }
}

fn refusal(error: &str) -> (StatusCode, Problem) {
    (StatusCode::UNAUTHORIZED, Problem::new(error, "send `authorization: Bearer TOKEN`, or sign in on the page"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

fn authority_asked_for<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    // HTTP/2 puts it into the URI, HTTP/1.1 into a header.
    uri.authority().map(|authority| authority.as_str()).or_else(|| headers.get(HOST)?.to_str().ok())
}

fn host_asked_for<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    host_of(authority_asked_for(uri, headers)?)
}

/// Whether the asker named this machine by a loopback name: then bytes cost nothing and compressing them does.
pub fn is_near(headers: &HeaderMap) -> bool {
    let Some(authority) = headers.get(HOST).and_then(|value| value.to_str().ok()) else { return false };
    host_of(authority).is_some_and(is_this_machine)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn guard(token: Option<&str>) -> Guard {
        Guard::new("127.0.0.1:4319".parse().expect("valid"), token.map(Into::into)).expect("loopback")
    }

    fn check_host(host: &str, served: bool) {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).expect("valid"))]);
        let answer = guard(None).check_host(&Uri::from_static("/api/v1/info"), &headers);
        assert_eq!(answer.is_ok(), served, "{host}");
        assert!(guard(Some("secret")).check_host(&Uri::from_static("/"), &headers).is_ok());
    }

    #[test]
    fn only_names_of_this_machine_are_served_without_a_token() {
        for host in
            ["localhost", "localhost:4319", "LocalHost.", "127.0.0.1:80", "127.9.9.9", "[::1]:4319", "a.localhost"]
        {
            check_host(host, true);
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:4319",
            "10.0.0.1",
            "[::2]",
            "",
            "0.0.0.0",
        ] {
            check_host(host, false);
        }
        assert!(guard(None).check_host(&Uri::from_static("/"), &HeaderMap::new()).is_err());
    }

    #[test]
    fn the_token_is_asked_for_where_others_can_reach() {
        let address = "0.0.0.0:4319".parse().expect("valid");
        assert!(Guard::new(address, None).is_err());
        assert!(Guard::new(address, Some(String::new())).is_err());
        let guard = Guard::new(address, Some("secret".into())).expect("has a token");
        let with = |name: http::HeaderName, value: &'static str| {
            HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
        };
        assert!(guard.check_token(&HeaderMap::new()).is_err());
        assert!(guard.check_token(&with(AUTHORIZATION, "Bearer wrong")).is_err());
        assert!(guard.check_token(&with(AUTHORIZATION, "bearer secret")).is_ok());
        assert!(guard.check_token(&with(COOKIE, "a=b; headwater-token=secret")).is_ok());
        assert!(guard.check_token(&with(COOKIE, "headwater-tokenx=secret")).is_err());
        assert!(!format!("{guard:?}").contains("secret"));
    }

    #[test]
    fn other_sites_may_not_change_anything() {
        let check = |method: Method, origin: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost:4319"))]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            guard(None).check_origin(&method, &Uri::from_static("/api/v1/evals"), &headers).is_ok()
        };
        assert!(check(Method::POST, None));
        assert!(check(Method::POST, Some("http://localhost:4319")));
        assert!(check(Method::GET, Some("https://evil.example")));
        assert!(!check(Method::POST, Some("https://evil.example")));
        assert!(!check(Method::DELETE, Some("http://localhost:3000")));
        assert!(!check(Method::POST, Some("null")));
    }
}
