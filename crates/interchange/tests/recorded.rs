//! Real files that nobody on this project wrote. Where they are absent the tests say so and check nothing.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use interchange::{Format, Imported, decode_jaeger, decode_zipkin, detect};

fn recorded(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "SKIPPED: no recorded data at {}: {error}", path.display());
            None
        }
    }
}

/// The numbers of traces and spans were counted in the files by another program (Python's `json`).
fn check(name: &str, format: Format, traces: usize, spans: usize) -> Option<Imported> {
    let bytes = recorded(name)?;
    assert_eq!(detect(&bytes), Some(format), "{name}");
    let decode = if format == Format::JaegerJson { decode_jaeger } else { decode_zipkin };
    let imported = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let ids: HashSet<_> = imported.batch.spans.iter().map(|span| span.trace_id).collect();
    assert_eq!((ids.len(), imported.batch.spans.len(), imported.spans_skipped), (traces, spans, 0), "{name}");
    Some(imported)
}

#[test]
fn spans_with_their_parents_nested_inside_are_kept_once() {
    let Some(imported) = check("hostile/deathstarbench-nested-jaeger.json", Format::JaegerJson, 20, 660) else {
        return;
    };
    assert_eq!(imported.remarks, []);
}

#[test]
fn a_trace_of_an_agent() {
    let Some(imported) = check("llm/jaeger-genai-trace.json", Format::JaegerJson, 1, 57) else { return };
    assert_eq!(imported.remarks, []);
    assert!(imported.batch.spans.iter().any(|span| span.attributes.get("gen_ai.request.model").is_some()));
}

#[test]
fn small_jaeger_traces() {
    check("critical-path/crisp-1.json", Format::JaegerJson, 1, 1);
    check("critical-path/crisp-err_pattern1/err1.json", Format::JaegerJson, 1, 2);
}

#[test]
fn zipkin_traces_with_shared_ids_missing_durations_and_orphans() {
    check("hostile/zipkin-messaging.json", Format::ZipkinJson, 1, 4);
    check("hostile/zipkin-skew.json", Format::ZipkinJson, 1, 4);
    check("hostile/zipkin-yelp.json", Format::ZipkinJson, 1, 16);
    let name = "hostile/zipkin-smartthings-mobile-web-install.json";
    let Some(imported) = check(name, Format::ZipkinJson, 1, 1041) else { return };
    assert!(imported.batch.spans.iter().any(|span| span.end.0 == 0), "some have no duration");
}
