//! Spans per second of processor time, a trace of a million spans and depth 20,000, and memory under hostile names.

use std::path::Path;

use analysis::{ExplainOptions, Explanation, critical_by_service, self_time};
use model::{Instant, Span, SpanId, Trace, TraceId};

use crate::paths::{RECORDED, recorded};
use crate::{Row, row};

/// The repetitions of which the best counts: what else runs on the machine only takes.
pub const SPEED_ROUNDS: usize = 3;

pub(crate) fn rows(folder: &Path) -> Result<Vec<Row>, String> {
    rows_of(folder, SPEED_ROUNDS)
}

fn rows_of(folder: &Path, rounds: usize) -> Result<Vec<Row>, String> {
    let mut traces = Vec::new();
    for name in RECORDED {
        traces.extend(recorded(folder, name)?);
    }
    Ok(vec![critical(&traces, rounds), findings(&traces, rounds), huge(rounds)])
}

/// Runs `work` and gives the least processor time it took, seconds.
fn seconds(rounds: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let before = cpu_seconds();
        work();
        best = best.min(cpu_seconds() - before);
    }
    best
}

/// Processor time of this thread, seconds; of the whole clock where the system does not tell it.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    nanos.map_or_else(wall_seconds, |nanos| nanos as f64 / 1e9)
}

fn wall_seconds() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

fn critical(traces: &[Trace], rounds: usize) -> Row {
    let spans: usize = traces.iter().map(|trace| trace.spans().len()).sum();
    let mut kept = 0;
    let taken = seconds(rounds, || {
        kept = traces.iter().map(|trace| critical_by_service(trace).len() + self_time(trace).len()).sum::<usize>();
    });
    let rate = spans as f64 / taken;
    let figure = format!("{:.2} M spans/s over {spans} spans ({kept} results)", rate / 1e6);
    row("critical path and self time", "all recorded", "1 M spans/s", rate >= 1e6, figure)
}

fn findings(traces: &[Trace], rounds: usize) -> Row {
    let spans: usize = traces.iter().map(|trace| trace.spans().len()).sum();
    let mut found = 0;
    let taken = seconds(rounds, || {
        let mut explanation = Explanation::new(ExplainOptions::default());
        traces.iter().for_each(|trace| explanation.add(trace));
        found = explanation.finish().findings.len();
    });
    let rate = spans as f64 / taken;
    let figure = format!("{:.2} M spans/s, {found} findings", rate / 1e6);
    row("critical path and all findings", "all recorded", "1 M spans/s", rate >= 1e6, figure)
}

fn huge(rounds: usize) -> Row {
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
    let mut total = 0;
    let path = seconds(rounds, || total = critical_by_service(&trace).iter().map(|(_, time)| time.0).sum::<i64>());
    let all = seconds(rounds, || {
        let mut explanation = Explanation::new(ExplainOptions::default());
        explanation.add(&trace);
        drop(explanation.finish());
    });
    let conserved = total == trace.span(trace.roots()[0]).duration().0;
    let figure = format!("path {path:.2} s, all findings {all:.2} s{}", if conserved { "" } else { ", not conserved" });
    row("a trace of 1 M spans, depth 20,000", "made", "under 3 s", conserved && path + all < 3.0, figure)
}

/// Names with ids in them, as careless instrumentation writes: every span an operation of its own.
fn hostile() -> Row {
    const TRACES: u64 = 100_000;
    const MEGABYTES_MAX: f64 = 512.0;
    let before = resident_megabytes();
    let mut explanation = Explanation::new(ExplainOptions::default());
    for number in 0..TRACES {
        let mut id = [5; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let spans = (0..10_u64).map(|at| {
            let mut span = Span::new(TraceId(id), SpanId((at + 1).to_be_bytes()), format!("GET /user/{number}/{at}"));
            span.parent_span_id = (at > 0).then(|| SpanId(at.div_ceil(3).to_be_bytes()));
            span.start = Instant(1_000_000_000 + number * 1_000 + at);
            span.end = Instant(span.start.0 + 1_000_000 - at * 1_000);
            span
        });
        explanation.add(&Trace::assemble(TraceId(id), spans.collect(), Vec::new()));
    }
    let explained = explanation.finish();
    let grown = resident_megabytes() - before;
    let counted: u64 = explained.left_out.iter().map(|one| one.count).sum();
    let figure = format!("{grown:.0} MB for 1 M operations; {counted} counted as left out");
    row("memory of findings under hostile names", "made", "under 512 MB", grown < MEGABYTES_MAX && counted > 0, figure)
}

fn resident_megabytes() -> f64 {
    let told = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = told.and_then(|text| text.split_whitespace().nth(1)?.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4_096.0 / 1e6
}

/// The rows that need no recorded data, and those that do where `folder` has them; the best of `rounds` repetitions.
#[must_use]
pub fn speed(folder: &Path, rounds: usize) -> Vec<Row> {
    // Memory first, while none was used and given back.
    let mut rows = vec![hostile()];
    rows.extend(rows_of(folder, rounds).unwrap_or_else(|_| vec![huge(rounds)]));
    rows
}
