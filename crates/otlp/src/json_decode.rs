//! OTLP JSON (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>) to `model`, from the text straight into rows
//! of a `PackedBatch` (spans) and the model's structs (log records, events, links).
//!
//! Ids are hex of either case, bytes base64, 64-bit integers text or numbers, enumerations numbers or their names; keys
//! are read in lowerCamelCase and in snake_case; what is not known is passed over; null is absent. A key that stands
//! twice is read as protobuf reads a field twice: lists add up, of anything else the last counts.
//!
//! What spans share may stand behind them, so a block's resource and scopes are put into their places at its end.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::{
    Attributes, EntityRef, Event, Extras, Instant, KeyValue, Link, LogRecord, PackedAttribute, PackedSpan, Packer,
    Resource, Scope, SpanId, SpanKind, StatusCode, Text, TextId, TraceId, Value, hash_of, shared_hash,
};

use crate::decoded::{Decoded, DecodedPacked, Rejected, check_ids, wrong_length};
use crate::error::DecodeError;
use crate::intern::{Interner, LastKeys};
use crate::json_cursor::{Broken, Cursor, Kind};
use crate::limits::QUOTED_CHARS_MAX;

/// Decodes one JSON document with `resourceSpans`, `resourceLogs`, or both.
///
/// # Errors
/// If it is no JSON (with line and column), or a field is not of its type (with its path). Then nothing is kept.
pub fn decode_json(body: &[u8]) -> std::result::Result<Decoded, DecodeError> {
    decode_json_packed(body).map(DecodedPacked::unpack)
}

/// As [`decode_json`], into the compact form.
///
/// # Errors
/// As for [`decode_json`].
pub fn decode_json_packed(body: &[u8]) -> std::result::Result<DecodedPacked, DecodeError> {
    let Ok(text) = std::str::from_utf8(body) else { return Err(what_is_broken(body)) };
    let mut decoder = Decoder {
        from: Cursor::new(text),
        path: Vec::new(),
        interner: Interner::default(),
        last_keys: LastKeys::default(),
        packer: Packer::default(),
        rejected: Rejected::default(),
        logs_without_trace: 0,
    };
    match decoder.document() {
        Ok(()) => Ok(DecodedPacked {
            batch: decoder.packer.finish(),
            rejected: decoder.rejected,
            logs_without_trace: decoder.logs_without_trace,
        }),
        Err(Problem::Wrong(error)) => Err(error),
        Err(Problem::Broken) => Err(what_is_broken(body)),
    }
}

/// Why a text is no JSON, from the one who tells it best.
fn what_is_broken(body: &[u8]) -> DecodeError {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Err(error) => DecodeError::no_json(&error),
        // It reads what we read (a test compares them); were it otherwise, the text would still be refused.
        Ok(_) => DecodeError::new("an unknown place", "this is no JSON"),
    }
}

/// One line of a JSON Lines file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLine {
    /// Its number, from 1.
    pub number: u64,
    /// What it held, or what was wrong with it.
    pub outcome: std::result::Result<Decoded, DecodeError>,
}

/// Decodes JSON Lines: one document a line. Empty lines are passed over; a broken one does not keep the others from being read.
pub fn decode_json_lines(body: &[u8]) -> impl Iterator<Item = JsonLine> + '_ {
    body.split(|&byte| byte == b'\n')
        .zip(1..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .map(|(line, number)| JsonLine { number, outcome: decode_json(line) })
}

/// Why a document cannot be decoded.
enum Problem {
    Broken,
    Wrong(DecodeError),
}

impl From<Broken> for Problem {
    fn from(Broken: Broken) -> Self {
        Self::Broken
    }
}

type Result<T> = std::result::Result<T, Problem>;

struct Decoder<'a> {
    from: Cursor<'a>,
    /// Where we are: keys, some with a place in a list.
    path: Vec<(&'static str, Option<usize>)>,
    interner: Interner,
    last_keys: LastKeys,
    packer: Packer,
    rejected: Rejected,
    logs_without_trace: u64,
}

/// Decodes one span or one log record of the scope at this place.
type Item<'a> = fn(&mut Decoder<'a>, u32) -> Result<()>;

/// A value of an attribute.
enum Read<'a> {
    Text(Cow<'a, str>),
    Other(Value),
}

/// A text or a number.
enum Plain<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Other,
}

