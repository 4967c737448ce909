//! What may stand at the cursor of an unfinished query: fields, values, functions, from what the store knows.

use std::collections::BTreeMap;

use model::Value;
use query::{Expected, Field, Intrinsic, Scope, at_cursor};
use store::{AggregateDetail, Answer, AttributeScope, Completeness, Cost, SpanStore, StoreError, TimeRange};

use crate::limits::SUGGESTIONS_MAX;

/// What may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Where what is suggested begins, in bytes; it replaces everything up to the cursor.
    pub from: usize,
    /// At most [`SUGGESTIONS_MAX`], the most frequent first.
    pub suggestions: Vec<Suggestion>,
}

/// Something that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The text to insert.
    pub text: String,
    /// What it is: `string`, `int`, `field`, `function`, …
    pub kind: &'static str,
    /// How many spans have it; none where that is not counted.
    pub count: Option<u64>,
}

const FUNCTIONS: &[&str] = &[
    "count()",
    "avg(duration)",
    "max(duration)",
    "min(duration)",
    "sum(duration)",
    "p95(duration)",
    "by(",
    "select(",
    "coalesce()",
    "rate()",
    "count_over_time()",
    "quantile_over_time(duration, 0.5, 0.99)",
    "histogram_over_time(duration)",
    "avg_over_time(duration)",
    "min_over_time(duration)",
    "max_over_time(duration)",
    "sum_over_time(duration)",
    "compare({ status = error })",
];

const OPERATORS: &[&str] = &["=", "!=", "=~", "!~", "<", "<=", ">", ">=", "&&", "||", ">>", "<<", "~", "}", "|"];

/// Suggests what may stand at byte `cursor` of `text`.
///
/// # Errors
/// As for [`SpanStore::keys`].
pub fn complete(
    store: &dyn SpanStore,
    text: &str,
    cursor: usize,
    time: TimeRange,
) -> Result<Answer<Completion>, StoreError> {
    let at = at_cursor(text, cursor);
    let fixed = |words: &[&str], kind: &'static str| {
        let suggestions = words.iter().map(|word| Suggestion { text: (*word).to_owned(), kind, count: None });
        Answer { value: suggestions.collect(), completeness: Completeness::default(), cost: Cost::default() }
    };
    let answer: Answer<Vec<Suggestion>> = match &at.expected {
        Expected::Selector => fixed(&["{ "], "selector"),
        Expected::Operator => fixed(OPERATORS, "operator"),
        Expected::Stage => fixed(FUNCTIONS, "function"),
        Expected::Field => fields(store, time)?,
        Expected::Value(field) => values(store, field, time)?,
    };
    let typed = at.typed.to_lowercase();
    let fits = |suggestion: &Suggestion| suggestion.text.to_lowercase().contains(&typed);
    Ok(answer.map(|suggestions| {
        let mut suggestions: Vec<Suggestion> = suggestions.into_iter().filter(fits).collect();
        // What begins as typed comes before what only contains it; the rest of the order stays.
        suggestions
            .sort_by_key(|suggestion| !suggestion.text.trim_start_matches('"').to_lowercase().starts_with(&typed));
        suggestions.truncate(SUGGESTIONS_MAX);
        Completion { from: at.from, suggestions }
    }))
}

/// Attributes by frequency, then what every span has.
fn fields(store: &dyn SpanStore, time: TimeRange) -> Result<Answer<Vec<Suggestion>>, StoreError> {
    Ok(store.keys(time)?.map(|keys| {
        let attributes = keys.into_iter().map(|known| Suggestion {
            text: field_text(known.scope, &known.key),
            kind: known.value_type.name(),
            count: Some(known.count),
        });
        let mut seen = std::collections::HashSet::new();
        // An intrinsic of two names is suggested under the one it is printed with.
        let intrinsics = Intrinsic::NAMES.iter().filter(|(name, intrinsic)| intrinsic.name() == *name);
        let intrinsics =
            intrinsics.map(|(name, _)| Suggestion { text: (*name).to_owned(), kind: "field", count: None });
        attributes.chain(intrinsics).filter(|suggestion| seen.insert(suggestion.text.clone())).collect()
    }))
}

