//! The answer of `GET /api/v1/trace/{id}/watch`: spans as they arrive, with when they arrived.
//!
//! ```text
//! bytes 0..4   magic "HWW1"
//! bytes 4..8   u32, little endian: length of the JSON header
//! then         the JSON header, a `WatchHeader`
//! then         `tracesBytes` bytes: OTLP TracesData (protobuf)
//! then         `logsBytes` bytes: OTLP LogsData (protobuf)
//! ```

use crate::{UnixNanos, shape};

/// Media type of a watch answer.
pub const WATCH_MEDIA_TYPE: &str = "application/x-headwater-watch";

/// What every watch answer begins with.
pub const WATCH_MAGIC: &[u8; 4] = b"HWW1";

shape! {
    /// What came since the last answer.
    pub struct WatchHeader {
        /// Give it as `cursor` in the next request.
        pub cursor: String,
        /// Whether what follows is everything the trace has (then it replaces what was known) rather than what is new.
        pub from_start: bool,
        /// When what follows arrived, in that order. Empty with `fromStart` where the server no longer knows.
        pub arrivals: Vec<Arrival>,
        /// Length of the OTLP TracesData that follows.
        pub traces_bytes: u64,
        /// Length of the OTLP LogsData that follows it.
        pub logs_bytes: u64,
        /// The server's clock at the answer.
        pub now: UnixNanos,
    }

    /// Spans and log records of one service that arrived together.
    pub struct Arrival {
        /// When, by the server's clock.
        pub time: UnixNanos,
        /// The service.
        pub service: String,
        /// How many spans.
        pub span_count: u32,
        /// How many log records.
        pub log_count: u32,
        /// Latest end among the spans: with `time` it tells how long the exporter held them.
        pub latest_end: UnixNanos,
    }
}

/// A watch answer, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchFrame<'a> {
    /// The header.
    pub header: WatchHeader,
    /// OTLP TracesData.
    pub traces: &'a [u8],
    /// OTLP LogsData.
    pub logs: &'a [u8],
}

/// Joins a watch answer; the lengths in `header` are set from the bodies.
///
/// # Errors
/// If the header cannot be written as JSON.
pub fn encode_watch(mut header: WatchHeader, traces: &[u8], logs: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    (header.traces_bytes, header.logs_bytes) = (traces.len() as u64, logs.len() as u64);
    let json = serde_json::to_vec(&header)?;
    let mut frame = Vec::with_capacity(8 + json.len() + traces.len() + logs.len());
    frame.extend_from_slice(WATCH_MAGIC);
    frame.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend_from_slice(&json);
    frame.extend_from_slice(traces);
    frame.extend_from_slice(logs);
    Ok(frame)
}

/// Takes a watch answer apart.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn decode_watch(frame: &[u8]) -> Result<WatchFrame<'_>, String> {
    let cut = || format!("watch answer of {} bytes is cut short", frame.len());
    let (magic, rest) = frame.split_at_checked(4).ok_or_else(cut)?;
    if magic != WATCH_MAGIC {
        return Err(format!("expected a watch answer, read {magic:02x?} at its start"));
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let (json, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    let header: WatchHeader =
        serde_json::from_slice(json).map_err(|error| format!("cannot read the header of a watch answer: {error}"))?;
    let part = |bytes: u64| usize::try_from(bytes).map_err(|_| cut());
    let (traces, rest) = rest.split_at_checked(part(header.traces_bytes)?).ok_or_else(cut)?;
    let (logs, rest) = rest.split_at_checked(part(header.logs_bytes)?).ok_or_else(cut)?;
    if !rest.is_empty() {
        return Err(format!("watch answer has {} bytes too many", rest.len()));
    }
    Ok(WatchFrame { header, traces, logs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> WatchHeader {
        WatchHeader {
            cursor: "7".into(),
            from_start: false,
            arrivals: vec![Arrival {
                time: UnixNanos(u64::MAX),
                service: "rag".into(),
                span_count: 2,
                log_count: 0,
                latest_end: UnixNanos(5),
            }],
            traces_bytes: 0,
            logs_bytes: 0,
            now: UnixNanos(9),
        }
    }

    #[test]
    fn what_is_joined_comes_apart() {
        let bytes = encode_watch(header(), b"spans", b"log").expect("encodes");
        let frame = decode_watch(&bytes).expect("decodes");
        assert_eq!((frame.traces, frame.logs), (b"spans".as_slice(), b"log".as_slice()));
        assert_eq!(frame.header, WatchHeader { traces_bytes: 5, logs_bytes: 3, ..header() });
    }

    #[test]
    fn a_cut_or_padded_answer_is_refused() {
        let bytes = encode_watch(header(), b"spans", b"log").expect("encodes");
        for cut in 0..bytes.len() {
            assert!(decode_watch(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(decode_watch(&[bytes.as_slice(), b"!"].concat()).is_err());
    }
}
