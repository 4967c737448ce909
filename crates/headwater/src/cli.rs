//! The command line: one definition that feeds the parser, `--help`, the shell completions and the man page.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli_explain::{CompareArgs, DoctorArgs, ExplainArgs, WhatIfArgs};
use crate::cli_faults::{ProxyArgs, SweepArgs};
use crate::cli_testing::{CaptureArgs, ImportSuiteArgs, JudgeArgs};

/// Receives, shows, explains, tests and forwards distributed traces of systems made of many services.
#[derive(Parser, Debug)]
#[command(name = "headwater", version, propagate_version = true, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Examples:
  headwater demo                     a real system of eight services, judged by four scenarios, with its page
  headwater init my-evals            a project to start from
  headwater eval                     run the scenarios of ./headwater.yaml
  headwater serve                    the standing server: OTLP in, store, page, API
  headwater trace --last             the newest trace as a tree
  headwater explain --since 1h       what is slow, fails or is done twice
  headwater doctor                   where trace context is lost, and how to mend it
  headwater help query               the query language

Exit codes: 0 pass, 1 failed, 2 usage or configuration, 3 not evaluable, 4 infrastructure, 130 interrupted.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Init(InitArgs),
    Demo(DemoArgs),
    Serve(ServeArgs),
    View(ViewArgs),
    Eval(EvalArgs),
    Capture(CaptureArgs),
    Judge(JudgeArgs),
    Proxy(ProxyArgs),
    ImportSuite(ImportSuiteArgs),
    Suggest(SuggestArgs),
    Trace(TraceArgs),
    Query(QueryArgs),
    Explain(ExplainArgs),
    Whatif(WhatIfArgs),
    Compare(CompareArgs),
    Doctor(DoctorArgs),
    Import(ImportArgs),
    Export(ExportArgs),
    Store(StoreArgs),
    Help(HelpArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    /// One service of the demo (started by `headwater demo`).
    #[command(hide = true)]
    DemoService {
        name: String,
    },
}

/// Write a project that works: suite, scenarios, a README, example services.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater init                     into the current folder
  headwater init my-evals            into a new folder
  headwater init my-evals --force    replace files that are there")]
pub struct InitArgs {
    /// Where to write; made if it is not there.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Which example to write.
    #[arg(long, value_enum, default_value_t = Example::DistributedTracing)]
    pub example: Example,
    /// Replace files that are there already.
    #[arg(long)]
    pub force: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    DistributedTracing,
}

/// Run a real system of eight services, judge four scenarios, show the traces.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater demo                     run, judge, then serve the page until Ctrl-C
  headwater demo --once              run, judge, exit (for CI)
  headwater demo --polyglot          orchestrator in Python, search in Node
  headwater demo --once --sweep 'happy path'   every fault on every call, and how far each reaches

Environment: OPENAI_API_KEY (and OPENAI_BASE_URL) make the LLM a real one, REDIS_URL the cache,
POSTGRES_URL the vector database.")]
pub struct DemoArgs {
    /// Exit after the scenarios, with their exit code.
    #[arg(long)]
    pub once: bool,
    /// Keep nothing: traces go to a temporary folder that is removed at the end.
    #[arg(long)]
    pub temp: bool,
    /// Run the orchestrator in Python (FastAPI) and the search service in Node (Express), with their own SDKs.
    #[arg(long)]
    pub polyglot: bool,
    /// Judge this suite instead of the demo's own.
    #[arg(long, value_name = "FILE")]
    pub suite: Option<PathBuf>,
    /// Also write a report, as `headwater eval` does; may be given several times.
    #[arg(long, num_args = 2, value_names = ["FORMAT", "FILE"], action = clap::ArgAction::Append)]
    pub output: Vec<String>,
    /// Let a service keep its spans this long before it sends them: `llm=5s`; may be given several times.
    #[arg(long, value_name = "SERVICE=DELAY")]
    pub export_delay: Vec<String>,
    /// Switch a service's exporter off; may be given several times.
    #[arg(long, value_name = "SERVICE")]
    pub export_off: Vec<String>,
    /// Switch a deliberate defect on, to see that a suite finds it; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub defect: Vec<String>,
    /// Put a proxy on every call between the services, so that `faults` of a suite can happen; done by itself where the suite has some.
    #[arg(long)]
    pub proxies: bool,
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Print the defects there are, with the services to blame, and exit.
    #[arg(long)]
    pub list_defects: bool,
    #[command(flatten)]
    pub data: DataArg,
    /// Address of the page and API; a free port when this one is taken.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4319")]
    pub page: String,
}

