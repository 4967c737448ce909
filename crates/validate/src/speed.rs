//! Spans per second, and a trace of a million spans and depth 20,000.

use std::path::Path;
use std::time::Instant as Stopwatch;

use analysis::{ExplainOptions, Explanation, critical_by_service, self_time};
use model::{Instant, Span, SpanId, Trace, TraceId};

use crate::paths::{RECORDED, recorded};
use crate::{Row, row};

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    let mut traces = Vec::new();
    for name in RECORDED {
        traces.extend(recorded(folder, name)?);
    }
    let spans: usize = traces.iter().map(|trace| trace.spans().len()).sum();
    let started = Stopwatch::now();
    let mut kept = 0;
    for trace in &traces {
        kept += critical_by_service(trace).len() + self_time(trace).len();
    }
    let rate = spans as f64 / started.elapsed().as_secs_f64();
    let figure = format!("{:.2} M spans/s over {spans} spans ({kept} results)", rate / 1e6);
    let path = row("critical path and self time", "all recorded", "1 M spans/s", rate >= 1e6, figure);
    Ok(vec![path, findings(&traces, spans), huge()])
}

fn findings(traces: &[Trace], spans: usize) -> Row {
    let started = Stopwatch::now();
    let mut explanation = Explanation::new(ExplainOptions::default());
    traces.iter().for_each(|trace| explanation.add(trace));
    let found = explanation.finish().findings.len();
    let rate = spans as f64 / started.elapsed().as_secs_f64();
    let figure = format!("{:.2} M spans/s, {found} findings", rate / 1e6);
    row("critical path and findings", "all recorded", "1 M spans/s", rate >= 1e6, figure)
}

fn huge() -> Row {
    const SPANS: u64 = 1_000_000;
    const DEPTH: u64 = 20_000;
    let spans = (0..SPANS).map(|number| {
        let mut span = Span::new(TraceId([3; 16]), SpanId((number + 1).to_be_bytes()), "deep");
        span.parent_span_id =
            (number > 0).then(|| SpanId(if number < DEPTH { number } else { number % DEPTH + 1 }.to_be_bytes()));
        span.start = Instant(1_000_000 + number);
        span.end = Instant(1_000_000_000 - number);
        span
    });
    let trace = Trace::assemble(TraceId([3; 16]), spans.collect(), Vec::new());
    let started = Stopwatch::now();
    let total: i64 = critical_by_service(&trace).iter().map(|(_, time)| time.0).sum();
    let seconds = started.elapsed().as_secs_f64();
    let conserved = total == trace.span(trace.roots()[0]).duration().0;
    let figure = format!("{seconds:.2} s{}", if conserved { "" } else { ", not conserved" });
    row("a trace of 1 M spans, depth 20,000", "made", "under 3 s", conserved && seconds < 3.0, figure)
}
