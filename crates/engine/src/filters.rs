//! A query as filters on single spans, which a store answers from columns; and what of a trace a query looks at.
//!
//! Filters only spare work, as predicates do: each lets pass every span that the query finds. Where a query is one selector
//! of comparisons, the filter lets pass just these, and the store need not build a trace to know.

use std::sync::Arc;

use model::{Duration, Text};
use query::{
    AttributeField, Field, FieldExpression, FieldValue, Form, Intrinsic, Literal, Operator, Query, Scope, SeriesQuery,
    SpansetOperator, Spansets, Stage, each_judged, field_meets,
};
use store::{AttributeScope, Needs, SpanFilter, TextTest, ValueTest};

use crate::plan::mirrored;

/// What spans a trace must have to match, and whether a span meets the one filter just when the query finds it.
#[must_use]
pub fn filters(query: &Query) -> (Vec<SpanFilter>, bool) {
    let mut found = Vec::new();
    let mut is_exact = of_spansets(&query.source, &mut found) && found.len() == 1;
    for stage in &query.stages {
        match stage {
            // Spans come through from before, so that one span meets both.
            Stage::Filter(Spansets::Selector(Some(expression))) if found.len() == 1 => {
                let (filter, exact) = of_expression(expression);
                found = vec![SpanFilter::All(vec![found.remove(0), filter])];
                is_exact &= exact;
            }
            Stage::Filter(Spansets::Selector(None)) | Stage::Select(_) | Stage::By(_) | Stage::Coalesce => {}
            Stage::Filter(_) | Stage::Aggregate(_) => is_exact = false,
        }
    }
    (found, is_exact)
}

/// Adds the filters; answers whether the one selector there is is met exactly. Nested as deep as the parser allowed.
fn of_spansets(spansets: &Spansets, found: &mut Vec<SpanFilter>) -> bool {
    match spansets {
        Spansets::Selector(None) => {
            found.push(SpanFilter::every());
            true
        }
        Spansets::Selector(Some(expression)) => {
            let (filter, exact) = of_expression(expression);
            found.push(filter);
            exact
        }
        Spansets::Pipeline(query) => {
            let (inner, exact) = filters(query);
            found.extend(inner);
            exact
        }
        Spansets::Combined { operator: SpansetOperator::Or, .. } => false,
        // What is not related to anything on the left needs nothing on the left.
        Spansets::Combined { operator: SpansetOperator::Structural(_, Form::Negated), right, .. } => {
            of_spansets(right, found);
            false
        }
        Spansets::Combined { left, right, .. } => {
            of_spansets(left, found);
            of_spansets(right, found);
            false
        }
    }
}

fn of_expression(expression: &FieldExpression) -> (SpanFilter, bool) {
    match expression {
        FieldExpression::Binary { operator: Operator::And, left, right } => {
            let (left, right) = (of_expression(left), of_expression(right));
            (SpanFilter::All(vec![left.0, right.0]), left.1 && right.1)
        }
        FieldExpression::Binary { operator: Operator::Or, left, right } => {
            let (left, right) = (of_expression(left), of_expression(right));
            (SpanFilter::Any(vec![left.0, right.0]), left.1 && right.1)
        }
        FieldExpression::Literal(Literal::Bool(true)) => (SpanFilter::every(), true),
        other => of_clause(other).map_or((SpanFilter::every(), false), |filter| (filter, true)),
    }
}

/// A comparison of one field with a constant; none for anything else.
fn of_clause(clause: &FieldExpression) -> Option<SpanFilter> {
    let field = |expression: &FieldExpression| match expression {
        FieldExpression::Field(field) => Some(field.clone()),
        _ => None,
    };
    let (of, literal, operator) = match clause {
        FieldExpression::Field(of @ Field::Attribute(_)) => (of.clone(), None, None),
        FieldExpression::Matches { of, .. } => (field(of)?, None, None),
        FieldExpression::Binary { operator, left, right } if operator.is_comparison() => match (&**left, &**right) {
            (FieldExpression::Field(of), FieldExpression::Literal(literal))
            | (FieldExpression::Literal(literal), FieldExpression::Field(of)) => {
                (of.clone(), Some(literal.clone()), Some(*operator))
            }
            _ => return None,
        },
        _ => return None,
    };
    // What is not there is in no column.
    if literal == Some(Literal::Nil) && operator != Some(Operator::NotEqual) {
        return None;
    }
    let equals = match (&literal, operator) {
        (Some(Literal::String(text)), Some(Operator::Equal)) => Some(Text::clone(text)),
        _ => None,
    };
    let clause = Arc::new(clause.clone());
    match of {
        Field::Attribute(attribute) => of_attribute(attribute, equals, clause),
        Field::Intrinsic(intrinsic) => of_intrinsic(intrinsic, equals, literal, clause),
    }
}

fn of_attribute(attribute: AttributeField, equals: Option<Text>, clause: Arc<FieldExpression>) -> Option<SpanFilter> {
    let is_all_or_none = matches!(
        &*clause,
        FieldExpression::Matches { negated: true, .. } | FieldExpression::Binary { operator: Operator::NotEqual, .. }
    );
    // Of several events, `!=` must hold for all, which one value does not tell; the parent is another span.
    if attribute.of_parent || (is_all_or_none && !matches!(attribute.scope, Scope::Span | Scope::Resource)) {
        return None;
    }
    let scope = AttributeScope::of_name(attribute.scope.text());
    let test = ValueTest { equals, meets: Arc::new(move |value| field_meets(&clause, FieldValue::Attribute(value))) };
    Some(SpanFilter::Attribute { scope, key: attribute.key, test })
}

