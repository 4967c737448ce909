//! One attempt: send the steps, wait for the traces that are judged, judge.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use analysis::{ExplainOptions, Explanation, Peers};
use model::{Attributes, Batch, Duration, Instant, LogRecord, Span, SpanId, SpanKind, Trace, TraceId};

use super::by_model::{by_model, is_by_model};
use super::inject;
use super::runner::Shared;
use super::{again, hooks, span_output};
use crate::baseline::Shape;
use crate::check::{
    Finding, Judged, check_answer, check_trace, expected_edges, is_about_trace, measure, needs_nothing_more, settle,
    settle_answer,
};
use crate::complete::{Wait, Waited, look_at_stored, wait};
use crate::limits::EVIDENCE_MAX;
use crate::own_spans::{Evaluation, OwnSpan};
use crate::report::{
    AssertionReport, AttemptReport, CompletenessReport, EvidenceSpan, Outcome, ServiceSpans, StepReport, UnixNanos,
    Verdict,
};
use crate::select::Numbers;
use crate::suite::{Assertion, Check, MAIN_STEP, Output, Scenario, Step, Variables};
use crate::trigger::{Answer, Context, Send, send};

/// An attempt's report, and what is needed of it to judge all attempts together.
pub(super) struct Attempted {
    pub report: AttemptReport,
    /// From sending to the answer, by step.
    pub durations: BTreeMap<String, Duration>,
    /// What was measured for what is judged over all attempts.
    pub measured: Measured,
    /// The same of the target that is compared with: the time to its answer, ns, and its trace's shape.
    pub against: Option<(i64, Shape)>,
}

/// What one attempt adds to what is judged over all of them.
#[derive(Default)]
pub(super) struct Measured {
    /// What `runs` measured on its spans, by the assertion's position.
    pub values: BTreeMap<usize, Vec<f64>>,
    /// What whole traces show, by the position of the assertion that asks for findings.
    pub explanations: BTreeMap<usize, Explanation>,
    /// The whole trace's shape, where a baseline asks for it.
    pub shape: Option<Shape>,
    /// Scores, as events to be kept with the trace.
    pub evaluations: Vec<LogRecord>,
}

/// A step that was sent.
pub(super) struct Sent<'a> {
    step: &'a Step,
    pub(super) context: Context,
    started: Instant,
    ended: Instant,
    pub(super) answer: Result<Answer, String>,
    variables: Variables,
    how: How,
    /// Its trace, where an output was read from it.
    waited: Option<Waited>,
    /// The output that its trace does not have: what comes after cannot be sent.
    lacks: Option<String>,
    /// Faults that proxies let happen to it, until they are ended.
    pub(super) lease: Option<u64>,
}

impl Sent<'_> {
    /// Whether nothing can be sent after it.
    fn is_last(&self) -> bool {
        self.answer.is_err() || self.lacks.is_some()
    }

    pub(super) fn is_of(&self, step: &str) -> bool {
        self.step.name == step
    }

    /// Its trace, where it was waited for already.
    pub(super) fn take_waited(&mut self) -> Option<Waited> {
        self.waited.take()
    }

    /// From sending to the answer, or to its failing.
    pub(super) fn took(&self) -> Duration {
        self.ended - self.started
    }
}

/// Where a step's trace and answer come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It was sent.
    Driven,
    /// The trace was stored before, by whomever.
    Stored,
    /// Trace and answer are those of a run that is judged again.
    Recorded,
}

/// Sends a scenario once without its faults, so that connections are open and code is warm, and learns from its traces.
pub(super) async fn warm_up(shared: &Arc<Shared>, scenario_at: usize) {
    let scenario = &shared.plan.suite.scenarios[scenario_at];
    let faultless = Scenario { faults: Vec::new(), injections: Vec::new(), assertions: Vec::new(), ..scenario.clone() };
    let teardown = hooks::Teardown::begin(shared, scenario_at);
    let sent = send_all(shared, &faultless, 0, &teardown).await;
    let learns = !shared.plan.options.without_traces && scenario.assertions.iter().any(is_about_trace);
    for sent in &sent {
        if learns && sent.answer.is_ok() && sent.waited.is_none() && !sent.step.is_hook {
            // What is learned stays in `shared`; a source that cannot be asked is told by the first judged attempt.
            let _ = wait_for(shared, &faultless, sent, &[]).await;
        }
        shared.host.source.release(sent.context.trace_id);
    }
    // The system's spans hang below the runner's; without it they would be kept as traces that lost their root.
    let own = driven(&sent).map(|sent| extra_span(shared, "warm-up", scenario, sent)).collect();
    shared.host.sink.deliver(Batch { spans: own, logs: Vec::new() }).await;
    // What it fails at is told by the first judged attempt.
    let _ = teardown.finish(shared).await;
}