/// A key in lowerCamelCase, which may be written in snake_case.
fn in_camel_case(key: &str) -> Cow<'_, str> {
    if !key.contains('_') || key.contains(|char: char| char.is_ascii_uppercase()) {
        return Cow::Borrowed(key);
    }
    let mut camel = String::with_capacity(key.len());
    let mut is_next_upper = false;
    for char in key.chars() {
        match char {
            '_' if is_next_upper => return Cow::Borrowed(key),
            '_' => is_next_upper = true,
            _ => camel.push(if std::mem::take(&mut is_next_upper) { char.to_ascii_uppercase() } else { char }),
        }
    }
    if is_next_upper { Cow::Borrowed(key) } else { Cow::Owned(camel) }
}

fn quoted(raw: &str) -> String {
    // Without the line breaks of whoever wrote it prettily.
    let text =
        serde_json::from_str::<serde_json::Value>(raw).map_or_else(|_| raw.to_owned(), |value| value.to_string());
    if text.chars().count() <= QUOTED_CHARS_MAX {
        return text;
    }
    text.chars().take(QUOTED_CHARS_MAX).chain(['…']).collect()
}

impl<'a> Decoder<'a> {
    /// That `raw`, which was read under `key`, is not what was expected.
    fn wrong(&self, key: &str, expected: &str, raw: &str) -> Problem {
        let mut path = String::new();
        for (key, index) in self.path.iter().copied().chain((!key.is_empty()).then_some((key, None))) {
            let dot = if path.is_empty() { "" } else { "." };
            // Writing to a string cannot fail.
            let _ = match index {
                Some(index) => write!(path, "{dot}{key}[{index}]"),
                None => write!(path, "{dot}{key}"),
            };
        }
        Problem::Wrong(DecodeError::new(path, format!("expected {expected}, read {}", quoted(raw))))
    }

    /// The same of the value that comes next.
    fn wrong_kind(&mut self, key: &str, expected: &str) -> Problem {
        match self.from.skip() {
            Ok(raw) => self.wrong(key, expected, raw),
            Err(Broken) => Problem::Broken,
        }
    }

    fn skip(&mut self) -> Result<()> {
        self.from.skip()?;
        Ok(())
    }

    /// Runs `read` one level down the path.
    fn below(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.path.push((key, None));
        read(self)?;
        self.path.pop();
        Ok(())
    }

    /// Runs `field` for each key of the object whose value is not null; it has to read the value.
    fn object(&mut self, mut field: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        if self.from.peek()? != Kind::Object {
            return Err(self.wrong_kind("", "an object"));
        }
        self.from.enter()?;
        while let Some(key) = self.from.key()? {
            match self.from.peek()? {
                Kind::Null => self.skip()?,
                _ => field(self, &in_camel_case(&key))?,
            }
        }
        Ok(())
    }

    /// The same of the object under `key`.
    fn object_below(&mut self, key: &'static str, field: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.below(key, |decoder| decoder.object(field))
    }

