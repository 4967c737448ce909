//! Series of numbers over time, and what second stages do with them.

use std::collections::BTreeMap;

use model::{Instant, SpanId, TraceId};

use crate::tree::Operator;

/// Numbers over time that share labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the spans of the series have in common: expression and value, in the order of `by(…)`.
    pub labels: Vec<(String, String)>,
    /// One for each step; none where there is nothing to compute from.
    pub points: Vec<Option<f64>>,
    /// Spans that the numbers were made of.
    pub exemplars: Vec<Exemplar>,
}

/// A span that a number was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// When it began.
    pub at: Instant,
    /// The value measured of it; its duration in seconds where spans are only counted.
    pub value: f64,
}

/// Points of one side, with the labels that tell its series apart.
pub(super) enum Operands {
    Constant(f64),
    Series(Vec<Series>),
}

/// Point by point. Series of the same labels meet; a side of one series without labels meets every series.
pub(super) fn combined(operator: Operator, left: Operands, right: Operands) -> Vec<Series> {
    match (left, right) {
        (Operands::Constant(_), Operands::Constant(_)) => Vec::new(),
        (Operands::Series(series), Operands::Constant(constant)) => {
            mapped(series, |point| computed(operator, point, constant))
        }
        (Operands::Constant(constant), Operands::Series(series)) => {
            mapped(series, |point| computed(operator, constant, point))
        }
        (Operands::Series(left), Operands::Series(right)) => met(operator, left, right),
    }
}

fn met(operator: Operator, left: Vec<Series>, right: Vec<Series>) -> Vec<Series> {
    let is_for_all = |side: &[Series]| side.len() == 1 && side[0].labels.is_empty();
    if is_for_all(&right) && !is_for_all(&left) {
        let points = &right[0].points;
        return left.into_iter().map(|series| joined(operator, series, points)).collect();
    }
    if is_for_all(&left) && !is_for_all(&right) {
        let points = &left[0].points;
        let mirrored = right.into_iter().map(|series| {
            let own = Series { points: points.clone(), ..series.clone() };
            joined(operator, own, &series.points)
        });
        return mirrored.collect();
    }
    let right: BTreeMap<Vec<(String, String)>, Vec<Option<f64>>> =
        right.into_iter().map(|series| (series.labels, series.points)).collect();
    left.into_iter()
        .filter_map(|series| {
            let points = right.get(&series.labels)?;
            Some(joined(operator, series, points))
        })
        .collect()
}

fn joined(operator: Operator, mut left: Series, right: &[Option<f64>]) -> Series {
    for (point, other) in left.points.iter_mut().zip(right) {
        *point = point.zip(*other).and_then(|(a, b)| computed(operator, a, b));
    }
    left
}

fn mapped(mut series: Vec<Series>, change: impl Fn(f64) -> Option<f64>) -> Vec<Series> {
    for series in &mut series {
        series.points.iter_mut().for_each(|point| *point = point.and_then(&change));
    }
    series
}

/// None where it has no meaning, as for a division by zero.
fn computed(operator: Operator, a: f64, b: f64) -> Option<f64> {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        _ => return None,
    };
    result.is_finite().then_some(result)
}

/// Only the points that compare so; series without one are left out.
pub(super) fn filtered(series: Vec<Series>, operator: Operator, value: f64) -> Vec<Series> {
    let holds =
        |point: f64| point.partial_cmp(&value).is_some_and(|ordering| crate::field::ordering_meets(operator, ordering));
    with_points(mapped(series, |point| Some(point).filter(|point| holds(*point))))
}

/// At each step the `count` largest or smallest; of equals the first by labels.
pub(super) fn chosen(mut series: Vec<Series>, count: usize, smallest: bool) -> Vec<Series> {
    let steps = series.first().map_or(0, |series| series.points.len());
    for step in 0..steps {
        let mut ranked: Vec<(usize, f64)> = series
            .iter()
            .enumerate()
            .filter_map(|(position, series)| Some((position, series.points.get(step).copied().flatten()?)))
            .collect();
        // Stable: series are sorted by labels.
        ranked.sort_by(|a, b| if smallest { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
        for &(position, _) in ranked.iter().skip(count) {
            series[position].points[step] = None;
        }
    }
    with_points(series)
}

fn with_points(mut series: Vec<Series>) -> Vec<Series> {
    series.retain(|series| series.points.iter().any(Option::is_some));
    series
}
