//! Which format a file is taken for; and that no bytes bring a decoder down.

use interchange::{Format, decode_jaeger, decode_zipkin, detect};
use proptest::prelude::*;

#[test]
fn each_format_by_its_names() {
    let check = |file: &str, format| assert_eq!(detect(file.as_bytes()), format, "{file}");
    check(r#"{"resourceSpans":[]}"#, Some(Format::OtlpJson));
    check("\u{feff}\n{\n\"resourceLogs\": []\n}\n", Some(Format::OtlpJson));
    check("{\"resourceSpans\":[]}\n{\"resourceLogs\":[]}\n", Some(Format::OtlpJsonLines));
    check("{broken\n{\"resourceSpans\":[]}\n", Some(Format::OtlpJsonLines));
    check("{\"resourceSpans\":[]}\n{broken", Some(Format::OtlpJsonLines));
    check(r#"{"resourceSpans":[{]"#, Some(Format::OtlpJson));
    check(r#"{"data":[],"total":0}"#, Some(Format::JaegerJson));
    check(r#"[[{"traceID":"1","spanID":"2"}]]"#, Some(Format::JaegerJson));
    check(r#"[{"traceId":"1","id":"2"}]"#, Some(Format::ZipkinJson));
    check(r#"[[],[{"traceId":"1","id":"2"}]]"#, Some(Format::ZipkinJson));
    check(r#"[{"traceId":"1","id":"2"},{]"#, Some(Format::ZipkinJson));
    check("\n\u{5}\n\u{3}\n\u{1}x", Some(Format::OtlpProtobuf));
    check("", None);
    check("hello", None);
    check(r#"{"a":1}"#, None);
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (detect(&bytes), decode_jaeger(&bytes), decode_zipkin(&bytes));
    }

    #[test]
    fn no_json_of_known_names_brings_it_down(
        names in proptest::collection::vec((0..NAMES.len(), 0..VALUES.len()), 0..12),
        in_array in any::<bool>(),
    ) {
        let fields: Vec<String> =
            names.iter().map(|(name, value)| format!("\"{}\":{}", NAMES[*name], VALUES[*value])).collect();
        let span = format!("{{{}}}", fields.join(","));
        let file = if in_array { format!("[{span}]") } else { format!("{{\"data\":[{{\"spans\":[{span}]}}]}}") };
        for imported in [decode_jaeger(file.as_bytes()), decode_zipkin(file.as_bytes())].into_iter().flatten() {
            prop_assert!(imported.spans_skipped == 0 || !imported.remarks.is_empty());
            prop_assert!(imported.batch.spans.iter().all(|span| !span.span_id.is_zero() && !span.trace_id.is_zero()));
        }
    }
}

const NAMES: [&str; 16] = [
    "traceID",
    "spanID",
    "traceId",
    "id",
    "startTime",
    "timestamp",
    "duration",
    "tags",
    "logs",
    "references",
    "annotations",
    "process",
    "localEndpoint",
    "flags",
    "kind",
    "warnings",
];
const VALUES: [&str; 12] = [
    "null",
    "1",
    "-1",
    "1e300",
    "18446744073709551615",
    "\"0\"",
    "\"abc\"",
    "\"é\"",
    "[]",
    "[1,{\"key\":\"k\"}]",
    "{\"a\":[true]}",
    "[{\"span\":{\"traceID\":\"1\",\"spanID\":\"1\"},\"traceID\":\"2\",\"spanID\":\"3\"}]",
];
