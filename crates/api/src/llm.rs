//! A span as a call to a model, a retrieval, a tool or an agent, whatever dialect described it: OpenTelemetry's GenAI
//! conventions (current and legacy), OpenInference, OpenLLMetry. The attributes themselves are never changed.

use model::{Attributes, LogRecord, Span, Value};
use serde_json::Value as Json;
use wire::{Attribute, LlmDocument, LlmMessage, LlmPart, LlmSide, LlmTokens, LlmView};

use crate::limits::LLM_ITEMS_MAX;
use crate::values::Values;

/// Whether the span describes such a call.
#[must_use]
pub fn is_llm(span: &Span) -> bool {
    span.attributes
        .iter()
        .any(|(key, _)| key.starts_with("gen_ai.") || key.starts_with("llm.") || MARKS.contains(&&**key))
}

const MARKS: &[&str] = &["openinference.span.kind", "traceloop.span.kind"];

/// The span as such a call, if it is one. Messages may also stand in `logs`, the log records that name the span.
#[must_use]
pub fn llm_view(span: &Span, logs: &[&LogRecord]) -> Option<LlmView> {
    if !is_llm(span) {
        return None;
    }
    let a = &span.attributes;
    let text = |keys: &[&str]| first_text(a, keys);
    let tokens = LlmTokens {
        input: first_count(
            a,
            &[
                "gen_ai.usage.input_tokens",
                "llm.token_count.prompt",
                "gen_ai.usage.prompt_tokens",
                "llm.usage.prompt_tokens",
            ],
        ),
        output: first_count(
            a,
            &[
                "gen_ai.usage.output_tokens",
                "llm.token_count.completion",
                "gen_ai.usage.completion_tokens",
                "llm.usage.completion_tokens",
            ],
        ),
        cached_input: first_count(
            a,
            &[
                "gen_ai.usage.cache_read.input_tokens",
                "llm.token_count.prompt_details.cache_read",
                "gen_ai.usage.cached_tokens",
            ],
        ),
        reasoning_output: first_count(
            a,
            &[
                "gen_ai.usage.reasoning.output_tokens",
                "llm.token_count.completion_details.reasoning",
                "gen_ai.usage.reasoning_tokens",
            ],
        ),
    };
    let seconds = span.duration().0 as f64 / 1e9;
    let tokens_per_second = tokens.output.filter(|&out| out > 0 && seconds > 0.0).map(|out| out as f64 / seconds);
    Some(LlmView {
        operation: operation(span),
        dialect: dialect(a).to_owned(),
        provider: text(&["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"]),
        request_model: text(&["gen_ai.request.model", "llm.request.model_name", "llm.model_name", "llm.request.model"]),
        response_model: text(&["gen_ai.response.model", "llm.response.model_name", "llm.response.model"]),
        parameters: parameters(a),
        messages: messages(a, logs),
        cost_usd: a.get("llm.cost.total").and_then(Value::as_double),
        time_to_first_token: time_to_first_token(span),
        tokens_per_second,
        finish_reasons: finish_reasons(a),
        documents: documents(a),
        query: text(&["gen_ai.retrieval.query.text", "reranker.query", "retrieval.query", "db.query.text"]),
        tool: text(&["gen_ai.tool.name", "tool.name"]),
        tokens,
    })
}

fn first_text(attributes: &Attributes, keys: &[&str]) -> String {
    keys.iter().find_map(|key| attributes.text(key)).unwrap_or_default().to_owned()
}

fn first_count(attributes: &Attributes, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| {
        let value = attributes.get(key)?;
        value.as_int().or_else(|| value.as_double().map(|number| number as i64)).and_then(|n| u64::try_from(n).ok())
    })
}

fn operation(span: &Span) -> String {
    let a = &span.attributes;
    if let Some(operation) = a.text("gen_ai.operation.name") {
        return operation.to_owned();
    }
    if let Some(kind) = a.text("openinference.span.kind").or_else(|| a.text("traceloop.span.kind")) {
        return match kind.to_ascii_lowercase().as_str() {
            "llm" => "chat",
            "embedding" => "embeddings",
            "retriever" => "retrieval",
            "reranker" => "rerank",
            "tool" => "execute_tool",
            "agent" => "invoke_agent",
            "workflow" => "invoke_workflow",
            other => other,
        }
        .to_owned();
    }
    a.text("llm.request.type").unwrap_or("chat").to_owned()
}

