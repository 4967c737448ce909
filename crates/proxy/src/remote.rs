//! The proxies of another process, through its control API.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use fault::Rule;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use model::TraceId;
use serde::de::DeserializeOwned;

use crate::callee::Own;
use crate::exchange::innermost;
use crate::limits::{CONTROL_ANSWER_BYTES_MAX, CONTROL_TIMEOUT, IDLE_MAX};
use crate::proxies::Lease;
use crate::told::{EdgeList, EdgeReport, Ended, Inject, Injected, InjectedRule, Problem};

/// The proxies of another process.
#[derive(Clone, Debug)]
pub struct RemoteProxies {
    url: String,
    client: Client<HttpConnector, Own>,
}

/// They could not be asked, or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteError {
    /// What happened and what to do.
    pub message: String,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RemoteError {}

impl RemoteProxies {
    /// Those whose control API is at `url`, such as `http://127.0.0.1:4320`.
    #[must_use]
    pub fn at(url: &str) -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_idle_timeout(IDLE_MAX).pool_timer(TokioTimer::new());
        Self { url: url.trim_end_matches('/').to_owned(), client: client.build_http() }
    }

    /// The edges on which they stand.
    ///
    /// # Errors
    /// When they cannot be asked.
    pub async fn edges(&self) -> Result<Vec<EdgeReport>, RemoteError> {
        Ok(self.ask::<EdgeList>(Method::GET, "/v1/edges", String::new()).await?.edges)
    }

    /// As [`Proxies::inject`](crate::Proxies::inject).
    ///
    /// # Errors
    /// When they cannot be asked, or no proxy stands on an edge.
    pub async fn inject(
        &self,
        rules: &[Rule],
        trace: Option<TraceId>,
        lasting: Duration,
    ) -> Result<Lease, RemoteError> {
        let asked = Inject {
            trace_id: trace.map(|trace| trace.to_string()),
            rules: rules.iter().map(ToString::to_string).collect(),
            lasting_ms: Some(u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX)),
        };
        let body = serde_json::to_string(&asked).unwrap_or_default();
        Ok(Lease(self.ask::<Injected>(Method::POST, "/v1/faults", body).await?.lease))
    }

    /// As [`Proxies::end`](crate::Proxies::end).
    ///
    /// # Errors
    /// When they cannot be asked, or the faults are over already.
    pub async fn end(&self, lease: Lease) -> Result<Vec<InjectedRule>, RemoteError> {
        let path = format!("/v1/faults/{}", lease.0);
        Ok(self.ask::<Ended>(Method::DELETE, &path, String::new()).await?.rules)
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: String) -> Result<T, RemoteError> {
        let url = &self.url;
        let told = |problem: String| RemoteError { message: format!("the proxies at {url}: {problem}") };
        let request = Request::builder().method(method).uri(format!("{url}{path}"));
        let request = request.header(CONTENT_TYPE, "application/json").body(Own::new(Bytes::from(body)));
        let request = request.map_err(|error| told(format!("{error}; write http://127.0.0.1:PORT")))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|error| {
                told(format!("cannot be reached ({}); does `headwater proxy` run?", innermost(&error)))
            })?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), CONTROL_ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| told(format!("the answer broke off: {error}")))?.to_bytes();
            Ok((status, body))
        };
        let late = |_| told(format!("no answer within {} s", CONTROL_TIMEOUT.as_secs()));
        let (status, body) = tokio::time::timeout(CONTROL_TIMEOUT, exchange).await.map_err(late)??;
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Problem>(&body) {
                Ok(problem) => told(format!("{} ({})", problem.error, problem.hint)),
                Err(_) => told(format!("answered {status}; is it `headwater proxy`?")),
            });
        }
        serde_json::from_slice(&body).map_err(|error| told(format!("answered something else: {error}")))
    }
}
