//! Field expressions on one span.
//!
//! A field has no value (the attribute is not there), one, or several (an attribute of events, links, or a list). A
//! comparison holds if it holds for some value; `!=` and `!~` must hold for every one. Without a value no comparison
//! holds, except with `nil`. Values of different types never compare, except numbers and durations with each other.

use std::cmp::Ordering;

use model::{Duration, Span, SpanIndex, SpanKind, StatusCode, Value};

use crate::tree::{AttributeField, Field, FieldExpression, Intrinsic, Literal, Operator, Scope};
use crate::view::View;

/// A value while an expression is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand<'a> {
    String(std::borrow::Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Duration(Duration),
    Status(StatusCode),
    Kind(SpanKind),
}

impl<'a> Operand<'a> {
    fn of_literal(literal: &'a Literal) -> Option<Self> {
        Some(match literal {
            Literal::Nil => return None,
            Literal::String(text) => Self::String(text.as_ref().into()),
            Literal::Int(int) => Self::Int(*int),
            Literal::Float(float) => Self::Float(*float),
            Literal::Bool(bool) => Self::Bool(*bool),
            Literal::Duration(duration) => Self::Duration(*duration),
            Literal::Status(status) => Self::Status(*status),
            Literal::Kind(kind) => Self::Kind(*kind),
        })
    }

    /// The value as a number; durations count nanoseconds.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(int) => Some(*int as f64),
            Self::Float(float) => Some(*float),
            Self::Duration(duration) => Some(duration.0 as f64),
            _ => None,
        }
    }

    fn whole(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Duration(duration) => Some(duration.0),
            _ => None,
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Status(a), Self::Status(b)) => Some(a.cmp(b)),
            (Self::Kind(a), Self::Kind(b)) => Some(a.cmp(b)),
            _ => match (self.whole(), other.whole()) {
                // Integers are compared as integers: a float would lose the last nanoseconds.
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => self.number()?.partial_cmp(&other.number()?),
            },
        }
    }

    /// For people and for grouping.
    pub fn text(&self) -> String {
        match self {
            Self::String(text) => text.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => format!("{float:?}"),
            Self::Bool(bool) => bool.to_string(),
            Self::Duration(duration) => duration.to_string(),
            Self::Status(status) => status.name().to_owned(),
            Self::Kind(kind) => kind.name().to_owned(),
        }
    }
}

/// Whether the expression holds for the span. Nested as deep as the parser allowed.
pub(crate) fn holds(expression: &FieldExpression, view: &View<'_>, span: SpanIndex) -> bool {
    match expression {
        FieldExpression::Binary { operator: Operator::And, left, right } => {
            holds(left, view, span) && holds(right, view, span)
        }
        FieldExpression::Binary { operator: Operator::Or, left, right } => {
            holds(left, view, span) || holds(right, view, span)
        }
        FieldExpression::Unary { operator: Operator::Not, of } => !holds(of, view, span),
        FieldExpression::Binary { operator, left, right } if operator.is_comparison() => {
            compare(*operator, left, right, view, span)
        }
        FieldExpression::Matches { of, pattern, negated } => {
            matches_operands(pattern, *negated, &operands(of, view, span))
        }
        other => operands(other, view, span).first() == Some(&Operand::Bool(true)),
    }
}

