//! The filter of a destination: one TraceQL selector, asked of each span as it passes. Whatever would need the whole trace
//! is refused at the start: a batch holds only a part of it.

use std::collections::{BTreeMap, HashSet};

use model::{Batch, Span, Trace, TraceId};
use query::{Field, FieldExpression, Intrinsic, Query, Spansets, View};

/// A checked selector.
#[derive(Clone, Debug)]
pub struct Filter {
    query: Query,
}

/// Fields that only the whole trace can answer.
const OF_THE_TRACE: &[Intrinsic] = &[
    Intrinsic::ChildCount,
    Intrinsic::SelfTime,
    Intrinsic::Critical,
    Intrinsic::TraceDuration,
    Intrinsic::RootName,
    Intrinsic::RootServiceName,
    Intrinsic::TraceSpans,
    Intrinsic::TraceErrors,
    Intrinsic::TraceServices,
    Intrinsic::NestedSetLeft,
    Intrinsic::NestedSetRight,
    Intrinsic::NestedSetParent,
];

impl Filter {
    /// Reads a selector.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let query = query::parse(text).into_result().map_err(|problems| {
            let rendered: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
            rendered.join("\n")
        })?;
        match &query.source {
            Spansets::Selector(expression) if query.stages.is_empty() => {
                expression.as_ref().map_or(Ok(()), speaks_of_the_span_alone)?;
            }
            _ => {
                return Err(format!(
                    "{text:?} looks at more than one span: a filter is one selector in braces, joined with && and || inside"
                ));
            }
        }
        Ok(Self { query })
    }

    /// Leaves only the spans that match, in their order.
    pub fn keep_matching(&self, batch: &mut Batch) {
        let mut by_trace: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        for span in &batch.spans {
            by_trace.entry(span.trace_id).or_default().push(span.clone());
        }
        let traces: Vec<Trace> =
            by_trace.into_iter().map(|(id, spans)| Trace::assemble(id, spans, Vec::new())).collect();
        let matching: HashSet<&Span> = traces
            .iter()
            .flat_map(|trace| {
                let found = query::select(&self.query, &View::new(trace));
                found.into_iter().map(move |index| trace.span(index))
            })
            .collect();
        batch.spans.retain(|span| matching.contains(span));
    }
}

fn speaks_of_the_span_alone(expression: &FieldExpression) -> Result<(), String> {
    // The parser bounds how deep expressions nest; a stack of our own needs no bound.
    let mut stack = vec![expression];
    while let Some(expression) = stack.pop() {
        match expression {
            FieldExpression::Literal(_) => {}
            FieldExpression::Field(Field::Attribute(attribute)) if attribute.of_parent => {
                return Err(format!("parent.{} is of another span, which may not be there yet", attribute.key));
            }
            FieldExpression::Field(Field::Attribute(_)) => {}
            FieldExpression::Field(Field::Intrinsic(intrinsic)) if OF_THE_TRACE.contains(intrinsic) => {
                return Err(format!("{} is known of a whole trace only, and spans pass one by one", intrinsic.name()));
            }
            FieldExpression::Field(Field::Intrinsic(_)) => {}
            FieldExpression::Unary { of, .. } | FieldExpression::Matches { of, .. } => stack.push(of),
            FieldExpression::Binary { left, right, .. } => stack.extend([&**left, &**right]),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{SpanId, StatusCode};

    use super::*;

    #[test]
    fn only_matching_spans_stay_in_their_order() {
        let span = |trace: u8, id: u8| {
            let mut span = Span::new(TraceId([trace; 16]), SpanId([id; 8]), "x");
            span.start.0 = u64::from(100 - id);
            if id.is_multiple_of(2) {
                span.status.code = StatusCode::ERROR;
            }
            span
        };
        let mut batch = Batch {
            spans: vec![span(2, 4), span(1, 1), span(1, 2), span(2, 3), span(1, 8), span(1, 2)],
            logs: Vec::new(),
        };
        Filter::parse("{ status = error }").expect("a filter").keep_matching(&mut batch);
        let ids: Vec<u8> = batch.spans.iter().map(|span| span.span_id.0[0]).collect();
        assert_eq!(ids, [4, 2, 8, 2], "a span sent twice is sent on twice");
        Filter::parse("{ }").expect("a filter").keep_matching(&mut batch);
        assert_eq!(batch.spans.len(), 4);
    }

    #[test]
    fn what_needs_the_whole_trace_is_refused() {
        for (text, part) in [
            ("{ status = }", "status"),
            ("{ status = error } | count() > 2", "more than one span"),
            ("{ } >> { status = error }", "more than one span"),
            ("{ name = \"x\" && !(traceDuration > 1s) }", "traceDuration"),
            ("{ parent.http.route = \"/\" }", "parent.http.route"),
        ] {
            let error = Filter::parse(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
