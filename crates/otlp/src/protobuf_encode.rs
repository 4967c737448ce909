//! `model` to OTLP protobuf.

use model::{Attributes, EntityRef, Event, KeyValue, Link, LogRecord, Resource, Scope, Span, Value};

use crate::grouping::{Scoped, group};
use crate::wire::Writer;

/// Encodes `TracesData` (which has the shape of `ExportTraceServiceRequest`).
#[must_use]
pub fn encode_traces_protobuf(spans: &[Span]) -> Vec<u8> {
    blocks(spans, write_span)
}

/// Encodes `LogsData` (which has the shape of `ExportLogsServiceRequest`).
#[must_use]
pub fn encode_logs_protobuf(logs: &[LogRecord]) -> Vec<u8> {
    blocks(logs, write_log)
}

fn blocks<T: Scoped>(items: &[T], write_item: fn(&mut Writer, &T)) -> Vec<u8> {
    let mut writer = Writer::default();
    for block in group(items) {
        writer.message(1, |writer| {
            writer.message(1, |writer| write_resource(writer, block.resource));
            for scope_block in &block.scopes {
                writer.message(2, |writer| {
                    writer.message(1, |writer| write_scope(writer, scope_block.scope));
                    for item in &scope_block.items {
                        writer.message(2, |writer| write_item(writer, item));
                    }
                    writer.bytes(3, scope_block.scope.schema_url.as_bytes());
                });
            }
            writer.bytes(3, block.resource.schema_url.as_bytes());
        });
    }
    writer.bytes
}

fn write_resource(writer: &mut Writer, resource: &Resource) {
    write_attributes(writer, 1, &resource.attributes);
    writer.uint64(2, resource.dropped_attributes_count.into());
    for entity in &resource.entity_refs {
        writer.message(3, |writer| write_entity_ref(writer, entity));
    }
}

fn write_entity_ref(writer: &mut Writer, entity: &EntityRef) {
    writer.bytes(1, entity.schema_url.as_bytes());
    writer.bytes(2, entity.entity_type.as_bytes());
    for key in &entity.id_keys {
        writer.present_bytes(3, key.as_bytes());
    }
    for key in &entity.description_keys {
        writer.present_bytes(4, key.as_bytes());
    }
}

fn write_scope(writer: &mut Writer, scope: &Scope) {
    writer.bytes(1, scope.name.as_bytes());
    writer.bytes(2, scope.version.as_bytes());
    write_attributes(writer, 3, &scope.attributes);
    writer.uint64(4, scope.dropped_attributes_count.into());
}

fn write_span(writer: &mut Writer, span: &Span) {
    writer.bytes(1, &span.trace_id.0);
    writer.bytes(2, &span.span_id.0);
    writer.bytes(3, span.trace_state.as_bytes());
    if let Some(parent) = span.parent_span_id {
        writer.bytes(4, &parent.0);
    }
    writer.bytes(5, span.name.as_bytes());
    writer.int32(6, span.kind.0);
    writer.fixed64(7, span.start.0);
    writer.fixed64(8, span.end.0);
    write_attributes(writer, 9, &span.attributes);
    writer.uint64(10, span.dropped_attributes_count.into());
    for event in &span.events {
        writer.message(11, |writer| write_event(writer, event));
    }
    writer.uint64(12, span.dropped_events_count.into());
    for link in &span.links {
        writer.message(13, |writer| write_link(writer, link));
    }
    writer.uint64(14, span.dropped_links_count.into());
    if span.status.code.0 != 0 || !span.status.message.is_empty() {
        writer.message(15, |writer| {
            writer.bytes(2, span.status.message.as_bytes());
            writer.int32(3, span.status.code.0);
        });
    }
    writer.fixed32(16, span.flags);
}

fn write_event(writer: &mut Writer, event: &Event) {
    writer.fixed64(1, event.time.0);
    writer.bytes(2, event.name.as_bytes());
    write_attributes(writer, 3, &event.attributes);
    writer.uint64(4, event.dropped_attributes_count.into());
}

fn write_link(writer: &mut Writer, link: &Link) {
    writer.bytes(1, &link.trace_id.0);
    writer.bytes(2, &link.span_id.0);
    writer.bytes(3, link.trace_state.as_bytes());
    write_attributes(writer, 4, &link.attributes);
    writer.uint64(5, link.dropped_attributes_count.into());
    writer.fixed32(6, link.flags);
}

fn write_log(writer: &mut Writer, log: &LogRecord) {
    writer.fixed64(1, log.time.0);
    writer.int32(2, log.severity_number);
    writer.bytes(3, log.severity_text.as_bytes());
    if log.body != Value::Empty {
        writer.message(5, |writer| write_value(writer, &log.body));
    }
    write_attributes(writer, 6, &log.attributes);
    writer.uint64(7, log.dropped_attributes_count.into());
    writer.fixed32(8, log.flags);
    if let Some(trace_id) = log.trace_id {
        writer.bytes(9, &trace_id.0);
    }
    if let Some(span_id) = log.span_id {
        writer.bytes(10, &span_id.0);
    }
    writer.fixed64(11, log.observed_time.0);
    writer.bytes(12, log.event_name.as_bytes());
}

fn write_attributes(writer: &mut Writer, number: u32, attributes: &Attributes) {
    for entry in &attributes.0 {
        writer.message(number, |writer| write_key_value(writer, entry));
    }
}

fn write_key_value(writer: &mut Writer, entry: &KeyValue) {
    writer.bytes(1, entry.key.as_bytes());
    if entry.value != Value::Empty {
        writer.message(2, |writer| write_value(writer, &entry.value));
    }
}

/// Values are at most `NESTING_MAX` deep, because nothing deeper is decoded.
fn write_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Empty => {}
        Value::String(text) => writer.present_bytes(1, text.as_bytes()),
        Value::Bool(bool) => writer.present_varint(2, u64::from(*bool)),
        Value::Int(int) => writer.present_varint(3, *int as u64),
        Value::Double(double) => writer.present_fixed64(4, double.to_bits()),
        Value::Array(values) => writer.message(5, |writer| {
            for value in values {
                writer.message(1, |writer| write_value(writer, value));
            }
        }),
        Value::Map(entries) => writer.message(6, |writer| {
            for entry in entries {
                writer.message(1, |writer| write_key_value(writer, entry));
            }
        }),
        Value::Bytes(bytes) => writer.present_bytes(7, bytes),
    }
}
