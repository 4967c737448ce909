//! JSON: the run in full.

use super::RunReport;

/// The run as JSON, indented.
///
/// # Errors
/// Never for a report of ours; a number that JSON cannot hold would be one.
pub fn json(report: &RunReport) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}