fn matches_operands(pattern: &crate::tree::Pattern, negated: bool, operands: &[Operand<'_>]) -> bool {
    let mut texts = operands.iter().filter_map(|operand| match operand {
        Operand::String(text) => Some(pattern.compiled.is_match(text)),
        _ => None,
    });
    if negated {
        texts.next().is_some_and(|first| !first && texts.all(|matches| !matches))
    } else {
        texts.any(|matches| matches)
    }
}

/// What a field is, for a comparison that is asked apart from a span.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue<'a> {
    /// An attribute's value.
    Attribute(&'a Value),
    /// A name or message.
    Text(&'a str),
    /// A duration.
    Duration(Duration),
    /// A status.
    Status(StatusCode),
    /// A kind.
    Kind(SpanKind),
}

/// Whether an expression of one field and constants, such as `span.a > 1` or `name =~ "x"`, holds where the field is this
/// and nothing else. An expression of another form holds: it cannot be told apart from its span.
#[must_use]
pub fn field_meets(expression: &FieldExpression, value: FieldValue<'_>) -> bool {
    let mut found = Vec::new();
    match value {
        FieldValue::Attribute(value) => push_value(value, &mut found),
        FieldValue::Text(text) => found.push(Operand::String(text.into())),
        FieldValue::Duration(duration) => found.push(Operand::Duration(duration)),
        FieldValue::Status(status) => found.push(Operand::Status(status)),
        FieldValue::Kind(kind) => found.push(Operand::Kind(kind)),
    }
    match expression {
        FieldExpression::Field(_) => found.first() == Some(&Operand::Bool(true)),
        FieldExpression::Matches { of, pattern, negated } if matches!(**of, FieldExpression::Field(_)) => {
            matches_operands(pattern, *negated, &found)
        }
        FieldExpression::Binary { operator, left, right } if operator.is_comparison() => match (&**left, &**right) {
            (FieldExpression::Field(_), FieldExpression::Literal(Literal::Nil))
            | (FieldExpression::Literal(Literal::Nil), FieldExpression::Field(_)) => *operator == Operator::NotEqual,
            (FieldExpression::Field(_), FieldExpression::Literal(literal)) => {
                compare_operands(*operator, &found, Operand::of_literal(literal).as_slice())
            }
            (FieldExpression::Literal(literal), FieldExpression::Field(_)) => {
                compare_operands(*operator, Operand::of_literal(literal).as_slice(), &found)
            }
            _ => true,
        },
        _ => true,
    }
}

fn compare(
    operator: Operator,
    left: &FieldExpression,
    right: &FieldExpression,
    view: &View<'_>,
    span: SpanIndex,
) -> bool {
    let is_nil = |expression: &FieldExpression| matches!(expression, FieldExpression::Literal(Literal::Nil));
    if is_nil(left) || is_nil(right) {
        let absent = operands(left, view, span).is_empty() && operands(right, view, span).is_empty();
        return match operator {
            Operator::Equal => absent,
            Operator::NotEqual => !absent,
            _ => false,
        };
    }
    compare_operands(operator, &operands(left, view, span), &operands(right, view, span))
}

fn compare_operands(operator: Operator, left: &[Operand<'_>], right: &[Operand<'_>]) -> bool {
    let mut outcomes = left.iter().flat_map(|a| right.iter().map(move |b| a.compare(b)));
    if operator == Operator::NotEqual {
        // Every pair must be comparable and differ; without a value nothing holds.
        let first = outcomes.next();
        let differs = |outcome: Option<Ordering>| outcome.is_some_and(|ordering| ordering != Ordering::Equal);
        return first.is_some_and(differs) && outcomes.all(differs);
    }
    outcomes.flatten().any(|ordering| ordering_meets(operator, ordering))
}

pub(crate) fn ordering_meets(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        _ => false,
    }
}

/// The values of an expression as one text, by which spans are grouped; `nil` where there is none.
pub(crate) fn group_text(expression: &FieldExpression, view: &View<'_>, span: SpanIndex) -> String {
    let texts: Vec<String> = operands(expression, view, span).iter().map(Operand::text).collect();
    if texts.is_empty() { "nil".to_owned() } else { texts.join(", ") }
}

/// The values of an expression; empty where there is none.
pub(crate) fn operands<'a>(expression: &'a FieldExpression, view: &'a View<'_>, span: SpanIndex) -> Vec<Operand<'a>> {
    match expression {
        FieldExpression::Literal(literal) => Operand::of_literal(literal).into_iter().collect(),
        FieldExpression::Field(field) => field_operands(field, view, span),
        FieldExpression::Unary { operator: Operator::Subtract, of } => {
            let negative = operands(of, view, span)
                .into_iter()
                .filter_map(|operand| arithmetic(Operator::Subtract, &Operand::Int(0), &operand));
            negative.collect()
        }
        FieldExpression::Binary { operator, left, right }
            if !operator.is_comparison() && !matches!(operator, Operator::And | Operator::Or) =>
        {
            let (left, right) = (operands(left, view, span), operands(right, view, span));
            let pairs = left.iter().flat_map(|a| right.iter().filter_map(|b| arithmetic(*operator, a, b)));
            pairs.collect()
        }
        other => vec![Operand::Bool(holds(other, view, span))],
    }
}

/// Arithmetic on numbers and durations; none where it has no meaning or overflows.
pub(crate) fn arithmetic<'a>(operator: Operator, left: &Operand<'_>, right: &Operand<'_>) -> Option<Operand<'a>> {
    let is_duration = |operand: &Operand<'_>| matches!(operand, Operand::Duration(_));
    // A duration stays one under + and -, and when scaled by a number; a ratio of two is a number.
    let duration = match operator {
        Operator::Divide | Operator::Modulo => is_duration(left) && !is_duration(right),
        _ => {
            is_duration(left) != is_duration(right)
                || (is_duration(left) && matches!(operator, Operator::Add | Operator::Subtract))
        }
    };
    if let (Some(a), Some(b)) = (left.whole(), right.whole()) {
        let exact = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Modulo => a.checked_rem(b),
            _ => None,
        };
        if let Some(whole) = exact {
            return Some(if duration { Operand::Duration(Duration(whole)) } else { Operand::Int(whole) });
        }
    }
    let (a, b) = (left.number()?, right.number()?);
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        Operator::Modulo => a % b,
        Operator::Power => a.powf(b),
        _ => return None,
    };
    if !result.is_finite() {
        return None;
    }
    Some(if duration { Operand::Duration(Duration(result as i64)) } else { Operand::Float(result) })
}

/// The values of a field.
pub(crate) fn field_operands<'a>(field: &Field, view: &'a View<'_>, index: SpanIndex) -> Vec<Operand<'a>> {
    match field {
        Field::Attribute(attribute) => attribute_operands(attribute, view, index),
        Field::Intrinsic(intrinsic) => intrinsic_operands(*intrinsic, view, index),
    }
}

