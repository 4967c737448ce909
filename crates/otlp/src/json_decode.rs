//! OTLP JSON (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>) to `model`.
//!
//! Ids are hex of either case, bytes base64, 64-bit integers text or numbers, enumerations numbers or their names; keys
//! are read in lowerCamelCase and in snake_case; what is not known is passed over; null is absent.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::{
    Attributes, EntityRef, Event, Instant, KeyValue, Link, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status,
    StatusCode, Text, TraceId, Value,
};
use serde_json::Value as Json;

use crate::decoded::{Decoded, check_ids, wrong_length};
use crate::error::DecodeError;
use crate::intern::Interner;
use crate::limits::QUOTED_CHARS_MAX;

type Result<T> = std::result::Result<T, DecodeError>;

/// Decodes one JSON document with `resourceSpans`, `resourceLogs`, or both.
///
/// # Errors
/// If it is no JSON (with line and column), or a field is not of its type (with its path). Then nothing is kept.
pub fn decode_json(body: &[u8]) -> Result<Decoded> {
    // Nesting is bounded by serde_json itself, at 128 levels.
    let document: Json = serde_json::from_slice(body).map_err(|error| DecodeError::no_json(&error))?;
    let mut decoder = Decoder { interner: Interner::default(), decoded: Decoded::default(), path: String::new() };
    decoder.document(&document)?;
    Ok(decoder.decoded)
}

/// One line of a JSON Lines file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLine {
    /// Its number, from 1.
    pub number: u64,
    /// What it held, or what was wrong with it.
    pub outcome: Result<Decoded>,
}

/// Decodes JSON Lines: one document a line. Empty lines are passed over; a broken one does not keep the others from being read.
pub fn decode_json_lines(body: &[u8]) -> impl Iterator<Item = JsonLine> + '_ {
    body.split(|&byte| byte == b'\n')
        .zip(1..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .map(|(line, number)| JsonLine { number, outcome: decode_json(line) })
}

struct Decoder {
    interner: Interner,
    decoded: Decoded,
    /// Where we are, such as `resourceSpans[0].scopeSpans[0]`.
    path: String,
}

/// Decodes one span or one log record.
type Item = fn(&mut Decoder, &Object<'_>, &Arc<Resource>, &Arc<Scope>) -> Result<()>;

/// A JSON object whose keys are asked for in lowerCamelCase.
struct Object<'a>(&'a serde_json::Map<String, Json>);

impl<'a> Object<'a> {
    fn get(&self, key: &str) -> Option<&'a Json> {
        let in_snake_case = || self.0.iter().find(|(found, _)| is_in_snake_case(found, key)).map(|(_, value)| value);
        self.0.get(key).or_else(in_snake_case).filter(|value| !value.is_null())
    }
}

/// Whether `found` is `key`, which is in lowerCamelCase, in snake_case.
fn is_in_snake_case(found: &str, key: &str) -> bool {
    let underscore = |byte: u8| byte.is_ascii_uppercase().then_some(b'_');
    found.bytes().eq(key.bytes().flat_map(|byte| underscore(byte).into_iter().chain([byte.to_ascii_lowercase()])))
}

fn quoted(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= QUOTED_CHARS_MAX {
        return text;
    }
    text.chars().take(QUOTED_CHARS_MAX).chain(['…']).collect()
}

impl Decoder {
    fn wrong(&self, key: &str, expected: &str, read: &Json) -> DecodeError {
        let dot = if self.path.is_empty() || key.is_empty() { "" } else { "." };
        DecodeError::new(format!("{}{dot}{key}", self.path), format!("expected {expected}, read {}", quoted(read)))
    }

    /// Runs `read` one level down the path.
    fn below<T>(&mut self, key: &str, index: Option<usize>, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        if let Some(index) = index {
            // Writing to a string cannot fail.
            let _ = write!(self.path, "[{index}]");
        }
        let result = read(self);
        self.path.truncate(length);
        result
    }

