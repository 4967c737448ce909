//! The command line of what surrounds `headwater eval`: capturing, judging again, suites of others.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{DataArg, StoredArgs};

/// Run any test command with a receiver around it; judge the traces it made.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater capture -- pytest -q                              keep the traces of a test run; exit as pytest does
  headwater capture --suite traces.yaml -- npm test           and judge every trace with the scenarios of a suite
  headwater capture --temp --suite traces.yaml --output junit traces.xml -- go test ./...

The command gets OTEL_EXPORTER_OTLP_ENDPOINT (both protocols are taken there) and what else an SDK reads, unless it is
set already, and HEADWATER_SERVER, the address of the page. A scenario of the suite is judged on every captured trace,
one with `target: { traces: { query: … } }` on those that the query finds.

Exit codes: that of the command when it is not 0; else that of the suite as `headwater eval` has it.")]
pub struct CaptureArgs {
    /// The command and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<std::ffi::OsString>,
    /// Judge the captured traces with the scenarios of this suite.
    #[arg(long, value_name = "FILE")]
    pub suite: Option<PathBuf>,
    /// Only scenarios whose name contains this; may be given several times.
    #[arg(long, value_name = "TEXT", requires = "suite")]
    pub filter: Vec<String>,
    /// Write a report; may be given several times. Formats as of `headwater eval`.
    #[arg(long, num_args = 2, value_names = ["FORMAT", "FILE"], action = clap::ArgAction::Append, requires = "suite")]
    pub output: Vec<String>,
    /// How long nothing may arrive after the command has ended, before the traces are taken for whole.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub settle: String,
    /// Address for OTLP (gRPC and HTTP on one port); a free one if not said.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub receive: String,
    #[command(flatten)]
    pub data: DataArg,
    /// Keep nothing: traces go to a temporary folder that is removed at the end.
    #[arg(long)]
    pub temp: bool,
}

/// Judge what is stored, without driving anything: a run again, or any traces.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater judge last                                       the newest run, with the suite as it is now
  headwater judge 1f2e3d4c5b6a7988 --suite stricter.yaml
  headwater judge run.jsonl                                  what `headwater eval --output run run.jsonl` wrote
  headwater judge --query '{ name = \"POST /v1/ask\" }' --since 1h --suite production.yaml
  headwater judge --trace 5b8aa5a2d2c872e8321cf37308d69df2

Of a run, status and time of answers are judged again; what was asserted on bodies and headers, which are not kept,
keeps its result. Exit codes as of `headwater eval`.")]
pub struct JudgeArgs {
    /// A stored run's id (the first digits will do), `last`, or a file written with `--output run`.
    #[arg(required_unless_present_any = ["query", "trace"], conflicts_with_all = ["query", "trace"])]
    pub run: Option<String>,
    /// Judge the traces that this TraceQL query finds.
    #[arg(long, value_name = "TRACEQL")]
    pub query: Option<String>,
    /// Only traces that started within this time.
    #[arg(long, value_name = "AGE", requires = "query")]
    pub since: Option<String>,
    /// How many traces at most, the newest first.
    #[arg(long, value_name = "N", requires = "query", default_value_t = eval::limits::STORED_TRACES)]
    pub limit: u32,
    /// Judge this trace; may be given several times.
    #[arg(long, value_name = "ID")]
    pub trace: Vec<String>,
    /// The suite that judges.
    #[arg(long, value_name = "FILE", default_value = "headwater.yaml")]
    pub suite: PathBuf,
    /// Only scenarios whose name contains this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Write a report; may be given several times. Formats as of `headwater eval`.
    #[arg(long, num_args = 2, value_names = ["FORMAT", "FILE"], action = clap::ArgAction::Append)]
    pub output: Vec<String>,
    /// A flaky scenario does not fail.
    #[arg(long)]
    pub allow_flaky: bool,
    #[command(flatten)]
    pub at: StoredArgs,
}

/// Make a suite of a Tracetest test or a promptfoo configuration; what cannot be carried over is listed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater import-suite promptfooconfig.yaml -o headwater.yaml
  headwater import-suite tracetest/suite.yaml > headwater.yaml

Of Tracetest: HTTP, GraphQL and trace-id triggers, selectors, specs, outputs, test suites. Of promptfoo: HTTP and exec
targets, prompts, tests (YAML, JSON, CSV), assertions on text that need no model, `trace-*` and `trajectory:*`.")]
pub struct ImportSuiteArgs {
    /// The file; files that it names are read beside it.
    pub file: PathBuf,
    /// Write the suite to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long)]
    pub force: bool,
}
