//! JSON Lines: the run without its scenarios, then a line for each scenario, for whoever reads runs of many thousands.

use serde_json::{Value, json};

use super::RunReport;

/// The run as JSON Lines. Every line has a `type`: `run` first, then `scenario`s.
///
/// # Errors
/// As [`json`](super::json()).
pub fn json_lines(report: &RunReport) -> Result<String, serde_json::Error> {
    let head = RunReport { scenarios: Vec::new(), ..report.clone() };
    let mut text = line("run", serde_json::to_value(head)?);
    for scenario in &report.scenarios {
        text.push_str(&line("scenario", serde_json::to_value(scenario)?));
    }
    Ok(text)
}

fn line(kind: &str, value: Value) -> String {
    let mut line = json!({ "type": kind });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, value) {
        line.extend(fields.into_iter().filter(|(name, _)| name != "scenarios"));
    }
    format!("{line}\n")
}
