//! Cache hits and misses, with the evidence. OpenTelemetry has no convention for them, so a list of keys is looked at, and
//! what was decisive is said.

use std::collections::HashMap;

use model::{Instant, Span, SpanIndex, Text, Trace, Value};

use crate::fault::is_error;
use crate::peer::CACHE_SYSTEMS;
use crate::timeline::Timeline;

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

/// Operations that fill a cache.
const SET_OPERATIONS: &[&str] = &["set", "setex", "psetex", "mset", "hset", "add", "store", "put"];

/// A call that asked a cache and does not say what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SilentAccess {
    /// The span.
    pub(crate) span: SpanIndex,
    /// A later sibling fills the same cache, as after a miss.
    pub(crate) filled: bool,
}

/// Calls that asked a cache without saying what it answered. Over many traces, a place where some of them are followed by
/// a call that fills the cache shows its misses so: those that are not were hits.
pub(crate) fn silent_accesses(trace: &Trace, times: &Timeline, more_keys: &[Text]) -> Vec<SilentAccess> {
    let keys: Vec<&str> = more_keys.iter().map(|key| &**key).chain(CACHE_HIT_KEYS.iter().copied()).collect();
    // By parent and system: when the cache is filled last.
    let mut filled: HashMap<(SpanIndex, &str), Instant> = HashMap::new();
    let mut asking: Vec<(SpanIndex, &str)> = Vec::new();
    for (index, span) in (0..).zip(trace.spans()).filter(|(_, span)| span.kind.asks()) {
        let Some(system) = cache_system(span) else { continue };
        if is_one_of(span, GET_OPERATIONS) && !is_error(span) && result_of(span, &keys).is_none() {
            asking.push((index, system));
        } else if let (true, Some(parent)) = (is_one_of(span, SET_OPERATIONS), trace.parent(index)) {
            let last = filled.entry((parent, system)).or_default();
            *last = (*last).max(times.start(index));
        }
    }
    let is_filled = |span: SpanIndex, system| {
        let last = trace.parent(span).and_then(|parent| filled.get(&(parent, system)));
        last.is_some_and(|last| *last >= times.end(span))
    };
    asking.into_iter().map(|(span, system)| SilentAccess { span, filled: is_filled(span, system) }).collect()
}

fn cache_system(span: &Span) -> Option<&str> {
    let system = span.attributes.text("db.system.name").or_else(|| span.attributes.text("db.system"))?;
    CACHE_SYSTEMS.contains(&system).then_some(system)
}

/// By the operation's attribute, else by the first word of the statement or the span's name.
fn is_one_of(span: &Span, operations: &[&str]) -> bool {
    let keys = ["db.operation.name", "db.operation", "db.query.text", "db.statement"];
    let said = keys.iter().find_map(|key| span.attributes.text(key)).unwrap_or(&span.name);
    let word = said.split_whitespace().next().unwrap_or_default();
    operations.iter().any(|operation| operation.eq_ignore_ascii_case(word))
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
