//! The control API of a standing process: faults by trace id, put in and ended by a runner.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /v1/edges` | `{"edges": [{"edge", "listen", "callee", "requests", "withoutContext", "hit", "faults": {…}, …}]}` |
//! | `POST /v1/faults` `{"traceId", "rules": ["rag -> llm: status=503"], "lastingMs"}` | `{"lease": 7}` |
//! | `DELETE /v1/faults/7` | `{"rules": [{"edge", "rule", "seen", "hits", "requests", "withoutContext"}]}` |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fault::Rule;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use model::TraceId;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::callee::Own;
use crate::guard;
use crate::limits::{CONTROL_BYTES_MAX, LEASE, LEASE_MAX};
use crate::listening;
use crate::proxies::{InjectError, Lease, Proxies, StandError};
use crate::told::{EdgeList, Ended, Inject, Injected, Problem};

/// The control API, served until it is dropped.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Control {
    /// Listens and serves from now on. Must be called within a runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on, or others could reach it.
    pub fn serve(proxies: Arc<Proxies>, address: SocketAddr) -> Result<Self, StandError> {
        let failed = |error| StandError::Listen { address, error };
        if !address.ip().is_loopback() {
            let message = "whoever reaches it controls the proxies: it listens on 127.0.0.1 only";
            return Err(failed(std::io::Error::new(std::io::ErrorKind::PermissionDenied, message)));
        }
        let (listener, address) = listening::bind(address).map_err(failed)?;
        Ok(Self { address, serving: tokio::spawn(serve(proxies, listener)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(proxies: Arc<Proxies>, listener: TcpListener) {
    listening::serve(listener, |stream| {
        let proxies = Arc::clone(&proxies);
        async move {
            let answer = service_fn(move |request| answer(Arc::clone(&proxies), request));
            let server = auto::Builder::new(TokioExecutor::new());
            // Whoever asks may go away as they like.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        }
    })
    .await;
}

type Refusal = (StatusCode, Problem);

async fn answer(proxies: Arc<Proxies>, request: Request<Incoming>) -> Result<Response<Own>, std::convert::Infallible> {
    Ok(match route(&proxies, request).await {
        Ok(body) => json(StatusCode::OK, body),
        Err((status, problem)) => json(status, text(&problem)),
    })
}

async fn route(proxies: &Proxies, request: Request<Incoming>) -> Result<String, Refusal> {
    guard::check(&request)?;
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/v1/edges") => Ok(text(&EdgeList { edges: proxies.told() })),
        (&Method::POST, "/v1/faults") => inject(proxies, request).await,
        (&Method::DELETE, path) if path.starts_with("/v1/faults/") => end(proxies, path),
        (method, path) => {
            let hint = "there are GET /v1/edges, POST /v1/faults, DELETE /v1/faults/LEASE";
            Err(refusal(StatusCode::NOT_FOUND, format!("there is no {method} {path}"), hint))
        }
    }
}

async fn inject(proxies: &Proxies, request: Request<Incoming>) -> Result<String, Refusal> {
    let bad = |error: String, hint: &str| refusal(StatusCode::BAD_REQUEST, error, hint);
    let body = Limited::new(request.into_body(), CONTROL_BYTES_MAX).collect().await;
    let body = body.map_err(|error| bad(format!("cannot read the request: {error}"), "send less"))?.to_bytes();
    let example = "such as {\"traceId\": \"…\", \"rules\": [\"rag -> llm: status=503\"]}";
    let asked: Inject = serde_json::from_slice(&body).map_err(|error| bad(error.to_string(), example))?;
    let trace = match asked.trace_id.as_deref().map(str::parse::<TraceId>) {
        None => None,
        Some(Ok(trace)) => Some(trace),
        Some(Err(error)) => return Err(bad(format!("traceId: {error}"), "32 hex digits")),
    };
    let (rules, mistakes): (Vec<_>, Vec<_>) =
        asked.rules.iter().map(|rule| rule.parse::<Rule>()).partition(Result::is_ok);
    let mistakes: Vec<String> = mistakes.into_iter().filter_map(|rule| Some(rule.err()?.to_string())).collect();
    if !mistakes.is_empty() {
        return Err(bad(mistakes.join("; "), "such as `rag -> llm: status=503`"));
    }
    let rules: Vec<Rule> = rules.into_iter().filter_map(Result::ok).collect();
    let lasting = asked.lasting_ms.map_or(LEASE, Duration::from_millis).min(LEASE_MAX);
    let lease = proxies.inject(&rules, trace, Some(lasting)).map_err(|error| match error {
        InjectError::NoProxy { .. } => refusal(StatusCode::NOT_FOUND, error.to_string(), "start one with `--edge`"),
        InjectError::TooMany => refusal(StatusCode::TOO_MANY_REQUESTS, error.to_string(), "end some first"),
    })?;
    Ok(text(&Injected { lease: lease.0 }))
}

fn end(proxies: &Proxies, path: &str) -> Result<String, Refusal> {
    let lease = path.rsplit('/').next().and_then(|lease| lease.parse().ok()).map(Lease);
    let rules = lease.and_then(|lease| proxies.end(lease));
    let gone = || refusal(StatusCode::NOT_FOUND, "there is no such lease".to_owned(), "it was ended, or it expired");
    rules.map(|rules| text(&Ended { rules })).ok_or_else(gone)
}

fn refusal(status: StatusCode, error: String, hint: &str) -> Refusal {
    (status, Problem { error, hint: hint.to_owned() })
}

/// Our shapes are maps of texts and numbers: they can always be written.
fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn json(status: StatusCode, body: String) -> Response<Own> {
    let mut answer = Response::new(Own::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
