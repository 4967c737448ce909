//! The orchestrator in Python and search in Node: their files, their environments, and what is missing for them.
//!
//! The files lie in `examples/polyglot/` and are part of the binary. They are written to a folder of the user's data, where
//! `python3 -m venv`, `pip install` and `npm ci` set them up from their lock files: once, and again when a lock changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::limits::{SETUP_OUTPUT_LINES, SETUP_TIMEOUT};

/// Programs for [`crate::SystemOptions::programs`].
pub type Programs = BTreeMap<String, (PathBuf, Vec<String>)>;

const REQUIREMENTS: &str = include_str!("../../../examples/polyglot/orchestrator-python/requirements.txt");
const PACKAGE_LOCK: &str = include_str!("../../../examples/polyglot/search-node/package-lock.json");

const FILES: &[(&str, &str)] = &[
    (
        "orchestrator-python/orchestrator.py",
        include_str!("../../../examples/polyglot/orchestrator-python/orchestrator.py"),
    ),
    ("orchestrator-python/requirements.txt", REQUIREMENTS),
    ("search-node/search.js", include_str!("../../../examples/polyglot/search-node/search.js")),
    ("search-node/telemetry.js", include_str!("../../../examples/polyglot/search-node/telemetry.js")),
    ("search-node/embedding.js", include_str!("../../../examples/polyglot/search-node/embedding.js")),
    ("search-node/fault.js", include_str!("../../../examples/polyglot/search-node/fault.js")),
    ("search-node/package.json", include_str!("../../../examples/polyglot/search-node/package.json")),
    ("search-node/package-lock.json", PACKAGE_LOCK),
    ("search-node/vector_db.proto", include_str!("../../../examples/polyglot/vector_db.proto")),
    ("search-node/passages.md", include_str!("../corpus/passages.md")),
];

/// Sets both services up in `folder`; `say` is told of each step that takes long. Gives the programs that run them.
///
/// # Errors
/// Everything that is missing, or the step that failed with the end of what it printed.
pub async fn set_up_polyglot(folder: &Path, mut say: impl FnMut(&str)) -> Result<Programs, String> {
    need_tools().await?;
    for (name, contents) in FILES {
        write(&folder.join(name), contents)?;
    }
    let python = set_up_python(&folder.join("orchestrator-python"), &mut say).await?;
    let node = folder.join("search-node");
    set_up_node(&node, &mut say).await?;
    let argument = |path: PathBuf| vec![path.to_string_lossy().into_owned()];
    Ok(BTreeMap::from([
        ("orchestrator".to_owned(), (python, argument(folder.join("orchestrator-python/orchestrator.py")))),
        ("search".to_owned(), ("node".into(), argument(node.join("search.js")))),
    ]))
}

async fn set_up_python(folder: &Path, say: &mut impl FnMut(&str)) -> Result<PathBuf, String> {
    let environment = folder.join("environment");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if is_set_up(folder, REQUIREMENTS) && python.exists() {
        return Ok(python);
    }
    say("setting up the orchestrator in Python (once): python3 -m venv, pip install -r requirements.txt");
    let path = environment.to_string_lossy();
    run(folder, Path::new("python3"), &["-m", "venv", "--clear", &path]).await?;
    let install = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", "requirements.txt"];
    run(folder, &python, &install).await?;
    set_up_done(folder, REQUIREMENTS)?;
    Ok(python)
}

async fn set_up_node(folder: &Path, say: &mut impl FnMut(&str)) -> Result<(), String> {
    if is_set_up(folder, PACKAGE_LOCK) && folder.join("node_modules").exists() {
        return Ok(());
    }
    say("setting up search in Node (once): npm ci");
    // No package here needs its install script, and none of them should run one.
    run(folder, Path::new("npm"), &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).await?;
    set_up_done(folder, PACKAGE_LOCK)
}