/// The steps whose traces are kept: those of hooks are nobody's.
pub(super) fn driven<'a, 's>(sent: &'s [Sent<'a>]) -> impl Iterator<Item = &'s Sent<'a>> {
    sent.iter().filter(|sent| sent.how == How::Driven && !sent.step.is_hook)
}

/// The runner's span above a trace that is not judged.
pub(super) fn extra_span(shared: &Shared, what: &str, scenario: &Scenario, sent: &Sent<'_>) -> Span {
    shared.own.span(OwnSpan {
        trace_id: sent.context.trace_id,
        span_id: sent.context.span_id,
        parent: None,
        name: &format!("{what} {}", scenario.name),
        kind: SpanKind::CLIENT,
        start: sent.started,
        end: sent.ended,
        attributes: Attributes::default(),
        error: sent.answer.as_ref().err().map(String::as_str),
    })
}

pub(super) async fn attempt(shared: &Arc<Shared>, scenario_at: usize, number: u32) -> Attempted {
    let scenario = &shared.plan.suite.scenarios[scenario_at];
    if let Some(error) = shared.hooks.failed() {
        return not_driven(shared, number, error.to_owned());
    }
    if shared.plan.options.again.is_none()
        && let Some(reason) = again::nothing_found(scenario)
    {
        return nothing_to_judge(shared, scenario, number, &reason);
    }
    // In turn before and after, so that drift hits both alike.
    let mut against = if number.is_multiple_of(2) { drive_against(shared, scenario, number).await } else { None };
    let scenario_span = shared.host.span_id();
    let began = Instant(shared.host.clock.unix_nanos());
    let teardown = hooks::Teardown::begin(shared, scenario_at);
    let sent = send_all(shared, scenario, number, &teardown).await;
    let answered = shared.host.clock.monotonic_nanos();
    let mut own: Vec<Span> = Vec::new();
    let mut measured = Measured::default();
    let mut steps = Vec::new();
    let mut assertions: Vec<Option<AssertionReport>> = vec![None; scenario.assertions.len()];
    let mut error = sent.iter().find_map(|sent| sent.answer.as_ref().err().cloned());
    let durations: BTreeMap<String, Duration> =
        sent.iter().filter_map(|sent| Some((sent.step.name.clone(), sent.answer.as_ref().ok()?.duration))).collect();
    if error.is_none() {
        judge_answers(scenario, &sent, &durations, &mut assertions, shared);
        judge_by_model(shared, scenario, &sent, &mut assertions, &mut measured).await;
        for (assertion, report) in scenario.assertions.iter().zip(&mut assertions) {
            if let Some(kept) = again::kept(&shared.plan, &scenario.name, number, assertion) {
                *report = Some(kept);
            }
        }
        if shared.plan.options.without_traces && scenario.assertions.iter().all(is_about_trace) {
            assertions = scenario.assertions.iter().map(|assertion| Some(left_out(assertion))).collect();
        }
    }
    let lacks = sent.iter().find_map(|sent| sent.lacks.clone());
    for sent in &sent {
        let mut completeness = None;
        if error.is_none() {
            match judge_trace(shared, scenario, sent, &mut assertions, &mut own, scenario_span, &mut measured).await {
                Ok(judged) => completeness = judged,
                Err(message) => error = Some(message),
            }
        }
        steps.push(step_report(sent, completeness));
        shared.host.source.release(sent.context.trace_id);
    }
    let injected = match inject::end(shared, &sent).await {
        Ok(injected) => injected,
        Err(message) => {
            error.get_or_insert(message);
            Vec::new()
        }
    };
    if let (Some(lacks), None) = (&lacks, &error) {
        for (assertion, report) in
            scenario.assertions.iter().zip(&mut assertions).filter(|(_, report)| report.is_none())
        {
            let settled = (Verdict::NotEvaluable, lacks.clone());
            *report = Some(assertion_report(assertion, Finding::not_evaluable("", lacks.as_str()), settled, None));
        }
    }
    let (torn_down, failed) = teardown.finish(shared).await;
    steps.extend(torn_down);
    error = error.or(failed);
    let mut verdict = verdict(error.as_deref(), &assertions);
    if error.is_none() {
        let faults = inject::reports(shared, scenario, number, &injected);
        // Nothing was tried: what held or failed held or failed without the fault.
        if let Some(missed) = faults.iter().find(|report| report.verdict == Verdict::NotEvaluable) {
            verdict = Verdict::NotEvaluable;
            for failed in assertions.iter_mut().flatten().filter(|report| report.verdict == Verdict::Fail) {
                failed.verdict = Verdict::NotEvaluable;
                failed.reason = format!("the fault `{}` hit nothing, so that this is of a run without it", missed.text);
            }
        }
        assertions.extend(faults.into_iter().map(Some));
    }
    let waited = shared.host.clock.monotonic_nanos().saturating_sub(answered);
    own_spans(shared, scenario, &sent, scenario_span, began, verdict, &mut own);
    shared.host.sink.deliver(Batch { spans: own, logs: std::mem::take(&mut measured.evaluations) }).await;
    let main = sent.last();
    let mut report = AttemptReport {
        attempt: number,
        verdict,
        trace_id: main.map(|main| main.context.trace_id.to_string()),
        started: UnixNanos(main.map_or(began, |main| main.started).unix_nanos()),
        duration: main.map_or(0, |main| (main.ended - main.started).nanos()),
        waited: i64::try_from(waited).unwrap_or(i64::MAX),
        steps,
        assertions: assertions.into_iter().flatten().collect(),
        error,
    };
    report.hide(&shared.plan.suite.secrets);
    if !number.is_multiple_of(2) {
        against = drive_against(shared, scenario, number).await;
    }
    Attempted { report, durations, measured, against }
}

