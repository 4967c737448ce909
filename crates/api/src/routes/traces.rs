//! `GET /api/v1/traces`: the list.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::HeaderMap;
use model::{Duration, Instant, TraceSummary};
use serde::Deserialize;
use wire::{ServiceShare, TraceList, TraceRow, TraceSort, UnixNanos};

use crate::answer::{Answered, Refusal, json};
use crate::limits::{ORIGIN_PAGES_MAX, QUERY_BYTES_MAX, TRACES_LIMIT_DEFAULT, TRACES_LIMIT_MAX};
use crate::parameters::{duration, limit, window};
use crate::reader::{ListRequest, Listed};
use crate::server::Api;

/// The parameters.
#[derive(Debug, Default, Deserialize)]
pub struct ListParameters {
    q: Option<String>,
    since: Option<String>,
    start: Option<String>,
    end: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    origin: Option<String>,
    timeout: Option<String>,
    bytes: Option<String>,
    /// Of a search only.
    pub(super) spans: Option<String>,
}

/// Answers one page.
pub async fn list(State(api): State<Arc<Api>>, Query(asked): Query<ListParameters>, headers: HeaderMap) -> Answered {
    let began = api.clock.monotonic_nanos();
    let request = request_of(&api, &asked)?;
    let origin = origin_of(asked.origin.as_deref())?;
    let listed = match origin {
        Origin::All => api.reader.list(request).await?,
        Origin::Eval | Origin::Real => list_of_origin(&api, request, origin).await?,
    };
    json(&headers, &page_of(&api, listed, began))
}

/// Where traces come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    All,
    Eval,
    Real,
}

/// Which run a trace came from is known here, not in the store: pages are read until enough of one origin was found. So
/// that the cursor stays the store's, a page is kept whole, and the answer may hold up to twice as many as asked for.
async fn list_of_origin(api: &Api, mut request: ListRequest, origin: Origin) -> Result<Listed, Refusal> {
    let limit = request.limit;
    let mut found = Vec::new();
    let mut page = 0;
    loop {
        page += 1;
        let mut listed = api.reader.list(request.clone()).await?;
        let is_eval = |summary: &TraceSummary| api.runs.is_marked(summary.trace_id);
        let traces = std::mem::take(&mut listed.traces).into_iter();
        found.extend(traces.filter(|(summary, _)| is_eval(summary) == (origin == Origin::Eval)));
        let exhausted = page == ORIGIN_PAGES_MAX;
        if found.len() >= limit || listed.next_cursor.is_none() || exhausted {
            if exhausted && found.len() < limit && listed.next_cursor.is_some() {
                listed.completeness.lacks(format!("stopped after {} traces of other origin", page * limit));
            }
            return Ok(Listed { traces: found, ..listed });
        }
        request.cursor = listed.next_cursor;
    }
}

/// What is asked, checked.
pub fn request_of(api: &Api, asked: &ListParameters) -> Result<ListRequest, Refusal> {
    let now = Instant(api.clock.unix_nanos());
    let window = window(asked.since.as_deref(), asked.start.as_deref(), asked.end.as_deref(), now)?;
    Ok(ListRequest {
        query: asked.q.as_deref().map(checked_query).transpose()?.filter(|query| !query.trim().is_empty()),
        window,
        sort: sort_of(asked.sort.as_deref())?,
        limit: limit(asked.limit.as_deref(), TRACES_LIMIT_DEFAULT, TRACES_LIMIT_MAX)?,
        cursor: asked.cursor.clone().filter(|cursor| !cursor.is_empty()),
        timeout: timeout_of(asked.timeout.as_deref())?,
        bytes: bytes_of(asked.bytes.as_deref())?,
    })
}

/// How long a query may take.
pub fn timeout_of(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(engine::limits::TIME_DEFAULT) };
    let refused = || Refusal::parameter("timeout", format!("{text:?} is no time"), "write 500ms, 10s or 2m");
    Ok(duration(text).ok_or_else(refused)?.min(engine::limits::TIME_MAX))
}

/// How many bytes a query may read.
pub fn bytes_of(text: Option<&str>) -> Result<u64, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(engine::limits::BYTES_MAX) };
    let bytes: Result<u64, _> = text.parse();
    let bytes = bytes.map_err(|_| Refusal::parameter("bytes", format!("{text:?} is no number"), "write 500000000"))?;
    Ok(bytes.min(engine::limits::BYTES_MAX))
}

/// A query of bearable length.
pub fn checked_query(query: &str) -> Result<String, Refusal> {
    if query.len() > QUERY_BYTES_MAX {
        let error = format!("the query has {} bytes, at most {QUERY_BYTES_MAX} are read", query.len());
        return Err(Refusal::parameter("q", error, "shorten it"));
    }
    Ok(query.to_owned())
}

fn sort_of(text: Option<&str>) -> Result<TraceSort, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(TraceSort::Newest) };
    TraceSort::of_word(text).ok_or_else(|| {
        let words: Vec<&str> = TraceSort::ALL.iter().map(|sort| sort.word()).collect();
        Refusal::parameter("sort", format!("{text:?} is no order"), format!("write one of {}", words.join(", ")))
    })
}

fn origin_of(text: Option<&str>) -> Result<Origin, Refusal> {
    match text.unwrap_or("all") {
        "all" | "" => Ok(Origin::All),
        "eval" => Ok(Origin::Eval),
        "real" => Ok(Origin::Real),
        other => Err(Refusal::parameter("origin", format!("{other:?} is no origin"), "write eval, real or all")),
    }
}

fn page_of(api: &Api, listed: Listed, began: u64) -> TraceList {
    let traces: Vec<TraceRow> = listed.traces.iter().map(|(summary, matched)| row_of(api, summary, *matched)).collect();
    let services = styles_of(api, &traces);
    let mut cost = listed.cost;
    cost.elapsed = api.elapsed(began);
    TraceList {
        traces,
        services,
        next_cursor: listed.next_cursor,
        query: listed.query,
        remarks: listed.remarks,
        completeness: listed.completeness,
        cost,
    }
}

/// The looks of all services in `rows`.
pub fn styles_of(api: &Api, rows: &[TraceRow]) -> Vec<wire::ServiceStyle> {
    let names = rows
        .iter()
        .flat_map(|row| row.services.iter().map(|service| service.name.as_str()).chain([row.root_service.as_str()]));
    api.styles.of_all(names.filter(|name| !name.is_empty()))
}

/// The service that an evaluation's runner calls itself. Its waiting is no part of where a request's time went.
const RUNNER: &str = "headwater.eval";

/// A summary as a row.
pub fn row_of(api: &Api, summary: &TraceSummary, matched_spans: Option<u32>) -> TraceRow {
    TraceRow {
        trace_id: summary.trace_id.to_string(),
        start: UnixNanos(summary.start.0),
        duration: summary.duration.0,
        root_service: summary.root_service.to_string(),
        root_name: summary.root_name.to_string(),
        root_received: summary.root_received,
        span_count: summary.span_count,
        error_count: summary.error_count,
        log_count: summary.log_count,
        services: summary
            .services
            .iter()
            .filter(|service| *service.name != *RUNNER || summary.services.len() == 1)
            .map(|service| ServiceShare {
                name: service.name.to_string(),
                span_count: service.span_count,
                error_count: service.error_count,
                critical: service.critical.0,
            })
            .collect(),
        oddity_count: summary.oddity_count,
        matched_spans,
        eval: api.runs.mark(summary.trace_id),
    }
}
