//! A sweep, told to people while it runs and written to files when it is over.

use std::path::{Path, PathBuf};

use eval::report::{self, SweepReport};
use eval::{Host, Plan, Stop, SweepEvent, SweepOptions};
use tokio::sync::watch;

use crate::amounts;
use crate::cli_faults::SweepArgs;
use crate::exit::{ExitCode, Failure};
use crate::server::interrupted;
use crate::terminal::Terminal;

/// What a sweep does and where its result goes.
#[derive(Debug)]
pub struct Sweep {
    options: SweepOptions,
    files: Vec<(Format, PathBuf)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Markdown,
}

impl Sweep {
    /// From the command line; none if it asks for none. All mistakes at once.
    pub fn parse(args: &SweepArgs, output: &[String]) -> Result<Option<Self>, Failure> {
        if args.sweep.is_none() {
            return Ok(None);
        }
        let mut problems = Vec::new();
        let delay = amounts::age(&args.sweep_delay);
        let delay = delay.map_err(|problem| problems.push(format!("--sweep-delay {problem}"))).unwrap_or_default();
        let mut files = Vec::new();
        for pair in output.chunks(2) {
            let [format, file] = pair else { continue };
            match format.as_str() {
                "json" => files.push((Format::Json, PathBuf::from(file))),
                "markdown" => files.push((Format::Markdown, PathBuf::from(file))),
                other => problems.push(format!("--output: a sweep is written as json or markdown, not as {other:?}")),
            }
        }
        if !problems.is_empty() {
            return Err(Failure::usage(problems.join("\n")));
        }
        Ok(Some(Self { options: SweepOptions::with_delay(delay), files }))
    }

    /// The scenarios to sweep, beside what else filters.
    pub fn filter(args: &SweepArgs) -> Option<String> {
        args.sweep.clone().filter(|text| !text.is_empty())
    }

    /// Sweeps, tells and writes.
    pub async fn run(&self, plan: Plan, host: Host) -> Result<ExitCode, Failure> {
        let (stop, stopped) = watch::channel(false);
        let waiting = tokio::spawn(async move {
            interrupted().await;
            let _ = stop.send(true);
            // Kept so that the channel stays open.
            std::future::pending::<()>().await;
        });
        let faults = self.options.faults.len();
        let swept = eval::sweep(plan, host, self.options.clone(), Stop::new(stopped), |event| match event {
            SweepEvent::Clean { scenario, following, .. } => {
                eprintln!("{}: {} calls, {faults} faults each", stdx::printable(scenario), following / faults.max(1));
            }
            SweepEvent::Row { scenario, row } => eprintln!("{}", report::sweep_progress(scenario, row)),
        })
        .await;
        waiting.abort();
        let terminal = Terminal::of_stdout();
        let style = report::Style { color: terminal.color, width: terminal.width };
        print!("{}{}", report::sweep_table(&swept, style), report::proxies_told(&swept.proxies));
        self.write(&swept)?;
        if swept.exit_code == Some(ExitCode::USAGE.0) {
            eprintln!(
                "headwater: nothing was swept: no call of these scenarios has a proxy\nhelp: name calls under `proxies` in the suite, or with `--via`"
            );
        }
        Ok(ExitCode(swept.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0)))
    }

    fn write(&self, swept: &SweepReport) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for (format, path) in &self.files {
            let text = match format {
                Format::Json => {
                    serde_json::to_string_pretty(swept).map(|text| text + "\n").map_err(|error| error.to_string())
                }
                Format::Markdown => Ok(report::sweep_markdown(swept)),
            };
            problems.extend(text.and_then(|text| put(path, &text)).err());
        }
        if problems.is_empty() { Ok(()) } else { Err(Failure::infrastructure(problems.join("\n"))) }
    }
}

/// `-` is standard output.
fn put(path: &Path, text: &str) -> Result<(), String> {
    if path.as_os_str() == "-" {
        print!("{text}");
        return Ok(());
    }
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
