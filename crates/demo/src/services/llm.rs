//! An OpenAI-compatible endpoint: the real provider with `OPENAI_API_KEY`, else the extractive answerer, which paces itself
//! like a small, quick model (`DEMO_TOKEN_US` a token, 700 by default: about 30 ms an answer, so that the LLM leads the
//! critical path as it does in a real system and the rest still shows) and names itself in the answer.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _};
use serde_json::{Value, json};

use super::Service;
use crate::answerer::{Answer, MODEL, answer, count_tokens};
use crate::defect::Defect;
use crate::http_server::{extract, failure};
use crate::limits::{LLM_DEADLINE, TOKEN_PACE};
use crate::settings::Provider;

#[derive(Clone)]
struct Llm {
    service: Service,
    provider: Option<Provider>,
    /// What the answerer takes for each token.
    pace: Duration,
}

pub(super) fn routes(service: &Service) -> Router {
    let settings = &service.settings;
    let pace = settings.text("DEMO_TOKEN_US").and_then(|text| text.parse().ok()).map(Duration::from_micros);
    let llm = Llm { service: service.clone(), provider: settings.provider(), pace: pace.unwrap_or(TOKEN_PACE) };
    Router::new().route("/v1/chat/completions", post(complete)).with_state(llm)
}

async fn complete(State(llm): State<Llm>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let Llm { service, provider, pace } = llm;
    if let Some(provider) = provider {
        return ask_provider(&service, &provider, &request).await;
    }
    let prompt = request["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .and_then(|message| message["content"].as_str());
    let Some(prompt) = prompt else { return failure(StatusCode::BAD_REQUEST, "messages is missing") };
    let question = prompt.rsplit("Question: ").next().unwrap_or(prompt);
    let generation = Generation::new(answer(question, prompt), prompt);
    if request["stream"] == true {
        return generation.stream(pace);
    }
    // The conventions' span of this generation, with its tokens, is the caller's: told twice they would count twice.
    let attributes = [
        KeyValue::new("app.model", MODEL),
        KeyValue::new("app.generation.tokens", generation.output_tokens),
        KeyValue::new("app.generation.citations", generation.answer.citations.len() as i64),
    ];
    let context = if service.defects.has(Defect::WrongParent) {
        let above = extract(&headers).attach();
        let context = service.telemetry.span("generate", SpanKind::Internal, attributes);
        drop(above);
        context
    } else {
        service.telemetry.span("generate", SpanKind::Internal, attributes)
    };
    generation.take_time(pace).with_context(context.clone()).await;
    context.span().end();
    Json(generation.completion()).into_response()
}

struct Generation {
    id: String,
    created: u64,
    answer: Answer,
    input_tokens: i64,
    output_tokens: i64,
}

impl Generation {
    fn new(answer: Answer, prompt: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let output_tokens = count_tokens(&answer.text);
        Self {
            id: format!("chatcmpl-{:x}", now.as_nanos()),
            created: now.as_secs(),
            answer,
            input_tokens: count_tokens(prompt),
            output_tokens,
        }
    }

    async fn take_time(&self, pace: Duration) {
        tokio::time::sleep(pace.saturating_mul(u32::try_from(self.output_tokens).unwrap_or(u32::MAX))).await;
    }

    fn completion(&self) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": MODEL,
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": self.answer.text } }],
            "usage": {
                "prompt_tokens": self.input_tokens,
                "completion_tokens": self.output_tokens,
                "total_tokens": self.input_tokens + self.output_tokens,
            },
        })
    }

    /// Server-sent events, a word each, at the pace of the answerer.
    fn stream(self, pace: Duration) -> Response {
        let words: Vec<String> = self.answer.text.split_inclusive(' ').map(str::to_owned).collect();
        let chunk = move |delta: Value, finish: Value| {
            let chunk = json!({
                "id": self.id,
                "object": "chat.completion.chunk",
                "created": self.created,
                "model": MODEL,
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
            });
            format!("data: {chunk}\n\n")
        };
        let mut events: Vec<String> = words.iter().map(|word| chunk(json!({ "content": word }), Value::Null)).collect();
        events.push(chunk(json!({}), json!("stop")));
        events.push("data: [DONE]\n\n".to_owned());
        let paced = stream::unfold(events.into_iter(), move |mut events| async move {
            let event = events.next()?;
            tokio::time::sleep(pace).await;
            Some((Ok::<_, Infallible>(Bytes::from(event)), events))
        });
        let mut response = Response::new(Body::from_stream(paced));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response
    }
}

/// Hands the request to the real provider within a client span of its own.
async fn ask_provider(service: &Service, provider: &Provider, request: &Value) -> Response {
    let url = format!("{}/chat/completions", provider.url);
    let attributes = [
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("url.full", url.clone()),
        KeyValue::new("app.model", request["model"].as_str().unwrap_or_default().to_owned()),
    ];
    let context = service.telemetry.span("POST", SpanKind::Client, attributes);
    let sending = service.client.http.post(&url).bearer_auth(&provider.key).timeout(LLM_DEADLINE).json(request).send();
    let outcome = sending.with_context(context.clone()).await;
    let span = context.span();
    let response = match outcome {
        Ok(response) => {
            let status = response.status();
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            if !status.is_success() {
                span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
                span.set_status(Status::error(format!("the provider answered {status}")));
            }
            if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                span.end();
                // It is our key that is refused, not the user's token.
                let message = format!("the provider answered {status}: is OPENAI_API_KEY right?");
                return failure(StatusCode::BAD_GATEWAY, &message);
            }
            let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
            let mut relayed = Response::new(Body::from_stream(response.bytes_stream()));
            *relayed.status_mut() = status;
            if let Some(content_type) = content_type {
                relayed.headers_mut().insert(header::CONTENT_TYPE, content_type);
            }
            relayed
        }
        Err(error) => {
            let message = format!("the provider cannot be asked: {error}");
            span.set_attribute(KeyValue::new(
                "error.type",
                if error.is_timeout() { "timeout" } else { "connection_error" },
            ));
            span.set_status(Status::error(message.clone()));
            failure(if error.is_timeout() { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }, &message)
        }
    };
    span.end();
    response
}
