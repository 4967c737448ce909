//! Which traces got something new, told as it happens, so that live lists and waiting evaluations need not poll.

use model::{Instant, TraceId};

/// Something of a trace arrived and can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The trace.
    pub trace_id: TraceId,
    /// When, by the store's clock.
    pub at: Instant,
    /// How many spans the batch held for this trace.
    pub spans: u32,
    /// How many log records the batch held for this trace.
    pub logs: u32,
}
