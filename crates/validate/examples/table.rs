//! Prints the table: `cargo run --release -p validate --example table -- ../shared/data [--check] [--speed [--quick]]`.
#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "../shared/data".into());
    let check = std::env::args().any(|argument| argument == "--check");
    let folder = std::path::Path::new(&folder);
    let only_speed = std::env::args().any(|argument| argument == "--speed");
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 1 } else { validate::SPEED_ROUNDS };
    let rows = if only_speed { validate::speed(folder, rounds) } else { validate::validate(folder) };
    println!("{}", validate::table(&rows));
    let missed = rows.iter().filter(|row| !row.met).count();
    if check && missed > 0 {
        println!("{missed} of {} bars missed", rows.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
