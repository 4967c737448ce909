//! Faults on calls between services: what goes wrong, and which requests it hits. Values in, values out; the sockets
//! are `proxy`'s.
//!
//! ```
//! let rule: fault::Rule = "rag -> llm: delay=500ms jitter=100ms status=503 times=2".parse().unwrap();
//! assert_eq!(rule.to_string(), "rag -> llm: delay=500ms jitter=100ms status=503 times=2");
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `fault.rs` | [`Fault`]: what goes wrong with a request; [`Kind`]s of it |
//! | `rule.rs` | [`Rule`]: a fault on an edge, and of which requests |
//! | `text.rs` | rules as people write them on one line, and back |
//! | `book.rs` | [`RuleBook`]: the rules of one edge; what becomes of a request |
//! | `context.rs` | the trace that a request belongs to |
//! | `grpc.rs` | gRPC's word for an HTTP status |
//! | `counters.rs` | [`EdgeCounters`]: what happened on an edge |
//! | `limits.rs` | every bound |

mod book;
mod context;
mod counters;
mod fault;
mod grpc;
pub mod limits;
mod rule;
mod text;

pub use book::{Cut, Doom, End, RuleBook, RuleHits, RuleId, TooManyRules};
pub use context::trace_id_of;
pub use counters::{EdgeCounters, FaultCounts};
pub use fault::{Drop, Fault, InjectedAnswer, Kind};
pub use grpc::grpc_status;
pub use rule::{ANY_CALLER, Rule, stands_on, tidy_edge};
pub use text::{RuleError, bandwidth};
