//! A batch in a compact form, for the way from the wire to the disk: equal texts are held once, a span is a row of
//! numbers, an attribute 16 bytes. Whoever wants to look at a span in peace unpacks it.
//!
//! ```
//! use model::{Batch, PackedBatch, Span, SpanId, TraceId};
//! let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "GET /ask");
//! span.attributes.push("http.response.status_code", 200_i64);
//! let batch = Batch { spans: vec![span], logs: Vec::new() };
//! let packed = PackedBatch::from(&batch);
//! assert_eq!(packed.unpack(), batch);
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | [`PackedBatch`], its rows, packing and unpacking |
//! | `unpacker.rs` | [`Unpacker`]: many spans unpacked, their texts shared |
//! | `texts.rs` | [`Texts`]: texts by number; [`TextCollector`] |

mod texts;
mod unpacker;

use std::sync::Arc;

use crate::{
    Attributes, Batch, Event, Instant, KeyValue, Link, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status,
    StatusCode, Text, TraceId, Value,
};

pub use texts::{TextCollector, TextId, Texts, bytes_hash, hash_of, text_hash};
pub use unpacker::Unpacker;

/// The spans and log records of one request, spans packed.
#[derive(Clone, Debug, Default)]
pub struct PackedBatch {
    /// Names, keys and text values of the spans.
    pub texts: Texts,
    /// Spans in the order sent.
    pub spans: Vec<PackedSpan>,
    /// Attributes of all spans, in the order of the spans.
    pub attributes: Vec<PackedAttribute>,
    /// Values that are no text, number or truth: bytes, arrays, maps.
    pub values: Vec<Value>,
    /// Events and links of the spans that have some.
    pub extras: Vec<Extras>,
    /// Resources of the spans.
    pub resources: Vec<Arc<Resource>>,
    /// Scopes of the spans.
    pub scopes: Vec<Arc<Scope>>,
    /// Log records in the order sent.
    pub logs: Vec<LogRecord>,
}

/// Events and links of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extras {
    /// As in [`Span::events`].
    pub events: Vec<Event>,
    /// As in [`Span::links`].
    pub links: Vec<Link>,
}

/// A span as a row: fields as in [`Span`], texts and what is shared by number.
#[derive(Clone, Copy, Debug)]
pub struct PackedSpan {
    /// A hash of every field, the same for equal spans in all batches of this process.
    pub content_hash: u64,
    /// As in [`Span`].
    pub start: Instant,
    /// As in [`Span`].
    pub end: Instant,
    /// As in [`Span`].
    pub trace_id: TraceId,
    /// As in [`Span`].
    pub span_id: SpanId,
    /// As in [`Span`].
    pub parent_span_id: Option<SpanId>,
    /// As in [`Span`].
    pub name: TextId,
    /// As in [`Span`].
    pub trace_state: TextId,
    /// As in [`Status`].
    pub status_message: TextId,
    /// As in [`Status`].
    pub status_code: StatusCode,
    /// As in [`Span`].
    pub kind: SpanKind,
    /// As in [`Span`].
    pub flags: u32,
    /// As in [`Span`].
    pub dropped_attributes_count: u32,
    /// As in [`Span`].
    pub dropped_events_count: u32,
    /// As in [`Span`].
    pub dropped_links_count: u32,
    /// Place in [`PackedBatch::resources`].
    pub resource: u32,
    /// Place in [`PackedBatch::scopes`].
    pub scope: u32,
    /// Place of its first attribute in [`PackedBatch::attributes`].
    pub first_attribute: u32,
    /// How many attributes it has.
    pub attribute_count: u32,
    /// Place in [`PackedBatch::extras`] plus one; 0 if it has neither events nor links.
    pub extras: u32,
}

