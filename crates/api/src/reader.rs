//! The stored traces, as the page asks for them. The store may wait for the disk, so every question goes to a thread that
//! may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Duration, Instant, SpanIndex, Trace, TraceId, TraceSummary};
use store::{
    AggregateDetail, AttributeScope, Residual, ScanBudget, SpanStore, StoreError, TimeRange, TraceOrder, TraceScan,
};
use wire::{Completeness, Cost, QueryProblem, TraceSort};

use crate::answer::Refusal;
use crate::parameters::Window;
use crate::selector;

/// Reads from a store.
#[derive(Clone)]
pub struct Reader {
    pub(crate) store: Arc<dyn SpanStore>,
    shown: Option<Shown>,
}

/// What is shown of a trace in place of all of it.
pub type Shown = Arc<dyn Fn(Trace) -> Trace + Send + Sync>;

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// What a list is asked.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// TraceQL or bare words.
    pub query: Option<String>,
    /// When the traces start.
    pub window: Window,
    /// The order.
    pub sort: TraceSort,
    /// How many.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// When to stop with what there is.
    pub timeout: Duration,
    /// After how many bytes read to stop with what there is.
    pub bytes: u64,
}

/// What series are asked.
#[derive(Clone, Debug)]
pub struct SeriesRequest {
    /// TraceQL that ends in a metrics function.
    pub query: String,
    /// When the spans start; without one, all that is stored.
    pub window: Window,
    /// The time now: a window without an end ends here.
    pub now: Instant,
    /// How long a step is.
    pub step: Option<Duration>,
    /// When to stop with what there is.
    pub timeout: Duration,
    /// After how many bytes read to stop with what there is.
    pub bytes: u64,
}

/// Series and what they were made of.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The series.
    pub answer: query::MetricsAnswer,
    /// From when to when, in which steps.
    pub window: query::Window,
    /// The query as it was understood.
    pub query: String,
    /// Whether everything was looked at and counted.
    pub completeness: Completeness,
    /// What it cost.
    pub cost: Cost,
}

/// One page of traces and what was found in them.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The traces with their spansets.
    pub traces: Vec<engine::Match>,
    /// Where to go on.
    pub next_cursor: Option<String>,
    /// The query as it was understood.
    pub query: String,
    /// Whether everything was looked at.
    pub completeness: Completeness,
    /// What it cost.
    pub cost: Cost,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The traces, each with how many of its spans match.
    pub traces: Vec<(TraceSummary, Option<u32>)>,
    /// Where to go on.
    pub next_cursor: Option<String>,
    /// The query as it was understood.
    pub query: String,
    /// Remarks on the query.
    pub remarks: Vec<QueryProblem>,
    /// Whether everything was looked at.
    pub completeness: Completeness,
    /// What it cost.
    pub cost: Cost,
}

const HOUR_NANOS: u64 = 3_600_000_000_000;

/// Known things with whether these are all and what it cost.
pub type Known<T> = (Vec<T>, Completeness, Cost);

/// What may stand at a cursor, with whether all was looked at and what it cost.
pub type Completed = (engine::Completion, Completeness, Cost);

impl Reader {
    /// Reads from `store`.
    #[must_use]
    pub fn new(store: Arc<dyn SpanStore>) -> Self {
        Self { store, shown: None }
    }

    /// Shows of whole traces what `shown` leaves of them.
    #[must_use]
    pub fn shown_as(self, shown: Option<Shown>) -> Self {
        Self { shown, ..self }
    }

    fn shown(&self, trace: Arc<Trace>) -> Arc<Trace> {
        match &self.shown {
            Some(shown) => Arc::new(shown(Arc::unwrap_or_clone(trace))),
            None => trace,
        }
    }

    /// One page of traces.
    pub async fn list(&self, request: ListRequest) -> Result<Listed, Refusal> {
        let (mut scan, mut query, mut remarks) = (TraceScan::default(), String::new(), Vec::new());
        if let Some(text) = &request.query {
            let plan = selector::plan(text).map_err(Refusal::query)?;
            (scan, query, remarks) = (plan.scan, plan.text, plan.remarks);
        }
        let (budget, _waiting) = budget_of(request.timeout, request.bytes);
        let scan = TraceScan {
            time: range_of(request.window),
            order: order_of(request.sort),
            limit: request.limit,
            cursor: request.cursor.as_deref().map(cursor_of).transpose()?,
            budget,
            ..scan
        };
        let answer = self.ask(move |store| store.scan(&scan)).await?;
        Ok(Listed {
            traces: answer.value.traces.into_iter().map(|found| (found.summary, found.matched_spans)).collect(),
            next_cursor: answer.value.next.map(|cursor| cursor.to_string()),
            query,
            remarks,
            completeness: completeness_of(&answer.completeness),
            cost: cost_of(&answer.cost),
        })
    }

