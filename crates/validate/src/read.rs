//! The recorded files as traces.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use model::{Attributes, Instant, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId};
use serde_json::Value as Json;

/// The traces of a zstd-compressed OTLP JSON Lines file, one a line.
pub(crate) fn traces(path: &Path) -> Result<Vec<Trace>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let packed = std::fs::read(path).map_err(|error| told(&error))?;
    let text = zstd::decode_all(packed.as_slice()).map_err(|error| told(&error))?;
    let mut traces = Vec::new();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let decoded = otlp::decode_json(line).map_err(|error| told(&error))?;
        let mut by_trace: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        decoded.batch.spans.into_iter().for_each(|span| by_trace.entry(span.trace_id).or_default().push(span));
        traces.extend(by_trace.into_iter().map(|(id, spans)| Trace::assemble(id, spans, Vec::new())));
    }
    Ok(traces)
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Result<Json, String> {
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A span of a hand-written case.
pub(crate) struct CaseSpan<'j> {
    pub id: &'j str,
    pub parent: Option<&'j str>,
    pub service: &'j str,
    pub name: &'j str,
    pub kind: Option<&'j str>,
    pub start: u64,
    pub duration: u64,
    pub error: bool,
}

/// Added to the times of hand-written cases, which begin at 0: in OTLP that means "not set".
pub(crate) const CASE_ORIGIN: u64 = 1_000_000;

/// Hand-written spans as a trace; ids are short words there.
pub(crate) fn case(spans: &[CaseSpan<'_>]) -> Trace {
    const ID: TraceId = TraceId([1; 16]);
    let number = |id: &str| spans.iter().position(|span| span.id == id).map_or(u64::MAX, |at| at as u64 + 1);
    let spans = spans.iter().map(|case| {
        let mut span = Span::new(ID, SpanId(number(case.id).to_be_bytes()), case.name);
        span.parent_span_id = case.parent.map(|parent| SpanId(number(parent).to_be_bytes()));
        span.start = Instant(CASE_ORIGIN + case.start);
        span.end = Instant(CASE_ORIGIN + case.start + case.duration);
        span.kind = match case.kind {
            Some("producer") => SpanKind::PRODUCER,
            Some("consumer") => SpanKind::CONSUMER,
            Some("client") => SpanKind::CLIENT,
            Some("server") => SpanKind::SERVER,
            _ => SpanKind::INTERNAL,
        };
        if case.error {
            span.status.code = StatusCode::ERROR;
        }
        let attributes = Attributes::from_iter([("service.name", case.service)]);
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    });
    Trace::assemble(ID, spans.collect(), Vec::new())
}