/// Drives the target that is compared with through the same steps: the time to its answer and its whole trace's shape.
/// What fails there is no failure of the scenario: fewer attempts are then compared.
async fn drive_against(shared: &Arc<Shared>, scenario: &Scenario, number: u32) -> Option<(i64, Shape)> {
    let target = shared.plan.against.as_ref()?;
    let mut twin = Scenario { assertions: Vec::new(), ..scenario.clone() };
    twin.steps.iter_mut().filter(|step| !step.is_hook).for_each(|step| step.target = target.clone());
    let sent = send_all(shared, &twin, number, &hooks::Teardown::none()).await;
    // Its faults ended, whatever comes; whether they hit is the scenario's own affair.
    let ended = inject::end(shared, &sent).await;
    let main = sent.last().filter(|sent| sent.step.name == MAIN_STEP && ended.is_ok())?;
    let answered = main.answer.as_ref().map(|answer| answer.duration.nanos()).ok();
    let mut shape = None;
    if answered.is_some() && !shared.plan.options.without_traces {
        let waited = match &main.waited {
            Some(_) => None,
            None => wait_for(shared, &twin, main, &[]).await.ok(),
        };
        let waited = waited.as_ref().or(main.waited.as_ref());
        shape =
            waited.filter(|waited| waited.outcome == Outcome::Complete).map(|waited| shape_of(shared, &waited.trace));
    }
    sent.iter().for_each(|sent| shared.host.source.release(sent.context.trace_id));
    let own = driven(&sent).map(|sent| extra_span(shared, "compare", scenario, sent)).collect();
    shared.host.sink.deliver(Batch { spans: own, logs: Vec::new() }).await;
    let shape = if shared.plan.options.without_traces { Some(Shape::default()) } else { shape };
    answered.zip(shape)
}

/// What a trace looks like, for a file that people share.
fn shape_of(shared: &Shared, trace: &Trace) -> Shape {
    let secrets = &shared.plan.suite.secrets;
    if secrets.is_empty() { Shape::of(trace) } else { Shape::of(&secrets.hide_in_trace(trace.clone())) }
}

/// Of a scenario whose query found no stored trace.
fn nothing_to_judge(shared: &Shared, scenario: &Scenario, number: u32, reason: &str) -> Attempted {
    let undecided = |assertion: &Assertion| {
        let settled = (Verdict::NotEvaluable, reason.to_owned());
        assertion_report(assertion, Finding::not_evaluable("", reason), settled, None)
    };
    let report = AttemptReport {
        attempt: number,
        verdict: Verdict::NotEvaluable,
        trace_id: None,
        started: UnixNanos(shared.host.clock.unix_nanos()),
        duration: 0,
        waited: 0,
        steps: Vec::new(),
        assertions: scenario.assertions.iter().map(undecided).collect(),
        error: None,
    };
    Attempted { report, durations: BTreeMap::new(), measured: Measured::default(), against: None }
}