    fn object<'a>(&self, value: &'a Json) -> Result<Object<'a>> {
        value.as_object().map(Object).ok_or_else(|| self.wrong("", "an object", value))
    }

    /// Runs `read` for each object of the list under `key`; absent is empty.
    fn each(
        &mut self,
        object: &Object<'_>,
        key: &str,
        mut read: impl FnMut(&mut Self, &Object<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(value) = object.get(key) else { return Ok(()) };
        let list = value.as_array().ok_or_else(|| self.wrong(key, "a list", value))?;
        for (index, element) in list.iter().enumerate() {
            self.below(key, Some(index), |decoder| {
                let element = decoder.object(element)?;
                read(decoder, &element)
            })?;
        }
        Ok(())
    }

    fn document(&mut self, document: &Json) -> Result<()> {
        let document = self.object(document)?;
        self.blocks(&document, "resourceSpans", "scopeSpans", "spans", Self::span)?;
        self.blocks(&document, "resourceLogs", "scopeLogs", "logRecords", Self::log)
    }

    fn blocks(
        &mut self,
        document: &Object<'_>,
        resource_key: &str,
        scope_key: &str,
        item_key: &str,
        item: Item,
    ) -> Result<()> {
        self.each(document, resource_key, |decoder, block| {
            let resource = decoder.resource(block)?;
            decoder.each(block, scope_key, |decoder, scope_block| {
                let scope = decoder.scope(scope_block)?;
                decoder.each(scope_block, item_key, |decoder, object| item(decoder, object, &resource, &scope))
            })
        })
    }

    fn resource(&mut self, block: &Object<'_>) -> Result<Arc<Resource>> {
        let mut resource = Resource { schema_url: self.text(block, "schemaUrl")?, ..Resource::default() };
        if let Some(value) = block.get("resource") {
            self.below("resource", None, |decoder| {
                let object = decoder.object(value)?;
                resource.attributes = decoder.attributes(&object)?;
                resource.dropped_attributes_count = decoder.uint32(&object, "droppedAttributesCount")?;
                decoder.each(&object, "entityRefs", |decoder, entity| {
                    resource.entity_refs.push(EntityRef {
                        schema_url: decoder.text(entity, "schemaUrl")?,
                        entity_type: decoder.text(entity, "type")?,
                        id_keys: decoder.texts(entity, "idKeys")?,
                        description_keys: decoder.texts(entity, "descriptionKeys")?,
                    });
                    Ok(())
                })
            })?;
        }
        Ok(self.interner.resource(resource))
    }

    fn scope(&mut self, block: &Object<'_>) -> Result<Arc<Scope>> {
        let mut scope = Scope { schema_url: self.text(block, "schemaUrl")?, ..Scope::default() };
        if let Some(value) = block.get("scope") {
            self.below("scope", None, |decoder| {
                let object = decoder.object(value)?;
                scope.name = decoder.text(&object, "name")?;
                scope.version = decoder.text(&object, "version")?;
                scope.attributes = decoder.attributes(&object)?;
                scope.dropped_attributes_count = decoder.uint32(&object, "droppedAttributesCount")?;
                Ok(())
            })?;
        }
        Ok(self.interner.scope(scope))
    }

    fn span(&mut self, object: &Object<'_>, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<()> {
        let mut problem = None;
        let trace_id: [u8; 16] = self.id(object, "traceId", "trace id", &mut problem)?;
        let span_id: [u8; 8] = self.id(object, "spanId", "span id", &mut problem)?;
        let parent_id: [u8; 8] = self.id(object, "parentSpanId", "parent span id", &mut problem)?;
        let mut span = Span::new(TraceId(trace_id), SpanId(span_id), self.text(object, "name")?);
        span.parent_span_id = Some(SpanId(parent_id)).filter(|id| !id.is_zero());
        span.trace_state = self.text(object, "traceState")?;
        span.flags = self.uint32(object, "flags")?;
        span.kind = SpanKind(self.enumeration(object, "kind", SPAN_KINDS)?);
        span.start = Instant(self.uint64(object, "startTimeUnixNano")?);
        span.end = Instant(self.uint64(object, "endTimeUnixNano")?);
        span.attributes = self.attributes(object)?;
        span.dropped_attributes_count = self.uint32(object, "droppedAttributesCount")?;
        span.dropped_events_count = self.uint32(object, "droppedEventsCount")?;
        span.dropped_links_count = self.uint32(object, "droppedLinksCount")?;
        self.each(object, "events", |decoder, event| {
            span.events.push(Event {
                time: Instant(decoder.uint64(event, "timeUnixNano")?),
                name: decoder.text(event, "name")?,
                attributes: decoder.attributes(event)?,
                dropped_attributes_count: decoder.uint32(event, "droppedAttributesCount")?,
            });
            Ok(())
        })?;
        self.each(object, "links", |decoder, link| {
            span.links.push(Link {
                trace_id: TraceId(decoder.id(link, "traceId", "link trace id", &mut problem)?),
                span_id: SpanId(decoder.id(link, "spanId", "link span id", &mut problem)?),
                trace_state: decoder.text(link, "traceState")?,
                attributes: decoder.attributes(link)?,
                dropped_attributes_count: decoder.uint32(link, "droppedAttributesCount")?,
                flags: decoder.uint32(link, "flags")?,
            });
            Ok(())
        })?;
        if let Some(status) = object.get("status") {
            span.status = self.below("status", None, |decoder| {
                let status = decoder.object(status)?;
                let code = StatusCode(decoder.enumeration(&status, "code", STATUS_CODES)?);
                Ok(Status { code, message: decoder.text(&status, "message")? })
            })?;
        }
        (span.resource, span.scope) = (Arc::clone(resource), Arc::clone(scope));
        match problem.map_or_else(|| check_ids(span.trace_id, span.span_id), Err) {
            Ok(()) => self.decoded.batch.spans.push(span),
            Err(reason) => self.decoded.rejected.span(&reason),
        }
        Ok(())
    }

    fn log(&mut self, object: &Object<'_>, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<()> {
        let mut problem = None;
        let trace_id: [u8; 16] = self.id(object, "traceId", "trace id", &mut problem)?;
        let span_id: [u8; 8] = self.id(object, "spanId", "span id", &mut problem)?;
        let body = match object.get("body") {
            Some(body) => self.below("body", None, |decoder| decoder.value(body))?,
            None => Value::Empty,
        };
        let log = LogRecord {
            time: Instant(self.uint64(object, "timeUnixNano")?),
            observed_time: Instant(self.uint64(object, "observedTimeUnixNano")?),
            severity_number: self.enumeration(object, "severityNumber", SEVERITIES)?,
            severity_text: self.text(object, "severityText")?,
            body,
            attributes: self.attributes(object)?,
            dropped_attributes_count: self.uint32(object, "droppedAttributesCount")?,
            flags: self.uint32(object, "flags")?,
            trace_id: Some(TraceId(trace_id)).filter(|id| !id.is_zero()),
            span_id: Some(SpanId(span_id)).filter(|id| !id.is_zero()),
            event_name: self.text(object, "eventName")?,
            resource: Arc::clone(resource),
            scope: Arc::clone(scope),
        };
        match problem {
            None => self.decoded.keep_log(log),
            Some(reason) => self.decoded.rejected.log(&reason),
        }
        Ok(())
    }

    fn attributes(&mut self, object: &Object<'_>) -> Result<Attributes> {
        self.entries(object, "attributes").map(Attributes)
    }

    fn entries(&mut self, object: &Object<'_>, key: &str) -> Result<Vec<KeyValue>> {
        let mut entries = Vec::new();
        self.each(object, key, |decoder, entry| {
            let key = decoder.text(entry, "key")?;
            let value = match entry.get("value") {
                Some(value) => decoder.below("value", None, |decoder| decoder.value(value))?,
                None => Value::Empty,
            };
            entries.push(KeyValue { key, value });
            Ok(())
        })?;
        Ok(entries)
    }

    /// Values are at most as deep as serde_json reads.
    fn value(&mut self, value: &Json) -> Result<Value> {
        let object = self.object(value)?;
        if object.get("stringValue").is_some() {
            return self.text(&object, "stringValue").map(Value::String);
        }
        if let Some(bool) = object.get("boolValue") {
            return bool.as_bool().map(Value::Bool).ok_or_else(|| self.wrong("boolValue", "true or false", bool));
        }
        if let Some(int) = object.get("intValue") {
            return int64(int).map(Value::Int).ok_or_else(|| self.wrong("intValue", "a 64-bit integer", int));
        }
        if let Some(double) = object.get("doubleValue") {
            return float(double).map(Value::Double).ok_or_else(|| self.wrong("doubleValue", "a number", double));
        }
        if let Some(bytes) = object.get("bytesValue") {
            return base64(bytes).map(Value::Bytes).ok_or_else(|| self.wrong("bytesValue", "base64", bytes));
        }
        if let Some(array) = object.get("arrayValue") {
            return self.below("arrayValue", None, |decoder| decoder.array(array));
        }
        if let Some(map) = object.get("kvlistValue") {
            return self.below("kvlistValue", None, |decoder| {
                let map = decoder.object(map)?;
                decoder.entries(&map, "values").map(Value::Map)
            });
        }
        Ok(Value::Empty)
    }

    fn array(&mut self, array: &Json) -> Result<Value> {
        let array = self.object(array)?;
        let Some(values) = array.get("values") else { return Ok(Value::Array(Vec::new())) };
        let values = values.as_array().ok_or_else(|| self.wrong("values", "a list", values))?;
        let read = values
            .iter()
            .enumerate()
            .map(|(index, value)| self.below("values", Some(index), |decoder| decoder.value(value)));
        read.collect::<Result<_>>().map(Value::Array)
    }

    fn text(&mut self, object: &Object<'_>, key: &str) -> Result<Text> {
        let Some(value) = object.get(key) else { return Ok(Text::default()) };
        match value.as_str() {
            Some(text) => Ok(self.interner.text(text)),
            None => Err(self.wrong(key, "a string", value)),
        }
    }

    fn texts(&mut self, object: &Object<'_>, key: &str) -> Result<Vec<Text>> {
        let Some(value) = object.get(key) else { return Ok(Vec::new()) };
        let texts = value.as_array().and_then(|list| list.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
        let texts = texts.ok_or_else(|| self.wrong(key, "a list of strings", value))?;
        Ok(texts.into_iter().map(|text| self.interner.text(text)).collect())
    }

    fn uint32(&self, object: &Object<'_>, key: &str) -> Result<u32> {
        let Some(value) = object.get(key) else { return Ok(0) };
        let number = uint64(value).and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.wrong(key, "an integer of 0 to 4294967295", value))
    }

    fn uint64(&self, object: &Object<'_>, key: &str) -> Result<u64> {
        let Some(value) = object.get(key) else { return Ok(0) };
        uint64(value).ok_or_else(|| self.wrong(key, "nanoseconds as an unsigned integer (a string of digits)", value))
    }

    fn enumeration(&self, object: &Object<'_>, key: &str, names: &[&str]) -> Result<i32> {
        let Some(value) = object.get(key) else { return Ok(0) };
        let number = match value.as_str() {
            Some(name) => {
                names.iter().position(|known| *known == name).and_then(|position| i32::try_from(position).ok())
            }
            None => int64(value).and_then(|number| i32::try_from(number).ok()),
        };
        number.ok_or_else(|| {
            self.wrong(key, &format!("a number or one of {}…", names[..names.len().min(3)].join(", ")), value)
        })
    }

    /// An id in hex; absent or empty is all zero. A wrong length is no broken body: the span is set aside for it.
    fn id<const N: usize>(
        &self,
        object: &Object<'_>,
        key: &str,
        what: &str,
        problem: &mut Option<String>,
    ) -> Result<[u8; N]> {
        let Some(value) = object.get(key) else { return Ok([0; N]) };
        let hex = || self.wrong(key, &format!("{} hex digits", N * 2), value);
        let digits = value.as_str().ok_or_else(hex)?;
        if digits.is_empty() {
            return Ok([0; N]);
        }
        if digits.bytes().any(|digit| !digit.is_ascii_hexdigit()) || digits.len() % 2 == 1 {
            return Err(hex());
        }
        if let Some(wrong) = wrong_length(what, digits.len() / 2, N) {
            problem.get_or_insert(wrong);
            return Ok([0; N]);
        }
        model::parse_hex(digits).map_err(|_| hex())
    }
}

fn uint64(value: &Json) -> Option<u64> {
    match value {
        Json::Number(number) => {
            number.as_u64().or_else(|| whole(number.as_f64()?).and_then(|whole| u64::try_from(whole).ok()))
        }
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn int64(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => {
            number.as_i64().or_else(|| whole(number.as_f64()?).and_then(|whole| i64::try_from(whole).ok()))
        }
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `1e3` is an integer in protobuf's JSON; beyond 2^53 a float no longer says which.
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i128)
}

fn float(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            other => other.parse().ok(),
        },
        _ => None,
    }
}

fn base64(value: &Json) -> Option<Arc<[u8]>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = value.as_str()?;
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok().map(Arc::from)
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
