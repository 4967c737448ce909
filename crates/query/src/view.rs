//! What an evaluation looks at: a trace, and numbers about its spans that are computed elsewhere.

use std::cell::OnceCell;

use model::{Duration, SpanIndex, Trace, TraceSummary};

/// Computed numbers about spans, handed in: `query` knows no analysis.
pub trait Computed {
    /// Time a span spent outside its children.
    fn self_time(&self, span: SpanIndex) -> Duration;

    /// A span's time on the critical path.
    fn critical(&self, span: SpanIndex) -> Duration;
}

/// A trace to evaluate on. What is needed of the whole trace is computed once, when it is first asked for.
pub struct View<'a> {
    /// The trace.
    pub trace: &'a Trace,
    computed: Option<&'a dyn Computed>,
    summary: OnceCell<TraceSummary>,
    nested_set: OnceCell<Vec<(i64, i64)>>,
}

impl<'a> View<'a> {
    /// A view without computed numbers: `span:self` and `span:critical` are nil.
    #[must_use]
    pub fn new(trace: &'a Trace) -> Self {
        Self { trace, computed: None, summary: OnceCell::new(), nested_set: OnceCell::new() }
    }

    /// A view with computed numbers.
    #[must_use]
    pub fn with_computed(trace: &'a Trace, computed: &'a dyn Computed) -> Self {
        Self { computed: Some(computed), ..Self::new(trace) }
    }

    pub(crate) fn summary(&self) -> &TraceSummary {
        self.summary.get_or_init(|| TraceSummary::of(self.trace))
    }

    pub(crate) fn computed(&self) -> Option<&dyn Computed> {
        self.computed
    }

    /// Left and right numbers, from 1, in depth-first order.
    pub(crate) fn nested_set(&self, span: SpanIndex) -> (i64, i64) {
        self.nested_set.get_or_init(|| number(self.trace))[span as usize]
    }
}

fn number(trace: &Trace) -> Vec<(i64, i64)> {
    let mut numbers = vec![(0, 0); trace.spans().len()];
    let mut open: Vec<SpanIndex> = Vec::new();
    let mut next = 1;
    let close = |open: &mut Vec<SpanIndex>, numbers: &mut Vec<(i64, i64)>, depth: usize, next: &mut i64| {
        while open.len() > depth {
            if let Some(span) = open.pop() {
                numbers[span as usize].1 = *next;
                *next += 1;
            }
        }
    };
    for (span, depth) in trace.depth_first() {
        close(&mut open, &mut numbers, depth as usize, &mut next);
        numbers[span as usize].0 = next;
        next += 1;
        open.push(span);
    }
    close(&mut open, &mut numbers, 0, &mut next);
    numbers
}
