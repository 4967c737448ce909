//! Known keys and values, for completion and facets: `GET /api/v1/keys`, `GET /api/v1/values`; what may stand at the cursor of a
//! query: `GET /api/v1/complete`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use http::HeaderMap;
use model::Instant;
use query::{Field, FieldExpression};
use serde::Deserialize;
use store::AttributeScope;
use wire::{Completeness, CompletionList, Cost, KeyList, KnownKey, KnownValue, Suggestion, ValueList};

use super::traces::checked_query;
use crate::answer::{Answered, Refusal, json};
use crate::limits::{COMPLETION_LIMIT_DEFAULT, COMPLETION_LIMIT_MAX};
use crate::parameters::{Window, limit, window};
use crate::server::Api;
use crate::values::Values;

/// The parameters of all.
#[derive(Debug, Default, Deserialize)]
pub struct CompletionParameters {
    prefix: Option<String>,
    scope: Option<String>,
    field: Option<String>,
    q: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
    since: Option<String>,
    start: Option<String>,
    end: Option<String>,
}

impl CompletionParameters {
    fn window(&self, api: &Api) -> Result<Window, Refusal> {
        let now = Instant(api.clock.unix_nanos());
        window(self.since.as_deref(), self.start.as_deref(), self.end.as_deref(), now)
    }

    fn limit(&self) -> Result<usize, Refusal> {
        limit(self.limit.as_deref(), COMPLETION_LIMIT_DEFAULT, COMPLETION_LIMIT_MAX)
    }

    fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }
}

/// Fields of every span, and the types of their values.
const INTRINSICS: &[(&str, &str)] = &[
    ("name", "string"),
    ("status", "status"),
    ("kind", "kind"),
    ("duration", "duration"),
    ("statusMessage", "string"),
    ("rootName", "string"),
    ("rootServiceName", "string"),
    ("traceDuration", "duration"),
];

/// Keys seen, most frequent first.
pub async fn keys(
    State(api): State<Arc<Api>>,
    Query(asked): Query<CompletionParameters>,
    headers: HeaderMap,
) -> Answered {
    let began = api.clock.monotonic_nanos();
    let (known, mut completeness, mut cost) = api.reader.keys(asked.window(&api)?).await?;
    let mut by_field: BTreeMap<(AttributeScope, String), KnownKey> = BTreeMap::new();
    for key in known {
        let entry = by_field.entry((key.scope, key.key.to_string())).or_insert_with(|| KnownKey {
            field: engine::field_text(key.scope, &key.key),
            scope: key.scope.name().to_owned(),
            types: Vec::new(),
            count: 0,
        });
        entry.types.push(key.value_type.name().to_owned());
        entry.count += key.count;
    }
    let mut keys: Vec<KnownKey> = by_field.into_values().collect();
    keys.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.field.cmp(&b.field)));
    let most = keys.first().map_or(0, |key| key.count);
    let intrinsics = INTRINSICS.iter().map(|(field, kind)| KnownKey {
        field: (*field).to_owned(),
        scope: "intrinsic".to_owned(),
        types: vec![(*kind).to_owned()],
        count: most,
    });
    let matches = |key: &KnownKey| {
        let scope = asked.scope.as_deref().filter(|scope| !scope.is_empty());
        scope.is_none_or(|scope| key.scope == scope) && begins(&key.field, asked.prefix())
    };
    let mut keys: Vec<KnownKey> = intrinsics.chain(keys).filter(matches).collect();
    cut(&mut keys, asked.limit()?, &mut completeness);
    cost.elapsed = api.elapsed(began);
    json(&headers, &KeyList { keys, completeness, cost })
}

/// A field matches by how it begins, with or without its scope.
fn begins(field: &str, prefix: &str) -> bool {
    let (field, prefix) = (field.to_lowercase(), prefix.to_lowercase());
    let bare = field.split_once('.').map_or(field.as_str(), |(_, key)| key);
    field.starts_with(&prefix) || bare.starts_with(prefix.trim_start_matches('.'))
}

fn cut<T>(list: &mut Vec<T>, limit: usize, completeness: &mut Completeness) {
    if list.len() > limit {
        completeness.lacks(format!("{} more", list.len() - limit));
        list.truncate(limit);
    }
}

