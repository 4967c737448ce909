//! Benches: each prints one table, figure beside bar.

mod demo;
mod driven;
mod eval;
mod mutation;
mod store;
mod what_if;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::process;

/// The benches there are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Name {
    /// Spans per second of processor time that the analyses take, a trace of depth 20,000, memory under hostile names.
    Analysis,
    /// Start, memory, size of the binary, and what trace assertions cost.
    Demo,
    /// What assertions on traces cost a run, and what a run of large traces holds in memory.
    Eval,
    /// Deliberate defects of the demo, caught by its suite and what `headwater suggest` wrote from clean traces.
    Mutation,
    /// What `headwater whatif` predicts, beside what is measured after the change.
    WhatIf,
    /// What taking, keeping and finding spans costs; 10 million of them.
    Store,
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

impl Figure {
    /// A figure that must not be below its bar, if it has one.
    pub fn at_least(what: &'static str, figure: f64, bar: Option<f64>, unit: &str) -> Self {
        let met = bar.is_none_or(|bar| figure >= bar);
        let bar = bar.map_or_else(|| "-".to_owned(), |bar| format!(">= {} {unit}", rounded(bar)));
        Self { what, figure: format!("{} {unit}", rounded(figure)), bar, met }
    }

    /// A figure that must not be above its bar, if it has one.
    pub fn at_most(what: &'static str, figure: f64, bar: Option<f64>, unit: &str) -> Self {
        let met = bar.is_none_or(|bar| figure <= bar);
        let bar = bar.map_or_else(|| "-".to_owned(), |bar| format!("<= {} {unit}", rounded(bar)));
        Self { what, figure: format!("{} {unit}", rounded(figure)), bar, met }
    }
}

/// Three digits are all that a measurement says.
fn rounded(number: f64) -> String {
    match number.abs() {
        ..1.0 => format!("{number:.3}"),
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// How a bench is run.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// At most a minute, with bars of its own.
    #[arg(long)]
    quick: bool,
    /// Exit non-zero where a bar is missed.
    #[arg(long)]
    check: bool,
    /// `store` only: keep the loaded data in this folder; where it holds a load already, only the questions are asked.
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
}

pub fn run(name: Name, options: &Options) -> Result<(), String> {
    let &Options { quick, check, .. } = options;

    let figures = match name {
        Name::Analysis => return analysis(quick, check),
        Name::Demo => demo::measure(quick)?,
        Name::Eval => eval::measure(quick)?,
        Name::Mutation => mutation::measure(quick)?,
        Name::WhatIf => what_if::measure(quick)?,
        // Whoever sends must be quick too.
        Name::Store if cfg!(debug_assertions) => return optimised("store", options),
        Name::Store => store::measure(quick, options.folder.as_deref())?,
    };
    println!("\n{:<64} {:>16} {:>16}", "what", "figure", "bar");
    for figure in &figures {
        let mark = if figure.met { "" } else { "   MISSED" };
        println!("{:<64} {:>16} {:>16}{mark}", figure.what, figure.figure, figure.bar);
    }
    let missed = figures.iter().filter(|figure| !figure.met).count();
    if check && missed > 0 { Err(format!("{missed} of {} bars missed", figures.len())) } else { Ok(()) }
}

/// The rows of `validate` that are speeds; on recorded traces where they are there.
fn analysis(quick: bool, check: bool) -> Result<(), String> {
    let mut arguments = vec!["run", "--release", "--quiet", "--package", "validate", "--example", "table", "--"];
    arguments.extend(["../shared/data", "--speed"]);
    arguments.extend(quick.then_some("--quick"));
    arguments.extend(check.then_some("--check"));
    process::run(&process::root(), "cargo", &arguments)
}

/// The same bench once more, from an optimised build of this program.
fn optimised(name: &str, options: &Options) -> Result<(), String> {
    let mut arguments = vec!["run", "--release", "--quiet", "--package", "xtask", "--", "bench", name];
    arguments.extend(options.quick.then_some("--quick"));
    arguments.extend(options.check.then_some("--check"));
    let folder = options.folder.as_deref().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.into()));
    let folder = folder.as_ref().map(|folder| folder.display().to_string());
    arguments.extend(folder.iter().flat_map(|folder| ["--folder", folder]));
    process::run(&process::root(), "cargo", &arguments)
}
