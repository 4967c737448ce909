//! A result for people: what, where, how often, what it costs, what would be saved, how sure, what to do next.

use model::{Duration, SpanId, Text, TraceId};

use crate::limits::{EVIDENCE_MAX, EVIDENCE_SPANS_MAX};

/// One result over many traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stays the same from run to run for the same thing at the same place, so that it can be suppressed.
    pub id: Text,
    /// What it is.
    pub kind: FindingKind,
    /// A headline without figures.
    pub title: String,
    /// Where it is.
    pub place: Place,
    /// One or two sentences with the figures.
    pub what: String,
    /// In how many traces, of how many.
    pub traces: (u64, u64),
    /// Some of the traces that show it, the most telling first; at most [`EVIDENCE_MAX`].
    pub evidence: Vec<Evidence>,
    /// What it costs in the traces that have it: time on the critical path, median; zero where it is not about time.
    pub cost: Duration,
    /// What would be saved in the traces that have it; none where it is not about time.
    pub saving: Option<Saving>,
    /// Tokens and money that would be saved; none where neither is known.
    pub waste: Option<Waste>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is as sure as that: the evidence for and against, in words.
    pub reason: String,
    /// What to do next.
    pub next_step: String,
    /// From 0 to 1: the share of the traces, or of the time of all traces, that is at stake. Findings come by it.
    pub impact: f64,
    /// The figures of `what`, for programs.
    pub figures: Vec<Figure>,
}

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a service as a whole.
    Service(Text),
    /// In an operation.
    Operation {
        /// The service.
        service: Text,
        /// The span's name.
        operation: Text,
    },
    /// From an operation of one service to calls of another (or to spans of its own).
    Edge {
        /// The calling service.
        caller: Text,
        /// The calling operation; empty where it does not matter.
        operation: Text,
        /// The called service; empty when unknown.
        callee: Text,
        /// What is called; several names joined by `, `; empty where it does not matter.
        called: Text,
    },
    /// Between two machines.
    Hosts(Text, Text),
    /// In the traces as a whole.
    Traces,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(service) => f.write_str(service),
            Self::Operation { service, operation } => write!(f, "{service}:{operation}"),
            Self::Edge { caller, operation, callee, called } => {
                let side = |service: &str, operation: &str| match (service, operation) {
                    ("", "") => "(unknown)".to_owned(),
                    ("", operation) => operation.to_owned(),
                    (service, "") => service.to_owned(),
                    (service, operation) => format!("{service}:{operation}"),
                };
                write!(f, "{} -> {}", side(caller, operation), side(callee, called))
            }
            Self::Hosts(one, other) => write!(f, "{one} and {other}"),
            Self::Traces => f.write_str("all traces"),
        }
    }
}

/// A trace that shows a finding, with the spans that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The trace.
    pub trace: TraceId,
    /// Its spans, at most [`EVIDENCE_SPANS_MAX`].
    pub spans: Vec<SpanId>,
}

/// Time that would be saved in each trace that has the finding, by re-timing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// What is certain: zero where nothing proves that the change can be made.
    pub least: Duration,
    /// The median over the traces.
    pub median: Duration,
    /// The most that any trace would save.
    pub most: Duration,
    /// P95 over the traces.
    pub p95: Duration,
}

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waste {
    /// Tokens, input and output, over all traces looked at.
    pub tokens: u64,
    /// US dollars over all traces looked at; none where no price is known.
    pub usd: Option<f64>,
}

/// A named number of a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, such as `calls_median`.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// In which unit.
    pub unit: Unit,
}

/// The unit of a [`Figure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// How many.
    Count,
    /// Nanoseconds.
    Nanos,
    /// From 0 to 1.
    Share,
    /// Tokens.
    Tokens,
    /// US dollars.
    Usd,
}