#[derive(Args, Debug, Clone)]
pub struct DataArg {
    /// Folder where traces are kept [default: the platform's folder for application data].
    #[arg(long, value_name = "DIR", env = "HEADWATER_DATA")]
    pub data: Option<PathBuf>,
}

/// Where the stored traces are that a command looks at.
#[derive(Args, Debug)]
pub struct StoredArgs {
    #[command(flatten)]
    pub data: DataArg,
    /// Ask this server.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// Run the standing server: OTLP in, store, page, API.
#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples:
  headwater serve                                        4317 (gRPC), 4318 (HTTP), page on 127.0.0.1:4319
  headwater serve --retain-age 7d --retain-bytes 50GB
  headwater serve --config headwater.yaml                forwarding as configured there
  OTLP_COLLECTOR_ENDPOINT=http://tempo:4318 headwater serve

Every one of the OTLP ports takes both gRPC and HTTP. Another address than loopback needs HEADWATER_TOKEN.")]
pub struct ServeArgs {
    #[command(flatten)]
    pub data: DataArg,
    /// Address for OTLP over gRPC.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317")]
    pub grpc: String,
    /// Address for OTLP over HTTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318")]
    pub http: String,
    /// Address of the page and API.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4319")]
    pub page: String,
    /// Drop traces older than this (`12h`, `7d`).
    #[arg(long, value_name = "AGE")]
    pub retain_age: Option<String>,
    /// Drop the oldest traces when the folder holds more than this (`500MB`, `20GB`).
    #[arg(long, value_name = "BYTES")]
    pub retain_bytes: Option<String>,
    /// Traces that this TraceQL query finds are kept longer: `--keep-query '{ status = error }' --keep-age 30d`.
    #[arg(long, value_name = "TRACEQL", requires = "keep_age")]
    pub keep_query: Option<String>,
    /// How long traces are kept that `--keep-query` finds.
    #[arg(long, value_name = "AGE", requires = "keep_query")]
    pub keep_age: Option<String>,
    /// File with a `forwarding:` section (a suite file will do).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A suite that may be started from the page, judged on what this server receives; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub suite: Vec<PathBuf>,
    /// Token that the page and API ask for; needed for other addresses than loopback.
    #[arg(long, value_name = "TOKEN", env = "HEADWATER_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Open the page on what is stored.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater view
  headwater view 5b8aa5a2d2c872e8321cf37308d69df2
  headwater view --no-open           print the address only")]
pub struct ViewArgs {
    /// A trace to open at once.
    pub trace: Option<String>,
    #[command(flatten)]
    pub data: DataArg,
    /// Address of the page, if no server owns the folder yet; a free port when this one is taken.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4319")]
    pub page: String,
    /// Only print the address.
    #[arg(long)]
    pub no_open: bool,
}

/// Drive a live system through the scenarios of a suite; assert on answers and traces.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater eval                                         the suite in ./headwater.yaml
  headwater eval suite.yaml --filter 'cache hit'
  headwater eval --output junit report.xml --output markdown report.md
  headwater eval --server http://127.0.0.1:4319          traces arrive at a running server
  headwater eval --repeat 10 --concurrency 4
  headwater eval --repeat 10 --baseline baseline.yaml    the first run writes it, later ones compare
  headwater eval --last-failed --explain
  headwater eval --via http://127.0.0.1:4320             `faults` happen at the proxies of a running `headwater proxy`
  headwater eval --sweep 'happy path'                    every fault on every call, and how far each reaches

Exit codes: 0 pass, 1 failed or flaky, 2 usage or configuration, 3 not evaluable, 4 infrastructure, 130 interrupted.")]
pub struct EvalArgs {
    /// The suite file.
    #[arg(default_value = "headwater.yaml")]
    pub suite: PathBuf,
    /// Judge with the traces of this running server instead of an embedded receiver.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Write a report (`-` is standard output); may be given several times. Formats: json, jsonl, junit, markdown, github
    /// (annotations), sarif, html (one file with the waterfalls inside), run (with all traces, for `headwater judge`).
    #[arg(long, num_args = 2, value_names = ["FORMAT", "FILE"], action = clap::ArgAction::Append)]
    pub output: Vec<String>,
    /// Only scenarios whose name contains this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// How often each scenario is run.
    #[arg(long, value_name = "N")]
    pub repeat: Option<u32>,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u32>,
    /// Seed of the order of attempts; over what the suite says.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// A flaky scenario does not fail the run.
    #[arg(long)]
    pub allow_flaky: bool,
    /// Compare structure and latency with this file; the first run writes it. Over the suite's `baseline`.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline anew and say what changed, instead of comparing with it.
    #[arg(long)]
    pub update_baseline: bool,
    /// Drive this one of the suite's `targets` too, in turn with each attempt, and compare with it.
    #[arg(long, value_name = "TARGET")]
    pub against: Option<String>,
    /// Only scenarios that did not pass when this suite last ran with this data folder.
    #[arg(long)]
    pub last_failed: bool,
    /// Only the scenarios that fall to part K of N, told by their names: `2/5`.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<String>,
    /// Send the run on as OTLP too: what is received, the runner's own spans, and scores as `gen_ai.evaluation.result`.
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Say why each trace was judged when it was, and what each assertion saw.
    #[arg(long)]
    pub explain: bool,
    /// Run again whenever the suite or a file that it names changes, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// Let `faults` happen at these proxies: NAME=LISTEN=UPSTREAM starts one, a URL names a running `headwater proxy`; may be
    /// given several times, beside the suite's `proxies`.
    #[arg(long, value_name = "PROXY")]
    pub via: Vec<String>,
    #[command(flatten)]
    pub sweep: SweepArgs,
    /// Leave assertions on traces out and do not wait for traces; a scenario that asserts nothing else is not evaluable.
    #[arg(long)]
    pub no_trace: bool,
    /// Print the JSON Schema of the suite file and exit.
    #[arg(long)]
    pub schema: bool,
    /// Print the JSON Schema of `--output json` and exit; with `--sweep`, that of a sweep's.
    #[arg(long)]
    pub report_schema: bool,
    #[command(flatten)]
    pub data: DataArg,
    /// Keep nothing: traces and run go to a temporary folder.
    #[arg(long)]
    pub temp: bool,
}

/// Write assertions from good traces: what held in all of them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater suggest 5b8aa5a2d2c872e8321cf37308d69df2     from one trace
  headwater suggest 5b8a 9c01 77f2                       what three traces share
  headwater eval --repeat 5 --output json run.json && headwater suggest --report run.json
  headwater suggest --report run.json --into headwater.yaml > stricter.yaml

One trace gives exact counts and generous times; several give ranges, and only what all of them share. With --report,
traces are those of the attempts that passed, scenario by scenario; with --into, the suite with what is suggested added.")]
pub struct SuggestArgs {
    /// The traces: 32 hex digits each, or the first few if they say which.
    #[arg(required_unless_present = "report", conflicts_with = "report")]
    pub traces: Vec<String>,
    /// A report in JSON (`headwater eval --output json FILE`); may be given several times, for runs of different starts.
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "TEXT", requires = "report")]
    pub scenario: Option<String>,
    /// Print this suite with the suggestions added to its scenarios.
    #[arg(long, value_name = "SUITE", requires = "report")]
    pub into: Option<PathBuf>,
    #[command(flatten)]
    pub at: StoredArgs,
}

