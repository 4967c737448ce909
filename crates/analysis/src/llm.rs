//! A span as a call to a model, a retrieval, a tool or an agent, whatever dialect described it: OpenTelemetry's GenAI
//! conventions (current and legacy), OpenInference, OpenLLMetry, the Vercel AI SDK. The attributes themselves are never
//! changed.

use model::{Attributes, Duration, LogRecord, Span, Text, Value};
use serde_json::Value as Json;

use crate::limits::{LLM_ITEMS_MAX, LLM_VALUE_DEPTH_MAX};

/// A call to a model, a retrieval, a tool or an agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LlmCall {
    /// `chat`, `embeddings`, `retrieval`, `rerank`, `execute_tool`, `invoke_agent`, …
    pub operation: String,
    /// Which conventions described it: `gen_ai`, `openinference`, `traceloop`, `vercel`, …
    pub dialect: &'static str,
    /// `openai`, `anthropic`, …; empty when not said.
    pub provider: String,
    /// The model asked for; empty when not said.
    pub request_model: String,
    /// The model that answered; empty when not said.
    pub response_model: String,
    /// Temperature and the like, in the order sent.
    pub parameters: Vec<(Text, Value)>,
    /// The conversation, in order.
    pub messages: Vec<LlmMessage>,
    /// Tokens; none where not said.
    pub tokens: LlmTokens,
    /// US dollars, where the sender said it.
    pub cost_usd: Option<f64>,
    /// From the span's start to the first token, where it is said.
    pub time_to_first_token: Option<Duration>,
    /// Why it stopped.
    pub finish_reasons: Vec<String>,
    /// What was retrieved, best first.
    pub documents: Vec<LlmDocument>,
    /// The query of a retrieval; empty when not said.
    pub query: String,
    /// The tool's name; empty when it is not a tool's.
    pub tool: String,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LlmSide {
    /// Instructions.
    System,
    /// What the model was given.
    Input,
    /// What it answered.
    Output,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlmMessage {
    /// Where it stands.
    pub side: LlmSide,
    /// `system`, `user`, `assistant`, `tool`, …
    pub role: String,
    /// Its parts, in order.
    pub parts: Vec<LlmPart>,
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlmPart {
    /// `text`, `tool_call`, `tool_call_response`, `reasoning`, `blob`, `file`, `uri`, …
    pub kind: String,
    /// The text, or the JSON text of arguments or result.
    pub text: String,
    /// The tool's name; empty where there is none.
    pub name: String,
    /// The call's id; empty where there is none.
    pub id: String,
}

/// Tokens of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LlmTokens {
    /// In, cached ones included.
    pub input: Option<u64>,
    /// Out, reasoning included.
    pub output: Option<u64>,
    /// Of the input, read from the provider's cache.
    pub cached_input: Option<u64>,
    /// Of the output, spent on reasoning.
    pub reasoning_output: Option<u64>,
}

/// A retrieved document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LlmDocument {
    /// Its id; empty when not said.
    pub id: String,
    /// Its score, where it is said.
    pub score: Option<f64>,
    /// Its text; empty when not sent.
    pub text: String,
}