    /// One page of traces, with at most `spans` spans of each spanset that the query finds.
    pub async fn search(&self, request: ListRequest, spans: usize) -> Result<Searched, Refusal> {
        let query = selector::parse(request.query.as_deref().unwrap_or("{ }")).map_err(Refusal::query)?;
        let (budget, _waiting) = budget_of(request.timeout, request.bytes);
        let search = engine::Search {
            time: range_of(request.window),
            order: order_of(request.sort),
            limit: request.limit,
            cursor: request.cursor.as_deref().map(cursor_of).transpose()?,
            spans,
            budget,
        };
        let text = query.to_string();
        let answer = self.ask(move |store| engine::search(store, &query, &search)).await?;
        Ok(Searched {
            traces: answer.value.traces,
            next_cursor: answer.value.next.map(|cursor| cursor.to_string()),
            query: text,
            completeness: completeness_of(&answer.completeness),
            cost: cost_of(&answer.cost),
        })
    }

    /// Series of numbers over time.
    pub async fn series(&self, request: SeriesRequest) -> Result<Counted, Refusal> {
        let query = selector::parse_metrics(&request.query).map_err(Refusal::query)?;
        let text = query.to_string();
        let (budget, _waiting) = budget_of(request.timeout, request.bytes);
        let (window, answer) = self
            .ask(move |store| {
                let (time, known) = time_of_series(store, request.window, request.now)?;
                let Ok(window) = engine::window_of(time, request.step) else {
                    return Ok((engine::window_of(time, request.step), None));
                };
                let mut answer = engine::series(store, &query, window, budget)?;
                answer.cost += known;
                Ok((Ok(window), Some(answer)))
            })
            .await?;
        let window = window.map_err(|error| Refusal::parameter("step", error, "take a longer step or less time"))?;
        let answer = answer.ok_or_else(|| Refusal::fault("a window without an answer"))?;
        let mut completeness = completeness_of(&answer.completeness);
        let left_out = [
            (answer.value.spans_left_out, "spans are in no series: there are too many series or points"),
            (answer.value.attributes_left_out, "attribute values are in no series: there are too many attributes"),
        ];
        for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
            completeness.lacks(format!("{count} {what}"));
        }
        Ok(Counted { answer: answer.value, window, query: text, completeness, cost: cost_of(&answer.cost) })
    }

    /// A trace, if it is held, and whether all that is stored of it could be read.
    pub async fn trace(&self, id: TraceId) -> Result<(Option<Arc<Trace>>, Completeness), Refusal> {
        let answer = self.ask(move |store| store.trace(id)).await?;
        Ok((answer.value.map(|trace| self.shown(trace)), completeness_of(&answer.completeness)))
    }

    /// Traces in the order asked, and whether all that is stored of them could be read; those that are not held (any
    /// more) are left out.
    pub async fn traces(&self, ids: Vec<TraceId>) -> Result<(Vec<Arc<Trace>>, Completeness), Refusal> {
        let reader = self.clone();
        self.ask(move |store| {
            let (mut traces, mut completeness) = (Vec::with_capacity(ids.len()), Completeness::whole());
            for id in ids {
                let answer = store.trace(id)?;
                traces.extend(answer.value.map(|trace| reader.shown(trace)));
                completeness.add(completeness_of(&answer.completeness));
            }
            Ok((traces, completeness))
        })
        .await
    }

    /// Summaries of traces, in the order asked; those that are not held are left out.
    pub async fn summaries(&self, ids: &[TraceId]) -> Result<Vec<TraceSummary>, Refusal> {
        let ids = ids.to_vec();
        Ok(self.ask(move |store| store.summaries(&ids)).await?.value)
    }

    /// Summaries of those traces that are wanted, in the order asked, each with how many spans were found.
    pub async fn matching(
        &self,
        ids: &[TraceId],
        wanted: Option<Residual>,
    ) -> Result<Vec<(TraceSummary, Option<u32>)>, Refusal> {
        let Some(wanted) = wanted else {
            return Ok(self.summaries(ids).await?.into_iter().map(|summary| (summary, None)).collect());
        };
        let ids = ids.to_vec();
        self.ask(move |store| {
            let mut found = Vec::new();
            for id in ids {
                let matched = store.trace(id)?.value.and_then(|trace| wanted(&trace));
                if let Some(matched) = matched {
                    found.extend(store.summaries(&[id])?.value.into_iter().map(|summary| (summary, Some(matched))));
                }
            }
            Ok(found)
        })
        .await
    }

    /// Removes a trace; answers how many spans that were.
    pub async fn delete(&self, id: TraceId) -> Result<u64, Refusal> {
        self.ask(move |store| store.delete_trace(id)).await
    }

    /// Keys that attributes had.
    pub async fn keys(&self, window: Window) -> Result<Known<store::KnownKey>, Refusal> {
        let answer = self.ask(move |store| store.keys(range_of(window))).await?;
        Ok((answer.value, completeness_of(&answer.completeness), cost_of(&answer.cost)))
    }

    /// Values that an attribute had.
    pub async fn values(
        &self,
        scope: AttributeScope,
        key: String,
        window: Window,
        limit: usize,
    ) -> Result<Known<store::KnownValue>, Refusal> {
        let answer = self.ask(move |store| store.values(scope, &key, range_of(window), limit)).await?;
        Ok((answer.value, completeness_of(&answer.completeness), cost_of(&answer.cost)))
    }

    /// What may stand at byte `cursor` of an unfinished query.
    pub async fn complete(&self, text: String, cursor: usize, window: Window) -> Result<Completed, Refusal> {
        let ask = move |store: &dyn SpanStore| engine::complete(store, &text, cursor, range_of(window));
        let answer = self.ask(ask).await?;
        Ok((answer.value, completeness_of(&answer.completeness), cost_of(&answer.cost)))
    }

    /// How often each service and name occurs, roughly: whole hours are counted.
    pub async fn names(&self, window: Window) -> Result<Known<store::MinuteAggregate>, Refusal> {
        let detail = AggregateDetail { service: true, name: true, kind: false, status: false, durations: false };
        let time = range_of(window);
        let from = Instant(time.from.0 / HOUR_NANOS * HOUR_NANOS);
        // One step for all of time.
        let step = Duration((i64::MAX as u64 / HOUR_NANOS * HOUR_NANOS) as i64);
        let ask = move |store: &dyn SpanStore| store.aggregates_in_steps(TimeRange { from, ..time }, step, detail);
        let answer = self.ask(ask).await?;
        Ok((answer.value, completeness_of(&answer.completeness), cost_of(&answer.cost)))
    }

    /// The spans of a trace that a selector selects.
    pub fn select(&self, trace: &Trace, query: &str) -> Result<(Vec<SpanIndex>, Vec<QueryProblem>), Refusal> {
        selector::select(trace, query).map_err(Refusal::query)
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn SpanStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let store = self.store.clone();
        let answer = tokio::task::spawn_blocking(move || question(&*store)).await.map_err(Refusal::fault)?;
        answer.map_err(|error| Refusal::unavailable(error.to_string()))
    }
}

