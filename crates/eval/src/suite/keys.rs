//! The one table of keys of a suite file: the reader accepts these and no others, hints come from it, and the JSON Schema
//! is printed from it.

/// A key of a map.
pub(crate) struct Key {
    pub name: &'static str,
    /// For people, in the schema and thereby in editors.
    pub about: &'static str,
    pub shape: Shape,
    pub required: bool,
}

/// What may stand under a key.
pub(crate) enum Shape {
    Text,
    Bool,
    Count,
    /// `200ms`, `5s`.
    Duration,
    /// `3`, `2..5`, `>= 2`, possibly with a unit.
    Range,
    /// Anything.
    Json,
    /// A TraceQL selector, field expression or aggregate.
    TraceQl,
    /// `caller -> callee`.
    Edge,
    /// One of these words.
    Word(&'static [&'static str]),
    List(&'static Shape),
    Map(&'static [Key]),
    /// Keys of the user's own.
    MapOf(&'static Shape),
    OneOf(&'static [Shape]),
    /// The list of assertions.
    Assertions,
}

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape, required: false }
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, shape, required: true }
}

pub(crate) const SUITE: &[Key] = &[
    required("suite", Shape::Text, "Name of the suite."),
    key("target", Shape::OneOf(&[Shape::Map(TARGET)]), "What is driven."),
    key(
        "targets",
        Shape::MapOf(&Shape::Map(TARGET)),
        "Several targets by name; a scenario says which, the first is the default.",
    ),
    key("receive", Shape::Map(RECEIVE), "Where the embedded receiver listens."),
    key("server", Shape::Text, "A running Headwater server that receives the spans, instead of `receive`."),
    key("services", Shape::List(&Shape::Text), "Who exists: feeds completeness; asserted only where a scenario asks."),
    key("vars", Shape::MapOf(&Shape::Json), "Variables of all scenarios."),
    key("complete", Shape::Map(COMPLETE), "When to stop waiting for a trace."),
    key("run", Shape::Map(RUN), "How the scenarios are run."),
    key("models", Shape::Map(MODELS), "Models that answer `judged` and `similar`; nothing else needs any."),
    key("baseline", Shape::Map(BASELINE), "What runs are compared with: a file to be reviewed like code."),
    key("proxies", Shape::List(&Shape::Map(PROXY)), "Proxies that the run starts on calls, for `faults`."),
    key(
        "forwarding",
        Shape::OneOf(&[Shape::Map(FORWARDING), Shape::List(&Shape::Map(FORWARDING))]),
        "Where received telemetry is sent on to: one destination or a list.",
    ),
    key(
        "setup",
        Shape::List(&Shape::Map(HOOK)),
        "Done once before all scenarios; what it fails at is an error of infrastructure, and nothing is driven.",
    ),
    key("teardown", Shape::List(&Shape::Map(HOOK)), "Done once after all scenarios, whatever came of them."),
    required("scenarios", Shape::List(&Shape::Map(SCENARIO)), "The scenarios."),
];

pub(crate) const TARGET: &[Key] = &[
    key("http", Shape::Map(HTTP), "Send an HTTP request."),
    key("grpc", Shape::Map(GRPC), "Make a unary gRPC call."),
    key("exec", Shape::Map(EXEC), "Run a command; it gets TRACEPARENT in its environment."),
    key("trace", Shape::Text, "Send nothing: judge the stored trace with this id."),
    key("traces", Shape::Map(TRACES), "Send nothing: judge every stored trace that a query finds."),
];

pub(crate) const TRACES: &[Key] = &[
    required("query", Shape::TraceQl, "TraceQL: the traces with such a span."),
    key("since", Shape::Duration, "Only traces that started within this time, such as 24h."),
    key("limit", Shape::Count, "How many at most, the newest first; 20 if not said."),
];

pub(crate) const HTTP: &[Key] = &[
    required("url", Shape::Text, "Where to; ${VAR} and {{variable}} are put in."),
    key("method", Shape::Text, "GET, POST, …; POST when there is a body, else GET."),
    key("headers", Shape::MapOf(&Shape::Text), "Headers to send."),
    key("json", Shape::Json, "The body as JSON; texts at any depth may hold {{variables}}."),
    key("body", Shape::Text, "The body as text."),
    key("timeout", Shape::Duration, "How long to wait for the answer; 30s if not said."),
];

