//! The binary `headwater`: reads the command line, joins the crates, prints, exits.
//!
//! | file | what |
//! | --- | --- |
//! | `cli.rs` | the command line: one definition for parser, help, completions, man page |
//! | `cli_testing.rs` | its part around `eval`: capturing, judging again |
//! | `commands/` | one file a command |
//! | `server.rs` | a server's life: build from the ground up, run, stop in order |
//! | `sinks.rs` | what a received batch goes to: the store, the forwarders |
//! | `source.rs` | where an evaluation's traces come from: the embedded receiver, or a running server |
//! | `outputs.rs` | the reports of a run |
//! | `cli_faults.rs`, `fault_proxies.rs`, `sweeping.rs` | proxies that let faults happen: command line, those of a run, sweeps |
//! | `stored_traces.rs`, `run_file.rs`, `captured.rs` | traces that are judged without driving: stored, of a file, of a command |
//! | `access.rs` | the stored traces: through the server that owns the folder, or by opening it |
//! | `cli_explain.rs`, `selecting.rs`, `explaining/` | the analyses: command line, which traces, answers as text |
//! | `tree.rs` | a trace as a tree for the terminal |
//! | `terminal.rs`, `exit.rs`, `data_folder.rs`, `amounts.rs` | colour and width, exit codes, where data lives, `7d` and `20GB` |
#![expect(clippy::print_stderr, reason = "this is the one crate that prints")]

/// As the standard one, except that a reader who has closed the pipe (`| head`) is no reason to panic.
macro_rules! println {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// As [`println`].
macro_rules! print {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stdout(), $($text)*);
    }};
}

mod access;
mod amounts;
mod baselines;
mod captured;
mod cli;
mod cli_explain;
mod cli_faults;
mod cli_testing;
mod commands;
mod counters;
mod data_folder;
mod destinations;
mod exit;
mod explaining;
mod fault_proxies;
mod memory;
mod outputs;
mod run_file;
mod runs;
mod selecting;
mod server;
mod shelf;
mod sinks;
mod source;
mod stored_traces;
mod suites;
mod sweeping;
mod terminal;
mod tree;

use clap::Parser as _;

use cli::{Cli, Command};
use exit::{ExitCode, Failure};

fn main() {
    let cli = Cli::parse();
    let code = match dispatch(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("headwater: {}", failure.message);
            failure.code
        }
    };
    std::process::exit(i32::from(code.0));
}

fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => commands::init::run(&args),
        Command::Completions(args) => Ok(commands::completions::completions(&args)),
        Command::Man(args) => commands::completions::man(&args),
        Command::Help(args) => commands::completions::help(&args),
        Command::Store(args) => commands::store::run(&args),
        Command::DemoService { name } => {
            waited(
                async move { demo::service_main(&name).await.map(|()| ExitCode::OK).map_err(Failure::infrastructure) },
            )
        }
        Command::Demo(args) => waited(async move { commands::demo::run(&args).await }),
        Command::Serve(args) => waited(async move { commands::serve::run(&args).await }),
        Command::View(args) => waited(async move { commands::view::run(&args).await }),
        Command::Eval(args) => waited(async move { commands::eval::run(&args).await }),
        Command::Capture(args) => waited(async move { commands::capture::run(&args).await }),
        Command::Proxy(args) => waited(async move { commands::proxy::run(&args).await }),
        Command::Judge(args) => waited(async move { commands::judge::run(&args).await }),
        Command::Suggest(args) => waited(async move { commands::suggest::run(&args).await }),
        Command::ImportSuite(args) => commands::import_suite::run(&args),
        Command::Trace(args) => waited(async move { commands::trace::run(&args).await }),
        Command::Explain(args) => waited(async move { commands::explain::run(&args).await }),
        Command::Whatif(args) => waited(async move { commands::whatif::run(&args).await }),
        Command::Compare(args) => waited(async move { commands::compare::run(&args).await }),
        Command::Doctor(args) => waited(async move { commands::doctor::run(&args).await }),
        Command::Query(args) => waited(async move { commands::query::run(&args).await }),
        Command::Import(args) => waited(async move { commands::import::run(&args).await }),
        Command::Export(args) => waited(async move { commands::export::run(&args).await }),
    }
}

/// Runs `work` on a runtime of its own.
fn waited(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::infrastructure(format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // What still blocks (a read of standard input) must not keep the process.
    runtime.shutdown_background();
    result
}
