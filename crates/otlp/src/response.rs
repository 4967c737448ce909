//! What a receiver answers: export responses with `partial_success`, and `google.rpc.Status` for what it refuses.

use crate::json_encode::Json;
use crate::wire::{Reader, Writer};

/// Whose response it is; each signal has its own word for what was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseSignal {
    /// `ExportTraceServiceResponse`.
    Traces,
    /// `ExportLogsServiceResponse`.
    Logs,
    /// `ExportMetricsServiceResponse`.
    Metrics,
}

/// An export response. With nothing rejected and no message it is empty, which says full success.
#[must_use]
pub fn encode_response_protobuf(rejected: u64, message: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    if rejected > 0 || !message.is_empty() {
        writer.message(1, |writer| {
            writer.uint64(1, rejected);
            writer.bytes(2, message.as_bytes());
        });
    }
    writer.bytes
}

/// An export response in JSON.
#[must_use]
pub fn encode_response_json(signal: ResponseSignal, rejected: u64, message: &str) -> String {
    let key = match signal {
        ResponseSignal::Traces => "rejectedSpans",
        ResponseSignal::Logs => "rejectedLogRecords",
        ResponseSignal::Metrics => "rejectedDataPoints",
    };
    let mut json = Json::default();
    json.object(|json| {
        if rejected > 0 || !message.is_empty() {
            json.field("partialSuccess", |json| {
                json.string(key, &rejected.to_string());
                json.string("errorMessage", message);
            });
        }
    });
    json.text
}

/// How many were rejected and why, from an export response of any signal; none if it is no such message.
#[must_use]
pub fn decode_partial_success(response: &[u8]) -> Option<(u64, String)> {
    let mut reader = Reader::new(response);
    let (mut rejected, mut message) = (0, String::new());
    while let Some((number, wire_type)) = reader.field().ok()? {
        if number != 1 {
            reader.skip(number, wire_type).ok()?;
            continue;
        }
        let mut partial = reader.message(wire_type).ok()?;
        while let Some((number, wire_type)) = partial.field().ok()? {
            match number {
                1 => rejected = partial.uint64(wire_type).ok()?,
                2 => message = partial.text(wire_type).ok()?.to_owned(),
                _ => partial.skip(number, wire_type).ok()?,
            }
        }
    }
    Some((rejected, message))
}

/// `google.rpc.Status`; `retry_after_seconds` becomes a `google.rpc.RetryInfo` among its details.
#[must_use]
pub fn encode_status_protobuf(code: i32, message: &str, retry_after_seconds: Option<u64>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.int32(1, code);
    writer.bytes(2, message.as_bytes());
    if let Some(seconds) = retry_after_seconds {
        let mut retry_info = Writer::default();
        retry_info.message(1, |delay| delay.uint64(1, seconds));
        writer.message(3, |any| {
            any.bytes(1, b"type.googleapis.com/google.rpc.RetryInfo");
            any.bytes(2, &retry_info.bytes);
        });
    }
    writer.bytes
}

/// `google.rpc.Status` in JSON.
#[must_use]
pub fn encode_status_json(code: i32, message: &str) -> String {
    let mut json = Json::default();
    json.object(|json| {
        json.plain("code", code);
        json.string("message", message);
    });
    json.text
}