/// Print a trace as a tree with durations, errors, the critical path and a time bar.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater trace --last
  headwater trace 5b8aa5a2d2c872e8321cf37308d69df2
  headwater trace --last --adjust-clocks                 without the proven offsets of its hosts' clocks
  headwater trace --last --json > trace.json             OTLP JSON")]
pub struct TraceArgs {
    /// The trace's id: 32 hex digits, or the first few if they say which.
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    pub id: Option<String>,
    /// The newest trace.
    #[arg(long)]
    pub last: bool,
    /// Take the proven offsets of its hosts' clocks out of the times, and say what they are. They are estimated from the
    /// calls of all traces within half an hour; what is not proven is not moved.
    #[arg(long)]
    pub adjust_clocks: bool,
    /// Print OTLP JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub at: StoredArgs,
}

/// Find traces with a TraceQL query.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater query '{ status = error }' --since 1h
  headwater query '{ resource.service.name = \"llm\" && duration > 500ms }' --json
  headwater query '{ } | rate() by (resource.service.name)' --csv

`headwater help query` prints the language.")]
pub struct QueryArgs {
    /// The query.
    pub query: String,
    /// Only traces (of a metrics query: spans) that started within this time (`15m`, `24h`, `7d`).
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// How many traces at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Order.
    #[arg(long, value_enum, default_value_t = Sort::Newest)]
    pub sort: Sort,
    /// Of traces, where the last page ended (`nextCursor` of --json).
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// Spans told of each group, where the query has select(…) or by(…).
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub spans: usize,
    /// How long a step of a metrics query is (`15s`, `1m`, `1h`).
    #[arg(long, value_name = "TIME")]
    pub step: Option<String>,
    /// Stop after this time with what was found.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Tell of every trace that the query finds as it arrives, until interrupted.
    #[arg(long, conflicts_with_all = ["since", "cursor", "step"])]
    pub follow: bool,
    /// Print JSON.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV.
    #[arg(long)]
    pub csv: bool,
    #[command(flatten)]
    pub at: StoredArgs,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Newest,
    Oldest,
    Duration,
    Errors,
    Spans,
}

