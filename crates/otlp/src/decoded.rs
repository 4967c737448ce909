//! What a body held: a batch, and what was set aside with its reasons.

use model::{Batch, LogRecord, PackedBatch, SpanId, TraceId};

use crate::limits::REASONS_MAX;

/// A decoded body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Spans, and log records that belong to a trace.
    pub batch: Batch,
    /// What could be read but not kept, for the sender's `partial_success`.
    pub rejected: Rejected,
    /// Log records without a trace id: valid, but there is no trace they could join.
    pub logs_without_trace: u64,
}

/// A decoded body whose spans are packed.
#[derive(Debug, Clone, Default)]
pub struct DecodedPacked {
    /// As in [`Decoded`].
    pub batch: PackedBatch,
    /// As in [`Decoded`].
    pub rejected: Rejected,
    /// As in [`Decoded`].
    pub logs_without_trace: u64,
}

impl DecodedPacked {
    /// The same with the spans unpacked.
    #[must_use]
    pub fn unpack(self) -> Decoded {
        let Self { batch, rejected, logs_without_trace } = self;
        Decoded { batch: batch.unpack(), rejected, logs_without_trace }
    }
}

impl From<Decoded> for DecodedPacked {
    fn from(decoded: Decoded) -> Self {
        let Decoded { batch, rejected, logs_without_trace } = decoded;
        Self { batch: PackedBatch::from(&batch), rejected, logs_without_trace }
    }
}

/// Spans and log records that were set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// How many spans.
    pub spans: u64,
    /// How many log records.
    pub logs: u64,
    /// Why, with how many each; at most [`REASONS_MAX`].
    pub reasons: Vec<(String, u64)>,
}

impl Rejected {
    /// Whether nothing was set aside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans == 0 && self.logs == 0
    }

    /// The reasons in one line, for `partial_success`; empty when nothing was set aside.
    #[must_use]
    pub fn message(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(|(reason, count)| format!("{count} x {reason}")).collect();
        reasons.join("; ")
    }

    pub(crate) fn span(&mut self, reason: &str) {
        self.spans += 1;
        self.reason(reason);
    }

    pub(crate) fn log(&mut self, reason: &str) {
        self.logs += 1;
        self.reason(reason);
    }

    fn reason(&mut self, reason: &str) {
        if let Some((_, count)) = self.reasons.iter_mut().find(|(known, _)| known == reason) {
            *count += 1;
        } else if self.reasons.len() < REASONS_MAX {
            self.reasons.push((reason.to_owned(), 1));
        } else if let Some((last, count)) = self.reasons.last_mut() {
            "other reasons".clone_into(last);
            *count += 1;
        }
    }
}

/// What is wrong with an id of `length` bytes; `None` where its length is right or it is absent.
pub(crate) fn wrong_length(what: &str, length: usize, expected: usize) -> Option<String> {
    (length != 0 && length != expected).then(|| format!("{what} of {length} bytes instead of {expected}"))
}

/// OTLP calls a span invalid whose ids are all zero or absent.
pub(crate) fn check_ids(trace_id: TraceId, span_id: SpanId) -> Result<(), String> {
    if trace_id.is_zero() {
        return Err("trace id is all zero or absent".to_owned());
    }
    if span_id.is_zero() {
        return Err("span id is all zero or absent".to_owned());
    }
    Ok(())
}

impl Decoded {
    /// Keeps `log` if it belongs to a trace, else counts it.
    pub(crate) fn keep_log(&mut self, log: LogRecord) {
        if log.trace_id.is_some() {
            self.batch.logs.push(log);
        } else {
            self.logs_without_trace += 1;
        }
    }
}
