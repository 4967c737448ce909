//! OTLP protobuf to `model`, from the bytes of the body straight into rows of a `PackedBatch` (spans) and the model's
//! structs (log records, events, links).
//!
//! Each block is read in two steps: first its fields are sorted out (a resource may come after its spans, and twice: then
//! the two merge), then the parts are built. Nothing is copied in the first step.

use std::sync::Arc;

use model::{
    Attributes, EntityRef, Event, Extras, Instant, KeyValue, Link, LogRecord, PackedAttribute, PackedSpan, Packer,
    Resource, Scope, SpanId, SpanKind, StatusCode, TextId, TraceId, Value, bytes_hash, hash_of, shared_hash,
};

use crate::decoded::{Decoded, DecodedPacked, wrong_length};
use crate::error::DecodeError;
use crate::intern::{Interner, LastKeys};
use crate::limits::{ATTRIBUTE_BYTES_GUESS, SPAN_BYTES_GUESS};
use crate::wire::{Reader, Result, WireType};

/// Decodes an `ExportTraceServiceRequest` (or `TracesData`, which has the same shape).
///
/// # Errors
/// If the bytes are no such message; then nothing of them is kept. Spans that are readable but break OTLP's rules (ids of
/// a wrong length) are set aside in [`Decoded::rejected`].
pub fn decode_traces_protobuf(body: &[u8]) -> std::result::Result<Decoded, DecodeError> {
    decode_traces_protobuf_packed(body).map(DecodedPacked::unpack)
}

/// As [`decode_traces_protobuf`], into the compact form.
///
/// # Errors
/// As for [`decode_traces_protobuf`].
pub fn decode_traces_protobuf_packed(body: &[u8]) -> std::result::Result<DecodedPacked, DecodeError> {
    let mut decoder = Decoder::default();
    // Untouched memory costs nothing; growing costs a copy each time.
    decoder.packer.batch.spans.reserve(body.len() / SPAN_BYTES_GUESS);
    decoder.packer.batch.attributes.reserve(body.len() / ATTRIBUTE_BYTES_GUESS);
    decoder.blocks(Reader::new(body), Decoder::span)?;
    Ok(DecodedPacked {
        batch: decoder.packer.finish(),
        rejected: decoder.decoded.rejected,
        logs_without_trace: decoder.decoded.logs_without_trace,
    })
}

/// Decodes an `ExportLogsServiceRequest` (or `LogsData`, which has the same shape).
///
/// # Errors
/// As for [`decode_traces_protobuf`].
pub fn decode_logs_protobuf(body: &[u8]) -> std::result::Result<Decoded, DecodeError> {
    let mut decoder = Decoder::default();
    decoder.blocks(Reader::new(body), Decoder::log)?;
    Ok(decoder.decoded)
}

#[derive(Default)]
struct Decoder {
    interner: Interner,
    decoded: Decoded,
    packer: Packer,
    last_keys: LastKeys,
}

/// What the items of a block share.
struct Block {
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    /// Their places in the packed batch.
    places: (u32, u32),
    /// Their hash, for those of the items.
    hash: u64,
}

