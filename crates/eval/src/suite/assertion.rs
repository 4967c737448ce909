//! What a scenario asserts.

use std::fmt;

use model::Text;

use super::{Place, Range, Template};
use crate::JsonPath;

/// An assertion of a scenario.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Where it stands.
    pub place: Place,
    /// Its key: `status`, `spans`, `fault_path`, …
    pub kind: &'static str,
    /// It in one line, as the suite says it.
    pub text: String,
    /// The step whose answer or trace it is about.
    pub step: String,
    /// An empty selection and an unknown key pass.
    pub optional: bool,
    /// Only judged where this selects something.
    pub when: Option<Selector>,
    /// What must hold.
    pub check: Check,
}

/// What must hold.
#[derive(Clone, Debug)]
pub enum Check {
    /// The answer's status is one of these.
    Status(Vec<StatusPattern>),
    /// The code of a gRPC answer is one of these.
    GrpcStatus(Vec<i32>),
    /// A value within the JSON answer.
    Json {
        /// Where.
        path: JsonPath,
        /// What must hold of it.
        tests: Vec<ValueTest>,
    },
    /// The answer as text.
    Body(Vec<ValueTest>),
    /// A header of the answer.
    Header {
        /// Its name, lower case.
        name: String,
        /// What must hold of it.
        tests: Vec<ValueTest>,
    },
    /// The JSON answer meets a JSON Schema.
    JsonSchema(serde_json::Value),
    /// Nanoseconds from sending to the answer.
    Latency(Range),
    /// Which services have spans: all of these.
    Services(Vec<ServicesCheck>),
    /// Who calls whom.
    Edges {
        /// These calls must be there.
        edges: Vec<Edge>,
        /// And no others.
        exactly: bool,
    },
    /// Spans that a selector finds.
    Spans {
        /// The selector.
        selector: Selector,
        /// What must hold of the selection.
        tests: Vec<SpansTest>,
    },
    /// How an error spread.
    FaultPath(FaultPathCheck),
    /// Attempts at one call.
    Retries {
        /// The call.
        edge: Edge,
        /// How many attempts, the first included.
        attempts: Option<Range>,
        /// Whether the gaps between them must grow.
        backoff_growing: bool,
    },
    /// Each selection ends at or before the next one starts.
    Order(Vec<Selector>),
    /// How two selections lie to one another.
    Relation {
        /// Every one of these…
        left: Selector,
        /// …lies so…
        relation: Relation,
        /// …to some of these.
        right: Selector,
    },
    /// The selections overlap in time, each with each.
    Parallel(Vec<Selector>),
    /// A value of one selection reaches another.
    DataFlow {
        /// Where the values come from: selector and field.
        from: (Selector, Template),
        /// Where they must be found: selector and field.
        to: (Selector, Template),
    },
    /// A service's share of the critical path.
    CriticalPath {
        /// The service.
        service: Text,
        /// From 0 to 1.
        share: Range,
    },
    /// What the cache answered.
    Cache {
        /// The service; any if not said.
        service: Option<Text>,
        /// Hit or miss.
        result: CacheResult,
    },
    /// Tokens, cost or time to the first token, over the trace's language-model calls.
    Quantity {
        /// Which.
        quantity: Quantity,
        /// The bounds.
        range: Range,
    },
    /// Log records of the trace.
    Logs(LogsCheck),
    /// What was retrieved.
    Retrieval(RetrievalCheck),
    /// The share of retrieved passages that reached a prompt.
    Handover(Range),
    /// What the answer rests on.
    Grounding(GroundingCheck),
    /// Whether the answer refuses.
    Refusal(bool),
    /// Whether the answer was cut at the limit of tokens.
    Truncated(bool),
    /// How like a text the answer is, by embeddings.
    Similar(SimilarCheck),
    /// What a language model says of the answer.
    Judged(JudgedCheck),
    /// Calls of tools.
    ToolCalls(ToolCallsCheck),
    /// What is found in the traces of all attempts together.
    Findings(FindingsCheck),
    /// An aggregate over all attempts.
    Runs {
        /// One aggregate compared with one number.
        aggregate: Template,
        /// The spans it is over; the answers if none.
        spans: Option<Selector>,
    },
    /// How many attempts must pass.
    PassRate(PassRate),
    /// Faster than another step of the attempt.
    FasterThan {
        /// The other step's name.
        step: String,
        /// By at least this factor.
        by: f64,
    },
}

