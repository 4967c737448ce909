//! `GET /api/v1/series`: a metrics query.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::HeaderMap;
use model::Instant;
use serde::Deserialize;
use wire::{Exemplar, Series, SeriesLabel, SeriesList, UnixNanos};

use super::traces::{bytes_of, checked_query, timeout_of};
use crate::answer::{Answered, Refusal, json};
use crate::parameters::{duration, window};
use crate::reader::SeriesRequest;
use crate::server::Api;

/// The parameters.
#[derive(Debug, Default, Deserialize)]
pub struct SeriesParameters {
    q: Option<String>,
    since: Option<String>,
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
    timeout: Option<String>,
    bytes: Option<String>,
}

/// Answers with series.
pub async fn series(
    State(api): State<Arc<Api>>,
    Query(asked): Query<SeriesParameters>,
    headers: HeaderMap,
) -> Answered {
    let began = api.clock.monotonic_nanos();
    let now = Instant(api.clock.unix_nanos());
    let step = asked.step.as_deref().filter(|text| !text.is_empty());
    let read = |text| {
        duration(text).ok_or_else(|| Refusal::parameter("step", format!("{text:?} is no step"), "write 15s, 1m or 1h"))
    };
    let request = SeriesRequest {
        query: checked_query(asked.q.as_deref().unwrap_or_default())?,
        window: window(asked.since.as_deref(), asked.start.as_deref(), asked.end.as_deref(), now)?,
        now,
        step: step.map(read).transpose()?,
        timeout: timeout_of(asked.timeout.as_deref())?,
        bytes: bytes_of(asked.bytes.as_deref())?,
    };
    let counted = api.reader.series(request).await?;
    let mut cost = counted.cost;
    cost.elapsed = api.elapsed(began);
    let list = SeriesList {
        series: counted.answer.series.into_iter().map(series_of).collect(),
        start: UnixNanos(counted.window.from().0),
        end: UnixNanos(counted.window.to().0),
        step: counted.window.step().0,
        spans: counted.answer.spans,
        query: counted.query,
        completeness: counted.completeness,
        cost,
    };
    json(&headers, &list)
}

fn series_of(series: query::Series) -> Series {
    let exemplar = |exemplar: &query::Exemplar| Exemplar {
        trace_id: exemplar.trace_id.to_string(),
        span_id: exemplar.span_id.to_string(),
        time: UnixNanos(exemplar.at.0),
        value: exemplar.value,
    };
    Series {
        exemplars: series.exemplars.iter().map(exemplar).collect(),
        labels: labels(series.labels),
        points: series.points,
    }
}

/// Names and values as labels.
pub fn labels(pairs: Vec<(String, String)>) -> Vec<SeriesLabel> {
    pairs.into_iter().map(|(name, value)| SeriesLabel { name, value }).collect()
}
