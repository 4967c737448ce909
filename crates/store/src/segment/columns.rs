//! Which attributes get a column of their own, and how they are put together again.
//!
//! A span's attributes lie in columns by (scope, key, type), so their order is not in the columns. Where it differs from
//! the order of the columns it is told by the span's *shape*: for each attribute in the order sent, the number of its
//! column plus one, or 0 for the next attribute of the rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field};
use model::{Attributes, KeyValue, Text};

use super::key_counts::KeyCounts;
use crate::encoding::{Decoder, Malformed};
use crate::limits::{COLUMN_ROWS_SHARE, COLUMNS_MAX};
use crate::{AttributeScope, ValueType};

/// Field metadata that says which attribute a column holds.
const SCOPE: &str = "headwater.scope";
const KEY: &str = "headwater.key";
const TYPE: &str = "headwater.type";

/// An attribute with a column of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeColumn {
    pub scope: AttributeScope,
    pub key: Text,
    pub value_type: ValueType,
    /// The column's name in the file.
    pub name: String,
}

/// The attribute columns of a segment.
#[derive(Clone, Debug, Default)]
pub struct ColumnPlan {
    /// Span columns first, in the order of their numbers.
    pub columns: Vec<AttributeColumn>,
    numbers: HashMap<(AttributeScope, ValueType), HashMap<Text, usize>>,
}

impl ColumnPlan {
    /// Chooses columns for `rows` spans with these keys; `places` is asked for the place of each key among those of spans.
    pub fn choose(counts: &KeyCounts, rows: u64, places: &mut dyn FnMut(&[Text]) -> Vec<usize>) -> Self {
        let threshold = rows / COLUMN_ROWS_SHARE as u64;
        let has_column = |scope: AttributeScope, value_type: ValueType| {
            !matches!(scope, AttributeScope::Event | AttributeScope::Link)
                && matches!(value_type, ValueType::String | ValueType::Bool | ValueType::Int | ValueType::Double)
        };
        let mut chosen: Vec<_> = counts
            .iter()
            .filter(|&(scope, value_type, _, times)| has_column(scope, value_type) && times > threshold)
            .collect();
        chosen.sort_unstable_by(|a, b| b.3.cmp(&a.3).then_with(|| (a.0, a.2, a.1).cmp(&(b.0, b.2, b.1))));
        chosen.truncate(COLUMNS_MAX);
        let keys: Vec<Text> = chosen.iter().map(|&(_, _, key, _)| Arc::clone(key)).collect();
        let of_spans: HashMap<Text, usize> = keys.iter().cloned().zip(places(&keys)).collect();
        chosen.sort_by_cached_key(|&(scope, value_type, key, _)| {
            let place = if scope == AttributeScope::Span { of_spans[key] } else { 0 };
            (scope, place, Arc::clone(key), value_type)
        });
        let mut names = HashSet::new();
        let columns = chosen.into_iter().map(|(scope, value_type, key, _)| AttributeColumn {
            scope,
            key: Arc::clone(key),
            value_type,
            name: unique_name(&mut names, scope, key, value_type),
        });
        Self::of(columns.collect())
    }

    fn of(columns: Vec<AttributeColumn>) -> Self {
        let mut numbers: HashMap<_, HashMap<_, _>> = HashMap::new();
        for (number, column) in columns.iter().enumerate() {
            let keys = numbers.entry((column.scope, column.value_type)).or_default();
            keys.insert(Arc::clone(&column.key), number);
        }
        Self { columns, numbers }
    }

    /// The same columns but for some.
    #[cfg(test)]
    pub fn only(&self, is_kept: impl Fn(&AttributeColumn) -> bool) -> Self {
        Self::of(self.columns.iter().filter(|column| is_kept(column)).cloned().collect())
    }

    /// The columns that a file's schema says it has.
    pub fn of_schema<'a>(fields: impl Iterator<Item = &'a Arc<Field>>) -> Self {
        let column = |field: &Arc<Field>| {
            let metadata = field.metadata();
            Some(AttributeColumn {
                scope: AttributeScope::of_name(metadata.get(SCOPE)?)?,
                key: metadata.get(KEY)?.as_str().into(),
                value_type: ValueType::of_name(metadata.get(TYPE)?)?,
                name: field.name().clone(),
            })
        };
        Self::of(fields.filter_map(column).collect())
    }

    /// The number of the column for this attribute.
    pub fn number(&self, scope: AttributeScope, value_type: ValueType, key: &str) -> Option<usize> {
        self.numbers.get(&(scope, value_type))?.get(key).copied()
    }

    /// The Arrow fields of the columns.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.columns.iter().map(|column| {
            let data_type = match column.value_type {
                ValueType::Bool => DataType::Boolean,
                ValueType::Int => DataType::Int64,
                ValueType::Double => DataType::Float64,
                _ => DataType::Utf8,
            };
            let metadata = [
                (SCOPE, column.scope.name().to_owned()),
                (KEY, column.key.to_string()),
                (TYPE, column.value_type.name().to_owned()),
            ];
            Field::new(&column.name, data_type, true)
                .with_metadata(HashMap::from(metadata.map(|(name, value)| (name.to_owned(), value))))
        })
    }
}

/// `span.http.route`; for other types than text `span.http.response.status_code:int`.
fn unique_name(names: &mut HashSet<String>, scope: AttributeScope, key: &str, value_type: ValueType) -> String {
    let plain = match value_type {
        ValueType::String => format!("{}.{key}", scope.name()),
        other => format!("{}.{key}:{}", scope.name(), other.name()),
    };
    let mut name = plain.clone();
    let mut number = 2;
    // A key may look like the name of another column; only such a one gets a number.
    while !names.insert(name.clone()) {
        name = format!("{plain}#{number}");
        number += 1;
    }
    name
}

/// Puts a span's attributes together again. `columns` are its values by column number.
pub fn attributes_of(
    columns: Vec<(usize, KeyValue)>,
    rest: Vec<KeyValue>,
    shape: Option<&[u8]>,
) -> Result<Attributes, Malformed> {
    let Some(shape) = shape else {
        return Ok(Attributes(columns.into_iter().map(|(_, entry)| entry).chain(rest).collect()));
    };
    let mut by_number: HashMap<usize, KeyValue> = columns.into_iter().collect();
    let mut rest = rest.into_iter();
    let mut shape = Decoder::new(shape);
    let mut entries = Vec::new();
    while !shape.is_empty() {
        let entry = match shape.unsigned()? as usize {
            0 => rest.next(),
            slot => by_number.remove(&(slot - 1)),
        };
        entries.push(entry.ok_or(Malformed("a shape that names an attribute the span does not have"))?);
    }
    Ok(Attributes(entries))
}
