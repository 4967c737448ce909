//! Spansets as numbers: `count()`, `max(duration)`, compared.

use std::cmp::Ordering;

use model::{Duration, SpanIndex};

use crate::field::{Operand, arithmetic, operands, ordering_meets};
use crate::tree::{AggregateFilter, AggregateFunction, FieldExpression, Literal, Scalar};
use crate::view::View;

/// A number made of a spanset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A plain number.
    Plain(f64),
    /// A duration.
    Duration(Duration),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(number) => write!(f, "{number}"),
            Self::Duration(duration) => write!(f, "{duration}"),
        }
    }
}

/// Whether the comparison holds for these spans; none where a side has no value (no span, no number).
#[must_use]
pub fn meets(filter: &AggregateFilter, view: &View<'_>, spans: &[SpanIndex]) -> Option<bool> {
    let (left, right) = (scalar(&filter.left, view, spans)?, scalar(&filter.right, view, spans)?);
    let ordering: Ordering = match (&left, &right) {
        (Operand::Int(a), Operand::Int(b)) => a.cmp(b),
        (Operand::Duration(a), Operand::Duration(b)) => a.cmp(b),
        _ => left.number()?.partial_cmp(&right.number()?)?,
    };
    Some(ordering_meets(filter.operator, ordering))
}

/// The number that a scalar expression gives for these spans; none without a value.
#[must_use]
pub fn number(expression: &Scalar, view: &View<'_>, spans: &[SpanIndex]) -> Option<Number> {
    match scalar(expression, view, spans)? {
        Operand::Duration(duration) => Some(Number::Duration(duration)),
        other => other.number().map(Number::Plain),
    }
}

fn scalar(expression: &Scalar, view: &View<'_>, spans: &[SpanIndex]) -> Option<Operand<'static>> {
    match expression {
        Scalar::Literal(Literal::Int(int)) => Some(Operand::Int(*int)),
        Scalar::Literal(Literal::Float(float)) => Some(Operand::Float(*float)),
        Scalar::Literal(Literal::Duration(duration)) => Some(Operand::Duration(*duration)),
        Scalar::Literal(_) => None,
        Scalar::Aggregate { of: None, .. } => Some(Operand::Int(i64::try_from(spans.len()).unwrap_or(i64::MAX))),
        Scalar::Aggregate { function, of: Some(of), quantile } => aggregate(*function, of, *quantile, view, spans),
        Scalar::Binary { operator, left, right } => {
            arithmetic(*operator, &scalar(left, view, spans)?, &scalar(right, view, spans)?)
        }
    }
}

fn aggregate(
    function: AggregateFunction,
    of: &FieldExpression,
    quantile: Option<f64>,
    view: &View<'_>,
    spans: &[SpanIndex],
) -> Option<Operand<'static>> {
    let values = spans.iter().flat_map(|&span| operands(of, view, span));
    let (mut durations, mut whole, mut numbers) = (true, true, Vec::new());
    let mut integers: Vec<i64> = Vec::new();
    for value in values {
        let Some(number) = value.number() else { continue };
        durations &= matches!(value, Operand::Duration(_));
        match value {
            Operand::Int(int) => integers.push(int),
            Operand::Duration(duration) => integers.push(duration.0),
            _ => whole = false,
        }
        numbers.push(number);
    }
    if numbers.is_empty() {
        return None;
    }
    let of_whole = |whole: i64| if durations { Operand::Duration(Duration(whole)) } else { Operand::Int(whole) };
    let of_float =
        |float: f64| if durations { Operand::Duration(Duration(float as i64)) } else { Operand::Float(float) };
    if whole && numbers.len() == integers.len() {
        return Some(exact(function, integers, quantile, of_whole, of_float));
    }
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    Some(of_float(match function {
        AggregateFunction::Min => numbers[0],
        AggregateFunction::Max => numbers[numbers.len() - 1],
        AggregateFunction::Sum => sum,
        AggregateFunction::Avg => sum / numbers.len() as f64,
        AggregateFunction::Count => numbers.len() as f64,
        AggregateFunction::Quantile => numbers[rank(quantile, numbers.len())],
    }))
}

/// Integers stay integers: a float would move nanoseconds.
fn exact(
    function: AggregateFunction,
    mut integers: Vec<i64>,
    quantile: Option<f64>,
    of_whole: impl Fn(i64) -> Operand<'static>,
    of_float: impl Fn(f64) -> Operand<'static>,
) -> Operand<'static> {
    integers.sort_unstable();
    let sum: i128 = integers.iter().map(|int| i128::from(*int)).sum();
    match function {
        AggregateFunction::Min => of_whole(integers[0]),
        AggregateFunction::Max => of_whole(integers[integers.len() - 1]),
        AggregateFunction::Quantile => of_whole(integers[rank(quantile, integers.len())]),
        AggregateFunction::Sum => i64::try_from(sum).map_or_else(|_| of_float(sum as f64), of_whole),
        AggregateFunction::Avg => of_float(sum as f64 / integers.len() as f64),
        AggregateFunction::Count => of_whole(i64::try_from(integers.len()).unwrap_or(i64::MAX)),
    }
}

/// The nearest rank of a quantile among `count` sorted values.
fn rank(quantile: Option<f64>, count: usize) -> usize {
    let rank = (quantile.unwrap_or(0.5) * count as f64).ceil() as usize;
    rank.clamp(1, count) - 1
}
