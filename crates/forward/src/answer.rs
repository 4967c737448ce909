//! What a destination said, and what follows from it: delivered, try again, or give up. After the OTLP specification
//! (<https://opentelemetry.io/docs/specs/otlp/>).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::HeaderMap;
use stdx::days_from_civil;

use crate::destination::Protocol;
use crate::limits::REASON_CHARS_MAX;

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the request; of what it carried, `rejected` spans or records it did not want.
    Delivered {
        /// How many it did not want.
        rejected: u64,
        /// Its words on that.
        message: String,
    },
    /// Try again.
    Again {
        /// Not before this.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// Trying again is of no use.
    Never {
        /// Why.
        reason: String,
    },
}

/// What an HTTP answer means.
#[must_use]
pub fn of_http(status: u16, headers: &HeaderMap, body: &[u8], now_unix_seconds: u64) -> Answer {
    if (200..300).contains(&status) {
        let is_json = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        return delivered(body, is_json.is_some_and(|kind| kind.contains("json")));
    }
    let said = words(body);
    let reason = if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
    // Exactly these are to be tried again.
    if matches!(status, 429 | 502 | 503 | 504) {
        let after = headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        return Answer::Again { after: after.and_then(|text| retry_after(text, now_unix_seconds)), reason };
    }
    Answer::Never { reason }
}

/// What a gRPC answer means; `status` is `grpc-status`, `details` is `grpc-status-details-bin`.
#[must_use]
pub fn of_grpc(status: u32, message: &str, details: Option<&str>, body: &[u8]) -> Answer {
    const OK: u32 = 0;
    const CANCELLED: u32 = 1;
    const DEADLINE_EXCEEDED: u32 = 4;
    const RESOURCE_EXHAUSTED: u32 = 8;
    const ABORTED: u32 = 10;
    const OUT_OF_RANGE: u32 = 11;
    const UNAVAILABLE: u32 = 14;
    const DATA_LOSS: u32 = 15;
    if status == OK {
        return delivered(body, false);
    }
    let reason = if message.is_empty() {
        format!("gRPC {}", grpc_name(status))
    } else {
        format!("gRPC {}: {}", grpc_name(status), shortened(message))
    };
    let after = details.and_then(retry_info);
    match status {
        CANCELLED | DEADLINE_EXCEEDED | ABORTED | OUT_OF_RANGE | UNAVAILABLE | DATA_LOSS => {
            Answer::Again { after, reason }
        }
        // Only with RetryInfo does it mean that the destination will recover.
        RESOURCE_EXHAUSTED if after.is_some() => Answer::Again { after, reason },
        _ => Answer::Never { reason },
    }
}

/// The media type of a body.
#[must_use]
pub fn media_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
        Protocol::Grpc => "application/grpc",
    }
}

fn delivered(body: &[u8], is_json: bool) -> Answer {
    let (rejected, message) =
        if is_json { partial_success_json(body) } else { otlp::decode_partial_success(body).unwrap_or_default() };
    Answer::Delivered { rejected, message: shortened(&message) }
}

fn partial_success_json(body: &[u8]) -> (u64, String) {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let partial = &json["partialSuccess"];
    // 64-bit integers are strings in OTLP's JSON, but numbers are accepted.
    let number = |key: &str| partial[key].as_u64().or_else(|| partial[key].as_str()?.parse().ok());
    let rejected = number("rejectedSpans").or_else(|| number("rejectedLogRecords")).unwrap_or(0);
    (rejected, partial["errorMessage"].as_str().unwrap_or_default().to_owned())
}

/// Seconds, or a date (`Tue, 24 Nov 2026 09:00:00 GMT`).
fn retry_after(text: &str, now_unix_seconds: u64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = http_date(text)?;
    Some(Duration::from_secs(at.saturating_sub(now_unix_seconds)))
}

