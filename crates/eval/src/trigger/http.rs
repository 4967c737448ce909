//! HTTP requests.

use std::error::Error as _;
use std::fmt;

use futures_util::StreamExt;
use model::Duration;

use super::{Answer, Send, fault_baggage};
use crate::limits::ANSWER_BYTES_MAX;
use crate::suite::{Body, HttpTarget};

/// Sends requests; keeps connections open between them, no cookies, follows no redirect: a redirect is an answer.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    /// Connections of gRPC, and what was learned by reflection.
    pub(super) grpc: super::grpc::Connections,
}

/// The HTTP client could not be set up.
#[derive(Debug)]
pub struct ClientError(reqwest::Error);

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot set up the HTTP client: {}", chain(&self.0))
    }
}

impl std::error::Error for ClientError {}

impl HttpClient {
    /// A client with the certificates of the machine.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, ClientError> {
        // Installing twice is an error of no consequence: somebody in this process already did.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        builder.build().map(|client| Self { client, grpc: super::grpc::Connections::default() }).map_err(ClientError)
    }
}

impl HttpClient {
    /// Posts JSON to an OpenAI-compatible endpoint and reads the JSON it answers.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        key: Option<&str>,
        body: &serde_json::Value,
        timeout: Duration,
    ) -> Result<serde_json::Value, String> {
        let mut request = self.client.post(url).timeout(timeout.to_std()).json(body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.map_err(|error| told(&error, url, timeout))?;
        let status = answer.status();
        let (body, _) = self::body(answer).await.map_err(|error| told(&error, url, timeout))?;
        if !status.is_success() {
            let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            return Err(format!("the model's endpoint answered {status}: {text}"));
        }
        serde_json::from_slice(&body).map_err(|error| format!("the model's endpoint answered no JSON: {error}"))
    }
}

pub(super) async fn send(client: &HttpClient, target: &HttpTarget, send: &Send<'_>) -> Result<Answer, String> {
    let undefined = |undefined: crate::suite::Undefined| format!("nothing sets the variable `{}`", undefined.name);
    let url = target.url.render(send.variables).map_err(undefined)?;
    let mut request = client
        .client
        .request(target.method.clone(), &url)
        .timeout(target.timeout.to_std())
        .header("traceparent", send.context.traceparent());
    if let Some(baggage) = fault_baggage(send.faults) {
        request = request.header("baggage", baggage);
    }
    request = match &target.body {
        Some(Body::Json(json)) => request.json(&json.render(send.variables).map_err(undefined)?),
        Some(Body::Text(text)) => request.body(text.render(send.variables).map_err(undefined)?),
        None => request,
    };
    let mut headers = ::http::HeaderMap::new();
    for (name, value) in &target.headers {
        let value = value.render(send.variables).map_err(undefined)?;
        let value =
            value.parse().map_err(|_| format!("the value of header `{name}` has characters no header may have"))?;
        headers.append(name.clone(), value);
    }
    // Replaces what was set above, such as the content type of JSON.
    request = request.headers(headers);
    let request = request.build().map_err(|error| format!("cannot make the request: {}", chain(&error)))?;
    let started = tokio::time::Instant::now();
    let answer = client.client.execute(request).await.map_err(|error| told(&error, &url, target.timeout))?;
    let status = i32::from(answer.status().as_u16());
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let (body, cut) = body(answer).await.map_err(|error| told(&error, &url, target.timeout))?;
    Ok(Answer { status, headers, body, errors: String::new(), cut, duration: Duration::from_std(started.elapsed()) })
}

async fn body(answer: reqwest::Response) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// What went wrong, and what to look at.
fn told(error: &reqwest::Error, url: &str, timeout: Duration) -> String {
    let place = reqwest::Url::parse(url).ok().map_or_else(
        || url.to_owned(),
        |url| {
            let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", url.host_str().unwrap_or_default())
        },
    );
    if error.is_timeout() {
        return format!("{place} did not answer within {timeout}; is it stuck, or should `timeout` be longer?");
    }
    if error.is_connect() {
        return format!("cannot reach {place}: {}; is the system running, and is `url` right?", chain(error));
    }
    format!("the request to {place} failed: {}", chain(error))
}

/// An error with its causes, without the outermost sentence that only repeats the address.
fn chain(error: &reqwest::Error) -> String {
    let mut last = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        last = cause.to_string();
        source = cause.source();
    }
    last
}
