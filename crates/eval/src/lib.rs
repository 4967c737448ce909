//! Trace-based tests: a suite file drives a live system and judges its answers and its traces.

pub mod exit_code;
pub mod limits;
pub mod report;
mod source;
mod watched;

pub use source::{Arrivals, ArrivedSpan, Cursor, NoSettings, NoSink, Settings, SourceError, SpanSink, TraceSource};
pub use watched::WatchedTraces;

/// Name of the scope of the runner's own spans.
pub const OWN_SCOPE: &str = "headwater.eval";