impl Unit {
    /// The name used in our API and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Nanos => "ns",
            Self::Share => "share",
            Self::Tokens => "tokens",
            Self::Usd => "usd",
        }
    }
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// An error that reached whoever asked, by where it began.
    Error,
    /// A caller that stopped waiting, by the edge or the missing callee.
    Timeout,
    /// An error that somebody handled: it cost time, and nobody saw it.
    HandledError,
    /// Calls that are tried again.
    Retries,
    /// Retries that multiply load: no back-off, more than one layer, or many attempts a call.
    RetryStorm,
    /// Calls sent twice at once, first answer wins.
    Hedging,
    /// Where requests spend their time.
    Bottleneck,
    /// Where slow requests spend the time that usual ones do not.
    TailBottleneck,
    /// The same call again and again, one after another.
    RepeatedCalls,
    /// One service asks another so often that the round trips add up.
    ChattyCalls,
    /// Calls that wait for each other.
    SequentialCalls,
    /// Calls with the same arguments whose answers could be kept.
    CacheableCalls,
    /// A cache that is asked and seldom has the answer.
    ColdCache,
    /// Work that goes on after the answer was given.
    AsyncTail,
    /// A service that answers without the caller's context: its spans begin traces of their own.
    LostContext,
    /// Spans that name a parent that never came, or calls to a service that usually answers with a span and did not.
    MissingSpans,
    /// The clocks of two machines differ.
    ClockSkew,
    /// Spans that are broken: duplicates, shared ids, circles, negative times, no end.
    BrokenSpans,
    /// Prompts that begin alike and are paid for in full each time.
    PromptPrefix,
    /// Passages that were retrieved and did not reach the prompt.
    UnusedPassages,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Error,
        Self::Timeout,
        Self::HandledError,
        Self::Retries,
        Self::RetryStorm,
        Self::Hedging,
        Self::Bottleneck,
        Self::TailBottleneck,
        Self::RepeatedCalls,
        Self::ChattyCalls,
        Self::SequentialCalls,
        Self::CacheableCalls,
        Self::ColdCache,
        Self::AsyncTail,
        Self::LostContext,
        Self::MissingSpans,
        Self::ClockSkew,
        Self::BrokenSpans,
        Self::PromptPrefix,
        Self::UnusedPassages,
    ];

    /// The name used in our API and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::HandledError => "handled-error",
            Self::Retries => "retries",
            Self::RetryStorm => "retry-storm",
            Self::Hedging => "hedging",
            Self::Bottleneck => "bottleneck",
            Self::TailBottleneck => "tail-bottleneck",
            Self::RepeatedCalls => "repeated-calls",
            Self::ChattyCalls => "chatty-calls",
            Self::SequentialCalls => "sequential-calls",
            Self::CacheableCalls => "cacheable-calls",
            Self::ColdCache => "cold-cache",
            Self::AsyncTail => "async-tail",
            Self::LostContext => "lost-context",
            Self::MissingSpans => "missing-spans",
            Self::ClockSkew => "clock-skew",
            Self::BrokenSpans => "broken-spans",
            Self::PromptPrefix => "prompt-prefix",
            Self::UnusedPassages => "unused-passages",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The traces do not say whether the change can be made: somebody has to look.
    CannotTell,
    /// Seen in few traces.
    Hint,
    /// Seen in at least fifty, or true of every single trace that shows it.
    Evidence,
}

impl Confidence {
    /// The name used in our API and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CannotTell => "cannot-tell",
            Self::Hint => "hint",
            Self::Evidence => "evidence",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::CannotTell, Self::Hint, Self::Evidence].into_iter().find(|confidence| confidence.name() == name)
    }

    pub(crate) fn of(traces: u64) -> Self {
        if traces >= crate::happens_before::TRACES_MIN { Self::Evidence } else { Self::Hint }
    }
}

/// The id of a finding: its kind, and an FNV-1a hash of its kind and place.
pub(crate) fn id_of(kind: FindingKind, place: &str) -> Text {
    let bytes = kind.name().bytes().chain([0]).chain(place.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}-{hash:016x}", kind.name()).into()
}

/// The traces that show something, the most telling kept: the same whatever the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EvidenceSet {
    /// How telling, trace, spans; most telling first.
    kept: Vec<(i64, TraceId, Vec<SpanId>)>,
}

impl EvidenceSet {
    /// Adds a trace if it is among the most telling; `spans` is asked only then.
    pub(crate) fn add(&mut self, telling: i64, trace: TraceId, spans: impl FnOnce() -> Vec<SpanId>) {
        if self.kept.len() >= EVIDENCE_MAX
            && self
                .kept
                .last()
                .is_some_and(|last| (last.0, std::cmp::Reverse(last.1)) >= (telling, std::cmp::Reverse(trace)))
        {
            return;
        }
        let mut spans = spans();
        spans.truncate(EVIDENCE_SPANS_MAX);
        let at =
            self.kept.partition_point(|one| (one.0, std::cmp::Reverse(one.1)) >= (telling, std::cmp::Reverse(trace)));
        self.kept.insert(at, (telling, trace, spans));
        self.kept.truncate(EVIDENCE_MAX);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|(telling, trace, spans)| self.add(telling, trace, || spans));
    }

    pub(crate) fn list(&self) -> Vec<Evidence> {
        self.kept.iter().map(|(_, trace, spans)| Evidence { trace: *trace, spans: spans.clone() }).collect()
    }
}