/// Seconds since the epoch of an IMF-fixdate.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Vec<u64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hour, minute, second] = clock[..] else { return None };
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = u64::try_from(days_from_civil(year, month, day)).ok()?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The delay of a `google.rpc.RetryInfo` within a base64 `google.rpc.Status`.
fn retry_info(details: &str) -> Option<Duration> {
    let status = STANDARD_NO_PAD.decode(details.trim_end_matches('=')).or_else(|_| STANDARD.decode(details)).ok()?;
    otlp::decode_status_protobuf(&status).retry_after
}

/// A body as words: the message of a JSON or protobuf `google.rpc.Status`, or plain text.
fn words(body: &[u8]) -> String {
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        let message = json.get("message").or_else(|| json.get("error")).and_then(|message| message.as_str());
        return shortened(message.unwrap_or(&json.to_string()));
    }
    let message = otlp::decode_status_protobuf(body).message;
    if message.is_empty() { shortened(std::str::from_utf8(body).unwrap_or_default()) } else { shortened(&message) }
}

/// One line of bounded length.
#[must_use]
pub fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let visible: String = line.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    visible
}

fn grpc_name(status: u32) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(status as usize).map_or_else(|| status.to_string(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{CONTENT_TYPE, RETRY_AFTER};

    use super::*;

    fn http(status: u16, body: &[u8]) -> Answer {
        of_http(status, &HeaderMap::new(), body, 0)
    }

    #[test]
    fn only_what_the_specification_names_is_tried_again() {
        for status in [429, 502, 503, 504] {
            assert!(matches!(http(status, b""), Answer::Again { .. }), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            assert!(matches!(http(status, b""), Answer::Never { .. }), "{status}");
        }
        for status in [1, 4, 10, 11, 14, 15] {
            assert!(matches!(of_grpc(status, "", None, b""), Answer::Again { .. }), "{status}");
        }
        for status in [2, 3, 5, 7, 8, 12, 13, 16, 99] {
            assert!(matches!(of_grpc(status, "", None, b""), Answer::Never { .. }), "{status}");
        }
    }

    #[test]
    fn partial_success_is_read_in_both_encodings() {
        let protobuf = [0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, b'n', b'o'];
        let rejected = Answer::Delivered { rejected: 3, message: "no".into() };
        assert_eq!(http(200, &protobuf), rejected);
        assert_eq!(of_grpc(0, "", None, &protobuf), rejected);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let json = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#;
        assert_eq!(of_http(200, &headers, json, 0), rejected);
        assert_eq!(http(200, b""), Answer::Delivered { rejected: 0, message: String::new() });
        assert_eq!(of_http(202, &headers, b"{}", 0), Answer::Delivered { rejected: 0, message: String::new() });
    }

    #[test]
    fn retry_hints_are_read() {
        let after = |text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            match of_http(503, &headers, b"", 784_111_770) {
                Answer::Again { after, .. } => after,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);

        let mut any = vec![0x0a, 40];
        any.extend_from_slice(b"type.googleapis.com/google.rpc.RetryInfo");
        any.extend_from_slice(&[0x12, 4, 0x0a, 2, 0x08, 9]);
        let status = [vec![0x08, 8, 0x1a, any.len() as u8], any].concat();
        let details = STANDARD_NO_PAD.encode(status);
        let expected = Answer::Again { after: Some(Duration::from_secs(9)), reason: "gRPC RESOURCE_EXHAUSTED".into() };
        assert_eq!(of_grpc(8, "", Some(&details), b""), expected);
    }

    #[test]
    fn reasons_are_words_of_bounded_length() {
        let reason = |body: &[u8]| match http(400, body) {
            Answer::Never { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(br#"{"message":"bad  thing\nhere"}"#), "HTTP 400: bad thing here");
        assert_eq!(reason(&[0x08, 3, 0x12, 2, b'n', b'o']), "HTTP 400: no");
        assert_eq!(reason(b"plain"), "HTTP 400: plain");
        assert_eq!(reason(&[0xff, 0xfe]), "HTTP 400");
        assert!(reason(&[b'x'; 10_000]).len() < 300);
    }
}
