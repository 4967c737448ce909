//! Prints the table: `cargo run --release -p validate --example table -- ../shared/data`.
#![expect(clippy::print_stdout, reason = "an example that prints")]

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "../shared/data".into());
    println!("{}", validate::table(&validate::validate(std::path::Path::new(&folder))));
}
