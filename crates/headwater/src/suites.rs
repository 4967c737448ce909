//! The suites of a standing server: named on the command line, started from the page, judged on what the server receives.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use eval::suite::{Receive, Suite};
use eval::{RunEvent, RunOptions, Stop};
use tokio::runtime::Handle;
use tokio::sync::watch;
use wire::{Problem, StartRun};

use crate::baselines::BaselineFile;
use crate::commands::eval::{self as running, Keeping, read_suite};
use crate::exit::Failure;
use crate::fault_proxies::{self, FaultProxies};
use crate::server::Inside;
use crate::stored_traces;

/// A suite's name and where it is. The file is read again at each start.
#[derive(Clone, Debug)]
pub struct SuiteFile {
    /// As the suite says.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl SuiteFile {
    /// Reads what the command line names; all mistakes of all files go to `problems`.
    pub fn read_all(paths: &[PathBuf], problems: &mut Vec<String>) -> Vec<Self> {
        let mut files: Vec<Self> = Vec::new();
        for path in paths {
            match read(path) {
                Ok(suite) => match files.iter().find(|file| file.name == suite.name) {
                    Some(other) => problems.push(format!(
                        "--suite {}: {} is called {:?} too; give one of them another `suite:`",
                        path.display(),
                        other.path.display(),
                        suite.name
                    )),
                    None => files.push(Self { name: suite.name, path: path.clone() }),
                },
                Err(failure) => problems.push(failure.message),
            }
        }
        files
    }
}

fn read(path: &std::path::Path) -> Result<Suite, Failure> {
    let suite = read_suite(path)?;
    if let Receive::Server { url } = &suite.receive {
        return Err(Failure::usage(format!(
            "--suite {}: its traces are received by {url}; a server judges only what it receives itself",
            path.display()
        )));
    }
    Ok(suite)
}

/// Those that may be started here, and those that run.
#[derive(Debug)]
pub struct Suites {
    files: Vec<SuiteFile>,
    inside: Inside,
    page: String,
    running: Arc<Mutex<HashMap<String, Running>>>,
}

#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    /// Dropped when the run is over.
    over: watch::Receiver<()>,
}

impl Suites {
    /// `page`: address of this server's page and API.
    pub fn new(files: Vec<SuiteFile>, inside: Inside, page: String) -> Self {
        Self { files, inside, page, running: Arc::default() }
    }

    /// Ends what runs; whether all of it ended in time.
    pub async fn stop(&self, at_most: Duration) -> bool {
        let ending: Vec<watch::Receiver<()>> = lock(&self.running)
            .values()
            .map(|running| {
                running.stop.send_replace(true);
                running.over.clone()
            })
            .collect();
        let all = async {
            for mut over in ending {
                // It never changes: it ends.
                let _ = over.changed().await;
            }
        };
        tokio::time::timeout(at_most, all).await.is_ok()
    }

    fn file(&self, name: &str) -> Result<&SuiteFile, Problem> {
        self.files.iter().find(|file| file.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
            let hint = if names.is_empty() {
                "name its file when you start the server: headwater serve --suite headwater.yaml".to_owned()
            } else {
                format!("those here: {}", names.join(", "))
            };
            Problem::new(format!("there is no suite {name:?} here"), hint)
        })
    }
}

fn lock(running: &Mutex<HashMap<String, Running>>) -> MutexGuard<'_, HashMap<String, Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn problem(failure: &Failure) -> Problem {
    Problem::new(failure.message.clone(), "mend it, then start the suite again")
}

/// Which of the suite's scenarios run; none named means all.
fn chosen(suite: &Suite, scenarios: &[String]) -> Result<RunOptions, Problem> {
    let unknown: Vec<&str> =
        scenarios.iter().filter(|name| suite.scenarios.iter().all(|s| s.name != **name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        return Err(Problem::new(
            format!("the suite has no scenario {}", unknown.join(", ")),
            format!("its scenarios: {}", known.join(", ")),
        ));
    }
    Ok(RunOptions {
        names: (!scenarios.is_empty()).then(|| scenarios.iter().cloned().collect()),
        commit: running::commit(),
        branch: running::branch(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..RunOptions::default()
    })
}

impl api::Starter for Suites {
    fn suites(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    fn start(&self, request: &StartRun) -> Result<String, Problem> {
        let file = self.file(&request.suite)?;
        let suite = read(&file.path).map_err(|failure| problem(&failure))?;
        let baseline = BaselineFile::of_suite(&file.path, &suite).map_err(|failure| problem(&failure))?;
        let options = RunOptions {
            baseline: baseline.as_ref().and_then(BaselineFile::compared_with).map(Arc::new),
            page: Some(self.page.clone()),
            ..chosen(&suite, &request.scenarios)?
        };
        let (stop, stopped) = watch::channel(false);
        let (running_still, over) = watch::channel(());
        {
            let mut running = lock(&self.running);
            if running.contains_key(&file.name) {
                return Err(Problem::new(
                    format!("suite {:?} is running already", file.name),
                    "wait until it has ended",
                ));
            }
            running.insert(file.name.clone(), Running { stop, over });
        }
        let ended = Ended { name: file.name.clone(), running: Arc::clone(&self.running), _still: running_still };
        let (began, begun) = mpsc::sync_channel(1);
        let (inside, page) = (self.inside.clone(), self.page.clone());
        Handle::current().spawn(async move {
            let name = ended.name.clone();
            if let Err(failure) = run(suite, options, &inside, &page, Stop::new(stopped), &began).await {
                eprintln!("headwater: suite {name:?} was not run: {}", failure.message);
                let _ = began.try_send(Err(problem(&failure)));
            }
            drop(ended);
        });
        begun.recv().unwrap_or_else(|_| Err(Problem::new("the run ended before it began", "see the server's log")))
    }
}

/// Takes a run off the list of those that run, however it ends.
struct Ended {
    name: String,
    running: Arc<Mutex<HashMap<String, Running>>>,
    _still: watch::Sender<()>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        lock(&self.running).remove(&self.name);
    }
}

async fn run(
    suite: Suite,
    options: RunOptions,
    inside: &Inside,
    page: &str,
    stop: Stop,
    began: &mpsc::SyncSender<Result<String, Problem>>,
) -> Result<(), Failure> {
    let proxies = FaultProxies::of(&suite, &[]).await?;
    let plan = stored_traces::plan(suite.clone(), options, page).await?;
    fault_proxies::check(&suite, &plan.names(), proxies.as_deref())?;
    let injector = proxies.map(|proxies| proxies as Arc<dyn ::eval::FaultInjector>);
    let host = ::eval::Host { injector, ..running::host(inside)? };
    let mut keeping = Keeping::new(&inside.runs);
    let run = ::eval::run(plan, host, stop, |event| {
        keeping.take(event);
        if let RunEvent::Started { report, .. } = event {
            let _ = began.try_send(Ok(report.run.clone()));
        }
    })
    .await;
    if let Some(refused) = keeping.refused() {
        eprintln!("headwater: run {} was not kept: {refused}", run.run);
    }
    println!("run {} of suite {:?} has ended with {}", run.run, run.suite, run.exit_code.unwrap_or_default());
    Ok(())
}
