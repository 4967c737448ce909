//! A suite: what is driven, what runs, what is asserted. Read from a file by [`Suite::read`], which tells every mistake
//! at once.
//!
//! | file | what |
//! | --- | --- |
//! | `yaml.rs` | YAML whose nodes know their places |
//! | `problem.rs` | [`Problem`], [`SuiteError`]: mistakes with place, label and hint |
//! | `keys.rs` | the one table of keys: what the reader accepts and the schema publishes |
//! | `schema.rs` | the JSON Schema of the file, from that table |
//! | `fields.rs` | reading values of a map, with its problems |
//! | `read.rs`, `read_target.rs`, `read_grpc.rs`, `read_data.rs`, `read_proxy.rs`, `read_assertion.rs` | the file, from the outside inwards |
//! | `assertion.rs` | [`Assertion`] and its kinds |
//! | `template.rs` | `{{variables}}` and `${VARIABLES}` |
//! | `units.rs` | durations, shares, factors, ranges |
//! | `nearest.rs` | what a person who mistyped a word meant |

use std::net::SocketAddr;

use model::{Duration, Text, TraceId};

mod assertion;
mod fields;
mod keys;
mod nearest;
mod problem;
mod read;
mod read_assertion;
mod read_data;
mod read_grpc;
mod read_proxy;
mod read_target;
mod schema;
mod template;
mod units;
pub(crate) mod yaml;

pub use assertion::{
    Assertion, CacheResult, Check, Edge, ErrorKind, FaultOrigin, FaultPathCheck, FindingsCheck, GroundingCheck,
    JudgedCheck, LogsCheck, PassRate, Quantity, Relation, RetrievalCheck, Selector, ServicesCheck, SimilarCheck,
    SpansTest, StatusPattern, ToolCallsCheck, ValueTest,
};
pub(crate) use keys::GRPC_CODES;
pub(crate) use nearest::{listed, nearest};
pub use problem::{OtherFile, Place, Problem, SuiteError};
pub use read::SuiteInput;
pub(crate) use read::scenario_places;
pub(crate) use read_grpc::method_of;
pub use schema::json_schema;
pub(crate) use template::plain;
pub use template::{JsonTemplate, Template, Undefined, Variables};
pub use units::Range;
pub(crate) use units::percent;
pub(crate) use yaml::{Entry, Node, parse as parse_yaml};

/// A suite, as read and checked.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The file as it was named.
    pub file: String,
    /// Files that it names: tables of data, `.proto` files; paths from the suite's folder.
    pub named_files: Vec<String>,
    /// SHA-256 of the file's text, hex.
    pub configuration_hash: String,
    /// What can be driven, by name; the first is the default.
    pub targets: Vec<(String, Target)>,
    /// Where spans come in.
    pub receive: Receive,
    /// Variables of all scenarios.
    pub variables: Variables,
    /// Who exists: feeds completeness, asserted only where a scenario asks.
    pub services: Vec<Text>,
    /// When to stop waiting for a trace.
    pub complete: Complete,
    /// How the scenarios are run.
    pub run: RunSettings,
    /// Where received telemetry is sent on to.
    pub forwarding: Vec<Forwarding>,
    /// Models that answer assertions.
    pub models: Models,
    /// The baseline's file, as the suite names it.
    pub baseline: Option<String>,
    /// The target that every scenario is compared with, by name.
    pub against: Option<String>,
    /// Values of the environment that are sent: no report has them.
    pub secrets: crate::Secrets,
    /// Those of them that are too short to be hidden, by name.
    pub too_short: std::collections::BTreeSet<String>,
    /// What is done once before all scenarios; they are driven only if it succeeds.
    pub setup: Vec<Step>,
    /// What is done once after all scenarios, whatever came of them.
    pub teardown: Vec<Step>,
    /// Proxies that the run starts, for the faults of its scenarios.
    pub proxies: Vec<ProxySpec>,
    /// The scenarios, in the order of the file.
    pub scenarios: Vec<Scenario>,
}

/// A proxy to be started on an edge; whoever starts the run does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySpec {
    /// The edge: `caller -> callee`.
    pub edge: String,
    /// Where it listens.
    pub listen: String,
    /// Whom it calls.
    pub upstream: String,
    /// The variable by which the caller is told where its callee is.
    pub variable: Option<String>,
}

/// A fault that a proxy lets happen during the main step.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// What goes wrong, and with which requests.
    pub rule: fault::Rule,
    /// Whether it is fine that it hits no request.
    pub may_miss: bool,
    /// Where it stands.
    pub place: Place,
}

