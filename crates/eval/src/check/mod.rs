//! Checking assertions: on an answer, on a trace; and what an incomplete trace makes of the result.
//!
//! | file | what |
//! | --- | --- |
//! | `finding.rs` | [`Finding`]: what a check found, and whether more spans could change it |
//! | `settle.rs` | finding and completeness make a verdict: the outcome table of the manual |
//! | `answer.rs`, `value.rs` | status, JSON, text, headers, latency |
//! | `trace.rs` | [`Judged`]: a trace with all that checks need, and which check is whose |
//! | `services.rs` | services and edges |
//! | `spans.rs` | selections: count, each, any, none, where |
//! | `fault.rs` | fault path and retries |
//! | `time.rs` | order, parallel, relation, critical path |
//! | `rag.rs` | retrieval, hand-over, grounding, refusal, tool calls |
//! | `findings.rs` | what is found in all traces together |
//! | `content.rs` | cache, data flow, tokens, cost, logs |

mod answer;
mod content;
mod fault;
mod finding;
mod findings;
mod rag;
mod services;
mod settle;
mod spans;
mod time;
mod trace;
mod value;

pub(crate) use answer::{check_answer, ratio};
pub(crate) use finding::{Finding, State};
pub(crate) use findings::of_all as findings_of_all;
pub(crate) use settle::{settle, settle_answer};
pub(crate) use trace::{Judged, check_trace, expected_edges, is_about_trace, measure, needs_nothing_more};