pub(crate) const GRPC: &[Key] = &[
    required("address", Shape::Text, "Where to: `host:port`, `http://host:port`, or `https://host:port` for TLS."),
    required("method", Shape::Text, "The method in full, such as `shop.v1.Orders/Place`."),
    key("json", Shape::Json, "The request message as JSON; texts at any depth may hold {{variables}}."),
    key("metadata", Shape::MapOf(&Shape::Text), "Metadata to send."),
    key(
        "proto",
        Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]),
        "Files that define the service, from the suite's folder; server reflection is asked if not said.",
    ),
    key("timeout", Shape::Duration, "The deadline; 30s if not said."),
];

pub(crate) const EXEC: &[Key] = &[
    required("command", Shape::List(&Shape::Text), "Program and arguments."),
    key("env", Shape::MapOf(&Shape::Text), "Added to the environment."),
    key("stdin", Shape::Text, "Written to its standard input."),
    key("timeout", Shape::Duration, "How long it may run; 30s if not said."),
];

pub(crate) const RECEIVE: &[Key] = &[
    key("grpc", Shape::Text, "Address for OTLP over gRPC, such as 127.0.0.1:4317."),
    key("http", Shape::Text, "Address for OTLP over HTTP, such as 127.0.0.1:4318."),
];

pub(crate) const COMPLETE: &[Key] = &[
    key("deadline", Shape::Duration, "The longest wait after the answer; 15s if not said."),
    key(
        "quiet",
        Shape::Duration,
        "The quiet period after the last arrival; derived from what exporters were seen to do if not said.",
    ),
];

pub(crate) const RUN: &[Key] = &[
    key("repeat", Shape::Count, "Judged attempts of each scenario; 1 if not said."),
    key("warmup", Shape::Count, "Attempts of each scenario that are sent first and not judged; 0 if not said."),
    key("concurrency", Shape::Count, "Attempts that run at once; 4 if not said."),
    key("seed", Shape::Count, "Seed of the order of attempts; the order of the file if not said."),
    key(
        "against",
        Shape::Text,
        "One of `targets`: every attempt drives it too, in turn before and after, and structure and latency are compared with its.",
    ),
];

pub(crate) const MODELS: &[Key] =
    &[key("judge", Shape::Map(MODEL), "Judges answers."), key("embeddings", Shape::Map(MODEL), "Makes embeddings.")];

pub(crate) const MODEL: &[Key] = &[
    required("url", Shape::Text, "An OpenAI-compatible endpoint, such as https://api.openai.com/v1."),
    required("model", Shape::Text, "The model's name."),
    key("key", Shape::Text, "The key it asks for: `${OPENAI_API_KEY}`; never in a report."),
    key("timeout", Shape::Duration, "How long to wait for an answer; 60s if not said."),
];

pub(crate) const BASELINE: &[Key] = &[
    key("file", Shape::Text, "Where it is kept, from the suite's folder; `--baseline FILE` says so too."),
    key("tolerance", Shape::Text, "How much longer a median may become: `25%` if not said."),
    key(
        "limit",
        Shape::Text,
        "So many times as long is a regression however few attempts there are: `3x` if not said.",
    ),
];

pub(crate) const TOLERANCE: &[Key] = &[
    key("tolerance", Shape::Text, "How much longer a median may become."),
    key("limit", Shape::Text, "So many times as long is a regression however few attempts there are."),
];

pub(crate) const FORWARDING: &[Key] = &[
    key("name", Shape::Text, "A name for people."),
    key("enabled", Shape::Bool, "Whether it is on; true if not said."),
    required("endpoint", Shape::Text, "The OTLP endpoint, such as http://tempo:4318."),
    key(
        "protocol",
        Shape::Word(&["grpc", "http/protobuf", "http/json"]),
        "The protocol; if not said, grpc for port 4317, else http/protobuf.",
    ),
    key("headers", Shape::MapOf(&Shape::Text), "Headers to send; ${VAR} is put in."),
    key("filter", Shape::TraceQl, "TraceQL: only spans that match are sent on, and no log records."),
    key("certificate", Shape::Text, "For https: a PEM file with the certificates to trust instead of the system's."),
    key("client_certificate", Shape::Text, "For https: a PEM file that shows who we are; needs `client_key`."),
    key("client_key", Shape::Text, "For https: the PEM file with the private key of `client_certificate`."),
];