impl LlmCall {
    /// Everything of the conversation on one side, joined by lines.
    #[must_use]
    pub fn text(&self, side: LlmSide) -> String {
        let parts = self.messages.iter().filter(|message| message.side == side).flat_map(|message| &message.parts);
        parts.map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The model that answered, else the one asked for; empty when neither is said.
    #[must_use]
    pub fn model(&self) -> &str {
        if self.response_model.is_empty() { &self.request_model } else { &self.response_model }
    }
}

/// Whether the span describes such a call.
#[must_use]
pub fn is_llm(span: &Span) -> bool {
    span.attributes
        .iter()
        .any(|(key, _)| key.starts_with("gen_ai.") || key.starts_with("llm.") || MARKS.contains(&&**key))
}

const MARKS: &[&str] =
    &["openinference.span.kind", "traceloop.span.kind", "ai.operationId", "ai.model.id", "ai.toolCall.name"];

/// The span as such a call, if it is one. Messages may also stand in `logs`, the log records that name the span.
#[must_use]
pub fn llm_call(span: &Span, logs: &[&LogRecord]) -> Option<LlmCall> {
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
                "ai.usage.inputTokens",
                "ai.usage.promptTokens",
            ],
        ),
        output: first_count(
            a,
            &[
                "gen_ai.usage.output_tokens",
                "llm.token_count.completion",
                "gen_ai.usage.completion_tokens",
                "llm.usage.completion_tokens",
                "ai.usage.outputTokens",
                "ai.usage.completionTokens",
            ],
        ),
        cached_input: first_count(
            a,
            &[
                "gen_ai.usage.cache_read.input_tokens",
                "llm.token_count.prompt_details.cache_read",
                "gen_ai.usage.cached_tokens",
                "ai.usage.cachedInputTokens",
            ],
        ),
        reasoning_output: first_count(
            a,
            &[
                "gen_ai.usage.reasoning.output_tokens",
                "llm.token_count.completion_details.reasoning",
                "gen_ai.usage.reasoning_tokens",
                "ai.usage.reasoningTokens",
            ],
        ),
    };
    Some(LlmCall {
        operation: operation(span),
        dialect: dialect(a),
        provider: text(&["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"]),
        request_model: text(&[
            "gen_ai.request.model",
            "llm.request.model_name",
            "llm.model_name",
            "llm.request.model",
            "ai.model.id",
        ]),
        response_model: text(&[
            "gen_ai.response.model",
            "llm.response.model_name",
            "llm.response.model",
            "ai.response.model",
        ]),
        parameters: parameters(a),
        messages: messages(a, logs),
        cost_usd: a.get("llm.cost.total").and_then(Value::as_double),
        time_to_first_token: time_to_first_token(span),
        finish_reasons: finish_reasons(a),
        documents: documents(span),
        query: text(&["gen_ai.retrieval.query.text", "reranker.query", "retrieval.query", "db.query.text"]),
        tool: text(&["gen_ai.tool.name", "tool.name", "ai.toolCall.name"]),
        tokens,
    })
}

fn first_text(attributes: &Attributes, keys: &[&str]) -> String {
    keys.iter().find_map(|key| attributes.text(key)).unwrap_or_default().to_owned()
}

fn first_present<'a>(attributes: &'a Attributes, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| attributes.text(key))
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
    if a.get("ai.toolCall.name").is_some() {
        return "execute_tool".to_owned();
    }
    if a.text("ai.operationId").is_some_and(|id| id.starts_with("ai.embed")) {
        return "embeddings".to_owned();
    }
    a.text("llm.request.type").unwrap_or("chat").to_owned()
}

fn dialect(attributes: &Attributes) -> &'static str {
    let has = |prefix: &str| attributes.iter().any(|(key, _)| key.starts_with(prefix));
    if has("openinference.") || has("llm.input_messages.") || has("llm.token_count.") {
        "openinference"
    } else if has("traceloop.") {
        "traceloop"
    } else if has("ai.operationId") || has("ai.model.") || has("ai.toolCall.") {
        "vercel"
    } else if has("gen_ai.prompt.") || has("gen_ai.completion.") {
        "gen_ai (legacy)"
    } else if has("gen_ai.") {
        "gen_ai"
    } else {
        "llm"
    }
}

fn parameters(attributes: &Attributes) -> Vec<(Text, Value)> {
    const NOT_PARAMETERS: &[&str] = &["gen_ai.request.model"];
    attributes
        .iter()
        .filter(|(key, _)| {
            key.starts_with("gen_ai.request.")
                || key.starts_with("ai.settings.")
                || &***key == "llm.invocation_parameters"
        })
        .filter(|(key, _)| !NOT_PARAMETERS.contains(&&***key))
        .map(|(key, value)| {
            let short = key.strip_prefix("gen_ai.request.").or_else(|| key.strip_prefix("ai.settings."));
            (short.unwrap_or(key).into(), value.clone())
        })
        .collect()
}

fn time_to_first_token(span: &Span) -> Option<Duration> {
    let number = |key: &str, nanos: f64| Some(Duration((span.attributes.get(key)?.as_double()? * nanos) as i64));
    let said = number("gen_ai.response.time_to_first_chunk", 1e9).or_else(|| number("ai.response.msToFirstChunk", 1e6));
    said.or_else(|| {
        const FIRST_TOKEN: &[&str] = &["gen_ai.content.first_token", "first_token", "First Token Stream Event"];
        let event = span.events.iter().find(|event| FIRST_TOKEN.contains(&&*event.name))?;
        Some(event.time - span.start)
    })
}

