//! What one request carried.

use crate::{LogRecord, Span};

/// The spans and log records of one request (or one file), in the order sent. Spans of one resource share one `Arc`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Spans, possibly of many traces.
    pub spans: Vec<Span>,
    /// Log records, possibly of many traces.
    pub logs: Vec<LogRecord>,
}

impl Batch {
    /// Whether it carries nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }
}
