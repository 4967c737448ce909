//! prost is the oracle: where it accepts we decode the same, where it refuses we keep nothing; and whatever went in comes
//! out again, by protobuf and by JSON.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;

/// What a span says, independent of how blocks are laid out and of absent against empty.
fn canonical_spans(request: &ExportTraceServiceRequest) -> Vec<String> {
    let mut all = Vec::new();
    for block in &request.resource_spans {
        for scope in &block.scope_spans {
            let surroundings =
                surroundings(block.resource.as_ref(), &block.schema_url, scope.scope.as_ref(), &scope.schema_url);
            all.extend(scope.spans.iter().filter(|span| keepable(span)).map(|span| {
                let status = span.status.clone().unwrap_or_default();
                format!(
                    "{surroundings} {:?} {:?} {:?} {:?} {:?} {} {} {} {} {} {} {} {} {:?} {} {} {:?}",
                    span.trace_id,
                    span.span_id,
                    span.trace_state,
                    parent(span),
                    span.name,
                    span.kind,
                    span.flags,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.dropped_attributes_count,
                    span.dropped_events_count,
                    span.dropped_links_count,
                    entries(&span.attributes),
                    status.message,
                    status.code,
                    span.events.iter().map(event).collect::<String>(),
                    span.links.iter().map(link).collect::<String>()
                )
            }));
        }
    }
    all.sort();
    all
}

fn canonical_logs(request: &ExportLogsServiceRequest) -> Vec<String> {
    let mut all = Vec::new();
    for block in &request.resource_logs {
        for scope in &block.scope_logs {
            let surroundings =
                surroundings(block.resource.as_ref(), &block.schema_url, scope.scope.as_ref(), &scope.schema_url);
            let kept = scope
                .log_records
                .iter()
                .filter(|log| log.trace_id.len() == 16 && !zero(&log.trace_id) && [0, 8].contains(&log.span_id.len()));
            all.extend(kept.map(|log| {
                let span_id: &[u8] = if zero(&log.span_id) { &[] } else { &log.span_id };
                format!(
                    "{surroundings} {} {} {} {:?} {} {} {} {} {:?} {span_id:?} {:?}",
                    log.time_unix_nano,
                    log.observed_time_unix_nano,
                    log.severity_number,
                    log.severity_text,
                    value(log.body.as_ref()),
                    entries(&log.attributes),
                    log.dropped_attributes_count,
                    log.flags,
                    log.trace_id,
                    log.event_name
                )
            }));
        }
    }
    all.sort();
    all
}

fn zero(id: &[u8]) -> bool {
    id.iter().all(|byte| *byte == 0)
}

/// The rule by which a span is set aside.
fn keepable(span: &Span) -> bool {
    let links =
        span.links.iter().all(|link| [0, 16].contains(&link.trace_id.len()) && [0, 8].contains(&link.span_id.len()));
    let ids = span.trace_id.len() == 16 && !zero(&span.trace_id) && span.span_id.len() == 8 && !zero(&span.span_id);
    ids && links && [0, 8].contains(&span.parent_span_id.len())
}

fn parent(span: &Span) -> &[u8] {
    if zero(&span.parent_span_id) { &[] } else { &span.parent_span_id }
}

fn surroundings(
    resource: Option<&Resource>,
    resource_url: &str,
    scope: Option<&InstrumentationScope>,
    scope_url: &str,
) -> String {
    let resource = resource.cloned().unwrap_or_default();
    let scope = scope.cloned().unwrap_or_default();
    format!(
        "{} {} {:?} {resource_url:?} {:?} {:?} {} {} {scope_url:?}",
        entries(&resource.attributes),
        resource.dropped_attributes_count,
        resource.entity_refs,
        scope.name,
        scope.version,
        entries(&scope.attributes),
        scope.dropped_attributes_count
    )
}

fn event(event: &Event) -> String {
    format!(
        "[{} {:?} {} {}]",
        event.time_unix_nano,
        event.name,
        entries(&event.attributes),
        event.dropped_attributes_count
    )
}

