//! Runs a plan: warm-up, attempts at once under a limit, events, the report. The order of the report is that of the suite,
//! whatever the concurrency.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use analysis::Explanation;
use model::{Duration, SpanId, TraceId};
use stdx::{Clock, Random};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::attempt::{Attempted, attempt, warm_up};
use super::event::RunEvent;
use super::hooks::{self, Hooks};
use super::plan::Plan;
use super::repeated;
use crate::check::is_about_trace;
use crate::complete::{Learned, Room};
use crate::exit_code::{ExitCode, exit_code};
use crate::injector::FaultInjector;
use crate::limits::RUN_EVENTS_WAITING_MAX;
use crate::own_spans::OwnSpans;
use crate::report::{RunReport, SCHEMA_VERSION, ScenarioReport, UnixNanos, Verdict};
use crate::source::{Settings, SpanSink, TraceSource};
use crate::trigger::HttpClient;

/// What the runner needs of whoever starts it.
#[derive(Clone, Debug)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids; must not repeat from run to run.
    pub random: Arc<dyn Random>,
    /// Where traces come from.
    pub source: Arc<dyn TraceSource>,
    /// Where the runner's own spans go.
    pub sink: Arc<dyn SpanSink>,
    /// Where what was learned about exporters is kept.
    pub settings: Arc<dyn Settings>,
    /// Sends requests.
    pub client: HttpClient,
    /// Proxies through which faults happen, if any stand.
    pub injector: Option<Arc<dyn FaultInjector>>,
}

impl Host {
    pub(crate) fn trace_id(&self) -> TraceId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.random.next_u64().to_be_bytes());
        // The last bit keeps it from being the invalid zero.
        id[8..].copy_from_slice(&(self.random.next_u64() | 1).to_be_bytes());
        TraceId(id)
    }

    pub(crate) fn span_id(&self) -> SpanId {
        SpanId((self.random.next_u64() | 1).to_be_bytes())
    }
}