    /// Runs `element` for each element of the list under `key`.
    fn list(&mut self, key: &'static str, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.from.peek()? != Kind::List {
            return Err(self.wrong_kind(key, "a list"));
        }
        self.from.enter()?;
        self.path.push((key, Some(0)));
        while self.from.element()? {
            element(self)?;
            if let Some((_, Some(index))) = self.path.last_mut() {
                *index += 1;
            }
        }
        self.path.pop();
        Ok(())
    }

    fn document(&mut self) -> Result<()> {
        self.object(|decoder, key| match key {
            "resourceSpans" => {
                decoder.list("resourceSpans", |decoder| decoder.block("scopeSpans", "spans", Self::span))
            }
            "resourceLogs" => {
                decoder.list("resourceLogs", |decoder| decoder.block("scopeLogs", "logRecords", Self::log))
            }
            _ => decoder.skip(),
        })?;
        Ok(self.from.end()?)
    }

    fn block(&mut self, scope_key: &'static str, item_key: &'static str, item: Item<'a>) -> Result<()> {
        let mut resource = Resource::default();
        let batch = &mut self.packer.batch;
        let (place, first_scope) = (batch.resources.len(), batch.scopes.len());
        let (first_span, first_log) = (batch.spans.len(), batch.logs.len());
        batch.resources.push(Arc::default());
        self.object(|decoder, key| match key {
            "resource" => decoder.resource(&mut resource),
            "schemaUrl" => decoder.text_into("schemaUrl", &mut resource.schema_url),
            key if key == scope_key => decoder.list(scope_key, |decoder| decoder.scope_block(item_key, item)),
            _ => decoder.skip(),
        })?;
        let resource = self.interner.resource(resource);
        let Packer { batch, .. } = &mut self.packer;
        batch.logs[first_log..].iter_mut().for_each(|log| log.resource = Arc::clone(&resource));
        if batch.spans.len() == first_span {
            batch.resources.truncate(place);
            batch.scopes.truncate(first_scope);
            return Ok(());
        }
        let resource_hash = hash_of(&resource);
        batch.resources[place] = resource;
        let hashes: Vec<u64> =
            batch.scopes[first_scope..].iter().map(|scope| shared_hash(resource_hash, hash_of(scope))).collect();
        for span in first_span..batch.spans.len() {
            let scope = self.packer.batch.spans[span].scope as usize;
            self.packer.batch.spans[span].resource = place as u32;
            self.packer.hash_span(span, hashes[scope - first_scope]);
        }
        Ok(())
    }

    fn scope_block(&mut self, item_key: &'static str, item: Item<'a>) -> Result<()> {
        let mut scope = Scope::default();
        let place = self.packer.batch.scopes.len();
        let first_log = self.packer.batch.logs.len();
        self.packer.batch.scopes.push(Arc::default());
        self.object(|decoder, key| match key {
            "scope" => decoder.scope(&mut scope),
            "schemaUrl" => decoder.text_into("schemaUrl", &mut scope.schema_url),
            key if key == item_key => decoder.list(item_key, |decoder| item(decoder, place as u32)),
            _ => decoder.skip(),
        })?;
        let scope = self.interner.scope(scope);
        self.packer.batch.logs[first_log..].iter_mut().for_each(|log| log.scope = Arc::clone(&scope));
        self.packer.batch.scopes[place] = scope;
        Ok(())
    }

    fn resource(&mut self, resource: &mut Resource) -> Result<()> {
        self.object_below("resource", |decoder, key| match key {
            "attributes" => decoder.attributes("attributes", &mut resource.attributes),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut resource.dropped_attributes_count)
            }
            "entityRefs" => decoder.list("entityRefs", |decoder| {
                resource.entity_refs.push(decoder.entity_ref()?);
                Ok(())
            }),
            _ => decoder.skip(),
        })
    }

    fn entity_ref(&mut self) -> Result<EntityRef> {
        let mut entity = EntityRef::default();
        self.object(|decoder, key| match key {
            "schemaUrl" => decoder.text_into("schemaUrl", &mut entity.schema_url),
            "type" => decoder.text_into("type", &mut entity.entity_type),
            "idKeys" => decoder.texts_into("idKeys", &mut entity.id_keys),
            "descriptionKeys" => decoder.texts_into("descriptionKeys", &mut entity.description_keys),
            _ => decoder.skip(),
        })?;
        Ok(entity)
    }

    fn scope(&mut self, scope: &mut Scope) -> Result<()> {
        self.object_below("scope", |decoder, key| match key {
            "name" => decoder.text_into("name", &mut scope.name),
            "version" => decoder.text_into("version", &mut scope.version),
            "attributes" => decoder.attributes("attributes", &mut scope.attributes),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut scope.dropped_attributes_count)
            }
            _ => decoder.skip(),
        })
    }

    fn span(&mut self, scope: u32) -> Result<()> {
        let mut span = PackedSpan { scope, ..PackedSpan::empty() };
        let first_attribute = self.packer.batch.attributes.len();
        let first_value = self.packer.batch.values.len();
        let mut extras = Extras::default();
        let mut parent_id = [0; 8];
        let mut problem = None;
        self.object(|decoder, key| match key {
            "traceId" => decoder.id_into("traceId", "trace id", &mut span.trace_id.0, &mut problem),
            "spanId" => decoder.id_into("spanId", "span id", &mut span.span_id.0, &mut problem),
            "parentSpanId" => decoder.id_into("parentSpanId", "parent span id", &mut parent_id, &mut problem),
            "name" => decoder.text_id_into("name", &mut span.name),
            "traceState" => decoder.text_id_into("traceState", &mut span.trace_state),
            "flags" => decoder.uint32_into("flags", &mut span.flags),
            "kind" => decoder.enumeration("kind", SPAN_KINDS).map(|kind| span.kind = SpanKind(kind)),
            "startTimeUnixNano" => decoder.instant_into("startTimeUnixNano", &mut span.start),
            "endTimeUnixNano" => decoder.instant_into("endTimeUnixNano", &mut span.end),
            "attributes" => decoder.list("attributes", |decoder| decoder.span_attribute(first_attribute)),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut span.dropped_attributes_count)
            }
            "droppedEventsCount" => decoder.uint32_into("droppedEventsCount", &mut span.dropped_events_count),
            "droppedLinksCount" => decoder.uint32_into("droppedLinksCount", &mut span.dropped_links_count),
            "events" => decoder.list("events", |decoder| {
                extras.events.push(decoder.event()?);
                Ok(())
            }),
            "links" => decoder.list("links", |decoder| {
                extras.links.push(decoder.link(&mut problem)?);
                Ok(())
            }),
            "status" => decoder.status(&mut span),
            _ => decoder.skip(),
        })?;
        span.parent_span_id = Some(SpanId(parent_id)).filter(|id| !id.is_zero());
        match problem.map_or_else(|| check_ids(span.trace_id, span.span_id), Err) {
            Ok(()) => self.packer.span_unhashed(span, first_attribute, extras),
            Err(reason) => {
                self.packer.batch.attributes.truncate(first_attribute);
                self.packer.batch.values.truncate(first_value);
                self.rejected.span(&reason);
            }
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Event> {
        let mut event = Event::default();
        self.object(|decoder, key| match key {
            "timeUnixNano" => decoder.instant_into("timeUnixNano", &mut event.time),
            "name" => decoder.text_into("name", &mut event.name),
            "attributes" => decoder.attributes("attributes", &mut event.attributes),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut event.dropped_attributes_count)
            }
            _ => decoder.skip(),
        })?;
        Ok(event)
    }

    fn link(&mut self, problem: &mut Option<String>) -> Result<Link> {
        let mut link = Link::default();
        self.object(|decoder, key| match key {
            "traceId" => decoder.id_into("traceId", "link trace id", &mut link.trace_id.0, problem),
            "spanId" => decoder.id_into("spanId", "link span id", &mut link.span_id.0, problem),
            "traceState" => decoder.text_into("traceState", &mut link.trace_state),
            "attributes" => decoder.attributes("attributes", &mut link.attributes),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut link.dropped_attributes_count)
            }
            "flags" => decoder.uint32_into("flags", &mut link.flags),
            _ => decoder.skip(),
        })?;
        Ok(link)
    }

    fn status(&mut self, span: &mut PackedSpan) -> Result<()> {
        self.object_below("status", |decoder, key| match key {
            "code" => decoder.enumeration("code", STATUS_CODES).map(|code| span.status_code = StatusCode(code)),
            "message" => decoder.text_id_into("message", &mut span.status_message),
            _ => decoder.skip(),
        })
    }

    fn log(&mut self, _scope: u32) -> Result<()> {
        let mut log = LogRecord::default();
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        let mut problem = None;
        self.object(|decoder, key| match key {
            "traceId" => decoder.id_into("traceId", "trace id", &mut trace_id, &mut problem),
            "spanId" => decoder.id_into("spanId", "span id", &mut span_id, &mut problem),
            "timeUnixNano" => decoder.instant_into("timeUnixNano", &mut log.time),
            "observedTimeUnixNano" => decoder.instant_into("observedTimeUnixNano", &mut log.observed_time),
            "severityNumber" => {
                decoder.enumeration("severityNumber", SEVERITIES).map(|number| log.severity_number = number)
            }
            "severityText" => decoder.text_into("severityText", &mut log.severity_text),
            "body" => decoder.below("body", |decoder| decoder.value().map(|value| log.body = value)),
            "attributes" => decoder.attributes("attributes", &mut log.attributes),
            "droppedAttributesCount" => {
                decoder.uint32_into("droppedAttributesCount", &mut log.dropped_attributes_count)
            }
            "flags" => decoder.uint32_into("flags", &mut log.flags),
            "eventName" => decoder.text_into("eventName", &mut log.event_name),
            _ => decoder.skip(),
        })?;
        log.trace_id = Some(TraceId(trace_id)).filter(|id| !id.is_zero());
        log.span_id = Some(SpanId(span_id)).filter(|id| !id.is_zero());
        match problem {
            Some(reason) => self.rejected.log(&reason),
            None if log.trace_id.is_none() => self.logs_without_trace += 1,
            None => self.packer.batch.logs.push(log),
        }
        Ok(())
    }

    /// The next attribute of the span whose first one has the place `first`.
    fn span_attribute(&mut self, first: usize) -> Result<()> {
        let mut key = TextId::EMPTY;
        // Most values are one text, which needs no detour.
        let mut text = None;
        let mut other = Value::Empty;
        self.object(|decoder, field| match field {
            "key" => decoder.key_into(first, &mut key),
            "value" => decoder.below("value", |decoder| {
                (text, other) = match decoder.read_value()? {
                    Read::Text(text) => (Some(decoder.packer.texts.id(&text)), Value::Empty),
                    Read::Other(other) => (None, other),
                };
                Ok(())
            }),
            _ => decoder.skip(),
        })?;
        match text {
            Some(text) => self.packer.batch.attributes.push(PackedAttribute::text(key, text)),
            None => self.packer.attribute(key, other),
        }
        Ok(())
    }

    fn key_into(&mut self, first: usize, key: &mut TextId) -> Result<()> {
        let position = self.packer.batch.attributes.len() - first;
        let text = self.text("key")?;
        *key = match self.last_keys.known(position, text.as_bytes(), self.packer.texts.texts()) {
            Some(known) => known,
            None => self.last_keys.note(position, self.packer.texts.id(&text)),
        };
        Ok(())
    }

    fn attributes(&mut self, key: &'static str, attributes: &mut Attributes) -> Result<()> {
        self.entries(key, &mut attributes.0)
    }

    fn entries(&mut self, list: &'static str, entries: &mut Vec<KeyValue>) -> Result<()> {
        self.list(list, |decoder| {
            let mut entry = KeyValue { key: Text::default(), value: Value::Empty };
            decoder.object(|decoder, field| match field {
                "key" => decoder.text_into("key", &mut entry.key),
                "value" => decoder.below("value", |decoder| decoder.value().map(|value| entry.value = value)),
                _ => decoder.skip(),
            })?;
            entries.push(entry);
            Ok(())
        })
    }

    fn value(&mut self) -> Result<Value> {
        Ok(match self.read_value()? {
            Read::Text(text) => Value::String(self.interner.text(&text)),
            Read::Other(value) => value,
        })
    }

    /// Values are at most as deep as the cursor goes.
    fn read_value(&mut self) -> Result<Read<'a>> {
        let mut value = Read::Other(Value::Empty);
        self.object(|decoder, key| {
            value = match key {
                "stringValue" => Read::Text(decoder.text("stringValue")?),
                "boolValue" => Read::Other(Value::Bool(decoder.bool("boolValue")?)),
                "intValue" => Read::Other(Value::Int(decoder.plain("intValue", "a 64-bit integer", int64)?)),
                "doubleValue" => Read::Other(Value::Double(decoder.plain("doubleValue", "a number", float)?)),
                "bytesValue" => Read::Other(Value::Bytes(decoder.plain("bytesValue", "base64", base64)?)),
                "arrayValue" => Read::Other(decoder.array()?),
                "kvlistValue" => Read::Other(decoder.map()?),
                _ => return decoder.skip(),
            };
            Ok(())
        })?;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value> {
        let mut values = Vec::new();
        self.object_below("arrayValue", |decoder, key| match key {
            "values" => decoder.list("values", |decoder| {
                values.push(decoder.value()?);
                Ok(())
            }),
            _ => decoder.skip(),
        })?;
        Ok(Value::Array(values))
    }

    fn map(&mut self) -> Result<Value> {
        let mut entries = Vec::new();
        self.object_below("kvlistValue", |decoder, key| match key {
            "values" => decoder.entries("values", &mut entries),
            _ => decoder.skip(),
        })?;
        Ok(Value::Map(entries))
    }

    /// The text under `key`.
    fn text(&mut self, key: &str) -> Result<Cow<'a, str>> {
        match self.from.peek()? {
            Kind::Text => Ok(self.from.text()?),
            _ => Err(self.wrong_kind(key, "a string")),
        }
    }

    fn text_into(&mut self, key: &str, text: &mut Text) -> Result<()> {
        let read = self.text(key)?;
        *text = self.interner.text(&read);
        Ok(())
    }

    fn text_id_into(&mut self, key: &str, text: &mut TextId) -> Result<()> {
        let read = self.text(key)?;
        *text = self.packer.texts.id(&read);
        Ok(())
    }

    fn texts_into(&mut self, key: &'static str, texts: &mut Vec<Text>) -> Result<()> {
        self.list(key, |decoder| {
            let text = decoder.text("")?;
            texts.push(decoder.interner.text(&text));
            Ok(())
        })
    }

    fn bool(&mut self, key: &str) -> Result<bool> {
        match self.from.peek()? {
            Kind::Bool => Ok(self.from.bool()?),
            _ => Err(self.wrong_kind(key, "true or false")),
        }
    }

    fn read_plain(&mut self) -> Result<Plain<'a>> {
        Ok(match self.from.peek()? {
            Kind::Text => Plain::Text(self.from.text()?),
            Kind::Number => Plain::Number(self.from.number()?),
            _ => {
                self.from.skip()?;
                Plain::Other
            }
        })
    }

    /// What `read` makes of the value under `key`, if it can.
    fn plain<T>(&mut self, key: &str, expected: &str, read: impl FnOnce(&Plain<'_>) -> Option<T>) -> Result<T> {
        let before = self.from;
        let plain = self.read_plain()?;
        read(&plain).ok_or_else(|| self.wrong(key, expected, self.from.since(&before)))
    }

    fn uint32_into(&mut self, key: &str, number: &mut u32) -> Result<()> {
        let small = |plain: &Plain<'_>| uint64(plain).and_then(|number| u32::try_from(number).ok());
        *number = self.plain(key, "an integer of 0 to 4294967295", small)?;
        Ok(())
    }

    fn instant_into(&mut self, key: &str, instant: &mut Instant) -> Result<()> {
        let expected = "nanoseconds as an unsigned integer (a string of digits)";
        *instant = Instant(self.plain(key, expected, uint64)?);
        Ok(())
    }

    fn enumeration(&mut self, key: &str, names: &[&str]) -> Result<i32> {
        let before = self.from;
        let number = match self.read_plain()? {
            Plain::Text(name) => {
                names.iter().position(|known| *known == name).and_then(|position| i32::try_from(position).ok())
            }
            other => int64(&other).and_then(|number| i32::try_from(number).ok()),
        };
        number.ok_or_else(|| {
            let expected = format!("a number or one of {}…", names[..names.len().min(3)].join(", "));
            self.wrong(key, &expected, self.from.since(&before))
        })
    }

    /// An id in hex; absent or empty is all zero. A wrong length is no broken body: the span is set aside for it.
    fn id_into<const N: usize>(
        &mut self,
        key: &str,
        what: &str,
        id: &mut [u8; N],
        problem: &mut Option<String>,
    ) -> Result<()> {
        *id = [0; N];
        let before = self.from;
        let plain = self.read_plain()?;
        let not_hex = || self.wrong(key, &format!("{} hex digits", N * 2), self.from.since(&before));
        let Plain::Text(digits) = plain else { return Err(not_hex()) };
        if digits.is_empty() {
            return Ok(());
        }
        if let Ok(read) = model::parse_hex(&digits) {
            *id = read;
            return Ok(());
        }
        if digits.bytes().any(|digit| !digit.is_ascii_hexdigit()) || digits.len() % 2 == 1 {
            return Err(not_hex());
        }
        if let Some(wrong) = wrong_length(what, digits.len() / 2, N) {
            problem.get_or_insert(wrong);
        }
        Ok(())
    }
}

fn uint64(plain: &Plain<'_>) -> Option<u64> {
    match plain {
        Plain::Number(digits) => digits.parse().ok().or_else(|| u64::try_from(whole(digits)?).ok()),
        Plain::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn int64(plain: &Plain<'_>) -> Option<i64> {
    match plain {
        Plain::Number(digits) => digits.parse().ok().or_else(|| i64::try_from(whole(digits)?).ok()),
        Plain::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// `1e3` is an integer in protobuf's JSON; beyond 2^53 a float no longer says which.
fn whole(digits: &str) -> Option<i128> {
    let number: f64 = digits.parse().ok()?;
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i128)
}

fn float(plain: &Plain<'_>) -> Option<f64> {
    match plain {
        Plain::Number(digits) => digits.parse().ok(),
        Plain::Text(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            other => other.parse().ok(),
        },
        _ => None,
    }
}

fn base64(plain: &Plain<'_>) -> Option<Arc<[u8]>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let Plain::Text(text) = plain else { return None };
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(&**text).ok().map(Arc::from)
}

const SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

const STATUS_CODES: &[&str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

const SEVERITIES: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
