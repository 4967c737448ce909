//! `GET /api/v1/live`: what changes, as server-sent events, at most one of each kind every half second.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::Residual;
use tokio::sync::OwnedSemaphorePermit;
use wire::{LiveEvals, LiveGap, LiveStatus, LiveTraces};

use super::info::status_of;
use super::traces::{checked_query, row_of, styles_of};
use crate::answer::Refusal;
use crate::limits::{LIVE_BATCH, LIVE_KEEP_ALIVE, LIVE_STATUS, LIVE_TRACES_MAX};
use crate::selector;
use crate::server::Api;

/// `q={ status = error }`: only traces that the query finds.
#[derive(Debug, Default, Deserialize)]
pub struct LiveParameters {
    q: Option<String>,
}

/// Opens the stream.
pub async fn live(
    State(api): State<Arc<Api>>,
    Query(asked): Query<LiveParameters>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let query = asked.q.as_deref().map(checked_query).transpose()?.filter(|query| !query.trim().is_empty());
    let query = query.map(|text| selector::parse(&text)).transpose().map_err(Refusal::query)?;
    let place = api.live_connections.clone().try_acquire_owned().map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open", "close some, or reload later")
    })?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let reader = Reading {
        traces_from: last.unwrap_or_else(|| api.feed.sequence()),
        runs_from: api.runs.changed_since(u64::MAX).1,
        ready: Vec::new(),
        wanted: query.map(engine::residual),
        api,
        _place: place,
    };
    let stream = Sse::new(events(reader)).keep_alive(KeepAlive::new().interval(LIVE_KEEP_ALIVE));
    let mut response = stream.into_response();
    // Proxies that collect answers would hold events back.
    response.headers_mut().insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    Ok(response)
}

struct Reading {
    api: Arc<Api>,
    traces_from: u64,
    runs_from: u64,
    /// Events made and not yet sent, the next one last.
    ready: Vec<Event>,
    /// Which traces are told; all, without one.
    wanted: Option<Residual>,
    _place: OwnedSemaphorePermit,
}

fn events(reading: Reading) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold((reading, 0_u64), |(mut reading, mut ticks)| async move {
        loop {
            if let Some(event) = reading.ready.pop() {
                return Some((Ok(event), (reading, ticks)));
            }
            if ticks > 0 {
                tokio::select! {
                    () = tokio::time::sleep(LIVE_BATCH) => {}
                    () = reading.api.stopped() => return None,
                }
            }
            let status_due = ticks.is_multiple_of((LIVE_STATUS.as_millis() / LIVE_BATCH.as_millis()) as u64);
            ticks += 1;
            reading.collect(status_due).await;
        }
    })
}

impl Reading {
    /// Makes the events that are due.
    async fn collect(&mut self, status_due: bool) {
        if status_due {
            let status = LiveStatus { status: status_of(&self.api) };
            self.ready.extend(event("status", None, &status));
        }
        let (runs, runs_from) = self.api.runs.changed_since(self.runs_from);
        self.runs_from = runs_from;
        if !runs.is_empty() {
            self.ready.extend(event("evals", None, &LiveEvals { runs }));
        }
        self.collect_traces().await;
    }

    async fn collect_traces(&mut self) {
        let changed = self.api.feed.changed_since(self.traces_from);
        if changed.gap {
            let reason = "more changed than is remembered".to_owned();
            self.ready.extend(event("gap", Some(changed.sequence), &LiveGap { reason }));
        } else if changed.traces.is_empty() {
            return;
        } else {
            let left_out = changed.traces.len().saturating_sub(LIVE_TRACES_MAX);
            let told = &changed.traces[left_out..];
            let Ok(summaries) = self.api.reader.matching(told, self.wanted.clone()).await else {
                // The store cannot answer now: the same changes are asked for again at the next turn.
                return;
            };
            let traces: Vec<_> =
                summaries.iter().map(|(summary, matched)| row_of(&self.api, summary, *matched)).collect();
            let services = styles_of(&self.api, &traces);
            let live = LiveTraces { traces, services, left_out: left_out as u32 };
            if !live.traces.is_empty() || left_out > 0 {
                self.ready.extend(event("traces", Some(changed.sequence), &live));
            }
        }
        self.traces_from = changed.sequence;
    }
}

fn event(name: &str, id: Option<u64>, data: &impl Serialize) -> Option<Event> {
    let event = Event::default().event(name).data(serde_json::to_string(data).ok()?);
    Some(match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    })
}
