//! A server span whose caller hung up: the handler is dropped in the middle, and nobody would say why the span ended.

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

/// Marks a server span as cancelled unless [`Unfinished::finished`] is called first. That is no error of the server: it was
/// told to stop.
pub(crate) struct Unfinished {
    context: Option<Context>,
    attributes: Vec<KeyValue>,
}

impl Unfinished {
    /// Watches the span of `context`; a cancelled one also gets `attributes`.
    pub fn new(context: &Context, attributes: Vec<KeyValue>) -> Self {
        Self { context: Some(context.clone()), attributes }
    }

    /// The handler has come to its end.
    pub fn finished(mut self) {
        self.context = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(context) = self.context.take() else { return };
        let span = context.span();
        span.set_attributes(std::mem::take(&mut self.attributes));
        span.add_event("request.cancelled", vec![KeyValue::new("reason", "the caller stopped waiting")]);
        span.end();
    }
}
