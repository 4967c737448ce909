//! Assertions on all attempts of a scenario together: `runs`, `pass_rate`, and `faster_than` on the median of pairs.

use std::collections::BTreeMap;

use model::Duration;
use query::{AggregateFunction, Literal, Operator, Scalar};

use super::attempt::Attempted;
use super::interval::{ATTEMPTS_FOR_CONFIDENCE, interval, median, pass_at, quantile, wilson};
use crate::check::ratio;
use crate::report::{AssertionReport, AttemptReport, Verdict};
use crate::select;
use crate::suite::{Assertion, Check, MAIN_STEP, PassRate, Selector, Template, Variables, percent};

/// What all attempts say of `assertion`, the `position`th of the scenario; none if each attempt was judged by itself.
pub(super) fn over(
    assertion: &Assertion,
    position: usize,
    attempts: &BTreeMap<u32, Attempted>,
    seed: u64,
    variables: &Variables,
) -> Option<AssertionReport> {
    let judged = match &assertion.check {
        Check::FasterThan { step, by } if attempts.len() > 1 => faster(assertion, step, *by, attempts, seed),
        Check::Runs { aggregate, spans } => {
            runs(aggregate, spans.as_ref(), assertion, position, attempts, seed, variables)
        }
        Check::PassRate(rate) => pass_rate(rate, attempts),
        _ => return None,
    };
    let Judged { verdict, expected, found, reason } = judged;
    Some(AssertionReport {
        kind: assertion.kind.to_owned(),
        text: assertion.text.clone(),
        verdict,
        expected: if verdict == Verdict::Pass { String::new() } else { expected },
        found,
        reason,
        selectors: Vec::new(),
        evidence: Vec::new(),
        nearest: None,
        line: assertion.place.line,
    })
}

struct Judged {
    verdict: Verdict,
    expected: String,
    found: String,
    reason: String,
}

fn judged(verdict: Verdict, expected: &str, found: String) -> Judged {
    Judged { verdict, expected: expected.to_owned(), found, reason: String::new() }
}

fn not_evaluable(expected: &str, reason: impl Into<String>) -> Judged {
    Judged { reason: reason.into(), ..judged(Verdict::NotEvaluable, expected, String::new()) }
}

/// Judges a number with its interval: with too few attempts for one, the number alone; else the whole interval must lie
/// on one side.
fn decided(
    holds: impl Fn(f64) -> bool,
    value: f64,
    around: Option<(f64, f64)>,
    expected: &str,
    found: String,
) -> Judged {
    let Some((low, high)) = around else {
        return judged(if holds(value) { Verdict::Pass } else { Verdict::Fail }, expected, found);
    };
    match (holds(low), holds(high)) {
        (true, true) => judged(Verdict::Pass, expected, found),
        (false, false) => judged(Verdict::Fail, expected, found),
        _ => Judged {
            reason: "the interval lies on both sides of the bound: more attempts are needed to tell".to_owned(),
            ..judged(Verdict::Insufficient, expected, found)
        },
    }
}

/// Pairs within each attempt, the median of their ratios.
fn faster(assertion: &Assertion, step: &str, by: f64, attempts: &BTreeMap<u32, Attempted>, seed: u64) -> Judged {
    let expected = format!("at least {by} times as fast as {step}");
    let ratios: Vec<Vec<f64>> = attempts
        .values()
        .filter_map(|attempted| {
            let own = attempted.durations.get(&assertion.step).or_else(|| attempted.durations.get(MAIN_STEP))?;
            Some(vec![ratio(*attempted.durations.get(step)?, *own)])
        })
        .collect();
    let Some(middle) = median(&mut ratios.concat()) else {
        return not_evaluable(&expected, "no attempt has both answers");
    };
    let pairs = ratios.len();
    let around = (pairs >= ATTEMPTS_FOR_CONFIDENCE).then(|| interval(&ratios, seed, |sample| median(sample))).flatten();
    let found = match around {
        Some((low, high)) => format!("{middle:.2} times as fast (95 %: {low:.2} to {high:.2}, {pairs} pairs)"),
        None => format!("{middle:.2} times as fast, the median of {pairs} pairs"),
    };
    decided(|ratio| ratio >= by, middle, around, &expected, found)
}

