//! What a span does, named alike in every analysis that looks across traces.

use model::{SpanIndex, Text, Trace};

/// `SERVICE:NAME`.
pub(crate) fn operation(trace: &Trace, index: SpanIndex) -> Text {
    let span = trace.span(index);
    format!("{}:{}", span.service_name(), span.name).into()
}
