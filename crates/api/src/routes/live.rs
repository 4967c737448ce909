//! `GET /api/v1/live`: what changes, as server-sent events, at most one of each kind every half second.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use wire::{LiveEvals, LiveGap, LiveStatus, LiveTraces};

use super::info::status_of;
use super::traces::{row_of, styles_of};
use crate::answer::Refusal;
use crate::limits::{LIVE_BATCH, LIVE_KEEP_ALIVE, LIVE_STATUS, LIVE_TRACES_MAX};
use crate::server::Api;

/// Opens the stream.
pub async fn live(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let place = api.live_connections.clone().try_acquire_owned().map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open", "close some, or reload later")
    })?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let reader = Reading {
        traces_from: last.unwrap_or_else(|| api.feed.sequence()),
        runs_from: api.runs.changed_since(u64::MAX).1,
        ready: Vec::new(),
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
            let Ok(summaries) = self.api.reader.summaries(&changed.traces[left_out..]).await else {
                // The store cannot answer now: the same changes are asked for again at the next turn.
                return;
            };
            let traces: Vec<_> = summaries.iter().map(|summary| row_of(&self.api, summary, None)).collect();
            let services = styles_of(&self.api, &traces);
            let live = LiveTraces { traces, services, left_out: left_out as u32 };
            self.ready.extend(event("traces", Some(changed.sequence), &live));
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
