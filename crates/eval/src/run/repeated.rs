//! What all attempts of a scenario say together: the verdict, flaky or not, how they spread, `faster_than` on the median.

use std::collections::BTreeMap;

use stdx::{Random, SeededRandom};

use super::attempt::Attempted;
use super::plan::Plan;
use crate::check::ratio;
use crate::report::{AssertionReport, AttemptReport, ScenarioReport, Statistics, Verdict};
use crate::suite::{Assertion, Check, MAIN_STEP};

/// Resamples of a bootstrap: the interval's ends then move by less than 2 % between seeds.
const RESAMPLES: usize = 2_000;

/// Fewer pairs than this have no interval worth the name: the median alone is judged.
const PAIRS_FOR_CONFIDENCE: usize = 5;

pub(super) fn report(plan: &Plan, scenario: usize, attempts: &BTreeMap<u32, Attempted>) -> ScenarioReport {
    let seed = plan.settings.seed.unwrap_or_default();
    let scenario = &plan.suite.scenarios[scenario];
    let over_attempts: Vec<AssertionReport> = if attempts.len() > 1 {
        let assertions = scenario.assertions.iter();
        assertions.filter_map(|assertion| faster(assertion, attempts, seed)).collect()
    } else {
        Vec::new()
    };
    let reports: Vec<AttemptReport> = attempts.values().map(|attempted| attempted.report.clone()).collect();
    let verdict = verdict(&reports, &over_attempts);
    let statistics = (reports.len() > 1).then(|| statistics(&reports, seed));
    let line = scenario.place.line;
    ScenarioReport { name: scenario.name.clone(), line, verdict, attempts: reports, over_attempts, statistics }
}

/// Flaky if some attempts passed and some failed; else the worst.
fn verdict(attempts: &[AttemptReport], over_attempts: &[AssertionReport]) -> Verdict {
    let has = |verdict| attempts.iter().any(|attempt| attempt.verdict == verdict);
    let of_attempts = if has(Verdict::Pass) && has(Verdict::Fail) && !has(Verdict::Error) {
        Some(Verdict::Flaky)
    } else {
        Verdict::worst(attempts.iter().map(|attempt| attempt.verdict))
    };
    Verdict::worst(of_attempts.into_iter().chain(over_attempts.iter().map(|assertion| assertion.verdict)))
        .unwrap_or(Verdict::Pass)
}

fn statistics(attempts: &[AttemptReport], seed: u64) -> Statistics {
    let judged = attempts.iter().filter(|attempt| matches!(attempt.verdict, Verdict::Pass | Verdict::Fail)).count();
    let passed = attempts.iter().filter(|attempt| attempt.verdict == Verdict::Pass).count();
    let (pass_rate_low, pass_rate_high) = wilson(passed, judged);
    let mut durations: Vec<f64> =
        attempts.iter().filter(|attempt| attempt.error.is_none()).map(|attempt| attempt.duration as f64).collect();
    durations.sort_by(f64::total_cmp);
    let rank = |share: f64| {
        let rank = (share * durations.len() as f64).ceil() as usize;
        durations.get(rank.clamp(1, durations.len().max(1)) - 1).copied().unwrap_or_default() as i64
    };
    let (low, high) = median_interval(&durations, seed);
    Statistics {
        passed: passed as u32,
        judged: judged as u32,
        pass_rate_low,
        pass_rate_high,
        duration_median: median(&durations) as i64,
        duration_p95: rank(0.95),
        duration_median_interval: (low as i64, high as i64),
    }
}

/// Wilson's score interval, 95 %: honest also for few attempts and for rates near 0 and 1.
fn wilson(passed: usize, judged: usize) -> (f64, f64) {
    if judged == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_963_985;
    let (n, rate) = (judged as f64, passed as f64 / judged as f64);
    let centre = rate + Z * Z / (2.0 * n);
    let spread = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// Of sorted numbers.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The percentile bootstrap interval of the median, 95 %. The seed makes it the same each time a report is made.
fn median_interval(numbers: &[f64], seed: u64) -> (f64, f64) {
    if numbers.is_empty() {
        return (0.0, 0.0);
    }
    let random = SeededRandom::new(seed);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut sample: Vec<f64> =
                numbers.iter().map(|_| numbers[random.below(numbers.len() as u64) as usize]).collect();
            sample.sort_by(f64::total_cmp);
            median(&sample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    (medians[RESAMPLES * 25 / 1_000], medians[RESAMPLES * 975 / 1_000 - 1])
}

/// `faster_than` over all attempts: pairs within each attempt, the median of their ratios.
fn faster(assertion: &Assertion, attempts: &BTreeMap<u32, Attempted>, seed: u64) -> Option<AssertionReport> {
    let Check::FasterThan { step, by } = &assertion.check else { return None };
    let mut ratios: Vec<f64> = attempts
        .values()
        .filter_map(|attempted| {
            let own = attempted.durations.get(&assertion.step).or_else(|| attempted.durations.get(MAIN_STEP))?;
            Some(ratio(*attempted.durations.get(step)?, *own))
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let middle = median(&ratios);
    let (verdict, found, reason) = match ratios.len() {
        0 => (Verdict::NotEvaluable, String::new(), "no attempt has both answers".to_owned()),
        n if n < PAIRS_FOR_CONFIDENCE => {
            let verdict = if middle >= *by { Verdict::Pass } else { Verdict::Fail };
            (verdict, format!("{middle:.2} times as fast, the median of {n} pairs"), String::new())
        }
        n => {
            let (low, high) = median_interval(&ratios, seed);
            let found = format!("{middle:.2} times as fast (95 %: {low:.2} to {high:.2}, {n} pairs)");
            if low >= *by {
                (Verdict::Pass, found, String::new())
            } else if high < *by {
                (Verdict::Fail, found, String::new())
            } else {
                (Verdict::Insufficient, found, format!("the interval includes {by}: more attempts are needed to tell"))
            }
        }
    };
    Some(AssertionReport {
        kind: assertion.kind.to_owned(),
        text: assertion.text.clone(),
        verdict,
        expected: if verdict == Verdict::Pass {
            String::new()
        } else {
            format!("at least {by} times as fast as {step}")
        },
        found,
        reason,
        selectors: Vec::new(),
        evidence: Vec::new(),
        nearest: None,
        line: assertion.place.line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_books() {
        let (low, high) = wilson(8, 10);
        assert!((low - 0.490).abs() < 0.001 && (high - 0.943).abs() < 0.001, "{low} {high}");
        let (low, high) = wilson(10, 10);
        assert!((low - 0.722).abs() < 0.001 && high > 0.999, "{low} {high}");
    }

    #[test]
    fn the_median_lies_in_its_interval() {
        let numbers: Vec<f64> = (1..=21).map(f64::from).collect();
        let (low, high) = median_interval(&numbers, 7);
        assert!(low < 11.0 && 11.0 < high && low >= 5.0 && high <= 17.0, "{low} {high}");
        assert_eq!(median_interval(&numbers, 7), (low, high));
    }
}
