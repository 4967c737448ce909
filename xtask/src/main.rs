//! Every chore: `cargo xtask --help`.
//!
//! | file | what |
//! | --- | --- |
//! | `check.rs` | format, lints, walls |
//! | `walls.rs` | which crate may know which, and what no crate may do |
//! | `test.rs` | the whole test suite, the page's included |
//! | `ui.rs` | build the page, compare it with the committed build |
//! | `bench/` | figures beside bars |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to the person who runs them")]

mod bench;
mod check;
mod process;
mod test;
mod ui;
mod walls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Every chore of Headwater")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Format, lints and walls: quick, before every commit.
    Check,
    /// All tests: crates, acceptance with the real binary, the page in a real browser.
    Test,
    /// Build the page into `ui/dist`.
    Ui {
        /// Fail if the committed build differs from a fresh one.
        #[arg(long)]
        check: bool,
    },
    /// What the analyses show on recorded traces (`../shared/data`): each figure beside its bar.
    Validate {
        /// Exit non-zero where a bar is missed.
        #[arg(long)]
        check: bool,
    },
    /// Measure: prints each figure beside its bar.
    Bench {
        /// Which bench.
        name: bench::Name,
        #[command(flatten)]
        options: bench::Options,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Check => check::run(),
        Chore::Test => test::run(),
        Chore::Ui { check } => ui::run(check),
        Chore::Validate { check } => validate(check),
        Chore::Bench { name, options } => bench::run(name, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the table of the crate `validate`, optimised: some of its figures are speeds.
fn validate(check: bool) -> Result<(), String> {
    let data = process::root().join("../shared/data");
    if !data.exists() {
        println!("SKIPPED: the recorded traces are not at {}", data.display());
        return Ok(());
    }
    let mut arguments =
        vec!["run", "--release", "--quiet", "--package", "validate", "--example", "table", "--", "../shared/data"];
    if check {
        arguments.push("--check");
    }
    process::run(&process::root(), "cargo", &arguments)
}
