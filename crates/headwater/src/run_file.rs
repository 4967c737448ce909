//! A run with all its traces in one file, to be sent around and judged again (`--output run`).
//!
//! OTLP JSON Lines: every line is an `ExportTraceServiceRequest`, so that any tool that reads OTLP reads the traces. The
//! first line carries no span but the run's report under `headwaterRun`, a field that readers of OTLP have to ignore.

use std::collections::BTreeSet;
use std::path::Path;

use client::Client;
use eval::report::RunReport;
use model::{Batch, TraceId};
use serde_json::{Value, json};

use crate::exit::Failure;

/// The field of the first line.
const FIELD: &str = "headwaterRun";
/// Bytes of a file that is read whole.
const BYTES_MAX: u64 = 4 << 30;

/// Every trace that the run's steps made.
pub fn traces_of(run: &RunReport) -> BTreeSet<TraceId> {
    let attempts = run.scenarios.iter().flat_map(|scenario| &scenario.attempts);
    attempts.flat_map(|attempt| &attempt.steps).filter_map(|step| step.trace_id.parse().ok()).collect()
}

/// The run and what the server at `client` keeps of its traces; how many of them it does not keep is told.
pub async fn text(run: &RunReport, client: &Client) -> Result<String, String> {
    let mut text = format!("{}\n", json!({"resourceSpans": [], FIELD: run}));
    let mut missing = 0;
    for id in traces_of(run) {
        match client.trace(id).await.map_err(|error| error.to_string())? {
            Some(trace) => {
                text.push_str(&otlp::encode_json(trace.spans(), trace.logs()));
                text.push('\n');
            }
            None => missing += 1,
        }
    }
    if missing > 0 {
        eprintln!("headwater: {missing} traces of the run are not stored");
    }
    Ok(text)
}

/// Reads what [`text`] made. Lines that cannot be read are told and left out: their traces then are not evaluable.
pub fn read(path: &Path) -> Result<(RunReport, Vec<Batch>), Failure> {
    let name = path.display();
    let size = std::fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default();
    if size > BYTES_MAX {
        return Err(Failure::usage(format!("{name} holds {size} bytes; at most {BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let no_run = |why: String| {
        let help = "help: `headwater eval --output run FILE` writes one; without a run, use `headwater judge --query`";
        Failure::usage(format!("{name} begins with no run ({why})\n{help}"))
    };
    let mut first: Value = serde_json::from_str(first).map_err(|error| no_run(error.to_string()))?;
    let run = first.get_mut(FIELD).map(Value::take).ok_or_else(|| no_run(format!("no field `{FIELD}`")))?;
    let run: RunReport = serde_json::from_value(run).map_err(|error| no_run(error.to_string()))?;
    let mut traces: Vec<Batch> = Vec::new();
    for line in otlp::decode_json_lines(rest.as_bytes()) {
        match line.outcome {
            Ok(decoded) => traces.push(decoded.batch),
            Err(error) => eprintln!("headwater: {name}:{}: {error}", line.number + 1),
        }
    }
    let missing = traces_of(&run).len().saturating_sub(traces.len());
    if missing > 0 {
        eprintln!("headwater: {name} lacks {missing} of the run's traces");
    }
    Ok((run, traces))
}
