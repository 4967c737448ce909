//! Answers: JSON, problems, compression.

use std::io::Write as _;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use wire::{Place, Problem, QueryProblem};

use crate::guard::is_near;
use crate::limits::COMPRESS_FROM_BYTES;
use crate::page::accepts_gzip;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    problem: Box<Problem>,
}

impl Refusal {
    /// A refusal with a hint.
    pub fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, problem: Box::new(Problem::new(error, hint)) }
    }

    /// What it says.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// A parameter that cannot be read.
    pub fn parameter(name: &str, error: impl Into<String>, hint: impl Into<String>) -> Self {
        let place = Place { of: name.to_owned(), line: 1, column: 1, offset: 0, length: 0 };
        let problem = Problem { place: Some(place), ..Problem::new(error, hint) };
        Self { status: StatusCode::BAD_REQUEST, problem: Box::new(problem) }
    }

    /// A query with mistakes.
    pub fn query(problems: Vec<QueryProblem>) -> Self {
        let first = problems.iter().find(|problem| !problem.is_warning);
        let problem = Problem {
            error: first.map_or_else(|| "the query cannot be run".to_owned(), |problem| problem.error.clone()),
            hint: first.and_then(|problem| problem.hint.clone()),
            place: first.and_then(|problem| problem.place.clone()),
            problems,
        };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, problem: Box::new(problem) }
    }

    /// The store cannot answer just now.
    pub fn unavailable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, "try again in a moment")
    }

    /// A fault of ours.
    pub fn fault(error: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
            "this is a fault of Headwater's: please report it",
        )
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.error)
    }
}

impl From<(StatusCode, Problem)> for Refusal {
    fn from((status, problem): (StatusCode, Problem)) -> Self {
        Self { status, problem: Box::new(problem) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What a handler answers.
pub type Answered = Result<Response, Refusal>;

/// `value` as JSON, compressed if the asker takes that.
pub fn json(asked: &HeaderMap, value: &impl Serialize) -> Answered {
    json_with_status(asked, StatusCode::OK, value)
}

/// `value` as JSON with another status.
pub fn json_with_status(asked: &HeaderMap, status: StatusCode, value: &impl Serialize) -> Answered {
    let body = serde_json::to_vec(value).map_err(Refusal::fault)?;
    let mut response = bytes(asked, "application/json", body);
    *response.status_mut() = status;
    Ok(response)
}

/// Bytes of a media type, compressed if the asker takes that and is not on this machine.
pub fn bytes(asked: &HeaderMap, media_type: &'static str, body: Vec<u8>) -> Response {
    let worthwhile = body.len() >= COMPRESS_FROM_BYTES && accepts_gzip(asked) && !is_near(asked);
    let zipped = worthwhile.then(|| gzip(&body)).flatten();
    let is_zipped = zipped.is_some();
    let mut response = Response::new(Body::from(zipped.map_or_else(|| Bytes::from(body), Bytes::from)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if is_zipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Whether the asker prefers JSON to the binary form.
pub fn wants_json(asked: &HeaderMap) -> bool {
    let accept = asked.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|offer| offer.trim().starts_with("application/json"))
}
