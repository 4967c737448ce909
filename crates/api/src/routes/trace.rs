//! One trace: outline, spans, rows, find, OTLP, deletion.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_DISPOSITION};
use http::{HeaderMap, HeaderValue, StatusCode};
use model::TraceId;
use serde::Deserialize;
use wire::{Completeness, Cost, Deleted, FindMode, FindResult, OUTLINE_MEDIA_TYPE, SpanRow};

use super::traces::{checked_query, row_of};
use crate::answer::{Answered, Refusal, bytes, json, wants_json};
use crate::find_text::find_text;
use crate::limits::{FIND_ROWS_DEFAULT, OUTLINE_ROWS_MAX};
use crate::outline::{OutlineInput, Row, Sections, encode, outline, to_json};
use crate::page::{insert_tag, matches_tag, not_modified, tag_of};
use crate::parameters::{limit, trace_id};
use crate::prepared::Prepared;
use crate::server::Api;
use crate::span_detail::{Computed, rows_of_span, span_detail};

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

/// `sections=spanId,skew`
#[derive(Debug, Default, Deserialize)]
pub struct OutlineParameters {
    sections: Option<String>,
}

/// `GET /api/v1/trace/{id}/outline`
pub async fn get_outline(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<OutlineParameters>,
    headers: HeaderMap,
) -> Answered {
    let sections = sections_of(asked.sections.as_deref().unwrap_or_default())?;
    let prepared = prepared(&api, trace_id(&id)?).await?;
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

/// `full=true`
#[derive(Debug, Default, Deserialize)]
pub struct SpanParameters {
    full: Option<bool>,
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
    let prepared = prepared(&api, trace_id(&id)?).await?;
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

/// `span=ID`
#[derive(Debug, Default, Deserialize)]
pub struct RowParameters {
    span: Option<String>,
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
    let prepared = prepared(&api, trace_id(&id)?).await?;
    json(&headers, &SpanRow { rows: rows_of_span(&prepared.trace, &prepared.rows, span_id) })
}

/// `q=…&limit=…`
#[derive(Debug, Default, Deserialize)]
pub struct FindParameters {
    q: Option<String>,
    limit: Option<String>,
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
    let prepared = prepared(&api, trace_id(&id)?).await?;
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

/// `part=logs`
#[derive(Debug, Default, Deserialize)]
pub struct OtlpParameters {
    part: Option<String>,
}

/// `GET /api/v1/trace/{id}/otlp`
pub async fn get_otlp(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<OtlpParameters>,
    headers: HeaderMap,
) -> Answered {
    let id = trace_id(&id)?;
    let prepared = prepared(&api, id).await?;
    let wants = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_protobuf = wants.contains("application/x-protobuf") || wants.contains("application/protobuf");
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
        let name = format!("attachment; filename=\"trace-{id}.json\"");
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
    if spans == 0 {
        return Err(not_found(id));
    }
    json(&headers, &Deleted { spans })
}
