//! Traces that match a query, one page of them, and the spans found in each.

use model::{Instant, SpanId, Text, TraceSummary};
use query::{Field, Query, Stage, View};
use store::{Answer, Cursor, ScanBudget, SpanStore, StoreError, TimeRange, TraceOrder, TraceScan};

use crate::limits::SPANS_TOLD_MAX;
use crate::plan::scan_of;
use crate::walk::join;
use crate::{Analysed, limits};

/// What is asked beside the query.
#[derive(Clone, Debug)]
pub struct Search {
    /// Only traces that start within.
    pub time: TimeRange,
    /// The order; the newest first unless said otherwise.
    pub order: TraceOrder,
    /// Traces of a page.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Spans told of each spanset, at most [`SPANS_TOLD_MAX`]; the rest are counted.
    pub spans: usize,
    /// When to stop with what there is.
    pub budget: ScanBudget,
}

impl Default for Search {
    fn default() -> Self {
        let budget = ScanBudget {
            time: Some(limits::TIME_DEFAULT),
            bytes: Some(limits::BYTES_MAX),
            memory: Some(limits::MEMORY_MAX),
            ..ScanBudget::default()
        };
        Self {
            time: TimeRange::default(),
            order: TraceOrder::default(),
            limit: store::limits::PAGE_DEFAULT,
            cursor: None,
            spans: 3,
            budget,
        }
    }
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// The traces, in the order asked for.
    pub traces: Vec<Match>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

/// A trace that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The whole trace in a row.
    pub summary: TraceSummary,
    /// What the query found; several where it groups.
    pub spansets: Vec<FoundSpanset>,
}

/// Spans that were found together.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSpanset {
    /// What `by(…)` grouped by: expression and value.
    pub group: Vec<(String, String)>,
    /// How many spans there are.
    pub matched: usize,
    /// The first of them, by start.
    pub spans: Vec<FoundSpan>,
}

/// A span that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSpan {
    /// The span.
    pub span_id: SpanId,
    /// Its name.
    pub name: Text,
    /// Its service.
    pub service: Text,
    /// When it began.
    pub start: Instant,
    /// How long it took.
    pub duration: model::Duration,
    /// What `select(…)` asked for: field and values, where there are any.
    pub fields: Vec<(String, String)>,
}

/// Finds traces. What changes between the scan and the reading of a trace (an arrival, a retention) may leave a trace of
/// the page without spans; it is told all the same.
///
/// # Errors
/// As for [`SpanStore::scan`].
pub fn search(store: &dyn SpanStore, query: &Query, search: &Search) -> Result<Answer<Matches>, StoreError> {
    let page = store.scan(&TraceScan {
        time: search.time,
        order: search.order,
        limit: search.limit,
        cursor: search.cursor,
        budget: search.budget.clone(),
        ..scan_of(query)
    })?;
    let (mut completeness, mut cost) = (page.completeness, page.cost);
    let mut traces = Vec::with_capacity(page.value.traces.len());
    for found in page.value.traces {
        let mut spansets = Vec::new();
        if search.spans > 0 {
            let answer = store.trace(found.summary.trace_id)?;
            cost += answer.cost;
            join(&mut completeness, answer.completeness);
            if let Some(trace) = answer.value {
                spansets = spansets_of(query, &trace, search.spans.min(SPANS_TOLD_MAX));
            }
        }
        traces.push(Match { summary: found.summary, spansets });
    }
    Ok(Answer { value: Matches { traces, next: page.value.next }, completeness, cost })
}

fn spansets_of(query: &Query, trace: &model::Trace, spans_told: usize) -> Vec<FoundSpanset> {
    let computed = Analysed::new(trace);
    let view = View::with_computed(trace, &computed);
    let fields = selected(query);
    let told = |index: model::SpanIndex| {
        let span = trace.span(index);
        let value = |field: &&Field| {
            let texts = query::field_texts(field, &view, index);
            (!texts.is_empty()).then(|| (field.to_string(), texts.join(", ")))
        };
        FoundSpan {
            span_id: span.span_id,
            name: span.name.clone(),
            service: span.service_name().into(),
            start: span.start,
            duration: span.duration(),
            fields: fields.iter().filter_map(value).collect(),
        }
    };
    query::evaluate(query, &view)
        .into_iter()
        .map(|set| FoundSpanset {
            group: set.group,
            matched: set.spans.len(),
            spans: set.spans.iter().take(spans_told).map(|&index| told(index)).collect(),
        })
        .collect()
}

/// The fields of every `select(…)`.
fn selected(query: &Query) -> Vec<&Field> {
    let lists = query.stages.iter().filter_map(|stage| match stage {
        Stage::Select(fields) => Some(fields),
        _ => None,
    });
    lists.flatten().collect()
}