/// Somebody waits for an answer until this is dropped.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a query may take. A scan that nobody waits for any more is called off.
fn budget_of(timeout: Duration, bytes: u64) -> (ScanBudget, Waiting) {
    let nobody_waits = Arc::new(AtomicBool::new(false));
    let budget = ScanBudget {
        time: Some(timeout),
        bytes: Some(bytes),
        memory: Some(engine::limits::MEMORY_MAX),
        cancelled: Some(nobody_waits.clone()),
        ..ScanBudget::default()
    };
    (budget, Waiting(nobody_waits))
}

/// The time that series are about: as asked, or all that is stored; and what finding that out cost.
fn time_of_series(store: &dyn SpanStore, window: Window, now: Instant) -> Result<(TimeRange, store::Cost), StoreError> {
    let mut cost = store::Cost::default();
    let asked = range_of(window);
    if window.start.is_some() {
        let to = window.end.map_or(after(now), |_| asked.to);
        return Ok((TimeRange { from: asked.from, to }, cost));
    }
    let stored = engine::stored_time(store)?;
    cost += stored.cost;
    let stored = stored.value.unwrap_or(TimeRange { from: now, to: after(now) });
    Ok((TimeRange { from: stored.from.min(asked.to), to: stored.to.min(asked.to) }, cost))
}

pub(crate) fn range_of(window: Window) -> TimeRange {
    let all = TimeRange::default();
    TimeRange { from: window.start.unwrap_or(all.from), to: window.end.map_or(all.to, after) }
}

/// Our windows include their end, the store's ranges do not.
fn after(end: Instant) -> Instant {
    Instant(end.0.saturating_add(1))
}

fn order_of(sort: TraceSort) -> TraceOrder {
    match sort {
        TraceSort::Newest => TraceOrder::Newest,
        TraceSort::Oldest => TraceOrder::Oldest,
        TraceSort::Longest => TraceOrder::Longest,
        TraceSort::Shortest => TraceOrder::Shortest,
        TraceSort::MostErrors => TraceOrder::MostErrors,
        TraceSort::MostSpans => TraceOrder::MostSpans,
    }
}

fn cursor_of(text: &str) -> Result<store::Cursor, Refusal> {
    text.parse()
        .map_err(|error: String| Refusal::parameter("cursor", error, "give the `nextCursor` of the last answer"))
}

pub(crate) fn completeness_of(completeness: &store::Completeness) -> Completeness {
    let reasons: Vec<String> = completeness.shortfalls.iter().map(ToString::to_string).collect();
    Completeness { complete: reasons.is_empty(), reasons }
}

fn cost_of(cost: &store::Cost) -> Cost {
    Cost { elapsed: cost.time.0, rows_scanned: cost.rows.max(cost.traces), bytes_read: cost.bytes }
}
