//! A run of an evaluation as the API shows it.

use eval::report::{self, AssertionReport, AttemptReport, EvidenceSpan, RunReport, ScenarioReport, Verdict};
use wire::{AssertionResult, AttemptResult, EvalRun, RunSummary, ScenarioResult, StepResult, UnixNanos, VerdictCounts};

/// The run in the API's shape.
pub fn as_wire(report: &RunReport) -> EvalRun {
    let counts = &report.counts;
    EvalRun {
        summary: RunSummary {
            run: report.run.clone(),
            suite: report.suite.clone(),
            started: UnixNanos(report.started.0),
            duration: report.duration,
            running: report.running,
            verdict: report.verdict.map(verdict),
            counts: VerdictCounts {
                pass: counts.pass,
                fail: counts.fail,
                not_evaluable: counts.not_evaluable,
                error: counts.error,
                flaky: counts.flaky,
                regressed: counts.regressed,
                improved: counts.improved,
                insufficient: counts.insufficient,
            },
            configuration_hash: report.configuration_hash.clone(),
            commit: report.commit.clone(),
            branch: report.branch.clone(),
            exit_code: report.exit_code.map(i32::from),
        },
        scenarios: report.scenarios.iter().map(scenario).collect(),
        errors: report.errors.clone(),
    }
}

fn scenario(report: &ScenarioReport) -> ScenarioResult {
    let mut attempts: Vec<AttemptResult> = report.attempts.iter().map(attempt).collect();
    // What was judged over all attempts has no place of its own there; it stands with the last one.
    if let Some(last) = attempts.last_mut() {
        last.assertions.extend(report.over_attempts.iter().map(assertion));
    }
    ScenarioResult { name: report.name.clone(), verdict: verdict(report.verdict), attempts }
}

fn attempt(report: &AttemptReport) -> AttemptResult {
    let main = report.steps.iter().rev().find_map(|step| step.completeness.as_ref());
    AttemptResult {
        attempt: report.attempt,
        verdict: verdict(report.verdict),
        trace_id: report.trace_id.clone(),
        started: UnixNanos(report.started.0),
        duration: report.duration,
        waited: report.waited,
        completeness: main.map_or_else(String::new, |completeness| completeness.outcome.name().to_owned()),
        completeness_reasons: main.map_or_else(Vec::new, |completeness| completeness.reasons.clone()),
        steps: report
            .steps
            .iter()
            // Hooks have no trace to be shown; what failed of them stands in the attempt's error.
            .filter(|step| !step.trace_id.is_empty())
            .map(|step| StepResult {
                name: step.name.clone(),
                trace_id: step.trace_id.clone(),
                status: step.status,
                duration: step.duration,
                error: step.error.clone(),
            })
            .collect(),
        assertions: report.assertions.iter().map(assertion).collect(),
        error: report.error.clone(),
    }
}

fn assertion(report: &AssertionReport) -> AssertionResult {
    AssertionResult {
        kind: report.kind.clone(),
        text: report.text.clone(),
        verdict: verdict(report.verdict),
        expected: report.expected.clone(),
        found: report.found.clone(),
        reason: report.reason.clone(),
        selectors: report.selectors.clone(),
        evidence: report.evidence.iter().map(evidence).collect(),
        nearest: report.nearest.as_ref().map(evidence),
        line: report.line,
    }
}

fn evidence(span: &EvidenceSpan) -> wire::EvidenceSpan {
    wire::EvidenceSpan {
        trace_id: span.trace_id.clone(),
        span_id: span.span_id.clone(),
        service: span.service.clone(),
        name: span.name.clone(),
        note: span.note.clone(),
    }
}

fn verdict(verdict: Verdict) -> wire::Verdict {
    match verdict {
        Verdict::Pass => wire::Verdict::Pass,
        Verdict::Fail => wire::Verdict::Fail,
        Verdict::NotEvaluable => wire::Verdict::NotEvaluable,
        Verdict::Error => wire::Verdict::Error,
        Verdict::Flaky => wire::Verdict::Flaky,
        Verdict::Regressed => wire::Verdict::Regressed,
        Verdict::Improved => wire::Verdict::Improved,
        Verdict::Insufficient => wire::Verdict::Insufficient,
    }
}

/// The run as the runner knows it, for being judged again. What the API does not tell stays empty: where the suite's file
/// was, how the spans were spread over services.
pub fn from_wire(run: &EvalRun) -> RunReport {
    let summary = &run.summary;
    RunReport {
        schema: eval::report::SCHEMA_VERSION.to_owned(),
        run: summary.run.clone(),
        suite: summary.suite.clone(),
        configuration_hash: summary.configuration_hash.clone(),
        started: report::UnixNanos(summary.started.0),
        duration: summary.duration,
        running: summary.running,
        commit: summary.commit.clone(),
        branch: summary.branch.clone(),
        verdict: summary.verdict.map(verdict_from),
        errors: run.errors.clone(),
        exit_code: summary.exit_code.and_then(|code| u8::try_from(code).ok()),
        scenarios: run.scenarios.iter().map(scenario_from).collect(),
        ..RunReport::default()
    }
}

fn scenario_from(result: &ScenarioResult) -> ScenarioReport {
    ScenarioReport {
        name: result.name.clone(),
        line: 0,
        verdict: verdict_from(result.verdict),
        attempts: result.attempts.iter().map(attempt_from).collect(),
        over_attempts: Vec::new(),
        statistics: None,
        profile: None,
    }
}

fn attempt_from(result: &AttemptResult) -> AttemptReport {
    AttemptReport {
        attempt: result.attempt,
        verdict: verdict_from(result.verdict),
        trace_id: result.trace_id.clone(),
        started: report::UnixNanos(result.started.0),
        duration: result.duration,
        waited: result.waited,
        steps: result
            .steps
            .iter()
            .map(|step| report::StepReport {
                name: step.name.clone(),
                trace_id: step.trace_id.clone(),
                status: step.status,
                duration: step.duration,
                error: step.error.clone(),
                completeness: None,
            })
            .collect(),
        assertions: result.assertions.iter().map(assertion_from).collect(),
        error: result.error.clone(),
    }
}

fn assertion_from(result: &AssertionResult) -> AssertionReport {
    AssertionReport {
        kind: result.kind.clone(),
        text: result.text.clone(),
        verdict: verdict_from(result.verdict),
        expected: result.expected.clone(),
        found: result.found.clone(),
        reason: result.reason.clone(),
        selectors: result.selectors.clone(),
        evidence: result.evidence.iter().map(evidence_from).collect(),
        nearest: result.nearest.as_ref().map(evidence_from),
        line: result.line,
    }
}

fn evidence_from(span: &wire::EvidenceSpan) -> EvidenceSpan {
    EvidenceSpan {
        trace_id: span.trace_id.clone(),
        span_id: span.span_id.clone(),
        service: span.service.clone(),
        name: span.name.clone(),
        note: span.note.clone(),
    }
}

fn verdict_from(verdict: wire::Verdict) -> Verdict {
    match verdict {
        wire::Verdict::Pass => Verdict::Pass,
        wire::Verdict::Fail => Verdict::Fail,
        wire::Verdict::NotEvaluable => Verdict::NotEvaluable,
        wire::Verdict::Error => Verdict::Error,
        wire::Verdict::Flaky => Verdict::Flaky,
        wire::Verdict::Regressed => Verdict::Regressed,
        wire::Verdict::Improved => Verdict::Improved,
        wire::Verdict::Insufficient => Verdict::Insufficient,
    }
}
