//! `cargo xtask bench mutation`: the demo with one deliberate defect after the other, judged by its own suite and what
//! `headwater suggest` wrote from clean traces. A defect is caught when something fails, or cannot be judged, and names the
//! service or call to blame. Clean runs must stay clean.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Figure;
use super::driven::{self, folder, write};
use crate::process::{binary, root};

/// Of the defects that were agreed on, how many must be caught.
const CAUGHT_BAR: usize = 18;
/// Defects beyond those that were agreed on: what is suggested must be general.
const FURTHER: &[&str] = &[
    "baggage-lost",
    "status-hidden",
    "wrong-kind",
    "wrong-parent",
    "deadline-raised",
    "other-model",
    "tokens-doubled",
    "log-missing",
    "order-swapped",
    "false-error",
    "retrieval-halved",
    "llm-asked-twice",
    "timeout-swallowed",
    "wrong-status",
    "unit-changed",
    "ended-early",
    "wrong-user",
    "temperature-raised",
];
/// A minute's worth of them.
const QUICK: &[&str] = &["duplicate-call", "retry-without-backoff", "wrong-passages", "renamed-span", "false-error"];
/// Attempts of each scenario.
const REPEAT: &str = "repeat: 3";

/// A defect as the demo tells it.
struct Defect {
    name: String,
    blame: Vec<String>,
    what: String,
}

struct Bench {
    binary: PathBuf,
    folder: TempDir,
}

/// Measures; `quick` takes a few defects and two clean runs.
pub fn measure(quick: bool) -> Result<Vec<Figure>, String> {
    let bench = Bench { binary: binary()?, folder: folder()? };
    let suite = bench.strict_suite()?;
    let clean_runs = if quick { 2 } else { 20 };
    let mut false_alarms = 0;
    for run in 1..=clean_runs {
        let report = bench.demo(&suite, &bench.path("clean.json"), &[])?;
        let alarms = findings(&report);
        println!("clean run {run:>2}: {}", if alarms.is_empty() { "clean" } else { "FALSE ALARM" });
        alarms.iter().take(5).for_each(|finding| println!("    {}", finding.told));
        false_alarms += usize::from(!alarms.is_empty());
    }
    let mut caught = [0, 0];
    let mut tried = [0, 0];
    for defect in bench.defects()? {
        if quick && !QUICK.contains(&defect.name.as_str()) {
            continue;
        }
        let further = usize::from(FURTHER.contains(&defect.name.as_str()));
        let report = bench.demo(&suite, &bench.path("defect.json"), &["--defect", &defect.name])?;
        let findings = findings(&report);
        let by =
            findings.iter().find(|finding| defect.blame.iter().any(|blame| finding.names.contains(blame.as_str())));
        let word = match (by, findings.is_empty()) {
            (Some(_), _) => "caught",
            (None, false) => "NOT NAMED",
            (None, true) => "MISSED",
        };
        println!("{word:<9} {:<24} {}", defect.name, defect.what);
        if let Some(finding) = by.or_else(|| findings.first()) {
            println!("    {}", finding.told);
        }
        tried[further] += 1;
        caught[further] += usize::from(by.is_some());
    }
    let bar = if quick { tried[0] } else { CAUGHT_BAR };
    Ok(vec![
        Figure {
            what: "defects caught that name the service or call to blame",
            figure: format!("{} of {}", caught[0], tried[0]),
            bar: format!(">= {bar}"),
            met: caught[0] >= bar,
        },
        Figure {
            what: "further defects caught, beyond those agreed on",
            figure: format!("{} of {}", caught[1], tried[1]),
            bar: "-".into(),
            met: true,
        },
        Figure {
            what: "clean runs with a false alarm",
            figure: format!("{false_alarms} of {clean_runs}"),
            bar: "0".into(),
            met: false_alarms == 0,
        },
    ])
}

/// Something that did not hold or could not be judged.
struct Finding {
    told: String,
    /// The words in which a service may be named. What was merely received is not among them.
    names: String,
}