/// Read traces from files: OTLP (JSON, JSON Lines, protobuf), Jaeger JSON, Zipkin v2 JSON; plain, gzip or zstd.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater import traces.jsonl.zst
  headwater import jaeger.json zipkin.json
  curl -s http://jaeger/api/traces/ID | headwater import -")]
pub struct ImportArgs {
    /// Files to read; `-` is standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub data: DataArg,
    /// Send to this server.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// Write traces as OTLP.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater export > all.jsonl
  headwater export --format protobuf --output traces.pb 5b8aa5a2d2c872e8321cf37308d69df2
  headwater export --query '{ status = error }' --since 1h > errors.jsonl")]
pub struct ExportArgs {
    /// Ids of traces; all that match the query when none is given.
    pub ids: Vec<String>,
    /// Only traces that this TraceQL query finds.
    #[arg(long, value_name = "TRACEQL")]
    pub query: Option<String>,
    /// Only traces that started within this time.
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// The format.
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub at: StoredArgs,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One OTLP JSON document.
    Json,
    /// OTLP JSON Lines: one trace a line.
    Jsonl,
    /// One OTLP protobuf message (spans only; log records are counted and named as left out).
    Protobuf,
}

/// Look after the data folder.
#[derive(Args, Debug)]
pub struct StoreArgs {
    #[command(subcommand)]
    pub command: StoreCommand,
}

#[derive(Subcommand, Debug)]
pub enum StoreCommand {
    /// Read everything and report damage.
    Verify {
        #[command(flatten)]
        data: DataArg,
    },
    /// Save what can be read of damaged segments; their files are moved to the folder `damaged`, nothing is deleted.
    Repair {
        #[command(flatten)]
        data: DataArg,
    },
}

/// Show help: `headwater help query` is the query language.
#[derive(Args, Debug)]
pub struct HelpArgs {
    /// A command, or `query`, `suite`.
    pub topic: Option<String>,
}

/// Print a completion script for a shell.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater completions bash > /etc/bash_completion.d/headwater
  headwater completions zsh > ~/.zfunc/_headwater
  headwater completions fish > ~/.config/fish/completions/headwater.fish")]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// Print the man page.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  headwater man | man -l -")]
pub struct ManArgs {
    /// Page of one command.
    pub command: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
