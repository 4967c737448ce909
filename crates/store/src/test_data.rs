//! Spans and log records of every shape, for property tests.

use std::sync::Arc;

use model::{
    Attributes, EntityRef, Event, Instant, KeyValue, Link, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status,
    StatusCode, Text, TraceId, Value,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Few keys, so that they meet again with other types and repeat within one span.
fn key() -> impl Strategy<Value = Text> {
    prop_oneof![
        "[a-d]".prop_map(Text::from),
        Just(Text::from("")),
        Just(Text::from("a:int")),
        Just(Text::from("http.route")),
        "\\PC{0,6}".prop_map(Text::from),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![Just(Text::from("")), "[a-c]{1,3}".prop_map(Text::from), "\\PC{0,12}".prop_map(Text::from)]
}

pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (0_i64..4).prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        vec(any::<u8>(), 0..8).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key(), inner), 0..4)
                .prop_map(|entries| Value::Map(entries.into_iter().map(|(k, v)| KeyValue::new(k, v)).collect())),
        ]
    })
}

pub fn attributes() -> impl Strategy<Value = Attributes> {
    vec((key(), value()), 0..7).prop_map(|entries| entries.into_iter().collect())
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, entity_type, id_keys, description_keys)| EntityRef {
            schema_url,
            entity_type,
            id_keys,
            description_keys,
        },
    );
    (attributes(), any::<u32>(), vec(entity, 0..2), text(), prop::option::of("[a-c]")).prop_map(
        |(mut attributes, dropped_attributes_count, entity_refs, schema_url, service)| {
            if let Some(service) = service {
                attributes.push("service.name", service);
            }
            Arc::new(Resource { attributes, dropped_attributes_count, entity_refs, schema_url })
        },
    )
}

fn scope() -> impl Strategy<Value = Arc<Scope>> {
    (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped_attributes_count, schema_url)| {
            Arc::new(Scope { name, version, attributes, dropped_attributes_count, schema_url })
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(|(time, name, attributes, dropped_attributes_count)| {
        Event { time: Instant(time), name, attributes, dropped_attributes_count }
    })
}

fn link() -> impl Strategy<Value = Link> {
    (any::<[u8; 16]>(), any::<[u8; 8]>(), text(), attributes(), any::<u32>(), any::<u32>()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

/// A trace id out of a few.
pub fn trace_id() -> impl Strategy<Value = TraceId> {
    (1_u8..6).prop_map(|id| TraceId([id; 16]))
}

pub fn span() -> impl Strategy<Value = Span> {
    let ids = (trace_id(), 1_u8..9, prop::option::of(1_u8..9), text(), any::<u32>(), text());
    let what = (-1_i32..8, any::<u64>(), any::<u64>(), attributes(), -1_i32..4, text());
    let parts = (vec(event(), 0..3), vec(link(), 0..3), any::<[u32; 3]>(), resource(), scope());
    (ids, what, parts).prop_map(|(ids, what, parts)| {
        let (trace_id, span_id, parent, trace_state, flags, name) = ids;
        let (kind, start, end, attributes, code, message) = what;
        let (events, links, dropped, resource, scope) = parts;
        Span {
            trace_id,
            span_id: SpanId([span_id; 8]),
            parent_span_id: parent.map(|parent| SpanId([parent; 8])),
            trace_state,
            flags,
            name,
            kind: SpanKind(kind),
            start: Instant(start),
            end: Instant(end),
            attributes,
            dropped_attributes_count: dropped[0],
            events,
            dropped_events_count: dropped[1],
            links,
            dropped_links_count: dropped[2],
            status: Status { code: StatusCode(code), message },
            resource,
            scope,
        }
    })
}

pub fn log() -> impl Strategy<Value = LogRecord> {
    let times = (any::<u64>(), any::<u64>(), any::<i32>(), text(), value());
    let rest = (attributes(), any::<u32>(), any::<u32>(), trace_id(), prop::option::of(1_u8..9), text());
    (times, rest, resource(), scope()).prop_map(|(times, rest, resource, scope)| {
        let (time, observed_time, severity_number, severity_text, body) = times;
        let (attributes, dropped_attributes_count, flags, trace_id, span_id, event_name) = rest;
        LogRecord {
            time: Instant(time),
            observed_time: Instant(observed_time),
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count,
            flags,
            trace_id: Some(trace_id),
            span_id: span_id.map(|id| SpanId([id; 8])),
            event_name,
            resource,
            scope,
        }
    })
}
