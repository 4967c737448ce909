//! Variables from spans of a step's trace.

use model::Trace;
use query::{FieldExpression, View};
use serde_json::Value as Json;

use crate::select::{self, Numbers};
use crate::suite::{Output, SpanOutput, Step, Variables};

/// Whether the step's trace has to be waited for.
pub(super) fn has_any(step: &Step) -> bool {
    all_of(step).next().is_some()
}

fn all_of(step: &Step) -> impl Iterator<Item = (&str, &SpanOutput)> {
    step.outputs.iter().filter_map(|(name, output)| match output {
        Output::Span(output) => Some((name.as_str(), output)),
        Output::Answer(_) => None,
    })
}

/// Whether every value is in the trace so far.
pub(super) fn is_there(step: &Step, trace: &Trace, variables: &Variables) -> bool {
    !has_any(step) || set(step, trace, variables, &mut Variables::new()).is_ok()
}

/// Sets the variables.
///
/// # Errors
/// With the one that no span of the trace tells, in words.
pub(super) fn set(step: &Step, trace: &Trace, known: &Variables, variables: &mut Variables) -> Result<(), String> {
    let numbers = Numbers::of(trace);
    for (name, output) in all_of(step) {
        let found = value(output, trace, &numbers, known);
        let value = found.map_err(|why| format!("`{name}` of {} has no value: {why}", step.name))?;
        variables.insert(name.to_owned(), value);
    }
    Ok(())
}

fn value(output: &SpanOutput, trace: &Trace, numbers: &Numbers, known: &Variables) -> Result<Json, String> {
    let (query, text) = select::selector(&output.spans.template, known)?;
    let (field, field_text) = select::field(&output.field, known)?;
    let FieldExpression::Field(field) = field else {
        return Err(format!("`field` must name one field, such as `span.order.id`, not `{field_text}`"));
    };
    if let Some(unknown) = select::unknown(&query::keys_of_query(&query), trace) {
        return Err(unknown);
    }
    let view = View::with_computed(trace, numbers);
    let spans = query::select(&query, &view);
    if spans.is_empty() {
        let nearest = select::nearest(&query, &view);
        let nearest = nearest.and_then(|(span, why)| Some((trace.spans().get(span as usize)?, why)));
        let nearest =
            nearest.map(|(span, why)| format!("; the nearest, {} of {}, {why}", span.name, span.service_name()));
        return Err(format!("no span matches `{text}`{}", nearest.unwrap_or_default()));
    }
    // By start, as they are selected.
    let found = spans.into_iter().find_map(|span| query::field_texts(&field, &view, span).into_iter().next());
    found.map(Json::String).ok_or_else(|| format!("no span of `{text}` carries `{field_text}`"))
}
