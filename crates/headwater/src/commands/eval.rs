//! `headwater eval`: drives a live system through the scenarios of a suite.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::{RunBook, RunRefused};
use eval::report::{self, Progress, RunReport, Style, Verdict};
use eval::suite::{Receive, Suite, SuiteInput};
use eval::{FaultInjector, Host, HttpClient, Plan, RunEvent, RunOptions, Stop};
use tokio::sync::watch;

use crate::access::{connect, report_damage, resolve};
use crate::baselines::BaselineFile;
use crate::cli::EvalArgs;
use crate::exit::{ExitCode, Failure};
use crate::fault_proxies::{self, FaultProxies};
use crate::outputs::Outputs;
use crate::runs;
use crate::server::{Inside, Server, ServerOptions, clock, interrupted, random};
use crate::shelf::Shelf;
use crate::sinks::Pipeline;
use crate::source::{OwnTraces, ServerSink, ServerTraces};
use crate::sweeping::Sweep;
use crate::terminal::Terminal;
use crate::{data_folder, destinations, stored_traces};

pub async fn run(args: &EvalArgs) -> Result<ExitCode, Failure> {
    if args.report_schema {
        let of_sweep = args.sweep.sweep.is_some();
        let schema = if of_sweep { report::sweep_schema() } else { report::run_schema() };
        let schema = serde_json::to_string_pretty(&schema);
        println!("{}", schema.map_err(|error| Failure::infrastructure(error.to_string()))?);
        return Ok(ExitCode::OK);
    }
    if args.schema {
        let schema = serde_json::to_string_pretty(&eval::suite::json_schema());
        println!("{}", schema.map_err(|error| Failure::infrastructure(error.to_string()))?);
        return Ok(ExitCode::OK);
    }
    // A sweep has formats of its own.
    let outputs = Outputs::parse(if args.sweep.sweep.is_some() { &[] } else { &args.output })?;
    if !args.watch {
        return once(args, &outputs).await;
    }
    let mut watched = Vec::new();
    loop {
        // Before the run: a change while it runs is seen too. A suite that cannot be read is told by the run; what it named
        // when it could be is watched on.
        watched = files_of(&args.suite, watched);
        let seen = changed_at(&watched);
        if let Err(failure) = once(args, &outputs).await {
            eprintln!("headwater: {}", failure.message);
        }
        // Listens before it says so: a signal in between would be lost.
        let mut stop = std::pin::pin!(interrupted());
        tokio::select! {
            biased;
            () = &mut stop => return Ok(ExitCode::INTERRUPTED),
            () = std::future::ready(()) => {}
        }
        println!("\nwatching {}; Ctrl-C ends", args.suite.display());
        let changed = async {
            while changed_at(&watched) == seen {
                tokio::time::sleep(WATCH_PAUSE).await;
            }
        };
        tokio::select! {
            () = changed => {}
            () = &mut stop => return Ok(ExitCode::INTERRUPTED),
        }
    }
}

/// How often the suite's file is looked at.
const WATCH_PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// The suite's file and those that it names, and asks for where one of them is broken; `before`: those that it named before.
fn files_of(suite: &Path, before: Vec<PathBuf>) -> Vec<PathBuf> {
    let folder = suite.parent().map(Path::to_owned).unwrap_or_default();
    let asked = std::cell::RefCell::new(BTreeSet::new());
    let whole = std::fs::read_to_string(suite).is_ok_and(|text| {
        let beside = beside_suite(suite);
        let files = |name: &str| {
            asked.borrow_mut().insert(folder.join(name));
            beside(name)
        };
        let environment = |name: &str| std::env::var(name).ok();
        let file = suite.display().to_string();
        match Suite::read(SuiteInput { file: &file, text: &text, environment: &environment, files: &files }) {
            Ok(suite) => {
                asked.borrow_mut().extend(suite.named_files.iter().map(|name| folder.join(name)));
                true
            }
            Err(_) => false,
        }
    });
    let mut files = asked.into_inner();
    if !whole {
        // One that stands behind the mistake was not asked for this time.
        files.extend(before);
    }
    files.insert(suite.to_owned());
    files.into_iter().collect()
}

fn changed_at(paths: &[PathBuf]) -> Vec<Option<std::time::SystemTime>> {
    let modified = |path: &PathBuf| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    paths.iter().map(modified).collect()
}

