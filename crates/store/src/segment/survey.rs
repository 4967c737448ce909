//! What a segment will hold, looked at before it is written: which keys deserve a column, and in which order they come.

use std::sync::Arc;

use model::{PackedAttribute, PackedBatch, PackedSpan, PackedValue, Text, TextId};

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
    /// How many spans there will be; 0 if that is not known.
    pub spans: u64,
}

impl Prepared {
    /// What part of the spans has each column's attribute, with some room; nothing where that is not known.
    pub fn shares(&self) -> Vec<f64> {
        let Some(keys) = &self.keys else { return Vec::new() };
        let times = self.columns.columns.iter().map(|column| keys.of(column.scope, column.value_type, &column.key));
        times.map(|times| (times as f64 / self.spans.max(1) as f64 * 1.02).min(1.0)).collect()
    }

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
    in_batch: InBatch,
}

/// Times by type.
type OfTypes = [u64; ValueType::ALL.len()];

/// How often each key occurs in one batch, by the batch's numbers.
#[derive(Debug, Default)]
struct InBatch {
    /// By number of a text: its place in `counts` plus one.
    places: Vec<u32>,
    counts: Vec<(TextId, OfTypes)>,
}

impl InBatch {
    fn count(&mut self, batch: &PackedBatch) {
        self.places.clear();
        self.places.resize(batch.texts.len(), 0);
        for span in &batch.spans {
            for attribute in batch.attributes_of(span) {
                let place = &mut self.places[attribute.key.0 as usize];
                if *place == 0 {
                    self.counts.push((attribute.key, OfTypes::default()));
                    *place = self.counts.len() as u32;
                }
                self.counts[*place as usize - 1].1[type_of(attribute, batch) as usize] += 1;
            }
        }
    }

    fn take(&mut self) -> Vec<(TextId, OfTypes)> {
        std::mem::take(&mut self.counts)
    }
}

#[inline]
fn type_of(attribute: &PackedAttribute, batch: &PackedBatch) -> ValueType {
    match attribute.value(batch) {
        PackedValue::Empty => ValueType::Empty,
        PackedValue::Text(_) => ValueType::String,
        PackedValue::Bool(_) => ValueType::Bool,
        PackedValue::Int(_) => ValueType::Int,
        PackedValue::Double(_) => ValueType::Double,
        PackedValue::Other(value) => ValueType::of(value),
    }
}

impl Survey {
    /// Looks at the next span.
    pub fn see(&mut self, batch: &Arc<PackedBatch>, span: &PackedSpan) {
        let known = self.texts.batch(batch);
        self.tally.count(&mut self.texts, known, batch, span);
        self.see_order(known, batch, span);
    }

    fn see_order(&mut self, known: KnownBatch, batch: &PackedBatch, span: &PackedSpan) {
        if self.spans < ORDER_SPANS_FIRST || self.spans.is_multiple_of(ORDER_SAMPLE) {
            let texts = &mut self.texts;
            let keys = batch.attributes_of(span).iter().map(|attribute| texts.text(known, attribute.key).0);
            self.order.see(keys, 1);
        }
        self.spans += 1;
    }

    /// Looks at all spans of a batch. What a key means in the segment is asked once for the batch.
    pub fn see_all(&mut self, batch: &Arc<PackedBatch>) {
        let known = self.texts.batch(batch);
        self.in_batch.count(batch);
        for (key, times) in self.in_batch.take() {
            let key = self.texts.text(known, key).0 as usize;
            let counts = self.tally.of_key(key);
            counts.iter_mut().zip(times).for_each(|(count, times)| *count += times);
        }
        for span in &batch.spans {
            self.tally.count_shared(&mut self.texts, known, batch, span);
            self.see_order(known, batch, span);
        }
    }

    /// Chooses the columns.
    pub fn finish(self) -> Prepared {
        let Self { mut texts, tally, order, spans, .. } = self;
        let keys = tally.finish(&texts);
        let columns = ColumnPlan::choose(&keys, spans, &mut |keys| {
            let ids: Vec<u32> = keys.iter().map(|key| texts.texts.id(key).0).collect();
            let places = order.places(&ids);
            ids.iter().map(|id| places.get(id).copied().unwrap_or(usize::MAX)).collect()
        });
        Prepared { columns, texts, keys: Some(keys), spans }
    }
}

/// How often each key occurs, by the segment's numbers.
#[derive(Debug, Default)]
pub struct Tally {
    /// Of attributes of spans, by key and type.
    of_spans: Vec<OfTypes>,
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
            self.of_key(key)[type_of(attribute, batch) as usize] += 1;
        }
        self.count_shared(texts, known, batch, span);
    }

    fn of_key(&mut self, key: usize) -> &mut OfTypes {
        if self.of_spans.len() <= key {
            self.of_spans.resize(key + 1, OfTypes::default());
        }
        &mut self.of_spans[key]
    }

    /// Counts what is not the span's own attributes.
    fn count_shared(&mut self, texts: &mut SegmentTexts, known: KnownBatch, batch: &PackedBatch, span: &PackedSpan) {
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