pub(crate) const SCENARIO: &[Key] = &[
    required("name", Shape::Text, "Its name, unique in the suite."),
    key(
        "target",
        Shape::OneOf(&[Shape::Text, Shape::Map(TARGET)]),
        "Name of one of `targets`, or a target of its own.",
    ),
    key("vars", Shape::MapOf(&Shape::Json), "Variables; used as {{name}}."),
    key(
        "data",
        Shape::OneOf(&[Shape::Text, Shape::List(&Shape::MapOf(&Shape::Json)), Shape::Map(DATA)]),
        "A case for each row of a table, its columns being variables: rows, or the name of a file beside the suite.",
    ),
    key(
        "setup",
        Shape::List(&Shape::Map(STEP)),
        "Steps before; each has its own trace, judged only where an assertion names it.",
    ),
    key("outputs", Shape::MapOf(OUTPUT), "Variables for assertions, from the main step: as `outputs` of a step."),
    key("teardown", Shape::List(&Shape::Map(HOOK)), "Done after each attempt, whatever came of it; Ctrl-C included."),
    key(
        "fault",
        Shape::OneOf(&[Shape::Map(FAULT), Shape::List(&Shape::Map(FAULT))]),
        "What goes wrong in the system during the main step; only services that read it from baggage do it (the demo's).",
    ),
    key(
        "faults",
        Shape::OneOf(&[Shape::Map(INJECTION), Shape::List(&Shape::Map(INJECTION))]),
        "What goes wrong on calls during the main step, by proxies: any system will do.",
    ),
    key("complete", Shape::Map(COMPLETE), "Overrides the suite's `complete`."),
    key("repeat", Shape::Count, "Overrides `run.repeat`."),
    key("baseline", Shape::Map(TOLERANCE), "Overrides the suite's `baseline`."),
    required("assert", Shape::Assertions, "What must hold."),
];

pub(crate) const DATA: &[Key] = &[
    key("file", Shape::Text, "A CSV (`.csv`) or JSON Lines (`.jsonl`) file, from the suite's folder."),
    key("rows", Shape::List(&Shape::MapOf(&Shape::Json)), "The rows themselves, instead of `file`."),
    key("case", Shape::Text, "What a case is called, such as `{{country}}`; its number if not said."),
];

pub(crate) const STEP: &[Key] = &[
    key(
        "send",
        Shape::OneOf(&[Shape::Word(&["same"]), Shape::Text, Shape::Map(TARGET)]),
        "`same` as the main step, the name of a target, or a target.",
    ),
    key("name", Shape::Text, "A name for assertions; `setup[0]`, `setup[1]`, … if not said."),
    key("vars", Shape::MapOf(&Shape::Json), "Variables of this step."),
    key("http", Shape::Map(HTTP), "Instead of `send`, a hook: a request that must be answered with 2xx."),
    key("exec", Shape::Map(EXEC), "Instead of `send`, a hook: a command that must end with 0."),
    key("capture", Shape::Text, "The variable that gets the whole answer, or what a command wrote, as text."),
    key(
        "outputs",
        Shape::MapOf(OUTPUT),
        "Variables for later steps and assertions: a JSONPath into the answer, or `spans` and `field`.",
    ),
];

/// Where a variable's value comes from.
const OUTPUT: &Shape = &Shape::OneOf(&[Shape::Text, Shape::Map(FIELD_OF)]);

pub(crate) const HOOK: &[Key] = &[
    key("http", Shape::Map(HTTP), "A request that must be answered with 2xx."),
    key("exec", Shape::Map(EXEC), "A command that must end with 0."),
    key("name", Shape::Text, "A name for reports."),
    key("vars", Shape::MapOf(&Shape::Json), "Variables of this hook."),
    key("capture", Shape::Text, "The variable that gets the whole answer, or what a command wrote, as text."),
    key("outputs", Shape::MapOf(&Shape::Text), "Variables for what comes after: name and JSONPath into the answer."),
];

