//! One trace: outline, spans, rows, find, OTLP, deletion.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::ClockOffsets;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_DISPOSITION};
use http::{HeaderMap, HeaderValue, StatusCode};
use model::{Instant, TraceId};
use serde::Deserialize;
use wire::{Completeness, Cost, Deleted, FindMode, FindResult, OUTLINE_MEDIA_TYPE, SpanRow, TraceClocks};

use super::traces::{checked_query, row_of};
use crate::answer::{Answered, Refusal, bytes, json, wants_json};
use crate::explained::clocks_of;
use crate::find_text::find_text;
use crate::limits::{ANALYSIS_TIME_DEFAULT, FIND_ROWS_DEFAULT, OUTLINE_ROWS_MAX};
use crate::outline::{OutlineInput, Row, Sections, encode, outline, to_json};
use crate::page::{insert_tag, matches_tag, not_modified, tag_of};
use crate::parameters::{limit, trace_id};
use crate::prepared::{ClocksAround, Prepared};
use crate::selection::{Selected, walk_in_parts};
use crate::server::Api;
use crate::span_detail::{Computed, rows_of_span, span_detail};
use crate::task;

/// The trace, ready.
async fn prepared(api: &Api, id: TraceId) -> Result<Arc<Prepared>, Refusal> {
    let changed_at = api.feed.changed_at(id);
    let now = api.clock.monotonic_nanos();
    if let Some(prepared) = api.prepared.find(id, changed_at, now) {
        return Ok(prepared);
    }
    let (trace, completeness) = api.reader.trace(id).await?;
    let Some(trace) = trace else {
        return Err(if completeness.complete { not_found(id) } else { cannot_be_read(id, &completeness) });
    };
    let prepared = Arc::new(api.busy(move || Prepared::new(trace, completeness)).await?);
    api.prepared.keep(id, changed_at, now, prepared.clone());
    Ok(prepared)
}

/// The trace, ready: as received, or with the proven offsets of its hosts' clocks taken out.
async fn prepared_as(api: &Arc<Api>, id: TraceId, clocks: Option<&str>) -> Result<Arc<Prepared>, Refusal> {
    match clocks.unwrap_or_default() {
        "" | "received" => prepared(api, id).await,
        "adjusted" => adjusted(api, id).await,
        other => Err(Refusal::parameter(
            "clocks",
            format!("{other:?} is no way to see clocks"),
            "write received or adjusted",
        )),
    }
}

async fn adjusted(api: &Arc<Api>, id: TraceId) -> Result<Arc<Prepared>, Refusal> {
    let changed_at = api.feed.changed_at(id);
    let received = prepared(api, id).await?;
    let now = api.clock.monotonic_nanos();
    if let Some(adjusted) = api.adjusted.find(id, changed_at, now) {
        return Ok(adjusted);
    }
    let clocks = clocks_around(api, received.summary.start).await?;
    let prepared = Arc::new(api.busy(move || received.adjusted(clocks)).await?);
    api.adjusted.keep(id, changed_at, now, prepared.clone());
    Ok(prepared)
}

/// The clocks of all hosts, by the calls of the traces around a time.
async fn clocks_around(api: &Arc<Api>, time: Instant) -> Result<ClocksAround, Refusal> {
    let selected = Selected::around(time);
    task::run(api, ANALYSIS_TIME_DEFAULT, move |task| {
        let chosen = selected.choose(task)?;
        let (looked, parts) = walk_in_parts(task, &chosen.ids, ClockOffsets::new, ClockOffsets::add)?;
        let mut offsets = ClockOffsets::new();
        parts.into_iter().for_each(|part| offsets.merge(part));
        let clocks = offsets.hosts();
        let mut completeness = looked.completeness(&chosen);
        for (left_out, what) in [(offsets.left_out(), "calls between hosts"), (clocks.left_out, "hosts")] {
            if left_out > 0 {
                completeness.lacks(format!("{left_out} {what} are left out: there are too many"));
            }
        }
        Ok(ClocksAround {
            clocks,
            looked_at: looked.looked_at(&chosen),
            completeness,
            cost: looked.cost(&chosen, task),
        })
    })
    .await
}

/// `GET /api/v1/trace/{id}/clocks`
pub async fn get_clocks(State(api): State<Arc<Api>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let prepared = adjusted(&api, trace_id(&id)?).await?;
    let around = prepared.clocks.as_ref().ok_or_else(|| Refusal::fault("the clocks were not looked at"))?;
    let here: BTreeSet<&str> = around.clocks.of_trace(&prepared.trace);
    let told = TraceClocks {
        looked_at: around.looked_at.clone(),
        clocks: clocks_of(&around.clocks, |host| here.contains(host)),
        completeness: around.completeness.clone(),
        cost: around.cost.clone(),
    };
    json(&headers, &told)
}

