//! A log record: every field of OTLP.

use std::sync::Arc;

use crate::{Attributes, Instant, Resource, Scope, SpanId, Text, TraceId, Value};

/// A log record. Only those with a trace id are kept; they join their trace, and their span if it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogRecord {
    /// When it happened; 0 if unknown.
    pub time: Instant,
    /// When the collecting side saw it.
    pub observed_time: Instant,
    /// OTLP's severity number, 0 if not said.
    pub severity_number: i32,
    /// The sender's word for the severity; empty when none.
    pub severity_text: Text,
    /// The record itself.
    pub body: Value,
    /// Attributes in the order sent.
    pub attributes: Attributes,
    /// How many attributes the sender left out.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// The trace this record belongs to, if any.
    pub trace_id: Option<TraceId>,
    /// The span this record belongs to, if any.
    pub span_id: Option<SpanId>,
    /// The event's name; empty for an ordinary record.
    pub event_name: Text,
    /// Who produced it.
    pub resource: Arc<Resource>,
    /// Which instrumentation made it.
    pub scope: Arc<Scope>,
}

impl LogRecord {
    /// When it happened, or where that is unknown when it was seen.
    #[must_use]
    pub fn moment(&self) -> Instant {
        if self.time.0 == 0 { self.observed_time } else { self.time }
    }
}
