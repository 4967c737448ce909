//! What a segment will hold, looked at before it is written: which keys deserve a column, and in which order they come.

use std::sync::Arc;

use model::{PackedBatch, PackedSpan, PackedValue, Text, TextId};

use super::columns::ColumnPlan;
use super::key_counts::KeyCounts;
use super::key_order::KeyOrder;
use super::texts::{KnownBatch, SegmentTexts};
use crate::limits::{ORDER_SAMPLE, ORDER_SPANS_FIRST};
use crate::{AttributeScope, ValueType};

/// What must be known to begin a segment.
#[derive(Debug, Default)]
pub struct Prepared {
    pub columns: ColumnPlan,
    pub texts: SegmentTexts,
    /// How often each key occurs, if that is known already; else it is counted while writing.
    pub keys: Option<KeyCounts>,
}

impl Prepared {
    /// Columns that were chosen by what other files say.
    pub fn with_columns(columns: ColumnPlan) -> Self {
        Self { columns, ..Self::default() }
    }
}

/// Looks at spans.
#[derive(Debug, Default)]
pub struct Survey {
    texts: SegmentTexts,
    tally: Tally,
    order: KeyOrder,
    spans: u64,
}

impl Survey {
    /// Looks at the next span.
    pub fn see(&mut self, batch: &Arc<PackedBatch>, span: &PackedSpan) {
        let known = self.texts.batch(batch);
        self.tally.count(&mut self.texts, known, batch, span);
        if self.spans < ORDER_SPANS_FIRST || self.spans.is_multiple_of(ORDER_SAMPLE) {
            let texts = &mut self.texts;
            let keys = batch.attributes_of(span).iter().map(|attribute| texts.text(known, attribute.key).0);
            self.order.see(keys, 1);
        }
        self.spans += 1;
    }

    /// Chooses the columns.
    pub fn finish(self) -> Prepared {
        let Self { mut texts, tally, order, spans } = self;
        let keys = tally.finish(&texts);
        let columns = ColumnPlan::choose(&keys, spans, &mut |keys| {
            let ids: Vec<u32> = keys.iter().map(|key| texts.texts.id(key).0).collect();
            let places = order.places(&ids);
            ids.iter().map(|id| places.get(id).copied().unwrap_or(usize::MAX)).collect()
        });
        Prepared { columns, texts, keys: Some(keys) }
    }
}

/// How often each key occurs, by the segment's numbers.
#[derive(Debug, Default)]
pub struct Tally {
    /// Of attributes of spans, by key and type.
    of_spans: Vec<[u64; ValueType::ALL.len()]>,
    of_extras: KeyCounts,
    /// Spans by resource, and by scope.
    resources: Vec<u64>,
    scopes: Vec<u64>,
}

impl Tally {
    /// Counts every attribute of a span.
    pub fn count(&mut self, texts: &mut SegmentTexts, known: KnownBatch, batch: &PackedBatch, span: &PackedSpan) {
        for attribute in batch.attributes_of(span) {
            let key = texts.text(known, attribute.key).0 as usize;
            if self.of_spans.len() <= key {
                self.of_spans.resize(key + 1, [0; ValueType::ALL.len()]);
            }
            let value_type = match attribute.value(batch) {
                PackedValue::Empty => ValueType::Empty,
                PackedValue::Text(_) => ValueType::String,
                PackedValue::Bool(_) => ValueType::Bool,
                PackedValue::Int(_) => ValueType::Int,
                PackedValue::Double(_) => ValueType::Double,
                PackedValue::Other(value) => ValueType::of(value),
            };
            self.of_spans[key][value_type as usize] += 1;
        }
        if let Some(extras) = batch.extras_of(span) {
            extras
                .events
                .iter()
                .for_each(|event| self.of_extras.count_all(AttributeScope::Event, &event.attributes, 1));
            extras.links.iter().for_each(|link| self.of_extras.count_all(AttributeScope::Link, &link.attributes, 1));
        }
        count_at(&mut self.resources, texts.resource(known, span.resource));
        count_at(&mut self.scopes, texts.scope(known, span.scope));
    }

    /// The counts by key.
    pub fn finish(self, texts: &SegmentTexts) -> KeyCounts {
        let mut counts = self.of_extras;
        for (key, types) in (0..).map(TextId).zip(&self.of_spans) {
            if types.iter().all(|&times| times == 0) {
                continue;
            }
            let key = Text::from(texts.texts.texts().text(key));
            for (&value_type, &times) in ValueType::ALL.iter().zip(types) {
                if times > 0 {
                    counts.add(AttributeScope::Span, value_type, &key, times);
                }
            }
        }
        for (&times, (_, resource)) in self.resources.iter().zip(&texts.resources.things) {
            counts.count_all(AttributeScope::Resource, &resource.attributes, times);
        }
        for (&times, (_, scope)) in self.scopes.iter().zip(&texts.scopes.things) {
            counts.count_all(AttributeScope::Instrumentation, &scope.attributes, times);
        }
        counts
    }
}

fn count_at(counts: &mut Vec<u64>, place: u32) {
    let place = place as usize;
    if counts.len() <= place {
        counts.resize(place + 1, 0);
    }
    counts[place] += 1;
}
