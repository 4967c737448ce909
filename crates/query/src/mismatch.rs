//! Why a selector did not find a span: the nearest ones, and the clauses that excluded them.

use model::SpanIndex;

use crate::field::{holds, operands};
use crate::limits::NEAREST_CANDIDATES_MAX;
use crate::tree::{FieldExpression, Operator, Query, Spansets};
use crate::view::View;

/// A span that nearly matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The span.
    pub span: SpanIndex,
    /// The clauses that it does not meet.
    pub excluded_by: Vec<Exclusion>,
    /// How many clauses it meets.
    pub met: usize,
}

/// A clause that a span does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The clause, such as `kind = server`.
    pub clause: String,
    /// What the span has instead, such as `kind is client`; empty where that cannot be said in short.
    pub found: String,
}

/// The spans that come nearest to what the selector asks, at most `limit`: most clauses met, then earliest start. Of a
/// query of several selectors, the last one is explained, since that is what yields spans. Spans that `counts` keeps out
/// are not looked at.
#[must_use]
pub fn nearest(query: &Query, view: &View<'_>, limit: usize, counts: &dyn Fn(SpanIndex) -> bool) -> Vec<NearMiss> {
    let Some(expression) = last_selector(&query.source) else { return Vec::new() };
    let clauses = clauses_of(expression);
    let mut misses: Vec<NearMiss> = (0..view.trace.spans().len() as SpanIndex)
        .filter(|&span| counts(span))
        .take(NEAREST_CANDIDATES_MAX)
        .map(|span| miss(&clauses, view, span))
        .filter(|miss| !miss.excluded_by.is_empty() && miss.met > 0)
        .collect();
    misses.sort_by_key(|miss| (std::cmp::Reverse(miss.met), miss.span));
    misses.truncate(limit);
    misses
}

/// What keeps one span from meeting a field expression; empty if it meets it.
#[must_use]
pub fn exclusions(expression: &FieldExpression, view: &View<'_>, span: SpanIndex) -> Vec<Exclusion> {
    miss(&clauses_of(expression), view, span).excluded_by
}

fn last_selector(spansets: &Spansets) -> Option<&FieldExpression> {
    match spansets {
        Spansets::Selector(expression) => expression.as_ref(),
        Spansets::Combined { right, .. } => last_selector(right),
        Spansets::Pipeline(query) => last_selector(&query.source),
    }
}

/// The parts that are joined by `&&`. Nested as deep as the parser allowed.
fn clauses_of(expression: &FieldExpression) -> Vec<&FieldExpression> {
    match expression {
        FieldExpression::Binary { operator: Operator::And, left, right } => {
            [clauses_of(left), clauses_of(right)].concat()
        }
        other => vec![other],
    }
}

fn miss(clauses: &[&FieldExpression], view: &View<'_>, span: SpanIndex) -> NearMiss {
    let excluded_by: Vec<Exclusion> = clauses
        .iter()
        .filter(|clause| !holds(clause, view, span))
        .map(|clause| Exclusion { clause: clause.to_string(), found: found(clause, view, span) })
        .collect();
    NearMiss { span, met: clauses.len() - excluded_by.len(), excluded_by }
}

fn found(clause: &FieldExpression, view: &View<'_>, span: SpanIndex) -> String {
    let (FieldExpression::Binary { left: field, .. } | FieldExpression::Matches { of: field, .. }) = clause else {
        return String::new();
    };
    let FieldExpression::Field(_) = **field else { return String::new() };
    let values: Vec<String> = operands(field, view, span).iter().map(crate::field::Operand::text).collect();
    if values.is_empty() { format!("{field} is not there") } else { format!("{field} is {}", values.join(", ")) }
}