/// It may be there, or more of it: not everything that is stored could be looked at.
pub fn cannot_be_read(id: TraceId, completeness: &Completeness) -> Refusal {
    let hint = "`headwater store verify` says which files are damaged";
    let error = format!("trace {id} cannot be read whole: {}", completeness.reasons.join("; "));
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error, hint)
}

fn not_found(id: TraceId) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("there is no trace {id}"),
        "it was not received yet, was dropped by retention, or the id is wrong",
    )
}

/// `sections=spanId,skew&clocks=adjusted`
#[derive(Debug, Default, Deserialize)]
pub struct OutlineParameters {
    sections: Option<String>,
    clocks: Option<String>,
}

/// `GET /api/v1/trace/{id}/outline`
pub async fn get_outline(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<OutlineParameters>,
    headers: HeaderMap,
) -> Answered {
    let sections = sections_of(asked.sections.as_deref().unwrap_or_default())?;
    let id = trace_id(&id)?;
    let prepared = prepared_as(&api, id, asked.clocks.as_deref()).await?;
    // What would be added to the times, of a trace as received; what was moved, of an adjusted one.
    let clocks = match &prepared.clocks {
        None if sections.skew => adjusted(&api, id).await?.clocks.clone(),
        clocks => clocks.clone(),
    };
    let as_json = wants_json(&headers);
    let of_api = api.clone();
    // Coding, hashing and compressing tens of megabytes is work for a thread that may be busy.
    api.busy(move || {
        let summary = row_of(&of_api, &prepared.summary, None);
        let outline = outline(OutlineInput {
            trace: &prepared.trace,
            completeness: &prepared.completeness,
            rows: &prepared.rows,
            critical: &prepared.critical_path,
            self_times: &prepared.self_times,
            shifts: &clocks.map(|around| around.clocks.shifts(&prepared.trace)).unwrap_or_default(),
            is_adjusted: prepared.clocks.is_some(),
            summary,
            styles: &|services| of_api.styles.of_each(services.iter().map(String::as_str)),
        });
        let body = if as_json { serde_json::to_vec(&to_json(outline, sections)) } else { encode(outline, sections) };
        let body = body.map_err(Refusal::fault)?;
        let tag = tag_of(&body);
        if matches_tag(&headers, &tag) {
            return Ok(not_modified(&tag));
        }
        let mut response = bytes(&headers, if as_json { "application/json" } else { OUTLINE_MEDIA_TYPE }, body);
        insert_tag(response.headers_mut(), &tag);
        Ok(response)
    })
    .await?
}

fn sections_of(text: &str) -> Result<Sections, Refusal> {
    let mut sections = Sections::default();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "spanId" => sections.span_ids = true,
            "skew" => sections.skew = true,
            other => {
                let error = format!("there is no section {other:?}");
                return Err(Refusal::parameter("sections", error, "write spanId, skew or both"));
            }
        }
    }
    Ok(sections)
}

/// `full=true&clocks=adjusted`
#[derive(Debug, Default, Deserialize)]
pub struct SpanParameters {
    full: Option<bool>,
    clocks: Option<String>,
}

/// `GET /api/v1/trace/{id}/spans/{row}`
pub async fn get_span(
    State(api): State<Arc<Api>>,
    Path((id, row)): Path<(String, String)>,
    Query(asked): Query<SpanParameters>,
    headers: HeaderMap,
) -> Answered {
    let row: u32 = row
        .parse()
        .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, format!("{row:?} is no row"), "rows are counted from 0"))?;
    let prepared = prepared_as(&api, trace_id(&id)?, asked.clocks.as_deref()).await?;
    let computed = Computed { self_times: &prepared.self_times, critical: &prepared.critical };
    let detail = span_detail(&prepared.trace, &prepared.rows, row, &computed, asked.full.unwrap_or(false));
    match detail {
        Some(detail) => json(&headers, &detail),
        None => Err(no_span(&prepared, row)),
    }
}

fn no_span(prepared: &Prepared, row: u32) -> Refusal {
    match prepared.rows.at(row) {
        Some(Row::Missing(id)) => Refusal::new(
            StatusCode::NOT_FOUND,
            format!("span {id} was named as a parent but not received"),
            "its service may not export, may have sampled it out, or may send it later",
        ),
        _ => Refusal::new(
            StatusCode::NOT_FOUND,
            format!("there is no row {row}: the trace has {}", prepared.rows.rows.len()),
            "load the outline again: rows move when spans arrive",
        ),
    }
}

