//! What a trace, or a thousand, mean: pure functions over `model`, integer nanoseconds, never a panic on any input.
//!
//! | file | what |
//! | --- | --- |
//! | `timeline.rs` | [`Timeline`]: a sanitised copy of the times |
//! | `self_time.rs` | [`self_time`], [`self_time_blocking`] |
//! | `critical_path.rs` | [`critical_path`], [`critical_by_service`] |
//! | `summary.rs` | [`summarise`]: the row that is stored about a trace |
//! | `peer.rs` | who a client span called, as far as its attributes say; [`Peers`] learns addresses |
//! | `calls.rs` | [`calls`]: which service called which, with both sides |
//! | `fault.rs` | [`fault_path`]: where an error began, how far it reached, who handled it |
//! | `retries.rs` | [`attempts`]: logical calls with their attempts and the gaps between them |
//! | `llm.rs` | [`llm_call`]: a span as a call to a model, whatever dialect described it |
//! | `prices.rs` | [`PriceTable`]: what tokens cost |
//! | `arguments.rs` | what a call was asked, as a key |
//! | `cache.rs` | [`cache_accesses`]: hits and misses, with the evidence |
//! | `sampling.rs` | [`weights`]: how many spans a span stands for |
//! | `service_graph.rs` | [`ServiceGraph`]: who calls whom over many traces |
//! | `happens_before.rs` | [`SiblingOrders`]: which siblings wait for which, over many traces |
//! | `skew.rs` | [`ClockOffsets`]: how the clocks of two hosts differ, with bounds |
//! | `host_clocks.rs` | [`HostClocks`]: one offset for each host, with bounds and drift, and a trace without them |
//! | `root_cause.rs` | [`latency_root_cause`]: which service made it slower, or "cannot tell" |
//! | `compare.rs` | [`compare_runs`]: what became slower, faster, or fails more between two sets of traces |
//! | `structure.rs` | [`compare_structure`]: what is called more, fewer, newly, no longer; two traces or two sets |
//! | `attributes.rs` | [`attribute_differences`]: in what a selection differs from the rest |
//! | `whatif.rs` | [`retime`]: what a change would do, under happens-before |
//! | `provenance.rs` | where a value was first seen |
//! | `data_flow.rs` | [`data_flows`]: which value of one answer reaches which later call |
//! | `change.rs` | [`Change`]: what could be changed, as an edit of a trace: [`edit_of`] |
//! | `drag.rs` | [`drags`], [`slacks`]: how much a span could shrink or grow |
//! | `finding.rs` | [`Finding`]: a result for people |
//! | `explain/` | [`Explanation`]: findings over many traces, fed trace by trace |
//! | `names.rs` | services and operations as small numbers |
//! | `statistics.rs` | quantiles, a rank test, many tests at once |
//! | `samples.rs` | measurements of bounded number, evenly thinned |
//! | `sketch.rs` | [`Sketch`]: a mergeable histogram within 1 % |
//! | `limits.rs` | every bound |

mod arguments;
mod attributes;
mod cache;
mod calls;
mod change;
mod compare;
mod critical_path;
mod data_flow;
mod drag;
mod explain;
mod fault;
mod finding;
mod happens_before;
mod host_clocks;
pub mod limits;
mod llm;
mod names;
mod peer;
mod prices;
mod provenance;
mod retries;
mod root_cause;
mod samples;
mod sampling;
mod self_time;
mod service_graph;
mod sketch;
mod skew;
mod statistics;
mod structure;
mod summary;
mod timeline;
mod whatif;

pub use attributes::{AttributeDifference, AttributeProfile, attribute_differences};
pub use cache::{CACHE_HIT_KEYS, CacheAccess, CacheResult, cache_accesses};
pub use calls::{Call, CallKind, calls};
pub use change::{Change, OperationName, edit_of};
pub use compare::{Difference, RunProfile, Verdict, compare_runs};
pub use critical_path::{
    CriticalPath, Segment, critical_by_service, critical_path, critical_path_below, critical_path_on,
};
pub use data_flow::{DataFlow, DataFlows, data_flows};
pub use drag::{drags, slacks};
pub use explain::{
    CannotTell, ExplainOptions, Explained, Explanation, LeftOut, MissingPlace, MissingSpan, REPEATS_MIN, ValueFlow,
    normalised_message,
};
pub use fault::{FaultKind, FaultPath, Origin, OriginPlace, fault_kind, fault_path, fault_path_on, is_error};
pub use finding::{Confidence, Evidence, Figure, Finding, FindingKind, Place, Saving, Unit, Waste};
pub use happens_before::{SiblingOrder, SiblingOrders, TRACES_MIN};
pub use host_clocks::{HostClock, HostClocks, HostPair};
pub use llm::{LlmCall, LlmDocument, LlmMessage, LlmPart, LlmSide, LlmTokens, is_llm, llm_call};
pub use peer::{Peer, PeerKind, Peers, peer_of};
pub use prices::{Price, PriceTable};
pub use retries::{Backoff, LogicalCall, Outcome, attempts};
pub use root_cause::{LatencyProfile, RootCause, Spot, Suspect, latency_root_cause, score_of_chance};
pub use sampling::{Weight, weights};
pub use self_time::{self_time, self_time_blocking};
pub use service_graph::{GraphEdge, GraphNode, NodeKind, ServiceGraph};
pub use sketch::Sketch;
pub use skew::{CALLS_MIN, ClockOffset, ClockOffsets, SkewVerdict, host};
pub use structure::{PathDifference, PathVerdict, StructureProfile, compare_structure};
pub use summary::{summarise, summarise_on};
pub use timeline::{Timeline, is_blocking};
pub use whatif::{Edit, retime, saving, sequential_runs};
