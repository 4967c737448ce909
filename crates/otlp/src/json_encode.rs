//! `model` to OTLP JSON, written straight into text: a tree of a million spans would take gigabytes.

use std::fmt::{Display, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Attributes, KeyValue, LogRecord, Resource, Scope, Span, Value};

use crate::grouping::{Scoped, group};

/// One document, in one line, with `resourceSpans` and, where there are log records, `resourceLogs`.
#[must_use]
pub fn encode_json(spans: &[Span], logs: &[LogRecord]) -> String {
    let mut json = Json::default();
    json.object(|json| {
        if !spans.is_empty() || logs.is_empty() {
            json.blocks("resourceSpans", "scopeSpans", "spans", spans, write_span);
        }
        if !logs.is_empty() {
            json.blocks("resourceLogs", "scopeLogs", "logRecords", logs, write_log);
        }
    });
    json.text
}

/// `TracesData` in one line.
#[must_use]
pub fn encode_traces_json(spans: &[Span]) -> String {
    let mut json = Json::default();
    json.object(|json| json.blocks("resourceSpans", "scopeSpans", "spans", spans, write_span));
    json.text
}

/// `LogsData` in one line.
#[must_use]
pub fn encode_logs_json(logs: &[LogRecord]) -> String {
    let mut json = Json::default();
    json.object(|json| json.blocks("resourceLogs", "scopeLogs", "logRecords", logs, write_log));
    json.text
}

/// Writes JSON; a comma goes in front of everything but the first of its level.
#[derive(Default)]
pub(crate) struct Json {
    pub text: String,
}

impl Json {
    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        // Keys are ours: letters only.
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    pub fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.comma();
        self.text.push('{');
        write(self);
        self.text.push('}');
    }

    fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.key(key);
        self.text.push('[');
        for item in items {
            write(self, item);
        }
        self.text.push(']');
    }

    fn list_unless_empty<T>(&mut self, key: &str, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        if !items.is_empty() {
            self.list(key, items, |json, item| json.object(|json| write(json, item)));
        }
    }

    pub fn field(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object(write);
    }

    fn quoted(&mut self, text: &str) {
        self.comma();
        // Text can always be written as a JSON string.
        self.text.push_str(&serde_json::to_string(text).unwrap_or_default());
    }

    pub fn string(&mut self, key: &str, text: &str) {
        self.key(key);
        self.quoted(text);
    }

    fn string_unless_empty(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.string(key, text);
        }
    }

    /// A number, or a word of JSON, as it prints.
    pub fn plain(&mut self, key: &str, value: impl Display) {
        self.key(key);
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
    }

    fn plain_unless_zero(&mut self, key: &str, value: u32) {
        if value != 0 {
            self.plain(key, value);
        }
    }

    fn blocks<T: Scoped>(
        &mut self,
        resource_key: &str,
        scope_key: &str,
        item_key: &str,
        items: &[T],
        write_item: fn(&mut Self, &T),
    ) {
        self.list(resource_key, group(items), |json, block| {
            json.object(|json| {
                json.field("resource", |json| write_resource(json, block.resource));
                json.list(scope_key, &block.scopes, |json, scope_block| {
                    json.object(|json| {
                        json.field("scope", |json| write_scope(json, scope_block.scope));
                        json.list(item_key, &scope_block.items, |json, item| {
                            json.object(|json| write_item(json, item))
                        });
                        json.string_unless_empty("schemaUrl", &scope_block.scope.schema_url);
                    });
                });
                json.string_unless_empty("schemaUrl", &block.resource.schema_url);
            });
        });
    }
}

fn write_resource(json: &mut Json, resource: &Resource) {
    write_attributes(json, &resource.attributes);
    json.plain_unless_zero("droppedAttributesCount", resource.dropped_attributes_count);
    json.list_unless_empty("entityRefs", &resource.entity_refs, |json, entity| {
        json.string_unless_empty("schemaUrl", &entity.schema_url);
        json.string_unless_empty("type", &entity.entity_type);
        json.list("idKeys", &entity.id_keys, |json, key| json.quoted(key));
        json.list("descriptionKeys", &entity.description_keys, |json, key| json.quoted(key));
    });
}

fn write_scope(json: &mut Json, scope: &Scope) {
    json.string_unless_empty("name", &scope.name);
    json.string_unless_empty("version", &scope.version);
    write_attributes(json, &scope.attributes);
    json.plain_unless_zero("droppedAttributesCount", scope.dropped_attributes_count);
}

