//! `cargo xtask bench store`: what it costs to take, keep and find spans, measured on the real binary from outside.
//!
//! | file | what |
//! | --- | --- |
//! | `generator.rs`, `protobuf.rs` | the spans that are sent: each trace a function of its number |
//! | `sender.rs` | sends over HTTP and gRPC until everything is acknowledged |
//! | `server.rs` | the binary as a process: processor time, memory, start, stop, kill |
//! | `verify.rs` | reads back and compares |
//! | `ingest.rs` | the rows about taking and keeping |
//! | `kept.rs` | a load that is kept in a folder and asked again |
//! | `giants.rs` | a very long trace, a very large span |
//! | `query.rs` | the rows about finding, asked of the loaded server |

mod generator;
mod giants;
mod ingest;
mod kept;
mod protobuf;
mod query;
mod sender;
mod server;
mod verify;

use std::net::SocketAddr;
use std::path::Path;

use super::Figure;
use super::driven::folder;
use crate::process::binary;

/// A server that holds a load and is asked.
#[derive(Debug)]
pub struct Loaded {
    /// Page and API.
    pub page: SocketAddr,
    /// What it holds: every trace of this series.
    pub generator: generator::Generator,
    /// Spans it holds.
    pub spans: u64,
}

/// How much is sent, and what is asked of it.
#[derive(Debug)]
struct Scale {
    /// Traces of the large load.
    traces: u64,
    /// Traces of each other way in.
    way_traces: u64,
    /// Spans of the longest trace.
    giant_spans: u64,
    /// Traces sent before the server is killed.
    killed_traces: u64,
    http_zstd_bar: f64,
    grpc_gzip_bar: f64,
    bytes_bar: f64,
}

/// The bars, on its 10 M spans.
const FULL: Scale = Scale {
    traces: 1_000_000,
    way_traces: 200_000,
    giant_spans: 1_000_000,
    killed_traces: 60_000,
    http_zstd_bar: 200e3,
    grpc_gzip_bar: 130e3,
    bytes_bar: 50.0,
};

/// A tenth. Starting and stopping weigh more on less, so its bars are a tenth lower (bytes: a tenth higher).
const QUICK: Scale = Scale {
    traces: 100_000,
    way_traces: 20_000,
    giant_spans: 100_000,
    killed_traces: 20_000,
    http_zstd_bar: 180e3,
    grpc_gzip_bar: 117e3,
    bytes_bar: 55.0,
};

/// Measures; `quick` on a tenth of the spans. The large load is kept in `folder`; where that has one, only questions are
/// asked of it.
pub fn measure(quick: bool, folder: Option<&Path>) -> Result<Vec<Figure>, String> {
    let binary = binary()?;
    let scale = if quick { QUICK } else { FULL };
    if let Some(folder) = folder {
        if !folder.join(kept::NOTE).exists() {
            return ingest::load_into(&binary, &scale, folder);
        }
        return kept::ask(&binary, folder);
    }
    let mut figures = ingest::life(&binary, &scale)?;
    figures.extend(ingest::ways_in(&binary, &scale)?);
    figures.extend(giants::rows(&binary, scale.giant_spans)?);
    Ok(figures)
}