/// Runs the suite once.
async fn once(args: &EvalArgs, outputs: &Outputs) -> Result<ExitCode, Failure> {
    let sweep = Sweep::parse(&args.sweep, &args.output)?;
    let suite = read_suite(&args.suite)?;
    let baseline = BaselineFile::of(args, &suite)?;
    let options = options(args, baseline.as_ref())?;
    // Told before anything is started; the plan itself may need the store first.
    let plan = Plan::new(Arc::new(suite.clone()), options.clone()).map_err(|error| Failure::usage(error.message))?;
    let named = match &suite.receive {
        Receive::Server { url } => Some(url.clone()),
        Receive::Embedded { .. } => None,
    };
    let proxies = FaultProxies::of(&suite, &args.via).await?;
    if sweep.is_none() {
        fault_proxies::check(&suite, &plan.names(), proxies.as_deref())?;
    }
    let proxies = proxies.map(|proxies| proxies as Arc<dyn FaultInjector>);
    let report = match args.server.clone().or(named) {
        Some(_) if args.otlp_endpoint.is_some() => {
            return Err(Failure::usage(
                "--otlp-endpoint: the server that is named receives; start it with a `forwarding:` section instead",
            ));
        }
        Some(url) if let Some(sweep) = &sweep => return sweep.run(plan, host_beside(&url, proxies).await?.0).await,
        None if let Some(sweep) = &sweep => return swept(args, plan, &suite, sweep, proxies).await,
        Some(_) if args.last_failed => {
            return Err(Failure::usage("--last-failed: what failed is remembered in a data folder, not by a server"));
        }
        Some(url) => {
            let options = RunOptions { page: Some(url.clone()), ..options };
            if !suite.secrets.is_empty() && outputs.hold_traces() {
                eprintln!(
                    "headwater: {url} does not know what the suite sends of its environment: what traces echo of it is not hidden in reports with traces"
                );
            }
            beside(&url, stored_traces::plan(suite, options, &url).await?, outputs, proxies).await?
        }
        None => embedded(args, suite, options, outputs, proxies).await?,
    };
    print!("{}", report::proxies_told(&report.proxies));
    if args.explain {
        print!("{}", report::explain(&report));
    }
    if let Some(baseline) = baseline {
        baseline.keep(&report)?;
    }
    Ok(ExitCode(report.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0)))
}

/// Reads a suite file; its mistakes are told all at once.
pub fn read_suite(path: &Path) -> Result<Suite, Failure> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read the suite {file}: {error}\nhelp: `headwater init` writes one; name another with `headwater eval FILE`"))
    })?;
    suite_of(&file, &text, &|name| std::env::var(name).ok())
}

