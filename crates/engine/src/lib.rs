//! Runs a checked query over any [`SpanStore`](store::SpanStore).
//!
//! ```text
//! query ──plan──> predicates (the store answers from summaries and columns) + residual (the query, on whole traces)
//!       ──scan──> traces that match, ordered, one page ──evaluate──> the spans found, with their fields
//! metrics query ──plan──> one scan per series query ──observe──> series
//! ```
//!
//! Whatever the store skips, the answer is that of evaluating the query on every trace; a test holds it to that. Every
//! answer carries its cost and says what is missing, if anything is.
//!
//! | file | what |
//! | --- | --- |
//! | `plan.rs` | [`necessary`]: what every matching trace has, as predicates; [`residual`] |
//! | `filters.rs` | [`filters`]: the query as filters on single spans; [`needs`]: what it looks at |
//! | `search.rs` | [`search`]: traces and the spans found in them |
//! | `series.rs` | [`series`]: a metrics query |
//! | `minutes.rs` | metrics queries that the store answers from its aggregates |
//! | `series_window.rs` | [`window_of`]: steps and ends of series; [`stored_time`] |
//! | `complete.rs` | [`complete`]: what may stand at the cursor |
//! | `walk.rs` | [`choose`], [`walk`]: the traces of a selection, one after another, with bounds |
//! | `what_if.rs` | [`WhatIf`]: what changes would do to many traces |
//! | `compare.rs` | [`compare()`]: two selections beside each other |
//! | `doctor/` | [`Doctor`]: what is wrong with the instrumentation |
//! | `analysed.rs` | [`Analysed`]: numbers of `analysis`, handed to `query` |
//! | `limits.rs` | every bound |

mod analysed;
mod compare;
mod complete;
mod doctor;
mod filters;
pub mod limits;
mod minutes;
mod plan;
mod search;
mod series;
mod series_window;
mod walk;
mod what_if;

pub use analysed::Analysed;
pub use compare::{Compared, Half, SUSPECTED_TRACES_MIN, Side, TRACES_MIN, compare};
pub use complete::{Completion, Suggestion, complete, field_text};
pub use doctor::{Ailment, AilmentKind, Diagnosis, Doctor, ServiceHealth, Severity};
pub use filters::{filters, needs};
pub use plan::{necessary, residual, scan_of};
pub use search::{FoundSpan, FoundSpanset, Match, Matches, Search, search};
pub use series::series;
pub use series_window::{stored_time, window_of};
pub use walk::{Chosen, Walked, choose, walk, without_runner};
pub use what_if::{Predicted, PredictedEffect, WhatIf};
