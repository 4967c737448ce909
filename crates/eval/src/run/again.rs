//! Judging without driving: stored traces (targets `trace` and `traces`), and the attempts of a run that is judged again.
//!
//! Of a run, reports keep status and time of an answer, not its body and headers: assertions on those keep the result they
//! had where the assertion is still the same, and cannot be judged where it is not.

use std::collections::BTreeMap;

use model::{Duration, TraceId};

use super::plan::Plan;
use crate::check::{Finding, check_answer, is_about_trace};
use crate::report::{AssertionReport, AttemptReport, RunReport, StepReport, Verdict};
use crate::suite::{Assertion, Check, Scenario, Step, Target, Variables};
use crate::trigger::Answer;

/// What is there of a step that is not sent.
pub(super) struct Existing {
    pub trace_id: TraceId,
    /// What is known of its answer; nothing of a trace that no run of ours made.
    pub answer: Answer,
    pub is_recorded: bool,
}

/// What to judge of `step` instead of sending it; none if it is to be sent.
pub(super) fn existing(
    plan: &Plan,
    scenario: &Scenario,
    number: u32,
    step: &Step,
    variables: &Variables,
) -> Option<Result<Existing, String>> {
    if let Some(run) = &plan.options.again {
        return Some(recorded(run, scenario, number, step));
    }
    let found = |trace_id| Existing { trace_id, answer: Answer::default(), is_recorded: false };
    match &step.target {
        Target::Trace(template) => Some(match template.render(variables) {
            Ok(text) => text.trim().parse().map(found).map_err(|_| format!("{text:?} is no trace id: 32 hex digits")),
            Err(undefined) => Err(format!("nothing sets the variable `{}`", undefined.name)),
        }),
        Target::Traces(traces) => {
            let id = traces.found.get(number as usize).copied();
            Some(id.map(found).ok_or_else(|| "the query found fewer traces than there are attempts".to_owned()))
        }
        Target::Http(_) | Target::Grpc(_) | Target::Exec(_) => None,
    }
}

fn recorded(run: &RunReport, scenario: &Scenario, number: u32, step: &Step) -> Result<Existing, String> {
    let step_report = attempt(run, &scenario.name, number)
        .and_then(|attempt| attempt.steps.iter().find(|recorded| recorded.name == step.name));
    let Some(StepReport { trace_id, status, duration, error, .. }) = step_report else {
        return Err(format!("the run has no step `{}` of attempt {}", step.name, number + 1));
    };
    if let Some(error) = error {
        return Err(error.clone());
    }
    let trace_id = trace_id.parse().map_err(|_| format!("the run names {trace_id:?}, which is no trace id"))?;
    let answer = Answer { status: status.unwrap_or_default(), duration: Duration(*duration), ..Answer::default() };
    Ok(Existing { trace_id, answer, is_recorded: true })
}

/// The attempt of a run.
pub(super) fn attempt<'a>(run: &'a RunReport, scenario: &str, number: u32) -> Option<&'a AttemptReport> {
    let scenario = run.scenarios.iter().find(|recorded| recorded.name == scenario)?;
    scenario.attempts.iter().find(|attempt| attempt.attempt == number)
}

/// How many attempts there are without driving anything; none if the scenario is driven.
pub(super) fn attempts(plan: &Plan, scenario: &Scenario) -> Option<u32> {
    if let Some(run) = &plan.options.again {
        let recorded = run.scenarios.iter().find(|recorded| recorded.name == scenario.name)?;
        return recorded.attempts.iter().map(|attempt| attempt.attempt + 1).max();
    }
    // A query that found nothing is one attempt, which says so.
    scenario.stored_traces().map(|found| u32::try_from(found).unwrap_or(u32::MAX).max(1))
}

/// Of a scenario whose query found no trace: there is nothing to judge.
pub(super) fn nothing_found(scenario: &Scenario) -> Option<String> {
    let Target::Traces(traces) = &scenario.steps.last()?.target else { return None };
    let asked = if traces.query.is_empty() { String::new() } else { format!(" that `{}` finds", traces.query) };
    traces.found.is_empty().then(|| format!("there is no stored trace{asked}"))
}

/// What an assertion on an answer finds when there is only what [`Existing`] knows of it; none if it is about a trace.
pub(super) fn check_existing(
    assertion: &Assertion,
    existing: (&Answer, bool),
    durations: &BTreeMap<String, Duration>,
    variables: &Variables,
) -> Option<Finding> {
    if is_about_trace(assertion) && assertion.when.is_none() {
        return None;
    }
    let (answer, is_recorded) = existing;
    // Settles what is about the answer at all.
    let finding = check_answer(assertion, answer, durations, variables)?;
    if !is_recorded {
        return Some(Finding::not_evaluable(
            &finding.expected,
            "the trace was stored before: there is no answer to judge",
        ));
    }
    if is_of_what_is_kept(assertion) {
        return Some(finding);
    }
    Some(Finding::not_evaluable(&finding.expected, "a run keeps an answer's status and time, not its body and headers"))
}

/// Whether an assertion is on an answer's status or time, which a run keeps.
fn is_of_what_is_kept(assertion: &Assertion) -> bool {
    matches!(assertion.check, Check::Status(_) | Check::Latency(_) | Check::FasterThan { .. })
}

/// The result that an assertion on an answer had in the run, where it is still the same assertion.
pub(super) fn kept(plan: &Plan, scenario: &str, number: u32, assertion: &Assertion) -> Option<AssertionReport> {
    if is_of_what_is_kept(assertion) || is_about_trace(assertion) {
        return None;
    }
    let run = plan.options.again.as_ref()?;
    let recorded = attempt(run, scenario, number)?.assertions.iter();
    let mut kept = recorded.clone().find(|report| report.text == assertion.text)?.clone();
    if kept.verdict == Verdict::NotEvaluable {
        return Some(kept);
    }
    kept.line = assertion.place.line;
    kept.found = if kept.found.is_empty() {
        "as when it was run".to_owned()
    } else {
        format!("{} (as when it was run)", kept.found)
    };
    Some(kept)
}