/// Reads a suite from text; the files it names stand beside it.
pub fn suite_of(file: &str, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Suite, Failure> {
    let files = beside_suite(Path::new(file));
    let input = SuiteInput { file, text, environment, files: &files };
    Suite::read(input).map_err(|error| Failure::usage(error.to_string()))
}

/// Reads files that a suite names; paths count from its folder.
pub fn beside_suite(suite: &Path) -> impl Fn(&str) -> Result<String, String> {
    let folder = suite.parent().map(Path::to_owned).unwrap_or_default();
    move |name| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
}

fn options(args: &EvalArgs, baseline: Option<&BaselineFile>) -> Result<RunOptions, Failure> {
    let shard = args.shard.as_deref().map(shard).transpose()?;
    Ok(RunOptions {
        baseline: baseline.and_then(BaselineFile::compared_with).map(Arc::new),
        profile: baseline.is_some(),
        against: args.against.clone(),
        names: None,
        shard,
        filter: args.filter.iter().cloned().chain(Sweep::filter(&args.sweep)).collect(),
        repeat: args.repeat,
        concurrency: args.concurrency,
        seed: args.seed,
        flaky: if args.allow_flaky { eval::exit_code::Flaky::Allowed } else { eval::exit_code::Flaky::Fails },
        without_traces: args.no_trace,
        again: None,
        page: None,
        commit: commit(),
        branch: branch(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// `2/5`.
fn shard(text: &str) -> Result<(u32, u32), Failure> {
    let parts = text.split_once('/').and_then(|(part, of)| Some((part.trim().parse().ok()?, of.trim().parse().ok()?)));
    parts
        .filter(|(part, of)| (1..=*of).contains(part))
        .ok_or_else(|| Failure::usage(format!("--shard {text:?}: write K/N, such as 2/5; K counts from 1")))
}

/// Under which name is remembered what of a suite did not pass.
fn failed_name(suite: &Suite) -> String {
    format!("last-failed {}", suite.file)
}

/// The scenarios of the suite that did not pass when it last ran.
fn last_failed(server: &Server, suite: &Suite) -> Result<BTreeSet<String>, Failure> {
    let text = eval::Settings::read(&Shelf::settings(&server.store), &failed_name(suite));
    let names: BTreeSet<String> = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    if names.is_empty() {
        return Err(Failure::usage("--last-failed: nothing failed when this suite last ran here, or it never did"));
    }
    Ok(names)
}

/// Remembers which scenarios did not pass; those that did not run stay as they were.
fn remember_failed(server: &Server, name: &str, run: &RunReport) {
    let shelf = Shelf::settings(&server.store);
    let text = eval::Settings::read(&shelf, name);
    let mut failed: BTreeSet<String> = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    for scenario in &run.scenarios {
        if matches!(scenario.verdict, Verdict::Pass | Verdict::Improved) {
            failed.remove(&scenario.name);
        } else {
            failed.insert(scenario.name.clone());
        }
    }
    eval::Settings::write(&shelf, name, &serde_json::json!(failed).to_string());
}

/// The commit that a CI runs on.
pub fn commit() -> Option<String> {
    variable(&["GITHUB_SHA", "CI_COMMIT_SHA"])
}

/// The branch that a CI runs on.
pub fn branch() -> Option<String> {
    variable(&["GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"])
}

fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok()).filter(|value| !value.is_empty())
}

/// Sweeps with the receiver of this process.
async fn swept(
    args: &EvalArgs,
    plan: Plan,
    suite: &Suite,
    sweep: &Sweep,
    proxies: Option<Arc<dyn FaultInjector>>,
) -> Result<ExitCode, Failure> {
    let (server, _folder) = receiver(args, suite).await?;
    let code = match host(&server.inside()) {
        Ok(host) => sweep.run(plan, Host { injector: proxies, ..host }).await,
        Err(failure) => Err(failure),
    };
    server.stop(|text| eprintln!("headwater: {text}")).await;
    code
}

/// A receiver in this process; its folder goes with what is returned beside it, where it is a temporary one.
async fn receiver(args: &EvalArgs, suite: &Suite) -> Result<(Server, Option<data_folder::Temporary>), Failure> {
    let temporary =
        if args.temp { Some(data_folder::Temporary::new().map_err(Failure::infrastructure)?) } else { None };
    let folder = match &temporary {
        Some(temporary) => temporary.path().to_owned(),
        None => resolve(&args.data)?,
    };
    let Receive::Embedded { grpc, http } = &suite.receive else {
        return Err(Failure::usage("the suite names a server"));
    };
    let mut texts = destinations::from_environment();
    texts.extend(destinations::from_suite(&suite.forwarding));
    texts.extend(destinations::from_argument(args.otlp_endpoint.as_deref()));
    let server = Server::start(ServerOptions {
        grpc: Some(grpc.map_or_else(|| "127.0.0.1:4317".to_owned(), |address| address.to_string())),
        http: Some(http.map_or_else(|| "127.0.0.1:4318".to_owned(), |address| address.to_string())),
        destinations: destinations::checked(&texts)?,
        secrets: suite.secrets.clone(),
        small: true,
        ..ServerOptions::quiet(&folder)
    })
    .await?;
    report_damage(&server);
    Ok((server, temporary))
}

/// Runs with the receiver of this process.
async fn embedded(
    args: &EvalArgs,
    suite: Suite,
    mut options: RunOptions,
    outputs: &Outputs,
    proxies: Option<Arc<dyn FaultInjector>>,
) -> Result<RunReport, Failure> {
    let (server, _folder) = receiver(args, &suite).await?;
    let run = async {
        if args.last_failed {
            options.names = Some(last_failed(&server, &suite)?);
        }
        let name = failed_name(&suite);
        let plan = stored_traces::plan(suite, options, &server.page_url()).await?;
        let run = inside(&server.inside(), plan, proxies).await?;
        remember_failed(&server, &name, &run);
        outputs.write(&run, &connect(&server.page_url()).await?).await?;
        Ok(run)
    }
    .await;
    server.stop(|text| eprintln!("headwater: {text}")).await;
    run
}

/// The traces that the server in this process receives and keeps.
pub fn own_traces(pipeline: &Pipeline) -> OwnTraces {
    OwnTraces { watched: Arc::clone(&pipeline.watched), store: Arc::clone(&pipeline.store) }
}

/// Runs a plan with the receiver of the server in this process.
pub async fn inside(
    server: &Inside,
    plan: Plan,
    proxies: Option<Arc<dyn FaultInjector>>,
) -> Result<RunReport, Failure> {
    let host = Host { injector: proxies, ..host(server)? };
    let mut keeping = Keeping::new(&server.runs);
    let run = told(plan, host, |event| keeping.take(event)).await;
    if let Some(refused) = keeping.refused() {
        eprintln!("headwater: the run was not kept: {refused}");
    }
    Ok(run)
}

/// What a run inside a server works with.
pub fn host(server: &Inside) -> Result<Host, Failure> {
    Ok(Host {
        clock: clock(),
        random: random(),
        source: Arc::new(own_traces(&server.pipeline)),
        sink: Arc::clone(&server.pipeline) as _,
        settings: Arc::new(Shelf::settings(&server.pipeline.store)),
        client: HttpClient::new().map_err(|error| Failure::infrastructure(error.to_string()))?,
        injector: None,
    })
}

/// Writes a run into the book while it goes on.
pub struct Keeping {
    book: Arc<RunBook>,
    fold: report::Fold,
    /// Changes that the book does not have yet.
    behind: usize,
    refused: Option<RunRefused>,
}

/// The book is handed a run as a whole. Of one of many scenarios it gets every so manieth part at once, or the work would
/// grow with their square.
const PARTS_OF_A_RUN: usize = 32;

impl Keeping {
    pub fn new(book: &Arc<RunBook>) -> Self {
        Self { book: Arc::clone(book), fold: report::Fold::default(), behind: 0, refused: None }
    }

    pub fn take(&mut self, event: &RunEvent) {
        self.behind += usize::from(self.fold.take(event));
        let due = 1 + self.fold.report().scenarios.len() / PARTS_OF_A_RUN;
        let ended = matches!(event, RunEvent::Ended { .. });
        if self.behind >= due || (ended && self.behind > 0) {
            self.behind = 0;
            self.refused = self.book.put(runs::as_wire(self.fold.report())).err();
        }
    }

    /// Why the book does not have the run as it is now.
    pub fn refused(&self) -> Option<&RunRefused> {
        self.refused.as_ref()
    }
}

/// What a run works with whose traces a server beside us receives.
async fn host_beside(
    url: &str,
    proxies: Option<Arc<dyn FaultInjector>>,
) -> Result<(Host, Arc<client::Client>), Failure> {
    let client = Arc::new(connect(url).await?);
    let watched = Arc::new(eval::WatchedTraces::new(clock()));
    let host = Host {
        clock: clock(),
        random: random(),
        source: Arc::new(ServerTraces::new(Arc::clone(&client), watched)),
        sink: Arc::new(ServerSink(Arc::clone(&client))),
        settings: Arc::new(eval::NoSettings),
        client: HttpClient::new().map_err(|error| Failure::infrastructure(error.to_string()))?,
        injector: proxies,
    };
    Ok((host, client))
}

/// Runs a plan with the traces of a server beside us, and hands the result to it.
async fn beside(
    url: &str,
    plan: Plan,
    outputs: &Outputs,
    proxies: Option<Arc<dyn FaultInjector>>,
) -> Result<RunReport, Failure> {
    let (host, client) = host_beside(url, proxies).await?;
    let run = told(plan, host, |_| {}).await;
    if let Err(error) = client.submit_run(&runs::as_wire(&run)).await {
        eprintln!("headwater: the server did not take the run: {error}");
    }
    outputs.write(&run, &client).await?;
    Ok(run)
}

/// Runs a plan to its end or to Ctrl-C, telling the terminal and `also` what happens.
pub async fn told(plan: Plan, host: Host, mut also: impl FnMut(&RunEvent)) -> RunReport {
    let terminal = Terminal::of_stdout();
    let style = Style { color: terminal.color, width: terminal.width };
    let progress = if terminal.live { Progress::Live } else { Progress::Plain };
    let mut telling = report::Terminal::new(std::io::stdout(), style, progress);
    let (stop, stopped) = watch::channel(false);
    let waiting = tokio::spawn(async move {
        interrupted().await;
        let _ = stop.send(true);
        // Kept so that the channel stays open.
        std::future::pending::<()>().await;
    });
    let run = eval::run(plan, host, Stop::new(stopped), |event| {
        // A terminal that is gone does not end the run.
        let _ = telling.tell(event);
        also(event);
    })
    .await;
    waiting.abort();
    run
}
