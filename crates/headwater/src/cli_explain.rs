//! The command line of the analyses: explain, whatif, compare, doctor.

use clap::Args;

use crate::cli::StoredArgs;

/// What all of them share: how long, and where.
#[derive(Args, Debug)]
pub struct AnalysisArgs {
    /// End after this long with what there is, and say so.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub timeout: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: StoredArgs,
}

/// Which traces.
#[derive(Args, Debug)]
pub struct SelectionArgs {
    /// Only traces that this TraceQL query finds; all when there is none.
    pub query: Option<String>,
    /// One trace: its id, or the first digits if they say which.
    #[arg(long, value_name = "ID", conflicts_with_all = ["query", "run"])]
    pub trace: Option<String>,
    /// The traces of an evaluation's run: its id, or `last`.
    #[arg(long, value_name = "RUN", conflicts_with = "query")]
    pub run: Option<String>,
    /// Only traces that started within this time (`15m`, `24h`, `7d`).
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// How many traces at most, the newest first.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub limit: u32,
}

/// Say what is slow, what fails and what is done twice, and what a change would save.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater explain                                          everything that is stored
  headwater explain '{ resource.service.name = \"llm\" }' --since 1h
  headwater explain --trace 5b8aa5a2d2c872e8321cf37308d69df2
  headwater explain --run last --markdown > findings.md
  headwater explain --suppress bottleneck-9f3c1a2b4d5e6f70

One trace gives a hint, fifty give evidence: each finding says how sure it is, and what could not be told is listed.
Exit codes: 0 looked, 1 there is no such trace, 2 usage.")]
pub struct ExplainArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How many findings.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Leave out the finding with this id; may be given several times.
    #[arg(long, value_name = "ID")]
    pub suppress: Vec<String>,
    /// Print Markdown.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// Predict how long requests would take after changes, from the traces there are.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater whatif --parallel 'POST /v1/verify,POST /v1/answer'
  headwater whatif '{ resource.service.name = \"gateway\" }' --cache 'rag:POST /v1/generate' --since 1h
  headwater whatif --speed-up llm=2x --drop-retries           two changes: each alone, and both together

An operation is a span's name (or what stands behind its last slash), SERVICE:NAME, or a service: its outermost
spans. Calls keep waiting for what they waited for; contention is not modelled, so a saving is an upper bound.")]
pub struct WhatIfArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// These operations run side by side where they meet below one span; of one operation, its repetitions.
    #[arg(long, value_name = "OP,OP")]
    pub parallel: Vec<String>,
    /// Calls of this operation are answered at once: all, or this share of them (`0.8`).
    #[arg(long, value_name = "OP[=SHARE]")]
    pub cache: Vec<String>,
    /// This operation is so many times as fast.
    #[arg(long, value_name = "OP=FACTOR")]
    pub speed_up: Vec<String>,
    /// Attempts that failed and were tried again do not happen, nor do the pauses after them.
    #[arg(long)]
    pub drop_retries: bool,
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// Hold two traces, queries, runs or time windows against each other.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater compare 5b8aa5a2d2c872e8 0af7651916cd43dd        two traces (first digits will do)
  headwater compare run:1f2e3d4c run:last                    two runs of an evaluation
  headwater compare 48h..24h 24h..                           yesterday's traces, today's
  headwater compare '{ resource.service.version = \"1.4\" }' '{ resource.service.version = \"1.5\" }'

What comes first is taken as normal. A side is a trace's id, `run:ID`, a TraceQL query, or FROM..UNTIL: ages or
times such as 2026-11-24T08:00:00Z.")]
pub struct CompareArgs {
    /// What is normal.
    #[arg(value_name = "BEFORE")]
    pub before: String,
    /// What is held against it.
    #[arg(value_name = "AFTER")]
    pub after: String,
    /// Of both sides, only traces that this TraceQL query finds (for time windows).
    #[arg(long, value_name = "TRACEQL")]
    pub query: Option<String>,
    /// Of queries, only traces that started within this time.
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// How many traces of each side at most, the newest first.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub limit: u32,
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}

/// Find out where the trace context is lost, whose spans are missing and which clocks are off, and how to mend it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater doctor                                           the receiver, and all stored traces
  headwater doctor --since 15m
  headwater doctor --trace 5b8aa5a2d2c872e8321cf37308d69df2
  headwater doctor --server http://127.0.0.1:4319

Exit codes: 0 nothing is broken, 1 something is, 2 usage, 3 nothing arrived, 4 no server answers.")]
pub struct DoctorArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub analysis: AnalysisArgs,
}
