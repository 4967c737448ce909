//! The receiver: OTLP over gRPC and HTTP, both on every port. Limits, admission, acknowledgement; touches no disk.
//!
//! A request is answered only after every [`Sink`] has said that its promise holds; what was set aside is told in
//! `partial_success`, what is refused gets the status OTLP asks for with a message that says what to do.
//!
//! | file | what |
//! | --- | --- |
//! | `receiver.rs` | [`Receiver`]: binds, accepts connections, drains |
//! | `http.rs`, `cors.rs` | OTLP over HTTP; browsers on loopback |
//! | `grpc.rs` | OTLP over gRPC, on bare HTTP/2 frames: the body stays as it came |
//! | `exchange.rs` | what both do with a body: read it within bounds, decode, hand on, count |
//! | `body.rs` | [`BodyKind`], [`decode_body`]: also for whoever kept a body and wants it decoded again |
//! | `sink.rs` | [`Sink`], [`Received`], [`Refusal`] |
//! | `counters.rs` | [`Counters`]: what came in and what became of it |
//! | `error.rs`, `limits.rs` | ports that cannot be had, every bound |

mod body;
mod cors;
mod counters;
mod error;
mod exchange;
mod grpc;
mod http;
pub mod limits;
mod receiver;
mod sink;

pub use body::{BodyError, BodyKind, Encoding, Format, Signal, decode_body};
pub use counters::{Counters, Counts, Rejection};
pub use error::BindError;
pub use receiver::{Config, Receiver};
pub use sink::{Received, Refusal, Sink};
