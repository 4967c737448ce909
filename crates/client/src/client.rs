//! The client: one method for each address.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use model::{Batch, Instant, Trace, TraceId};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use wire::{
    Deleted, EvalRun, Info, LiveTraces, Problem, RunAccepted, RunList, SearchList, SeriesList, Status, TraceClocks,
    TraceList, WATCH_MEDIA_TYPE, decode_watch,
};

use crate::ClientError;
use crate::limits::{
    ANSWER_BYTES_MAX, ANSWER_TIMEOUT, CONNECT_TIMEOUT, LIVE_EVENT_BYTES_MAX, LIVE_SILENCE, QUERY_TIMEOUT,
    REPORT_TIMEOUT, SHOWN_CHARS_MAX,
};
use crate::otlp_codec;

/// Speaks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
}

/// What to list; every field may be left out.
#[derive(Clone, Debug, Default)]
pub struct TraceQuery {
    /// TraceQL.
    pub query: Option<String>,
    /// How far back: `1h`.
    pub since: Option<String>,
    /// The order: `-start`, `-duration`, …
    pub sort: Option<String>,
    /// How many.
    pub limit: Option<usize>,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// When to stop with what there is: `10s`.
    pub timeout: Option<String>,
}

/// Which series to make; all but the query may be left out.
#[derive(Clone, Debug, Default)]
pub struct SeriesQuery {
    /// TraceQL that ends in a metrics function.
    pub query: String,
    /// How far back: `1h`.
    pub since: Option<String>,
    /// How long a step is: `1m`.
    pub step: Option<String>,
    /// When to stop with what there is: `10s`.
    pub timeout: Option<String>,
}

/// What arrived of a watched trace.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// In the order of arrival.
    pub arrivals: Vec<Arrived>,
    /// This is everything the trace has: it replaces what was known.
    pub from_start: bool,
    /// Spans and log records that the server had no room to keep for us.
    pub left_out: u64,
    /// Where to go on.
    pub cursor: String,
}

/// What arrived together.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// When, by the server's clock; none where nobody watched yet.
    pub at: Option<Instant>,
    /// The spans and log records.
    pub batch: Batch,
}

/// What became of something imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Spans and log records that the server rejected.
    pub rejected: u64,
    /// Its words on that; empty when it had none.
    pub message: String,
}