/// Which log records, and how many of them.
#[derive(Clone, Debug)]
pub struct LogsCheck {
    /// Text in the body or an attribute.
    pub contains: Option<Template>,
    /// Of this service.
    pub service: Option<Text>,
    /// Of this severity: `trace`, `debug`, `info`, `warn`, `error`, `fatal`.
    pub severity: Option<&'static str>,
    /// How many records.
    pub count: Range,
}

/// What must hold of retrieved passages.
#[derive(Clone, Debug, Default)]
pub struct RetrievalCheck {
    /// Ids of the right passages.
    pub gold: Option<super::JsonTemplate>,
    /// Only the first so many count.
    pub k: Option<u32>,
    /// Of the right passages, the share that was found.
    pub recall: Option<Range>,
    /// Of the passages found, the share that is right.
    pub precision: Option<Range>,
    /// One over the rank of the first right passage.
    pub mrr: Option<Range>,
    /// Normalised discounted cumulative gain.
    pub ndcg: Option<Range>,
    /// Passages found more than once.
    pub duplicates: Option<Range>,
    /// Passages found.
    pub count: Option<Range>,
}

/// What an answer must rest on.
#[derive(Clone, Debug, Default)]
pub struct GroundingCheck {
    /// Of its numbers, the share that the model was given.
    pub numbers: Option<Range>,
    /// Of its quotations, the share that the model was given word for word.
    pub quotations: Option<Range>,
    /// Of its citations, the share that names a retrieved passage.
    pub citations: Option<Range>,
}

/// How like a text the answer must be.
#[derive(Clone, Debug)]
pub struct SimilarCheck {
    /// The text.
    pub to: Template,
    /// The part of the answer; all of it if none.
    pub path: Option<JsonPath>,
    /// The cosine of the embeddings.
    pub range: Range,
}

/// What a language model is asked of the answer.
#[derive(Clone, Debug)]
pub struct JudgedCheck {
    /// The criterion.
    pub criterion: Template,
    /// The part of the answer; all of it if none.
    pub path: Option<JsonPath>,
    /// The mean of its scores, from 0 to 1.
    pub range: Range,
    /// How often it is asked.
    pub times: u32,
}

/// What must hold of calls of tools.
#[derive(Clone, Debug, Default)]
pub struct ToolCallsCheck {
    /// Of this tool.
    pub name: Option<Text>,
    /// How many.
    pub count: Option<Range>,
    /// A JSON Schema that their arguments meet.
    pub schema: Option<serde_json::Value>,
}

/// Which findings count, and how many of them there may be.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingsCheck {
    /// Of one of these kinds; of any if empty.
    pub kinds: Vec<analysis::FindingKind>,
    /// On this call.
    pub edge: Option<Edge>,
    /// At this service.
    pub service: Option<Text>,
    /// At least as sure as this.
    pub sure: analysis::Confidence,
    /// Those whose cost, ns, lies in this do not count.
    pub cost: Option<Range>,
    /// Those whose median saving, ns, lies in this do not count.
    pub saving: Option<Range>,
    /// Those whose impact, from 0 to 1, lies in this do not count.
    pub impact: Option<Range>,
    /// Ids that do not count.
    pub suppress: Vec<Text>,
    /// How many.
    pub count: Range,
}

/// How many attempts must pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassRate {
    /// From 0 to 1.
    pub range: Range,
    /// The chance that one of so many attempts passes (pass@k).
    pub any_of: Option<u32>,
    /// The chance that all of so many attempts pass (pass^k).
    pub all_of: Option<u32>,
}

/// `200`, `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPattern {
    /// This one.
    Exactly(i32),
    /// All of one hundred: 2 for `2xx`.
    Hundred(i32),
}