/// An attribute as TraceQL writes it, such as `span.http.route`; what would be read otherwise stands in quotes.
#[must_use]
pub fn field_text(scope: AttributeScope, key: &str) -> String {
    let scope = match scope {
        AttributeScope::Span => Scope::Span,
        AttributeScope::Resource => Scope::Resource,
        AttributeScope::Instrumentation => Scope::Instrumentation,
        AttributeScope::Event => Scope::Event,
        AttributeScope::Link => Scope::Link,
    };
    query::AttributeField { of_parent: false, scope, key: key.into() }.to_string()
}

fn values(store: &dyn SpanStore, field: &Field, time: TimeRange) -> Result<Answer<Vec<Suggestion>>, StoreError> {
    match field {
        Field::Attribute(attribute) => {
            let scopes = match attribute.scope {
                Scope::Any => AttributeScope::ALL.to_vec(),
                scope => AttributeScope::of_name(scope.text()).into_iter().collect(),
            };
            attribute_values(store, &scopes, &attribute.key, time)
        }
        Field::Intrinsic(Intrinsic::RootServiceName) => {
            attribute_values(store, &[AttributeScope::Resource], "service.name", time)
        }
        Field::Intrinsic(Intrinsic::Name | Intrinsic::RootName) => names(store, time),
        Field::Intrinsic(intrinsic) => Ok(Answer::complete(constants(*intrinsic), Cost::default())),
    }
}

fn constants(intrinsic: Intrinsic) -> Vec<Suggestion> {
    let words: &[&str] = match intrinsic {
        Intrinsic::Status => &["error", "ok", "unset"],
        Intrinsic::Kind => &["server", "client", "internal", "producer", "consumer", "unspecified"],
        Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::SelfTime | Intrinsic::Critical => {
            &["10ms", "100ms", "1s", "10s"]
        }
        Intrinsic::Parent | Intrinsic::ParentId => &["nil"],
        _ => &[],
    };
    words.iter().map(|word| Suggestion { text: (*word).to_owned(), kind: "constant", count: None }).collect()
}

fn attribute_values(
    store: &dyn SpanStore,
    scopes: &[AttributeScope],
    key: &str,
    time: TimeRange,
) -> Result<Answer<Vec<Suggestion>>, StoreError> {
    let (mut found, mut completeness, mut cost) = (Vec::new(), Completeness::default(), Cost::default());
    for &scope in scopes {
        let answer = store.values(scope, key, time, SUGGESTIONS_MAX)?;
        cost += answer.cost;
        completeness.shortfalls.extend(answer.completeness.shortfalls);
        found.extend(answer.value.into_iter().filter_map(|known| {
            Some(Suggestion {
                text: literal_text(&known.value)?,
                kind: known.value.type_name(),
                count: Some(known.count),
            })
        }));
    }
    found.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.count));
    Ok(Answer { value: found, completeness, cost })
}

const HOUR_NANOS: i64 = 3_600_000_000_000;

/// Names of operations, from the store's aggregates.
fn names(store: &dyn SpanStore, time: TimeRange) -> Result<Answer<Vec<Suggestion>>, StoreError> {
    let detail = AggregateDetail { service: false, name: true, kind: false, status: false, durations: false };
    // One step for all of time: only the sums are asked for.
    let step = model::Duration(i64::MAX / HOUR_NANOS * HOUR_NANOS);
    Ok(store.aggregates_in_steps(time, step, detail)?.map(|minutes| {
        let mut counts: BTreeMap<model::Text, u64> = BTreeMap::new();
        for minute in minutes {
            *counts.entry(minute.name).or_default() += minute.count;
        }
        let mut names: Vec<Suggestion> = counts
            .into_iter()
            .map(|(name, count)| Suggestion {
                text: query::Literal::String(name).to_string(),
                kind: "string",
                count: Some(count),
            })
            .collect();
        names.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.count));
        names
    }))
}

/// The value as a constant of the language; none for values that cannot be written.
fn literal_text(value: &Value) -> Option<String> {
    let literal = match value {
        Value::String(text) => query::Literal::String(text.clone()),
        Value::Int(int) => query::Literal::Int(*int),
        Value::Double(double) if double.is_finite() => query::Literal::Float(*double),
        Value::Bool(bool) => query::Literal::Bool(*bool),
        _ => return None,
    };
    Some(literal.to_string())
}