fn link(link: &Link) -> String {
    let id = |id: &[u8]| if zero(id) { Vec::new() } else { id.to_vec() };
    format!(
        "[{:?} {:?} {:?} {} {} {}]",
        id(&link.trace_id),
        id(&link.span_id),
        link.trace_state,
        entries(&link.attributes),
        link.dropped_attributes_count,
        link.flags
    )
}

fn entries(entries: &[KeyValue]) -> String {
    let each = entries.iter().map(|entry| format!("{:?}={}", entry.key, value(entry.value.as_ref())));
    format!("{{{}}}", each.collect::<Vec<_>>().join(" "))
}

fn value(any: Option<&AnyValue>) -> String {
    match any.and_then(|any| any.value.as_ref()) {
        None | Some(AnyKind::StringValueStrindex(_)) => "empty".into(),
        // JSON knows only one NaN.
        Some(AnyKind::DoubleValue(double)) if double.is_nan() => "nan".into(),
        Some(AnyKind::DoubleValue(double)) => format!("double {:x}", double.to_bits()),
        Some(AnyKind::ArrayValue(array)) => {
            format!("[{}]", array.values.iter().map(|v| value(Some(v))).collect::<Vec<_>>().join(", "))
        }
        Some(AnyKind::KvlistValue(map)) => entries(&map.values),
        Some(plain) => format!("{plain:?}"),
    }
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        "\\PC{0,8}".prop_map(|text| Some(AnyKind::StringValue(text))),
        "[a-z\"\\\\\n\u{0}]{0,70}".prop_map(|text| Some(AnyKind::StringValue(text))),
        any::<bool>().prop_map(|bool| Some(AnyKind::BoolValue(bool))),
        any::<i64>().prop_map(|int| Some(AnyKind::IntValue(int))),
        any::<u64>().prop_map(|bits| Some(AnyKind::DoubleValue(f64::from_bits(bits)))),
        vec(any::<u8>(), 0..6).prop_map(|bytes| Some(AnyKind::BytesValue(bytes))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3)
                .prop_map(|values| AnyValue { value: Some(AnyKind::ArrayValue(ArrayValue { values })) }),
            vec(("[a-c]{0,2}", option::of(inner)), 0..3).prop_map(|pairs| {
                let values =
                    pairs.into_iter().map(|(key, value)| KeyValue { key, value, ..Default::default() }).collect();
                AnyValue { value: Some(AnyKind::KvlistValue(KeyValueList { values })) }
            }),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = ("[a-d.]{0,4}", option::of(any_value()));
    vec(pair.prop_map(|(key, value)| KeyValue { key, value, ..Default::default() }), 0..4)
}

/// An id of the right length mostly, of any other sometimes.
fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => vec(any::<u8>(), length..=length), 1 => Just(vec![0; length]), 1 => vec(any::<u8>(), 0..20)]
}