impl Client {
    /// A client for the server at `address` (`http://127.0.0.1:4319`, or without `http://`). Connects to nothing yet.
    ///
    /// # Errors
    /// If the address is none, or the token cannot be sent.
    pub fn new(address: &str, token: Option<&str>) -> Result<Self, ClientError> {
        let bad = || ClientError::BadAddress(address.chars().take(SHOWN_CHARS_MAX).collect());
        let written = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let mut base: Url = written.trim_end_matches('/').parse().map_err(|_| bad())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad());
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| ClientError::BadAddress("a token with a character that no header can carry".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .default_headers(headers)
            // The environment is read by the binary alone, and servers are near.
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Unreachable { address: base.to_string(), reason: causes(&error) })?;
        Ok(Self { base, http })
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// What the server is. Also tells whether it is one of Headwater's.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn info(&self) -> Result<Info, ClientError> {
        let info: Info = self.json("api/v1/info", &[]).await?;
        if info.product != "headwater" {
            return Err(self.unreadable(format!("it calls itself {:?}", info.product)));
        }
        Ok(info)
    }

    /// How the server is doing.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.json("api/v1/status", &[]).await
    }

    /// One page of traces.
    ///
    /// # Errors
    /// If it cannot be had; a query with mistakes is [`ClientError::Refused`] with all of them.
    pub async fn traces(&self, query: &TraceQuery) -> Result<TraceList, ClientError> {
        self.page("api/v1/traces", query, None).await
    }

    /// One page of traces with at most `spans` spans of each spanset found.
    ///
    /// # Errors
    /// As for [`Client::traces`].
    pub async fn search(&self, query: &TraceQuery, spans: usize) -> Result<SearchList, ClientError> {
        self.page("api/v1/search", query, Some(spans.to_string())).await
    }

    /// Series of numbers over time.
    ///
    /// # Errors
    /// As for [`Client::traces`].
    pub async fn series(&self, query: &SeriesQuery) -> Result<SeriesList, ClientError> {
        let optional = [("since", &query.since), ("step", &query.step), ("timeout", &query.timeout)];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let parameters: Vec<(&str, &str)> = [("q", query.query.as_str())].into_iter().chain(optional).collect();
        self.queried("api/v1/series", &parameters).await
    }

    /// Hands out traces that the query finds, as they change, until `take` has seen enough or the server stops. Needs no
    /// polling.
    ///
    /// # Errors
    /// As for [`Client::traces`]; also when the stream breaks off or cannot be read.
    pub async fn follow(
        &self,
        query: &str,
        take: &mut dyn FnMut(LiveTraces) -> ControlFlow<()>,
    ) -> Result<(), ClientError> {
        let mut address = self.base.join("api/v1/live").map_err(|_| ClientError::BadAddress(query.to_owned()))?;
        address.query_pairs_mut().append_pair("q", query);
        // A stream has no end to wait for.
        let request = self.http.get(address).header(ACCEPT, "text/event-stream");
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let mut unread = Vec::new();
        loop {
            let silent = || self.unreadable(format!("nothing came for {LIVE_SILENCE:?}"));
            let part = tokio::time::timeout(LIVE_SILENCE, response.chunk()).await.map_err(|_| silent())?;
            let Some(part) = part.map_err(|error| self.unreachable(&error))? else { return Ok(()) };
            unread.extend_from_slice(&part);
            while let Some(end) = unread.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = unread.drain(..end + 2).collect();
                if let Some(data) = data_of(&event, "traces")
                    && take(self.read(data.as_bytes())?).is_break()
                {
                    return Ok(());
                }
            }
            if unread.len() > LIVE_EVENT_BYTES_MAX {
                return Err(self.unreadable(format!("an event has more than {LIVE_EVENT_BYTES_MAX} bytes")));
            }
        }
    }

    async fn queried<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, &str)]) -> Result<T, ClientError> {
        let answer = self.get(path, parameters, "application/json", QUERY_TIMEOUT).await?;
        self.read(&answer)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &TraceQuery,
        spans: Option<String>,
    ) -> Result<T, ClientError> {
        let limit = query.limit.map(|limit| limit.to_string());
        let parameters: Vec<(&str, &str)> = [
            ("q", &query.query),
            ("since", &query.since),
            ("sort", &query.sort),
            ("limit", &limit),
            ("cursor", &query.cursor),
            ("timeout", &query.timeout),
            ("spans", &spans),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect();
        self.queried(path, &parameters).await
    }

    /// A trace in full; none if the server does not have it.
    ///
    /// # Errors
    /// If the server cannot be asked or its answer cannot be read.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, ClientError> {
        self.trace_by(id, "received").await
    }

    /// A trace with the proven offsets of its hosts' clocks taken out of its times; none if the server does not have it.
    ///
    /// # Errors
    /// If the server cannot be asked or its answer cannot be read.
    pub async fn trace_adjusted(&self, id: TraceId) -> Result<Option<Trace>, ClientError> {
        self.trace_by(id, "adjusted").await
    }

    /// The clocks of a trace's hosts; none if the server does not have the trace.
    ///
    /// # Errors
    /// If the server cannot be asked or its answer cannot be read.
    pub async fn trace_clocks(&self, id: TraceId) -> Result<Option<TraceClocks>, ClientError> {
        match self.queried(&format!("api/v1/trace/{id}/clocks"), &[]).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    async fn trace_by(&self, id: TraceId, clocks: &str) -> Result<Option<Trace>, ClientError> {
        let path = format!("api/v1/trace/{id}/otlp");
        let part = async |part: &str| {
            self.get(&path, &[("part", part), ("clocks", clocks)], "application/x-protobuf", QUERY_TIMEOUT).await
        };
        let traces = match part("traces").await {
            Err(error) if error.is_not_found() => return Ok(None),
            answer => answer?,
        };
        let logs = part("logs").await?;
        let batch = otlp_codec::decode(&traces, &logs).map_err(|reason| self.unreadable(reason))?;
        Ok(Some(Trace::assemble(id, batch.spans, batch.logs)))
    }

    /// A trace as OTLP JSON, as the server writes it; none if the server does not have it.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn trace_json(&self, id: TraceId) -> Result<Option<Bytes>, ClientError> {
        match self.get(&format!("api/v1/trace/{id}/otlp"), &[], "application/json", ANSWER_TIMEOUT).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// What arrived of a trace after `cursor`, waiting up to `wait` for something. Without a cursor the watch begins:
    /// call it before whatever makes the trace.
    ///
    /// # Errors
    /// If the server cannot be asked or its answer cannot be read.
    pub async fn watch(&self, id: TraceId, cursor: Option<&str>, wait: Duration) -> Result<Watched, ClientError> {
        let wait_text = format!("{}ms", wait.as_millis());
        let mut parameters = vec![("wait", wait_text.as_str())];
        parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
        let path = format!("api/v1/trace/{id}/watch");
        let frame = self.get(&path, &parameters, WATCH_MEDIA_TYPE, wait + ANSWER_TIMEOUT).await?;
        let (header, arrivals) = decode_watch(&frame).map_err(|reason| self.unreadable(reason))?;
        let arrivals = arrivals.into_iter().map(|arrival| {
            let batch = otlp_codec::decode(&arrival.traces, &arrival.logs).map_err(|reason| self.unreadable(reason))?;
            Ok(Arrived { at: (arrival.time.0 > 0).then_some(Instant(arrival.time.0)), batch })
        });
        Ok(Watched {
            arrivals: arrivals.collect::<Result<_, ClientError>>()?,
            from_start: header.from_start,
            left_out: header.left_out,
            cursor: header.cursor,
        })
    }

    /// Removes a trace; answers how many spans that were, none if there were none.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn delete_trace(&self, id: TraceId) -> Result<Option<u64>, ClientError> {
        let request = self.request(Method::DELETE, &format!("api/v1/trace/{id}"), &[])?;
        match self.send(request).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => self.read::<Deleted>(&answer?).map(|deleted| Some(deleted.spans)),
        }
    }

    /// One page of the runs of evaluations, newest first; `cursor` is where the page before ended.
    ///
    /// # Errors
    /// If they cannot be had.
    pub async fn runs(&self, suite: Option<&str>, cursor: Option<&str>) -> Result<RunList, ClientError> {
        let given = [("suite", suite), ("cursor", cursor)];
        let parameters: Vec<(&str, &str)> = given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        self.json("api/v1/evals", &parameters).await
    }

    /// A run in full; none if the server does not have it.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn run(&self, id: &str) -> Result<Option<EvalRun>, ClientError> {
        match self.json(&format!("api/v1/evals/{id}"), &[]).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// A run as one HTML file; none when the server does not have the run.
    ///
    /// # Errors
    /// If the server cannot be asked or cannot make it.
    pub async fn run_report(&self, id: &str) -> Result<Option<Bytes>, ClientError> {
        match self.get(&format!("api/v1/evals/{id}/report"), &[], "text/html", REPORT_TIMEOUT).await {
            Err(error) if error.is_not_found() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Hands over a run, new or further on; answers its id.
    ///
    /// # Errors
    /// If the server does not take it.
    pub async fn submit_run(&self, run: &EvalRun) -> Result<String, ClientError> {
        let body = serde_json::to_vec(run).map_err(|error| self.unreadable(error.to_string()))?;
        let request = self.request(Method::POST, "api/v1/evals", &[])?;
        let answer = self.send(request.header(CONTENT_TYPE, "application/json").body(body)).await?;
        self.read::<RunAccepted>(&answer).map(|accepted| accepted.run)
    }

    /// Sends spans and log records to the server's receiver by OTLP.
    ///
    /// # Errors
    /// If the server does not take OTLP over HTTP or refuses all of it.
    pub async fn import(&self, batch: &Batch) -> Result<Imported, ClientError> {
        let info = self.info().await?;
        let Some(receiver) = info.otlp_http else {
            return Err(ClientError::Unreachable {
                address: self.address().to_owned(),
                reason: "this server does not take OTLP over HTTP".to_owned(),
            });
        };
        let mut imported = Imported::default();
        for (signal, body) in otlp_codec::encode(batch) {
            let address = format!("http://{receiver}/v1/{signal}");
            let address: Url = address.parse().map_err(|_| ClientError::BadAddress(address))?;
            let request =
                self.http.post(address).header(CONTENT_TYPE, "application/x-protobuf").timeout(ANSWER_TIMEOUT);
            let answer = self.send(request.body(body)).await?;
            let (rejected, message) = otlp::decode_partial_success(&answer).unwrap_or_default();
            imported.rejected += rejected;
            if imported.message.is_empty() {
                imported.message = message;
            }
        }
        Ok(imported)
    }

    async fn json<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, &str)]) -> Result<T, ClientError> {
        let answer = self.get(path, parameters, "application/json", ANSWER_TIMEOUT).await?;
        self.read(&answer)
    }

    fn read<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(answer).map_err(|error| self.unreadable(error.to_string()))
    }

    async fn get(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        accept: &'static str,
        timeout: Duration,
    ) -> Result<Bytes, ClientError> {
        let request = self.request(Method::GET, path, parameters)?;
        self.send(request.header(ACCEPT, accept).timeout(timeout)).await
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<reqwest::RequestBuilder, ClientError> {
        let mut address = self.base.join(path).map_err(|_| ClientError::BadAddress(path.to_owned()))?;
        if !parameters.is_empty() {
            address.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(self.http.request(method, address).timeout(ANSWER_TIMEOUT))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Bytes, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { self.body_of(response).await } else { Err(self.refused(response).await) }
    }

    async fn body_of(&self, mut response: reqwest::Response) -> Result<Bytes, ClientError> {
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(self.unreadable(format!("the answer has more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok(body.freeze())
    }

    /// What a server says that will not do what it was asked.
    pub(crate) async fn refused(&self, response: reqwest::Response) -> ClientError {
        let status = response.status();
        let body = match self.body_of(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        let problem = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let said: String = String::from_utf8_lossy(&body).chars().take(SHOWN_CHARS_MAX).collect();
            Problem::new(format!("{} answered {status} {}", self.address(), said.trim()), "")
        });
        ClientError::Refused { status: status.as_u16(), problem: Box::new(problem) }
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Unreachable { address: self.address().to_owned(), reason: causes(error) }
    }

    pub(crate) fn unreadable(&self, reason: String) -> ClientError {
        ClientError::Unreadable { address: self.address().to_owned(), reason }
    }
}

/// The data of a server-sent event, if it is of this kind.
fn data_of(event: &[u8], kind: &str) -> Option<String> {
    let text = std::str::from_utf8(event).ok()?;
    let field = |name: &str| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.strip_prefix(' ').unwrap_or(value)).collect::<Vec<&str>>()
    };
    (field("event") == [kind]).then(|| field("data").join("\n"))
}

/// The innermost cause: reqwest says "error sending request" and hides why.
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
