//! Reports: folds of run events. Doing emits events, telling folds them.
//!
//! | file | what |
//! | --- | --- |
//! | `run_report.rs` | [`RunReport`]: a run in full |
//! | `explain.rs` | why each trace was judged when |
//! | `fold.rs` | [`Fold`]: a run's report while it runs |
//! | `terminal.rs`, `style.rs` | progress, table, what is wrong |
//! | `hidden.rs` | secrets are in none of them |
//! | `json.rs`, `json_lines.rs`, `junit.rs`, `markdown.rs` | files |
//! | `sweep_report.rs`, `sweep_table.rs` | [`SweepReport`]: how far faults reached; as a table |
//! | `told.rs`, `github.rs`, `sarif.rs` | what did not hold, with its place: annotations and code scanning |

mod explain;
mod fold;
mod github;
mod hidden;
mod json;
mod json_lines;
mod junit;
mod markdown;
mod run_report;
mod sarif;
mod style;
mod sweep_report;
mod sweep_table;
mod terminal;
mod told;

pub use explain::explain;
pub use fold::Fold;
pub use github::github;
pub use json::json;
pub use json_lines::json_lines;
pub use junit::junit;
pub use markdown::markdown;
pub use run_report::{
    AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, Outcome, ProxiedEdge, RunReport, SCHEMA_VERSION,
    ScenarioReport, ServiceSpans, Statistics, StepReport, UnixNanos, Verdict, VerdictCounts, run_schema,
};
pub use sarif::sarif;
pub use style::Style;
pub use sweep_report::{
    CleanRun, SWEEP_SCHEMA_VERSION, SweepReport, SweepRow, SweepScenario, UnsweptEdge, sweep_exit_code, sweep_schema,
};
pub use sweep_table::{proxies_told, sweep_markdown, sweep_progress, sweep_table};
pub use terminal::{Progress, Terminal, table};