impl PackedSpan {
    /// A row of which nothing is set.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            content_hash: 0,
            start: Instant(0),
            end: Instant(0),
            trace_id: TraceId::default(),
            span_id: SpanId::default(),
            parent_span_id: None,
            name: TextId::EMPTY,
            trace_state: TextId::EMPTY,
            status_message: TextId::EMPTY,
            status_code: StatusCode::UNSET,
            kind: SpanKind::UNSPECIFIED,
            flags: 0,
            dropped_attributes_count: 0,
            dropped_events_count: 0,
            dropped_links_count: 0,
            resource: 0,
            scope: 0,
            first_attribute: 0,
            attribute_count: 0,
            extras: 0,
        }
    }
}

/// An attribute: the number of its key, the kind of its value, and the value or its number.
#[derive(Clone, Copy, Debug)]
pub struct PackedAttribute {
    /// The key.
    pub key: TextId,
    kind: PackedKind,
    bits: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PackedKind {
    Empty,
    Text,
    Bool,
    Int,
    Double,
    Other,
}

/// A value as it lies in the batch.
#[derive(Clone, Copy, Debug)]
pub enum PackedValue<'a> {
    /// Sent without content.
    Empty,
    /// A text of [`PackedBatch::texts`].
    Text(TextId),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double, of whatever bits.
    Double(f64),
    /// Bytes, an array or a map.
    Other(&'a Value),
}

impl PackedAttribute {
    fn new(key: TextId, kind: PackedKind, bits: u64) -> Self {
        Self { key, kind, bits }
    }

    /// A value without content.
    #[must_use]
    pub fn empty(key: TextId) -> Self {
        Self::new(key, PackedKind::Empty, 0)
    }

    /// A text.
    #[must_use]
    #[inline]
    pub fn text(key: TextId, text: TextId) -> Self {
        Self::new(key, PackedKind::Text, u64::from(text.0))
    }

    /// A truth value.
    #[must_use]
    pub fn bool(key: TextId, bool: bool) -> Self {
        Self::new(key, PackedKind::Bool, u64::from(bool))
    }

    /// An integer.
    #[must_use]
    pub fn int(key: TextId, int: i64) -> Self {
        Self::new(key, PackedKind::Int, int as u64)
    }

    /// A double.
    #[must_use]
    pub fn double(key: TextId, double: f64) -> Self {
        Self::new(key, PackedKind::Double, double.to_bits())
    }

    /// Anything else: the value at `place` in [`PackedBatch::values`].
    #[must_use]
    pub fn other(key: TextId, place: usize) -> Self {
        Self::new(key, PackedKind::Other, place as u64)
    }

    /// Key and value as they are outside; `texts` are those of the batch, which while it is packed lie elsewhere.
    ///
    /// # Panics
    /// If the attribute is not of this batch.
    #[must_use]
    pub fn unpack(&self, batch: &PackedBatch, texts: &Texts) -> KeyValue {
        self.unpacked(batch, &mut |id| texts.text(id).into())
    }

    fn unpacked(&self, batch: &PackedBatch, text: &mut dyn FnMut(TextId) -> Text) -> KeyValue {
        let key = text(self.key);
        let value = match self.value(batch) {
            PackedValue::Empty => Value::Empty,
            PackedValue::Text(id) => Value::String(text(id)),
            PackedValue::Bool(bool) => Value::Bool(bool),
            PackedValue::Int(int) => Value::Int(int),
            PackedValue::Double(double) => Value::Double(double),
            PackedValue::Other(value) => value.clone(),
        };
        KeyValue { key, value }
    }

    /// The value.
    ///
    /// # Panics
    /// If the attribute is not of this batch.
    #[must_use]
    #[inline]
    pub fn value<'a>(&self, batch: &'a PackedBatch) -> PackedValue<'a> {
        match self.kind {
            PackedKind::Empty => PackedValue::Empty,
            PackedKind::Text => PackedValue::Text(TextId(self.bits as u32)),
            PackedKind::Bool => PackedValue::Bool(self.bits != 0),
            PackedKind::Int => PackedValue::Int(self.bits as i64),
            PackedKind::Double => PackedValue::Double(f64::from_bits(self.bits)),
            PackedKind::Other => PackedValue::Other(&batch.values[self.bits as usize]),
        }
    }
}

