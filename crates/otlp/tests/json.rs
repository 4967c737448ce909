//! OTLP JSON as people and browsers write it, and what is said of what is wrong with it.

fn spans(fields: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"00f067aa0ba902b7",{fields}}}]}}]}}]}}"#
    )
}

fn decode_one(fields: &str) -> model::Span {
    let decoded = otlp::decode_json(spans(fields).as_bytes()).expect(fields);
    assert_eq!(decoded.batch.spans.len(), 1, "{fields}");
    decoded.batch.spans[0].clone()
}

#[test]
fn numbers_and_names_are_read_in_every_permitted_form() {
    assert_eq!(decode_one(r#""kind":3"#).kind, model::SpanKind::CLIENT);
    assert_eq!(decode_one(r#""kind":"SPAN_KIND_CLIENT""#).kind, model::SpanKind::CLIENT);
    assert_eq!(decode_one(r#""startTimeUnixNano":"1700000000000000001""#).start.0, 1_700_000_000_000_000_001);
    assert_eq!(decode_one(r#""startTimeUnixNano":1700000000000000001"#).start.0, 1_700_000_000_000_000_001);
    assert_eq!(decode_one(r#""start_time_unix_nano":"5""#).start.0, 5);
    assert_eq!(decode_one(r#""status":{"code":"STATUS_CODE_ERROR"}"#).status.code, model::StatusCode::ERROR);
    assert_eq!(decode_one(r#""parentSpanId":"""#).parent_span_id, None);
    assert_eq!(decode_one(r#""parentSpanId":null,"unknownKey":[1]"#).parent_span_id, None);
    let value = |text: &str| {
        decode_one(&format!(r#""attributes":[{{"key":"k","value":{text}}}]"#)).attributes.0[0].value.clone()
    };
    assert_eq!(value(r#"{"intValue":"-7"}"#), model::Value::Int(-7));
    assert_eq!(value(r#"{"intValue":-7}"#), model::Value::Int(-7));
    assert_eq!(value(r#"{"doubleValue":1}"#), model::Value::Double(1.0));
    assert_eq!(value(r#"{"doubleValue":"-Infinity"}"#), model::Value::Double(f64::NEG_INFINITY));
    assert_eq!(value(r#"{"bytesValue":"_-8"}"#), model::Value::Bytes([0xff, 0xef].as_slice().into()));
    assert_eq!(value("{}"), model::Value::Empty);
}

/// The message for a broken document.
fn complaint(document: &str) -> String {
    otlp::decode_json(document.as_bytes()).expect_err(document).to_string()
}

#[test]
fn a_mistake_is_told_with_its_place() {
    assert_eq!(complaint("{\n  \"resourceSpans\": [}"), "this is no JSON: expected value at line 2, column 21");
    assert_eq!(
        complaint(&spans(r#""startTimeUnixNano":"yesterday""#)),
        r#"expected nanoseconds as an unsigned integer (a string of digits), read "yesterday" at resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano"#
    );
    assert_eq!(
        complaint(&spans(r#""attributes":[{"key":"k","value":{"arrayValue":{"values":[{},{"intValue":true}]}}}]"#)),
        "expected a 64-bit integer, read true at resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.arrayValue.values[1].intValue"
    );
    assert!(
        complaint(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#).contains("32 hex digits")
    );
    assert!(complaint("[]").contains("expected an object"));
}

#[test]
fn what_spans_share_may_stand_behind_them() {
    let span = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7"}"#;
    let log = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","body":{"stringValue":"said"}}"#;
    let shared = r#""attributes":[{"key":"of","value":{"stringValue":"all"}}]"#;
    let spans = |before: &str, after: &str| {
        format!(
            r#"{{"resourceSpans":[{{{before}"scopeSpans":[{{{before}"spans":[{span}]{after}}}]{after}}},{{"scopeSpans":[{{"spans":[{span}]}}]}}],
                "resourceLogs":[{{{before}"scopeLogs":[{{{before}"logRecords":[{log}]{after}}}]{after}}}]}}"#
        )
    };
    let said = format!(r#""resource":{{{shared}}},"scope":{{"name":"s",{shared}}},"schemaUrl":"u""#);
    let first = otlp::decode_json(spans(&format!("{said},"), "").as_bytes()).expect("readable");
    let last = otlp::decode_json(spans("", &format!(",{said}")).as_bytes()).expect("readable");
    assert_eq!(first, last);
    let span = &last.batch.spans[0];
    assert_eq!((&*span.scope.name, &*span.scope.schema_url, &*span.resource.schema_url), ("s", "u", "u"));
    assert_eq!((span.resource.attributes.0.len(), span.scope.attributes.0.len()), (1, 1));
    assert_eq!((&last.batch.logs[0].resource, &last.batch.logs[0].scope), (&span.resource, &span.scope));
    assert_eq!(last.batch.spans[1].resource.attributes.0.len(), 0);
    let packed = otlp::decode_json_packed(spans("", &format!(",{said}")).as_bytes()).expect("readable").batch;
    let again = model::PackedBatch::from(&last.batch);
    for (one, other) in packed.spans.iter().zip(&again.spans) {
        assert_eq!(one.content_hash, other.content_hash, "equal spans are known as equal, whichever way they came");
    }
}

#[test]
fn a_key_that_stands_twice_adds_to_lists_and_replaces_anything_else() {
    let span = decode_one(
        r#""name":"a","name":"b","name":null,"attributes":[{"key":"k","value":{"intValue":1,"stringValue":"t"}}],"attributes":[{"value":{"stringValue":"t","intValue":2},"key":"l"}]"#,
    );
    assert_eq!(&*span.name, "b");
    let values: Vec<_> = span.attributes.iter().map(|(key, value)| (&**key, value.clone())).collect();
    assert_eq!(values, [("k", model::Value::String("t".into())), ("l", model::Value::Int(2))]);
}

#[test]
fn spans_with_wrong_ids_are_set_aside_with_their_reason() {
    let text = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7","spanId":"00f067aa0ba902b7"},{"spanId":"00f067aa0ba902b7"}]}]}]}"#;
    let decoded = otlp::decode_json(text.as_bytes()).expect("readable");
    assert_eq!(decoded.rejected.spans, 2);
    assert_eq!(decoded.rejected.message(), "1 x trace id of 2 bytes instead of 16; 1 x trace id is all zero or absent");
}

#[test]
fn a_broken_line_does_not_keep_the_others_from_being_read() {
    let lines = format!("{}\n\n{{broken\n{}\n", spans(r#""kind":1"#), spans(r#""kind":2"#));
    let read: Vec<(u64, bool)> =
        otlp::decode_json_lines(lines.as_bytes()).map(|line| (line.number, line.outcome.is_ok())).collect();
    assert_eq!(read, [(1, true), (3, false), (4, true)]);
}

#[test]
fn answers_say_what_was_rejected() {
    use otlp::ResponseSignal::Traces;
    assert_eq!(otlp::encode_response_json(Traces, 0, ""), "{}");
    assert_eq!(
        otlp::encode_response_json(Traces, 2, "why"),
        r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"why"}}"#
    );
    assert_eq!(otlp::decode_partial_success(&otlp::encode_response_protobuf(2, "why")), Some((2, "why".to_owned())));
    assert_eq!(otlp::decode_partial_success(&[]), Some((0, String::new())));
    assert_eq!(otlp::decode_partial_success(b"\xff"), None);
}
