//! Benches: each prints one table, figure beside bar.

mod demo;
mod eval;
mod mutation;
mod what_if;

use clap::ValueEnum;

/// The benches there are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Name {
    /// Start, memory, size of the binary, and what trace assertions cost.
    Demo,
    /// What assertions on traces cost a run, and what a run of large traces holds in memory.
    Eval,
    /// Deliberate defects of the demo, caught by its suite and what `headwater suggest` wrote from clean traces.
    Mutation,
    /// What `headwater whatif` predicts, beside what is measured after the change.
    WhatIf,
}

/// One line of a bench's table.
pub struct Figure {
    /// What was measured.
    pub what: &'static str,
    /// The measured number with its unit.
    pub figure: String,
    /// The bar with its unit.
    pub bar: String,
    /// Whether the bar is met.
    pub met: bool,
}

pub fn run(name: Name, quick: bool, check: bool) -> Result<(), String> {
    let figures = match name {
        Name::Demo => demo::measure(quick)?,
        Name::Eval => eval::measure(quick)?,
        Name::Mutation => mutation::measure(quick)?,
        Name::WhatIf => what_if::measure(quick)?,
    };
    println!("\n{:<64} {:>16} {:>16}", "what", "figure", "bar");
    for figure in &figures {
        let mark = if figure.met { "" } else { "   MISSED" };
        println!("{:<64} {:>16} {:>16}{mark}", figure.what, figure.figure, figure.bar);
    }
    let missed = figures.iter().filter(|figure| !figure.met).count();
    if check && missed > 0 { Err(format!("{missed} of {} bars missed", figures.len())) } else { Ok(()) }
}