/// Ends a run early: attempts that have begun are given up, the report says `interrupted`.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A stop that its sender gives by sending true.
    #[must_use]
    pub fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// A stop that never comes.
    #[must_use]
    pub fn never() -> Self {
        // A closed channel counts as never: see `given`.
        Self(watch::channel(false).1)
    }

    pub(super) async fn given(&mut self) {
        if self.0.wait_for(|given| *given).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What all attempts share.
pub(super) struct Shared {
    pub host: Host,
    pub plan: Plan,
    pub own: OwnSpans,
    pub learned: Mutex<Learned>,
    /// Which service answers at which address.
    pub peers: Mutex<analysis::Peers>,
    /// Room for traces that are judged.
    pub room: Room,
    /// What the suite's set-up came to, and what is still to be torn down.
    pub hooks: Hooks,
}

/// Runs `plan` to its end and tells every event to `tell`, in the order in which things happen.
pub async fn run(plan: Plan, host: Host, mut stop: Stop, mut tell: impl FnMut(&RunEvent)) -> RunReport {
    let began = host.clock.monotonic_nanos();
    let clock = Arc::clone(&host.clock);
    let mut report = header(&plan, &host);
    let names = plan.scenarios.iter().map(|&scenario| plan.suite.scenarios[scenario].name.clone()).collect();
    let order = plan.order();
    tell(&RunEvent::Started { report: Box::new(report.clone()), scenarios: names, attempts: order.len() });
    let learned = Mutex::new(Learned::load(&*host.settings));
    let own = OwnSpans::new(&plan.options.version);
    let shared = Arc::new(Shared {
        host,
        plan,
        own,
        learned,
        peers: Mutex::default(),
        room: Room::default(),
        hooks: Hooks::default(),
    });
    let mut collected = Collected::new(&shared.plan);
    let work = async {
        hooks::set_up(&shared).await;
        if shared.hooks.failed().is_none() {
            warm_all(&shared, &mut tell).await;
        }
        run_all(&shared, order, &mut collected, &mut tell).await;
    };
    tokio::select! {
        () = work => {}
        () = stop.given() => report.interrupted = true,
    }
    let torn_down = hooks::tear_down(&shared).await;
    lock(&shared.learned).save(&*shared.host.settings);
    report.scenarios = collected.into_reports(&shared.plan);
    if let Some(injector) = &shared.host.injector {
        report.proxies = injector.told().await;
    }
    let elapsed = clock.monotonic_nanos().saturating_sub(began);
    report.hooks = shared.hooks.take_reports();
    finish(&mut report, &shared.plan, Duration(i64::try_from(elapsed).unwrap_or(i64::MAX)), torn_down);
    report.hide(&shared.plan.suite.secrets);
    tell(&RunEvent::Ended { report: Box::new(report.clone()) });
    report
}

fn header(plan: &Plan, host: &Host) -> RunReport {
    RunReport {
        schema: SCHEMA_VERSION.to_owned(),
        run: host.span_id().to_string(),
        suite: plan.suite.name.clone(),
        file: plan.suite.file.clone(),
        configuration_hash: plan.suite.configuration_hash.clone(),
        version: plan.options.version.clone(),
        started: UnixNanos(host.clock.unix_nanos()),
        running: true,
        seed: plan.settings.seed,
        flaky_allowed: plan.options.flaky == crate::exit_code::Flaky::Allowed,
        without_traces: plan.options.without_traces,
        commit: plan.options.commit.clone(),
        branch: plan.options.branch.clone(),
        page: plan.options.page.clone(),
        remarks: remarks(plan),
        ..RunReport::default()
    }
}

/// What reports may show of the environment.
pub(super) fn too_short(plan: &Plan) -> impl Iterator<Item = String> {
    plan.suite.too_short.iter().map(|name| format!("the value of `{name}` is too short to be hidden in reports"))
}

/// What was left out on request.
fn remarks(plan: &Plan) -> Vec<String> {
    let short = too_short(plan);
    if !plan.options.without_traces {
        return short.collect();
    }
    let scenarios = plan.scenarios.iter().map(|&scenario| &plan.suite.scenarios[scenario]);
    let count = scenarios.flat_map(|scenario| &scenario.assertions).filter(|one| is_about_trace(one)).count();
    std::iter::once(format!("{count} assertions on traces were left out, as asked")).chain(short).collect()
}

fn finish(report: &mut RunReport, plan: &Plan, elapsed: Duration, torn_down: Result<(), Vec<String>>) {
    report.running = false;
    report.duration = elapsed.nanos();
    for scenario in &report.scenarios {
        report.counts.add(scenario.verdict);
        for attempt in &scenario.attempts {
            if let Some(error) = &attempt.error
                && !report.errors.contains(error)
            {
                report.errors.push(error.clone());
            }
        }
    }
    let verdicts = || report.scenarios.iter().map(|scenario| scenario.verdict);
    report.verdict = Verdict::worst(verdicts());
    let code = match exit_code(verdicts(), plan.options.flaky) {
        _ if report.interrupted => ExitCode::INTERRUPTED,
        code if torn_down.is_ok() || code == ExitCode::USAGE => code,
        _ => ExitCode::INFRASTRUCTURE,
    };
    report.errors.extend(torn_down.err().unwrap_or_default());
    report.exit_code = Some(code.0);
}

async fn warm_all(shared: &Arc<Shared>, tell: &mut impl FnMut(&RunEvent)) {
    let warm_ups: Vec<usize> =
        (0..shared.plan.settings.warmup).flat_map(|_| shared.plan.scenarios.iter().copied()).collect();
    let stored = |scenario: &usize| {
        let main = shared.plan.suite.scenarios[*scenario].steps.last();
        shared.plan.options.again.is_some() || main.is_some_and(|step| step.target.is_stored())
    };
    let warm_ups: Vec<usize> = warm_ups.into_iter().filter(|scenario| !stored(scenario)).collect();
    if warm_ups.is_empty() {
        return;
    }
    tell(&RunEvent::WarmingUp { attempts: warm_ups.len() });
    let permits = Arc::new(Semaphore::new(shared.plan.settings.concurrency as usize));
    let mut tasks = JoinSet::new();
    for scenario in warm_ups {
        let (shared, permits) = (Arc::clone(shared), Arc::clone(&permits));
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            warm_up(&shared, scenario).await;
        });
    }
    while tasks.join_next().await.is_some() {}
}

/// What an attempt's task tells.
enum Told {
    Started { scenario: usize, attempt: u32 },
    Ended { scenario: usize, attempt: u32, attempted: Box<Attempted> },
}

