//! What all attempts of a scenario say together: the verdict, flaky or not, how they spread.

use std::collections::BTreeMap;

use analysis::Explanation;

use super::attempt::Attempted;
use super::findings::findings;
use super::interval::{interval, median, pass_at, quantile, wilson};
use super::over::{over, passed};
use super::plan::Plan;
use crate::baseline::{Compared, Profile, Shape, compare, profile};
use crate::limits::PASS_AT_MAX;
use crate::report::{AssertionReport, AttemptReport, ScenarioReport, Statistics, Verdict};
use crate::suite::{Check, MAIN_STEP, Scenario};

/// `explanations`: what the whole traces of all attempts show, by the position of the assertion that asks for it.
pub(super) fn report(
    plan: &Plan,
    scenario: usize,
    attempts: &BTreeMap<u32, Attempted>,
    explanations: &BTreeMap<usize, Explanation>,
) -> ScenarioReport {
    let seed = plan.settings.seed.unwrap_or_default();
    let scenario = &plan.suite.scenarios[scenario];
    let assertions = scenario.assertions.iter().enumerate();
    let mut over_attempts: Vec<AssertionReport> = assertions
        .filter_map(|(position, assertion)| match &assertion.check {
            Check::Findings(_) if plan.options.without_traces => None,
            Check::Findings(check) => Some(findings(assertion, check, explanations.get(&position))),
            _ => over(assertion, position, attempts, seed, &scenario.variables),
        })
        .collect();
    let (profile, compared) = against_baseline(plan, scenario, attempts, seed);
    over_attempts.extend(compared);
    let reports: Vec<AttemptReport> = attempts.values().map(|attempted| attempted.report.clone()).collect();
    let by_rate = scenario.assertions.iter().any(|assertion| matches!(assertion.check, Check::PassRate(_)));
    let verdict = verdict(&reports, &over_attempts, by_rate);
    let statistics = (reports.len() > 1).then(|| statistics(&reports, seed));
    let line = scenario.place.line;
    ScenarioReport { name: scenario.name.clone(), line, verdict, attempts: reports, over_attempts, statistics, profile }
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
    let over = || over_attempts.iter().map(|assertion| assertion.verdict);
    let worst = Verdict::worst(of_attempts.into_iter().chain(over())).unwrap_or(Verdict::Pass);
    // Better than the baseline, where nothing is wrong.
    if worst == Verdict::Pass && over().any(|verdict| verdict == Verdict::Improved) { Verdict::Improved } else { worst }
}

/// Structure and latency of the attempts that passed, and what became of them against the baseline's or the other target's.
fn against_baseline(
    plan: &Plan,
    scenario: &Scenario,
    attempts: &BTreeMap<u32, Attempted>,
    seed: u64,
) -> (Option<Profile>, Vec<AssertionReport>) {
    if !plan.profiles() {
        return (None, Vec::new());
    }
    let passed = attempts.values().filter(|attempted| attempted.report.verdict == Verdict::Pass);
    let shapes: Vec<(i64, Shape)> = passed
        .filter_map(|attempted| {
            let shape = attempted.measured.shape.clone();
            let shape = if plan.options.without_traces { Some(Shape::default()) } else { shape };
            Some((attempted.durations.get(MAIN_STEP)?.nanos(), shape?))
        })
        .collect();
    let now = profile(&shapes, seed);
    let mut reports = Vec::new();
    match plan.options.baseline.as_ref().map(|baseline| baseline.scenarios.get(&scenario.name)) {
        Some(Some(then)) => {
            let compared = compare(then, &now, scenario.tolerance);
            reports.extend(compared.into_iter().map(|compared| baseline_report(scenario, "the baseline", compared)));
        }
        Some(None) => reports.push(baseline_report(scenario, "the baseline", Compared::unknown())),
        None => {}
    }
    if plan.against.is_some() {
        let other: Vec<(i64, Shape)> = attempts.values().filter_map(|attempted| attempted.against.clone()).collect();
        let compared = compare(&profile(&other, seed), &now, scenario.tolerance);
        reports.extend(compared.into_iter().map(|compared| baseline_report(scenario, "the other target", compared)));
    }
    (Some(now), reports)
}

fn baseline_report(scenario: &Scenario, with: &str, compared: Compared) -> AssertionReport {
    let Compared { what, verdict, expected, found, reason } = compared;
    AssertionReport {
        kind: "baseline".to_owned(),
        text: format!("{what} against {with}"),
        verdict,
        expected: if verdict == Verdict::Pass { String::new() } else { expected },
        found,
        reason,
        selectors: Vec::new(),
        evidence: Vec::new(),
        nearest: None,
        line: scenario.place.line,
    }
}

fn statistics(attempts: &[AttemptReport], seed: u64) -> Statistics {
    let (passed, judged) = passed(attempts.iter());
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
