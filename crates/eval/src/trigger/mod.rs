//! Sending a step: an HTTP request or a command, under a trace of our own making.
//!
//! | file | what |
//! | --- | --- |
//! | `http.rs` | requests |
//! | `grpc.rs`, `reflection.rs` | gRPC calls, and what a server tells of its services |
//! | `exec.rs` | commands |
//! | `baggage.rs` | the fault, as services that were started with faults on read it |

use model::{Duration, SpanId, TraceId};

mod baggage;
mod exec;
mod grpc;
mod http;
mod reflection;

pub(crate) use self::baggage::{fault_baggage, percent_encoded};
pub use self::http::{ClientError, HttpClient};

use crate::suite::{Fault, Target, Variables};

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// HTTP status, exit code, or gRPC's code.
    pub status: i32,
    /// Headers, names in lower case; none for a command.
    pub headers: Vec<(String, String)>,
    /// The body, or what the command wrote to its standard output.
    pub body: Vec<u8>,
    /// The end of what a command wrote to its standard error.
    pub errors: String,
    /// Whether the body was longer than what is kept.
    pub cut: bool,
    /// From sending to the end of the answer.
    pub duration: Duration,
}

impl Answer {
    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// The trace that a step is sent under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub trace_id: TraceId,
    /// The runner's own span, which the system's first span becomes a child of.
    pub span_id: SpanId,
}

impl Context {
    /// W3C `traceparent`, always sampled.
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace_id, self.span_id)
    }
}

/// What a step is sent with.
pub(crate) struct Send<'a> {
    pub context: Context,
    pub variables: &'a Variables,
    pub faults: &'a [Fault],
}

/// Sends `target` and reads the answer to its end.
///
/// # Errors
/// With a message for people when there is no answer: refused, timed out, a program that is not there.
pub(crate) async fn send(client: &HttpClient, target: &Target, send: &Send<'_>) -> Result<Answer, String> {
    match target {
        Target::Http(target) => self::http::send(client, target, send).await,
        Target::Grpc(target) => grpc::call(client, target, send).await,
        Target::Exec(target) => exec::run(target, send).await,
        Target::Trace(_) | Target::Traces(_) => Err("a stored trace is judged, not sent".to_owned()),
    }
}
