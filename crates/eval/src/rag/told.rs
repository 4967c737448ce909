//! What spans say of passages, prompts, answers and tool calls.

use model::{Attributes, SpanIndex, Trace, Value};
use serde_json::Value as Json;

use crate::limits::{RAG_PASSAGES_MAX, RAG_TEXT_BYTES_MAX};

/// A passage that was retrieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Its id; empty where only its text was recorded.
    pub id: String,
    /// Its text; empty where only its id was recorded.
    pub text: String,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub span: SpanIndex,
    pub name: String,
    /// Its arguments; none where they are no JSON or were not recorded.
    pub arguments: Option<Json>,
}

/// What a trace tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Passages, in the order in which they were ranked, retrieval by retrieval.
    pub passages: Vec<Passage>,
    /// Spans that retrieved.
    pub retrievals: Vec<SpanIndex>,
    /// What language models were given.
    pub prompts: Vec<(SpanIndex, String)>,
    /// What they said.
    pub answers: Vec<(SpanIndex, String)>,
    /// Why they stopped.
    pub finish_reasons: Vec<(SpanIndex, String)>,
    pub tool_calls: Vec<ToolCall>,
}

/// Reads every span once.
pub(crate) fn told(trace: &Trace) -> Told {
    let mut told = Told::default();
    for (index, _) in trace.depth_first() {
        let attributes = &trace.span(index).attributes;
        let passages = passages(attributes);
        if !passages.is_empty() {
            told.retrievals.push(index);
            let room = RAG_PASSAGES_MAX.saturating_sub(told.passages.len());
            told.passages.extend(passages.into_iter().take(room));
        }
        let prompt = messages(attributes, &["gen_ai.input.messages"], &["llm.input_messages.", "gen_ai.prompt."]);
        told.prompts.extend(prompt.map(|text| (index, text)));
        let answer = messages(attributes, &["gen_ai.output.messages"], &["llm.output_messages.", "gen_ai.completion."]);
        told.answers.extend(answer.map(|text| (index, text)));
        if let Some(Value::Array(reasons)) = attributes.get("gen_ai.response.finish_reasons") {
            told.finish_reasons.extend(reasons.iter().filter_map(|reason| Some((index, reason.as_str()?.to_owned()))));
        }
        told.tool_calls.extend(tool_call(index, attributes));
    }
    told
}

fn text_of<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    attributes.text(key).filter(|text| text.len() <= RAG_TEXT_BYTES_MAX)
}

/// `gen_ai.retrieval.documents` is a list in JSON; OpenInference has an attribute for each field of each document.
fn passages(attributes: &Attributes) -> Vec<Passage> {
    if let Some(text) = text_of(attributes, "gen_ai.retrieval.documents")
        && let Ok(Json::Array(documents)) = serde_json::from_str(text)
    {
        return documents.iter().map(document).collect();
    }
    numbered(attributes, "retrieval.documents.")
        .map(|fields| {
            let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, text)| text.clone());
            Passage {
                id: field("document.id").unwrap_or_default(),
                text: field("document.content").unwrap_or_default(),
            }
        })
        .collect()
}

fn document(document: &Json) -> Passage {
    let first = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| document.get(*key));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    match document {
        Json::String(id) => Passage { id: id.clone(), text: String::new() },
        _ => Passage { id: first(&["id", "document_id", "doc_id"]), text: first(&["content", "text", "page_content"]) },
    }
}

/// Attributes of a numbered list, `prefix.0.field`, by number.
fn numbered<'a>(attributes: &'a Attributes, prefix: &'a str) -> impl Iterator<Item = Vec<(&'a str, String)>> {
    let mut items: std::collections::BTreeMap<usize, Vec<(&str, String)>> = std::collections::BTreeMap::new();
    for (key, value) in attributes.iter() {
        let Some((number, field)) = key.strip_prefix(prefix).and_then(|rest| rest.split_once('.')) else { continue };
        let (Ok(number), Some(text)) = (number.parse::<usize>(), value.as_str()) else { continue };
        if items.len() < RAG_PASSAGES_MAX && text.len() <= RAG_TEXT_BYTES_MAX {
            items.entry(number).or_default().push((field, text.to_owned()));
        }
    }
    items.into_values()
}