impl StatusPattern {
    /// Whether `status` is meant.
    #[must_use]
    pub fn matches(self, status: i32) -> bool {
        match self {
            Self::Exactly(exactly) => status == exactly,
            Self::Hundred(hundred) => status / 100 == hundred,
        }
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Hundred(hundred) => write!(f, "{hundred}xx"),
        }
    }
}

/// What must hold of one value.
#[derive(Clone, Debug)]
pub enum ValueTest {
    /// It is this.
    Equals(super::JsonTemplate),
    /// It is not this.
    NotEquals(super::JsonTemplate),
    /// Text that holds this, or a list with this item.
    Contains(super::JsonTemplate),
    /// The contrary.
    NotContains(super::JsonTemplate),
    /// Text in which this is found.
    Matches(regex::Regex),
    /// Text in which this is not found.
    NotMatches(regex::Regex),
    /// It is there, or not.
    Exists(bool),
    /// A number within bounds.
    Number(Range),
    /// Text, list or map of this length.
    Length(Range),
    /// `string`, `number`, `boolean`, `array`, `object`, `null`.
    Type(String),
}

/// Which services have spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServicesCheck {
    /// All that the suite's `services` names.
    All,
    /// At least these.
    Include(Vec<Text>),
    /// Exactly these.
    Exactly(Vec<Text>),
    /// None of these.
    Exclude(Vec<Text>),
}

/// A call from one service to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// Who calls.
    pub caller: Text,
    /// Who answers.
    pub callee: Text,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.caller, self.callee)
    }
}

/// A TraceQL selector, checked when the file was read.
#[derive(Clone, Debug)]
pub struct Selector {
    /// Its text, possibly with `{{variables}}`.
    pub template: Template,
    /// Where it stands.
    pub place: Place,
}

/// What must hold of a selection.
#[derive(Clone, Debug)]
pub enum SpansTest {
    /// How many there are.
    Count(Range),
    /// Every one meets this field expression.
    Each(Template),
    /// At least one does.
    Any(Template),
    /// Not one does.
    None(Template),
    /// This aggregate holds over the selection.
    Where(Template),
}

/// How an error spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPathCheck {
    /// There is no error span at all.
    None,
    /// There is one, like this.
    Some {
        /// Where it began.
        origin: Option<FaultOrigin>,
        /// Its kind.
        kind: Option<ErrorKind>,
        /// The outermost service that answered with an error.
        reaches: Option<Text>,
        /// Whether a caller handled it, so that it stopped before the root.
        handled: Option<bool>,
    },
}

/// Where an error began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultOrigin {
    /// In a service: its own server or internal span erred first.
    Service(Text),
    /// On a call: the caller erred while no server span did.
    Edge(Edge),
}

/// What kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// DEADLINE_EXCEEDED, `error.type` timeout, 408, 504, or a server span outliving its client.
    Timeout,
    /// The connection was refused or lost.
    Refused,
    /// Anything else.
    Error,
}

/// How two selections lie to one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Left ends at or before right starts.
    Before,
    /// Left starts at or after right ends.
    After,
    /// They share some time.
    Overlaps,
    /// Left lies inside right in time.
    Within,
    /// Left is a direct child of right.
    Child,
    /// Left lies below right in the tree.
    Descendant,
    /// Left and right are of one service.
    SameService,
    /// Left carries a link to right.
    Linked,
}

impl Relation {
    /// Every relation with its key in the file.
    pub const ALL: [(&'static str, Self); 8] = [
        ("before", Self::Before),
        ("after", Self::After),
        ("overlaps", Self::Overlaps),
        ("within", Self::Within),
        ("child_of", Self::Child),
        ("descendant_of", Self::Descendant),
        ("same_service_as", Self::SameService),
        ("linked_to", Self::Linked),
    ];
}

/// What a cache answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheResult {
    /// It had it.
    Hit,
    /// It had not.
    Miss,
}

/// A sum over the trace's language-model calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Input and output tokens together.
    Tokens,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// US dollars, from cost attributes.
    Cost,
    /// Nanoseconds to the first token, the longest of all calls.
    TimeToFirstToken,
}
