//! The critical path: which spans the duration of a trace is made of.
//!
//! A walk backwards through time. At every moment the path lies in the span that was being waited for: from the root's
//! end back to the end of the last child that finished before, then into that child, and from its start on again.
//!
//! ```text
//! root  |-----------------------------|        ===  on the path
//! a        |=======|
//! b           |-----------|                    b is overlapped by c, which ended later
//! c                  |=========|
//!       ===        ==           ======
//! ```
//!
//! The pieces are disjoint, cover the root exactly and sum to its duration. Times are integers: one float addition was
//! seen to move 13.7 % of the path between spans. Comparisons are `<=`, since clocks of millisecond resolution make
//! siblings touch; a strict comparison gives the time of back-to-back siblings to their parent.
//!
//! Sources: CRISP (Zhang et al., USENIX ATC 2022) and Jaeger UI, whose cases are among the tests. Iterative: traces are
//! as deep as people make them.

use std::collections::HashMap;

use model::{Duration, Instant, SpanFacts as _, SpanIndex, SpanTree, Text, Trace};

use crate::timeline::{Timeline, is_blocking};

/// A piece of the critical path: from `start` to `end` the trace was waiting for `span` itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The span waited for.
    pub span: SpanIndex,
    /// Where the piece begins.
    pub start: Instant,
    /// Where it ends; later than `start`.
    pub end: Instant,
}

impl Segment {
    /// How long the piece is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end - self.start
    }
}

/// The critical path of one root, earliest piece first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Disjoint pieces that cover the root exactly, by time.
    pub segments: Vec<Segment>,
}

impl CriticalPath {
    /// The path's length: the root's duration.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.segments.iter().map(Segment::duration).sum()
    }

    /// Time on the path by span, for the spans that are on it.
    #[must_use]
    pub fn by_span(&self) -> HashMap<SpanIndex, Duration> {
        let mut times: HashMap<SpanIndex, Duration> = HashMap::new();
        for segment in &self.segments {
            *times.entry(segment.span).or_default() += segment.duration();
        }
        times
    }

    /// Time on the path of each of the trace's `spans` spans, by index; zero for those that are not on it.
    #[must_use]
    pub fn times(&self, spans: usize) -> Vec<Duration> {
        let mut times = vec![Duration::ZERO; spans];
        for segment in &self.segments {
            times[segment.span as usize] += segment.duration();
        }
        times
    }

    /// Time on the path by service, largest first, then by name. `trace` is the one that the path is of.
    #[must_use]
    pub fn by_service(&self, trace: &Trace) -> Vec<(Text, Duration)> {
        let mut by_service: HashMap<&str, Duration> = HashMap::new();
        for segment in &self.segments {
            *by_service.entry(trace.span(segment.span).service_name()).or_default() += segment.duration();
        }
        let mut shares: Vec<(Text, Duration)> =
            by_service.into_iter().map(|(name, time)| (name.into(), time)).collect();
        shares.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        shares
    }
}

/// The critical path of the trace's first root; empty for a trace without spans.
#[must_use]
pub fn critical_path<T: SpanTree>(trace: &T) -> CriticalPath {
    trace.roots().first().map_or_else(CriticalPath::default, |&root| critical_path_below(trace, root))
}

/// The critical path of `root`, which may be any span of the trace.
#[must_use]
pub fn critical_path_below<T: SpanTree>(trace: &T, root: SpanIndex) -> CriticalPath {
    critical_path_on(trace, &Timeline::of(trace), root)
}

/// As [`critical_path_below`] for a caller that has the sanitised times already.
#[must_use]
pub fn critical_path_on<T: SpanTree>(trace: &T, times: &Timeline, root: SpanIndex) -> CriticalPath {
    let mut segments = Vec::new();
    let mut stack = vec![Visit::of(trace, times, root, times.start(root), times.end(root))];
    while let Some(visit) = stack.last_mut() {
        match visit.step() {
            Step::Own(segment) => segments.extend(segment),
            Step::Into(segment, child, until) => {
                segments.extend(segment);
                let from = times.start(child).max(visit.low);
                stack.push(Visit::of(trace, times, child, from, until));
            }
            Step::Done => drop(stack.pop()),
        }
    }
    segments.reverse();
    CriticalPath { segments }
}

/// Time on the critical path by service, largest first, then by name.
#[must_use]
pub fn critical_by_service(trace: &Trace) -> Vec<(Text, Duration)> {
    critical_path(trace).by_service(trace)
}

/// One span being walked backwards from `at` to `low`.
struct Visit {
    span: SpanIndex,
    low: Instant,
    at: Instant,
    /// Blocking children clipped to the window: (end, start, child), so that popping gives the greatest end.
    children: Vec<(Instant, Instant, SpanIndex)>,
    finished: bool,
}

enum Step {
    /// The rest of the window lies in the span itself.
    Own(Option<Segment>),
    /// A piece of the span, then its child, walked until the instant given.
    Into(Option<Segment>, SpanIndex, Instant),
    Done,
}

impl Visit {
    fn of<T: SpanTree>(trace: &T, times: &Timeline, span: SpanIndex, low: Instant, high: Instant) -> Self {
        let mut children: Vec<(Instant, Instant, SpanIndex)> = trace
            .children(span)
            .iter()
            .map(|&child| (times.end(child).min(high), times.start(child).max(low), child))
            .filter(|&(end, start, child)| start < end && is_blocking(trace, times, span, child))
            .collect();
        // Popped from the back: greatest end, then latest start, then lowest id.
        children.sort_by(|a, b| {
            (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| trace.span(b.2).span_id().cmp(&trace.span(a.2).span_id()))
        });
        Self { span, low, at: high, children, finished: false }
    }

    fn step(&mut self) -> Step {
        while let Some((end, start, child)) = self.children.pop() {
            if end <= self.at {
                let own = self.piece(end, self.at);
                self.at = start;
                return Step::Into(own, child, end);
            }
        }
        if self.finished {
            return Step::Done;
        }
        self.finished = true;
        Step::Own(self.piece(self.low, self.at))
    }

    fn piece(&self, start: Instant, end: Instant) -> Option<Segment> {
        (start < end).then_some(Segment { span: self.span, start, end })
    }
}
