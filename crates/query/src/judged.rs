//! What a query judges spans by: one walk over its tree for whoever asks which fields it speaks of.

use crate::tree::{AggregateFilter, FieldExpression, Query, Scalar, Spansets, Stage};

/// An expression that decides what a query finds. What is only shown (`select`) decides nothing.
#[derive(Clone, Copy, Debug)]
pub enum Judged<'a> {
    /// Of a selector or a grouping.
    Expression(&'a FieldExpression),
    /// What an aggregate takes the sum, average or extreme of.
    Aggregated(&'a FieldExpression),
}

impl<'a> Judged<'a> {
    /// The expression, whatever it is for.
    #[must_use]
    pub fn expression(self) -> &'a FieldExpression {
        match self {
            Self::Expression(expression) | Self::Aggregated(expression) => expression,
        }
    }
}

/// Hands every expression that decides what `query` finds to `visit`, in order. Nested as deep as the parser allowed.
pub fn each_judged(query: &Query, visit: &mut dyn FnMut(Judged<'_>)) {
    of_spansets(&query.source, visit);
    for stage in &query.stages {
        match stage {
            Stage::Filter(spansets) => of_spansets(spansets, visit),
            Stage::Aggregate(filter) => each_judged_of_aggregate(filter, visit),
            Stage::By(expressions) => expressions.iter().for_each(|expression| visit(Judged::Expression(expression))),
            Stage::Select(_) | Stage::Coalesce => {}
        }
    }
}

/// As [`each_judged`], of one aggregate filter.
pub fn each_judged_of_aggregate(filter: &AggregateFilter, visit: &mut dyn FnMut(Judged<'_>)) {
    of_scalar(&filter.left, visit);
    of_scalar(&filter.right, visit);
}

fn of_spansets(spansets: &Spansets, visit: &mut dyn FnMut(Judged<'_>)) {
    match spansets {
        Spansets::Selector(expression) => {
            expression.iter().for_each(|expression| visit(Judged::Expression(expression)));
        }
        Spansets::Combined { left, right, .. } => {
            of_spansets(left, visit);
            of_spansets(right, visit);
        }
        Spansets::Pipeline(query) => each_judged(query, visit),
    }
}

fn of_scalar(scalar: &Scalar, visit: &mut dyn FnMut(Judged<'_>)) {
    match scalar {
        Scalar::Literal(_) => {}
        Scalar::Aggregate { of, .. } => of.iter().for_each(|of| visit(Judged::Aggregated(of))),
        Scalar::Binary { left, right, .. } => {
            of_scalar(left, visit);
            of_scalar(right, visit);
        }
    }
}
