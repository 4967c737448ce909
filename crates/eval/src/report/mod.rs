//! Reports: folds of run events. Doing emits events, telling folds them.

mod run_report;

pub use run_report::{
    AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, Outcome, RunReport, SCHEMA_VERSION,
    ScenarioReport, ServiceSpans, Statistics, StepReport, UnixNanos, Verdict, VerdictCounts,
};
