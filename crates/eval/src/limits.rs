//! Every bound of this crate, each with its reason.

/// Bytes of a suite file. A thousand scenarios are about 1 MB; a data table belongs into a file of its own.
pub const SUITE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Nesting of a suite file; request bodies written by hand are rarely deeper than ten.
pub const SUITE_DEPTH_MAX: usize = 64;
/// Nodes of a suite file after aliases are written out: keeps a few lines of aliases of aliases from filling memory.
pub const SUITE_NODES_MAX: usize = 1_000_000;
/// Problems told of one suite file; a person mends the first ones and runs again.
pub const PROBLEMS_MAX: usize = 100;
/// Scenarios of one suite, data tables multiplied out.
pub const SCENARIOS_MAX: usize = 100_000;
/// Repeats and warm-ups of one scenario.
pub const REPEAT_MAX: u32 = 10_000;
/// Attempts that run at once; each holds a connection and its traces.
pub const CONCURRENCY_MAX: u32 = 1_024;
/// Steps of one scenario, set-up included.
pub const STEPS_MAX: usize = 100;

/// Stored traces that a scenario judges when its query names no limit.
pub const STORED_TRACES: u32 = 20;
/// Stored traces that a scenario judges at most: each is an attempt with its report.
pub const STORED_TRACES_MAX: u32 = 10_000;

/// Bytes of the `.proto` files of one target, imports included.
pub const PROTO_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a gRPC server may take to be reached.
pub const CONNECT_TIMEOUT: model::Duration = model::Duration::from_secs(10);
/// How long a server's reflection may take; it is asked once, before the first call.
pub const REFLECTION_TIMEOUT: model::Duration = model::Duration::from_secs(10);
/// Files that a server's reflection tells of one service, imports included.
pub const REFLECTED_FILES_MAX: usize = 1_000;

/// Bytes of an answer that are kept; a longer one is cut and its being cut is said.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of what a command wrote that are kept.
pub const COMMAND_OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of the end of what a command wrote to its standard error, for the message that it failed.
pub const COMMAND_ERRORS_BYTES_MAX: usize = 600;

/// Spans of one watched trace; what comes beyond is counted and makes the trace not whole.
pub const TRACE_SPANS_MAX: usize = 1_000_000;
/// Log records of one watched trace.
pub const TRACE_LOGS_MAX: usize = 1_000_000;
/// Spans of traces that are unpacked at once to be judged (0.5 to 1 KB each); what goes beyond waits packed.
pub const UNPACKED_SPANS_MAX: usize = 50_000;
/// Spans of all watched traces together (about 1 KB each).
pub const WATCHED_SPANS_MAX: usize = 4_000_000;

/// Kinds of spans, and of calls, that a baseline keeps of one scenario.
pub const PROFILE_SPANS_MAX: usize = 2_000;
/// Kinds of spans whose times a baseline keeps of one scenario.
pub const PROFILE_TIMES_MAX: usize = 200;
/// How long a model is waited for if the suite does not say.
pub const MODEL_TIMEOUT: model::Duration = model::Duration::from_secs(60);
/// How often a judge may be asked about one answer.
pub const JUDGE_TIMES_MAX: u32 = 100;
/// Passages read from one trace, or one list of them.
pub const RAG_PASSAGES_MAX: usize = 10_000;
/// Bytes of one attribute that is read as a prompt, an answer or documents.
pub const RAG_TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// pass@k and pass^k are told up to this k.
pub const PASS_AT_MAX: usize = 10;

/// Run events that wait for the reports to fold them.
pub const RUN_EVENTS_WAITING_MAX: usize = 1_024;
/// Characters of a secret from which on it is hidden: shorter ones would hide ordinary text, and are told instead.
pub const SECRET_CHARS_MIN: usize = 4;
/// Resources of a trace that are remembered without their secrets, the latest.
pub const RESOURCES_REMEMBERED_MAX: usize = 64;
/// Evidence spans named by one assertion; the count of the rest is said.
pub const EVIDENCE_MAX: usize = 10;
/// Characters of an expected or found text in a report.
pub const TEXT_CHARS_MAX: usize = 600;
/// Reasons that a completeness names.
pub const REASONS_MAX: usize = 12;

/// Results of a SARIF file; code scanning takes 25,000 and shows 5,000.
pub const SARIF_RESULTS_MAX: usize = 5_000;

/// Scenarios made of somebody else's suite: tests times prompts times targets.
pub const BROUGHT_SCENARIOS_MAX: usize = 10_000;
/// Files that somebody else's suite may name.
pub const BROUGHT_FILES_MAX: usize = 1_000;
/// Rows of a table of data; each is a scenario.
pub const TABLE_ROWS_MAX: usize = 100_000;
/// Bytes of a file with a table of data.
pub const TABLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Characters of a case's name that are kept: it stands in a line of every report.
pub const CASE_NAME_CHARS_MAX: usize = 120;
/// Columns of a table of data.
pub const TABLE_COLUMNS_MAX: usize = 1_000;
/// The last place in a list that a schema taken over from another suite speaks of; one beyond it never holds.
pub const PLACES_MAX: usize = 1_000;

/// Services whose export interval is remembered.
pub const LEARNED_SERVICES_MAX: usize = 2_000;
/// Calls whose other side is remembered.
pub const LEARNED_CALLS_MAX: usize = 10_000;
/// Export delays remembered of one service.
pub const LEARNED_DELAYS_MAX: usize = 32;
/// Assertions suggested from traces: more is not read by anybody.
pub const SUGGESTED_MAX: usize = 200;