/// Of an attempt that was not begun, because the suite's set-up failed.
fn not_driven(shared: &Shared, number: u32, error: String) -> Attempted {
    let report = AttemptReport {
        attempt: number,
        verdict: Verdict::Error,
        trace_id: None,
        started: UnixNanos(shared.host.clock.unix_nanos()),
        duration: 0,
        waited: 0,
        steps: Vec::new(),
        assertions: Vec::new(),
        error: Some(error),
    };
    Attempted { report, durations: BTreeMap::new(), measured: Measured::default(), against: None }
}

fn verdict(error: Option<&str>, assertions: &[Option<AssertionReport>]) -> Verdict {
    if error.is_some() {
        return Verdict::Error;
    }
    let verdicts = assertions.iter().flatten().map(|assertion| assertion.verdict);
    Verdict::worst(verdicts).unwrap_or(Verdict::Pass)
}

/// Sends every step, one after the other; ends at the first that gets no answer.
pub(super) async fn send_all<'a>(
    shared: &Arc<Shared>,
    scenario: &'a Scenario,
    number: u32,
    teardown: &hooks::Teardown,
) -> Vec<Sent<'a>> {
    let host = &shared.host;
    let mut variables = scenario.variables.clone();
    variables.extend(shared.hooks.variables());
    variables.insert("attempt.id".to_owned(), host.span_id().to_string().into());
    variables.insert("attempt.number".to_owned(), number.into());
    variables.insert("scenario.name".to_owned(), scenario.name.clone().into());
    variables.insert("suite.name".to_owned(), shared.plan.suite.name.clone().into());
    let mut all = Vec::new();
    for step in &scenario.steps {
        teardown.set(shared, &variables);
        let mut own_variables = variables.clone();
        own_variables.extend(step.variables.clone());
        if step.is_hook && shared.plan.options.again.is_some() {
            continue;
        }
        let existing = again::existing(&shared.plan, scenario, number, step, &own_variables);
        let is_there = existing.is_some();
        let mut sent = match existing {
            Some(existing) => not_sent(shared, step, existing, own_variables),
            None => send_step(shared, scenario, step, own_variables).await,
        };
        // Of an answer that was not made now, the body is not kept.
        if !is_there && let Ok(answer) = &sent.answer {
            sent.answer = outputs(step, answer, &mut variables).map(|()| answer.clone());
        }
        read_spans(shared, scenario, &mut sent, &mut variables).await;
        all.push(sent);
        if all.last().is_some_and(Sent::is_last) {
            break;
        }
    }
    teardown.set(shared, &variables);
    // Assertions may use what the last step put out.
    for sent in &mut all {
        for (name, value) in &variables {
            sent.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    all
}

async fn send_step<'a>(shared: &Shared, scenario: &Scenario, step: &'a Step, variables: Variables) -> Sent<'a> {
    let host = &shared.host;
    let context = Context { trace_id: host.trace_id(), span_id: host.span_id() };
    if !step.is_hook {
        host.source.watch(context.trace_id);
    }
    let faults = if step.name == MAIN_STEP { scenario.faults.as_slice() } else { &[] };
    let injected = inject::begin(shared, scenario, step, context.trace_id).await;
    let started = Instant(host.clock.unix_nanos());
    let (lease, answer) = match injected {
        Ok(lease) => (lease, send(&host.client, &step.target, &Send { context, variables: &variables, faults }).await),
        Err(message) => (None, Err(message)),
    };
    let secrets = &shared.plan.suite.secrets;
    let answer =
        answer.and_then(|answer| if step.is_hook { hooks::succeeded(step, answer, secrets) } else { Ok(answer) });
    // An error becomes the status of a span.
    let answer = answer.map_err(|error| secrets.hide(&error).into_owned());
    let ended = Instant(host.clock.unix_nanos());
    Sent { step, context, started, ended, answer, variables, how: How::Driven, waited: None, lacks: None, lease }
}

/// Sets the variables that come from spans of the step's trace, which is waited for.
async fn read_spans(shared: &Arc<Shared>, scenario: &Scenario, sent: &mut Sent<'_>, variables: &mut Variables) {
    if sent.answer.is_err() || !span_output::has_any(sent.step) {
        return;
    }
    if shared.plan.options.without_traces {
        sent.lacks = Some("variables come from spans, and traces were left out, as asked".to_owned());
        return;
    }
    let wanted = |assertion: &&Assertion| assertion.step == sent.step.name && is_about_trace(assertion);
    let assertions: Vec<&Assertion> = scenario.assertions.iter().filter(wanted).collect();
    match wait_for(shared, scenario, sent, &assertions).await {
        Err(error) => sent.answer = Err(error.to_string()),
        Ok(waited) => {
            sent.lacks = span_output::set(sent.step, &waited.trace, &sent.variables, variables).err();
            // What comes after must not wait for room while this holds some.
            sent.waited = Some(Waited { room: None, ..waited });
        }
    }
}

