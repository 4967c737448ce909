//! Evaluations: runs, one run, submitting and starting.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use http::header::CONTENT_DISPOSITION;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use wire::{Cost, EvalRun, RunAccepted, RunList, StartRun};

use crate::answer::{Answered, Refusal, bytes, json, json_with_status};
use crate::limits::RUNS_LIMIT_MAX;
use crate::parameters::limit;
use crate::run_book::RunRefused;
use crate::server::Api;

/// `suite=…&limit=…&cursor=…`
#[derive(Debug, Default, Deserialize)]
pub struct RunsParameters {
    suite: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// `GET /api/v1/evals`
pub async fn list(State(api): State<Arc<Api>>, Query(asked): Query<RunsParameters>, headers: HeaderMap) -> Answered {
    let began = api.clock.monotonic_nanos();
    let limit = limit(asked.limit.as_deref(), RUNS_LIMIT_MAX / 4, RUNS_LIMIT_MAX)?;
    let suite = asked.suite.as_deref().filter(|suite| !suite.is_empty());
    let after = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    // One more than asked for tells whether there is a next page.
    let mut runs = api.runs.list(suite, after, limit + 1);
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next_cursor = runs.last().filter(|_| more).map(|run| run.run.clone());
    let cost = Cost { elapsed: api.elapsed(began), rows_scanned: runs.len() as u64, bytes_read: 0 };
    json(&headers, &RunList { runs, next_cursor, cost })
}

/// `GET /api/v1/evals/{run}`
pub async fn get(State(api): State<Arc<Api>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    json(&headers, &kept_run(&api, &id)?)
}

fn kept_run(api: &Api, id: &str) -> Result<EvalRun, Refusal> {
    api.runs.run(id).ok_or_else(|| {
        let hint = "GET /api/v1/evals lists the runs that are kept";
        Refusal::new(StatusCode::NOT_FOUND, format!("there is no run {id:?}"), hint)
    })
}

/// `GET /api/v1/evals/{run}/report`: always a download, since the policy of this address would not let it run.
pub async fn report(State(api): State<Arc<Api>>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let run = kept_run(&api, &id)?;
    let html = api.report(&run).await.map_err(Refusal::unavailable)?;
    let mut response = bytes(&headers, "text/html; charset=utf-8", html.into_bytes());
    let name = HeaderValue::try_from(format!("attachment; filename=\"{}.html\"", run.summary.run));
    response.headers_mut().insert(CONTENT_DISPOSITION, name.map_err(Refusal::fault)?);
    Ok(response)
}

/// `POST /api/v1/evals`
pub async fn submit(State(api): State<Arc<Api>>, headers: HeaderMap, body: Bytes) -> Answered {
    let of_api = api.clone();
    let id = api.busy(move || kept(&of_api, &body)).await??;
    json_with_status(&headers, StatusCode::CREATED, &RunAccepted { run: id })
}

/// Reads and keeps a run; answers its id.
fn kept(api: &Api, body: &[u8]) -> Result<String, Refusal> {
    let run: EvalRun = serde_json::from_slice(body).map_err(|error| {
        let error = format!("the body is no run: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, error, "send what `headwater eval --output json` writes")
    })?;
    let id = run.summary.run.clone();
    api.runs.put(run).map_err(|refused| match refused {
        RunRefused::BadId(_) => Refusal::new(StatusCode::BAD_REQUEST, refused.to_string(), "give the run another id"),
        RunRefused::Exists(_) => {
            Refusal::new(StatusCode::CONFLICT, refused.to_string(), "every run has an id of its own")
        }
        RunRefused::NotKept(_) => Refusal::new(
            StatusCode::INSUFFICIENT_STORAGE,
            refused.to_string(),
            "make room on the disk, then send it again",
        ),
    })?;
    Ok(id)
}

/// `POST /api/v1/evals/start`
pub async fn start(State(api): State<Arc<Api>>, headers: HeaderMap, Json(request): Json<StartRun>) -> Answered {
    let of_api = api.clone();
    let started = api.busy(move || of_api.starter.start(&request)).await?;
    let run = started.map_err(|problem| Refusal::from((StatusCode::CONFLICT, problem)))?;
    json_with_status(&headers, StatusCode::ACCEPTED, &RunAccepted { run })
}
