//! What Jaeger's JSON becomes.

use interchange::{ImportError, Imported, decode_jaeger};
use model::{Instant, Span, SpanKind, StatusCode, Value};

fn check(span_fields: &str) -> Imported {
    let file = format!(
        r#"{{"data":[{{"traceID":"A","processes":{{"p1":{{"serviceName":"shop","tags":[{{"key":"ip","type":"string","value":"::1"}}]}}}},
        "spans":[{{"traceID":"A","spanID":"B","operationName":"get","startTime":5,"duration":2,"processID":"p1",{span_fields}}}]}}]}}"#
    );
    decode_jaeger(file.as_bytes()).expect("Jaeger JSON")
}

fn span_without_remark(span_fields: &str) -> Span {
    let imported = check(span_fields);
    assert_eq!(imported.remarks, []);
    imported.batch.spans.into_iter().next().expect("one span")
}

#[test]
fn times_ids_and_process() {
    let span = span_without_remark(r#""flags":1"#);
    assert_eq!(span.trace_id.to_string(), "0000000000000000000000000000000a");
    assert_eq!((span.start, span.end, span.flags), (Instant(5_000), Instant(7_000), 1));
    assert_eq!((span.service_name(), span.resource.attributes.text("ip")), ("shop", Some("::1")));
}

#[test]
fn tags_keep_their_types() {
    let span = span_without_remark(
        r#""tags":[{"key":"s","type":"string","value":"x"},{"key":"b","type":"bool","value":false},
        {"key":"i","type":"int64","value":"9007199254740993"},{"key":"f","type":"float64","value":3},
        {"key":"y","type":"binary","value":"AQI="}]"#,
    );
    let values: Vec<&Value> = span.attributes.iter().map(|(_, value)| value).collect();
    let bytes = Value::Bytes([1, 2].as_slice().into());
    let expected =
        [&Value::from("x"), &Value::Bool(false), &Value::Int(9_007_199_254_740_993), &Value::Double(3.0), &bytes];
    assert_eq!(values, expected);
}

#[test]
fn a_tag_that_does_not_fit_its_type_is_kept_as_written() {
    let imported = check(r#""tags":[{"key":"n","type":"int64","value":"many"}]"#);
    assert_eq!(imported.batch.spans[0].attributes.text("n"), Some("many"));
    let remark = imported.remarks[0].to_string();
    assert_eq!(remark, r#"data[0].spans[0].tags[0]: tag "n" is no int64: "many"; kept as written"#);
}

#[test]
fn kind_status_and_scope_come_from_tags() {
    let span = span_without_remark(
        r#""tags":[{"key":"span.kind","type":"string","value":"client"},{"key":"error","type":"bool","value":true},
        {"key":"otel.status_description","type":"string","value":"too late"},
        {"key":"otel.status_code","type":"string","value":"ERROR"},{"key":"otel.scope.name","type":"string","value":"lib"}]"#,
    );
    assert_eq!((span.kind, span.status.code, &*span.status.message), (SpanKind::CLIENT, StatusCode::ERROR, "too late"));
    assert_eq!((&*span.scope.name, span.attributes.len()), ("lib", 1));
    let only_error = span_without_remark(r#""tags":[{"key":"error","type":"string","value":"true"}]"#);
    assert!(only_error.is_error());
    let ok = span_without_remark(r#""tags":[{"key":"error","type":"bool","value":false}]"#);
    assert!(!ok.is_error());
}

#[test]
fn references_become_parent_and_links() {
    let span = span_without_remark(
        r#""references":[{"refType":"FOLLOWS_FROM","traceID":"A","spanID":"1"},{"refType":"CHILD_OF","traceID":"A","spanID":"2"},
        {"refType":"CHILD_OF","traceID":"C","spanID":"3"}]"#,
    );
    assert_eq!(span.parent_span_id.map(|id| id.to_string()), Some("0000000000000002".to_owned()));
    let links: Vec<_> = span.links.iter().map(|link| link.attributes.text("opentracing.ref_type")).collect();
    assert_eq!(links, [Some("follows_from"), Some("child_of")]);
    let async_child = span_without_remark(r#""references":[{"refType":"FOLLOWS_FROM","traceID":"A","spanID":"1"}]"#);
    assert!(async_child.parent_span_id.is_some() && async_child.links.len() == 1);
}

#[test]
fn logs_become_events() {
    let span = span_without_remark(
        r#""logs":[{"timestamp":6,"fields":[{"key":"event","type":"string","value":"retry"},{"key":"n","type":"int64","value":2}]}]"#,
    );
    let event = &span.events[0];
    assert_eq!((event.time, &*event.name, event.attributes.get("n")), (Instant(6_000), "retry", Some(&Value::Int(2))));
    assert_eq!(event.attributes.len(), 1);
}

#[test]
fn what_has_no_place_is_remarked_with_its_place() {
    let imported = check(r#""mood":"good","processID":"p9""#);
    let remarks: Vec<String> = imported.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        remarks,
        [
            r#"data[0].spans[0]: process "p9" is not in the file; service unknown"#,
            r#"data[0].spans[0].mood: a span has no such field; left out: "good""#,
        ]
    );
}

#[test]
fn a_broken_span_is_skipped_and_the_rest_is_kept() {
    let file = br#"[{"traceID":"1","spanID":"1","operationName":"a","startTime":1,"duration":-1,"process":{"serviceName":"s"}},
        7, {"traceID":"1"}]"#;
    let imported = decode_jaeger(file).expect("Jaeger JSON");
    assert_eq!((imported.batch.spans.len(), imported.spans_skipped), (1, 2));
    assert_eq!(imported.batch.spans[0].end, Instant(1), "an end before the start stays one");
    assert_eq!(imported.remarks[0].to_string(), "[1]: skipped, not a span: 7");
}

#[test]
fn remarks_are_bounded_and_counted() {
    let spans = vec!["7"; 150].join(",");
    let imported = decode_jaeger(format!("[{spans}]").as_bytes()).expect("Jaeger JSON");
    assert_eq!((imported.remarks.len(), imported.remarks_left_out, imported.spans_skipped), (100, 50, 150));
}

#[test]
fn errors_say_where() {
    let error = decode_jaeger(b"{\"data\": [\n  {]").expect_err("broken");
    assert!(matches!(error, ImportError::NotJson { line: 2, column: 4, .. }), "{error}");
    assert!(decode_jaeger(b"{}").expect_err("empty").to_string().contains("not Jaeger's"));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(decode_jaeger(deep.as_bytes()).is_err());
}
