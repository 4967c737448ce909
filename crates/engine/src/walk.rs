//! Walks over the traces that somebody selected, one after another, with bounds: what every analysis of many traces needs.
//!
//! ```text
//! query ──choose──> ids, newest first ──walk──> trace after trace ──> a collector
//! ```
//!
//! First all ids, so that the walk can say how far it is and where the middle lies. A walk that is stopped (by its time, or
//! because nobody waits any more) ends with what it has and says so.

use std::collections::HashSet;
use std::sync::Arc;

use model::{Instant, Trace, TraceId};
use query::Query;
use store::{Answer, Completeness, Cost, ScanBudget, SpanStore, StoreError, TimeRange, TraceOrder, TraceScan};

use crate::limits::{CHOOSE_PAGE, SHORTFALLS_MAX};
use crate::plan::scan_of;

/// Traces that were chosen, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their ids.
    pub ids: Vec<TraceId>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// What a walk was, beside what its collector has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Traces that were read.
    pub traces: u64,
    /// Their spans.
    pub spans: u64,
    /// When the first of them started.
    pub first: Option<Instant>,
    /// When the last of them started.
    pub last: Option<Instant>,
    /// Traces that were chosen and are not held any more.
    pub gone: u64,
    /// Traces that were chosen and not read, since the walk was stopped.
    pub unread: u64,
}

impl Walked {
    /// Adds another part of the same walk.
    pub fn add(&mut self, other: &Self) {
        self.traces += other.traces;
        self.spans += other.spans;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.gone += other.gone;
        self.unread += other.unread;
    }
}

/// The ids of the newest traces that a query finds, at most `traces_max`; without a query, of all.
///
/// # Errors
/// As for [`SpanStore::scan`].
pub fn choose(
    store: &dyn SpanStore,
    query: Option<&Query>,
    time: TimeRange,
    traces_max: usize,
    budget: &ScanBudget,
) -> Result<Answer<Chosen>, StoreError> {
    let (mut completeness, mut cost) = (Completeness::default(), Cost::default());
    let mut chosen = Chosen::default();
    let mut cursor = None;
    loop {
        let page = store.scan(&TraceScan {
            time,
            order: TraceOrder::Newest,
            limit: CHOOSE_PAGE.min(traces_max - chosen.ids.len()),
            cursor,
            budget: budget.clone(),
            ..query.map(scan_of).unwrap_or_default()
        })?;
        cost += page.cost;
        join(&mut completeness, page.completeness);
        chosen.ids.extend(page.value.traces.iter().map(|found| found.summary.trace_id));
        cursor = page.value.next;
        chosen.more = cursor.is_some();
        if cursor.is_none() || chosen.ids.len() >= traces_max {
            return Ok(Answer { value: chosen, completeness, cost });
        }
    }
}

/// Reads the traces one after another and hands each to `take`, until `stopped` says so. `read` is told after each.
///
/// # Errors
/// As for [`SpanStore::trace`].
pub fn walk(
    store: &dyn SpanStore,
    ids: &[TraceId],
    stopped: &dyn Fn() -> bool,
    read: &dyn Fn(),
    mut take: impl FnMut(&Trace),
) -> Result<Answer<Walked>, StoreError> {
    let (mut completeness, mut cost) = (Completeness::default(), Cost::default());
    let mut walked = Walked::default();
    for (position, &id) in ids.iter().enumerate() {
        if stopped() {
            walked.unread = (ids.len() - position) as u64;
            break;
        }
        let answer = store.trace(id)?;
        cost += answer.cost;
        join(&mut completeness, answer.completeness);
        read();
        let Some(trace) = answer.value else {
            walked.gone += 1;
            continue;
        };
        let trace = without_runner(trace);
        let starts = trace.spans().iter().map(|span| span.start);
        let start = starts.min();
        walked.traces += 1;
        walked.spans += trace.spans().len() as u64;
        walked.first = [walked.first, start].into_iter().flatten().min();
        walked.last = walked.last.max(start);
        take(&trace);
    }
    Ok(Answer { value: walked, completeness, cost })
}

/// Adds what another answer misses, each once and at most [`SHORTFALLS_MAX`].
pub(crate) fn join(completeness: &mut Completeness, other: Completeness) {
    for shortfall in other.shortfalls {
        if completeness.shortfalls.len() < SHORTFALLS_MAX && !completeness.shortfalls.contains(&shortfall) {
            completeness.shortfalls.push(shortfall);
        }
    }
}

/// The service that an evaluation's runner calls itself.
const RUNNER: &str = "headwater.eval";

/// The trace as the system made it: the spans of the runner that drove it are no part of where a request's time went. What
/// stood below them becomes a root.
#[must_use]
pub fn without_runner(trace: Arc<Trace>) -> Arc<Trace> {
    let is_runner = |span: &model::Span| span.service_name() == RUNNER;
    let own: HashSet<model::SpanId> =
        trace.spans().iter().filter(|span| is_runner(span)).map(|span| span.span_id).collect();
    if own.is_empty() || trace.spans().iter().all(is_runner) {
        return trace;
    }
    let mut spans: Vec<model::Span> = trace.spans().iter().filter(|span| !is_runner(span)).cloned().collect();
    for span in &mut spans {
        if span.parent_span_id.is_some_and(|parent| own.contains(&parent)) {
            span.parent_span_id = None;
        }
    }
    Arc::new(Trace::assemble(trace.id(), spans, trace.logs().to_vec()))
}
