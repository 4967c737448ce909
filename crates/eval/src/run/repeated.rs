//! What all attempts of a scenario say together: the verdict, flaky or not, how they spread.

use std::collections::BTreeMap;

use super::attempt::Attempted;
use super::interval::{interval, median, pass_at, quantile, wilson};
use super::over::{over, passed};
use super::plan::Plan;
use crate::limits::PASS_AT_MAX;
use crate::report::{AssertionReport, AttemptReport, ScenarioReport, Statistics, Verdict};
use crate::suite::Check;

pub(super) fn report(plan: &Plan, scenario: usize, attempts: &BTreeMap<u32, Attempted>) -> ScenarioReport {
    let seed = plan.settings.seed.unwrap_or_default();
    let scenario = &plan.suite.scenarios[scenario];
    let assertions = scenario.assertions.iter().enumerate();
    let over_attempts: Vec<AssertionReport> = assertions
        .filter_map(|(position, assertion)| over(assertion, position, attempts, seed, &scenario.variables))
        .collect();
    let reports: Vec<AttemptReport> = attempts.values().map(|attempted| attempted.report.clone()).collect();
    let by_rate = scenario.assertions.iter().any(|assertion| matches!(assertion.check, Check::PassRate(_)));
    let verdict = verdict(&reports, &over_attempts, by_rate);
    let statistics = (reports.len() > 1).then(|| statistics(&reports, seed));
    let line = scenario.place.line;
    ScenarioReport { name: scenario.name.clone(), line, verdict, attempts: reports, over_attempts, statistics }
}

/// Flaky if some attempts passed and some failed; else the worst. Where the scenario says how many must pass, that alone
/// counts of attempts that passed and failed.
fn verdict(attempts: &[AttemptReport], over_attempts: &[AssertionReport], by_rate: bool) -> Verdict {
    let has = |verdict| attempts.iter().any(|attempt| attempt.verdict == verdict);
    let of_attempts = if by_rate {
        let others = attempts.iter().map(|attempt| attempt.verdict).filter(|verdict| *verdict != Verdict::Fail);
        Verdict::worst(others)
    } else if has(Verdict::Pass) && has(Verdict::Fail) && !has(Verdict::Error) {
        Some(Verdict::Flaky)
    } else {
        Verdict::worst(attempts.iter().map(|attempt| attempt.verdict))
    };
    Verdict::worst(of_attempts.into_iter().chain(over_attempts.iter().map(|assertion| assertion.verdict)))
        .unwrap_or(Verdict::Pass)
}

fn statistics(attempts: &[AttemptReport], seed: u64) -> Statistics {
    let (passed, judged) = passed(attempts);
    let (pass_rate_low, pass_rate_high) = wilson(passed, judged);
    let driven = attempts.iter().filter(|attempt| attempt.error.is_none());
    let durations: Vec<Vec<f64>> = driven.map(|attempt| vec![attempt.duration as f64]).collect();
    let (low, high) = interval(&durations, seed, |sample| median(sample)).unwrap_or_default();
    let mut all = durations.concat();
    let of_k: Vec<(f64, f64)> = (1..=judged.min(PASS_AT_MAX)).filter_map(|k| pass_at(passed, judged, k)).collect();
    Statistics {
        passed: passed as u32,
        judged: judged as u32,
        pass_rate_low,
        pass_rate_high,
        pass_at: of_k.iter().map(|(any, _)| *any).collect(),
        pass_all: of_k.iter().map(|(_, all)| *all).collect(),
        duration_median: median(&mut all).unwrap_or_default() as i64,
        duration_p95: quantile(&mut all, 0.95).unwrap_or_default() as i64,
        duration_median_interval: (low as i64, high as i64),
    }
}