pub(crate) const FAULT: &[Key] = &[
    required("edge", Shape::Edge, "The call it happens on."),
    key("status", Shape::Count, "The callee answers with this HTTP status."),
    key("delay", Shape::Duration, "The callee waits this long before it does its work."),
    key("times", Shape::Count, "Only the first so many requests."),
];

pub(crate) const PROXY: &[Key] = &[
    required("edge", Shape::Edge, "The call it stands on; `* -> callee` where several callers share it."),
    required("listen", Shape::Text, "Where the caller is to call: 127.0.0.1:9104, or a port."),
    required("upstream", Shape::Text, "Where the callee is: http://127.0.0.1:8004, or https."),
    key(
        "variable",
        Shape::Text,
        "The caller's variable for the callee's address, such as LLM_URL; the run says how to start it.",
    ),
];

pub(crate) const INJECTION: &[Key] = &[
    required("edge", Shape::Edge, "The call it happens on; a proxy must stand there."),
    key("delay", Shape::Duration, "The request waits so long."),
    key("jitter", Shape::Duration, "And up to so long more, by `run.seed`."),
    key("bandwidth", Shape::Text, "The answer's body comes with so many bytes a second: `2KB`."),
    key(
        "status",
        Shape::Count,
        "It is answered with this status and not sent on; gRPC by the status that stands for it.",
    ),
    key("body", Shape::Json, "The body of that answer: text, or JSON."),
    key("grpc_status", Shape::Count, "The number of the gRPC status, over the one that `status` stands for."),
    key(
        "drop",
        Shape::OneOf(&[Shape::Word(&["request", "answer"]), Shape::Count]),
        "The connection is dropped: before the callee sees the `request`, after its work (`answer`), or after so many bytes of the answer.",
    ),
    key("truncate", Shape::Count, "The answer ends after so many bytes, as if that were all."),
    key(
        "strip",
        Shape::OneOf(&[Shape::Text, Shape::List(&Shape::Text)]),
        "The request loses these headers, such as traceparent.",
    ),
    key("share", Shape::Text, "Only this share of the requests, `20%`, by `run.seed`."),
    key("times", Shape::Count, "Only the first so many requests."),
    key("attempt", Shape::Count, "Only this request, counted from 1."),
    key("may_miss", Shape::Bool, "It may hit no request; else the scenario is then not evaluable."),
];

/// Keys that may stand beside any assertion.
pub(crate) const COMMON: &[Key] = &[
    key("optional", Shape::Bool, "An empty selection and an unknown key pass instead of being not evaluable."),
    key("when", Shape::TraceQl, "Only judged where this selects something."),
    key("step", Shape::Text, "The step whose answer or trace it is about; the main one if not said."),
];

/// A kind of assertion: its key, what may stand under it, and what may stand beside it.
pub(crate) struct Kind {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    pub beside: &'static [Key],
}

const fn kind(name: &'static str, shape: Shape, beside: &'static [Key], about: &'static str) -> Kind {
    Kind { name, about, shape, beside }
}