fn of_intrinsic(
    intrinsic: Intrinsic,
    equals: Option<Text>,
    literal: Option<Literal>,
    clause: Arc<FieldExpression>,
) -> Option<SpanFilter> {
    // Every span has these, which is all that a comparison with nil asks.
    if literal == Some(Literal::Nil) {
        return None;
    }
    Some(match intrinsic {
        Intrinsic::Name => {
            let meets = Arc::new(move |text: &str| field_meets(&clause, FieldValue::Text(text)));
            SpanFilter::Name(TextTest { equals, meets })
        }
        Intrinsic::Kind => SpanFilter::Kind(Arc::new(move |kind| field_meets(&clause, FieldValue::Kind(*kind)))),
        Intrinsic::Status => {
            SpanFilter::Status(Arc::new(move |status| field_meets(&clause, FieldValue::Status(*status))))
        }
        Intrinsic::Duration => SpanFilter::Duration(match bounds(&clause) {
            Some((min, max)) => Arc::new(move |duration: &Duration| {
                (min..=max).contains(duration) || (duration.0 < 0 && max == Duration::MAX)
            }),
            None => Arc::new(move |duration: &Duration| {
                let meets = |duration| field_meets(&clause, FieldValue::Duration(duration));
                meets(*duration) || (duration.0 < 0 && meets(Duration::MAX))
            }),
        }),
        _ => return None,
    })
}

/// The durations, both ends included, that a comparison with a duration lets pass: every row of a segment may be asked, and
/// two numbers are compared sooner than an expression is walked.
fn bounds(clause: &FieldExpression) -> Option<(Duration, Duration)> {
    let FieldExpression::Binary { operator, left, right } = clause else { return None };
    let (operator, bound) = match (&**left, &**right) {
        (FieldExpression::Field(_), FieldExpression::Literal(Literal::Duration(bound))) => (*operator, *bound),
        (FieldExpression::Literal(Literal::Duration(bound)), FieldExpression::Field(_)) => {
            (mirrored(*operator), *bound)
        }
        _ => return None,
    };
    let least = Duration(i64::MIN);
    Some(match operator {
        Operator::Equal => (bound, bound),
        Operator::Less => (least, Duration(bound.0.checked_sub(1)?)),
        Operator::LessOrEqual => (least, bound),
        Operator::Greater => (Duration(bound.0.checked_add(1)?), Duration::MAX),
        Operator::GreaterOrEqual => (bound, Duration::MAX),
        _ => return None,
    })
}

/// What of a trace the query looks at.
#[must_use]
pub fn needs(query: &Query) -> Needs {
    let mut looking = Looking(Needs::structure());
    looking.query(query);
    looking.0
}

/// What of a trace all these series look at.
#[must_use]
pub fn needs_of_series(series: &[&SeriesQuery]) -> Needs {
    let mut looking = Looking(Needs::structure());
    for series in series {
        looking.query(&series.spans);
        series.by.iter().chain(series.function.of()).for_each(|expression| looking.expression(expression));
        // A comparison counts every attribute there is.
        looking.0.everything |= matches!(series.function, query::MetricsFunction::Compare { .. });
    }
    looking.0
}

struct Looking(Needs);

impl Looking {
    /// The fields that are only shown are read with the spans that are shown.
    fn query(&mut self, query: &Query) {
        each_judged(query, &mut |judged| self.expression(judged.expression()));
    }

    fn expression(&mut self, expression: &FieldExpression) {
        match expression {
            FieldExpression::Literal(_) => {}
            FieldExpression::Field(Field::Attribute(attribute)) => self.attribute(attribute),
            FieldExpression::Field(Field::Intrinsic(intrinsic)) => self.intrinsic(*intrinsic),
            FieldExpression::Unary { of, .. } | FieldExpression::Matches { of, .. } => self.expression(of),
            FieldExpression::Binary { left, right, .. } => {
                self.expression(left);
                self.expression(right);
            }
        }
    }

    fn attribute(&mut self, attribute: &AttributeField) {
        let needs = &mut self.0;
        let any = attribute.scope == Scope::Any;
        needs.scope |= any || attribute.scope == Scope::Instrumentation;
        needs.events |= any || attribute.scope == Scope::Event;
        needs.links |= any || attribute.scope == Scope::Link;
        if (any || attribute.scope == Scope::Span) && !needs.attributes.contains(&attribute.key) {
            needs.attributes.push(Text::clone(&attribute.key));
        }
    }

    fn intrinsic(&mut self, intrinsic: Intrinsic) {
        let needs = &mut self.0;
        match intrinsic {
            Intrinsic::Name | Intrinsic::RootName => needs.name = true,
            Intrinsic::StatusMessage => needs.status_message = true,
            Intrinsic::EventName | Intrinsic::EventTimeSinceStart => needs.events = true,
            Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => needs.links = true,
            Intrinsic::Status | Intrinsic::TraceErrors => needs.status = true,
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => needs.scope = true,
            // Which child only follows from its parent, a link says.
            Intrinsic::Critical => needs.links = true,
            Intrinsic::Duration
            | Intrinsic::SelfTime
            | Intrinsic::Kind
            | Intrinsic::ChildCount
            | Intrinsic::SpanId
            | Intrinsic::ParentId
            | Intrinsic::Parent
            | Intrinsic::TraceId
            | Intrinsic::TraceDuration
            | Intrinsic::TraceSpans
            | Intrinsic::RootServiceName
            | Intrinsic::TraceServices
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => {}
        }
    }
}
