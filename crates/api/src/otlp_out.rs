//! Traces as OTLP bodies.

use model::Batch;

/// TracesData.
pub fn traces(batch: &Batch) -> Vec<u8> {
    otlp::encode_traces_protobuf(&batch.spans)
}

/// LogsData.
pub fn logs(batch: &Batch) -> Vec<u8> {
    otlp::encode_logs_protobuf(&batch.logs)
}

/// Both, as one JSON object.
pub fn json(batch: &Batch) -> String {
    otlp::encode_json(batch)
}
