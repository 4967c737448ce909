//! Unpacking many spans of one batch: equal texts stay one text in memory.

use super::{PackedBatch, PackedSpan};
use crate::{Span, Text};

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
        let Self { batch, texts } = self;
        let batch = *batch;
        batch.unpacked(span, &mut |id| texts[id.0 as usize].get_or_insert_with(|| batch.texts.text(id).into()).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
