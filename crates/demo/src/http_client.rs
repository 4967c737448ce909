//! The asking side of an HTTP hop: a client span around every request, the context and the caller's name in its headers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use opentelemetry::propagation::Injector;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, global};
use serde_json::Value;

use crate::defect::{Defect, Defects};
use crate::fault::CALLER_HEADER;
use crate::limits::ERROR_MESSAGE_CHARS_MAX;
use crate::telemetry::{Telemetry, failed, server_attributes};

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// Headers that carry `context` and the caller's name.
pub(crate) fn headers(context: &Context, caller: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut Headers(&mut headers)));
    Headers(&mut headers).set(CALLER_HEADER, caller.to_owned());
    headers
}

/// What a defect makes of the context on its way to `peer`.
pub(crate) fn spoil(headers: &mut HeaderMap, peer: &str, defects: &Defects) {
    let loses = |defect, callee: &str| peer == callee && defects.has(defect);
    if loses(Defect::ContextLostAuth, "auth")
        || loses(Defect::ContextLostRag, "rag")
        || loses(Defect::ContextLostVectorDb, "vector-db")
    {
        headers.remove("traceparent");
    }
    if loses(Defect::SampledFlagCleared, "search")
        && let Some(sampled) = headers.get("traceparent").and_then(|value| value.to_str().ok())
        && let Ok(cleared) = HeaderValue::try_from(format!("{}00", &sampled[..sampled.len().saturating_sub(2)]))
    {
        headers.insert("traceparent", cleared);
    }
}

/// One request to another service.
pub(crate) struct Call<'a> {
    /// The service called.
    pub peer: &'a str,
    /// Its address.
    pub url: &'a str,
    /// The path with a leading slash.
    pub path: &'a str,
    /// The body.
    pub body: &'a Value,
    /// The answer must be there within this time.
    pub deadline: Duration,
    /// Which try this is, from 0.
    pub resend: u32,
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) enum CallError {
    /// The time was over.
    Timeout,
    /// Nobody answered.
    Unreachable(String),
    /// The answer was an error.
    Status(StatusCode, String),
    /// The answer could not be read.
    Unreadable(String),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Unreachable(problem) => write!(f, "cannot be reached: {problem}"),
            Self::Status(status, message) => write!(f, "answered {}: {message}", status.as_u16()),
            Self::Unreadable(problem) => write!(f, "answered something unreadable: {problem}"),
        }
    }
}

impl CallError {
    /// What the caller should answer with: a careful gateway passes time-outs and refusals of the caller's doing on.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Status(status, _) if *status == StatusCode::GATEWAY_TIMEOUT || status.is_client_error() => *status,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    fn error_type(&self) -> String {
        match self {
            Self::Timeout => "timeout".to_owned(),
            Self::Unreachable(_) => "connection_error".to_owned(),
            Self::Status(status, _) => status.as_str().to_owned(),
            Self::Unreadable(_) => "unreadable".to_owned(),
        }
    }
}

/// Asks other services.
#[derive(Clone)]
pub(crate) struct Client {
    pub http: reqwest::Client,
    pub telemetry: Telemetry,
    pub defects: Defects,
}

impl Client {
    pub fn new(telemetry: Telemetry, defects: Defects) -> Result<Self, String> {
        // It fails only where a provider is there already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().user_agent("headwater-demo").build();
        Ok(Self { http: http.map_err(|error| format!("cannot make an HTTP client: {error}"))?, telemetry, defects })
    }

    /// Asks and reads a JSON answer, within a client span of the current context.
    pub async fn call(&self, call: &Call<'_>) -> Result<Value, CallError> {
        let context = self.start(call);
        let outcome =
            tokio::time::timeout(call.deadline, self.exchange(call, &context).with_context(context.clone())).await;
        let outcome = outcome.unwrap_or(Err(CallError::Timeout));
        if let Err(error) = &outcome {
            let message = format!("{} {error}", call.peer);
            if self.telemetry.service == "rag" && self.defects.has(Defect::ErrorWithoutException) {
                context.span().set_status(Status::error(message));
            } else {
                failed(&context, &error.error_type(), message.clone(), message);
            }
        }
        context.span().end();
        outcome
    }

    fn start(&self, call: &Call<'_>) -> Context {
        let mut attributes = vec![
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("url.full", format!("{}{}", call.url, call.path)),
            KeyValue::new("service.peer.name", call.peer.to_owned()),
        ];
        if let Some((_, address)) = call.url.split_once("://") {
            attributes.extend(server_attributes(address));
        }
        if call.resend > 0 {
            attributes.push(KeyValue::new("http.request.resend_count", i64::from(call.resend)));
        }
        self.telemetry.span("POST", SpanKind::Client, attributes)
    }

    async fn exchange(&self, call: &Call<'_>, context: &Context) -> Result<Value, CallError> {
        let mut headers = headers(context, &self.telemetry.service);
        spoil(&mut headers, call.peer, &self.defects);
        let request = self.http.post(format!("{}{}", call.url, call.path)).headers(headers).json(call.body).send();
        let response = request.await.map_err(|error| CallError::Unreachable(root_cause(&error)))?;
        let status = response.status();
        context.span().set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        let text = response.text().await.map_err(|error| CallError::Unreadable(root_cause(&error)))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !status.is_success() {
            let message = answer["error"].as_str().map_or(text.as_str(), |message| message);
            return Err(CallError::Status(status, message.chars().take(ERROR_MESSAGE_CHARS_MAX).collect()));
        }
        if answer.is_null() { Err(CallError::Unreadable("no JSON".to_owned())) } else { Ok(answer) }
    }
}

/// The innermost reason: `connection refused` says more than `error sending request`.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
