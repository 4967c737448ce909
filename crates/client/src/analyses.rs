//! Analyses of many traces: they take long, tell how far they are, and end when we go away.

use std::time::Duration;

use bytes::BytesMut;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::{CompareRequest, Comparison, Diagnosis, Explanation, Problem, Selection, WhatIfAnswer, WhatIfRequest};

use crate::limits::{ANSWER_BYTES_MAX, ANSWER_TIMEOUT};
use crate::{Client, ClientError};

/// How far an analysis is: traces read, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Progress {
    /// Read.
    pub read: u64,
    /// Of how many.
    pub of: u64,
}

/// What is asked for findings.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingsQuery {
    /// The traces.
    pub selection: Selection,
    /// How many findings at most.
    pub top: usize,
    /// Ids of findings to leave out.
    pub suppress: Vec<String>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Line<T> {
    progress: Option<Progress>,
    result: Option<T>,
    problem: Option<Box<Problem>>,
}

impl Client {
    /// What is slow, fails or is done twice. The server ends with what it has after `timeout`; `told` hears how far it is.
    ///
    /// # Errors
    /// If it cannot be had; a query with mistakes is [`ClientError::Refused`] with all of them.
    pub async fn findings(
        &self,
        query: &FindingsQuery,
        timeout: Duration,
        told: impl FnMut(Progress),
    ) -> Result<Explanation, ClientError> {
        let mut parameters = parameters_of(&query.selection);
        parameters.push(("top", query.top.to_string()));
        if !query.suppress.is_empty() {
            parameters.push(("suppress", query.suppress.join(",")));
        }
        self.analysis(Method::GET, "api/v1/findings", parameters, None::<()>, timeout, told).await
    }

    /// What changes would do.
    ///
    /// # Errors
    /// As for [`Client::findings`].
    pub async fn what_if(
        &self,
        request: &WhatIfRequest,
        timeout: Duration,
        told: impl FnMut(Progress),
    ) -> Result<WhatIfAnswer, ClientError> {
        self.analysis(Method::POST, "api/v1/what-if", Vec::new(), Some(request), timeout, told).await
    }

    /// Two selections beside each other.
    ///
    /// # Errors
    /// As for [`Client::findings`].
    pub async fn compare(
        &self,
        request: &CompareRequest,
        timeout: Duration,
        told: impl FnMut(Progress),
    ) -> Result<Comparison, ClientError> {
        self.analysis(Method::POST, "api/v1/compare", Vec::new(), Some(request), timeout, told).await
    }

    /// What is wrong with the instrumentation.
    ///
    /// # Errors
    /// As for [`Client::findings`].
    pub async fn doctor(
        &self,
        selection: &Selection,
        timeout: Duration,
        told: impl FnMut(Progress),
    ) -> Result<Diagnosis, ClientError> {
        self.analysis(Method::GET, "api/v1/doctor", parameters_of(selection), None::<()>, timeout, told).await
    }

    async fn analysis<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        mut parameters: Vec<(&'static str, String)>,
        body: Option<impl Serialize>,
        timeout: Duration,
        mut told: impl FnMut(Progress),
    ) -> Result<T, ClientError> {
        parameters.push(("timeout", format!("{}ms", timeout.as_millis())));
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut request = self.request(method, path, &parameters)?;
        request = request.header(ACCEPT, "application/x-ndjson").timeout(timeout + ANSWER_TIMEOUT);
        if let Some(body) = body {
            let body = serde_json::to_vec(&body).map_err(|error| self.unreadable(error.to_string()))?;
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let mut pending = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if pending.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(self.unreadable(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            pending.extend_from_slice(&part);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line = pending.split_to(end + 1);
                let line: Line<T> =
                    serde_json::from_slice(&line).map_err(|error| self.unreadable(error.to_string()))?;
                if let Some(progress) = line.progress {
                    told(progress);
                }
                if let Some(problem) = line.problem {
                    return Err(ClientError::Refused { status: 503, problem });
                }
                if let Some(result) = line.result {
                    return Ok(result);
                }
            }
        }
        Err(self.unreadable("the answer ended before its last line".to_owned()))
    }
}

fn parameters_of(selection: &Selection) -> Vec<(&'static str, String)> {
    let limit = selection.limit.map(|limit| limit.to_string());
    let all = [
        ("trace", &selection.trace),
        ("run", &selection.run),
        ("query", &selection.query),
        ("since", &selection.since),
        ("start", &selection.start),
        ("end", &selection.end),
        ("limit", &limit),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}