fn findings(report: &Value) -> Vec<Finding> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut findings = Vec::new();
    for scenario in list(&report["scenarios"]) {
        let mut assertions = list(&scenario["overAttempts"]);
        for attempt in list(&scenario["attempts"]) {
            assertions.extend(list(&attempt["assertions"]));
            if let Some(error) = attempt["error"].as_str() {
                findings.push(Finding { told: format!("{}: {error}", scenario["name"]), names: String::new() });
            }
        }
        let bad = assertions.iter().filter(|assertion| assertion["verdict"] != "pass");
        findings.extend(bad.map(|assertion| finding(&scenario, assertion)));
    }
    findings
}

fn finding(scenario: &Value, assertion: &Value) -> Finding {
    let text = |key: &str| assertion[key].as_str().unwrap_or_default();
    let before_received = |text: &str| text.split("; received:").next().unwrap_or_default().to_owned();
    let mut names = vec![text("expected").to_owned(), before_received(text("found")), before_received(text("reason"))];
    names.extend(assertion["selectors"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    for span in assertion["evidence"].as_array().into_iter().flatten() {
        names.extend(span["service"].as_str().map(str::to_owned));
    }
    let told =
        [text("text"), text("verdict"), text("found"), text("reason")].map(|part| part.chars().take(90).collect());
    let told: Vec<String> = told.into_iter().filter(|part: &String| !part.is_empty()).collect();
    Finding { told: format!("{}: {}", scenario["name"], told.join(" | ")), names: names.join("\n") }
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The demo's suite with what is suggested from two clean runs, each of its own start: what differs between starts is
    /// no property of the system.
    fn strict_suite(&self) -> Result<PathBuf, String> {
        let shipped = root().join("examples/distributed-tracing/headwater.yaml");
        let shipped = std::fs::read_to_string(shipped).map_err(|error| format!("cannot read the suite: {error}"))?;
        let (suite, strict) = (self.path("shipped.yaml"), self.path("strict.yaml"));
        write(&suite, &shipped.replace("repeat: 1", REPEAT))?;
        let data = self.path("data");
        let mut arguments: Vec<String> =
            vec!["suggest".into(), "--into".into(), shown(&suite), "--data".into(), shown(&data)];
        for report in ["clean-1.json", "clean-2.json"].map(|name| self.path(name)) {
            self.demo(&suite, &report, &["--data", &shown(&data)])?;
            arguments.extend(["--report".into(), shown(&report)]);
        }
        let output = Command::new(&self.binary).args(&arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("cannot run headwater: {error}"))?;
        if !output.status.success() {
            return Err(format!("suggest failed:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        write(&strict, &String::from_utf8_lossy(&output.stdout))?;
        Ok(strict)
    }

    /// Runs the demo against `suite` and reads its report.
    fn demo(&self, suite: &Path, report: &Path, more: &[&str]) -> Result<Value, String> {
        let _ = std::fs::remove_file(report);
        let mut arguments = vec!["--output", "json"];
        let path = shown(report);
        arguments.push(&path);
        arguments.extend(more);
        if !more.contains(&"--data") {
            arguments.push("--temp");
        }
        let output = driven::demo(&self.binary, suite, arguments)?;
        driven::report(report).map_err(|error| format!("{error}\n{}", driven::told(&output)))
    }

    fn defects(&self) -> Result<Vec<Defect>, String> {
        let output = Command::new(&self.binary).args(["demo", "--list-defects"]).output();
        let output = output.map_err(|error| format!("cannot run headwater: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let defect = |line: &str| {
            let mut parts = line.split('\t');
            let (name, blame, what) = (parts.next()?, parts.next()?, parts.next()?);
            let blame = blame.split(',').map(str::to_owned).collect();
            Some(Defect { name: name.to_owned(), blame, what: what.to_owned() })
        };
        Ok(text.lines().filter_map(defect).collect())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
