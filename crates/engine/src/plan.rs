//! What every trace that matches a query must have, so that the store need not build the others.
//!
//! Predicates only spare work: each must hold for every matching trace, and the residual decides. So a clause is taken
//! over only where no type, list or absent value can make the store's answer narrower than the language's.

use std::sync::Arc;

use model::{Duration, StatusCode, Trace};
use query::{
    AttributeField, Field, FieldExpression, Form, Intrinsic, Literal, Operator, Query, Scope, SpansetOperator,
    Spansets, Stage, View,
};
use store::{AttributeScope, Predicate, Residual, TraceScan};

use crate::Analysed;
use crate::filters::{filters, needs};

/// The query as a question about whole traces: how many spans it finds, none if it finds none.
#[must_use]
pub fn residual(query: Query) -> Residual {
    Arc::new(move |trace: &Trace| {
        let found = query::select(&query, &View::with_computed(trace, &Analysed::new(trace))).len();
        (found > 0).then(|| u32::try_from(found).unwrap_or(u32::MAX))
    })
}

/// The scan that finds the traces of a query.
#[must_use]
pub fn scan_of(query: &Query) -> TraceScan {
    let (spans, is_exact) = filters(query);
    TraceScan {
        predicates: necessary(query),
        spans,
        is_exact,
        needs: needs(query),
        residual: Some(residual(query.clone())),
        ..TraceScan::default()
    }
}

/// What every trace has in which the query finds a span.
#[must_use]
pub fn necessary(query: &Query) -> Vec<Predicate> {
    let mut predicates = Vec::new();
    of_query(query, &mut predicates);
    let mut once: Vec<Predicate> = Vec::new();
    for predicate in predicates {
        if !once.contains(&predicate) {
            once.push(predicate);
        }
    }
    once
}

fn of_query(query: &Query, predicates: &mut Vec<Predicate>) {
    of_spansets(&query.source, predicates);
    for stage in &query.stages {
        // Spans must come through every filter.
        if let Stage::Filter(spansets) = stage {
            of_spansets(spansets, predicates);
        }
    }
}

/// Nested as deep as the parser allowed.
fn of_spansets(spansets: &Spansets, predicates: &mut Vec<Predicate>) {
    match spansets {
        Spansets::Selector(None) => {}
        Spansets::Selector(Some(expression)) => of_expression(expression, predicates),
        Spansets::Pipeline(query) => of_query(query, predicates),
        Spansets::Combined { operator: SpansetOperator::Or, .. } => {}
        // What is not related to anything on the left needs nothing on the left.
        Spansets::Combined { operator: SpansetOperator::Structural(_, Form::Negated), right, .. } => {
            of_spansets(right, predicates);
        }
        Spansets::Combined { left, right, .. } => {
            of_spansets(left, predicates);
            of_spansets(right, predicates);
        }
    }
}

fn of_expression(expression: &FieldExpression, predicates: &mut Vec<Predicate>) {
    let mut stack = vec![expression];
    while let Some(expression) = stack.pop() {
        match expression {
            FieldExpression::Binary { operator: Operator::And, left, right } => {
                stack.extend([&**right, &**left]);
            }
            FieldExpression::Binary { operator, left, right } if operator.is_comparison() => {
                predicates.extend(match (&**left, &**right) {
                    (FieldExpression::Field(field), FieldExpression::Literal(literal)) => {
                        compared(*operator, field, literal)
                    }
                    (FieldExpression::Literal(literal), FieldExpression::Field(field)) => {
                        compared(mirrored(*operator), field, literal)
                    }
                    _ => None,
                });
            }
            FieldExpression::Matches { of, .. } => {
                if let FieldExpression::Field(Field::Attribute(attribute)) = &**of {
                    predicates.push(carried(attribute));
                }
            }
            // `{ span.cached }` stands for `span.cached = true`.
            FieldExpression::Field(Field::Attribute(attribute)) => predicates.push(carried(attribute)),
            _ => {}
        }
    }
}

/// The comparison with its sides exchanged.
pub(crate) fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        other => other,
    }
}

