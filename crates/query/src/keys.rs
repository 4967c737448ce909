//! Which attributes a query speaks of. A key that no span of a trace carries is mostly a typo; `count: 0` must not pass on it.

use model::{SpanIndex, Trace, Value};

use crate::field::attribute_values;
use crate::judged::{Judged, each_judged, each_judged_of_aggregate};
use crate::tree::{AggregateFilter, AttributeField, Field, FieldExpression, Intrinsic, Literal, Operator, Query};

/// An attribute that a query speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyUse {
    /// The attribute.
    pub field: AttributeField,
    /// The types it is compared with; empty where it is only looked at.
    pub types: Vec<ComparedType>,
    /// Whether it is compared with nil: then its absence is meant, not mistaken.
    pub may_be_absent: bool,
}

/// A type that an attribute is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComparedType {
    /// Text.
    String,
    /// Integers, doubles and durations compare with each other.
    Number,
    /// True and false.
    Bool,
}

impl ComparedType {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
        }
    }

    fn of_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::String(_) => Some(Self::String),
            Literal::Int(_) | Literal::Float(_) | Literal::Duration(_) => Some(Self::Number),
            Literal::Bool(_) => Some(Self::Bool),
            _ => None,
        }
    }

    fn fits(self, value: &Value) -> bool {
        match value {
            Value::Array(values) => values.is_empty() || values.iter().any(|value| self.fits(value)),
            Value::Int(_) | Value::Double(_) => self == Self::Number,
            Value::Bool(_) => self == Self::Bool,
            // Everything else is compared as text.
            _ => self == Self::String,
        }
    }
}

/// Why an attribute that a query speaks of cannot match anything in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No span carries the key.
    Key,
    /// Spans carry it, but never with a type that it is compared with; the type that they carry.
    Type(&'static str),
}

/// Every attribute that `query` speaks of, in order, each once.
#[must_use]
pub fn keys_of_query(query: &Query) -> Vec<KeyUse> {
    let mut keys = Keys::default();
    each_judged(query, &mut |judged| keys.judged(judged));
    keys.found
}

/// Every attribute that a field expression speaks of.
#[must_use]
pub fn keys_of_field(expression: &FieldExpression) -> Vec<KeyUse> {
    let mut keys = Keys::default();
    keys.expression(expression);
    keys.found
}

/// Every attribute that an aggregate speaks of.
#[must_use]
pub fn keys_of_aggregate(filter: &AggregateFilter) -> Vec<KeyUse> {
    let mut keys = Keys::default();
    each_judged_of_aggregate(filter, &mut |judged| keys.judged(judged));
    keys.found
}

/// Whether a field expression speaks of how long a span took.
#[must_use]
pub fn field_asks_duration(expression: &FieldExpression) -> bool {
    match expression {
        FieldExpression::Field(Field::Intrinsic(intrinsic)) => *intrinsic == Intrinsic::Duration,
        FieldExpression::Field(Field::Attribute(_)) | FieldExpression::Literal(_) => false,
        FieldExpression::Unary { of, .. } | FieldExpression::Matches { of, .. } => field_asks_duration(of),
        FieldExpression::Binary { left, right, .. } => field_asks_duration(left) || field_asks_duration(right),
    }
}

/// Whether an aggregate speaks of how long spans took.
#[must_use]
pub fn aggregate_asks_duration(filter: &AggregateFilter) -> bool {
    let mut asks = false;
    each_judged_of_aggregate(filter, &mut |judged| asks |= field_asks_duration(judged.expression()));
    asks
}

/// Whether the spans of `trace` that `counts` lets pass carry the attribute; if not, why not.
#[must_use]
pub fn unknown_in(key: &KeyUse, trace: &Trace, counts: &dyn Fn(SpanIndex) -> bool) -> Option<Unknown> {
    if key.may_be_absent {
        return None;
    }
    let (mut other_type, mut fits) = (None, false);
    for index in (0..trace.spans().len() as SpanIndex).filter(|&index| counts(index)) {
        attribute_values(trace.span(index), key.field.scope, &key.field.key, &mut |value| {
            if key.types.is_empty() || key.types.iter().any(|compared| compared.fits(value)) {
                fits = true;
            } else {
                other_type = Some(value.type_name());
            }
        });
        if fits {
            return None;
        }
    }
    Some(other_type.map_or(Unknown::Key, Unknown::Type))
}

#[derive(Default)]
struct Keys {
    found: Vec<KeyUse>,
}

impl Keys {
    fn judged(&mut self, judged: Judged<'_>) {
        self.expression(judged.expression());
        if let Judged::Aggregated(of) = judged {
            self.compared(of, ComparedType::Number);
        }
    }

    fn expression(&mut self, expression: &FieldExpression) {
        match expression {
            FieldExpression::Literal(_) | FieldExpression::Field(Field::Intrinsic(_)) => {}
            FieldExpression::Field(Field::Attribute(field)) => drop(self.entry(field)),
            FieldExpression::Unary { of, .. } => self.expression(of),
            FieldExpression::Matches { of, .. } => {
                self.expression(of);
                self.compared(of, ComparedType::String);
            }
            FieldExpression::Binary { operator, left, right } => {
                self.expression(left);
                self.expression(right);
                if operator.is_comparison() {
                    self.comparison(*operator, left, right);
                    self.comparison(*operator, right, left);
                }
            }
        }
    }

    fn comparison(&mut self, operator: Operator, field: &FieldExpression, with: &FieldExpression) {
        let FieldExpression::Literal(literal) = with else { return };
        if let (Literal::Nil, FieldExpression::Field(Field::Attribute(field))) = (literal, field) {
            // `x = nil` and `x != nil` both ask whether it is there.
            self.entry(field).may_be_absent |= matches!(operator, Operator::Equal | Operator::NotEqual);
        }
        if let Some(compared) = ComparedType::of_literal(literal) {
            self.compared(field, compared);
        }
    }

    fn compared(&mut self, expression: &FieldExpression, with: ComparedType) {
        if let FieldExpression::Field(Field::Attribute(field)) = expression {
            let entry = self.entry(field);
            if !entry.types.contains(&with) {
                entry.types.push(with);
            }
        }
    }

    fn entry(&mut self, field: &AttributeField) -> &mut KeyUse {
        let known = self.found.iter().position(|key| key.field == *field);
        let position = known.unwrap_or_else(|| {
            self.found.push(KeyUse { field: field.clone(), types: Vec::new(), may_be_absent: false });
            self.found.len() - 1
        });
        &mut self.found[position]
    }
}
