//! Reports: folds of run events. Doing emits events, telling folds them.
//!
//! | file | what |
//! | --- | --- |
//! | `run_report.rs` | [`RunReport`]: a run in full |
//! | `fold.rs` | [`Fold`]: a run's report while it runs |
//! | `terminal.rs`, `style.rs` | progress, table, what is wrong |
//! | `json.rs`, `junit.rs`, `markdown.rs` | files |

mod fold;
mod json;
mod junit;
mod markdown;
mod run_report;
mod style;
mod terminal;

pub use fold::Fold;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use run_report::{
    AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, Outcome, RunReport, SCHEMA_VERSION,
    ScenarioReport, ServiceSpans, Statistics, StepReport, UnixNanos, Verdict, VerdictCounts,
};
pub use style::Style;
pub use terminal::{Progress, Terminal, table};