fn compared(operator: Operator, field: &Field, literal: &Literal) -> Option<Predicate> {
    match (field, literal) {
        (Field::Attribute(attribute), Literal::Nil) => (operator == Operator::NotEqual).then(|| carried(attribute)),
        (Field::Attribute(attribute), Literal::String(name))
            if operator == Operator::Equal && is_service(attribute) =>
        {
            // A span without a service name has none in the language, but a stand-in in the store.
            Some(Predicate::Service(name.clone()))
        }
        // Only that the key is there: a value may compare equal across types and within lists.
        (Field::Attribute(attribute), _) => Some(carried(attribute)),
        (Field::Intrinsic(intrinsic), literal) if operator == Operator::Equal => equal(*intrinsic, literal),
        (Field::Intrinsic(intrinsic), Literal::Duration(bound)) => lasting(*intrinsic, operator, *bound),
        _ => None,
    }
}

fn equal(intrinsic: Intrinsic, literal: &Literal) -> Option<Predicate> {
    match (intrinsic, literal) {
        (Intrinsic::Name, Literal::String(name)) => Some(Predicate::SpanName(name.clone())),
        (Intrinsic::RootName, Literal::String(name)) => Some(Predicate::RootName(name.clone())),
        (Intrinsic::RootServiceName, Literal::String(name)) => Some(Predicate::RootService(name.clone())),
        (Intrinsic::Status, Literal::Status(StatusCode::ERROR)) => Some(Predicate::HasError(true)),
        (Intrinsic::Status, Literal::Status(status)) => Some(Predicate::SpanStatus(*status)),
        (Intrinsic::Kind, Literal::Kind(kind)) => Some(Predicate::SpanKind(*kind)),
        (intrinsic, Literal::Duration(bound)) => lasting(intrinsic, Operator::Equal, *bound),
        _ => None,
    }
}

/// Both ends are included, so strict comparisons are covered too.
fn lasting(intrinsic: Intrinsic, operator: Operator, bound: Duration) -> Option<Predicate> {
    let (min, max) = match operator {
        Operator::Equal => (bound, bound),
        Operator::Greater | Operator::GreaterOrEqual => (bound, Duration::MAX),
        Operator::Less | Operator::LessOrEqual => (Duration(i64::MIN), bound),
        _ => return None,
    };
    match intrinsic {
        Intrinsic::Duration => Some(Predicate::SpanDuration { min, max }),
        Intrinsic::TraceDuration => Some(Predicate::TraceDuration { min, max }),
        _ => None,
    }
}

fn is_service(attribute: &AttributeField) -> bool {
    !attribute.of_parent && attribute.scope == Scope::Resource && &*attribute.key == "service.name"
}

/// Some span carries the attribute, be it the parent of the one that is asked about.
fn carried(attribute: &AttributeField) -> Predicate {
    // None for a field of any scope.
    let scope = AttributeScope::of_name(attribute.scope.text());
    Predicate::HasAttribute { scope, key: attribute.key.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let query = query::parse(text).into_result().unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let found: Vec<String> = necessary(&query).iter().map(|predicate| format!("{predicate:?}")).collect();
        let names: Vec<&str> = found.iter().map(|text| text.split([' ', '(']).next().unwrap_or_default()).collect();
        assert_eq!(names, expected, "{text}: {found:?}");
    }

    #[test]
    fn what_every_match_has_is_asked_of_the_store() {
        check("{ }", &[]);
        check("{ status = error && name = \"x\" && kind = server }", &["HasError", "SpanName", "SpanKind"]);
        check("{ 1s < duration && resource.service.name = \"rag\" }", &["SpanDuration", "Service"]);
        check("{ span.a = 1 || status = error }", &[]);
        check("{ span.a = nil }", &[]);
        check(
            "{ span.a != nil && span.b =~ \"x\" && parent.c > 2 }",
            &["HasAttribute", "HasAttribute", "HasAttribute"],
        );
        check("{ status != error && !(name = \"x\") }", &[]);
        check("{ name = \"a\" } >> { name = \"b\" } | { status = ok }", &["SpanName", "SpanName", "SpanStatus"]);
        check("{ name = \"a\" } !>> { name = \"b\" }", &["SpanName"]);
        check("{ name = \"a\" } || { name = \"b\" }", &[]);
        check("({ traceDuration > 1s } | count() > 1) && { rootName = \"x\" }", &["TraceDuration", "RootName"]);
    }
}
