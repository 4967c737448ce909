//! A sanitised copy of the times of a trace, for everything that walks along time.
//!
//! The trace itself stays as received. Here every span has `start <= end`: a negative duration becomes zero, and a span
//! without an end lasts until its latest descendant ends.
//!
//! ```text
//! received              here
//! [10..40]              [10..40]
//! [20..15]  negative    [20..20]
//! [12..0 ]  no end      [12..38], its latest descendant ends at 38
//! ```

use model::{Duration, Instant, SpanFacts, SpanIndex, SpanKind, SpanTree};

/// The times of a trace with `start <= end` everywhere, by span index.
#[derive(Clone, Debug)]
pub struct Timeline {
    starts: Vec<u64>,
    ends: Vec<u64>,
}

impl Timeline {
    /// Copies and repairs the times of `trace`.
    #[must_use]
    pub fn of<T: SpanTree>(trace: &T) -> Self {
        let spans = trace.spans();
        let starts: Vec<u64> = spans.iter().map(|span| span.start().0).collect();
        let mut ends: Vec<u64> = spans.iter().map(|span| span.end().0.max(span.start().0)).collect();
        if spans.iter().any(is_unfinished) {
            // Children come after their parents in this order, so backwards every end is known before it is needed.
            for (index, _) in trace.depth_first().into_iter().rev() {
                if is_unfinished(trace.span(index)) {
                    let latest = trace.children(index).iter().map(|&child| ends[child as usize]).max();
                    ends[index as usize] = ends[index as usize].max(latest.unwrap_or(0));
                }
            }
        }
        Self { starts, ends }
    }

    /// When the span starts.
    #[must_use]
    pub fn start(&self, index: SpanIndex) -> Instant {
        Instant(self.starts[index as usize])
    }

    /// When the span ends; never before its start.
    #[must_use]
    pub fn end(&self, index: SpanIndex) -> Instant {
        Instant(self.ends[index as usize])
    }

    /// `end - start`; never negative.
    #[must_use]
    pub fn duration(&self, index: SpanIndex) -> Duration {
        self.end(index) - self.start(index)
    }
}

fn is_unfinished(span: &impl SpanFacts) -> bool {
    span.end().0 == 0 && span.start().0 > 0
}

/// Whether `child` holds up `parent`: it does not when it is the far side of a message, when it only follows from its
/// parent, or when it starts at or after the parent's end.
#[must_use]
pub fn is_blocking<T: SpanTree>(trace: &T, times: &Timeline, parent: SpanIndex, child: SpanIndex) -> bool {
    let (caller, callee) = (trace.span(parent), trace.span(child));
    let message = caller.kind() == SpanKind::PRODUCER && callee.kind() == SpanKind::CONSUMER;
    !message && times.start(child) < times.end(parent) && !follows_from(callee, caller)
}

/// OpenTracing's `FOLLOWS_FROM`, as it is carried over: a link to the parent with `opentracing.ref_type`.
fn follows_from<S: SpanFacts>(child: &S, parent: &S) -> bool {
    child.links().iter().any(|link| {
        link.span_id == parent.span_id() && link.attributes.text("opentracing.ref_type") == Some("follows_from")
    })
}
