//! `cargo xtask bench demo`: start, memory, size of the binary, and what trace assertions cost.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Figure;
use super::driven::{self, folder};
use crate::process::binary;

const START_BAR: Duration = Duration::from_millis(100);
const MEMORY_BAR_MB: f64 = 60.0;
const BINARY_BAR_MB: f64 = 40.0;
const ASSERTIONS_BAR: Duration = Duration::from_millis(50);

/// Measures; `quick` takes fewer repetitions.
pub fn measure(quick: bool) -> Result<Vec<Figure>, String> {
    let binary = binary()?;
    let (start, memory_mb) = server(&binary, if quick { 5 } else { 15 })?;
    let size_mb = std::fs::metadata(&binary).map_err(|error| error.to_string())?.len() as f64 / 1e6;
    let (without, with) = scenarios(&binary, if quick { 10 } else { 40 })?;
    let longer = with.saturating_sub(without);
    Ok(vec![
        Figure {
            what: "start to ready, empty folder, median",
            figure: format!("{:.1} ms", millis(start)),
            bar: format!("< {:.0} ms", millis(START_BAR)),
            met: start < START_BAR,
        },
        Figure {
            what: "idle memory (RSS)",
            figure: format!("{memory_mb:.1} MB"),
            bar: format!("< {MEMORY_BAR_MB:.0} MB"),
            met: memory_mb < MEMORY_BAR_MB,
        },
        Figure {
            what: "stripped binary",
            figure: format!("{size_mb:.1} MB"),
            bar: format!("< {BINARY_BAR_MB:.0} MB"),
            met: size_mb < BINARY_BAR_MB,
        },
        Figure {
            what: "a scenario without trace assertions, median",
            figure: format!("{:.1} ms", millis(without)),
            bar: "-".into(),
            met: true,
        },
        Figure {
            what: "how much longer with trace assertions, exporters at 20 ms",
            figure: format!("{:.1} ms", millis(longer)),
            bar: format!("<= {:.0} ms", millis(ASSERTIONS_BAR)),
            met: longer <= ASSERTIONS_BAR,
        },
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median<T: Copy + Ord>(mut values: Vec<T>) -> Result<T, String> {
    values.sort();
    values.get(values.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}

/// Median time from starting the process to its word `ready`, and the memory it holds then.
fn server(binary: &Path, rounds: usize) -> Result<(Duration, f64), String> {
    let mut starts = Vec::new();
    let mut memory_mb: f64 = 0.0;
    for _ in 0..rounds {
        let folder = folder()?;
        let began = Instant::now();
        let mut child = Command::new(binary)
            .args(["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--page", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let ready = until_ready(&mut child);
        starts.push(began.elapsed());
        let memory = ready.and_then(|()| driven::memory_mb(child.id(), "VmRSS"));
        let _ = child.kill();
        let _ = child.wait();
        memory_mb = memory_mb.max(memory?);
    }
    Ok((median(starts)?, memory_mb))
}

fn until_ready(child: &mut Child) -> Result<(), String> {
    let output = child.stdout.take().ok_or("the server's output is not piped")?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    if lines.any(|line| line.trim_start().starts_with("ready")) {
        Ok(())
    } else {
        Err("the server never said ready".into())
    }
}

/// One scenario twice in one suite, without and with assertions on the trace.
const SCENARIOS: &str = r#"  - name: without
    assert: [ { status: 200 } ]
  - name: with
    assert:
      - { status: 200 }
      - { services: all }
      - { spans: '{ resource.service.name = "llm" && kind = server }', count: 1 }
      - fault_path: none
"#;

/// Median time of an attempt without and with assertions on the trace.
fn scenarios(binary: &Path, repeat: usize) -> Result<(Duration, Duration), String> {
    let folder = folder()?;
    let (suite, report) = (folder.path().join("suite.yaml"), folder.path().join("report.json"));
    let run = format!("repeat: {repeat}, warmup: 2, concurrency: 1");
    driven::write(&suite, &driven::suite("{{attempt.id}}", &run, SCENARIOS))?;
    let output =
        driven::demo(binary, &suite, ["--temp".as_ref(), "--output".as_ref(), "json".as_ref(), report.as_os_str()])?;
    if !output.status.success() {
        return Err(format!("the demo ended with {}:\n{}", output.status, driven::told(&output)));
    }
    let report = driven::report(&report)?;
    let of = |name: &str| -> Result<Duration, String> {
        let scenarios = report["scenarios"].as_array().ok_or("the report has no scenarios")?;
        let scenario =
            scenarios.iter().find(|scenario| scenario["name"] == name).ok_or("a scenario is missing in the report")?;
        let attempts = scenario["attempts"].as_array().ok_or("the report has no attempts")?;
        let nanos = |attempt: &Value| Some(attempt["duration"].as_u64()? + attempt["waited"].as_u64()?);
        median(attempts.iter().filter_map(nanos).collect()).map(Duration::from_nanos)
    };
    Ok((of("without")?, of("with")?))
}
