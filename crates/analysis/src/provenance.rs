//! Where a value was first seen: what a call was given, and whether it came from the answer of another.
//!
//! A value is a word of an attribute that is telling: it has a digit and at least four characters, or at least twelve
//! characters; or an integer from 1,000 on. Names of methods, hosts, systems and models tell nothing and are left out.
//! Values of attributes that hold answers (`…response…`, `…output…`, `…result…`, retrieved documents) are answers; all
//! others are what the span was given.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use model::{Span, Text, Value};

use crate::limits::{VALUE_TEXT_MAX, VALUES_MAX};

/// The telling values of a span, as hashes, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub(crate) given: Vec<u64>,
    pub(crate) answered: Vec<u64>,
}

const ANSWERS: &[&str] = &["response", "output", "result", "completion", "retrieval.documents", "returned"];

const TELL_NOTHING: &[&str] = &[
    "http.status",
    "http.request.method",
    "http.method",
    "http.response.status",
    "http.flavor",
    "http.scheme",
    "http.host",
    "http.route",
    "http.request.resend",
    "url.scheme",
    "url.template",
    "net.",
    "network.",
    "server.",
    "client.",
    "peer.",
    "service.",
    "user_agent",
    "http.user_agent",
    "thread.",
    "code.",
    "component",
    "rpc.",
    "db.system",
    "db.name",
    "db.namespace",
    "db.operation",
    "db.collection",
    "db.response.status",
    "messaging.system",
    "messaging.operation",
    "messaging.client",
    "messaging.destination.name",
    "otel.",
    "span.",
    "sampler.",
    "internal.",
    "telemetry.",
    "error",
    "exception",
    "gen_ai.usage",
    "gen_ai.system",
    "gen_ai.provider",
    "gen_ai.request.",
    "gen_ai.response.",
    "gen_ai.operation",
    "llm.token_count",
    "llm.model",
    "llm.provider",
    "llm.system",
    "openinference.",
    "cache.",
    "duration",
    "size",
    "busy_ns",
    "idle_ns",
    "headwater.",
];

impl Values {
    /// The telling values of `span`.
    pub(crate) fn of(span: &Span) -> Self {
        let mut values = Self::default();
        for (key, value) in span.attributes.iter() {
            let into = match kind_of(key) {
                KeyKind::TellsNothing => continue,
                KeyKind::Answered => &mut values.answered,
                KeyKind::Given => &mut values.given,
            };
            words_of(value, &mut |word| insert(word, into));
        }
        for list in [&mut values.given, &mut values.answered] {
            list.sort_unstable();
            list.dedup();
        }
        values
    }
}

/// What the name of an attribute says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    TellsNothing,
    Given,
    Answered,
}

fn kind_of(key: &str) -> KeyKind {
    if TELL_NOTHING.iter().any(|start| key.starts_with(start)) {
        KeyKind::TellsNothing
    } else if ANSWERS.iter().any(|word| key.contains(word)) {
        KeyKind::Answered
    } else {
        KeyKind::Given
    }
}

/// What the names of attributes say, looked at once each: there are few of them in a trace.
#[derive(Debug, Default)]
pub(crate) struct KeyKinds<'t>(HashMap<&'t str, KeyKind>);

impl<'t> KeyKinds<'t> {
    /// Hands every telling word of the span's attributes to `take`, with its key and whether the attribute holds an answer.
    pub(crate) fn each_word(&mut self, span: &'t Span, mut take: impl FnMut(&Text, bool, &str)) {
        for (key, value) in span.attributes.iter() {
            let kind = *self.0.entry(key).or_insert_with(|| kind_of(key));
            if kind != KeyKind::TellsNothing {
                words_of(value, &mut |word| take(key, kind == KeyKind::Answered, word));
            }
        }
    }
}

fn words_of(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => {
            let cut = text.char_indices().nth(VALUE_TEXT_MAX).map_or(&**text, |(at, _)| &text[..at]);
            let words = cut.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
            words.filter(|word| is_telling(word)).for_each(take);
        }
        Value::Int(int) if *int >= 1_000 => take(&int.to_string()),
        Value::Array(values) => values.iter().for_each(|value| words_of(value, take)),
        _ => {}
    }
}

fn is_telling(word: &str) -> bool {
    word.len() >= 12 || (word.len() >= 4 && word.bytes().any(|byte| byte.is_ascii_digit()))
}

fn insert(word: &str, into: &mut Vec<u64>) {
    if into.len() < VALUES_MAX {
        into.push(hash_of(word));
    }
}

pub(crate) fn hash_of(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}