/// Mixes one more number into a hash.
#[inline]
fn mixed(hash: u64, number: u64) -> u64 {
    let product = u128::from(hash ^ number) * 0x9e37_79b9_7f4a_7c15_u128;
    (product as u64) ^ ((product >> 64) as u64).rotate_left(23) ^ number.rotate_left(41)
}

impl PackedBatch {
    /// Whether it carries nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }

    /// The attributes of one of its spans.
    ///
    /// # Panics
    /// If the span is not of this batch.
    #[must_use]
    #[inline]
    pub fn attributes_of(&self, span: &PackedSpan) -> &[PackedAttribute] {
        let first = span.first_attribute as usize;
        &self.attributes[first..first + span.attribute_count as usize]
    }

    /// The events and links of one of its spans; none if it has neither.
    ///
    /// # Panics
    /// If the span is not of this batch.
    #[must_use]
    #[inline]
    pub fn extras_of(&self, span: &PackedSpan) -> Option<&Extras> {
        span.extras.checked_sub(1).map(|place| &self.extras[place as usize])
    }

    /// One of its spans, unpacked.
    ///
    /// # Panics
    /// If the span is not of this batch.
    #[must_use]
    pub fn unpack_span(&self, span: &PackedSpan) -> Span {
        self.unpacked(span, &mut |text| self.texts.text(text).into())
    }

    /// `text` is asked for its texts: whoever unpacks many spans may have the same ones ready.
    fn unpacked(&self, span: &PackedSpan, text: &mut dyn FnMut(TextId) -> Text) -> Span {
        let attributes = self.attributes_of(span).iter().map(|attribute| attribute.unpacked(self, text));
        let attributes = Attributes(attributes.collect());
        let extras = self.extras_of(span).cloned().unwrap_or_default();
        Span {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            trace_state: text(span.trace_state),
            flags: span.flags,
            name: text(span.name),
            kind: span.kind,
            start: span.start,
            end: span.end,
            attributes,
            dropped_attributes_count: span.dropped_attributes_count,
            events: extras.events,
            dropped_events_count: span.dropped_events_count,
            links: extras.links,
            dropped_links_count: span.dropped_links_count,
            status: Status { code: span.status_code, message: text(span.status_message) },
            resource: Arc::clone(&self.resources[span.resource as usize]),
            scope: Arc::clone(&self.scopes[span.scope as usize]),
        }
    }

    /// Everything unpacked, in the order sent.
    #[must_use]
    pub fn unpack(&self) -> Batch {
        Batch { spans: self.spans.iter().map(|span| self.unpack_span(span)).collect(), logs: self.logs.clone() }
    }

    /// Whether two spans, possibly of different batches, are equal in every field.
    ///
    /// # Panics
    /// If a span is not of its batch.
    #[must_use]
    pub fn is_same(&self, span: &PackedSpan, other: &Self, other_span: &PackedSpan) -> bool {
        let ids = |span: &PackedSpan| (span.content_hash, span.trace_id, span.span_id, span.parent_span_id);
        // What has the same hash is nearly always equal; whether it is, is seen in full.
        ids(span) == ids(other_span) && self.unpack_span(span) == other.unpack_span(other_span)
    }

