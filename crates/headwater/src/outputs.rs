//! Reports that a command writes when its run is over (`--output FORMAT FILE`).

use std::path::{Path, PathBuf};

use analysis::{ExplainOptions, Explanation};
use client::Client;
use eval::report::{self, RunReport, Verdict};
use model::TraceId;

use crate::exit::Failure;
use crate::{run_file, runs};

/// What is written, and where to.
#[derive(Debug)]
pub struct Outputs(Vec<(Format, PathBuf)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    JsonLines,
    Junit,
    Markdown,
    Github,
    Sarif,
    Html,
    Run,
}

const FORMATS: &[(&str, Format)] = &[
    ("json", Format::Json),
    ("jsonl", Format::JsonLines),
    ("junit", Format::Junit),
    ("markdown", Format::Markdown),
    ("github", Format::Github),
    ("sarif", Format::Sarif),
    ("html", Format::Html),
    ("run", Format::Run),
];

impl Outputs {
    /// From `--output FORMAT FILE` pairs; all mistakes at once.
    pub fn parse(pairs: &[String]) -> Result<Self, Failure> {
        let mut outputs = Vec::new();
        let mut problems = Vec::new();
        for pair in pairs.chunks(2) {
            let [format, file] = pair else { continue };
            match FORMATS.iter().find(|(name, _)| name == format) {
                Some((_, format)) => outputs.push((*format, PathBuf::from(file))),
                None => {
                    let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
                    problems.push(format!("--output: there is no format {format:?}; there are {}", names.join(", ")));
                }
            }
        }
        if problems.is_empty() { Ok(Self(outputs)) } else { Err(Failure::usage(problems.join("\n"))) }
    }

    /// Whether any of them holds traces.
    pub fn hold_traces(&self) -> bool {
        self.0.iter().any(|(format, _)| matches!(format, Format::Sarif | Format::Html | Format::Run))
    }

    /// Writes all of them. Those that hold traces get them from the server at `client`. What cannot be written does not keep the others
    /// from being written.
    pub async fn write(&self, run: &RunReport, client: &Client) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for (format, path) in &self.0 {
            let written = match text(*format, run, client).await {
                Ok(text) => put(path, &text),
                Err(problem) => Err(format!("cannot write {}: {problem}", path.display())),
            };
            problems.extend(written.err());
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

async fn text(format: Format, run: &RunReport, client: &Client) -> Result<String, String> {
    let told = |error: serde_json::Error| error.to_string();
    match format {
        Format::Json => report::json(run).map_err(told),
        Format::JsonLines => report::json_lines(run).map_err(told),
        Format::Junit => Ok(report::junit(run)),
        Format::Markdown => Ok(report::markdown(run)),
        Format::Github => Ok(report::github(run)),
        Format::Sarif => sarif(run, client).await,
        Format::Html => html(run, client).await,
        Format::Run => run_file::text(run, client).await,
    }
}

/// What did not hold, and what the analyses find in the run's traces.
async fn sarif(run: &RunReport, client: &Client) -> Result<String, String> {
    let mut findings = Explanation::new(ExplainOptions::default());
    for id in in_order(run) {
        if let Some(trace) = client.trace(id).await.map_err(|error| error.to_string())? {
            // The runner's own spans are no finding about the system.
            findings.add(&trace.without_scope(eval::OWN_SCOPE));
        }
    }
    let sarif = report::sarif(run, &findings.finish().findings);
    serde_json::to_string_pretty(&sarif).map(|text| text + "\n").map_err(|error| error.to_string())
}

/// The report that the server makes of the run; it is handed the run where it does not have it yet.
async fn html(run: &RunReport, client: &Client) -> Result<String, String> {
    let told = |error: client::ClientError| error.to_string();
    let mut html = client.run_report(&run.run).await.map_err(told)?;
    if html.is_none() {
        client.submit_run(&runs::as_wire(run)).await.map_err(told)?;
        html = client.run_report(&run.run).await.map_err(told)?;
    }
    let html = html.ok_or_else(|| format!("the server does not keep the run {}", run.run))?;
    String::from_utf8(html.to_vec()).map_err(|error| error.to_string())
}

/// The run's traces, those of attempts that did not pass first: a report that cannot hold all holds these.
fn in_order(run: &RunReport) -> Vec<TraceId> {
    let attempts = || run.scenarios.iter().flat_map(|scenario| &scenario.attempts);
    let (passed, others): (Vec<_>, Vec<_>) = attempts().partition(|attempt| attempt.verdict == Verdict::Pass);
    let mut seen = std::collections::HashSet::new();
    let ids = others.into_iter().chain(passed).flat_map(|attempt| {
        let steps = attempt.steps.iter().map(|step| step.trace_id.as_str());
        attempt.trace_id.as_deref().into_iter().chain(steps)
    });
    ids.filter_map(|id| id.parse().ok()).filter(|id| seen.insert(*id)).collect()
}
