//! A query on one trace: spansets from selectors, combined, flowing through stages.

use std::collections::BTreeMap;

use model::{SpanIndex, Trace};

use crate::aggregate::meets;
use crate::field::{field_operands, group_text, holds};
use crate::tree::{Field, FieldExpression, Form, Query, Relation, SpansetOperator, Spansets, Stage};
use crate::view::View;

/// Spans of one trace that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spanset {
    /// The spans, by start.
    pub spans: Vec<SpanIndex>,
    /// What `by(…)` grouped by: expression and value (`nil` where there was none).
    pub group: Vec<(String, String)>,
}

/// The spansets that a query finds in a trace; none if it does not match.
#[must_use]
pub fn evaluate(query: &Query, view: &View<'_>) -> Vec<Spanset> {
    let spans = spansets(&query.source, view, None);
    let mut sets = if spans.is_empty() { Vec::new() } else { vec![Spanset { spans, group: Vec::new() }] };
    for stage in &query.stages {
        sets = run_stage(stage, view, sets);
    }
    sets
}

/// The spans that a query finds in a trace, by start, each once.
#[must_use]
pub fn select(query: &Query, view: &View<'_>) -> Vec<SpanIndex> {
    merged(evaluate(query, view).into_iter().flat_map(|set| set.spans).collect())
}

/// Whether a field expression holds for a span.
#[must_use]
pub fn field_holds(expression: &FieldExpression, view: &View<'_>, span: SpanIndex) -> bool {
    holds(expression, view, span)
}

/// The values of a field as text; empty where it has none.
#[must_use]
pub fn field_texts(field: &Field, view: &View<'_>, span: SpanIndex) -> Vec<String> {
    field_operands(field, view, span).iter().map(crate::field::Operand::text).collect()
}

fn run_stage(stage: &Stage, view: &View<'_>, sets: Vec<Spanset>) -> Vec<Spanset> {
    match stage {
        Stage::Filter(source) => {
            let filtered =
                sets.into_iter().map(|set| Spanset { spans: spansets(source, view, Some(&set.spans)), ..set });
            filtered.filter(|set| !set.spans.is_empty()).collect()
        }
        Stage::Aggregate(filter) => {
            sets.into_iter().filter(|set| meets(filter, view, &set.spans) == Some(true)).collect()
        }
        Stage::Select(_) => sets,
        Stage::By(expressions) => sets.iter().flat_map(|set| split(expressions, view, set)).collect(),
        Stage::Coalesce => coalesce(sets),
    }
}

fn split(expressions: &[FieldExpression], view: &View<'_>, set: &Spanset) -> Vec<Spanset> {
    let mut groups: BTreeMap<Vec<String>, Vec<SpanIndex>> = BTreeMap::new();
    for &span in &set.spans {
        let value = |expression: &FieldExpression| group_text(expression, view, span);
        groups.entry(expressions.iter().map(value).collect()).or_default().push(span);
    }
    let names = || expressions.iter().map(ToString::to_string);
    groups
        .into_iter()
        .map(|(values, spans)| Spanset { spans, group: set.group.iter().cloned().chain(names().zip(values)).collect() })
        .collect()
}

fn coalesce(sets: Vec<Spanset>) -> Vec<Spanset> {
    let spans = merged(sets.into_iter().flat_map(|set| set.spans).collect());
    if spans.is_empty() { Vec::new() } else { vec![Spanset { spans, group: Vec::new() }] }
}

/// The spans of an expression, by start; of `among` only, where given. Nested as deep as the parser allowed.
fn spansets(source: &Spansets, view: &View<'_>, among: Option<&[SpanIndex]>) -> Vec<SpanIndex> {
    match source {
        Spansets::Selector(expression) => {
            let meets = |span: &SpanIndex| expression.as_ref().is_none_or(|expression| holds(expression, view, *span));
            match among {
                Some(spans) => spans.iter().copied().filter(meets).collect(),
                None => (0..view.trace.spans().len() as SpanIndex).filter(meets).collect(),
            }
        }
        Spansets::Combined { operator, left, right } => {
            let (left, right) = (spansets(left, view, among), spansets(right, view, among));
            combine(*operator, view.trace, &left, &right)
        }
        Spansets::Pipeline(query) => match among {
            None => select(query, view),
            Some(spans) => {
                let found = select(query, view);
                spans.iter().copied().filter(|span| found.binary_search(span).is_ok()).collect()
            }
        },
    }
}

fn combine(operator: SpansetOperator, trace: &Trace, left: &[SpanIndex], right: &[SpanIndex]) -> Vec<SpanIndex> {
    match operator {
        SpansetOperator::And if left.is_empty() || right.is_empty() => Vec::new(),
        SpansetOperator::And | SpansetOperator::Or => merged([left, right].concat()),
        SpansetOperator::Structural(relation, form) => {
            let related = related(relation, trace, left);
            match form {
                Form::Plain => right.iter().copied().filter(|&span| related[span as usize]).collect(),
                Form::Negated => right.iter().copied().filter(|&span| !related[span as usize]).collect(),
                Form::Union => {
                    let on_the_right: Vec<SpanIndex> =
                        right.iter().copied().filter(|&span| related[span as usize]).collect();
                    let back = self::related(inverse(relation), trace, &on_the_right);
                    let on_the_left: Vec<SpanIndex> =
                        left.iter().copied().filter(|&span| back[span as usize]).collect();
                    merged([on_the_left, on_the_right].concat())
                }
            }
        }
    }
}

fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Sibling => Relation::Sibling,
    }
}

/// By start, each once.
fn merged(mut spans: Vec<SpanIndex>) -> Vec<SpanIndex> {
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// For every span, whether it lies so to one of `to`. One pass over the trace, whatever the relation.
fn related(relation: Relation, trace: &Trace, to: &[SpanIndex]) -> Vec<bool> {
    let mut marked = vec![false; trace.spans().len()];
    to.iter().for_each(|&span| marked[span as usize] = true);
    let mut lies_so = vec![false; trace.spans().len()];
    match relation {
        Relation::Child => {
            for span in 0..trace.spans().len() as SpanIndex {
                lies_so[span as usize] = trace.parent(span).is_some_and(|parent| marked[parent as usize]);
            }
        }
        Relation::Parent => {
            for parent in to.iter().filter_map(|&span| trace.parent(span)) {
                lies_so[parent as usize] = true;
            }
        }
        Relation::Descendant => {
            // Parents come before their children in this order.
            for (span, _) in trace.depth_first() {
                let parent = trace.parent(span);
                lies_so[span as usize] =
                    parent.is_some_and(|parent| marked[parent as usize] || lies_so[parent as usize]);
            }
        }
        Relation::Ancestor => {
            for (span, _) in trace.depth_first().into_iter().rev() {
                if marked[span as usize] || lies_so[span as usize] {
                    trace.parent(span).into_iter().for_each(|parent| lies_so[parent as usize] = true);
                }
            }
        }
        Relation::Sibling => {
            // A span is a sibling of a marked one if its parent has a marked child other than the span itself.
            let mut marked_children = vec![0_u32; trace.spans().len()];
            for parent in to.iter().filter_map(|&span| trace.parent(span)) {
                marked_children[parent as usize] += 1;
            }
            for span in 0..trace.spans().len() as SpanIndex {
                let among_children = trace.parent(span).map_or(0, |parent| marked_children[parent as usize]);
                lies_so[span as usize] = among_children > u32::from(marked[span as usize]);
            }
        }
    }
    lies_so
}
