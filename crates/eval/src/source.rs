//! Where a run's traces come from, and where its own spans go. The runner cannot tell whether it runs inside the server
//! or beside it: whoever starts it hands in these traits. [`WatchedTraces`](crate::WatchedTraces) is a ready
//! [`TraceSource`] for whoever owns a receiver.

use std::fmt;

use futures_util::future::BoxFuture;
use model::{Batch, Instant, LogRecord, Span, Trace, TraceId};

/// A source of traces that are still arriving.
///
/// A trace is read incrementally: every item is handed out once and moves the [`Cursor`] on, so that a trace of 10,000
/// spans in 100 batches is not copied 100 times. A trace has one reader.
pub trait TraceSource: Send + Sync + fmt::Debug {
    /// Announces interest in `trace_id`, before anything of it is sent. A source that keeps only what is watched starts
    /// here; one that keeps everything need not do anything.
    fn watch(&self, trace_id: TraceId) {
        let _ = trace_id;
    }

    /// Ends the interest; the trace may be forgotten.
    fn release(&self, trace_id: TraceId) {
        let _ = trace_id;
    }

    /// What arrived of `trace_id` after `after`, at once; empty when nothing did.
    ///
    /// # Errors
    /// When the source cannot be asked (a server beside us is down).
    fn arrivals(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, Result<Arrivals, SourceError>>;

    /// How many spans [`TraceSource::arrivals`] would hand out now, as far as the source knows: tells what reading them
    /// takes in memory.
    fn unread(&self, trace_id: TraceId) -> usize;

    /// Resolves when something of `trace_id` has arrived after `after`: at once if it is there already. May resolve too
    /// often, never too late: no arrival between [`TraceSource::arrivals`] and this call may be missed.
    fn changed(&self, trace_id: TraceId, after: Cursor) -> BoxFuture<'_, ()>;

    /// All that is stored of `trace_id`, whenever it arrived; none if nothing is. A source that stores nothing says none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    fn stored(&self, trace_id: TraceId) -> BoxFuture<'_, Result<Option<Trace>, SourceError>> {
        let _ = trace_id;
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// How much of a trace was read. [`Cursor::START`] is nothing; its number is the source's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor(pub u64);

impl Cursor {
    /// Nothing read yet.
    pub const START: Self = Self(0);
}

/// A span and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrivedSpan {
    /// The span.
    pub span: Span,
    /// When the receiver had it, wall time; tells, against the span's end, how its service exports.
    pub arrived: Instant,
}

/// What arrived between two looks.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// Spans in the order of arrival.
    pub spans: Vec<ArrivedSpan>,
    /// Log records in the order of arrival.
    pub logs: Vec<LogRecord>,
    /// Spans and log records of this trace that the source had to leave out because a bound was reached.
    pub left_out: u64,
    /// Where to read on.
    pub cursor: Cursor,
}

/// The source could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// What happened and what to do, for people.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

/// Takes the runner's own spans (scenario, trigger, wait, judge) so that they reach the store that the services' spans
/// reach. They carry the scope [`OWN_SCOPE`](crate::OWN_SCOPE), by which selectors leave them out.
pub trait SpanSink: Send + Sync + fmt::Debug {
    /// Hands over `batch`. A run does not fail because its own spans could not be kept; the sink tells
    /// people of such a loss.
    fn deliver(&self, batch: Batch) -> BoxFuture<'_, ()>;
}

/// Keeps small texts from one run to the next: what was learned about exporters.
pub trait Settings: Send + Sync + fmt::Debug {
    /// The text kept under `name`, if any.
    fn read(&self, name: &str) -> Option<String>;

    /// Keeps `text` under `name`. Failing to is not an error of the run.
    fn write(&self, name: &str, text: &str);
}

/// Settings that forget.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSettings;

impl Settings for NoSettings {
    fn read(&self, _name: &str) -> Option<String> {
        None
    }

    fn write(&self, _name: &str, _text: &str) {}
}
