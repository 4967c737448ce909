//! What a receiver answers: export responses with `partial_success`, and `google.rpc.Status` for what it refuses.

use std::time::Duration;

use crate::error::DecodeError;
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

/// What a `google.rpc.Status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RpcStatus {
    /// Its words; empty if it has none.
    pub message: String,
    /// The delay of a `google.rpc.RetryInfo` among its details.
    pub retry_after: Option<Duration>,
}

/// What can be read of a `google.rpc.Status`; other bytes make an empty one.
#[must_use]
pub fn decode_status_protobuf(status: &[u8]) -> RpcStatus {
    let mut read = RpcStatus::default();
    // What stands before something broken is worth telling all the same.
    let _ = read_status(Reader::new(status), &mut read);
    read
}

fn read_status(mut reader: Reader<'_>, status: &mut RpcStatus) -> Result<(), DecodeError> {
    while let Some((number, wire_type)) = reader.field()? {
        match number {
            2 => status.message = reader.text(wire_type)?.to_owned(),
            3 => status.retry_after = status.retry_after.or(retry_info(reader.message(wire_type)?)?),
            _ => reader.skip(number, wire_type)?,
        }
    }
    Ok(())
}

/// The delay in a `google.protobuf.Any`, if it is a `google.rpc.RetryInfo`.
fn retry_info(mut any: Reader<'_>) -> Result<Option<Duration>, DecodeError> {
    let (mut kind, mut content) = ("", None);
    while let Some((number, wire_type)) = any.field()? {
        match number {
            1 => kind = any.text(wire_type)?,
            2 => content = Some(any.message(wire_type)?),
            _ => any.skip(number, wire_type)?,
        }
    }
    let Some(mut info) = content.filter(|_| kind.ends_with("google.rpc.RetryInfo")) else { return Ok(None) };
    let mut delay = Duration::ZERO;
    while let Some((number, wire_type)) = info.field()? {
        match number {
            1 => delay = duration(info.message(wire_type)?)?,
            _ => info.skip(number, wire_type)?,
        }
    }
    Ok(Some(delay))
}

fn duration(mut message: Reader<'_>) -> Result<Duration, DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some((number, wire_type)) = message.field()? {
        match number {
            1 => seconds = message.uint64(wire_type)?,
            2 => nanos = message.uint64(wire_type)?,
            _ => message.skip(number, wire_type)?,
        }
    }
    Ok(Duration::new(seconds, u32::try_from(nanos).unwrap_or(0).min(999_999_999)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_up_to_what_is_broken() {
        let status = encode_status_protobuf(8, "later", Some(9));
        let whole = RpcStatus { message: "later".to_owned(), retry_after: Some(Duration::from_secs(9)) };
        assert_eq!(decode_status_protobuf(&status), whole);
        let cut = &status[..status.len() - 1];
        assert_eq!(decode_status_protobuf(cut), RpcStatus { message: "later".to_owned(), retry_after: None });
        for no_status in [&b"plain text"[..], &[0xff; 30], b""] {
            assert_eq!(decode_status_protobuf(no_status), RpcStatus::default());
        }
    }
}
