//! A trace made ready for the page: assembled, ordered, with its critical path. A page asks for the outline and then for
//! span after span, so the last few are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use analysis::{CriticalPath, HostClocks};
use model::{Duration, Trace, TraceId, TraceSummary};

use wire::{Completeness, Cost, LookedAt};

use crate::limits::{OUTLINE_ROWS_MAX, PREPARED_NANOS_MAX, PREPARED_SPANS_MAX, PREPARED_TRACES_MAX};
use crate::outline::Rows;

/// A trace with all that is computed from it.
#[derive(Debug)]
pub struct Prepared {
    /// The trace.
    pub trace: Arc<Trace>,
    /// Whether all that is stored of it could be read.
    pub completeness: Completeness,
    /// The order of its rows.
    pub rows: Rows,
    /// Its row in a list.
    pub summary: TraceSummary,
    /// Its critical path.
    pub critical_path: CriticalPath,
    /// Time on the critical path, by span.
    pub critical: Vec<Duration>,
    /// Time outside children, by span.
    pub self_times: Vec<Duration>,
    /// The clocks whose offsets were taken out of the times; none of a trace as it was received.
    pub clocks: Option<Arc<ClocksAround>>,
}

/// The clocks of hosts, by the calls of all traces around one.
#[derive(Clone, Debug)]
pub struct ClocksAround {
    /// The clocks.
    pub clocks: HostClocks,
    /// The traces that they were estimated from.
    pub looked_at: LookedAt,
    /// Whether everything around was looked at.
    pub completeness: Completeness,
    /// What it cost.
    pub cost: Cost,
}

impl Prepared {
    /// Computes everything. `completeness` says whether all that is stored of the trace could be read.
    #[must_use]
    pub fn new(trace: Arc<Trace>, completeness: Completeness) -> Self {
        let rows = Rows::of(&trace, OUTLINE_ROWS_MAX);
        let critical_path = analysis::critical_path(&trace);
        let critical = critical_path.times(trace.spans().len());
        let self_times = analysis::self_time(&trace);
        let summary = analysis::summarise_on(&trace, &critical_path);
        Self { trace, completeness, rows, summary, critical_path, critical, self_times, clocks: None }
    }

    /// The same trace with the proven offsets of its hosts' clocks taken out, and all that follows from that.
    #[must_use]
    pub fn adjusted(&self, clocks: ClocksAround) -> Self {
        let trace = clocks.clocks.adjusted(&self.trace);
        let adjusted = Self::new(Arc::new(trace), self.completeness.clone());
        Self { clocks: Some(Arc::new(clocks)), ..adjusted }
    }
}

/// The last few prepared traces.
#[derive(Debug, Default)]
pub struct PreparedTraces {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    trace_id: TraceId,
    /// The feed's sequence at which the trace had last changed when it was read.
    changed_at: u64,
    read_at_nanos: u64,
    prepared: Arc<Prepared>,
}

impl PreparedTraces {
    /// The trace, if it is kept and nothing was added to it since.
    #[must_use]
    pub fn find(&self, trace_id: TraceId, changed_at: u64, now_nanos: u64) -> Option<Arc<Prepared>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|kept| kept.trace_id == trace_id)?;
        let found = kept.remove(position)?;
        if found.changed_at != changed_at || now_nanos.saturating_sub(found.read_at_nanos) > PREPARED_NANOS_MAX {
            return None;
        }
        let prepared = found.prepared.clone();
        kept.push_back(found);
        Some(prepared)
    }

    /// Keeps a trace; the one longest unused goes.
    pub fn keep(&self, trace_id: TraceId, changed_at: u64, now_nanos: u64, prepared: Arc<Prepared>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.trace_id != trace_id);
        kept.push_back(Kept { trace_id, changed_at, read_at_nanos: now_nanos, prepared });
        let spans = |kept: &VecDeque<Kept>| kept.iter().map(|kept| kept.prepared.trace.spans().len()).sum::<usize>();
        while kept.len() > PREPARED_TRACES_MAX || (spans(&kept) > PREPARED_SPANS_MAX && !kept.is_empty()) {
            kept.pop_front();
        }
    }

    /// Forgets a trace.
    pub fn forget(&self, trace_id: TraceId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|kept| kept.trace_id != trace_id);
    }
}