/// The codes of gRPC, by number.
pub(crate) const GRPC_CODES: &[&str] = &[
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

const SELECTORS: Shape = Shape::List(&Shape::TraceQl);

pub(crate) const KINDS: &[Kind] = &[
    kind(
        "status",
        Shape::OneOf(&[Shape::Count, Shape::Text, Shape::List(&Shape::OneOf(&[Shape::Count, Shape::Text]))]),
        &[],
        "The answer's status (exit code of a command): 200, 2xx, or a list.",
    ),
    kind(
        "grpc_status",
        Shape::OneOf(&[Shape::Word(GRPC_CODES), Shape::Count, Shape::List(&Shape::Word(GRPC_CODES))]),
        &[],
        "The status of a gRPC answer: `OK`, `NOT_FOUND`, its number, or a list.",
    ),
    kind("json", Shape::Map(JSON_TESTS), &[], "A value within the JSON answer."),
    kind(
        "text",
        Shape::OneOf(&[Shape::Text, Shape::Map(VALUE_TESTS)]),
        &[],
        "The answer as text: what it contains, or tests.",
    ),
    kind(
        "body",
        Shape::OneOf(&[Shape::Text, Shape::Map(VALUE_TESTS)]),
        &[],
        "The answer as text: what it equals, or tests.",
    ),
    kind("regex", Shape::Text, &[], "A regular expression found in the answer."),
    kind("header", Shape::Map(HEADER_TESTS), &[], "A header of the answer."),
    kind("json_schema", Shape::Json, &[], "The JSON answer meets this JSON Schema."),
    kind("latency", Shape::Range, &[], "Time to the answer: `2s` means at most, `100ms..2s` a range."),
    kind(
        "services",
        Shape::OneOf(&[Shape::Word(&["all"]), Shape::List(&Shape::Text), Shape::Map(SERVICE_TESTS)]),
        SERVICES_BESIDE,
        "Services that have spans: `all` that the suite names, at least these, or tests.",
    ),
    kind("edges", Shape::List(&Shape::Edge), EDGES_BESIDE, "Calls between services: at least these."),
    kind("spans", Shape::TraceQl, SPAN_TESTS, "Spans that a TraceQL selector finds."),
    kind(
        "fault_path",
        Shape::OneOf(&[Shape::Word(&["none"]), Shape::Map(FAULT_PATH)]),
        &[],
        "How an error spread, or that there was none.",
    ),
    kind("retries", Shape::Map(RETRIES), &[], "Attempts at one call."),
    kind("order", SELECTORS, &[], "Each selection ends at or before the next one starts."),
    kind("parallel", SELECTORS, &[], "Each selection overlaps each other one in time."),
    kind("relation", Shape::Map(RELATION), &[], "How every span of one selection lies to another selection."),
    kind("data_flow", Shape::Map(DATA_FLOW), &[], "A value of one selection reaches another."),
    kind("critical_path", Shape::Map(CRITICAL_PATH), &[], "A service's share of the critical path."),
    kind("cache", Shape::Map(CACHE), &[], "What the cache answered."),
    kind(
        "tokens",
        Shape::OneOf(&[Shape::Range, Shape::Map(TOKENS)]),
        &[],
        "Tokens of all language-model calls: a number means at most.",
    ),
    kind(
        "cost",
        Shape::Range,
        &[],
        "US dollars of all language-model calls, from cost attributes: a number means at most.",
    ),
    kind("time_to_first_token", Shape::Range, &[], "The longest time to the first token: `500ms` means at most."),
    kind("logs", Shape::Map(LOGS), &[], "Log records of the trace, at least one of them if `count` is not said."),
    kind("retrieval", Shape::Map(RETRIEVAL), &[], "Passages that were retrieved, against those that are right."),
    kind("handover", Shape::Range, &[], "Of the retrieved passages, the share that reached a prompt: `100%`."),
    kind("grounding", Shape::Map(GROUNDING), &[], "What the answer rests on; a number means at least."),
    kind("refusal", Shape::Bool, &[], "Whether the answer refuses to answer."),
    kind("truncated", Shape::Bool, &[], "Whether a language model's answer was cut at its limit of tokens."),
    kind("similar", Shape::Map(SIMILAR), &[], "How like a text the answer is, by embeddings of `models.embeddings`."),
    kind("judged", Shape::Map(JUDGED), &[], "What `models.judge` says of the answer, asked several times."),
    kind("tool_calls", Shape::Map(TOOL_CALLS), &[], "Calls of tools, at least one of them if `count` is not said."),
    kind("faster_than", Shape::Text, FASTER_BESIDE, "Faster than another step of the attempt."),
    kind(
        "findings",
        Shape::Map(FINDINGS),
        &[],
        "What `headwater explain` finds in the traces of all attempts together: none of these.",
    ),
    kind(
        "runs",
        Shape::TraceQl,
        RUNS_BESIDE,
        "An aggregate over all attempts together, `p95(duration) < 500ms`: of the times to the answer, or of the spans that `of` selects.",
    ),
    kind(
        "pass_rate",
        Shape::Range,
        PASS_RATE_BESIDE,
        "How many attempts must pass: `>= 90%`. Attempts that fail then make the scenario neither failed nor flaky.",
    ),
];

pub(crate) const VALUE_TESTS: &[Key] = &[
    key("equals", Shape::Json, "It is this."),
    key("not_equals", Shape::Json, "It is not this."),
    key("contains", Shape::Json, "Text that holds this, or a list with this item."),
    key("not_contains", Shape::Json, "The contrary."),
    key("matches", Shape::Text, "A regular expression found in it."),
    key("not_matches", Shape::Text, "A regular expression not found in it."),
    key("exists", Shape::Bool, "Whether it is there."),
    key("number", Shape::Range, "A number within bounds: `>= 2`, `2..5`."),
    key("length", Shape::Range, "Length of a text, list or map."),
    key("type", Shape::Word(&["string", "number", "boolean", "array", "object", "null"]), "Its JSON type."),
];

pub(crate) const JSON_TESTS: &[Key] = &[
    required("path", Shape::Text, "JSONPath to the value."),
    key("equals", Shape::Json, "It is this."),
    key("not_equals", Shape::Json, "It is not this."),
    key("contains", Shape::Json, "Text that holds this, or a list with this item."),
    key("not_contains", Shape::Json, "The contrary."),
    key("matches", Shape::Text, "A regular expression found in it."),
    key("not_matches", Shape::Text, "A regular expression not found in it."),
    key("exists", Shape::Bool, "Whether it is there."),
    key("number", Shape::Range, "A number within bounds: `>= 2`, `2..5`."),
    key("length", Shape::Range, "Length of a text, list or map."),
    key("type", Shape::Word(&["string", "number", "boolean", "array", "object", "null"]), "Its JSON type."),
];

pub(crate) const HEADER_TESTS: &[Key] = &[
    required("name", Shape::Text, "The header's name."),
    key("equals", Shape::Json, "It is this."),
    key("not_equals", Shape::Json, "It is not this."),
    key("contains", Shape::Json, "It holds this."),
    key("not_contains", Shape::Json, "The contrary."),
    key("matches", Shape::Text, "A regular expression found in it."),
    key("not_matches", Shape::Text, "A regular expression not found in it."),
    key("exists", Shape::Bool, "Whether it is there."),
];

pub(crate) const SERVICE_TESTS: &[Key] = &[
    key("include", Shape::List(&Shape::Text), "At least these."),
    key("exactly", Shape::List(&Shape::Text), "These and no others."),
    key("exclude", Shape::List(&Shape::Text), "None of these."),
];

pub(crate) const SERVICES_BESIDE: &[Key] = &[key("exactly", Shape::Bool, "And no others.")];
pub(crate) const EDGES_BESIDE: &[Key] = &[key("exactly", Shape::Bool, "And no others.")];
pub(crate) const FASTER_BESIDE: &[Key] =
    &[key("by", Shape::Text, "By at least this factor, such as `1.2x`; 1x if not said.")];

pub(crate) const SPAN_TESTS: &[Key] = &[
    key("count", Shape::Range, "How many: a number, `>= 2`, `2..5` (both ends included)."),
    key("each", Shape::TraceQl, "A field expression that every selected span meets."),
    key("any", Shape::TraceQl, "A field expression that some selected span meets."),
    key("none", Shape::TraceQl, "A field expression that no selected span meets."),
    key("where", Shape::TraceQl, "An aggregate over the selection, such as `max(duration) < 4s`."),
];

pub(crate) const FAULT_PATH: &[Key] = &[
    key("origin", Shape::OneOf(&[Shape::Text, Shape::Edge]), "The service or the call (`a -> b`) it began in."),
    key("kind", Shape::Word(&["timeout", "refused", "error"]), "What kind of error."),
    key("reaches", Shape::Text, "The outermost service that answered with an error."),
    key("handled", Shape::Bool, "Whether a caller handled it, so that it stopped before the root."),
];

pub(crate) const RETRIES: &[Key] = &[
    required("edge", Shape::Edge, "The call."),
    key("attempts", Shape::Range, "How many, the first included."),
    key("backoff", Shape::Word(&["growing"]), "The gaps between attempts grow; needs at least three attempts."),
];

pub(crate) const RELATION: &[Key] = &[
    required("spans", Shape::TraceQl, "Every one of these…"),
    key("before", Shape::TraceQl, "…ends at or before some of these start."),
    key("after", Shape::TraceQl, "…starts at or after some of these end."),
    key("overlaps", Shape::TraceQl, "…shares some time with some of these."),
    key("within", Shape::TraceQl, "…lies inside some of these in time."),
    key("child_of", Shape::TraceQl, "…is a direct child of some of these."),
    key("descendant_of", Shape::TraceQl, "…lies below some of these in the tree."),
    key("same_service_as", Shape::TraceQl, "…is of the service of some of these."),
    key("linked_to", Shape::TraceQl, "…carries a link to some of these."),
];

pub(crate) const FIELD_OF: &[Key] = &[
    required("spans", Shape::TraceQl, "The selector."),
    required("field", Shape::TraceQl, "The field, such as `span.gen_ai.retrieval.documents`."),
];

pub(crate) const DATA_FLOW: &[Key] = &[
    required("from", Shape::Map(FIELD_OF), "Where the values come from."),
    required("to", Shape::Map(FIELD_OF), "Where they must be found."),
];

pub(crate) const CRITICAL_PATH: &[Key] =
    &[required("service", Shape::Text, "The service."), required("share", Shape::Range, "Its share: `5%..95%`.")];

pub(crate) const CACHE: &[Key] = &[
    key("service", Shape::Text, "The service; any if not said."),
    required("result", Shape::Word(&["hit", "miss"]), "What it answered."),
];

pub(crate) const TOKENS: &[Key] = &[
    key("total", Shape::Range, "Input and output together."),
    key("input", Shape::Range, "Input."),
    key("output", Shape::Range, "Output."),
];

pub(crate) const LOGS: &[Key] = &[
    key("contains", Shape::Text, "Text in the record's body or attributes."),
    key("service", Shape::Text, "The service that wrote it."),
    key("severity", Shape::Word(&SEVERITIES), "Its severity."),
    key("count", Shape::Range, "How many such records; at least one if not said."),
];

pub(crate) const RETRIEVAL: &[Key] = &[
    key("gold", Shape::Json, "Ids of the right passages: a list, one id, or a {{variable}}."),
    key("k", Shape::Count, "Only the first so many passages count; all of them if not said."),
    key("recall", Shape::Range, "Of the right passages, the share that was found: `80%` means at least."),
    key("precision", Shape::Range, "Of the passages found, the share that is right."),
    key("mrr", Shape::Range, "One over the rank of the first right passage."),
    key("ndcg", Shape::Range, "Normalised discounted cumulative gain, each right passage counting 1."),
    key("duplicates", Shape::Range, "Passages that were found more than once."),
    key("count", Shape::Range, "Passages that were found."),
];

pub(crate) const GROUNDING: &[Key] = &[
    key("numbers", Shape::Range, "Of the answer's numbers, the share that stands in what the model was given."),
    key(
        "quotations",
        Shape::Range,
        "Of its quotations of three words or more, the share that stands there word for word.",
    ),
    key("citations", Shape::Range, "Of its citations, `[id]`, the share that names a retrieved passage."),
];

pub(crate) const SIMILAR: &[Key] = &[
    required("to", Shape::Text, "The text."),
    key("path", Shape::Text, "JSONPath to the part of the answer that is meant; all of it if not said."),
    key("score", Shape::Range, "The cosine: `80%`, which is what is asked if nothing is said, means at least."),
];

pub(crate) const JUDGED: &[Key] = &[
    required("criterion", Shape::Text, "What the answer must meet, in a sentence."),
    key("path", Shape::Text, "JSONPath to the part of the answer that is meant; all of it if not said."),
    key(
        "score",
        Shape::Range,
        "The mean of its scores: `70%`, which is what is asked if nothing is said, means at least.",
    ),
    key("times", Shape::Count, "How often it is asked; 3 if not said. Its disagreement is told."),
];

pub(crate) const TOOL_CALLS: &[Key] = &[
    key("name", Shape::Text, "The tool; any if not said."),
    key("count", Shape::Range, "How many calls."),
    key("schema", Shape::Json, "A JSON Schema that the arguments of every call meet."),
];

pub(crate) const FINDINGS: &[Key] = &[
    key(
        "kind",
        Shape::OneOf(&[Shape::Word(&FINDING_KINDS), Shape::List(&Shape::Word(&FINDING_KINDS))]),
        "Of this kind, or one of these; any if not said.",
    ),
    key("edge", Shape::Edge, "On this call."),
    key("service", Shape::Text, "At this service, or on its calls."),
    key("sure", Shape::Word(&["evidence", "hint", "cannot-tell"]), "At least as sure as this; `hint` if not said."),
    key("cost", Shape::Range, "What one may cost a trace, median: `50ms` means at most; those within it do not count."),
    key("saving", Shape::Range, "What one may leave to be saved a trace, median; those within it do not count."),
    key(
        "impact",
        Shape::Range,
        "The share of the time, or of the traces, that one may have; those within it do not count.",
    ),
    key("suppress", Shape::List(&Shape::Text), "Ids of findings that do not count."),
    key("count", Shape::Range, "How many there are; none if not said."),
];

/// Kinds of findings, as `headwater explain` names them.
pub(crate) const FINDING_KINDS: [&str; analysis::FindingKind::ALL.len()] = {
    let mut names = [""; analysis::FindingKind::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = analysis::FindingKind::ALL[at].name();
        at += 1;
    }
    names
};

/// Severities of log records, by OTLP's ranges of four numbers.
pub(crate) const SEVERITIES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

pub(crate) const RUNS_BESIDE: &[Key] =
    &[key("of", Shape::TraceQl, "The spans, of every attempt, that the aggregate is over.")];

pub(crate) const PASS_RATE_BESIDE: &[Key] = &[
    key("any_of", Shape::Count, "The chance that at least one of so many attempts passes (pass@k)."),
    key("all_of", Shape::Count, "The chance that all of so many attempts pass (pass^k)."),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of keys under a shape, those within them included.
    fn tables(shape: &Shape, found: &mut Vec<&'static [Key]>) {
        match shape {
            Shape::List(inner) | Shape::MapOf(inner) => tables(inner, found),
            Shape::OneOf(shapes) => shapes.iter().for_each(|shape| tables(shape, found)),
            Shape::Map(keys) => {
                found.push(*keys);
                keys.iter().for_each(|key| tables(&key.shape, found));
            }
            Shape::Assertions => {
                found.push(COMMON);
                for kind in KINDS {
                    tables(&kind.shape, found);
                    found.push(kind.beside);
                }
            }
            Shape::Text
            | Shape::Bool
            | Shape::Count
            | Shape::Duration
            | Shape::Range
            | Shape::Json
            | Shape::TraceQl
            | Shape::Edge
            | Shape::Word(_) => {}
        }
    }

    /// A table as the manual has it, all of its rows and no others.
    fn markdown<'a>(head: &str, rows: impl Iterator<Item = (&'a str, bool, &'a str)>) -> String {
        let rows: String = rows
            .map(|(name, required, about)| {
                format!("| `{name}`{} | {about} |\n", if required { " (required)" } else { "" })
            })
            .collect();
        format!("\n\n{head}\n| --- | --- |\n{rows}\n")
    }

    #[test]
    fn every_key_stands_in_the_manual() {
        let manual = include_str!("../../../../docs/suite.md");
        let mut found = Vec::new();
        tables(&Shape::Map(SUITE), &mut found);
        for keys in found.into_iter().filter(|keys| !keys.is_empty()) {
            let table = markdown("| key | meaning |", keys.iter().map(|key| (key.name, key.required, key.about)));
            assert!(manual.contains(&table), "docs/suite.md lacks this table: {table}");
        }
        let kinds = KINDS.iter().map(|kind| (kind.name, false, kind.about));
        let table = markdown("| assertion | what must hold |", kinds);
        assert!(manual.contains(&table), "docs/suite.md lacks this table: {table}");
    }
}