fn finish_reasons(attributes: &Attributes) -> Vec<String> {
    match attributes.get("gen_ai.response.finish_reasons") {
        Some(Value::Array(reasons)) => reasons.iter().map(ToString::to_string).collect(),
        Some(reason) => vec![reason.to_string()],
        None => first_present(attributes, &["llm.finish_reason", "ai.response.finishReason"])
            .map(ToOwned::to_owned)
            .into_iter()
            .collect(),
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
    if messages.is_empty() {
        messages = whole_texts(attributes);
    }
    messages.truncate(LLM_ITEMS_MAX);
    messages
}

/// Conversations that stand in one attribute each: the Vercel AI SDK's, tools' and those of frameworks.
fn whole_texts(attributes: &Attributes) -> Vec<LlmMessage> {
    const TEXTS: &[(&str, LlmSide)] = &[
        ("ai.prompt.messages", LlmSide::Input),
        ("ai.prompt", LlmSide::Input),
        ("ai.toolCall.args", LlmSide::Input),
        ("gen_ai.tool.call.arguments", LlmSide::Input),
        ("input.value", LlmSide::Input),
        ("traceloop.entity.input", LlmSide::Input),
        ("ai.response.text", LlmSide::Output),
        ("ai.response.toolCalls", LlmSide::Output),
        ("ai.toolCall.result", LlmSide::Output),
        ("gen_ai.tool.call.result", LlmSide::Output),
        ("output.value", LlmSide::Output),
        ("traceloop.entity.output", LlmSide::Output),
    ];
    let mut messages: Vec<LlmMessage> = Vec::new();
    for &(key, side) in TEXTS {
        // Of several that say the same, the first counts.
        let Some(value) = attributes.get(key).filter(|_| !messages.iter().any(|message| message.side == side)) else {
            continue;
        };
        match json_of(value) {
            Json::Array(list) if list.iter().all(|one| one.get("role").is_some()) => {
                messages.extend(list.iter().map(|message| message_of(message, side)));
            }
            json => messages.push(LlmMessage {
                side,
                role: if side == LlmSide::Output { "assistant" } else { "user" }.to_owned(),
                parts: vec![text_part(&words_of(&json))],
            }),
        }
    }
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
    if depth > LLM_VALUE_DEPTH_MAX {
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

fn documents(span: &Span) -> Vec<LlmDocument> {
    let attributes = &span.attributes;
    let mut documents: Vec<LlmDocument> = match attributes.get("gen_ai.retrieval.documents").map(json_of) {
        Some(Json::Array(list)) => list.iter().map(document_of).collect(),
        _ => Vec::new(),
    };
    if documents.is_empty() {
        for prefix in ["retrieval.documents", "reranker.output_documents"] {
            documents.extend(flattened_documents(attributes, prefix));
        }
    }
    if documents.is_empty() {
        documents.extend(span.events.iter().filter(|event| &*event.name == "db.query.result").map(document_of_event));
    }
    documents.truncate(LLM_ITEMS_MAX);
    documents
}

/// OpenLLMetry writes each row of a vector store's answer as an event.
fn document_of_event(event: &model::Event) -> LlmDocument {
    let text = |key: &str| event.attributes.get(key).map(ToString::to_string).unwrap_or_default();
    LlmDocument {
        id: text("db.query.result.id"),
        score: event.attributes.get("db.query.result.score").and_then(Value::as_double),
        text: text("db.query.result.document"),
    }
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

    fn view(attributes: &[(&str, Value)]) -> LlmCall {
        let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "chat");
        span.attributes = attributes.iter().map(|(key, value)| (*key, value.clone())).collect();
        span.end = model::Instant(2_000_000_000);
        llm_call(&span, &[]).expect("an LLM span")
    }

    fn conversation(view: &LlmCall) -> Vec<String> {
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
        assert_eq!((gen_ai.dialect, gen_ai.tokens.output), ("gen_ai", Some(10)));

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
    fn the_vercel_sdk_reads_alike() {
        let call = view(&[
            ("ai.operationId", "ai.generateText.doGenerate".into()),
            ("ai.model.id", "gpt-5".into()),
            ("ai.prompt.messages", r#"[{"role":"user","content":[{"type":"text","text":"hi"}]}]"#.into()),
            ("ai.response.text", "hello".into()),
            ("ai.usage.promptTokens", 62_i64.into()),
            ("ai.response.msToFirstChunk", Value::Double(1.5)),
        ]);
        assert_eq!(conversation(&call), ["Input user: text(hi)", "Output assistant: text(hello)"]);
        assert_eq!((call.dialect, call.model(), call.tokens.input), ("vercel", "gpt-5", Some(62)));
        assert_eq!(call.time_to_first_token, Some(Duration::from_micros(1_500)));
        let tool = view(&[("ai.toolCall.name", "getWeather".into()), ("ai.toolCall.args", r#"{"a":1}"#.into())]);
        assert_eq!((tool.operation.as_str(), tool.tool.as_str()), ("execute_tool", "getWeather"));
        assert_eq!(conversation(&tool), [r#"Input user: text({"a":1})"#]);
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
