//! What Zipkin's JSON becomes.

use interchange::{Imported, decode_zipkin};
use model::{Instant, SpanKind, StatusCode, Value};

fn check(file: &str) -> Imported {
    decode_zipkin(file.as_bytes()).expect("Zipkin JSON")
}

#[test]
fn a_span_with_everything() {
    let imported = check(
        r#"[{"traceId":"14b60fd9ae504820","id":"1","parentId":"2","name":"get","kind":"SERVER","timestamp":5,"duration":2,
        "localEndpoint":{"serviceName":"web","ipv4":"10.0.0.1","port":80},"remoteEndpoint":{"serviceName":"app"},
        "annotations":[{"timestamp":6,"value":"sent"}],"tags":{"http.path":"/","error":"refused"},"shared":true}]"#,
    );
    assert_eq!(imported.remarks, []);
    let span = &imported.batch.spans[0];
    assert_eq!(span.trace_id.to_string(), "000000000000000014b60fd9ae504820");
    assert_eq!((span.start, span.end, span.kind), (Instant(5_000), Instant(7_000), SpanKind::SERVER));
    assert_eq!((span.status.code, &*span.status.message), (StatusCode::ERROR, "refused"));
    assert_eq!((span.events[0].time, &*span.events[0].name), (Instant(6_000), "sent"));
    assert_eq!(span.attributes.get("network.local.port"), Some(&Value::Int(80)));
    assert_eq!(span.attributes.text("peer.service"), Some("app"));
    assert_eq!(span.attributes.get("zipkin.shared"), Some(&Value::Bool(true)));
}

#[test]
fn shared_ids_and_missing_durations_are_kept() {
    let imported = check(
        r#"[[{"traceId":"1","id":"7","kind":"CLIENT","timestamp":1,"localEndpoint":{"serviceName":"a"}},
        {"traceId":"1","id":"7","kind":"SERVER","shared":true,"duration":3,"localEndpoint":{"serviceName":"b"}}]]"#,
    );
    let spans = &imported.batch.spans;
    assert_eq!((spans[0].span_id, spans[0].end), (spans[1].span_id, Instant(0)));
    assert_eq!(spans[1].attributes.get("zipkin.duration_ns"), Some(&Value::Int(3_000)));
    assert_eq!(
        imported.remarks.iter().map(|remark| remark.place.as_str()).collect::<Vec<_>>(),
        ["[0][0]", "[0][1]"],
        "one has no duration, the other no start"
    );
}

#[test]
fn a_broken_span_is_skipped_and_the_rest_is_kept() {
    let imported = check(r#"[{"traceId":"1","id":"7"},{"id":"1"},null]"#);
    assert_eq!((imported.batch.spans.len(), imported.spans_skipped), (1, 2));
    assert!(decode_zipkin(b"{}").is_err() && decode_zipkin(b"[{").is_err());
}
