//! `GET /api/v1/map`: who calls whom.

use std::sync::{Arc, PoisonError};

use axum::extract::{Query, State};
use http::HeaderMap;
use model::{Instant, TraceId, TraceSummary};
use serde::Deserialize;
use wire::{Completeness, Cost, ServiceMap, TraceSort, UnixNanos};

use crate::answer::{Answered, Refusal, json};
use crate::limits::{MAP_PAGE, MAP_TRACES_DEFAULT, MAP_TRACES_MAX};
use crate::parameters::{Window, limit, window};
use crate::reader::ListRequest;
use crate::server::Api;
use crate::service_map::MapBuilder;

/// The parameters.
#[derive(Debug, Default, Deserialize)]
pub struct MapParameters {
    since: Option<String>,
    start: Option<String>,
    end: Option<String>,
    service: Option<String>,
    operation: Option<String>,
    limit: Option<String>,
}

impl MapParameters {
    fn wants(&self, summary: &TraceSummary) -> bool {
        let is = |wanted: &Option<String>, root: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted == root)
        };
        is(&self.service, &summary.root_service) && is(&self.operation, &summary.root_name)
    }
}

/// The window when none is asked for.
const SINCE_DEFAULT: &str = "30m";

/// Reads the newest traces of the window page by page.
pub async fn map(State(api): State<Arc<Api>>, Query(asked): Query<MapParameters>, headers: HeaderMap) -> Answered {
    let began = api.clock.monotonic_nanos();
    let now = Instant(api.clock.unix_nanos());
    let has_window = asked.since.is_some() || asked.start.is_some() || asked.end.is_some();
    let since = if has_window { asked.since.as_deref() } else { Some(SINCE_DEFAULT) };
    let window = window(since, asked.start.as_deref(), asked.end.as_deref(), now)?;
    let limit = limit(asked.limit.as_deref(), MAP_TRACES_DEFAULT, MAP_TRACES_MAX)?;
    let (builder, mut completeness) = read(&api, &asked, window, limit).await?;
    if builder.left_out() > 0 {
        completeness.lacks(format!("{} nodes and edges are left out", builder.left_out()));
    }
    let not_learned = api.peers.lock().unwrap_or_else(PoisonError::into_inner).not_learned();
    if not_learned > 0 {
        completeness.lacks(format!("{not_learned} times an address was not learned: there are too many"));
    }
    let nodes = builder.nodes();
    let map = ServiceMap {
        start: UnixNanos(window.start.unwrap_or_default().0),
        end: UnixNanos(window.end.unwrap_or(now).0),
        services: api.styles.of_all(nodes.iter().filter(|node| !node.inferred).map(|node| node.name.as_str())),
        nodes,
        edges: builder.edges(),
        roots: builder.roots(),
        trace_count: builder.trace_count(),
        sampled_trace_count: builder.sampled_trace_count(),
        completeness,
        cost: Cost { elapsed: api.elapsed(began), rows_scanned: builder.span_count, bytes_read: 0 },
    };
    json(&headers, &map)
}

async fn read(
    api: &Arc<Api>,
    asked: &MapParameters,
    window: Window,
    limit: usize,
) -> Result<(MapBuilder, Completeness), Refusal> {
    let mut builder = MapBuilder::default();
    let mut completeness = Completeness::whole();
    let mut seen = 0;
    let mut cursor = None;
    loop {
        let page = MAP_PAGE.min(limit - seen);
        let request = ListRequest {
            query: None,
            window,
            sort: TraceSort::Newest,
            limit: page,
            cursor,
            timeout: engine::limits::TIME_DEFAULT,
            bytes: engine::limits::BYTES_MAX,
        };
        let listed = api.reader.list(request).await?;
        seen += listed.traces.len();
        completeness.add(listed.completeness);
        listed.traces.iter().for_each(|(summary, _)| builder.add_root(summary));
        let wanted = listed.traces.iter().filter(|(summary, _)| asked.wants(summary));
        let ids: Vec<TraceId> = wanted.map(|(summary, _)| summary.trace_id).collect();
        let (traces, read) = api.reader.traces(ids).await?;
        completeness.add(read);
        let of_api = api.clone();
        builder = api
            .busy(move || {
                builder.add(&traces, &of_api.peers);
                builder
            })
            .await?;
        cursor = listed.next_cursor;
        if cursor.is_none() {
            return Ok((builder, completeness));
        }
        if seen >= limit {
            completeness.lacks(format!("only the newest {seen} traces of the window were looked at"));
            return Ok((builder, completeness));
        }
    }
}
