//! A metrics query over a store.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use model::{Trace, TraceId};
use query::{MetricsAnswer, MetricsQuery, MetricsRun, View, Window};
use store::{Answer, Predicate, Residual, ScanBudget, SpanFilter, SpanStore, StoreError, TimeRange, TraceScan};

use crate::Analysed;
use crate::filters::{filters, needs_of_series};
use crate::limits::{COUNTED_TRACES_MAX, TRACE_LENGTH_MAX};
use crate::minutes::{aggregates_answer, from_aggregates};
use crate::plan::necessary;

/// Counts and measures the spans that start within `window`, of traces that start within it or at most
/// [`TRACE_LENGTH_MAX`] before it. Each trace is looked at once, and none is held. What the store's aggregates can answer is
/// answered from them: at once, quantiles within 3.2 %, without exemplars.
///
/// # Errors
/// As for [`SpanStore::scan`].
pub fn series(
    store: &dyn SpanStore,
    query: &MetricsQuery,
    window: Window,
    budget: ScanBudget,
) -> Result<Answer<MetricsAnswer>, StoreError> {
    if aggregates_answer(query, window)
        && let Some(answer) = from_aggregates(store, query, window)?
    {
        return Ok(answer);
    }
    let counting = Counting::new(query, window);
    let finder = counting.run.finder();
    let counting = Arc::new(Mutex::new(counting));
    let shared = Arc::clone(&counting);
    let residual: Residual = Arc::new(move |trace: &Trace| {
        let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
        if !lock().is_new(trace.id()) {
            return None;
        }
        let computed = Analysed::new(trace);
        let view = View::with_computed(trace, &computed);
        // Finding takes the time, and is done by several threads at once.
        let found = finder.find(&view);
        lock().run.observe_found(&view, &found);
        // No trace is wanted in the page: so the scan goes through all of them and gathers nothing.
        None
    });
    let scan = TraceScan {
        time: TimeRange { from: window.from() - TRACE_LENGTH_MAX, to: window.to() },
        predicates: shared_necessities(query),
        spans: shared_filters(query),
        needs: needs_of_series(&query.expression.series_queries()),
        residual: Some(residual),
        in_any_order: true,
        budget,
        ..TraceScan::default()
    };
    let answer = store.scan(&scan)?;
    drop(scan);
    let counting =
        std::mem::replace(&mut *counting.lock().unwrap_or_else(PoisonError::into_inner), Counting::new(query, window));
    Ok(answer.map(|_| counting.finish()))
}

/// What the matches of every series query have in common: one scan serves them all.
fn shared_necessities(query: &MetricsQuery) -> Vec<Predicate> {
    let mut all = query.expression.series_queries().into_iter().map(|series| necessary(&series.spans));
    let first = all.next().unwrap_or_default();
    let rest: Vec<Vec<Predicate>> = all.collect();
    first.into_iter().filter(|predicate| rest.iter().all(|others| others.contains(predicate))).collect()
}

/// With one series query, what its spans meet; filters of several cannot be told to be the same.
fn shared_filters(query: &MetricsQuery) -> Vec<SpanFilter> {
    match query.expression.series_queries().as_slice() {
        [series] => filters(&series.spans).0,
        _ => Vec::new(),
    }
}

/// Traces are counted once, should the store show one twice.
struct Counting {
    run: MetricsRun,
    counted: HashSet<TraceId>,
}

impl Counting {
    fn new(query: &MetricsQuery, window: Window) -> Self {
        Self { run: MetricsRun::new(query, window), counted: HashSet::new() }
    }

    fn is_new(&mut self, id: TraceId) -> bool {
        self.counted.len() >= COUNTED_TRACES_MAX || self.counted.insert(id)
    }

    fn finish(self) -> MetricsAnswer {
        self.run.finish()
    }
}
