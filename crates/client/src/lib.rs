//! Headwater's HTTP API from the other side: for the command line when a server owns the data folder, and for
//! evaluations that run beside a server.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::ClientError> {
//! let server = client::Client::new("127.0.0.1:4319", None)?;
//! println!("{} since {:?}", server.info().await?.version, server.info().await?.started);
//! # Ok(()) }
//! ```
//!
//! TLS needs a rustls provider installed by the binary.
//!
//! | file | what |
//! | --- | --- |
//! | `client.rs` | [`Client`]: one method for each address |
//! | `analyses.rs` | analyses of many traces, with progress |
//! | `otlp_codec.rs` | OTLP bodies to and from the model |
//! | `error.rs`, `limits.rs` | what can go wrong, every bound |

mod analyses;
mod client;
mod error;
mod limits;
mod otlp_codec;

pub use analyses::{FindingsQuery, Progress};
pub use client::{Arrived, Client, Imported, SeriesQuery, TraceQuery, Watched};
pub use error::ClientError;
