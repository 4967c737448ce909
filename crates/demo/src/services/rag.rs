//! The RAG pipeline: prepares the context, writes the prompt, calls the LLM with retries.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::defect::{Defect, Defects};
use crate::http_client::{Call, CallError};
use crate::limits::{LLM_ATTEMPTS, LLM_BACKOFF, LLM_DEADLINE};

struct Rag {
    service: Service,
    llm: String,
    model: String,
}

#[derive(Deserialize)]
struct Generate {
    question: String,
    passages: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    text: String,
}

const INSTRUCTIONS: &str = "Answer from the passages only. Name the passage of each statement in brackets.";

pub(super) fn routes(service: &Service) -> Result<Router, String> {
    let rag = Rag {
        service: service.clone(),
        llm: service.settings.url("LLM_URL")?,
        model: service.settings.or(
            "OPENAI_MODEL",
            if service.settings.provider().is_some() { "gpt-4o-mini" } else { crate::answerer::MODEL },
        ),
    };
    Ok(Router::new().route("/v1/generate", post(generate)).with_state(Arc::new(rag)))
}

async fn generate(State(rag): State<Arc<Rag>>, Json(request): Json<Generate>) -> Response {
    let prompt = rag.prepare_context(&request);
    match rag.chat(&prompt).await {
        Ok(completion) => {
            let text = completion["choices"][0]["message"]["content"].as_str().unwrap_or_default();
            let cited = request.passages.iter().filter(|passage| text.contains(&format!("[{}]", passage.id)));
            let citations: Vec<&str> = cited.map(|passage| passage.id.as_str()).collect();
            Json(json!({ "answer": text, "citations": citations, "model": completion["model"] })).into_response()
        }
        Err(_) if rag.service.defects.has(Defect::SwallowedError) => {
            Json(json!({ "answer": "No answer was found.", "citations": [], "model": rag.model })).into_response()
        }
        Err(error) => rag.service.failed("llm", &error),
    }
}

impl Rag {
    fn prepare_context(&self, request: &Generate) -> String {
        let defects = &self.service.defects;
        let kind = if defects.has(Defect::WrongKind) { SpanKind::Client } else { SpanKind::Internal };
        let context = self.service.telemetry.span("prepare context", kind, []);
        let mut prompt = String::from("Passages:\n");
        let lost = defects.has(Defect::PassagesLost);
        for passage in request.passages.iter().filter(|_| !lost) {
            prompt += &format!("[{}] {}\n", passage.id, passage.text);
        }
        if defects.has(Defect::PromptTruncated) {
            prompt.truncate(prompt.floor_char_boundary(prompt.len() / 2));
        }
        prompt += &format!("\nQuestion: {}", request.question);
        let span = context.span();
        span.set_attribute(KeyValue::new("app.context.passages", request.passages.len() as i64));
        let unit = if defects.has(Defect::UnitChanged) { 1_000 } else { 1 };
        span.set_attribute(KeyValue::new("app.context.bytes", (prompt.len() / unit) as i64));
        span.end();
        prompt
    }

    /// One generation, with attempts below it.
    async fn chat(&self, prompt: &str) -> Result<Value, CallError> {
        let messages = json!([{ "role": "system", "content": INSTRUCTIONS }, { "role": "user", "content": prompt }]);
        let inputs = json!([{ "role": "user", "parts": [{ "type": "text", "content": prompt }] }]);
        let instructions = json!([{ "type": "text", "content": INSTRUCTIONS }]);
        let temperature = u8::from(self.service.defects.has(Defect::TemperatureRaised));
        let attributes = [
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new(
                "gen_ai.provider.name",
                if self.model == crate::answerer::MODEL { "headwater" } else { "openai" },
            ),
            KeyValue::new("gen_ai.request.model", self.model.clone()),
            KeyValue::new("gen_ai.request.temperature", f64::from(temperature)),
            KeyValue::new("gen_ai.system_instructions", instructions.to_string()),
            KeyValue::new("gen_ai.input.messages", inputs.to_string()),
        ];
        let name = format!("chat {}", self.model);
        let context = self.service.telemetry.span(name, SpanKind::Client, attributes);
        let body = json!({ "model": self.model, "temperature": temperature, "messages": messages });
        if self.service.defects.has(Defect::LlmAskedTwice) {
            let warmer = json!({ "model": self.model, "temperature": 1, "messages": messages });
            let _ = self.attempts(&warmer).with_context(context.clone()).await;
        }
        let completion = self.attempts(&body).with_context(context.clone()).await;
        describe(&context, &completion, &self.service.defects);
        completion
    }

    async fn attempts(&self, body: &Value) -> Result<Value, CallError> {
        let mut pause = LLM_BACKOFF;
        let mut attempt = 0;
        loop {
            let path = "/v1/chat/completions";
            let call = Call { peer: "llm", url: &self.llm, path, body, deadline: LLM_DEADLINE, resend: attempt };
            let error = match self.service.client.call(&call).await {
                Ok(completion) => return Ok(completion),
                Err(error) => error,
            };
            attempt += 1;
            let worth_it = match &error {
                CallError::Status(status, _) => status.is_server_error() || status.as_u16() == 429,
                CallError::Timeout | CallError::Unreachable(_) => true,
                CallError::Unreadable(_) => false,
            };
            let attempts = LLM_ATTEMPTS + u32::from(self.service.defects.has(Defect::ExtraRetry));
            if attempt >= attempts || !worth_it {
                return Err(error);
            }
            let telemetry = &self.service.telemetry;
            telemetry.log_warning(format!("llm {error}; trying again in {} ms", pause.as_millis()));
            if !self.service.defects.has(Defect::RetryWithoutBackoff) {
                tokio::time::sleep(pause).await;
            }
            pause *= 2;
        }
    }
}

/// What came of the generation, on its span.
fn describe(context: &Context, completion: &Result<Value, CallError>, defects: &Defects) {
    let span = context.span();
    match completion {
        Ok(completion) => {
            let choice = &completion["choices"][0];
            let text = choice["message"]["content"].as_str().unwrap_or_default();
            let reason = choice["finish_reason"].as_str().unwrap_or("stop");
            let outputs = json!([{ "role": "assistant", "parts": [{ "type": "text", "content": text }], "finish_reason": reason }]);
            let reasons = opentelemetry::Array::String(vec![reason.to_owned().into()]);
            span.set_attribute(KeyValue::new("gen_ai.output.messages", outputs.to_string()));
            span.set_attribute(KeyValue::new("gen_ai.response.finish_reasons", opentelemetry::Value::Array(reasons)));
            span.set_attribute(KeyValue::new(
                "gen_ai.response.model",
                if defects.has(Defect::OtherModel) {
                    "other-1"
                } else {
                    completion["model"].as_str().unwrap_or_default()
                }
                .to_owned(),
            ));
            span.set_attribute(KeyValue::new(
                "gen_ai.response.id",
                completion["id"].as_str().unwrap_or_default().to_owned(),
            ));
            let factor = if defects.has(Defect::TokensDoubled) { 2 } else { 1 };
            let used = |key: &str| completion["usage"][key].as_i64().unwrap_or(0) * factor;
            if !defects.has(Defect::MissingAttribute) {
                span.set_attribute(KeyValue::new("gen_ai.usage.input_tokens", used("prompt_tokens")));
            }
            span.set_attribute(KeyValue::new("gen_ai.usage.output_tokens", used("completion_tokens")));
        }
        Err(error) => span.set_status(Status::error(format!("llm {error}"))),
    }
    span.end();
}
