//! Metrics are not kept; how many points a body holds is counted, so that the sender can be told.

use serde_json::Value as Json;

use crate::error::DecodeError;
use crate::wire::Reader;

/// How many data points an `ExportMetricsServiceRequest` holds.
///
/// # Errors
/// If the bytes are no such message.
pub fn count_metric_points_protobuf(body: &[u8]) -> Result<u64, DecodeError> {
    // resourceMetrics = 1, scopeMetrics = 2, metrics = 2, one of gauge, sum, histogram, exponential histogram, summary,
    // dataPoints = 1.
    count(Reader::new(body), &[&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]])
}

/// Counts the messages at the end of `path`; a step names the fields that lead on. At most as deep as `path` is long.
fn count(mut message: Reader<'_>, path: &[&[u32]]) -> Result<u64, DecodeError> {
    let Some((step, rest)) = path.split_first() else { return Ok(1) };
    let mut points = 0;
    while let Some((number, wire_type)) = message.field()? {
        if step.contains(&number) {
            points += count(message.message(wire_type)?, rest)?;
        } else {
            message.skip(number, wire_type)?;
        }
    }
    Ok(points)
}

/// How many data points a JSON document with `resourceMetrics` holds.
///
/// # Errors
/// If it is no JSON.
pub fn count_metric_points_json(body: &[u8]) -> Result<u64, DecodeError> {
    let document: Json = serde_json::from_slice(body).map_err(|error| DecodeError::no_json(&error))?;
    let metrics = list(&document, "resourceMetrics")
        .iter()
        .flat_map(|block| list(block, "scopeMetrics"))
        .flat_map(|scope| list(scope, "metrics"));
    let kinds = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    Ok(metrics.flat_map(|metric| kinds.map(|kind| list(&metric[kind], "dataPoints").len() as u64)).sum())
}

/// The list under `key`; anything else is an empty one.
fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}
