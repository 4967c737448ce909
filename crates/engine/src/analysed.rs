//! Numbers of `analysis` about spans, computed when a query first asks for them.

use std::cell::OnceCell;

use model::{Duration, SpanIndex, Trace};

/// Self time and critical path of one trace.
#[derive(Debug)]
pub struct Analysed<'a> {
    trace: &'a Trace,
    self_times: OnceCell<Vec<Duration>>,
    critical: OnceCell<Vec<Duration>>,
}

impl<'a> Analysed<'a> {
    /// Nothing is computed yet.
    #[must_use]
    pub fn new(trace: &'a Trace) -> Self {
        Self { trace, self_times: OnceCell::new(), critical: OnceCell::new() }
    }
}

impl query::Computed for Analysed<'_> {
    fn self_time(&self, span: SpanIndex) -> Duration {
        self.self_times.get_or_init(|| analysis::self_time(self.trace))[span as usize]
    }

    fn critical(&self, span: SpanIndex) -> Duration {
        let spans = self.trace.spans().len();
        self.critical.get_or_init(|| analysis::critical_path(self.trace).times(spans))[span as usize]
    }
}
