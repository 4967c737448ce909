//! The answer of `GET /api/v1/trace/{id}/watch`: spans as they arrive, with when they arrived.
//!
//! ```text
//! bytes 0..4   magic "HWW1"
//! bytes 4..8   u32, little endian: length of the JSON header
//! then         the JSON header, a `WatchHeader`
//! then         for each of its arrivals: `tracesBytes` bytes of OTLP TracesData, `logsBytes` bytes of OTLP LogsData
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
        /// What arrived, in that order.
        pub arrivals: Vec<Arrival>,
        /// Spans and log records that were left out because a bound was reached.
        pub left_out: u64,
        /// The server's clock at the answer.
        pub now: UnixNanos,
    }

    /// Spans and log records that arrived together.
    pub struct Arrival {
        /// When, by the server's clock; `"0"` where it was not noted because nobody watched the trace yet.
        pub time: UnixNanos,
        /// Length of the OTLP TracesData.
        pub traces_bytes: u64,
        /// Length of the OTLP LogsData after it.
        pub logs_bytes: u64,
    }
}

/// One arrival, encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrivalBytes<'a> {
    /// When, by the server's clock; 0 where it was not noted.
    pub time: UnixNanos,
    /// OTLP TracesData.
    pub traces: std::borrow::Cow<'a, [u8]>,
    /// OTLP LogsData.
    pub logs: std::borrow::Cow<'a, [u8]>,
}

/// Joins a watch answer; `header.arrivals` is set from `arrivals`.
///
/// # Errors
/// If the header cannot be written as JSON.
pub fn encode_watch(mut header: WatchHeader, arrivals: &[ArrivalBytes<'_>]) -> Result<Vec<u8>, serde_json::Error> {
    let described = arrivals.iter().map(|arrival| Arrival {
        time: arrival.time,
        traces_bytes: arrival.traces.len() as u64,
        logs_bytes: arrival.logs.len() as u64,
    });
    header.arrivals = described.collect();
    let json = serde_json::to_vec(&header)?;
    let mut frame = Vec::new();
    frame.extend_from_slice(WATCH_MAGIC);
    frame.extend_from_slice(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
    frame.extend_from_slice(&json);
    for arrival in arrivals {
        frame.extend_from_slice(&arrival.traces);
        frame.extend_from_slice(&arrival.logs);
    }
    Ok(frame)
}

/// Takes a watch answer apart.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn decode_watch(frame: &[u8]) -> Result<(WatchHeader, Vec<ArrivalBytes<'_>>), String> {
    let cut = || format!("watch answer of {} bytes is cut short", frame.len());
    let (magic, rest) = frame.split_at_checked(4).ok_or_else(cut)?;
    if magic != WATCH_MAGIC {
        return Err(format!("expected a watch answer, read {magic:02x?} at its start"));
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let (json, mut rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    let header: WatchHeader =
        serde_json::from_slice(json).map_err(|error| format!("cannot read the header of a watch answer: {error}"))?;
    let mut take = |bytes: u64| {
        let (part, after) = rest.split_at_checked(usize::try_from(bytes).ok()?)?;
        rest = after;
        Some(part)
    };
    let mut arrivals = Vec::new();
    for arrival in &header.arrivals {
        let traces = take(arrival.traces_bytes).ok_or_else(cut)?.into();
        let logs = take(arrival.logs_bytes).ok_or_else(cut)?.into();
        arrivals.push(ArrivalBytes { time: arrival.time, traces, logs });
    }
    if !rest.is_empty() {
        return Err(format!("watch answer has {} bytes too many", rest.len()));
    }
    Ok((header, arrivals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let header =
            WatchHeader { cursor: "7".into(), from_start: false, arrivals: Vec::new(), left_out: 0, now: UnixNanos(9) };
        encode_watch(header, &arrivals()).expect("encodes")
    }

    fn arrivals() -> [ArrivalBytes<'static>; 2] {
        let arrival = |time, traces: &'static [u8], logs: &'static [u8]| ArrivalBytes {
            time: UnixNanos(time),
            traces: traces.into(),
            logs: logs.into(),
        };
        [arrival(u64::MAX, b"spans", b""), arrival(3, b"more", b"log")]
    }

    #[test]
    fn what_is_joined_comes_apart() {
        let bytes = frame();
        let (header, decoded) = decode_watch(&bytes).expect("decodes");
        assert_eq!(decoded, arrivals());
        assert_eq!(header.arrivals[1], Arrival { time: UnixNanos(3), traces_bytes: 4, logs_bytes: 3 });
    }

    #[test]
    fn a_cut_or_padded_answer_is_refused() {
        let bytes = frame();
        for cut in 0..bytes.len() {
            assert!(decode_watch(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(decode_watch(&[bytes.as_slice(), b"!"].concat()).is_err());
    }
}
