//! DuckDB and pandas open the segments and see what was stored. They come from PyPI; where that cannot be reached, the test
//! is skipped, and says so.

mod common;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{World, failed, span, with};
use model::{Span, Value};
use store::{EmbeddedStore, Options};

/// More than a page of rows, so that there are several.
const TRACES: u64 = 2_500;

/// A Python that has both; none, with a word about why, where it cannot be had.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign-readers");
    let python = venv.join("bin/python");
    let can_import = || Command::new(&python).args(["-c", "import duckdb, pandas, pyarrow"]).output();
    if can_import().is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        && run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "duckdb", "pandas", "pyarrow"]));
    if !made {
        let _ = writeln!(std::io::stderr(), "SKIPPED: duckdb, pandas and pyarrow cannot be installed from PyPI");
    }
    made.then_some(python)
}

fn trace(number: u64) -> Vec<Span> {
    let root = span(number, 1, 0, "gateway", "ask", number, 50);
    let mut llm = span(number, 2, 1, "llm", "chat", number, 40);
    llm = with(llm, "gen_ai.request.model", ["large", "small"][number as usize % 2]);
    llm = with(llm, "gen_ai.usage.input_tokens", Value::Int(number as i64));
    llm = with(llm, "score", Value::Double(0.5));
    llm = with(llm, "cached", number.is_multiple_of(4));
    vec![root, if number.is_multiple_of(10) { failed(llm) } else { llm }]
}

#[test]
fn duckdb_and_pandas_see_what_was_stored() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::new();
    let (store, _) = EmbeddedStore::open(Options::new(folder.path()), world.hooks()).expect("opens");
    let spans: Vec<Span> = (0..TRACES).flat_map(trace).collect();
    let starts: u64 = spans.iter().map(|span| span.start.0 % 1_000_003).sum::<u64>() % 1_000_003;
    world.append(&store, spans, vec![]);
    store.close().expect("closes");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_readers/read.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tokens = |first: u64| (first..TRACES).step_by(2).sum::<u64>();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!(
            "slowest operations\n  gateway ask {TRACES} 50.0\n  llm chat {TRACES} 40.0\n\
             tokens by model\n  large {} 0.5\n  small {} 0.5\n\
             who calls whom\n  gateway llm {TRACES} {}\n\
             pandas\n  {} rows\n  {starts} of starts\n  {} of ids\n  large small models\n  {} cached\n",
            tokens(0),
            tokens(1),
            TRACES / 10,
            2 * TRACES,
            3 * TRACES,
            TRACES / 4,
        )
    );
}