fn runs(
    aggregate: &Template,
    spans: Option<&Selector>,
    assertion: &Assertion,
    position: usize,
    attempts: &BTreeMap<u32, Attempted>,
    seed: u64,
    variables: &Variables,
) -> Judged {
    let (filter, text) = match select::aggregate(aggregate, variables) {
        Ok(read) => read,
        Err(reason) => return not_evaluable("an aggregate", reason),
    };
    let expected = match spans {
        Some(selector) => {
            format!("{text} of `{}`, over all attempts", selector.template.render(variables).unwrap_or_default())
        }
        None => format!("{text} of the answers, over all attempts"),
    };
    let (Scalar::Aggregate { function, quantile, .. }, Scalar::Literal(literal)) = (&filter.left, &filter.right) else {
        return not_evaluable(&expected, "`runs` compares one aggregate with one number");
    };
    let is_time = matches!(literal, Literal::Duration(_));
    let Some(bound) = number(literal) else { return not_evaluable(&expected, "the bound is no number") };
    let measured: Vec<Vec<f64>> = attempts
        .values()
        .filter_map(|attempted| match spans {
            Some(_) => attempted.measured.values.get(&position).cloned(),
            None => attempted.durations.get(&assertion.step).map(|duration| vec![duration.nanos() as f64]),
        })
        .filter(|values| !values.is_empty())
        .collect();
    let statistic = |sample: &mut Vec<f64>| aggregated(*function, *quantile, sample);
    let mut all = measured.concat();
    let Some(value) = statistic(&mut all) else {
        return not_evaluable(&expected, "no attempt has a number to aggregate");
    };
    let around = (measured.len() >= ATTEMPTS_FOR_CONFIDENCE).then(|| interval(&measured, seed, statistic)).flatten();
    let show = |value: f64| if is_time { Duration(value as i64).to_string() } else { format!("{value:.4}") };
    let interval = around.map(|(low, high)| format!(" (95 %: {} to {})", show(low), show(high))).unwrap_or_default();
    let found = format!("{} is {}{interval}, {} attempts", filter.left, show(value), measured.len());
    decided(|value| compares(filter.operator, value, bound), value, around, &expected, found)
}

fn number(literal: &Literal) -> Option<f64> {
    match literal {
        Literal::Int(int) => Some(*int as f64),
        Literal::Float(float) => Some(*float),
        Literal::Duration(duration) => Some(duration.nanos() as f64),
        _ => None,
    }
}

fn aggregated(function: AggregateFunction, q: Option<f64>, sample: &mut [f64]) -> Option<f64> {
    if sample.is_empty() {
        return None;
    }
    let sum: f64 = sample.iter().sum();
    Some(match function {
        AggregateFunction::Count => sample.len() as f64,
        AggregateFunction::Min => sample.iter().copied().fold(f64::INFINITY, f64::min),
        AggregateFunction::Max => sample.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        AggregateFunction::Avg => sum / sample.len() as f64,
        AggregateFunction::Sum => sum,
        AggregateFunction::Quantile if q == Some(0.5) => median(sample)?,
        AggregateFunction::Quantile => quantile(sample, q.unwrap_or(0.5))?,
    })
}

fn compares(operator: Operator, value: f64, bound: f64) -> bool {
    match operator {
        Operator::Less => value < bound,
        Operator::LessOrEqual => value <= bound,
        Operator::Greater => value > bound,
        Operator::GreaterOrEqual => value >= bound,
        Operator::Equal => value == bound,
        Operator::NotEqual => value != bound,
        _ => false,
    }
}

/// Attempts that passed, of those that were judged.
pub(super) fn passed<'a>(attempts: impl Iterator<Item = &'a AttemptReport>) -> (usize, usize) {
    attempts.fold((0, 0), |(passed, judged), attempt| match attempt.verdict {
        Verdict::Pass => (passed + 1, judged + 1),
        Verdict::Fail => (passed, judged + 1),
        _ => (passed, judged),
    })
}

fn pass_rate(rate: &PassRate, attempts: &BTreeMap<u32, Attempted>) -> Judged {
    let (passed, judged_attempts) = passed(attempts.values().map(|attempted| &attempted.report));
    let (what, value) = match rate {
        PassRate { any_of: Some(k), .. } => {
            (format!("that one of {k} passes"), pass_at(passed, judged_attempts, *k as usize).map(|(any, _)| any))
        }
        PassRate { all_of: Some(k), .. } => {
            (format!("that {k} of {k} pass"), pass_at(passed, judged_attempts, *k as usize).map(|(_, all)| all))
        }
        _ => ("that an attempt passes".to_owned(), pass_at(passed, judged_attempts, 1).map(|(any, _)| any)),
    };
    let expected = format!("{} {what}", rate.range.words(percent));
    let Some(value) = value else {
        return Judged {
            reason: format!("{judged_attempts} attempts were judged, which is too few"),
            ..judged(Verdict::Insufficient, &expected, String::new())
        };
    };
    let (low, high) = wilson(passed, judged_attempts);
    let of = format!("{passed} of {judged_attempts} passed (95 %: {} to {})", percent(low), percent(high));
    let found = format!("{} {what}: {of}", percent(value));
    judged(if rate.range.holds(value) { Verdict::Pass } else { Verdict::Fail }, &expected, found)
}