/// Values of one field, most frequent first.
pub async fn values(
    State(api): State<Arc<Api>>,
    Query(asked): Query<CompletionParameters>,
    headers: HeaderMap,
) -> Answered {
    let began = api.clock.monotonic_nanos();
    let field = asked.field.clone().unwrap_or_default();
    let (mut found, mut completeness, mut cost) = match field.as_str() {
        "status" => fixed(&["ok", "error", "unset"]),
        "kind" => fixed(&["server", "client", "internal", "producer", "consumer", "unspecified"]),
        "name" | "rootName" | "rootServiceName" => names(&api, &asked, &field).await?,
        _ => attribute_values(&api, &asked, &field).await?,
    };
    let prefix = asked.prefix().trim_matches('"').to_lowercase();
    found.retain(|value| value.text.trim_matches('"').to_lowercase().starts_with(&prefix));
    cut(&mut found, asked.limit()?, &mut completeness);
    cost.elapsed = api.elapsed(began);
    json(&headers, &ValueList { field, values: found, completeness, cost })
}

/// What may stand at the cursor of an unfinished query.
pub async fn complete(
    State(api): State<Arc<Api>>,
    Query(asked): Query<CompletionParameters>,
    headers: HeaderMap,
) -> Answered {
    let began = api.clock.monotonic_nanos();
    let text = checked_query(asked.q.as_deref().unwrap_or_default())?;
    let cursor = match asked.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => text.len(),
        Some(cursor) => {
            let at = cursor.parse().ok().filter(|&at| text.is_char_boundary(at));
            let refused = || format!("{cursor:?} is no place in the query");
            at.ok_or_else(|| Refusal::parameter("cursor", refused(), "count the bytes before it"))?
        }
    };
    let (completion, mut completeness, mut cost) = api.reader.complete(text, cursor, asked.window(&api)?).await?;
    let mut suggestions: Vec<Suggestion> = completion
        .suggestions
        .into_iter()
        .map(|one| Suggestion { text: one.text, kind: one.kind.to_owned(), count: one.count })
        .collect();
    cut(&mut suggestions, asked.limit()?, &mut completeness);
    cost.elapsed = api.elapsed(began);
    // A query is some kilobytes long at most.
    let from = u32::try_from(completion.from).unwrap_or(u32::MAX);
    json(&headers, &CompletionList { from, suggestions, completeness, cost })
}

type Found = (Vec<KnownValue>, Completeness, Cost);

fn fixed(words: &[&str]) -> Found {
    let value = |word: &&str| KnownValue {
        value: wire::AttributeValue::String((*word).to_owned()),
        text: (*word).to_owned(),
        count: 0,
    };
    let cost = Cost { elapsed: 0, rows_scanned: 0, bytes_read: 0 };
    (words.iter().map(value).collect(), Completeness::whole(), cost)
}

/// Names of operations and services, from the aggregates.
async fn names(api: &Api, asked: &CompletionParameters, field: &str) -> Result<Found, Refusal> {
    let (aggregates, completeness, cost) = api.reader.names(asked.window(api)?).await?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for aggregate in &aggregates {
        let name = if field == "rootServiceName" { &aggregate.service } else { &aggregate.name };
        *counts.entry(name).or_default() += aggregate.count;
    }
    let mut values: Vec<KnownValue> = counts
        .into_iter()
        .map(|(name, count)| KnownValue {
            value: wire::AttributeValue::String(name.to_owned()),
            text: quoted(name),
            count,
        })
        .collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
    Ok((values, completeness, cost))
}

async fn attribute_values(api: &Api, asked: &CompletionParameters, field: &str) -> Result<Found, Refusal> {
    let refused = || {
        let error = format!("{field:?} is no field whose values are known");
        Refusal::parameter("field", error, "write resource.service.name, span.http.route, name, status or kind")
    };
    let (scope, key) = attribute_of(field).ok_or_else(refused)?;
    // Enough to find those that begin as asked; the store gives the most frequent.
    let (known, completeness, cost) = api.reader.values(scope, key, asked.window(api)?, COMPLETION_LIMIT_MAX).await?;
    let mut values = Values::new(false);
    let found = known
        .into_iter()
        .map(|known| KnownValue {
            text: match &known.value {
                model::Value::String(text) => quoted(text),
                other => other.to_string(),
            },
            value: values.value(&known.value),
            count: known.count,
        })
        .collect();
    Ok((found, completeness, cost))
}

/// A string as TraceQL writes it.
fn quoted(text: &str) -> String {
    query::Literal::String(text.into()).to_string()
}

/// The scope and key of an attribute as TraceQL writes it; none for every other text.
fn attribute_of(field: &str) -> Option<(AttributeScope, String)> {
    match query::parse_field(field).into_result().ok()? {
        FieldExpression::Field(Field::Attribute(attribute)) if !attribute.of_parent => {
            Some((AttributeScope::of_name(attribute.scope.text())?, attribute.key.to_string()))
        }
        _ => None,
    }
}