fn write_span(json: &mut Json, span: &Span) {
    json.string("traceId", &span.trace_id.to_string());
    json.string("spanId", &span.span_id.to_string());
    if let Some(parent) = span.parent_span_id {
        json.string("parentSpanId", &parent.to_string());
    }
    json.string_unless_empty("traceState", &span.trace_state);
    json.plain_unless_zero("flags", span.flags);
    json.string("name", &span.name);
    json.plain("kind", span.kind.0);
    json.string("startTimeUnixNano", &span.start.0.to_string());
    json.string("endTimeUnixNano", &span.end.0.to_string());
    write_attributes(json, &span.attributes);
    json.plain_unless_zero("droppedAttributesCount", span.dropped_attributes_count);
    json.list_unless_empty("events", &span.events, |json, event| {
        json.string("timeUnixNano", &event.time.0.to_string());
        json.string("name", &event.name);
        write_attributes(json, &event.attributes);
        json.plain_unless_zero("droppedAttributesCount", event.dropped_attributes_count);
    });
    json.plain_unless_zero("droppedEventsCount", span.dropped_events_count);
    json.list_unless_empty("links", &span.links, |json, link| {
        json.string("traceId", &link.trace_id.to_string());
        json.string("spanId", &link.span_id.to_string());
        json.string_unless_empty("traceState", &link.trace_state);
        write_attributes(json, &link.attributes);
        json.plain_unless_zero("droppedAttributesCount", link.dropped_attributes_count);
        json.plain_unless_zero("flags", link.flags);
    });
    json.plain_unless_zero("droppedLinksCount", span.dropped_links_count);
    json.field("status", |json| {
        if span.status.code.0 != 0 {
            json.plain("code", span.status.code.0);
        }
        json.string_unless_empty("message", &span.status.message);
    });
}

fn write_log(json: &mut Json, log: &LogRecord) {
    json.string("timeUnixNano", &log.time.0.to_string());
    json.string("observedTimeUnixNano", &log.observed_time.0.to_string());
    if log.severity_number != 0 {
        json.plain("severityNumber", log.severity_number);
    }
    json.string_unless_empty("severityText", &log.severity_text);
    if log.body != Value::Empty {
        json.key("body");
        write_value(json, &log.body);
    }
    write_attributes(json, &log.attributes);
    json.plain_unless_zero("droppedAttributesCount", log.dropped_attributes_count);
    json.plain_unless_zero("flags", log.flags);
    if let Some(trace_id) = log.trace_id {
        json.string("traceId", &trace_id.to_string());
    }
    if let Some(span_id) = log.span_id {
        json.string("spanId", &span_id.to_string());
    }
    json.string_unless_empty("eventName", &log.event_name);
}

fn write_attributes(json: &mut Json, attributes: &Attributes) {
    if !attributes.is_empty() {
        write_entries(json, "attributes", &attributes.0);
    }
}

fn write_entries(json: &mut Json, key: &str, entries: &[KeyValue]) {
    json.list(key, entries, |json, entry| {
        json.object(|json| {
            json.string("key", &entry.key);
            json.key("value");
            write_value(json, &entry.value);
        });
    });
}

/// Values are at most as deep as they were when they were decoded.
fn write_value(json: &mut Json, value: &Value) {
    json.object(|json| match value {
        Value::Empty => {}
        Value::String(text) => json.string("stringValue", text),
        Value::Bool(bool) => json.plain("boolValue", bool),
        Value::Int(int) => json.string("intValue", &int.to_string()),
        Value::Double(double) => write_double(json, *double),
        Value::Bytes(bytes) => json.string("bytesValue", &STANDARD.encode(bytes)),
        Value::Array(values) => json.field("arrayValue", |json| json.list("values", values, write_value)),
        Value::Map(entries) => json.field("kvlistValue", |json| write_entries(json, "values", entries)),
    });
}

fn write_double(json: &mut Json, double: f64) {
    if double.is_finite() {
        json.key("doubleValue");
        // The shortest text that reads back as the same bits.
        json.text.push_str(&serde_json::to_string(&double).unwrap_or_default());
    } else if double.is_nan() {
        json.string("doubleValue", "NaN");
    } else {
        json.string("doubleValue", if double > 0.0 { "Infinity" } else { "-Infinity" });
    }
}
