//! Cache hits and misses, with the evidence. OpenTelemetry has no convention for them, so a list of keys is looked at, and
//! what was decisive is said.

use model::{Span, SpanIndex, Text, Trace, Value};

/// Keys whose truth value says whether a cache was hit, in the order in which they are believed.
pub const CACHE_HIT_KEYS: &[&str] =
    &["cache.hit", "cache_hit", "cached", "cache.result", "db.cache.hit", "promptfoo.cache_hit", "http.cache.hit"];

/// Operations that ask a cache.
const GET_OPERATIONS: &[&str] = &["get", "mget", "hget", "getex", "lookup"];

/// What came of asking a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheResult {
    /// It had the answer.
    Hit,
    /// It had not.
    Miss,
}

/// A span that asked a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheAccess {
    /// The span's service.
    pub service: Text,
    /// The span.
    pub span: SpanIndex,
    /// What came of it.
    pub result: CacheResult,
    /// The attribute that says so.
    pub evidence: Text,
}

/// Every span of `trace` that says what a cache answered, by start. `more_keys` are believed before [`CACHE_HIT_KEYS`].
#[must_use]
pub fn cache_accesses(trace: &Trace, more_keys: &[Text]) -> Vec<CacheAccess> {
    let keys: Vec<&str> = more_keys.iter().map(|key| &**key).chain(CACHE_HIT_KEYS.iter().copied()).collect();
    let read = |(index, span): (usize, &Span)| {
        let (result, evidence) = result_of(span, &keys)?;
        Some(CacheAccess { service: span.service_name().into(), span: index as SpanIndex, result, evidence })
    };
    trace.spans().iter().enumerate().filter_map(read).collect()
}

fn result_of(span: &Span, keys: &[&str]) -> Option<(CacheResult, Text)> {
    let said = keys.iter().find_map(|key| Some((truth(span.attributes.get(key)?)?, Text::from(*key))));
    let by_rows = || {
        let operation = span.attributes.text("db.operation.name").or_else(|| span.attributes.text("db.operation"))?;
        let asks = GET_OPERATIONS.iter().any(|get| get.eq_ignore_ascii_case(operation));
        let rows = span.attributes.get("db.response.returned_rows")?.as_int()?;
        asks.then(|| (rows > 0, Text::from("db.response.returned_rows")))
    };
    let (hit, evidence) = said.or_else(by_rows)?;
    Some((if hit { CacheResult::Hit } else { CacheResult::Miss }, evidence))
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(*bool),
        Value::Int(int) => Some(*int > 0),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "hit" | "true" | "yes" => Some(true),
            "miss" | "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