/// A step whose trace is there already.
fn not_sent<'a>(
    shared: &Shared,
    step: &'a Step,
    existing: Result<again::Existing, String>,
    variables: Variables,
) -> Sent<'a> {
    let started = Instant(shared.host.clock.unix_nanos());
    let how = match &existing {
        Ok(existing) if existing.is_recorded => How::Recorded,
        _ => How::Stored,
    };
    let trace_id = existing.as_ref().map_or_else(|_| TraceId::default(), |existing| existing.trace_id);
    let answer = existing.map(|existing| existing.answer);
    let took = answer.as_ref().map_or(Duration::ZERO, |answer| answer.duration);
    let context = Context { trace_id, span_id: shared.host.span_id() };
    Sent {
        step,
        context,
        started,
        ended: started + took,
        answer,
        variables,
        how,
        waited: None,
        lacks: None,
        lease: None,
    }
}

/// Sets the variables that later steps take from this answer.
pub(super) fn outputs(step: &Step, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    if let Some(name) = &step.capture {
        variables.insert(name.clone(), answer.text().trim_end().into());
    }
    let mut paths = step.outputs.iter().filter_map(|(name, output)| match output {
        Output::Answer(path) => Some((name, path)),
        Output::Span(_) => None,
    });
    let Some(first) = paths.next() else { return Ok(()) };
    let body: serde_json::Value = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("{} has outputs, but its answer is no JSON: {error}", step.name))?;
    for (name, path) in std::iter::once(first).chain(paths) {
        let value = path.find(&body).first().copied().cloned();
        let value = value.ok_or_else(|| format!("{}'s answer has no `{path}` for the variable `{name}`", step.name))?;
        variables.insert(name.clone(), value);
    }
    Ok(())
}

/// Of a scenario all of whose assertions are left out: judged on nothing it must not pass.
fn left_out(assertion: &Assertion) -> AssertionReport {
    let reason = "assertions on traces were left out, as asked, and this scenario has no other";
    let settled = (Verdict::NotEvaluable, reason.to_owned());
    assertion_report(assertion, Finding::not_evaluable("", reason), settled, None)
}

