//! Hooks: commands and requests before and after. A set-up that fails is an error of infrastructure; a teardown runs whatever
//! came of what it follows, after Ctrl-C too.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::{Duration, Instant};

use super::attempt::outputs;
use super::runner::Shared;
use crate::Secrets;
use crate::report::StepReport;
use crate::suite::{Step, Target, Variables};
use crate::trigger::{Answer, Context, Send, send};

/// What the suite's hooks came to, and what attempts have still to tear down.
#[derive(Default)]
pub(super) struct Hooks(Mutex<State>);

#[derive(Default)]
struct State {
    /// Set by the suite's set-up.
    variables: Variables,
    /// Why the suite's set-up failed.
    failed: Option<String>,
    reports: Vec<StepReport>,
    /// Attempts that have begun, by number of their beginning.
    begun: BTreeMap<u64, Begun>,
    next: u64,
}

struct Begun {
    scenario: usize,
    variables: Variables,
    /// How many of its teardown's hooks are done.
    done: usize,
}

impl Hooks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the suite's set-up failed; none if it did not.
    pub fn failed(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    /// What the suite's set-up set.
    pub fn variables(&self) -> Variables {
        self.lock().variables.clone()
    }

    /// What was done that belongs to no attempt's report.
    pub fn take_reports(&self) -> Vec<StepReport> {
        std::mem::take(&mut self.lock().reports)
    }
}

/// Runs the suite's set-up; ends at what fails.
pub(super) async fn set_up(shared: &Shared) {
    // A run that is judged again, and stored traces, need nothing set up.
    if shared.plan.options.again.is_some() {
        return;
    }
    let mut variables = suite_variables(shared);
    for hook in &shared.plan.suite.setup {
        let (report, failed) = run(shared, hook, &mut variables).await;
        let mut state = shared.hooks.lock();
        state.reports.push(report);
        // Kept at once: the teardown needs what was set up even if a later hook fails or the run is stopped.
        state.variables.extend(hook.sets().filter_map(|name| Some((name.to_owned(), variables.get(name)?.clone()))));
        state.failed = failed;
        if state.failed.is_some() {
            return;
        }
    }
}

fn suite_variables(shared: &Shared) -> Variables {
    let mut variables = shared.plan.suite.variables.clone();
    variables.insert("suite.name".to_owned(), shared.plan.suite.name.clone().into());
    variables.extend(shared.hooks.variables());
    variables
}

/// Tears down attempts that were given up, then the suite.
///
/// # Errors
/// With what failed.
pub(super) async fn tear_down(shared: &Shared) -> Result<(), Vec<String>> {
    if shared.plan.options.again.is_some() {
        return Ok(());
    }
    let mut problems = Vec::new();
    let given_up: Vec<u64> = shared.hooks.lock().begun.keys().copied().collect();
    for key in given_up {
        let (reports, failed) = Teardown(Some(key)).finish(shared).await;
        shared.hooks.lock().reports.extend(reports);
        problems.extend(failed);
    }
    let mut variables = suite_variables(shared);
    for hook in &shared.plan.suite.teardown {
        // The rest is done all the same: each cleans up something of its own.
        let (report, failed) = run(shared, hook, &mut variables).await;
        shared.hooks.lock().reports.push(report);
        problems.extend(failed);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// What an attempt has to tear down, from its beginning on.
pub(super) struct Teardown(Option<u64>);

impl Teardown {
    /// Of an attempt that has none.
    pub fn none() -> Self {
        Self(None)
    }

    /// Notes that an attempt begins, so that it is torn down even if it is given up.
    pub fn begin(shared: &Shared, scenario: usize) -> Self {
        if shared.plan.suite.scenarios[scenario].teardown.is_empty() || shared.plan.options.again.is_some() {
            return Self::none();
        }
        let mut state = shared.hooks.lock();
        let key = state.next;
        state.next += 1;
        state.begun.insert(key, Begun { scenario, variables: Variables::new(), done: 0 });
        Self(Some(key))
    }

    /// Sets the variables that its hooks may use.
    pub fn set(&self, shared: &Shared, variables: &Variables) {
        let mut state = shared.hooks.lock();
        if let Some(begun) = self.0.and_then(|key| state.begun.get_mut(&key)) {
            begun.variables.clone_from(variables);
        }
    }

    /// Runs what is to be done, all of it whatever fails, and tells what failed.
    pub async fn finish(self, shared: &Shared) -> (Vec<StepReport>, Option<String>) {
        let (mut reports, mut problems) = (Vec::new(), Vec::new());
        let Some(key) = self.0 else { return (reports, None) };
        loop {
            // Looked up anew each time: an attempt may be given up between two hooks, and is then finished by the runner.
            let next = {
                let state = shared.hooks.lock();
                state.begun.get(&key).map(|begun| (begun.scenario, begun.done, begun.variables.clone()))
            };
            let Some((scenario, done, mut variables)) = next else { break };
            let Some(hook) = shared.plan.suite.scenarios[scenario].teardown.get(done) else { break };
            let (report, failed) = run(shared, hook, &mut variables).await;
            reports.push(report);
            problems.extend(failed);
            if let Some(begun) = shared.hooks.lock().begun.get_mut(&key) {
                (begun.done, begun.variables) = (done + 1, variables);
            }
        }
        shared.hooks.lock().begun.remove(&key);
        (reports, (!problems.is_empty()).then(|| problems.join("; ")))
    }
}

/// Runs one hook.
async fn run(shared: &Shared, hook: &Step, variables: &mut Variables) -> (StepReport, Option<String>) {
    let host = &shared.host;
    let mut own = variables.clone();
    own.extend(hook.variables.clone());
    let context = Context { trace_id: host.trace_id(), span_id: host.span_id() };
    let started = Instant(host.clock.unix_nanos());
    let answer = send(&host.client, &hook.target, &Send { context, variables: &own, faults: &[] }).await;
    let answer = answer.and_then(|answer| succeeded(hook, answer, &shared.plan.suite.secrets));
    let result = answer.as_ref().map_err(Clone::clone).and_then(|answer| outputs(hook, answer, variables));
    let took: Duration = Instant(host.clock.unix_nanos()) - started;
    // An address or a program made of variables may stand in what went wrong.
    let failed = result.err().map(|error| shared.plan.suite.secrets.hide(&error).into_owned());
    let report = StepReport {
        name: hook.name.clone(),
        trace_id: String::new(),
        status: answer.ok().map(|answer| answer.status),
        duration: took.nanos(),
        error: failed.clone(),
        completeness: None,
    };
    (report, failed)
}

/// The answer of a hook that did what it was to do.
pub(super) fn succeeded(hook: &Step, answer: Answer, secrets: &Secrets) -> Result<Answer, String> {
    let (word, good) = match hook.target {
        Target::Exec(_) => ("code", answer.status == 0),
        _ => ("status", (200..300).contains(&answer.status)),
    };
    if good {
        return Ok(answer);
    }
    let said = if answer.errors.is_empty() { answer.text() } else { answer.errors.clone() };
    // Before it is cut, or the rest of one would be left.
    let said: String = secrets.hide(&said).trim().chars().take(SAID_CHARS).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(format!("`{}` failed with {word} {}{said}", hook.name, answer.status))
}

/// Characters of what a hook said that stand in the message that it failed.
const SAID_CHARS: usize = 300;
