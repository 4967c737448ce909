//! Clock offsets of hotel: two independent edges reach the same node and must agree.

use std::path::Path;
use std::sync::Arc;

use analysis::{ClockOffset, ClockOffsets, SkewVerdict};
use model::{Attributes, Instant, Resource, Span, SpanId, SpanKind, Trace, TraceId};
use serde_json::Value as Json;

use crate::paths::recorded;
use crate::read::json;
use crate::{Row, row};

/// Run, and the offset in microseconds that the data's README gives.
const RUNS: [(&str, i64); 3] = [("hotel/load25", 1_300), ("hotel/load75", 1_000), ("hotel/load100", -1_500)];

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> =
        RUNS.iter().map(|&(name, expected)| run(folder, name, expected)).collect::<Result<_, _>>()?;
    for (name, expected) in RUNS {
        rows.push(hosts(folder, name, expected)?);
    }
    rows.extend(cases(&folder.join("clock-skew/jaeger-cases.json"))?);
    Ok(rows)
}

/// The cases of Jaeger's adjuster. Ours moves nothing, and tells the offset beside its bounds instead: the starts must be
/// those that Jaeger leaves, and where Jaeger warns there must be a remark.
fn cases(file: &Path) -> Result<Vec<Row>, String> {
    let document = json(file)?;
    let cases = document["cases"].as_array().cloned().unwrap_or_default();
    Ok(cases.iter().map(case_row).collect())
}

fn case_row(case: &Json) -> Row {
    let name = format!("clock-skew/{}", case["name"].as_str().unwrap_or_default());
    let spans: Vec<&Json> = case["spans"].as_array().into_iter().flatten().collect();
    let trace = trace_of(&spans);
    let millis = |at: Instant| at.0.saturating_sub(ORIGIN) / 1_000_000;
    let moved = trace.spans().iter().filter(|span| {
        let id = u64::from_be_bytes(span.span_id.0);
        let expected = spans.iter().find(|one| one["id"].as_u64() == Some(id)).and_then(|one| one["adjusted"].as_u64());
        expected != Some(millis(span.start))
    });
    let moved = moved.count();
    let remarks: Vec<&str> = trace.oddities().iter().map(|oddity| oddity.kind.name()).collect();
    let mut offsets = ClockOffsets::new();
    offsets.add(&trace);
    let offset = offsets.offsets().first().map(|edge| (edge.offset.0 / 1_000_000, edge.verdict));
    let expected_remark = match case["warning"].as_str() {
        Some("missing parent") => remarks.contains(&"missing-parent"),
        // Ours keeps exact copies once, whatever their ids.
        Some("duplicate span ids") => remarks.contains(&"duplicate") || remarks.contains(&"shared-id"),
        Some(_) => remarks.contains(&"starts-before-parent"),
        None => true,
    };
    // Jaeger says by how much it would move the child; ours says by how much the clock is off, which is the opposite.
    let expected_offset = case["delta"].as_i64().is_none_or(|delta| offset.is_some_and(|(millis, _)| millis == -delta));
    let told = offset.map_or_else(
        || "no call between two known hosts".to_owned(),
        |(millis, verdict)| format!("offset {millis} ms by one call: {verdict:?}"),
    );
    let figure = format!("{moved} starts differ; remarks: [{}]; {told}", remarks.join(", "));
    let bar = "starts as Jaeger leaves them; its warnings are remarks; its delta is our offset";
    row("clock skew, Jaeger's cases", &name, bar, moved == 0 && expected_remark && expected_offset, figure)
}

/// A time of zero means "not set" in OTLP, so that the cases begin a second later.
const ORIGIN: u64 = 1_000_000_000;

fn trace_of(spans: &[&Json]) -> Trace {
    const ID: TraceId = TraceId([1; 16]);
    let id = |json: &Json| json.as_u64().map(|id| SpanId(id.to_be_bytes()));
    let spans = spans.iter().map(|case| {
        let mut span = Span::new(ID, id(&case["id"]).unwrap_or(SpanId([0; 8])), "op");
        span.parent_span_id = id(&case["parent"]);
        span.kind = if span.parent_span_id.is_some() { SpanKind::SERVER } else { SpanKind::CLIENT };
        span.start = Instant(ORIGIN + case["start"].as_u64().unwrap_or(0) * 1_000_000);
        span.end = Instant(span.start.0 + case["dur"].as_u64().unwrap_or(0) * 1_000_000);
        let host = case["host"].as_str().unwrap_or_default();
        let attributes = Attributes::from_iter([("service.name", "s"), ("host.name", host)]);
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        span
    });
    Trace::assemble(ID, spans.collect(), Vec::new())
}