fn judge_answers(
    scenario: &Scenario,
    sent: &[Sent<'_>],
    durations: &BTreeMap<String, Duration>,
    reports: &mut [Option<AssertionReport>],
    shared: &Shared,
) {
    for (assertion, report) in scenario.assertions.iter().zip(reports) {
        let Some(sent) = sent.iter().find(|sent| sent.step.name == assertion.step) else { continue };
        let Ok(answer) = &sent.answer else { continue };
        if assertion.when.is_some() {
            continue;
        }
        if let Some(finding) = answer_finding(assertion, sent, answer, durations) {
            let mut judged = settle_answer(&finding, assertion.optional);
            let over_attempts = shared.plan.options.repeat.unwrap_or(scenario.repeat) > 1;
            if over_attempts && matches!(assertion.check, Check::FasterThan { .. }) && judged.0 == Verdict::Fail {
                // One pair says little; all attempts together are judged.
                judged = (Verdict::Pass, String::new());
            }
            *report = Some(assertion_report(assertion, finding, judged, None));
        }
    }
}

/// Assertions on answers that a model answers, those with a condition on the trace left for later.
async fn judge_by_model(
    shared: &Shared,
    scenario: &Scenario,
    sent: &[Sent<'_>],
    reports: &mut [Option<AssertionReport>],
    measured: &mut Measured,
) {
    for (assertion, report) in scenario.assertions.iter().zip(reports) {
        let Some(sent) = sent.iter().find(|sent| sent.step.name == assertion.step) else { continue };
        if assertion.when.is_none()
            && let Some(told) = ask_model(shared, assertion, sent, measured).await
        {
            *report = Some(told);
        }
    }
}

/// What a model says of a step's answer; none if it is not for a model to say. Of an answer that was not made now nothing is
/// kept that could be judged, so that the model is not asked.
async fn ask_model(
    shared: &Shared,
    assertion: &Assertion,
    sent: &Sent<'_>,
    measured: &mut Measured,
) -> Option<AssertionReport> {
    let answer = sent.answer.as_ref().ok()?;
    let answer = (sent.how == How::Driven).then_some(answer);
    let finding = by_model(shared, &assertion.check, answer, &sent.variables).await?;
    let (scores, settled) = (finding.scores.clone(), settle_answer(&finding, assertion.optional));
    let told = assertion_report(assertion, finding, settled, None);
    measured.evaluations.extend(evaluations(shared, sent, &told, scores));
    Some(told)
}

/// What an assertion on an answer finds, of whatever is known of the answer; none if it is about a trace.
fn answer_finding(
    assertion: &Assertion,
    sent: &Sent<'_>,
    answer: &Answer,
    durations: &BTreeMap<String, Duration>,
) -> Option<Finding> {
    let recorded = match sent.how {
        How::Driven => return check_answer(assertion, answer, durations, &sent.variables),
        How::Stored => false,
        How::Recorded => true,
    };
    again::check_existing(assertion, (answer, recorded), durations, &sent.variables)
}

/// Waits for one step's trace and judges what is asserted on it; nothing if nothing is.
async fn judge_trace(
    shared: &Arc<Shared>,
    scenario: &Scenario,
    sent: &Sent<'_>,
    reports: &mut [Option<AssertionReport>],
    own: &mut Vec<Span>,
    scenario_span: SpanId,
    measured: &mut Measured,
) -> Result<Option<CompletenessReport>, String> {
    if sent.step.is_hook {
        return Ok(None);
    }
    let wanted = |assertion: &&Assertion| assertion.step == sent.step.name && is_about_trace(assertion);
    let assertions: Vec<&Assertion> = scenario.assertions.iter().filter(wanted).collect();
    let profiles = shared.plan.profiles() && sent.step.name == MAIN_STEP;
    if (assertions.is_empty() && !profiles) || shared.plan.options.without_traces {
        return Ok(None);
    }
    let began = Instant(shared.host.clock.unix_nanos());
    let own_wait = match &sent.waited {
        Some(_) => None,
        None => Some(wait_for(shared, scenario, sent, &assertions).await.map_err(|error| error.to_string())?),
    };
    let Some(waited) = own_wait.as_ref().or(sent.waited.as_ref()) else { return Ok(None) };
    let looked = Instant(shared.host.clock.unix_nanos());
    let completeness = completeness_report(waited, unsampled(sent));
    let trace = &waited.trace;
    let peers = peers(shared, trace, completeness.outcome == Outcome::Complete);
    let numbers = Numbers::of(trace);
    let mut for_model = Vec::new();
    let mut explained: Option<Explanation> = None;
    {
        let judged = Judged::new(trace, &numbers, &sent.variables, &shared.plan.suite.services, &peers);
        for (position, assertion) in scenario.assertions.iter().enumerate().filter(|(_, assertion)| wanted(assertion)) {
            let unmet = unmet(assertion, &judged, &completeness);
            let shows = unmet.is_none() && completeness.outcome == Outcome::Complete;
            let (told, scores) = match unmet {
                Some(told) => (told, Vec::new()),
                None if is_by_model(&assertion.check) => {
                    for_model.push(position);
                    continue;
                }
                None => judge(assertion, &judged, sent, &completeness),
            };
            measured.evaluations.extend(evaluations(shared, sent, &told, scores));
            measured.values.extend(measure(assertion, &judged).map(|values| (position, values)));
            if shows && matches!(assertion.check, Check::Findings(_)) {
                let explanation = explained.get_or_insert_with(|| {
                    let mut explanation = Explanation::new(ExplainOptions::default());
                    explanation.add(trace);
                    explanation
                });
                measured.explanations.insert(position, explanation.clone());
            }
            reports[position] = Some(told);
        }
    }
    for position in for_model {
        reports[position] = ask_model(shared, &scenario.assertions[position], sent, measured).await;
    }
    if profiles && completeness.outcome == Outcome::Complete {
        measured.shape = Some(shape_of(shared, trace));
    }
    if sent.how != How::Driven {
        return Ok(Some(completeness));
    }
    let ended = Instant(shared.host.clock.unix_nanos());
    for (name, start, end) in [("wait", began, looked), ("judge", looked, ended)] {
        let attributes = match name {
            "wait" => [("headwater.completeness", completeness.outcome.name())].into_iter().collect(),
            _ => Attributes::default(),
        };
        own.push(shared.own.span(OwnSpan {
            trace_id: sent.context.trace_id,
            span_id: shared.host.span_id(),
            parent: (sent.step.name == MAIN_STEP).then_some(scenario_span),
            name,
            kind: SpanKind::INTERNAL,
            start,
            end,
            attributes,
            error: None,
        }));
    }
    Ok(Some(completeness))
}

/// Of an assertion whose condition is not met, or cannot be judged.
fn unmet(assertion: &Assertion, judged: &Judged<'_>, completeness: &CompletenessReport) -> Option<AssertionReport> {
    let (finding, optional) = match judged.select(assertion.when.as_ref()?) {
        Ok(selection) if selection.spans.is_empty() => {
            let found = format!("`{}` selects nothing: not judged", selection.text);
            let finding = Finding::new(crate::check::State::HeldSoFar, "", found).selectors([selection.text]);
            (finding, true)
        }
        Ok(_) => return None,
        Err(finding) => (*finding, assertion.optional),
    };
    let settled = settle(&finding, completeness, optional);
    Some(assertion_report(assertion, finding, settled, Some(judged.trace)))
}

/// One assertion on a trace whose condition, if it has one, is met.
fn judge(
    assertion: &Assertion,
    judged: &Judged<'_>,
    sent: &Sent<'_>,
    completeness: &CompletenessReport,
) -> (AssertionReport, Vec<(String, f64)>) {
    let answer = sent.answer.as_ref().ok();
    let of_answer = || {
        let finding = answer_finding(assertion, sent, answer?, &BTreeMap::new())?;
        let settled = settle_answer(&finding, assertion.optional);
        Some((finding, settled))
    };
    let of_trace = || {
        let finding = check_trace(assertion, judged)?;
        let settled = settle(&finding, completeness, assertion.optional);
        Some((finding, settled))
    };
    let (finding, settled) = of_trace().or_else(of_answer).unwrap_or_else(|| {
        let finding = Finding::not_evaluable("", "there is no answer to judge");
        (finding, (Verdict::NotEvaluable, "there is no answer to judge".to_owned()))
    });
    let scores = finding.scores.clone();
    (assertion_report(assertion, finding, settled, Some(judged.trace)), scores)
}

/// The scores of an assertion as events, on the first span that proves it.
fn evaluations(
    shared: &Shared,
    sent: &Sent<'_>,
    report: &AssertionReport,
    scores: Vec<(String, f64)>,
) -> Vec<LogRecord> {
    // A trace that is judged again has the results of when it was judged first.
    if sent.how != How::Driven {
        return Vec::new();
    }
    let span = report.evidence.first().and_then(|span| span.span_id.parse().ok()).unwrap_or(sent.context.span_id);
    let event = |(name, value): (String, f64)| {
        shared.own.evaluation(Evaluation {
            name,
            value,
            label: report.verdict.name(),
            explanation: shared.plan.suite.secrets.hide(&report.found).into_owned(),
            trace_id: sent.context.trace_id,
            span_id: span,
            time: Instant(shared.host.clock.unix_nanos()),
        })
    };
    scores.into_iter().map(event).collect()
}

async fn wait_for(
    shared: &Arc<Shared>,
    scenario: &Scenario,
    sent: &Sent<'_>,
    assertions: &[&Assertion],
) -> Result<Waited, crate::SourceError> {
    let edges = expected_edges(assertions.iter().copied());
    let services = &shared.plan.suite.services;
    let waiting = Wait {
        source: &*shared.host.source,
        clock: &*shared.host.clock,
        trace_id: sent.context.trace_id,
        own_span: sent.context.span_id,
        services,
        edges: &edges,
        complete: scenario.complete,
        learned: &shared.learned,
        room: &shared.room,
    };
    if sent.how != How::Driven {
        return look_at_stored(waiting).await;
    }
    wait(waiting, |trace| {
        let peers = peers(shared, trace, false);
        let numbers = Numbers::of(trace);
        let judged = Judged::new(trace, &numbers, &sent.variables, services, &peers);
        assertions.iter().all(|assertion| needs_nothing_more(assertion, &judged))
            && span_output::is_there(sent.step, trace, &sent.variables)
    })
    .await
}

/// Who answers at which address: learned from whole traces and from this one.
pub(super) fn peers(shared: &Shared, trace: &Trace, keep: bool) -> Peers {
    let mut learned = shared.peers.lock().unwrap_or_else(PoisonError::into_inner);
    if keep {
        learned.learn(trace);
    }
    let mut peers = learned.clone();
    drop(learned);
    peers.learn(trace);
    peers
}

/// The answer's own word that its trace was not sampled.
fn unsampled(sent: &Sent<'_>) -> Option<String> {
    let header = sent.answer.as_ref().ok()?.header("traceresponse")?;
    let flags = u8::from_str_radix(header.rsplit('-').next()?, 16).ok()?;
    (flags & 1 == 0).then(|| "the answer says that its trace was not sampled".to_owned())
}

fn completeness_report(waited: &Waited, unsampled: Option<String>) -> CompletenessReport {
    let mut services: BTreeMap<&str, u32> = BTreeMap::new();
    for span in waited.trace.spans() {
        *services.entry(span.service_name()).or_default() += 1;
    }
    let span_count = services.values().sum();
    let services =
        services.into_iter().map(|(service, spans)| ServiceSpans { service: service.to_owned(), spans }).collect();
    let reasons = unsampled.into_iter().chain(waited.reasons.clone()).collect();
    CompletenessReport { outcome: waited.outcome, reasons, services, span_count }
}

fn step_report(sent: &Sent<'_>, completeness: Option<CompletenessReport>) -> StepReport {
    StepReport {
        name: sent.step.name.clone(),
        // What a hook did is nobody's trace.
        trace_id: if sent.step.is_hook { String::new() } else { sent.context.trace_id.to_string() },
        status: sent.answer.as_ref().ok().map(|answer| answer.status),
        duration: (sent.ended - sent.started).nanos(),
        error: sent.answer.as_ref().err().cloned(),
        completeness,
    }
}

pub(super) fn assertion_report(
    assertion: &Assertion,
    finding: Finding,
    (verdict, reason): (Verdict, String),
    trace: Option<&Trace>,
) -> AssertionReport {
    let span = |(index, note): (model::SpanIndex, String)| {
        let trace = trace?;
        let span = trace.spans().get(index as usize)?;
        Some(EvidenceSpan {
            trace_id: trace.id().to_string(),
            span_id: span.span_id.to_string(),
            service: span.service_name().to_owned(),
            name: span.name.to_string(),
            note,
        })
    };
    AssertionReport {
        kind: assertion.kind.to_owned(),
        text: assertion.text.clone(),
        verdict,
        expected: if verdict == Verdict::Pass { String::new() } else { finding.expected },
        found: finding.found,
        reason,
        selectors: finding.selectors,
        evidence: finding.evidence.into_iter().take(EVIDENCE_MAX).filter_map(span).collect(),
        nearest: finding.nearest.and_then(span),
        line: assertion.place.line,
    }
}

/// The scenario's span over the main step's trigger; each set-up step's trigger is the root of its own trace.
fn own_spans(
    shared: &Shared,
    scenario: &Scenario,
    sent: &[Sent<'_>],
    scenario_span: SpanId,
    began: Instant,
    verdict: Verdict,
    own: &mut Vec<Span>,
) {
    // A trace that was there before is not changed by being judged.
    for sent in driven(sent) {
        let is_main = sent.step.name == MAIN_STEP;
        own.push(shared.own.span(OwnSpan {
            trace_id: sent.context.trace_id,
            span_id: sent.context.span_id,
            parent: is_main.then_some(scenario_span),
            name: if is_main { "trigger" } else { &sent.step.name },
            kind: SpanKind::CLIENT,
            start: sent.started,
            end: sent.ended,
            attributes: Attributes::default(),
            error: sent.answer.as_ref().err().map(String::as_str),
        }));
    }
    let main: Option<TraceId> = sent
        .last()
        .filter(|sent| sent.step.name == MAIN_STEP && sent.how == How::Driven)
        .map(|sent| sent.context.trace_id);
    let Some(trace_id) = main else { return };
    let mut attributes: Attributes = [
        ("test.suite.name", shared.plan.suite.name.as_str()),
        ("test.case.name", scenario.name.as_str()),
        ("test.case.result.status", verdict.name()),
    ]
    .into_iter()
    .collect();
    attributes.push("headwater.scenario.line", i64::from(scenario.place.line));
    own.push(shared.own.span(OwnSpan {
        trace_id,
        span_id: scenario_span,
        parent: None,
        name: &format!("scenario {}", scenario.name),
        kind: SpanKind::INTERNAL,
        start: began,
        end: Instant(shared.host.clock.unix_nanos()),
        attributes,
        error: None,
    }));
}