/// Models that answer assertions; none need be named.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// Judges answers.
    pub judge: Option<Model>,
    /// Makes embeddings.
    pub embeddings: Option<Model>,
}

/// A model behind an OpenAI-compatible endpoint.
#[derive(Clone)]
pub struct Model {
    /// Up to and including the version: `https://api.openai.com/v1`.
    pub url: String,
    /// Its name.
    pub model: String,
    /// The key, if it needs one.
    pub key: Option<String>,
    /// How long to wait for an answer.
    pub timeout: Duration,
}

impl std::fmt::Debug for Model {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}

/// What is driven.
#[derive(Clone, Debug)]
pub enum Target {
    /// One HTTP request.
    Http(HttpTarget),
    /// One gRPC call.
    Grpc(GrpcTarget),
    /// One command, run to its end with `TRACEPARENT` in its environment.
    Exec(ExecTarget),
    /// Nothing is sent: the stored trace with this id is judged.
    Trace(Template),
    /// Nothing is sent: each stored trace that a query finds is judged.
    Traces(TracesTarget),
}

/// Stored traces to judge. Whoever owns the store runs the query before the suite is planned.
#[derive(Clone, Debug, Default)]
pub struct TracesTarget {
    /// TraceQL; empty where the traces were named outright.
    pub query: String,
    /// Only traces that started within this time.
    pub since: Option<Duration>,
    /// How many at most.
    pub limit: u32,
    /// What the query found, the newest first: one attempt each.
    pub found: Vec<TraceId>,
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    /// Where to.
    pub url: Template,
    /// `GET`, `POST`, …
    pub method: http::Method,
    /// Headers, in the order written.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// What to send.
    pub body: Option<Body>,
    /// How long to wait for the answer.
    pub timeout: Duration,
}

/// A unary gRPC call.
#[derive(Clone, Debug)]
pub struct GrpcTarget {
    /// Where to: `http://host:port`, `https://host:port`, or `host:port`.
    pub address: Template,
    /// The full name of the service, `shop.v1.Orders`.
    pub service: String,
    /// The method, `Place`.
    pub method: String,
    /// The request message as JSON.
    pub request: JsonTemplate,
    /// Sent beside it, in the order written.
    pub metadata: Vec<(String, Template)>,
    /// What `.proto` files say of the service; asked of the server by reflection if none.
    pub descriptors: Option<prost_reflect::DescriptorPool>,
    /// The deadline.
    pub timeout: Duration,
}

/// What a request carries.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON, with its content type.
    Json(JsonTemplate),
    /// Text as it is.
    Text(Template),
}

/// A command to run.
#[derive(Clone, Debug)]
pub struct ExecTarget {
    /// Program and arguments.
    pub command: Vec<Template>,
    /// Added to the environment.
    pub env: Vec<(String, Template)>,
    /// What is written to its standard input.
    pub stdin: Option<Template>,
    /// How long it may run.
    pub timeout: Duration,
}

/// Where spans come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receive {
    /// A receiver of the run's own.
    Embedded {
        /// OTLP over gRPC; none to leave to the host.
        grpc: Option<SocketAddr>,
        /// OTLP over HTTP; none to leave to the host.
        http: Option<SocketAddr>,
    },
    /// A running server.
    Server {
        /// Its address.
        url: String,
    },
}

/// When to stop waiting for a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complete {
    /// The longest wait after the answer.
    pub deadline: Duration,
    /// The quiet period after the last arrival; derived from what exporters were seen to do if not said.
    pub quiet: Option<Duration>,
}

impl Default for Complete {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(15), quiet: None }
    }
}

/// How the scenarios are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// Judged attempts of each scenario.
    pub repeat: u32,
    /// Attempts of each scenario that are sent and not judged, before all others; without faults.
    pub warmup: u32,
    /// Attempts that run at once.
    pub concurrency: u32,
    /// Seed of the order of attempts; the order of the file if none.
    pub seed: Option<u64>,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self { repeat: 1, warmup: 0, concurrency: 4, seed: None }
    }
}

