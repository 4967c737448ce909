//! What benches share that drive the demo or read what `headwater` says of a run.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The demo's services.
const SERVICES: &[&str] = &["gateway", "auth", "orchestrator", "search", "vector-db", "rag", "llm", "cache"];
/// How long the exporters hold spans back; bars are stated for it.
const EXPORT_DELAY: &str = "20ms";

/// A folder that goes when it is dropped.
pub fn folder() -> Result<TempDir, String> {
    let made = tempfile::Builder::new().prefix("headwater-bench-").tempdir();
    made.map_err(|error| format!("cannot make a folder: {error}"))
}

/// Writes a file.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// A suite that asks the demo one question; `{{attempt.id}}` as the cache's namespace lets no attempt find another's answer.
/// `run` and `scenarios` are what stands under these keys.
pub fn suite(namespace: &str, run: &str, scenarios: &str) -> String {
    format!(
        "suite: bench\ntarget:\n  http:\n    url: \"${{GATEWAY_URL}}/v1/ask\"\n    method: POST\n    headers: {{ \
         authorization: \"Bearer ${{DEMO_TOKEN}}\", x-cache-namespace: \"{namespace}\" }}\n    json: {{ question: \"What \
         does a span's parent id mean?\" }}\nservices: [{}]\nrun: {{ {run} }}\nscenarios:\n{scenarios}",
        SERVICES.join(", ")
    )
}

/// Drives the demo once with `suite`; `more` says where data and reports go.
pub fn demo<S: AsRef<OsStr>>(binary: &Path, suite: &Path, more: impl IntoIterator<Item = S>) -> Result<Output, String> {
    let mut command = Command::new(binary);
    command.args(["demo", "--once", "--page", "127.0.0.1:0", "--suite"]).arg(suite).args(more);
    for service in SERVICES {
        command.arg("--export-delay").arg(format!("{service}={EXPORT_DELAY}"));
    }
    command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run the demo: {error}"))
}

/// What a program wrote, both outputs.
pub fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// A run's report as `--output json` wrote it.
pub fn report(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read the report: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("cannot read the report: {error}"))
}

/// What the kernel says of a process's memory, MB: `VmRSS` is what it holds, `VmHWM` the most it has held.
pub fn memory_mb(pid: u32, what: &str) -> Result<f64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| format!("cannot read its memory: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let line = line.ok_or_else(|| format!("no {what}"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("cannot read {line:?}"))?;
    Ok(kilobytes / 1e3)
}