/// Decodes one span or one log record.
type Item = fn(&mut Decoder, Reader<'_>, &Block) -> Result<()>;

impl Decoder {
    /// Traces and logs have the same shape down to the item.
    fn blocks(&mut self, mut body: Reader<'_>, item: Item) -> Result<()> {
        while let Some((number, wire_type)) = body.field()? {
            match number {
                1 => self.resource_block(body.message(wire_type)?, item)?,
                _ => body.skip(number, wire_type)?,
            }
        }
        Ok(())
    }

    fn resource_block(&mut self, mut block: Reader<'_>, item: Item) -> Result<()> {
        let mut resource = Resource::default();
        let mut scope_blocks = Vec::new();
        while let Some((number, wire_type)) = block.field()? {
            match number {
                1 => self.resource(block.message(wire_type)?, &mut resource)?,
                2 => scope_blocks.push(block.message(wire_type)?),
                3 => resource.schema_url = self.interner.text(block.text(wire_type)?),
                _ => block.skip(number, wire_type)?,
            }
        }
        let resource = self.interner.resource(resource);
        scope_blocks.into_iter().try_for_each(|scope_block| self.scope_block(scope_block, &resource, item))
    }

    fn scope_block(&mut self, mut block: Reader<'_>, resource: &Arc<Resource>, item: Item) -> Result<()> {
        let mut scope = Scope::default();
        let mut items = Vec::new();
        while let Some((number, wire_type)) = block.field()? {
            match number {
                1 => self.scope(block.message(wire_type)?, &mut scope)?,
                2 => items.push(block.message(wire_type)?),
                3 => scope.schema_url = self.interner.text(block.text(wire_type)?),
                _ => block.skip(number, wire_type)?,
            }
        }
        let scope = self.interner.scope(scope);
        let block = Block {
            places: (
                place_of(&mut self.packer.batch.resources, resource),
                place_of(&mut self.packer.batch.scopes, &scope),
            ),
            hash: shared_hash(hash_of(resource), hash_of(&scope)),
            resource: Arc::clone(resource),
            scope,
        };
        items.into_iter().try_for_each(|message| item(self, message, &block))
    }

    fn resource(&mut self, mut message: Reader<'_>, resource: &mut Resource) -> Result<()> {
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => self.key_value(message.message(wire_type)?, &mut resource.attributes)?,
                2 => resource.dropped_attributes_count = message.uint32(wire_type)?,
                3 => resource.entity_refs.push(self.entity_ref(message.message(wire_type)?)?),
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(())
    }

    fn entity_ref(&mut self, mut message: Reader<'_>) -> Result<EntityRef> {
        let mut entity = EntityRef::default();
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => entity.schema_url = self.interner.text(message.text(wire_type)?),
                2 => entity.entity_type = self.interner.text(message.text(wire_type)?),
                3 => entity.id_keys.push(self.interner.text(message.text(wire_type)?)),
                4 => entity.description_keys.push(self.interner.text(message.text(wire_type)?)),
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(entity)
    }

    fn scope(&mut self, mut message: Reader<'_>, scope: &mut Scope) -> Result<()> {
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => scope.name = self.interner.text(message.text(wire_type)?),
                2 => scope.version = self.interner.text(message.text(wire_type)?),
                3 => self.key_value(message.message(wire_type)?, &mut scope.attributes)?,
                4 => scope.dropped_attributes_count = message.uint32(wire_type)?,
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(())
    }

    fn span(&mut self, mut message: Reader<'_>, block: &Block) -> Result<()> {
        let mut span = PackedSpan::empty();
        let first_attribute = self.packer.batch.attributes.len();
        let first_value = self.packer.batch.values.len();
        let mut extras = Extras::default();
        let (mut trace_id, mut span_id, mut parent_id): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let mut wrong_link = None;
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => trace_id = message.bytes(wire_type)?,
                2 => span_id = message.bytes(wire_type)?,
                3 => span.trace_state = self.text_id(&mut message, wire_type)?,
                4 => parent_id = message.bytes(wire_type)?,
                5 => span.name = self.text_id(&mut message, wire_type)?,
                6 => span.kind = SpanKind(message.int32(wire_type)?),
                7 => span.start = Instant(message.fixed64(wire_type)?),
                8 => span.end = Instant(message.fixed64(wire_type)?),
                9 => self.attribute(message.message(wire_type)?, first_attribute)?,
                10 => span.dropped_attributes_count = message.uint32(wire_type)?,
                11 => extras.events.push(self.event(message.message(wire_type)?)?),
                12 => span.dropped_events_count = message.uint32(wire_type)?,
                13 => extras.links.push(self.link(message.message(wire_type)?, &mut wrong_link)?),
                14 => span.dropped_links_count = message.uint32(wire_type)?,
                15 => self.status(message.message(wire_type)?, &mut span)?,
                16 => span.flags = message.fixed32(wire_type)?,
                _ => message.skip(number, wire_type)?,
            }
        }
        match span_ids(trace_id, span_id, parent_id, wrong_link) {
            Ok((trace_id, span_id, parent_id)) => {
                (span.trace_id, span.span_id, span.parent_span_id) = (trace_id, span_id, parent_id);
                (span.resource, span.scope) = block.places;
                self.packer.span(span, first_attribute, extras, block.hash);
            }
            Err(reason) => {
                self.packer.batch.attributes.truncate(first_attribute);
                self.packer.batch.values.truncate(first_value);
                self.decoded.rejected.span(&reason);
            }
        }
        Ok(())
    }

    /// The next attribute of the span whose first one has the place `first`.
    fn attribute(&mut self, mut message: Reader<'_>, first: usize) -> Result<()> {
        let mut key = TextId::EMPTY;
        // Most values are one text, which needs no detour.
        let mut text = None;
        let mut value = Value::Empty;
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => key = self.key_id(&mut message, wire_type, first)?,
                2 => {
                    let inner = message.message(wire_type)?;
                    match self.only_text(inner)? {
                        Some(only) => (text, value) = (Some(only), Value::Empty),
                        None => {
                            if let Some(before) = text.take() {
                                value = Value::String(self.packer.texts.texts().text(before).into());
                            }
                            self.value(inner, &mut value)?;
                        }
                    }
                }
                // A key by its place in a dictionary that only profiles carry: nothing it could mean here.
                3 => drop(message.int32(wire_type)?),
                _ => message.skip(number, wire_type)?,
            }
        }
        match text {
            Some(text) => self.packer.batch.attributes.push(PackedAttribute::text(key, text)),
            None => self.packer.attribute(key, value),
        }
        Ok(())
    }

    /// The text, if the value consists of exactly that.
    fn only_text(&mut self, value: Reader<'_>) -> Result<Option<TextId>> {
        match value.only_text_bytes() {
            Some(bytes) => self.id_of(bytes, &value).map(Some),
            None => Ok(None),
        }
    }

    fn text_id(&mut self, message: &mut Reader<'_>, wire_type: WireType) -> Result<TextId> {
        let before = *message;
        let bytes = message.bytes(wire_type)?;
        self.id_of(bytes, &before)
    }

    fn key_id(&mut self, message: &mut Reader<'_>, wire_type: WireType, first: usize) -> Result<TextId> {
        let before = *message;
        let bytes = message.bytes(wire_type)?;
        let position = self.packer.batch.attributes.len() - first;
        if let Some(known) = self.last_keys.known(position, bytes, self.packer.texts.texts()) {
            return Ok(known);
        }
        let key = self.id_of(bytes, &before)?;
        Ok(self.last_keys.note(position, key))
    }

    fn id_of(&mut self, bytes: &[u8], place: &Reader<'_>) -> Result<TextId> {
        let hash = bytes_hash(bytes);
        if let Some(id) = self.packer.texts.known(bytes, hash) {
            return Ok(id);
        }
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|error| place.error(format!("a string is not UTF-8: {error}")))?;
        Ok(self.packer.texts.id_of_hashed(text, hash))
    }

    fn event(&mut self, mut message: Reader<'_>) -> Result<Event> {
        let mut event = Event::default();
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => event.time = Instant(message.fixed64(wire_type)?),
                2 => event.name = self.interner.text(message.text(wire_type)?),
                3 => self.key_value(message.message(wire_type)?, &mut event.attributes)?,
                4 => event.dropped_attributes_count = message.uint32(wire_type)?,
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(event)
    }

    fn link(&mut self, mut message: Reader<'_>, wrong: &mut Option<String>) -> Result<Link> {
        let mut link = Link::default();
        let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => trace_id = message.bytes(wire_type)?,
                2 => span_id = message.bytes(wire_type)?,
                3 => link.trace_state = self.interner.text(message.text(wire_type)?),
                4 => self.key_value(message.message(wire_type)?, &mut link.attributes)?,
                5 => link.dropped_attributes_count = message.uint32(wire_type)?,
                6 => link.flags = message.fixed32(wire_type)?,
                _ => message.skip(number, wire_type)?,
            }
        }
        *wrong = wrong
            .take()
            .or_else(|| wrong_length("link trace id", trace_id.len(), 16))
            .or_else(|| wrong_length("link span id", span_id.len(), 8));
        link.trace_id = TraceId(trace_id.try_into().unwrap_or_default());
        link.span_id = SpanId(span_id.try_into().unwrap_or_default());
        Ok(link)
    }

    fn status(&mut self, mut message: Reader<'_>, span: &mut PackedSpan) -> Result<()> {
        while let Some((number, wire_type)) = message.field()? {
            match number {
                2 => span.status_message = self.text_id(&mut message, wire_type)?,
                3 => span.status_code = StatusCode(message.int32(wire_type)?),
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(())
    }

    fn log(&mut self, mut message: Reader<'_>, block: &Block) -> Result<()> {
        let mut log = LogRecord::default();
        let (mut trace_id, mut span_id): (&[u8], &[u8]) = (&[], &[]);
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => log.time = Instant(message.fixed64(wire_type)?),
                2 => log.severity_number = message.int32(wire_type)?,
                3 => log.severity_text = self.interner.text(message.text(wire_type)?),
                5 => self.value(message.message(wire_type)?, &mut log.body)?,
                6 => self.key_value(message.message(wire_type)?, &mut log.attributes)?,
                7 => log.dropped_attributes_count = message.uint32(wire_type)?,
                8 => log.flags = message.fixed32(wire_type)?,
                9 => trace_id = message.bytes(wire_type)?,
                10 => span_id = message.bytes(wire_type)?,
                11 => log.observed_time = Instant(message.fixed64(wire_type)?),
                12 => log.event_name = self.interner.text(message.text(wire_type)?),
                _ => message.skip(number, wire_type)?,
            }
        }
        let wrong = wrong_length("trace id", trace_id.len(), 16).or_else(|| wrong_length("span id", span_id.len(), 8));
        if let Some(reason) = wrong {
            self.decoded.rejected.log(&reason);
            return Ok(());
        }
        log.trace_id = trace_id.try_into().ok().map(TraceId).filter(|id| !id.is_zero());
        log.span_id = span_id.try_into().ok().map(SpanId).filter(|id| !id.is_zero());
        (log.resource, log.scope) = (Arc::clone(&block.resource), Arc::clone(&block.scope));
        self.decoded.keep_log(log);
        Ok(())
    }

    fn key_value(&mut self, mut message: Reader<'_>, attributes: &mut Attributes) -> Result<()> {
        let mut key = "";
        let mut value = Value::Empty;
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => key = message.text(wire_type)?,
                2 => self.value(message.message(wire_type)?, &mut value)?,
                // A key by its place in a dictionary that only profiles carry: nothing it could mean here.
                3 => drop(message.int32(wire_type)?),
                _ => message.skip(number, wire_type)?,
            }
        }
        attributes.0.push(KeyValue { key: self.interner.text(key), value });
        Ok(())
    }

    /// Reads into `value`: of a `oneof` the last member wins, except that two messages of one kind merge.
    fn value(&mut self, mut message: Reader<'_>, value: &mut Value) -> Result<()> {
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => *value = Value::String(self.interner.text(message.text(wire_type)?)),
                2 => *value = Value::Bool(message.uint64(wire_type)? != 0),
                3 => *value = Value::Int(message.uint64(wire_type)? as i64),
                4 => *value = Value::Double(f64::from_bits(message.fixed64(wire_type)?)),
                5 => self.array(message.message(wire_type)?, value)?,
                6 => self.map(message.message(wire_type)?, value)?,
                7 => *value = Value::Bytes(message.bytes(wire_type)?.into()),
                8 => {
                    // A text by its place in a dictionary that only profiles carry: nothing it could mean here.
                    message.int32(wire_type)?;
                    *value = Value::Empty;
                }
                _ => message.skip(number, wire_type)?,
            }
        }
        Ok(())
    }

    fn array(&mut self, mut message: Reader<'_>, value: &mut Value) -> Result<()> {
        let mut values = if let Value::Array(values) = value { std::mem::take(values) } else { Vec::new() };
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => {
                    let mut element = Value::Empty;
                    self.value(message.message(wire_type)?, &mut element)?;
                    values.push(element);
                }
                _ => message.skip(number, wire_type)?,
            }
        }
        *value = Value::Array(values);
        Ok(())
    }

    fn map(&mut self, mut message: Reader<'_>, value: &mut Value) -> Result<()> {
        let mut entries =
            Attributes(if let Value::Map(entries) = value { std::mem::take(entries) } else { Vec::new() });
        while let Some((number, wire_type)) = message.field()? {
            match number {
                1 => self.key_value(message.message(wire_type)?, &mut entries)?,
                _ => message.skip(number, wire_type)?,
            }
        }
        *value = Value::Map(entries.0);
        Ok(())
    }
}