/// The text of messages: parts of the conventions' JSON, or attributes of a numbered list.
fn messages(attributes: &Attributes, keys: &[&str], prefixes: &[&str]) -> Option<String> {
    for key in keys {
        if let Some(text) = text_of(attributes, key) {
            let mut all = String::new();
            match serde_json::from_str::<Json>(text) {
                Ok(json) => collect(&json, &mut all, 0),
                // Not as the convention has it: the text itself.
                Err(_) => all.push_str(text),
            }
            return Some(all);
        }
    }
    for prefix in prefixes {
        let mut all = String::new();
        for fields in numbered(attributes, prefix) {
            let content = fields.iter().filter(|(field, _)| field.ends_with("content"));
            content.for_each(|(_, text)| line(&mut all, text));
        }
        if !all.is_empty() {
            return Some(all);
        }
    }
    None
}

fn line(all: &mut String, text: &str) {
    all.push_str(text);
    all.push('\n');
}

/// Every `content` and `text` within messages and their parts.
fn collect(json: &Json, all: &mut String, depth: usize) {
    if depth > 8 {
        return;
    }
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect(item, all, depth + 1)),
        Json::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("content" | "text", Json::String(text)) => line(all, text),
                    ("content" | "parts" | "response" | "result", value) => collect(value, all, depth + 1),
                    _ => {}
                }
            }
        }
        Json::String(text) => line(all, text),
        _ => {}
    }
}

fn tool_call(span: SpanIndex, attributes: &Attributes) -> Option<ToolCall> {
    let name = attributes.text("gen_ai.tool.name").or_else(|| attributes.text("tool.name"))?;
    let keys = ["gen_ai.tool.call.arguments", "tool.parameters", "input.value"];
    let arguments = keys.iter().find_map(|key| text_of(attributes, key));
    Some(ToolCall {
        span,
        name: name.to_owned(),
        arguments: arguments.and_then(|text| serde_json::from_str(text).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Span, SpanId, TraceId};

    fn trace(attributes: &[(&str, &str)]) -> Trace {
        let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "x");
        span.attributes = attributes.iter().copied().collect();
        Trace::assemble(TraceId([1; 16]), vec![span], Vec::new())
    }

    #[test]
    fn the_conventions_and_openinference_tell_the_same() {
        let ours = told(&trace(&[
            ("gen_ai.retrieval.documents", r#"[{"id":"a","score":0.9},{"id":"b","content":"text of b"}]"#),
            ("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"hello"}]}]"#),
            ("gen_ai.tool.name", "search"),
            ("gen_ai.tool.call.arguments", r#"{"query":"x"}"#),
        ]));
        let theirs = told(&trace(&[
            ("retrieval.documents.1.document.content", "text of b"),
            ("retrieval.documents.0.document.id", "a"),
            ("retrieval.documents.1.document.id", "b"),
            ("llm.input_messages.0.message.content", "hello"),
            ("tool.name", "search"),
            ("tool.parameters", r#"{"query":"x"}"#),
        ]));
        assert_eq!(ours.passages, theirs.passages);
        assert_eq!(ours.prompts, [(0, "hello\n".to_owned())]);
        assert_eq!(ours.prompts, theirs.prompts);
        assert_eq!(ours.tool_calls, theirs.tool_calls);
    }

    #[test]
    fn what_cannot_be_read_is_no_passage_and_no_panic() {
        for documents in ["", "[", "{}", "[1, null, {}]"] {
            let told = told(&trace(&[("gen_ai.retrieval.documents", documents)]));
            assert!(told.passages.len() <= 3);
        }
    }
}