/// `span=ID&clocks=adjusted`
#[derive(Debug, Default, Deserialize)]
pub struct RowParameters {
    span: Option<String>,
    clocks: Option<String>,
}

/// `GET /api/v1/trace/{id}/row`
pub async fn get_row(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<RowParameters>,
    headers: HeaderMap,
) -> Answered {
    let span = asked.span.unwrap_or_default();
    let span_id = span
        .parse()
        .map_err(|error| Refusal::parameter("span", format!("no span id: {error}"), "a span id has 16 hex digits"))?;
    let prepared = prepared_as(&api, trace_id(&id)?, asked.clocks.as_deref()).await?;
    json(&headers, &SpanRow { rows: rows_of_span(&prepared.trace, &prepared.rows, span_id) })
}

/// `q=…&limit=…&clocks=adjusted`
#[derive(Debug, Default, Deserialize)]
pub struct FindParameters {
    q: Option<String>,
    limit: Option<String>,
    clocks: Option<String>,
}

/// `GET /api/v1/trace/{id}/find`
pub async fn find(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<FindParameters>,
    headers: HeaderMap,
) -> Answered {
    let began = api.clock.monotonic_nanos();
    let query = checked_query(asked.q.as_deref().unwrap_or_default().trim())?;
    let limit = limit(asked.limit.as_deref(), FIND_ROWS_DEFAULT, OUTLINE_ROWS_MAX)?;
    let prepared = prepared_as(&api, trace_id(&id)?, asked.clocks.as_deref()).await?;
    let scanned = prepared.trace.spans().len() as u64;
    let mode = if query.starts_with('{') { FindMode::Selector } else { FindMode::Text };
    let reader = api.reader.clone();
    let (mut rows, remarks) = api
        .busy(move || {
            let (found, remarks) = match mode {
                FindMode::Selector => reader.select(&prepared.trace, &query)?,
                FindMode::Text => (find_text(&prepared.trace, &query), Vec::new()),
            };
            let rows: Vec<u32> = found.into_iter().filter_map(|span| prepared.rows.row_of(span)).collect();
            Ok::<_, Refusal>((rows, remarks))
        })
        .await??;
    rows.sort_unstable();
    let cut = rows.len() > limit;
    rows.truncate(limit);
    let cost = Cost { elapsed: api.elapsed(began), rows_scanned: scanned, bytes_read: 0 };
    json(&headers, &FindResult { rows, mode, cut, remarks, cost })
}

/// `part=logs&clocks=adjusted`
#[derive(Debug, Default, Deserialize)]
pub struct OtlpParameters {
    part: Option<String>,
    clocks: Option<String>,
}

/// `GET /api/v1/trace/{id}/otlp`
pub async fn get_otlp(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<OtlpParameters>,
    headers: HeaderMap,
) -> Answered {
    let id = trace_id(&id)?;
    let prepared = prepared_as(&api, id, asked.clocks.as_deref()).await?;
    let wants = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_protobuf = wants.contains("application/x-protobuf") || wants.contains("application/protobuf");
    let is_adjusted = if prepared.clocks.is_some() { "-adjusted" } else { "" };
    let only_logs = asked.part.as_deref() == Some("logs");
    let mut response = api
        .busy(move || {
            let (spans, logs) = (prepared.trace.spans(), prepared.trace.logs());
            let (media_type, body) = match (as_protobuf, only_logs) {
                (true, true) => ("application/x-protobuf", otlp::encode_logs_protobuf(logs)),
                (true, false) => ("application/x-protobuf", otlp::encode_traces_protobuf(spans)),
                (false, _) => ("application/json", otlp::encode_json(spans, logs).into_bytes()),
            };
            bytes(&headers, media_type, body)
        })
        .await?;
    if !as_protobuf {
        let name = format!("attachment; filename=\"trace-{id}{is_adjusted}.json\"");
        response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Refusal::fault)?);
    }
    Ok(response)
}

/// `GET /api/v1/trace/{id}/report`: always a download, as that of a run.
pub async fn get_report(State(api): State<Arc<Api>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let id = trace_id(&id)?;
    let html = api.trace_report(id).await.map_err(Refusal::unavailable)?.ok_or_else(|| not_found(id))?;
    let mut response = bytes(&headers, "text/html; charset=utf-8", html.into_bytes());
    let name = format!("attachment; filename=\"trace-{id}.html\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Refusal::fault)?);
    Ok(response)
}

/// `DELETE /api/v1/trace/{id}`
pub async fn delete(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = trace_id(&id)?;
    let spans = api.reader.delete(id).await?;
    api.prepared.forget(id);
    api.adjusted.forget(id);
    if spans == 0 {
        return Err(not_found(id));
    }
    json(&headers, &Deleted { spans })
}
