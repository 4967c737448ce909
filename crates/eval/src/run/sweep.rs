//! The sweep: a clean run of each scenario shows which calls it makes; on each of them that has a proxy, every fault
//! happens once, in a run of its own; how far each reached is read from its trace. It describes and judges nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use analysis::{CallKind, Peers};
use fault::{Drop, Fault, InjectedAnswer, Rule, stands_on};
use futures_util::StreamExt as _;
use model::{Batch, Duration, Span, SpanIndex, Text, Trace};

use super::attempt::{Sent, driven as driven_steps, extra_span, peers, send_all};
use super::hooks;
use super::inject;
use super::plan::Plan;
use super::runner::{Host, Shared, Stop, too_short};
use crate::complete::{Learned, Wait, wait};
use crate::own_spans::OwnSpans;
use crate::report::{
    CleanRun, Outcome, SWEEP_SCHEMA_VERSION, SweepReport, SweepRow, SweepScenario, UnixNanos, UnsweptEdge,
    sweep_exit_code,
};
use crate::suite::{Injection, MAIN_STEP, Scenario};

/// A fault that a sweep lets happen on every call.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepFault {
    /// Its name in the table.
    pub name: String,
    /// What goes wrong.
    pub fault: Fault,
}

/// What a sweep does.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepOptions {
    /// The faults, in the order of the table.
    pub faults: Vec<SweepFault>,
}

/// What a caller needs to carry a trace on.
const CONTEXT: [&str; 3] = ["traceparent", "tracestate", "baggage"];

impl SweepOptions {
    /// A delay of `delay`, a status 503, a dropped connection, an answer cut after its first byte, and a lost trace context.
    #[must_use]
    pub fn with_delay(delay: Duration) -> Self {
        let named = |name: &str, fault| SweepFault { name: name.to_owned(), fault };
        let answer = InjectedAnswer { status: 503, body: None, grpc_status: None };
        let strip = CONTEXT.map(str::to_owned).to_vec();
        Self {
            faults: vec![
                named("delay", Fault { delay: Some(delay), ..Fault::default() }),
                named("status", Fault { answer: Some(answer), ..Fault::default() }),
                named("drop", Fault { drop: Some(Drop::Request), ..Fault::default() }),
                named("truncate", Fault { truncate: Some(1), ..Fault::default() }),
                named("lost context", Fault { strip, ..Fault::default() }),
            ],
        }
    }
}

/// What happens while a sweep runs.
#[derive(Clone, Copy, Debug)]
pub enum SweepEvent<'a> {
    /// A scenario ran without a fault.
    Clean {
        /// The scenario.
        scenario: &'a str,
        /// How it went.
        clean: &'a CleanRun,
        /// Runs with a fault that follow.
        following: usize,
    },
    /// It ran with a fault.
    Row {
        /// The scenario.
        scenario: &'a str,
        /// How it went.
        row: &'a SweepRow,
    },
}

