//! OTLP bodies to and from the model.

use model::Batch;

/// Reads TracesData and LogsData.
pub fn decode(traces: &[u8], logs: &[u8]) -> Result<Batch, String> {
    let spans = otlp::decode_traces_protobuf(traces).map_err(|error| error.to_string())?.batch.spans;
    let logs = otlp::decode_logs_protobuf(logs).map_err(|error| error.to_string())?.batch.logs;
    Ok(Batch { spans, logs })
}

/// The bodies that carry a batch, each with the signal it goes to.
pub fn encode(batch: &Batch) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = Vec::new();
    if !batch.spans.is_empty() {
        bodies.push(("traces", otlp::encode_traces_protobuf(&batch.spans)));
    }
    if !batch.logs.is_empty() {
        bodies.push(("logs", otlp::encode_logs_protobuf(&batch.logs)));
    }
    bodies
}