/// All tools that are missing or too old, at once.
async fn need_tools() -> Result<(), String> {
    let wanted = [("python3", (3, 10), "python.org"), ("node", (20, 0), "nodejs.org"), ("npm", (8, 0), "nodejs.org")];
    let mut missing = Vec::new();
    for (tool, least, site) in wanted {
        let least_text = format!("{}.{}", least.0, least.1);
        match version_of(tool).await {
            None => missing.push(format!("  {tool} cannot be run: install {tool} {least_text} or newer ({site})")),
            Some(found) if found < least => missing
                .push(format!("  {tool} is {}.{}, and {least_text} or newer is needed ({site})", found.0, found.1)),
            Some(_) => {}
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("--polyglot needs what is not here:\n{}", missing.join("\n"))) }
}

async fn version_of(tool: &str) -> Option<(u32, u32)> {
    let asked = Command::new(tool).arg("--version").stdin(Stdio::null()).output().await.ok()?;
    version_in(&String::from_utf8_lossy(&asked.stdout)).filter(|_| asked.status.success())
}

/// The first two numbers of `Python 3.11.7`, `v20.20.2`, `10.9.0`.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text[digits..].split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

async fn run(folder: &Path, program: &Path, arguments: &[&str]) -> Result<(), String> {
    let told = format!("{} {} (in {})", program.display(), arguments.join(" "), folder.display());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(SETUP_TIMEOUT, command.output()).await;
    let output = output.map_err(|_| format!("{told} did not end within {} s", SETUP_TIMEOUT.as_secs()))?;
    let output = output.map_err(|error| format!("cannot run {told}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let lines: Vec<&str> = printed.lines().collect();
    let end = &lines[lines.len().saturating_sub(SETUP_OUTPUT_LINES)..];
    Err(format!("{told} ended with {}; its last lines:\n  | {}", output.status, end.join("\n  | ")))
}

/// The lock that the folder was set up from lies beside it; only the same text counts.
fn is_set_up(folder: &Path, lock: &str) -> bool {
    std::fs::read_to_string(folder.join("set-up-from")).is_ok_and(|from| from == lock)
}

fn set_up_done(folder: &Path, lock: &str) -> Result<(), String> {
    write(&folder.join("set-up-from"), lock)
}

fn write(path: &Path, contents: &str) -> Result<(), String> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, contents));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version_in("Python 3.11.7\n"), Some((3, 11)));
        assert_eq!(version_in("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version_in("no number"), None);
    }

    #[tokio::test]
    async fn a_failing_step_shows_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = ["-c", "seq 1 100; echo no network >&2; exit 7"];
        let problem = run(folder.path(), Path::new("sh"), &arguments).await.expect_err("it fails");
        assert!(problem.contains("exit status: 7") && problem.contains("| no network"), "{problem}");
        assert!(problem.contains("| 100") && !problem.contains("| 50\n"), "{problem}");
        let problem = run(folder.path(), Path::new("no-such-tool"), &[]).await.expect_err("it is not there");
        assert!(problem.contains("cannot run no-such-tool"), "{problem}");
    }

    /// What search in Node embeds must lie where search in Rust would put it: they share the vector database.
    #[tokio::test]
    async fn both_languages_embed_alike() {
        if version_of("node").await.is_none() {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        for (name, contents) in FILES {
            write(&folder.path().join(name), contents).expect("written");
        }
        let script = "const { embed } = require('./embedding.js'); console.log(JSON.stringify(embed(process.argv[1])))";
        for text in ["When does a batch processor export?", "Größe ändern: spans, ids & 42 studies", "the of"] {
            let mut command = Command::new("node");
            command.args(["-e", script, text]).current_dir(folder.path().join("search-node"));
            let output = command.output().await.expect("node runs");
            let theirs: Vec<f32> = serde_json::from_slice(&output.stdout).expect("numbers");
            let ours = crate::embedding::embed(text);
            assert_eq!(theirs.len(), ours.len());
            let far = theirs.iter().zip(&ours).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 1e-5, "{text}: {far}");
        }
    }
}