/// Sweeps the scenarios of `plan` to the end, or to the stop.
pub async fn sweep(
    plan: Plan,
    host: Host,
    options: SweepOptions,
    mut stop: Stop,
    mut tell: impl FnMut(SweepEvent<'_>),
) -> SweepReport {
    let mut report = SweepReport {
        schema: SWEEP_SCHEMA_VERSION.to_owned(),
        suite: plan.suite.name.clone(),
        file: plan.suite.file.clone(),
        version: plan.options.version.clone(),
        started: UnixNanos(host.clock.unix_nanos()),
        remarks: too_short(&plan).collect(),
        ..SweepReport::default()
    };
    let learned = std::sync::Mutex::new(Learned::load(&*host.settings));
    let own = OwnSpans::new(&plan.options.version);
    let (peers, hooks) = Default::default();
    let shared = Arc::new(Shared { host, plan, own, learned, peers, hooks, room: crate::complete::Room::default() });
    {
        let work = async {
            hooks::set_up(&shared).await;
            if let Some(failed) = shared.hooks.failed() {
                report.errors.push(failed);
                return;
            }
            for &position in &shared.plan.scenarios {
                let scenario = &shared.plan.suite.scenarios[position];
                if scenario.steps.last().is_none_or(|step| step.target.is_stored()) {
                    report.remarks.push(format!(
                        "`{}` judges stored traces: nothing is sent, nothing can go wrong",
                        scenario.name
                    ));
                    continue;
                }
                report.scenarios.push(swept(&shared, position, &options, &mut tell).await);
            }
        };
        tokio::select! {
            () = work => {}
            () = stop.given() => report.interrupted = true,
        }
    }
    report.errors.extend(hooks::tear_down(&shared).await.err().unwrap_or_default());
    if let Ok(learned) = shared.learned.lock() {
        learned.save(&*shared.host.settings);
    }
    if let Some(injector) = &shared.host.injector {
        report.proxies = injector.told().await;
    }
    report.exit_code = Some(sweep_exit_code(&report).0);
    report
}

/// One scenario: clean, then every fault on every call that has a proxy.
async fn swept(
    shared: &Arc<Shared>,
    position: usize,
    options: &SweepOptions,
    tell: &mut impl FnMut(SweepEvent<'_>),
) -> SweepScenario {
    let scenario = &shared.plan.suite.scenarios[position];
    let name = scenario.name.as_str();
    // The first opens connections and warms code; what it took would make every fault look fast.
    let _ = drive(shared, position, Vec::new(), &[]).await;
    let clean = drive(shared, position, Vec::new(), &[]).await;
    let calls =
        clean.trace.as_ref().map(|trace| calls_of(trace, &peers(shared, trace, clean.whole))).unwrap_or_default();
    let edges = shared.host.injector.as_ref().map(|injector| injector.edges()).unwrap_or_default();
    let (proxied, unswept): (Vec<String>, Vec<String>) =
        calls.into_iter().partition(|call| edges.iter().any(|edge| stands_on(edge, call)));
    let clean_run = CleanRun {
        trace_id: clean.trace_id.clone(),
        status: clean.status,
        error: clean.error.clone(),
        duration: clean.duration.nanos(),
        whole: clean.whole,
        services: clean.services(),
        reasons: clean.reasons.clone(),
    };
    let runs: Vec<(&str, &SweepFault)> =
        proxied.iter().flat_map(|edge| options.faults.iter().map(move |fault| (edge.as_str(), fault))).collect();
    tell(SweepEvent::Clean { scenario: name, clean: &clean_run, following: runs.len() });
    let mut rows = Vec::new();
    if clean.error.is_none() {
        let concurrency = shared.plan.settings.concurrency as usize;
        let mut under_way = futures_util::stream::iter(runs)
            .map(|(edge, fault)| faulty(shared, position, edge, fault, &clean))
            .buffered(concurrency);
        while let Some(row) = under_way.next().await {
            tell(SweepEvent::Row { scenario: name, row: &row });
            rows.push(row);
        }
    }
    let unswept =
        unswept.into_iter().map(|edge| UnsweptEdge { edge, reason: "no proxy stands on it".to_owned() }).collect();
    SweepScenario { name: name.to_owned(), line: scenario.place.line, clean: clean_run, rows, unswept }
}

/// The scenario with these faults instead of its own, and without what it asserts.
fn with_faults(scenario: &Scenario, injections: Vec<Injection>) -> Scenario {
    Scenario { faults: Vec::new(), injections, assertions: Vec::new(), ..scenario.clone() }
}

/// Calls between services of the trace, each once, in the order in which they were first made.
fn calls_of(trace: &Trace, peers: &Peers) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let calls = analysis::calls(trace, peers).into_iter().filter(|call| {
        !call.callee.is_empty()
            && matches!(call.kind, CallKind::Request | CallKind::Inferred(_))
            && call.client.is_some()
    });
    let edges = calls.map(|call| format!("{} -> {}", call.caller, call.callee));
    edges.filter(|edge| seen.insert(edge.clone())).collect()
}

/// What came of a run.
struct Driven {
    trace_id: Option<String>,
    status: Option<i32>,
    error: Option<String>,
    duration: Duration,
    trace: Option<Trace>,
    whole: bool,
    reasons: Vec<String>,
    faults: Vec<crate::InjectedFault>,
}

impl Driven {
    fn services(&self) -> Vec<String> {
        let services: BTreeSet<&str> =
            self.trace.iter().flat_map(|trace| trace.spans()).map(Span::service_name).collect();
        services.into_iter().map(str::to_owned).collect()
    }
}

async fn drive(shared: &Arc<Shared>, position: usize, injections: Vec<Injection>, services: &[String]) -> Driven {
    let scenario = &with_faults(&shared.plan.suite.scenarios[position], injections);
    let teardown = hooks::Teardown::begin(shared, position);
    let mut sent = send_all(shared, scenario, 0, &teardown).await;
    let mut driven = Driven {
        trace_id: None,
        status: None,
        error: sent.iter().find_map(|sent| sent.answer.as_ref().err().cloned()),
        duration: Duration::ZERO,
        trace: None,
        whole: false,
        reasons: Vec::new(),
        faults: Vec::new(),
    };
    if let Some(main) = sent.last_mut().filter(|sent| sent.is_of(MAIN_STEP)) {
        driven.trace_id = Some(main.context.trace_id.to_string());
        driven.status = main.answer.as_ref().ok().map(|answer| answer.status);
        driven.duration = main.took();
        judge(shared, scenario, main, services, &mut driven).await;
    }
    match inject::end(shared, &sent).await {
        Ok(faults) => driven.faults = faults,
        Err(message) => driven.error = Some(message),
    }
    sent.iter().for_each(|sent| shared.host.source.release(sent.context.trace_id));
    let (_, failed) = teardown.finish(shared).await;
    driven.error = driven.error.or(failed);
    let own = driven_steps(&sent).map(|sent| extra_span(shared, "sweep", scenario, sent)).collect();
    shared.host.sink.deliver(Batch { spans: own, logs: Vec::new() }).await;
    driven
}

/// Waits for the trace. A call that failed needs no span on its other side, so that a trace with a fault can look whole too
/// early: services that have spans without the fault are waited for as long as their exporters were seen to take.
async fn judge(
    shared: &Arc<Shared>,
    scenario: &Scenario,
    main: &mut Sent<'_>,
    services: &[String],
    driven: &mut Driven,
) {
    let mut known = shared.plan.suite.services.clone();
    known.extend(services.iter().map(|service| Text::from(service.as_str())));
    let waiting = Wait {
        source: &*shared.host.source,
        clock: &*shared.host.clock,
        trace_id: main.context.trace_id,
        own_span: main.context.span_id,
        services: &known,
        edges: &[],
        complete: scenario.complete,
        learned: &shared.learned,
        room: &shared.room,
    };
    let all_there = |trace: &Trace| {
        let there: BTreeSet<&str> = trace.spans().iter().map(Span::service_name).collect();
        services.iter().all(|service| there.contains(service.as_str()))
    };
    let waited = match main.take_waited() {
        Some(waited) => Ok(waited),
        None => wait(waiting, all_there).await,
    };
    match waited {
        Ok(waited) => {
            driven.whole = waited.outcome == Outcome::Complete;
            driven.reasons = waited.reasons;
            driven.trace = Some(waited.trace);
        }
        Err(error) => driven.error = Some(error.to_string()),
    }
}

/// One fault on one call.
async fn faulty(shared: &Arc<Shared>, position: usize, edge: &str, fault: &SweepFault, clean: &Driven) -> SweepRow {
    let rule = Rule::always(edge, fault.fault.clone());
    let text = rule.to_string();
    let place = shared.plan.suite.scenarios[position].place;
    let driven = drive(shared, position, vec![Injection { rule, may_miss: false, place }], &clean.services()).await;
    let hits = driven.faults.first().map_or((0, 0), |fault| (fault.seen, fault.hits));
    let path = driven.trace.as_ref().map(|trace| analysis::fault_path(trace, &peers(shared, trace, false)));
    let path = path.unwrap_or_default();
    let service = |span: &SpanIndex| Some(driven.trace.as_ref()?.span(*span).service_name().to_owned());
    let erring: BTreeSet<String> =
        path.error_spans.iter().filter_map(service).filter(|name| !name.is_empty()).collect();
    let there = driven.services();
    let same_answer = driven.status.is_some() && driven.status == clean.status;
    SweepRow {
        edge: edge.to_owned(),
        fault: fault.name.clone(),
        rule: text,
        trace_id: driven.trace_id,
        requests: hits.0,
        hits: hits.1,
        status: driven.status,
        error: driven.error,
        handled: same_answer,
        erring: erring.into_iter().collect(),
        origins: path.origins.iter().map(|origin| format!("{} in {}", origin.kind.name(), origin.place)).collect(),
        reaches: path
            .origins
            .iter()
            .filter(|origin| !origin.absorbed)
            .find_map(|origin| origin.reaches.as_ref())
            .map(ToString::to_string),
        duration: driven.duration.nanos(),
        added: (driven.duration - clean.duration).nanos(),
        whole: driven.whole,
        missing: clean.services().into_iter().filter(|service| !there.contains(service)).collect(),
        reasons: driven.reasons,
    }
}
