//! Drag and slack: how much a span could shrink before something else limits, and how much it could grow unnoticed.
//!
//! ```text
//! root   |-----------------------|
//! a        |================|        drag of a: what lies behind the end of b
//! b        |----------|              slack of b: from its end to whoever began after it, else to the root's end
//!                      =========
//! ```
//!
//! The definitions are CRISP's (Zhang et al., USENIX ATC 2022).

use model::{Duration, Instant, SpanIndex, Trace};

use crate::critical_path::CriticalPath;
use crate::timeline::{Timeline, is_blocking};

/// For every span on the critical path, how much it could shrink before the sibling that ends next-latest limits; at most
/// its duration. Zero for spans that are not on the path. In [`Trace::spans`] order.
#[must_use]
pub fn drags(trace: &Trace, times: &Timeline, path: &CriticalPath) -> Vec<Duration> {
    let mut drags = vec![Duration::ZERO; trace.spans().len()];
    let mut on_path = vec![false; trace.spans().len()];
    for segment in &path.segments {
        on_path[segment.span as usize] = true;
        // A span that is waited for is waited for within all above it.
        let mut above = trace.parent(segment.span);
        while let Some(span) = above.filter(|&span| !on_path[span as usize]) {
            on_path[span as usize] = true;
            above = trace.parent(span);
        }
    }
    for span in 0..trace.spans().len() as SpanIndex {
        if on_path[span as usize] && trace.parent(span).is_none() {
            drags[span as usize] = times.duration(span);
        }
        if on_path[span as usize] && !trace.children(span).is_empty() {
            drag_of_children(trace, times, span, &on_path, &mut drags);
        }
    }
    drags
}

fn drag_of_children(trace: &Trace, times: &Timeline, parent: SpanIndex, on_path: &[bool], drags: &mut [Duration]) {
    let mut by_end: Vec<(Instant, SpanIndex)> = trace
        .children(parent)
        .iter()
        .filter(|&&child| is_blocking(trace, times, parent, child))
        .map(|&child| (times.end(child), child))
        .collect();
    by_end.sort_unstable();
    let mut before: Option<Instant> = None;
    for (end, child) in by_end {
        if on_path[child as usize] {
            let own = times.duration(child);
            drags[child as usize] = before.map_or(own, |before| own.min(end - before));
        }
        before = Some(end);
    }
}

/// For every span, how much later it could end before it would hold up the next blocking sibling that began after its
/// end, or its parent where there is none. Zero on the critical path. In [`Trace::spans`] order.
#[must_use]
pub fn slacks(trace: &Trace, times: &Timeline, path: &CriticalPath) -> Vec<Duration> {
    let mut slacks = vec![Duration::ZERO; trace.spans().len()];
    let critical = path.times(trace.spans().len());
    for parent in 0..trace.spans().len() as SpanIndex {
        let blocking: Vec<SpanIndex> =
            trace.children(parent).iter().copied().filter(|&child| is_blocking(trace, times, parent, child)).collect();
        let mut next_start: Vec<Instant> = blocking.iter().map(|&child| times.start(child)).collect();
        next_start.push(times.end(parent));
        for &child in &blocking {
            if critical[child as usize] > Duration::ZERO {
                continue;
            }
            // Whoever begins at or after its end may have waited for it.
            let waits = next_start.partition_point(|&start| start < times.end(child));
            let until = next_start.get(waits).copied().unwrap_or(times.end(parent)).min(times.end(parent));
            slacks[child as usize] = (until - times.end(child)).max(Duration::ZERO);
        }
    }
    slacks
}