    /// The hash of a span's content; `shared` is that of its resource and scope.
    #[must_use]
    pub fn content_hash(&self, texts: &Texts, span: &PackedSpan, shared: u64) -> u64 {
        let id = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, &byte| number.rotate_left(8) ^ u64::from(byte));
        let mut hash = mixed(shared, id(&span.trace_id.0));
        hash = mixed(hash, id(&span.span_id.0));
        hash = mixed(hash, span.parent_span_id.map_or(1, |parent| id(&parent.0)));
        hash = mixed(hash, span.start.0);
        hash = mixed(hash, span.end.0);
        hash = mixed(hash, texts.hash(span.name));
        let numbers = u64::from(span.kind.0 as u32) << 32 | u64::from(span.status_code.0 as u32);
        hash = mixed(hash, numbers ^ texts.hash(span.status_message).rotate_left(17));
        let numbers = u64::from(span.flags) << 32 | u64::from(span.dropped_attributes_count);
        hash = mixed(hash, numbers ^ texts.hash(span.trace_state).rotate_left(17));
        hash = mixed(hash, u64::from(span.dropped_events_count) << 32 | u64::from(span.dropped_links_count));
        for attribute in self.attributes_of(span) {
            let value = match attribute.value(self) {
                PackedValue::Text(text) => texts.hash(text),
                PackedValue::Other(value) => hash_of(value),
                _ => attribute.bits,
            };
            hash = mixed(hash, texts.hash(attribute.key));
            hash = mixed(hash, value ^ attribute.kind as u64);
        }
        if let Some(extras) = self.extras_of(span) {
            hash = mixed(hash, hash_of(extras));
        }
        hash
    }

    /// Bytes of memory its spans take, log records left out.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.texts.memory()
            + self.spans.capacity() * size_of::<PackedSpan>()
            + self.attributes.capacity() * size_of::<PackedAttribute>()
            + self.values.iter().map(|value| size_of::<Value>() + value.memory()).sum::<usize>()
            + self.extras.iter().map(Extras::memory).sum::<usize>()
    }
}

impl Extras {
    fn memory(&self) -> usize {
        let of_event = |event: &Event| size_of::<Event>() + event.name.len() + event.attributes.memory();
        let of_link = |link: &Link| size_of::<Link>() + link.attributes.memory();
        size_of::<Self>()
            + self.events.iter().map(of_event).sum::<usize>()
            + self.links.iter().map(of_link).sum::<usize>()
    }
}

/// Packs spans one after the other.
#[derive(Debug, Default)]
pub struct Packer {
    /// The batch so far; its texts are still with [`Packer::texts`].
    pub batch: PackedBatch,
    /// Collects the texts.
    pub texts: TextCollector,
}

impl Packer {
    /// Takes the next attribute of the span being packed.
    pub fn attribute(&mut self, key: TextId, value: Value) {
        let packed = match value {
            Value::Empty => PackedAttribute::empty(key),
            Value::String(text) => PackedAttribute::text(key, self.texts.id(&text)),
            Value::Bool(bool) => PackedAttribute::bool(key, bool),
            Value::Int(int) => PackedAttribute::int(key, int),
            Value::Double(double) => PackedAttribute::double(key, double),
            other => {
                self.batch.values.push(other);
                PackedAttribute::other(key, self.batch.values.len() - 1)
            }
        };
        self.batch.attributes.push(packed);
    }

    /// Takes a span whose attributes, from `first_attribute` on, were taken before. `shared_hash` is that of its resource
    /// and scope.
    pub fn span(&mut self, span: PackedSpan, first_attribute: usize, extras: Extras, shared_hash: u64) {
        self.span_unhashed(span, first_attribute, extras);
        self.hash_span(self.batch.spans.len() - 1, shared_hash);
    }

    /// As [`Packer::span`] where resource or scope are not known yet; [`Packer::hash_span`] has to follow.
    pub fn span_unhashed(&mut self, mut span: PackedSpan, first_attribute: usize, extras: Extras) {
        span.first_attribute = first_attribute as u32;
        span.attribute_count = (self.batch.attributes.len() - first_attribute) as u32;
        if !extras.events.is_empty() || !extras.links.is_empty() {
            self.batch.extras.push(extras);
            span.extras = self.batch.extras.len() as u32;
        }
        self.batch.spans.push(span);
    }

    /// Notes the hash of the span at `place`.
    ///
    /// # Panics
    /// If there is none.
    pub fn hash_span(&mut self, place: usize, shared_hash: u64) {
        let hash = self.batch.content_hash(self.texts.texts(), &self.batch.spans[place], shared_hash);
        self.batch.spans[place].content_hash = hash;
    }