fn dialect(attributes: &Attributes) -> &'static str {
    let has = |prefix: &str| attributes.iter().any(|(key, _)| key.starts_with(prefix));
    if has("openinference.") || has("llm.input_messages.") || has("llm.token_count.") {
        "openinference"
    } else if has("traceloop.") {
        "traceloop"
    } else if has("gen_ai.prompt.") || has("gen_ai.completion.") {
        "gen_ai (legacy)"
    } else if has("gen_ai.") {
        "gen_ai"
    } else {
        "llm"
    }
}

fn parameters(attributes: &Attributes) -> Vec<Attribute> {
    const NOT_PARAMETERS: &[&str] = &["gen_ai.request.model"];
    let mut values = Values::new(false);
    attributes
        .iter()
        .filter(|(key, _)| key.starts_with("gen_ai.request.") || &***key == "llm.invocation_parameters")
        .filter(|(key, _)| !NOT_PARAMETERS.contains(&&***key))
        .map(|(key, value)| Attribute {
            key: key.strip_prefix("gen_ai.request.").unwrap_or(key).to_owned(),
            value: values.value(value),
        })
        .collect()
}

fn time_to_first_token(span: &Span) -> Option<i64> {
    let seconds = span.attributes.get("gen_ai.response.time_to_first_chunk").and_then(Value::as_double);
    seconds.map(|seconds| (seconds * 1e9) as i64).or_else(|| {
        const FIRST_TOKEN: &[&str] = &["gen_ai.content.first_token", "first_token", "First Token Stream Event"];
        let event = span.events.iter().find(|event| FIRST_TOKEN.contains(&&*event.name))?;
        Some((event.time - span.start).0)
    })
}

fn finish_reasons(attributes: &Attributes) -> Vec<String> {
    match attributes.get("gen_ai.response.finish_reasons") {
        Some(Value::Array(reasons)) => reasons.iter().map(ToString::to_string).collect(),
        Some(reason) => vec![reason.to_string()],
        None => attributes.text("llm.finish_reason").map(ToOwned::to_owned).into_iter().collect(),
    }
}

fn messages(attributes: &Attributes, logs: &[&LogRecord]) -> Vec<LlmMessage> {
    let mut messages = structured_messages(attributes);
    for log in logs.iter().filter(|log| &*log.event_name == "gen_ai.client.inference.operation.details") {
        messages.extend(structured_messages(&log.attributes));
    }
    if messages.is_empty() {
        messages = flattened(attributes, "llm.input_messages", LlmSide::Input);
        messages.extend(flattened(attributes, "gen_ai.prompt", LlmSide::Input));
        messages.extend(flattened(attributes, "llm.output_messages", LlmSide::Output));
        messages.extend(flattened(attributes, "gen_ai.completion", LlmSide::Output));
    }
    messages.truncate(LLM_ITEMS_MAX);
    messages
}

fn structured_messages(attributes: &Attributes) -> Vec<LlmMessage> {
    let mut messages = Vec::new();
    if let Some(parts) = attributes.get("gen_ai.system_instructions").map(json_of) {
        let parts = parts_of(&parts);
        messages.push(LlmMessage { side: LlmSide::System, role: "system".to_owned(), parts });
    }
    for (key, side) in [("gen_ai.input.messages", LlmSide::Input), ("gen_ai.output.messages", LlmSide::Output)] {
        let Some(json) = attributes.get(key).map(json_of) else { continue };
        let listed = match &json {
            Json::Array(list) => list.as_slice(),
            other => std::slice::from_ref(other),
        };
        messages.extend(listed.iter().map(|message| message_of(message, side)));
    }
    messages
}

/// `gen_ai.*` content is structured on logs, and on spans either structured or a JSON string.
fn json_of(value: &Value) -> Json {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_string())),
        other => plain_json(other, 0),
    }
}

fn plain_json(value: &Value, depth: usize) -> Json {
    if depth > crate::limits::VALUE_DEPTH_MAX {
        return Json::Null;
    }
    match value {
        Value::Empty => Json::Null,
        Value::String(text) => Json::String(text.to_string()),
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Int(int) => Json::from(*int),
        Value::Double(double) => Json::from(*double),
        Value::Bytes(_) => Json::String(value.to_string()),
        Value::Array(values) => Json::Array(values.iter().map(|value| plain_json(value, depth + 1)).collect()),
        Value::Map(entries) => Json::Object(
            entries.iter().map(|entry| (entry.key.to_string(), plain_json(&entry.value, depth + 1))).collect(),
        ),
    }
}

