//! Running a suite: plan, attempts, events.
//!
//! | file | what |
//! | --- | --- |
//! | `plan.rs` | [`Plan`]: which scenarios, how often, in which order |
//! | `event.rs` | [`RunEvent`]: what happens while it runs |
//! | `runner.rs` | [`run`]: warm-up, attempts at once, the report |
//! | `attempt.rs` | one attempt: trigger, wait, judge |
//! | `findings.rs` | the assertion `findings`, on all attempts together |
//! | `hooks.rs` | set-up and teardown; the latter after Ctrl-C too |
//! | `span_output.rs` | variables from spans |
//! | `again.rs` | judging stored traces and runs, without driving |
//! | `by_model.rs` | likeness by embeddings, a judge |
//! | `inject.rs` | faults by proxies: put in, ended, asked whether they hit |
//! | `sweep.rs` | every fault on every call, one after the other |
//! | `over.rs` | assertions on all attempts together |
//! | `interval.rs` | how sure a number over attempts is |
//! | `repeated.rs` | what is judged over all attempts of a scenario, and how they spread |

mod again;
mod attempt;
mod by_model;
mod event;
mod findings;
mod hooks;
mod inject;
mod interval;
mod over;
mod plan;
mod repeated;
mod runner;
mod span_output;
mod sweep;

pub use event::RunEvent;
pub(crate) use interval::{ATTEMPTS_FOR_CONFIDENCE, interval, median, quantile};
pub use plan::{Plan, PlanError, RunOptions};
pub use runner::{Host, Stop, run};
pub use sweep::{SweepEvent, SweepFault, SweepOptions, sweep};
