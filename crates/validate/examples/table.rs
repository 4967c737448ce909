//! Prints the table: `cargo run --release -p validate --example table -- ../shared/data [--check]`.
#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "../shared/data".into());
    let check = std::env::args().any(|argument| argument == "--check");
    let rows = validate::validate(std::path::Path::new(&folder));
    println!("{}", validate::table(&rows));
    let missed = rows.iter().filter(|row| !row.met).count();
    if check && missed > 0 {
        println!("{missed} of {} bars missed", rows.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