/// The place of what is shared; blocks of one resource mostly follow each other.
fn place_of<T: PartialEq>(all: &mut Vec<Arc<T>>, one: &Arc<T>) -> u32 {
    if !all.last().is_some_and(|last| Arc::ptr_eq(last, one)) {
        all.push(Arc::clone(one));
    }
    all.len() as u32 - 1
}

type SpanIds = (TraceId, SpanId, Option<SpanId>);

/// The ids of a span, or why it has to be set aside.
fn span_ids(
    trace_id: &[u8],
    span_id: &[u8],
    parent_id: &[u8],
    wrong_link: Option<String>,
) -> std::result::Result<SpanIds, String> {
    let wrong = wrong_length("trace id", trace_id.len(), 16)
        .or_else(|| wrong_length("span id", span_id.len(), 8))
        .or_else(|| wrong_length("parent span id", parent_id.len(), 8))
        .or(wrong_link);
    if let Some(reason) = wrong {
        return Err(reason);
    }
    let trace_id = TraceId(trace_id.try_into().unwrap_or_default());
    let span_id = SpanId(span_id.try_into().unwrap_or_default());
    let parent_id = SpanId(parent_id.try_into().unwrap_or_default());
    crate::decoded::check_ids(trace_id, span_id)?;
    Ok((trace_id, span_id, Some(parent_id).filter(|id| !id.is_zero())))
}