/// One offset for each pod, from all pairs: those of search, reservation, geo and rate lie on the other node, profile beside
/// the frontend. Bounds must hold the truth, as far as it is known, and a trace without the offsets must fit together.
fn hosts(folder: &Path, name: &str, expected: i64) -> Result<Row, String> {
    let traces = recorded(folder, name)?;
    let mut offsets = ClockOffsets::new();
    traces.iter().for_each(|trace| offsets.add(trace));
    let clocks = offsets.hosts();
    let other_node = ["geo", "rate", "reservation", "search"];
    let service = |host: &str| host.split('-').next().unwrap_or_default().to_owned();
    let (mut told, mut right) = (Vec::new(), clocks.hosts.len() == 6);
    for one in &clocks.hosts {
        let truth = if other_node.contains(&&*service(&one.host)) { expected } else { 0 };
        let micros = one.offset.0 / 1_000;
        right &= (micros - truth).abs() <= 150;
        told.push(format!("{} {micros}", service(&one.host)));
    }
    let outside =
        |traces: &mut dyn Iterator<Item = Trace>| -> usize { traces.map(|trace| late_or_early(&trace)).sum() };
    let (before, after) =
        (outside(&mut traces.iter().cloned()), outside(&mut traces.iter().map(|trace| clocks.adjusted(trace))));
    let figure = format!("{} µs; {before} server spans outside their client's, adjusted {after}", told.join(", "));
    let bar = format!("six pods, each within 150 µs of {expected} or 0; fewer spans outside once adjusted");
    Ok(row("one clock offset for each host", name, &bar, right && after * 10 < before, figure))
}

/// Server spans that do not lie inside their client's.
fn late_or_early(trace: &Trace) -> usize {
    let spans = (0..).zip(trace.spans());
    let outside = spans.filter(|(index, server)| {
        let client = trace.parent(*index).map(|parent| trace.span(parent));
        client.is_some_and(|client| {
            (client.kind, server.kind) == (SpanKind::CLIENT, SpanKind::SERVER)
                && (server.start < client.start || server.end > client.end)
        })
    });
    outside.count()
}

fn run(folder: &Path, name: &str, expected: i64) -> Result<Row, String> {
    let mut offsets = ClockOffsets::new();
    recorded(folder, name)?.iter().for_each(|trace| offsets.add(trace));
    let offsets = offsets.offsets();
    let between = |callee: &str| offsets.iter().find(|edge| &*edge.caller.0 == "frontend" && &*edge.callee.0 == callee);
    let (Some(one), Some(other)) = (between("reservation"), between("search")) else {
        return Ok(row("clock offset by two edges", name, "both edges seen", false, "an edge is missing".into()));
    };
    let micros = |edge: &ClockOffset| edge.offset.0 / 1_000;
    let agree = (micros(one) - micros(other)).abs() <= 100 && (micros(one) - expected).abs() <= 100;
    let proven = one.verdict == SkewVerdict::Skewed && other.verdict == SkewVerdict::Skewed;
    let same_node = offsets.iter().filter(|edge| ["geo", "rate", "profile"].contains(&&*edge.callee.0));
    let quiet = same_node.clone().all(|edge| edge.verdict != SkewVerdict::Skewed);
    let loud: Vec<String> = same_node
        .filter(|edge| edge.verdict == SkewVerdict::Skewed)
        .map(|e| format!("{} {}", e.callee.0, micros(e)))
        .collect();
    let figure = format!(
        "{} and {} µs{}",
        micros(one),
        micros(other),
        if quiet { String::new() } else { format!("; also {}", loud.join(", ")) }
    );
    let bar = format!("both within 100 µs of {expected}, of each other; same-node edges not skewed");
    Ok(row("clock offset by two independent edges", name, &bar, agree && proven && quiet, figure))
}
