//! Sends OTLP on: to any number of destinations, each with a filter, a queue on disk of its own, and counters.
//!
//! ```text
//! receiver ──offer──> journal of tempo   ──8 requests──> tempo
//!            (never   journal of datadog ──1 request ──> datadog (failed last time)
//!             waits)
//! ```
//!
//! A body goes to the journal before it goes anywhere, so that a restart or a destination that is down for an hour loses
//! nothing. Without a filter it is sent as it was received, to the byte where the destination takes that encoding and
//! compression. What is dropped is counted with its reason: refused by the destination for good, or beyond the bytes that
//! may wait.
//!
//! TLS needs a rustls provider installed by the binary.
//!
//! | file | what |
//! | --- | --- |
//! | `destination.rs` | [`Destination`] and how people write it; every mistake at once |
//! | `environment.rs` | destinations from `OTLP_…` and `OTEL_EXPORTER_OTLP_…` variables |
//! | `own_address.rs` | refuses to send on to ourselves |
//! | `forwarder.rs` | [`Forwarder`]: all destinations together |
//! | `route.rs` | one destination at work |
//! | `delivery.rs` | the loop that empties one journal |
//! | `body.rs` | [`ReceivedBody`]: what is sent on, and how it lies in the journal |
//! | `convert.rs`, `filter.rs`, `codec.rs` | from a body as received to one as the destination takes it |
//! | `transport.rs` | one request by HTTP or gRPC |
//! | `tls.rs` | [`TlsText`]: whom to trust, and who we are |
//! | `answer.rs` | what a destination said, and what follows |
//! | `pause.rs` | how long to wait before the next try |
//! | `counters.rs` | what happened |
//! | `limits.rs` | every bound |

mod answer;
mod body;
mod codec;
mod convert;
mod counters;
mod delivery;
mod destination;
mod environment;
mod filter;
mod forwarder;
pub mod limits;
mod own_address;
mod pause;
mod route;
mod tls;
mod transport;

pub use body::{Encoding, ReceivedBody, Signal};
pub use counters::Counts;
pub use destination::{Compression, Destination, DestinationProblem, DestinationText, Protocol, without_userinfo};
pub use environment::from_environment;
pub use forwarder::{DestinationStatus, Forwarder, ForwarderParts, StartError};
pub use pause::Pauses;
pub use route::Activity;
pub use tls::{Tls, TlsText};
