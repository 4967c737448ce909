//! The JSON shapes of our HTTP API, and the TypeScript made from them. `API.md` beside this crate's manifest says
//! which address takes and answers which.
//!
//! Points in time are [`UnixNanos`] (strings), durations are numbers of nanoseconds, ids are lower-case hex.
//!
//! ```
//! let problem = wire::Problem::new("no trace 0af7…", "it may have expired");
//! assert_eq!(
//!     serde_json::to_string(&problem).unwrap(),
//!     r#"{"error":"no trace 0af7…","hint":"it may have expired","place":null,"problems":[]}"#
//! );
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `info.rs` | what this server is and how it is doing |
//! | `traces.rs` | lists of traces, live events |
//! | `series.rs` | series of numbers over time; spans found with their fields |
//! | `outline.rs` | the compact form of one trace that the page draws from |
//! | `span.rs` | one span in full; find |
//! | `watch.rs` | spans as they arrive, for an evaluation beside the server |
//! | `map.rs` | the service map |
//! | `explain.rs` | findings over a selection of traces; what a change would do |
//! | `compare.rs` | two selections beside each other |
//! | `doctor.rs` | what is wrong with the instrumentation |
//! | `complete.rs` | known keys and values; what may stand at the cursor of a query |
//! | `evals.rs` | runs, scenarios, assertions, verdicts |
//! | `problem.rs` | what went wrong; cost and completeness of answers |
//! | `value.rs`, `time.rs` | typed attribute values, points in time |
//! | `shape.rs` | one declaration for Rust, JSON and TypeScript |
//! | `type_script.rs` | the file `ui/src/api/types.ts` |

mod clocks;
mod compare;
mod complete;
mod doctor;
mod evals;
mod explain;
mod info;
mod map;
mod outline;
mod problem;
mod series;
#[doc(hidden)]
pub mod shape;
mod span;
mod time;
mod traces;
mod type_script;
mod value;
mod watch;

pub use clocks::{ClockVerdict, Clocks, HostClock, HostPair, TraceClocks};
pub use compare::{
    AttributeDifference, CompareRequest, ComparedSide, Comparison, CriticalDifference, DifferenceVerdict,
    OperationDifference, RootCauseAnswer, RootCauseSuspect, StructureChange, StructureDifference,
};
pub use complete::{CompletionList, KeyList, KnownKey, KnownValue, Suggestion, ValueList};
pub use doctor::{Ailment, Diagnosis, ServiceHealth, Severity};
pub use evals::{
    AssertionResult, AttemptResult, EvalRun, EvidenceSpan, RunAccepted, RunList, RunSummary, ScenarioResult, StartRun,
    StepResult, Verdict, VerdictCounts,
};
pub use explain::{
    CannotTell, Change, ChangeEffect, ChangeKind, ChangedTrace, Explanation, Finding, FindingConfidence,
    FindingEvidence, FindingFigure, FindingPlace, LookedAt, PlaceKind, SavingBounds, Selection, Spread, ValueFlow,
    WhatIfAnswer, WhatIfRequest,
};
pub use info::{
    Forwarding, ForwardingState, Info, ReasonCount, Receiving, Rejection, ServiceList, ServiceStyle, Status, Storing,
};
pub use map::{Latency, MapEdge, MapNode, NodeKind, RootOperation, ServiceMap};
pub use outline::{
    OUTLINE_MAGIC, OUTLINE_MEDIA_TYPE, OutlineColumn, OutlineColumns, OutlineHeader, OutlineJson, OutlineOddity, flag,
};
pub use problem::{Completeness, Cost, Place, Problem, QueryProblem};
pub use series::{Exemplar, FoundSpan, FoundSpanset, FoundTrace, SearchList, Series, SeriesLabel, SeriesList};
pub use shape::{Declarations, Shape};
pub use span::{
    ExceptionDetail, FindMode, FindResult, LlmDocument, LlmMessage, LlmPart, LlmSide, LlmTokens, LlmView, LogDetail,
    OddityDetail, ResourceDetail, ScopeDetail, SpanDetail, SpanEvent, SpanLink, SpanRow,
};
pub use time::UnixNanos;
pub use traces::{
    Deleted, EvalMark, LiveEvals, LiveGap, LiveStatus, LiveTraces, ServiceShare, TraceList, TraceRow, TraceSort,
};
pub use type_script::type_script;
pub use value::{Attribute, AttributeValue, CutValue};
pub use watch::{Arrival, ArrivalBytes, WATCH_MAGIC, WATCH_MEDIA_TYPE, WatchHeader, decode_watch, encode_watch};
