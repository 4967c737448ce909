//! Proxies that stand on calls between services and let faults happen, so that any system can be tested without changing
//! its code. HTTP/1.1 and HTTP/2 without TLS on the caller's side (gRPC too), either also with TLS to the callee.
//!
//! ```text
//! caller ──> 127.0.0.1:9104 ── the request's trace ── rules of the edge ── as it is ─────> callee
//!                                                           │
//!                                             delay, bandwidth, status, drop, …
//! ```
//!
//! Without a fault a request passes as it is: bodies are streamed both ways, trailers and server-sent events included, and
//! the callee is named as it would be without a proxy. What a fault is and whom it hits is `fault`'s.
//!
//! | file | what |
//! | --- | --- |
//! | `edge_spec.rs` | [`EdgeSpec`]: `NAME=LISTEN=UPSTREAM` |
//! | `proxies.rs` | [`Proxies`]: those of a run or of a standing process; faults put in and ended |
//! | `edge.rs` | one edge: its listener, its rules, what happened |
//! | `listening.rs` | a listener and its connections, so many at once |
//! | `exchange.rs` | one request and its answer |
//! | `answer_body.rs` | an answer's body: passed on, cut, or our own |
//! | `upgrade.rs` | connections that become something else (WebSocket) |
//! | `callee.rs` | the other side |
//! | `control.rs`, `guard.rs` | the control API of a standing process |
//! | `remote.rs` | [`RemoteProxies`]: the same from the other side |
//! | `told.rs` | the JSON shapes of both |
//! | `limits.rs` | every bound |

mod answer_body;
mod callee;
mod control;
mod edge;
mod edge_spec;
mod exchange;
mod guard;
pub mod limits;
mod listening;
mod proxies;
mod remote;
mod told;
mod upgrade;

pub use control::Control;
pub use edge::Edge;
pub use edge_spec::{Callee, EdgeSpec, SpecError};
pub use proxies::{InjectError, Lease, Proxies, StandError};
pub use remote::{RemoteError, RemoteProxies};
pub use told::{EdgeReport, Inject, InjectedRule, Problem};