async fn run_all(
    shared: &Arc<Shared>,
    order: Vec<(usize, u32)>,
    collected: &mut Collected,
    tell: &mut impl FnMut(&RunEvent),
) {
    let (sender, mut receiver) = mpsc::channel(RUN_EVENTS_WAITING_MAX);
    let permits = Arc::new(Semaphore::new(shared.plan.settings.concurrency as usize));
    let feeder = {
        let shared = Arc::clone(shared);
        async move {
            // Dropped with this future when the run is stopped, which ends every attempt.
            let mut tasks = JoinSet::new();
            for (scenario, number) in order {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
                let (shared, sender) = (Arc::clone(&shared), sender.clone());
                tasks.spawn(async move {
                    let _permit = permit;
                    let _ = sender.send(Told::Started { scenario, attempt: number }).await;
                    let attempted = Box::new(attempt(&shared, scenario, number).await);
                    let _ = sender.send(Told::Ended { scenario, attempt: number, attempted }).await;
                });
                while tasks.try_join_next().is_some() {}
            }
            drop(sender);
            while tasks.join_next().await.is_some() {}
        }
    };
    let collector = async {
        while let Some(told) = receiver.recv().await {
            match told {
                Told::Started { scenario, attempt } => {
                    let scenario = collected.position(scenario);
                    tell(&RunEvent::AttemptStarted { scenario, attempt });
                }
                Told::Ended { scenario, attempt, attempted } => {
                    let position = collected.position(scenario);
                    let report = Box::new(attempted.report.clone());
                    tell(&RunEvent::AttemptEnded { scenario: position, report });
                    if let Some(report) = collected.add(&shared.plan, scenario, attempt, *attempted) {
                        tell(&RunEvent::ScenarioEnded { scenario: position, report: Box::new(report) });
                    }
                }
            }
        }
    };
    tokio::join!(feeder, collector);
}

/// What came of each scenario, whatever the order in which attempts ended.
struct Collected {
    /// Attempts by number, of scenarios that still run.
    attempts: BTreeMap<usize, BTreeMap<u32, Attempted>>,
    /// What their traces show together, by the position of the assertion: merged as they come, so that the memory it takes
    /// does not grow with their number.
    explanations: BTreeMap<usize, BTreeMap<usize, Explanation>>,
    /// Scenarios all of whose attempts are here.
    ended: BTreeMap<usize, ScenarioReport>,
    positions: BTreeMap<usize, usize>,
}

impl Collected {
    fn new(plan: &Plan) -> Self {
        let positions = plan.scenarios.iter().enumerate().map(|(position, &scenario)| (scenario, position)).collect();
        Self { attempts: BTreeMap::new(), explanations: BTreeMap::new(), ended: BTreeMap::new(), positions }
    }

    fn position(&self, scenario: usize) -> usize {
        self.positions[&scenario]
    }

    /// The scenario's report once all of its attempts are here.
    fn add(&mut self, plan: &Plan, scenario: usize, number: u32, mut attempted: Attempted) -> Option<ScenarioReport> {
        let explanations = self.explanations.entry(scenario).or_default();
        for (position, explanation) in std::mem::take(&mut attempted.measured.explanations) {
            explanations.entry(position).or_default().merge(explanation);
        }
        let attempts = self.attempts.entry(scenario).or_default();
        attempts.insert(number, attempted);
        if attempts.len() < plan.repeat(scenario) as usize {
            return None;
        }
        let mut report = repeated::report(plan, scenario, attempts, explanations);
        report.hide(&plan.suite.secrets);
        self.attempts.remove(&scenario);
        self.explanations.remove(&scenario);
        self.ended.insert(scenario, report.clone());
        Some(report)
    }

    /// Every scenario's report; one that was interrupted is judged on the attempts that ended.
    fn into_reports(mut self, plan: &Plan) -> Vec<ScenarioReport> {
        for (&scenario, attempts) in &self.attempts {
            let explanations = self.explanations.remove(&scenario).unwrap_or_default();
            let mut report = repeated::report(plan, scenario, attempts, &explanations);
            report.hide(&plan.suite.secrets);
            self.ended.insert(scenario, report);
        }
        self.ended.into_values().collect()
    }
}

fn lock(learned: &Mutex<Learned>) -> std::sync::MutexGuard<'_, Learned> {
    learned.lock().unwrap_or_else(PoisonError::into_inner)
}
