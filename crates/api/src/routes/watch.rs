//! `GET /api/v1/trace/{id}/watch`: waits for spans of one trace, for an evaluation beside the server.
//!
//! The cursor is `WATCH.POSITION`: which life of the server gave it, and how many batches were read. One that is not
//! known (any more) begins anew with everything stored.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use http::HeaderMap;
use model::{Batch, Instant, TraceId};
use serde::Deserialize;
use wire::{ArrivalBytes, UnixNanos, WATCH_MEDIA_TYPE, WatchHeader, encode_watch};

use super::trace::cannot_be_read;
use crate::answer::{Answered, Refusal, bytes};
use crate::feed::{ArrivedBatch, Watched};
use crate::limits::{WATCH_WAIT_DEFAULT, WATCH_WAIT_MAX};
use crate::parameters::{duration, trace_id};
use crate::server::Api;

/// `cursor=…&wait=10s`
#[derive(Debug, Default, Deserialize)]
pub struct WatchParameters {
    cursor: Option<String>,
    wait: Option<String>,
}

/// Answers at once without a cursor, or when something arrived after it; else when something does or the time is up.
pub async fn watch(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Query(asked): Query<WatchParameters>,
    headers: HeaderMap,
) -> Answered {
    let id = trace_id(&id)?;
    let wait = wait_of(asked.wait.as_deref())?;
    let cursor = asked.cursor.as_deref().filter(|text| !text.is_empty()).map(cursor_of).transpose()?;
    let _place =
        api.watches.clone().try_acquire_owned().map_err(|_| Refusal::unavailable("too many watches are waiting"))?;
    let started = api.identity.started.0;
    let known = match cursor {
        Some((life, position)) if life == started => arrived_after(&api, id, position, wait).await,
        _ => None,
    };
    let from_start = known.is_none();
    let watched = match known {
        Some(watched) => watched,
        None => everything(&api, id).await?,
    };
    let header = WatchHeader {
        cursor: format!("{started}.{}", watched.cursor),
        from_start,
        arrivals: Vec::new(),
        left_out: watched.left_out,
        now: UnixNanos(api.clock.unix_nanos()),
    };
    api.busy(move || {
        let arrivals: Vec<ArrivalBytes<'_>> = watched.arrivals.iter().map(|arrival| encoded(arrival)).collect();
        let body = encode_watch(header, &arrivals).map_err(Refusal::fault)?;
        Ok(bytes(&headers, WATCH_MEDIA_TYPE, body))
    })
    .await?
}

/// Begins the watch first, so that nothing that arrives from now on is missed, then reads what is stored. A batch that
/// arrives in between is told twice; exact duplicates are kept once by whoever assembles the trace.
async fn everything(api: &Api, id: TraceId) -> Result<Watched, Refusal> {
    let cursor = api.feed.watch(id);
    let (trace, completeness) = api.reader.trace(id).await?;
    if !completeness.complete {
        // Whoever judges the trace must not take a part of it for the whole.
        return Err(cannot_be_read(id, &completeness));
    }
    let arrivals = trace.map(|trace| {
        let batch = Batch { spans: trace.spans().to_vec(), logs: trace.logs().to_vec() };
        Arc::new(ArrivedBatch { at: Instant(0), batch })
    });
    Ok(Watched { arrivals: arrivals.into_iter().collect(), left_out: 0, cursor })
}

fn encoded(arrival: &ArrivedBatch) -> ArrivalBytes<'static> {
    ArrivalBytes {
        time: UnixNanos(arrival.at.0),
        traces: otlp::encode_traces_protobuf(&arrival.batch.spans).into(),
        logs: otlp::encode_logs_protobuf(&arrival.batch.logs).into(),
    }
}

async fn arrived_after(api: &Api, id: TraceId, position: usize, wait: Duration) -> Option<Watched> {
    let mut latest = api.feed.subscribe();
    let arrived = async {
        loop {
            // Marked as seen before looking, so that a batch in between wakes us again.
            latest.borrow_and_update();
            let arrived = api.feed.arrived(id, position)?;
            if !arrived.arrivals.is_empty() || latest.changed().await.is_err() {
                return Some(arrived);
            }
        }
    };
    tokio::select! {
        arrived = arrived => arrived,
        () = tokio::time::sleep(wait) => api.feed.arrived(id, position),
        () = api.stopped() => api.feed.arrived(id, position),
    }
}

fn wait_of(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(WATCH_WAIT_DEFAULT) };
    let wait = duration(text).ok_or_else(|| Refusal::parameter("wait", format!("{text:?} is no time"), "write 10s"))?;
    Ok(wait.to_std().min(WATCH_WAIT_MAX))
}

fn cursor_of(text: &str) -> Result<(u64, usize), Refusal> {
    let parts = text.split_once('.').and_then(|(life, position)| Some((life.parse().ok()?, position.parse().ok()?)));
    parts.ok_or_else(|| {
        Refusal::parameter("cursor", format!("{text:?} is no cursor"), "give the `cursor` of the last answer, or none")
    })
}