fn message_of(json: &Json, side: LlmSide) -> LlmMessage {
    let fallback = if side == LlmSide::Output { "assistant" } else { "user" };
    let role = json.get("role").and_then(Json::as_str).unwrap_or(fallback).to_owned();
    let parts = json.get("parts").or_else(|| json.get("content")).map_or_else(|| parts_of(json), parts_of);
    LlmMessage { side: if role == "system" { LlmSide::System } else { side }, role, parts }
}

fn parts_of(json: &Json) -> Vec<LlmPart> {
    match json {
        Json::Array(parts) => parts.iter().map(part_of).collect(),
        other => vec![part_of(other)],
    }
}

fn part_of(json: &Json) -> LlmPart {
    let Json::Object(fields) = json else { return text_part(&words_of(json)) };
    let field = |name: &str| fields.get(name).map(words_of).unwrap_or_default();
    let known = ["content", "arguments", "response", "result", "text", "uri", "file_id"];
    let text = known.iter().find_map(|name| fields.get(*name)).map_or_else(|| json.to_string(), words_of);
    let kind = fields.get("type").map_or_else(|| "text".to_owned(), words_of);
    LlmPart { kind, text, name: field("name"), id: field("id") }
}

fn text_part(text: &str) -> LlmPart {
    LlmPart { kind: "text".to_owned(), text: text.to_owned(), name: String::new(), id: String::new() }
}

fn words_of(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
}

/// `llm.input_messages.0.message.role` (OpenInference) and `gen_ai.prompt.0.role` (OpenLLMetry, legacy GenAI).
fn flattened(attributes: &Attributes, prefix: &str, side: LlmSide) -> Vec<LlmMessage> {
    let mut messages = std::collections::BTreeMap::new();
    for (key, value) in attributes.iter() {
        let Some((position, field)) = numbered(key, prefix) else { continue };
        let message = messages.entry(position).or_insert_with(|| LlmMessage {
            side,
            role: if side == LlmSide::Output { "assistant" } else { "user" }.to_owned(),
            parts: Vec::new(),
        });
        match field.strip_prefix("message.").unwrap_or(field) {
            "role" => message.role = value.to_string(),
            "content" => message.parts.push(text_part(&value.to_string())),
            "finish_reason" => {}
            rest if rest.ends_with("function.name") || rest.ends_with(".name") => message.parts.push(LlmPart {
                kind: "tool_call".to_owned(),
                text: String::new(),
                name: value.to_string(),
                id: String::new(),
            }),
            rest if rest.ends_with("arguments") => match message.parts.last_mut() {
                Some(part) if part.kind == "tool_call" && part.text.is_empty() => part.text = value.to_string(),
                _ => message.parts.push(LlmPart {
                    kind: "tool_call".to_owned(),
                    text: value.to_string(),
                    name: String::new(),
                    id: String::new(),
                }),
            },
            rest if rest.starts_with("contents.") && rest.ends_with(".text") => {
                message.parts.push(text_part(&value.to_string()));
            }
            _ => {}
        }
    }
    messages.into_values().collect()
}

/// `PREFIX.7.rest` as (7, rest).
fn numbered<'a>(key: &'a str, prefix: &str) -> Option<(u32, &'a str)> {
    let (position, field) = key.strip_prefix(prefix)?.strip_prefix('.')?.split_once('.')?;
    Some((position.parse().ok()?, field))
}

fn documents(attributes: &Attributes) -> Vec<LlmDocument> {
    let mut documents: Vec<LlmDocument> = match attributes.get("gen_ai.retrieval.documents").map(json_of) {
        Some(Json::Array(list)) => list.iter().map(document_of).collect(),
        _ => Vec::new(),
    };
    if documents.is_empty() {
        for prefix in ["retrieval.documents", "reranker.output_documents"] {
            documents.extend(flattened_documents(attributes, prefix));
        }
    }
    documents.truncate(LLM_ITEMS_MAX);
    documents
}

fn document_of(json: &Json) -> LlmDocument {
    let text = |names: &[&str]| names.iter().find_map(|name| json.get(*name)).map(words_of).unwrap_or_default();
    LlmDocument {
        id: text(&["id", "document_id"]),
        score: json.get("score").and_then(Json::as_f64),
        text: text(&["content", "text"]),
    }
}

