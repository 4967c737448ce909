//! OTLP bytes to `model` and back: traces and logs, protobuf and JSON, every field. Opens no socket.
//!
//! ```
//! let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
//!     "traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","name":"GET /"}]}]}]}"#;
//! let decoded = otlp::decode_json(body).unwrap();
//! assert_eq!(decoded.batch.spans.len(), 1);
//! let again = otlp::decode_traces_protobuf(&otlp::encode_traces_protobuf(&decoded.batch.spans)).unwrap();
//! assert_eq!(again.batch, decoded.batch);
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `decoded.rs` | [`Decoded`]: a batch, and what was set aside with its reasons |
//! | `wire.rs` | protobuf's wire format: a reader with positions, a writer |
//! | `intern.rs` | equal texts, resources and scopes of one body share one allocation |
//! | `protobuf_decode.rs`, `protobuf_encode.rs` | OTLP protobuf |
//! | `json_cursor.rs` | JSON text from left to right |
//! | `json_decode.rs`, `json_encode.rs` | OTLP JSON, JSON Lines |
//! | `grouping.rs` | spans and logs back into blocks of one resource and one scope |
//! | `metrics.rs` | metrics are only counted |
//! | `response.rs` | what a receiver answers: export responses, `google.rpc.Status` |
//! | `error.rs`, `limits.rs` | what can be wrong with a body, every bound |

mod decoded;
mod error;
mod grouping;
mod intern;
mod json_cursor;
mod json_decode;
mod json_encode;
pub mod limits;
mod metrics;
mod protobuf_decode;
mod protobuf_encode;
mod response;
mod wire;

pub use decoded::{Decoded, DecodedPacked, Rejected};
pub use error::DecodeError;
pub use json_decode::{JsonLine, decode_json, decode_json_lines, decode_json_packed};
pub use json_encode::{encode_json, encode_logs_json, encode_traces_json};
pub use metrics::{count_metric_points_json, count_metric_points_protobuf};
pub use protobuf_decode::{decode_logs_protobuf, decode_traces_protobuf, decode_traces_protobuf_packed};
pub use protobuf_encode::{encode_logs_protobuf, encode_traces_protobuf};
pub use response::{
    ResponseSignal, RpcStatus, decode_partial_success, decode_status_protobuf, encode_response_json,
    encode_response_protobuf, encode_status_json, encode_status_protobuf,
};
