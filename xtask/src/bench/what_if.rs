//! `cargo xtask bench what-if`: what `headwater whatif` predicts from traces of the demo as it is, beside what is measured
//! after the change was really made.
//!
//! Each row runs the demo twice with configured delays: without the change, from whose traces the prediction is made, and
//! with it. Deliberate defects of the demo are changes the other way round.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Figure;
use super::driven::{self, folder};
use crate::process::binary;

/// How far the predicted median may lie from the measured one.
const ERROR_BAR: f64 = 0.05;
/// A change and how to make it.
struct Trial {
    what: &'static str,
    /// Arguments of `headwater whatif`.
    predict: &'static [&'static str],
    before: Demo,
    after: Demo,
}

/// How the demo runs.
#[derive(Clone, Copy)]
struct Demo {
    defect: Option<&'static str>,
    /// As a suite writes it.
    fault: &'static str,
    /// The cache namespace of an attempt.
    namespace: &'static str,
}

const FRESH: &str = "{{attempt.id}}";

const TRIALS: &[Trial] = &[
    Trial {
        what: "side by side: the two questions to the vector database",
        predict: &["--parallel", "Search"],
        before: Demo {
            defect: Some("serial-queries"),
            fault: "{ edge: search -> vector-db, delay: 80ms }",
            namespace: FRESH,
        },
        after: Demo { defect: None, fault: "{ edge: search -> vector-db, delay: 80ms }", namespace: FRESH },
    },
    Trial {
        what: "cached: all that the orchestrator's cache spares",
        predict: &[
            "--cache",
            "search:POST /v1/search",
            "--cache",
            "rag:POST /v1/generate",
            "--cache",
            "cache:POST /v1/set",
        ],
        before: Demo { defect: None, fault: "{ edge: orchestrator -> cache, delay: 60ms }", namespace: FRESH },
        after: Demo { defect: None, fault: "{ edge: orchestrator -> cache, delay: 60ms }", namespace: "shared" },
    },
    Trial {
        what: "sped up: the language model three times as fast",
        predict: &["--speed-up", "generate=3x"],
        before: Demo { defect: Some("slow-llm"), fault: "{ edge: gateway -> auth, delay: 40ms }", namespace: FRESH },
        after: Demo { defect: None, fault: "{ edge: gateway -> auth, delay: 40ms }", namespace: FRESH },
    },
    Trial {
        what: "no retries: two failed attempts at the language model",
        predict: &["--drop-retries"],
        before: Demo { defect: None, fault: "{ edge: rag -> llm, status: 503, times: 2 }", namespace: FRESH },
        after: Demo { defect: None, fault: "", namespace: FRESH },
    },
];

/// Measures; `quick` makes fewer requests.
pub fn measure(quick: bool) -> Result<Vec<Figure>, String> {
    let bench = Bench { binary: binary()?, folder: folder()?, repeat: if quick { 15 } else { 60 } };
    TRIALS.iter().enumerate().map(|(number, trial)| bench.figure(number, trial)).collect()
}

struct Bench {
    binary: PathBuf,
    folder: TempDir,
    repeat: usize,
}

impl Bench {
    fn figure(&self, number: usize, trial: &Trial) -> Result<Figure, String> {
        let (before, after) = (self.path(&format!("before-{number}")), self.path(&format!("after-{number}")));
        self.demo(&before, trial.before)?;
        self.demo(&after, trial.after)?;
        let predicted = self.what_if(&before, trial.predict)?;
        // A factor of one changes nothing: what is there is measured as what is predicted is.
        let measured = self.what_if(&after, &["--speed-up", "gateway=1"])?;
        let at = |answer: &Value, side: &str| {
            answer[side]["p50"].as_f64().ok_or_else(|| format!("{}: no {side} in {answer}", trial.what))
        };
        let (now, then, real) = (at(&predicted, "before")?, at(&predicted, "after")?, at(&measured, "before")?);
        let error = (then - real).abs() / real;
        println!(
            "{}: P50 {:.1} ms now, {:.1} ms predicted, {:.1} ms measured",
            trial.what,
            now / 1e6,
            then / 1e6,
            real / 1e6
        );
        Ok(Figure {
            what: trial.what,
            figure: format!("{:.1} % off", error * 100.0),
            bar: format!("<= {:.0} %", ERROR_BAR * 100.0),
            met: error <= ERROR_BAR,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Drives the demo; its traces go to `data`.
    fn demo(&self, data: &Path, demo: Demo) -> Result<(), String> {
        let suite = self.path("suite.yaml");
        let fault = if demo.fault.is_empty() { String::new() } else { format!("    fault: {}\n", demo.fault) };
        let run = format!("repeat: {}, warmup: 3, concurrency: 1", self.repeat);
        let scenarios = format!("  - name: ask\n{fault}    assert: [ {{ status: 200 }} ]\n");
        driven::write(&suite, &driven::suite(demo.namespace, &run, &scenarios))?;
        let mut arguments = vec!["--data".as_ref(), data.as_os_str()];
        if let Some(defect) = demo.defect {
            arguments.extend(["--defect".as_ref(), OsStr::new(defect)]);
        }
        let output = driven::demo(&self.binary, &suite, arguments)?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("the demo ended with {}:\n{}", output.status, driven::told(&output)))
    }

    /// The newest requests: the first ones only warm the services up.
    fn what_if(&self, data: &Path, changes: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(&self.binary);
        command.args(["whatif", "{ name = \"POST /v1/ask\" }", "--json", "--limit", &self.repeat.to_string()]);
        command.args(changes).arg("--data").arg(data);
        let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run whatif: {error}"))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("whatif answered {}", String::from_utf8_lossy(&output.stderr)))
    }
}