fn flattened_documents(attributes: &Attributes, prefix: &str) -> Vec<LlmDocument> {
    let mut documents = std::collections::BTreeMap::new();
    for (key, value) in attributes.iter() {
        let Some((position, field)) = numbered(key, prefix) else { continue };
        let document = documents.entry(position).or_insert_with(|| LlmDocument {
            id: String::new(),
            score: None,
            text: String::new(),
        });
        match field.strip_prefix("document.").unwrap_or(field) {
            "id" => document.id = value.to_string(),
            "score" => document.score = value.as_double(),
            "content" => document.text = value.to_string(),
            _ => {}
        }
    }
    documents.into_values().collect()
}

#[cfg(test)]
mod tests {
    use model::{SpanId, TraceId};

    use super::*;

    fn view(attributes: &[(&str, Value)]) -> LlmView {
        let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "chat");
        span.attributes = attributes.iter().map(|(key, value)| (*key, value.clone())).collect();
        span.end = model::Instant(2_000_000_000);
        llm_view(&span, &[]).expect("an LLM span")
    }

    fn conversation(view: &LlmView) -> Vec<String> {
        let text = |part: &LlmPart| format!("{}({}{})", part.kind, part.name, part.text);
        view.messages
            .iter()
            .map(|message| {
                let parts: Vec<String> = message.parts.iter().map(text).collect();
                format!("{:?} {}: {}", message.side, message.role, parts.join(" "))
            })
            .collect()
    }

    #[test]
    fn the_three_dialects_read_alike() {
        let gen_ai = view(&[
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.usage.output_tokens", 10_i64.into()),
            ("gen_ai.system_instructions", r#"[{"type":"text","content":"be brief"}]"#.into()),
            ("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#.into()),
            (
                "gen_ai.output.messages",
                r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"f","arguments":{"a":1}}]}]"#
                    .into(),
            ),
        ]);
        assert_eq!(
            conversation(&gen_ai),
            ["System system: text(be brief)", "Input user: text(hi)", r#"Output assistant: tool_call(f{"a":1})"#]
        );
        assert_eq!((gen_ai.dialect.as_str(), gen_ai.tokens_per_second), ("gen_ai", Some(5.0)));

        let openinference = view(&[
            ("openinference.span.kind", "LLM".into()),
            ("llm.token_count.completion", 10_i64.into()),
            ("llm.input_messages.1.message.content", "hi".into()),
            ("llm.input_messages.1.message.role", "user".into()),
            ("llm.input_messages.0.message.role", "system".into()),
            ("llm.input_messages.0.message.content", "be brief".into()),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "f".into()),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{}".into()),
        ]);
        assert_eq!(
            conversation(&openinference),
            ["Input system: text(be brief)", "Input user: text(hi)", "Output assistant: tool_call(f{})"]
        );
        assert_eq!((openinference.operation.as_str(), openinference.tokens.output), ("chat", Some(10)));

        let legacy = view(&[
            ("gen_ai.prompt.0.role", "user".into()),
            ("gen_ai.prompt.0.content", "hi".into()),
            ("gen_ai.completion.0.content", "hello".into()),
            ("gen_ai.usage.prompt_tokens", 3_i64.into()),
        ]);
        assert_eq!(conversation(&legacy), ["Input user: text(hi)", "Output assistant: text(hello)"]);
        assert_eq!(legacy.tokens.input, Some(3));
    }

    #[test]
    fn documents_of_both_dialects() {
        let gen_ai = view(&[("gen_ai.retrieval.documents", r#"[{"id":"a","score":0.5,"content":"x"}]"#.into())]);
        let other = view(&[
            ("openinference.span.kind", "RETRIEVER".into()),
            ("retrieval.documents.0.document.id", "a".into()),
            ("retrieval.documents.0.document.score", 0.5.into()),
            ("retrieval.documents.0.document.content", "x".into()),
        ]);
        assert_eq!(gen_ai.documents, other.documents);
        assert_eq!(other.operation, "retrieval");
    }

    #[test]
    fn content_that_is_no_json_is_text() {
        let view = view(&[("gen_ai.input.messages", "just words".into())]);
        assert_eq!(conversation(&view), ["Input user: text(just words)"]);
    }
}