    /// The batch.
    #[must_use]
    pub fn finish(mut self) -> PackedBatch {
        self.batch.texts = self.texts.finish();
        self.batch.spans.shrink_to_fit();
        self.batch.attributes.shrink_to_fit();
        self.batch
    }
}

impl From<&Batch> for PackedBatch {
    fn from(batch: &Batch) -> Self {
        let mut packer = Packer::default();
        // Spans of one resource share it: it is found by address first.
        let mut resources = std::collections::HashMap::new();
        let mut scopes = std::collections::HashMap::new();
        for span in &batch.spans {
            let first_attribute = packer.batch.attributes.len();
            for (key, value) in span.attributes.iter() {
                let key = packer.texts.id(key);
                packer.attribute(key, value.clone());
            }
            let (resource, resource_hash) = *resources.entry(Arc::as_ptr(&span.resource)).or_insert_with(|| {
                packer.batch.resources.push(Arc::clone(&span.resource));
                (packer.batch.resources.len() as u32 - 1, hash_of(&span.resource))
            });
            let (scope, scope_hash) = *scopes.entry(Arc::as_ptr(&span.scope)).or_insert_with(|| {
                packer.batch.scopes.push(Arc::clone(&span.scope));
                (packer.batch.scopes.len() as u32 - 1, hash_of(&span.scope))
            });
            let row = PackedSpan {
                start: span.start,
                end: span.end,
                trace_id: span.trace_id,
                span_id: span.span_id,
                parent_span_id: span.parent_span_id,
                name: packer.texts.id(&span.name),
                trace_state: packer.texts.id(&span.trace_state),
                status_message: packer.texts.id(&span.status.message),
                status_code: span.status.code,
                kind: span.kind,
                flags: span.flags,
                dropped_attributes_count: span.dropped_attributes_count,
                dropped_events_count: span.dropped_events_count,
                dropped_links_count: span.dropped_links_count,
                resource,
                scope,
                ..PackedSpan::empty()
            };
            let extras = Extras { events: span.events.clone(), links: span.links.clone() };
            packer.span(row, first_attribute, extras, shared_hash(resource_hash, scope_hash));
        }
        packer.batch.logs = batch.logs.clone();
        packer.finish()
    }
}

/// The hash of a resource and a scope together, from [`hash_of`] each.
#[must_use]
pub fn shared_hash(resource: u64, scope: u64) -> u64 {
    mixed(resource, scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_differ_in_any_field_differ_in_their_hash() {
        let changes: [fn(&mut Span); 20] = [
            |_| {},
            |span| span.trace_id.0[0] = 2,
            |span| span.span_id = SpanId([2; 8]),
            |span| span.parent_span_id = Some(SpanId([3; 8])),
            |span| span.trace_state = "a=b".into(),
            |span| span.flags = 1,
            |span| span.name = "other".into(),
            |span| span.kind = SpanKind(2),
            |span| span.start = Instant(7),
            |span| span.end = Instant(7),
            |span| span.attributes.push("key", "value"),
            |span| span.dropped_attributes_count = 1,
            |span| span.events.push(Event::default()),
            |span| span.dropped_events_count = 1,
            |span| span.links.push(Link::default()),
            |span| span.dropped_links_count = 1,
            |span| span.status.code = StatusCode(2),
            |span| span.status.message = "a=b".into(),
            |span| span.resource = Arc::new(Resource { dropped_attributes_count: 1, ..Resource::default() }),
            |span| span.scope = Arc::new(Scope { dropped_attributes_count: 1, ..Scope::default() }),
        ];
        let hash = |change: fn(&mut Span)| {
            let mut span = Span::new(TraceId([1; 16]), SpanId([1; 8]), "name");
            change(&mut span);
            PackedBatch::from(&Batch { spans: vec![span], logs: Vec::new() }).spans[0].content_hash
        };
        let hashes: std::collections::HashSet<u64> = changes.map(hash).into();
        assert_eq!(hashes.len(), changes.len());
        assert!(hashes.contains(&hash(|_| {})), "equal spans are equal");
    }
}
