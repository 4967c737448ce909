//! Trace-based tests: a suite file drives a live system and judges its answers and its traces.
//!
//! ```text
//! file ── suite (all mistakes at once) ── plan ── trigger ── wait until whole ── check ── events ── reports, exit code
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `suite/` | [`suite::Suite`]: what is driven, what runs, what is asserted |
//! | `run/` | [`Plan`], [`run()`], [`RunEvent`] |
//! | `trigger/` | sending a request or running a command under a trace of our own |
//! | `complete/` | when a trace is whole: evidence instead of sleeping |
//! | `check/` | what an assertion says of an answer and of a trace that may not be whole |
//! | `bring/`, `table.rs` | [`bring()`]: suites of Tracetest and promptfoo as suites of ours; tables of data |
//! | `report/` | [`report::RunReport`], and how it is told |
//! | `injector.rs` | [`FaultInjector`]: proxies through which faults happen |
//! | `source.rs`, `watched.rs` | [`TraceSource`]: where traces come from; [`WatchedTraces`] for whoever owns a receiver |
//! | `rag/` | what spans tell of retrieval and generation, and measures of them |
//! | `secrets.rs` | [`Secrets`]: what no report has |
//! | `own_spans.rs` | the runner's own spans |
//! | `baseline/` | [`baseline::Baseline`]: what runs used to look like, in a file |
//! | `facts.rs` | what several traces have in common |
//! | `suggest/` | [`suggest()`]: assertions from good traces |
//! | `select.rs` | TraceQL in a suite |
//! | `exit_code.rs`, `limits.rs` | what a process answers with, every bound |

pub mod baseline;
mod bring;
mod check;
mod complete;
pub mod exit_code;
mod facts;
mod injector;
mod json_path;
pub mod limits;
mod own_spans;
mod rag;
pub mod report;
mod run;
mod secrets;
mod select;
mod source;
mod suggest;
pub mod suite;
mod table;
mod trigger;
mod watched;

pub use bring::{BringInput, Brought, BroughtKind, Remark, bring};
pub use complete::Learned;
pub use injector::{FaultInjector, InjectedFault, InjectionError};
pub use json_path::JsonPath;
pub use run::{Host, Plan, PlanError, RunEvent, RunOptions, Stop, SweepEvent, SweepFault, SweepOptions, run, sweep};
pub use secrets::Secrets;
pub use source::{Arrivals, ArrivedSpan, Cursor, NoSettings, Settings, SourceError, SpanSink, TraceSource};
pub use suggest::{Suggestion, suggest, suggest_into};
pub use trigger::{ClientError, HttpClient};
pub use watched::WatchedTraces;

/// Name of the scope (and service) of the runner's own spans, by which selectors leave them out.
pub const OWN_SCOPE: &str = "headwater.eval";
