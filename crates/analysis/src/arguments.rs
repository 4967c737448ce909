//! What a call was asked, as a key: two calls of equal keys ask the same thing.
//!
//! No argument, no key: that an operation was called twice does not mean that it was asked the same.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use model::{Span, SpanKind, Value};

use crate::llm::{LlmCall, LlmSide, is_llm, llm_call};

/// A call with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arguments {
    /// Equal for equal arguments of one operation.
    pub(crate) key: u64,
    /// Equal for equal answers; none where the answer was not recorded.
    pub(crate) answer: Option<u64>,
    /// What kind of call it is.
    pub(crate) kind: CallArguments,
    /// The call to a model, where it is one.
    pub(crate) llm: Option<LlmCall>,
}

/// Which arguments were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallArguments {
    /// A URL that is read.
    Url,
    /// A statement that reads.
    Statement,
    /// A text to embed, a query to retrieve by, documents to rank: the same answer every time.
    Lookup,
    /// A prompt at temperature zero.
    Prompt,
    /// A prompt whose temperature is not told.
    PromptMaybeSampled,
    /// A tool and its arguments: what it does is not known.
    Tool,
}

/// What `span` was asked; none where it does not say, asks nobody, or changes something.
pub(crate) fn arguments(span: &Span) -> Option<Arguments> {
    if is_llm(span) {
        return of_llm(llm_call(span, &[])?);
    }
    if span.kind != SpanKind::CLIENT {
        return None;
    }
    of_url(span).or_else(|| of_statement(span))
}

fn hash(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn of_llm(call: LlmCall) -> Option<Arguments> {
    let asked = format!("{}\n{}", call.text(LlmSide::System), call.text(LlmSide::Input));
    let asked = if asked.trim().is_empty() { call.query.clone() } else { asked };
    if asked.trim().is_empty() {
        return None;
    }
    let parameters: Vec<String> = call.parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let temperature =
        call.parameters.iter().find(|(key, _)| &**key == "temperature").and_then(|(_, value)| value.as_double());
    let kind = match (call.operation.as_str(), temperature) {
        ("embeddings" | "retrieval" | "rerank", _) => CallArguments::Lookup,
        ("execute_tool", _) => CallArguments::Tool,
        ("chat" | "text_completion" | "generate_content", Some(0.0)) => CallArguments::Prompt,
        ("chat" | "text_completion" | "generate_content", None) => CallArguments::PromptMaybeSampled,
        _ => return None,
    };
    let answer = call.text(LlmSide::Output);
    let documents: Vec<&str> = call
        .documents
        .iter()
        .map(|document| if document.id.is_empty() { &*document.text } else { &*document.id })
        .collect();
    let answered = (!answer.is_empty()).then(|| hash(&[&answer])).or((!documents.is_empty()).then(|| hash(&documents)));
    let key = hash(&[&call.operation, &call.request_model, &call.tool, &asked, &parameters.join("\n")]);
    Some(Arguments { key, answer: answered, kind, llm: Some(call) })
}

fn of_url(span: &Span) -> Option<Arguments> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| span.attributes.text(key)).filter(|text| !text.is_empty());
    let method = text(&["http.request.method", "http.method"])?;
    if !matches!(method, "GET" | "HEAD") {
        return None;
    }
    let whole = text(&["url.full", "http.url"]);
    let path = text(&["http.target", "url.path"]);
    let query = text(&["url.query"]).unwrap_or_default();
    let host = text(&["server.address", "net.peer.name"]).unwrap_or_default();
    let key = match (whole, path) {
        (Some(url), _) => hash(&[method, url]),
        (None, Some(path)) => hash(&[method, host, path, query]),
        (None, None) => return None,
    };
    Some(Arguments { key, answer: None, kind: CallArguments::Url, llm: None })
}

fn of_statement(span: &Span) -> Option<Arguments> {
    let statement = ["db.query.text", "db.statement"].iter().find_map(|key| span.attributes.text(key))?;
    let first = statement.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let reads = ["select", "get", "mget", "hget", "hgetall", "find", "match", "show", "exists"];
    if !reads.iter().any(|word| word.eq_ignore_ascii_case(first)) {
        return None;
    }
    let parameters: Vec<String> = span
        .attributes
        .iter()
        .filter(|(key, _)| key.starts_with("db.query.parameter.") || key.starts_with("db.operation.parameter."))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    // A statement with places for its parameters says nothing of what was asked.
    let has_places = statement.contains('?') || statement.contains("%s") || has_numbered_place(statement);
    if has_places && parameters.is_empty() {
        return None;
    }
    let place = span.attributes.get("db.namespace").or_else(|| span.attributes.get("db.name")).map(Value::to_string);
    let key = hash(&[statement, &parameters.join("\n"), &place.unwrap_or_default()]);
    let rows = span.attributes.get("db.response.returned_rows").map(|rows| hash(&[&rows.to_string()]));
    Some(Arguments { key, answer: rows, kind: CallArguments::Statement, llm: None })
}

fn has_numbered_place(statement: &str) -> bool {
    statement.as_bytes().windows(2).any(|pair| matches!(pair[0], b'$' | b':') && pair[1].is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use model::{SpanId, TraceId};

    use super::*;

    fn key(kind: SpanKind, attributes: &[(&str, &str)]) -> Option<u64> {
        let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "call");
        span.kind = kind;
        span.attributes = attributes.iter().copied().collect();
        arguments(&span).map(|arguments| arguments.key)
    }

    #[test]
    fn only_what_reads_and_says_what_it_asks_has_a_key() {
        let client = |attributes: &[(&str, &str)]| key(SpanKind::CLIENT, attributes);
        let get = client(&[("http.request.method", "GET"), ("url.full", "http://b/x?y=1")]);
        assert!(get.is_some());
        assert_ne!(get, client(&[("http.request.method", "GET"), ("url.full", "http://b/x?y=2")]));
        assert_eq!(client(&[("http.request.method", "POST"), ("url.full", "http://b/x?y=1")]), None);
        assert_eq!(client(&[("http.request.method", "GET")]), None);
        assert_eq!(key(SpanKind::SERVER, &[("http.request.method", "GET"), ("url.full", "http://b/x")]), None);
        assert!(client(&[("db.query.text", "SELECT a FROM b WHERE c = 7")]).is_some());
        assert_eq!(client(&[("db.query.text", "SELECT a FROM b WHERE c = $1")]), None);
        assert!(client(&[("db.query.text", "SELECT a FROM b WHERE c = $1"), ("db.query.parameter.0", "7")]).is_some());
        assert_eq!(client(&[("db.query.text", "UPDATE b SET c = 7")]), None);
        let chat = |temperature: &str| {
            key(
                SpanKind::CLIENT,
                &[
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.input.messages", "hi"),
                    ("gen_ai.request.x", temperature),
                ],
            )
        };
        assert!(chat("0").is_some() && chat("0") == chat("0") && chat("0") != chat("1"));
    }
}