fn link_strategy() -> impl Strategy<Value = Link> {
    let ids = (vec(any::<u8>(), 16..=16), prop_oneof![Just(Vec::new()), vec(any::<u8>(), 8..=8)]);
    (ids, "[a-z=]{0,4}", attributes(), any::<u32>(), any::<u32>()).prop_map(
        |((trace_id, span_id), trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

fn event_strategy() -> impl Strategy<Value = Event> {
    (any::<u64>(), "\\PC{0,4}", attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn span() -> impl Strategy<Value = Span> {
    let ids = (id(16), id(8), prop_oneof![Just(Vec::new()), id(8)], "[a-z=,]{0,6}", any::<u32>());
    let times = ("\\PC{0,8}", -1..8_i32, any::<u64>(), any::<u64>(), any::<[u32; 3]>());
    let parts =
        (attributes(), vec(event_strategy(), 0..3), vec(link_strategy(), 0..3), option::of(("\\PC{0,4}", -1..4_i32)));
    (ids, times, parts).prop_map(|(ids, times, parts)| Span {
        trace_id: ids.0,
        span_id: ids.1,
        parent_span_id: ids.2,
        trace_state: ids.3,
        flags: ids.4,
        name: times.0,
        kind: times.1,
        start_time_unix_nano: times.2,
        end_time_unix_nano: times.3,
        dropped_attributes_count: times.4[0],
        dropped_events_count: times.4[1],
        dropped_links_count: times.4[2],
        attributes: parts.0,
        events: parts.1,
        links: parts.2,
        status: parts.3.map(|(message, code)| Status { message, code }),
    })
}

fn log() -> impl Strategy<Value = LogRecord> {
    let ids =
        (prop_oneof![Just(Vec::new()), id(16)], prop_oneof![Just(Vec::new()), id(8)], any::<u32>(), "[a-z.]{0,4}");
    let rest =
        (any::<u64>(), any::<u64>(), -1..30_i32, "[A-Z]{0,4}", option::of(any_value()), attributes(), any::<u32>());
    (ids, rest).prop_map(|(ids, rest)| LogRecord {
        trace_id: ids.0,
        span_id: ids.1,
        flags: ids.2,
        event_name: ids.3,
        time_unix_nano: rest.0,
        observed_time_unix_nano: rest.1,
        severity_number: rest.2,
        severity_text: rest.3,
        body: rest.4,
        attributes: rest.5,
        dropped_attributes_count: rest.6,
    })
}

fn resource() -> impl Strategy<Value = Option<Resource>> {
    let entity = ("[a-z]{0,3}", "[a-z]{0,3}", vec("[a-z]{0,2}", 0..3), vec("[a-z]{0,2}", 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef { schema_url, r#type, id_keys, description_keys },
    );
    option::of((attributes(), any::<u32>(), vec(entity, 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    ))
}

fn scope() -> impl Strategy<Value = Option<InstrumentationScope>> {
    option::of(("[a-z]{0,3}", "[0-9.]{0,3}", attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    ))
}

fn traces() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope_spans = (scope(), vec(span(), 0..3), "[a-z]{0,2}").prop_map(|(scope, spans, schema_url)| ScopeSpans {
        scope,
        spans,
        schema_url,
    });
    let block = (resource(), vec(scope_spans, 0..3), "[a-z]{0,2}")
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url });
    vec(block, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

fn logs() -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scope_logs = (scope(), vec(log(), 0..3), "[a-z]{0,2}").prop_map(|(scope, log_records, schema_url)| ScopeLogs {
        scope,
        log_records,
        schema_url,
    });
    let block = (resource(), vec(scope_logs, 0..3), "[a-z]{0,2}")
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(block, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

fn through_protobuf(batch: &model::Batch) -> (Vec<String>, Vec<String>) {
    let traces = ExportTraceServiceRequest::decode(&otlp::encode_traces_protobuf(&batch.spans)[..])
        .expect("prost reads what we write");
    let logs = ExportLogsServiceRequest::decode(&otlp::encode_logs_protobuf(&batch.logs)[..])
        .expect("prost reads what we write");
    (canonical_spans(&traces), canonical_logs(&logs))
}

fn item_count(request: &ExportTraceServiceRequest) -> u64 {
    request.resource_spans.iter().flat_map(|block| &block.scope_spans).map(|scope| scope.spans.len() as u64).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn traces_come_out_as_they_went_in(request in traces()) {
        let decoded = otlp::decode_traces_protobuf(&request.encode_to_vec()).expect("prost wrote it");
        prop_assert_eq!(through_protobuf(&decoded.batch).0, canonical_spans(&request));
        prop_assert_eq!(decoded.batch.spans.len() as u64 + decoded.rejected.spans, item_count(&request));
        prop_assert_eq!(decoded.rejected.spans > 0, !decoded.rejected.message().is_empty());

        let json = otlp::encode_json(&decoded.batch.spans, &decoded.batch.logs);
        let again = otlp::decode_json(json.as_bytes()).expect("we wrote it");
        prop_assert!(again.rejected.is_empty());
        prop_assert_eq!(through_protobuf(&again.batch).0, canonical_spans(&request));
    }

    #[test]
    fn logs_come_out_as_they_went_in(request in logs()) {
        let decoded = otlp::decode_logs_protobuf(&request.encode_to_vec()).expect("prost wrote it");
        prop_assert_eq!(through_protobuf(&decoded.batch).1, canonical_logs(&request));
        let records = request.resource_logs.iter().flat_map(|block| &block.scope_logs).map(|scope| scope.log_records.len() as u64);
        prop_assert_eq!(decoded.batch.logs.len() as u64 + decoded.rejected.logs + decoded.logs_without_trace, records.sum::<u64>());

        let again = otlp::decode_json(otlp::encode_json(&decoded.batch.spans, &decoded.batch.logs).as_bytes()).expect("we wrote it");
        prop_assert_eq!(through_protobuf(&again.batch).1, canonical_logs(&request));
    }

    #[test]
    fn damaged_bytes_are_accepted_and_refused_as_prost_does(
        request in traces(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
    ) {
        let mut bytes = request.encode_to_vec();
        for (at, byte, kind) in damage {
            if bytes.is_empty() { break; }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        match (ExportTraceServiceRequest::decode(&bytes[..]), otlp::decode_traces_protobuf(&bytes)) {
            (Ok(expected), Ok(decoded)) => prop_assert_eq!(through_protobuf(&decoded.batch).0, canonical_spans(&expected)),
            (Err(_), Err(error)) => prop_assert!(error.to_string().contains("byte"), "{}", error),
            (expected, decoded) => prop_assert!(false, "prost: {expected:?}\nours: {decoded:?}"),
        }
    }

    #[test]
    fn damaged_json_is_read_as_what_serde_makes_of_it(
        traces in traces(),
        logs in logs(),
        damage in vec((any::<prop::sample::Index>(), prop_oneof!["[ \\[\\]{}\":,\\\\0-9.eE+-]", "[ -~]"], 0..3_u8), 0..4),
    ) {
        let spans = otlp::decode_traces_protobuf(&traces.encode_to_vec()).expect("prost wrote it").batch.spans;
        let logs = otlp::decode_logs_protobuf(&logs.encode_to_vec()).expect("prost wrote it").batch.logs;
        let mut bytes = otlp::encode_json(&spans, &logs).into_bytes();
        for (at, text, kind) in damage {
            if bytes.is_empty() { break; }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = text.as_bytes()[0],
                1 => bytes.insert(at, text.as_bytes()[0]),
                _ => drop(bytes.remove(at)),
            }
        }
        let decoded = otlp::decode_json(&bytes);
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            // Without a space, an escape, or another way to write a number.
            Ok(document) => prop_assert_eq!(format!("{:?}", otlp::decode_json(document.to_string().as_bytes())), format!("{decoded:?}")),
            Err(error) => {
                // A field of the wrong type may be met before the place where the text breaks.
                let refused = decoded.expect_err("it is no JSON").to_string();
                let as_serde = refused.starts_with("this is no JSON") && refused.contains(&format!("line {}", error.line()));
                prop_assert!(as_serde || refused.contains("expected"), "{}", refused);
            }
        }
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-zA-Z0-9]{0,60}") {
        let prost = ExportTraceServiceRequest::decode(&bytes[..]).is_ok();
        prop_assert_eq!(otlp::decode_traces_protobuf(&bytes).is_ok(), prost);
        let _ = otlp::decode_json(&bytes);
        let _ = otlp::decode_json(text.as_bytes());
    }
}

/// A value nested `depth` levels deep, as bytes.
fn nested(depth: usize) -> Vec<u8> {
    let mut value = AnyValue { value: Some(AnyKind::IntValue(1)) };
    for _ in 0..depth {
        value = AnyValue { value: Some(AnyKind::ArrayValue(ArrayValue { values: vec![value] })) };
    }
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        attributes: vec![KeyValue { key: "deep".into(), value: Some(value), ..Default::default() }],
        ..Default::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..Default::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] }
        .encode_to_vec()
}

#[test]
fn values_nest_as_deep_as_prost_allows() {
    for depth in [0, 10, 40, 44, 45, 46, 47, 48, 49, 50, 51, 60, 400] {
        let bytes = nested(depth);
        let prost = ExportTraceServiceRequest::decode(&bytes[..]).is_ok();
        assert_eq!(otlp::decode_traces_protobuf(&bytes).is_ok(), prost, "depth {depth}");
    }
}
