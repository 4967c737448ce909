//! How far faults reached: what a sweep found, and its exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ProxiedEdge, UnixNanos};
use crate::exit_code::ExitCode;

/// The version of this shape; a field is added without a new one.
pub const SWEEP_SCHEMA_VERSION: &str = "headwater.sweep/1";

/// What a sweep found. Durations are whole nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SweepReport {
    /// [`SWEEP_SCHEMA_VERSION`].
    pub schema: String,
    /// The suite's name.
    pub suite: String,
    /// The suite's file as it was named.
    pub file: String,
    /// The version of Headwater that ran it.
    pub version: String,
    /// When it began.
    pub started: UnixNanos,
    /// Whether it was interrupted; scenarios that had not ended are then missing.
    pub interrupted: bool,
    /// What could not be done at all: set-up or teardown of the suite.
    pub errors: Vec<String>,
    /// What was left out, and why.
    pub remarks: Vec<String>,
    /// What happened on the calls that have a proxy, since it stands there.
    pub proxies: Vec<ProxiedEdge>,
    /// The exit code.
    pub exit_code: Option<u8>,
    /// The scenarios, in the order of the suite.
    pub scenarios: Vec<SweepScenario>,
}

/// The JSON Schema of [`SweepReport`].
#[must_use]
pub fn sweep_schema() -> serde_json::Value {
    schemars::schema_for!(SweepReport).to_value()
}

/// One scenario without a fault, and with each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepScenario {
    /// Its name.
    pub name: String,
    /// Line in the suite file, from 1.
    pub line: u32,
    /// Without a fault.
    pub clean: CleanRun,
    /// With each fault on each call that has a proxy, calls in the order in which they are first made.
    pub rows: Vec<SweepRow>,
    /// Calls on which nothing was tried.
    pub unswept: Vec<UnsweptEdge>,
}

/// A run without a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CleanRun {
    /// 32 hex digits; none when nothing was sent.
    pub trace_id: Option<String>,
    /// The answer's status; none when there was no answer.
    pub status: Option<i32>,
    /// What kept it from an answer.
    pub error: Option<String>,
    /// From sending to the answer.
    pub duration: i64,
    /// Whether its trace was whole.
    pub whole: bool,
    /// The services that have spans.
    pub services: Vec<String>,
    /// Why its trace was, or was not, whole.
    pub reasons: Vec<String>,
}

/// A run with a fault on one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SweepRow {
    /// The call: `caller -> callee`.
    pub edge: String,
    /// The fault's name.
    pub fault: String,
    /// The fault as a rule of `headwater proxy`.
    pub rule: String,
    /// 32 hex digits; none when nothing was sent.
    pub trace_id: Option<String>,
    /// Requests of the trace that crossed the call.
    pub requests: u64,
    /// Of them, those that the fault hit.
    pub hits: u64,
    /// The answer's status; none when there was no answer.
    pub status: Option<i32>,
    /// What kept it from an answer.
    pub error: Option<String>,
    /// Whether the answer has the status that it has without the fault.
    pub handled: bool,
    /// Services with errors.
    pub erring: Vec<String>,
    /// Where errors began, and of which kind.
    pub origins: Vec<String>,
    /// The outermost service that answered with an error; none where none did, or where it was handled.
    pub reaches: Option<String>,
    /// From sending to the answer.
    pub duration: i64,
    /// How much longer than without the fault; one run each, so small differences mean nothing.
    pub added: i64,
    /// Whether the trace was whole.
    pub whole: bool,
    /// Services that have spans without the fault and none with it: not called, or not in this trace any more.
    pub missing: Vec<String>,
    /// Why the trace was, or was not, whole.
    pub reasons: Vec<String>,
}

/// A call on which nothing was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnsweptEdge {
    /// The call.
    pub edge: String,
    /// Why not.
    pub reason: String,
}

/// As of a run: 130 interrupted, 2 nothing was swept, 4 a scenario gave no answer without a fault, 3 a fault hit nothing or the
/// clean trace was not whole, else 0: how far a fault reaches is told, not judged.
#[must_use]
pub fn sweep_exit_code(report: &SweepReport) -> ExitCode {
    let mut rows = report.scenarios.iter().flat_map(|scenario| &scenario.rows);
    if report.interrupted {
        ExitCode::INTERRUPTED
    } else if !report.errors.is_empty() || report.scenarios.iter().any(|scenario| scenario.clean.error.is_some()) {
        ExitCode::INFRASTRUCTURE
    } else if rows.clone().next().is_none() {
        ExitCode::USAGE
    } else if rows.any(|row| row.hits == 0) || report.scenarios.iter().any(|scenario| !scenario.clean.whole) {
        ExitCode::NOT_EVALUABLE
    } else {
        ExitCode::PASS
    }
}
