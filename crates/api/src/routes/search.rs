//! `GET /api/v1/search`: traces with the spans that a query found in them.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::HeaderMap;
use wire::{FoundSpan, FoundSpanset, FoundTrace, SearchList, UnixNanos};

use super::series::labels;
use super::traces::{ListParameters, request_of, row_of};
use crate::answer::{Answered, json};
use crate::limits::{SPANS_TOLD_DEFAULT, SPANS_TOLD_MAX};
use crate::parameters::limit;
use crate::server::Api;

/// Answers one page.
pub async fn search(State(api): State<Arc<Api>>, Query(asked): Query<ListParameters>, headers: HeaderMap) -> Answered {
    let began = api.clock.monotonic_nanos();
    let request = request_of(&api, &asked)?;
    let spans = limit(asked.spans.as_deref(), SPANS_TOLD_DEFAULT, SPANS_TOLD_MAX)?;
    let found = api.reader.search(request, spans).await?;
    let mut cost = found.cost;
    cost.elapsed = api.elapsed(began);
    let traces = found.traces.into_iter().map(|found| FoundTrace {
        row: row_of(&api, &found.summary, Some(matched(&found.spansets))),
        spansets: found.spansets.into_iter().map(spanset_of).collect(),
    });
    let list = SearchList {
        traces: traces.collect(),
        next_cursor: found.next_cursor,
        query: found.query,
        completeness: found.completeness,
        cost,
    };
    json(&headers, &list)
}

fn matched(sets: &[engine::FoundSpanset]) -> u32 {
    u32::try_from(sets.iter().map(|set| set.matched).sum::<usize>()).unwrap_or(u32::MAX)
}

fn spanset_of(set: engine::FoundSpanset) -> FoundSpanset {
    let span_of = |span: engine::FoundSpan| FoundSpan {
        span_id: span.span_id.to_string(),
        name: span.name.to_string(),
        service: span.service.to_string(),
        start: UnixNanos(span.start.0),
        duration: span.duration.0,
        fields: labels(span.fields),
    };
    FoundSpanset {
        group: labels(set.group),
        matched: set.matched as u64,
        spans: set.spans.into_iter().map(span_of).collect(),
    }
}