fn attribute_operands<'a>(field: &AttributeField, view: &'a View<'_>, index: SpanIndex) -> Vec<Operand<'a>> {
    let index = if field.of_parent { view.trace.parent(index) } else { Some(index) };
    let Some(index) = index else { return Vec::new() };
    let mut found = Vec::new();
    attribute_values(view.trace.span(index), field.scope, &field.key, &mut |value| push_value(value, &mut found));
    found
}

/// Calls `each` with every value that `key` has in `scope`.
pub(crate) fn attribute_values<'a>(span: &'a Span, scope: Scope, key: &str, each: &mut dyn FnMut(&'a Value)) {
    match scope {
        Scope::Span => span.attributes.get(key).into_iter().for_each(each),
        Scope::Resource => span.resource.attributes.get(key).into_iter().for_each(each),
        Scope::Instrumentation => span.scope.attributes.get(key).into_iter().for_each(each),
        Scope::Event => span.events.iter().filter_map(|event| event.attributes.get(key)).for_each(each),
        Scope::Link => span.links.iter().filter_map(|link| link.attributes.get(key)).for_each(each),
        Scope::Any => {
            for scope in [Scope::Span, Scope::Resource, Scope::Instrumentation, Scope::Event, Scope::Link] {
                let mut there = false;
                attribute_values(span, scope, key, &mut |value| {
                    there = true;
                    each(value);
                });
                if there {
                    return;
                }
            }
        }
    }
}

/// A value, or each element of a list of plain values. Maps, bytes and nested lists compare with nothing, but are there.
fn push_value<'a>(value: &'a Value, found: &mut Vec<Operand<'a>>) {
    match value {
        Value::Array(values) if !values.is_empty() => found.extend(values.iter().map(plain)),
        other => found.push(plain(other)),
    }
}

fn plain(value: &Value) -> Operand<'_> {
    match value {
        Value::String(text) => Operand::String(text.as_ref().into()),
        Value::Int(int) => Operand::Int(*int),
        Value::Double(double) => Operand::Float(*double),
        Value::Bool(bool) => Operand::Bool(*bool),
        // Compared as the text that people see.
        other => Operand::String(other.to_string().into()),
    }
}

fn intrinsic_operands<'a>(intrinsic: Intrinsic, view: &'a View<'_>, index: SpanIndex) -> Vec<Operand<'a>> {
    let trace = view.trace;
    let span = trace.span(index);
    let text = |text: &'a str| Operand::String(text.into());
    let owned = |text: String| Operand::String(text.into());
    let count = |count: usize| Operand::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let one = match intrinsic {
        Intrinsic::Duration => Operand::Duration(span.duration()),
        Intrinsic::Name => text(&span.name),
        Intrinsic::Status => Operand::Status(span.status.code),
        Intrinsic::StatusMessage => text(&span.status.message),
        Intrinsic::Kind => Operand::Kind(span.kind),
        Intrinsic::ChildCount => count(trace.children(index).len()),
        Intrinsic::SpanId => owned(span.span_id.to_string()),
        Intrinsic::ParentId | Intrinsic::Parent => {
            return span.parent_span_id.map(|id| owned(id.to_string())).into_iter().collect();
        }
        Intrinsic::SelfTime => {
            return view.computed().map(|computed| Operand::Duration(computed.self_time(index))).into_iter().collect();
        }
        Intrinsic::Critical => {
            return view.computed().map(|computed| Operand::Duration(computed.critical(index))).into_iter().collect();
        }
        Intrinsic::TraceId => owned(span.trace_id.to_string()),
        Intrinsic::TraceDuration => Operand::Duration(view.summary().duration),
        Intrinsic::RootName => text(&view.summary().root_name),
        Intrinsic::RootServiceName => text(&view.summary().root_service),
        Intrinsic::TraceSpans => count(trace.spans().len()),
        Intrinsic::TraceErrors => count(view.summary().error_count as usize),
        Intrinsic::TraceServices => count(view.summary().services.len()),
        Intrinsic::EventName => return span.events.iter().map(|event| text(&event.name)).collect(),
        Intrinsic::EventTimeSinceStart => {
            return span.events.iter().map(|event| Operand::Duration(event.time - span.start)).collect();
        }
        Intrinsic::LinkTraceId => return span.links.iter().map(|link| owned(link.trace_id.to_string())).collect(),
        Intrinsic::LinkSpanId => return span.links.iter().map(|link| owned(link.span_id.to_string())).collect(),
        Intrinsic::InstrumentationName => text(&span.scope.name),
        Intrinsic::InstrumentationVersion => text(&span.scope.version),
        Intrinsic::NestedSetLeft => Operand::Int(view.nested_set(index).0),
        Intrinsic::NestedSetRight => Operand::Int(view.nested_set(index).1),
        Intrinsic::NestedSetParent => Operand::Int(trace.parent(index).map_or(-1, |parent| view.nested_set(parent).0)),
    };
    vec![one]
}