/// Where received telemetry is sent on to; the host hands this to its forwarder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// A name for people; `forward-1` and so on where none was given.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// The OTLP endpoint.
    pub endpoint: String,
    /// `grpc`, `http/protobuf` or `http/json`; if not said, the sender tells it from the port.
    pub protocol: Option<String>,
    /// Headers to send.
    pub headers: Vec<(String, String)>,
    /// TraceQL: only spans that match.
    pub filter: Option<String>,
    /// A PEM file with the certificates to trust.
    pub certificate: Option<String>,
    /// A PEM file with our own certificate.
    pub client_certificate: Option<String>,
    /// The PEM file with its key.
    pub client_key: Option<String>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, unique in the suite.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its variables, the suite's `vars` beneath.
    pub variables: Variables,
    /// Set-up steps, then the main step, which is judged.
    pub steps: Vec<Step>,
    /// What is done after each attempt, whatever came of it.
    pub teardown: Vec<Step>,
    /// What goes wrong in the system during the main step.
    pub faults: Vec<Fault>,
    /// What goes wrong on its calls during the main step, by proxies.
    pub injections: Vec<Injection>,
    /// Its own `complete`, or the suite's.
    pub complete: Complete,
    /// Its own `repeat`, or the run's.
    pub repeat: u32,
    /// How much its times may differ from the baseline's.
    pub tolerance: crate::baseline::Tolerance,
    /// What must hold.
    pub assertions: Vec<Assertion>,
}

impl Suite {
    /// The queries for stored traces whose answers have to be put in before the suite is planned.
    pub fn stored_queries(&mut self) -> impl Iterator<Item = &mut TracesTarget> {
        self.scenarios.iter_mut().flat_map(|scenario| &mut scenario.steps).filter_map(|step| match &mut step.target {
            Target::Traces(traces) => Some(traces),
            _ => None,
        })
    }

    /// Judges these stored traces with every scenario, whatever it would drive: set-up, faults and repeats fall away. Of
    /// a scenario that asks for the traces of a query, those of both are judged.
    pub fn judge_only(&mut self, traces: &[TraceId]) {
        for scenario in &mut self.scenarios {
            let mut found = traces.to_vec();
            if let Some(Step { target: Target::Traces(own), .. }) = scenario.steps.last() {
                found.retain(|id| own.found.contains(id));
            }
            let target = Target::Traces(TracesTarget { found, ..TracesTarget::default() });
            (scenario.steps, scenario.faults) = (vec![Step::main(target)], Vec::new());
            scenario.injections = Vec::new();
            scenario.teardown = Vec::new();
        }
        (self.setup, self.teardown) = (Vec::new(), Vec::new());
    }
}

impl Target {
    /// Whether nothing is sent: the trace is there already.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Trace(_) | Self::Traces(_))
    }
}

impl Scenario {
    /// How many stored traces it judges, one attempt each; none if it drives something or names one trace.
    #[must_use]
    pub fn stored_traces(&self) -> Option<usize> {
        match &self.steps.last()?.target {
            Target::Traces(traces) => Some(traces.found.len()),
            _ => None,
        }
    }
}

/// One request of a scenario.
#[derive(Clone, Debug)]
pub struct Step {
    /// `setup[0]`, `main`, or the name it was given.
    pub name: String,
    /// What is sent.
    pub target: Target,
    /// Variables of this step, above the scenario's.
    pub variables: Variables,
    /// Variables that later steps and assertions get from its answer or its trace.
    pub outputs: Vec<(String, Output)>,
    /// The variable that gets the whole answer, as text without the blanks at its end.
    pub capture: Option<String>,
    /// A hook: it has to succeed, and nothing is asserted on its trace.
    pub is_hook: bool,
}

impl Step {
    /// The main step.
    pub(crate) fn main(target: Target) -> Self {
        let (variables, outputs) = (Variables::new(), Vec::new());
        Self { name: MAIN_STEP.to_owned(), target, variables, outputs, capture: None, is_hook: false }
    }

    /// The variables that it sets.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|(name, _)| name).chain(&self.capture).map(String::as_str)
    }
}

/// Where a variable's value comes from.
#[derive(Clone, Debug)]
pub enum Output {
    /// The first value that a JSONPath finds in the answer.
    Answer(crate::JsonPath),
    /// A field of the first span, by start, that carries it, of those that a selector finds in the step's trace.
    Span(SpanOutput),
}

/// A field of a span.
#[derive(Clone, Debug)]
pub struct SpanOutput {
    /// Which spans.
    pub spans: Selector,
    /// The field, such as `span.order.id`.
    pub field: Template,
}

/// The name of the step that is judged.
pub const MAIN_STEP: &str = "main";

/// Something that goes wrong on an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The call it happens on.
    pub edge: Edge,
    /// The callee answers with this HTTP status.
    pub status: Option<u16>,
    /// The callee waits this long before it does its work.
    pub delay: Option<Duration>,
    /// Only the first so many requests; all of them if not said.
    pub times: Option<u32>,
}
