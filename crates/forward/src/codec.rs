//! OTLP bodies to and from the model.

use bytes::Bytes;
use model::Batch;

use crate::body::{Encoding, Signal};

/// Reads a body.
///
/// # Errors
/// What about it cannot be read, in words.
pub fn decode(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, String> {
    let decoded = match (encoding, signal) {
        (Encoding::Json, _) => otlp::decode_json(body),
        (Encoding::Protobuf, Signal::Traces) => otlp::decode_traces_protobuf(body),
        (Encoding::Protobuf, Signal::Logs) => otlp::decode_logs_protobuf(body),
    };
    decoded.map(|decoded| decoded.batch).map_err(|error| format!("cannot read its body again: {error}"))
}

/// Writes a body.
#[must_use]
pub fn encode(signal: Signal, encoding: Encoding, batch: &Batch) -> Bytes {
    match (encoding, signal) {
        (Encoding::Protobuf, Signal::Traces) => otlp::encode_traces_protobuf(&batch.spans).into(),
        (Encoding::Protobuf, Signal::Logs) => otlp::encode_logs_protobuf(&batch.logs).into(),
        (Encoding::Json, Signal::Traces) => otlp::encode_traces_json(&batch.spans).into(),
        (Encoding::Json, Signal::Logs) => otlp::encode_logs_json(&batch.logs).into(),
    }
}
