//! Self time: what a span spent outside its children.

use model::{Duration, SpanIndex, Trace};

use crate::timeline::{Timeline, is_blocking};

/// For every span, its duration minus the union of its children's intervals clipped to it; in [`Trace::spans`] order.
///
/// ```text
/// parent |-----------------|      self time: the parts marked =
/// a         |-----|
/// b            |------|
///        ===          =====
/// ```
#[must_use]
pub fn self_time(trace: &Trace) -> Vec<Duration> {
    let times = Timeline::of(trace);
    indices(trace).map(|span| outside(&times, span, trace.children(span).iter().copied())).collect()
}

/// As [`self_time`], but children that do not hold the parent up (messages, `FOLLOWS_FROM`) are left out.
#[must_use]
pub fn self_time_blocking(trace: &Trace) -> Vec<Duration> {
    let times = Timeline::of(trace);
    indices(trace)
        .map(|span| {
            let blocking = trace.children(span).iter().copied();
            outside(&times, span, blocking.filter(|&child| is_blocking(trace, &times, span, child)))
        })
        .collect()
}

fn indices(trace: &Trace) -> impl Iterator<Item = SpanIndex> {
    0..trace.spans().len() as SpanIndex
}

/// The part of `span` that none of `children`, which come by start, covers.
fn outside(times: &Timeline, span: SpanIndex, children: impl Iterator<Item = SpanIndex>) -> Duration {
    let (start, end) = (times.start(span), times.end(span));
    let mut covered = Duration::ZERO;
    let mut until = start;
    for child in children {
        let (from, to) = (times.start(child).max(until), times.end(child).min(end));
        if from < to {
            covered += to - from;
            until = to;
        }
    }
    times.duration(span) - covered
}
