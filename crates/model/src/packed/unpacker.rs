//! Unpacking many spans of one batch: equal texts stay one text in memory.

use std::sync::Arc;

use super::{PackedBatch, PackedSpan, PackedValue, TextId};
use crate::{Attributes, KeyValue, Span, Status, Text, Value};

/// Unpacks spans of a batch. Spans unpacked by one of these share their texts, which for a large trace is most of what they
/// would take.
#[derive(Debug)]
pub struct Unpacker<'a> {
    batch: &'a PackedBatch,
    /// Texts that were asked for, by number.
    texts: Vec<Option<Text>>,
}

impl<'a> Unpacker<'a> {
    /// Has unpacked nothing yet.
    #[must_use]
    pub fn new(batch: &'a PackedBatch) -> Self {
        Self { batch, texts: vec![None; batch.texts.len()] }
    }

    /// One of the batch's spans, as [`PackedBatch::unpack_span`] unpacks it.
    ///
    /// # Panics
    /// If the span is not of this batch.
    pub fn span(&mut self, span: &PackedSpan) -> Span {
        let batch = self.batch;
        let attributes = batch.attributes_of(span).iter().map(|attribute| KeyValue {
            key: self.text(attribute.key),
            value: match attribute.value(batch) {
                PackedValue::Empty => Value::Empty,
                PackedValue::Text(text) => Value::String(self.text(text)),
                PackedValue::Bool(bool) => Value::Bool(bool),
                PackedValue::Int(int) => Value::Int(int),
                PackedValue::Double(double) => Value::Double(double),
                PackedValue::Other(value) => value.clone(),
            },
        });
        let attributes = Attributes(attributes.collect());
        let extras = batch.extras_of(span).cloned().unwrap_or_default();
        Span {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            trace_state: self.text(span.trace_state),
            flags: span.flags,
            name: self.text(span.name),
            kind: span.kind,
            start: span.start,
            end: span.end,
            attributes,
            dropped_attributes_count: span.dropped_attributes_count,
            events: extras.events,
            dropped_events_count: span.dropped_events_count,
            links: extras.links,
            dropped_links_count: span.dropped_links_count,
            status: Status { code: span.status_code, message: self.text(span.status_message) },
            resource: Arc::clone(&batch.resources[span.resource as usize]),
            scope: Arc::clone(&batch.scopes[span.scope as usize]),
        }
    }

    fn text(&mut self, id: TextId) -> Text {
        let batch = self.batch;
        self.texts[id.0 as usize].get_or_insert_with(|| batch.texts.text(id).into()).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, SpanId, TraceId};

    #[test]
    fn spans_are_the_same_and_share_their_texts() {
        let spans = (1..4_u8).map(|id| {
            let mut span = Span::new(TraceId([1; 16]), SpanId([id; 8]), "step");
            span.attributes.push("key", "value");
            span.attributes.push("number", i64::from(id));
            span
        });
        let packed = PackedBatch::from(&Batch { spans: spans.collect(), logs: Vec::new() });
        let mut unpacker = Unpacker::new(&packed);
        let unpacked: Vec<Span> = packed.spans.iter().map(|span| unpacker.span(span)).collect();
        assert_eq!(unpacked, packed.unpack().spans);
        assert!(Arc::ptr_eq(&unpacked[0].name, &unpacked[2].name));
        assert!(Arc::ptr_eq(&unpacked[0].attributes.0[0].key, &unpacked[2].attributes.0[0].key));
    }
}
