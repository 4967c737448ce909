//! Where an error began, how far it reached, who handled it.
//!
//! ```text
//! gateway       POST /v1/ask       error     ── reaches: the outermost service that answered with an error
//! └ orchestrator  POST /v1/answer  error        propagated
//!   └ rag           POST (client)  error        propagated
//!     └ llm           POST         error     ── origin: no error below it
//! ```
//!
//! An origin is a *service* when its own server, consumer or internal span erred first, and an *edge* when a client span
//! erred while nothing below it did: it timed out, was refused, or read an answer it could not use. An error whose chain
//! of erring ancestors does not reach the root was absorbed: counted and shown, never called the cause of a failure.

use std::collections::{BTreeSet, HashSet};

use model::{Duration, Instant, Span, SpanIndex, SpanKind, StatusCode, Text, Trace, Value};

use crate::limits::WRAPPERS_MAX;
use crate::peer::Peers;
use crate::retries::{Outcome, attempts};
use crate::timeline::Timeline;

/// What an error looks like from where it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The time was over: `DEADLINE_EXCEEDED`, `error.type` timeout, 408 or 504, or a server that outlived its client.
    Timeout,
    /// Nobody was there: connection refused, reset, not resolved, `UNAVAILABLE` without a server span.
    Refused,
    /// Anything else.
    Error,
}

impl FaultKind {
    /// The word used in suites and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Error => "error",
        }
    }
}

/// Where an error began.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginPlace {
    /// In a service.
    Service(Text),
    /// Between two: the caller, and the callee (empty when nothing says whom it called).
    Edge(Text, Text),
}

impl std::fmt::Display for OriginPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(service) => f.write_str(service),
            Self::Edge(caller, callee) if callee.is_empty() => write!(f, "{caller} -> (unknown)"),
            Self::Edge(caller, callee) => write!(f, "{caller} -> {callee}"),
        }
    }
}

/// An error that no other error below it explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where.
    pub place: OriginPlace,
    /// What it looks like.
    pub kind: FaultKind,
    /// The span.
    pub span: SpanIndex,
    /// The erring spans from the origin (included) outwards, as far as the error was passed on.
    pub chain: Vec<SpanIndex>,
    /// The outermost service on the chain that answered with an error (a server or consumer span); none if none did.
    pub reaches: Option<Text>,
    /// Whether the chain ends below a span that did not err: the error was handled.
    pub absorbed: bool,
}

/// The errors of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPath {
    /// Every erring span, by start.
    pub error_spans: Vec<SpanIndex>,
    /// The origins, by start of their span.
    pub origins: Vec<Origin>,
}

impl FaultPath {
    /// Whether no span erred.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.error_spans.is_empty()
    }

    /// The outermost services reached by errors that were not handled.
    #[must_use]
    pub fn reached(&self) -> BTreeSet<Text> {
        self.origins.iter().filter(|origin| !origin.absorbed).filter_map(|origin| origin.reaches.clone()).collect()
    }
}

/// Whether a span says that its operation failed: status error, or an HTTP status of 500 and above where no status was set.
#[must_use]
pub fn is_error(span: &Span) -> bool {
    let answered = |key: &str| span.attributes.get(key).and_then(Value::as_int).is_some_and(|status| status >= 500);
    span.is_error()
        || (span.status.code != model::StatusCode::OK
            && (answered("http.response.status_code") || answered("http.status_code")))
}

/// The errors of `trace`. `peers` names the callee of edges without a server span; an empty one is fine.
#[must_use]
pub fn fault_path(trace: &Trace, peers: &Peers) -> FaultPath {
    fault_path_on(trace, &Timeline::of(trace), peers)
}

/// As [`fault_path`] for a caller that has the sanitised times already.
#[must_use]
pub fn fault_path_on(trace: &Trace, times: &Timeline, peers: &Peers) -> FaultPath {
    let errors = Errors::of(trace, times, peers);
    let error_spans: Vec<SpanIndex> =
        (0..trace.spans().len() as SpanIndex).filter(|&span| errors.erring(span)).collect();
    let mut explained = vec![false; trace.spans().len()];
    for &span in &error_spans {
        if let Some(outer) = errors.passed_to(span) {
            explained[outer as usize] = true;
        }
    }
    let begins_here = |span: &SpanIndex| !explained[*span as usize] && !errors.is_aftermath(*span);
    let origins = error_spans.iter().copied().filter(begins_here).map(|span| origin(&errors, peers, span)).collect();
    FaultPath { error_spans, origins }
}

fn origin(errors: &Errors<'_>, peers: &Peers, span: SpanIndex) -> Origin {
    let trace = errors.trace;
    // Parents form no circles in a `Trace`, so this ends.
    let chain: Vec<SpanIndex> = std::iter::successors(Some(span), |&at| errors.passed_to(at)).collect();
    let mut answered = chain.iter().rev().map(|&index| trace.span(index));
    let reaches = answered.find(|span| span.kind.answers()).map(|span| Text::from(span.service_name()));
    let outermost = chain.last().copied().unwrap_or(span);
    Origin {
        place: place(trace, peers, span),
        kind: fault_kind(trace, errors.times, span),
        span,
        reaches,
        absorbed: trace.parent(outermost).is_some_and(|parent| handles(trace, parent)),
        chain,
    }
}

/// Whether somebody who could have failed stands at `from` or above it. A client that is itself the root (a browser, a
/// test runner) only receives the answer.
fn handles(trace: &Trace, from: SpanIndex) -> bool {
    let mut at = Some(from);
    while let Some(index) = at {
        let span = trace.span(index);
        if span.kind.answers() || (trace.parent(index).is_none() && !span.kind.asks() && !is_runner(span)) {
            return true;
        }
        at = trace.parent(index);
    }
    false
}

/// Whether the span was made by an evaluation to send the request: its scope is the runner's.
fn is_runner(span: &Span) -> bool {
    span.scope.name.starts_with("headwater.")
}

/// Which spans erred, and whose error is whose.
struct Errors<'t> {
    trace: &'t Trace,
    times: &'t Timeline,
    erring: Vec<bool>,
    /// Attempts after which another one went well.
    recovered: HashSet<SpanIndex>,
    /// For each span the earliest moment at which a caller above it had given up waiting.
    given_up: Vec<Instant>,
}

impl<'t> Errors<'t> {
    fn of(trace: &'t Trace, times: &'t Timeline, peers: &Peers) -> Self {
        let erring: Vec<bool> = trace.spans().iter().map(is_error).collect();
        let mut recovered = HashSet::new();
        if erring.contains(&true) {
            for call in attempts(trace, peers).iter().filter(|call| call.outcome == Outcome::Recovered) {
                recovered.extend(call.spans.iter().copied().filter(|&span| erring[span as usize]));
            }
        }
        let given_up = given_up(trace, times, &erring);
        Self { trace, times, erring, recovered, given_up }
    }

    fn erring(&self, span: SpanIndex) -> bool {
        self.erring[span as usize]
    }

    /// Whether the span went on after its caller had given up: what it said then explains nothing above.
    fn is_aftermath(&self, span: SpanIndex) -> bool {
        self.times.end(span) > self.given_up[span as usize]
    }

    /// The next erring span outwards that this span's error explains. Spans of unset status that answer nobody let an
    /// error through, as many instrumentations mark the call and the request but nothing in between.
    fn passed_to(&self, span: SpanIndex) -> Option<SpanIndex> {
        if self.recovered.contains(&span) || self.is_aftermath(span) {
            return None;
        }
        let mut at = self.trace.parent(span)?;
        for _ in 0..WRAPPERS_MAX {
            let parent = self.trace.span(at);
            if self.erring(at) && !self.is_aftermath(at) {
                return (self.times.start(span) < self.times.end(at)).then_some(at);
            }
            let silent = parent.status.code == StatusCode::UNSET && !parent.kind.answers();
            if !silent && !self.is_aftermath(at) {
                return None;
            }
            if self.recovered.contains(&at) {
                return None;
            }
            at = self.trace.parent(at)?;
        }
        None
    }
}

fn given_up(trace: &Trace, times: &Timeline, erring: &[bool]) -> Vec<Instant> {
    let mut given_up = vec![Instant(u64::MAX); trace.spans().len()];
    for (index, _) in trace.depth_first() {
        let Some(parent) = trace.parent(index) else { continue };
        let inherited = given_up[parent as usize];
        let hung_up = erring[parent as usize] && has_hung_up(trace, times, parent, index);
        given_up[index as usize] = if hung_up { inherited.min(times.end(parent)) } else { inherited };
    }
    given_up
}

/// Whether the erring `client` stopped waiting while `server`, below it, went on. Spans often end a little after their
/// answer was sent, so an end later by less than this is no proof unless the client says that its time was over.
fn has_hung_up(trace: &Trace, times: &Timeline, client: SpanIndex, server: SpanIndex) -> bool {
    const LATE_END: Duration = Duration::from_millis(1);
    let span = trace.span(client);
    let later = times.end(server) - times.end(client);
    span.kind.asks() && later > Duration::ZERO && (says_timeout(span) || (later > LATE_END && !was_answered(span)))
}

fn place(trace: &Trace, peers: &Peers, index: SpanIndex) -> OriginPlace {
    let span = trace.span(index);
    let service = Text::from(span.service_name());
    if !span.kind.asks() {
        return OriginPlace::Service(service);
    }
    let other_side =
        trace.children(index).iter().map(|&child| trace.span(child).service_name()).find(|name| **name != *service);
    let callee = other_side.map(Text::from).or_else(|| peers.peer_of(span).map(|peer| peer.name));
    OriginPlace::Edge(service, callee.unwrap_or_default())
}

/// What the error of `span` looks like.
#[must_use]
pub fn fault_kind(trace: &Trace, times: &Timeline, index: SpanIndex) -> FaultKind {
    let span = trace.span(index);
    if says_timeout(span) || outlived_by_its_server(trace, times, index) {
        return FaultKind::Timeout;
    }
    let nobody_answered =
        http_status(span).is_none() && !trace.children(index).iter().any(|&child| trace.span(child).kind.answers());
    let unavailable = matches!(rpc_status(span).as_str(), "unavailable" | "14");
    if nobody_answered && span.kind.asks() && (unavailable || says(span, REFUSALS)) {
        return FaultKind::Refused;
    }
    FaultKind::Error
}

const REFUSALS: &[&str] =
    &["refused", "connection reset", "econnrefused", "econnreset", "connecterror", "dns", "unreachable", "broken pipe"];

const TIMEOUTS: &[&str] = &[
    "timeout",
    "timed out",
    "timedout",
    "time-out",
    "deadline_exceeded",
    "deadline exceeded",
    "deadlineexceeded",
    "deadline has elapsed",
];

fn says_timeout(span: &Span) -> bool {
    matches!(http_status(span), Some(408 | 504))
        || matches!(rpc_status(span).as_str(), "deadline_exceeded" | "4")
        || says(span, TIMEOUTS)
}

/// Whether the callee answered at all: the span carries a status that only an answer can give.
fn was_answered(span: &Span) -> bool {
    let rpc = rpc_status(span);
    let never = ["", "deadline_exceeded", "4", "cancelled", "1", "unavailable", "14"];
    http_status(span).is_some_and(|status| status > 0) || !never.contains(&rpc.as_str())
}

fn says(span: &Span, words: &[&str]) -> bool {
    let error_type = lower_case(span, "error.type");
    let described = [error_type, span.status.message.to_ascii_lowercase(), exception_text(span)];
    described.iter().any(|said| words.iter().any(|word| said.contains(word)))
}

fn http_status(span: &Span) -> Option<i64> {
    ["http.response.status_code", "http.status_code"].iter().find_map(|key| span.attributes.get(key)?.as_int())
}

fn rpc_status(span: &Span) -> String {
    let keys = ["rpc.response.status_code", "rpc.grpc.status_code"];
    keys.iter().map(|key| lower_case(span, key)).find(|code| !code.is_empty()).unwrap_or_default()
}

fn lower_case(span: &Span, key: &str) -> String {
    span.attributes.get(key).map(ToString::to_string).unwrap_or_default().to_ascii_lowercase()
}

fn exception_text(span: &Span) -> String {
    let exceptions = span.events.iter().filter(|event| &*event.name == "exception");
    let parts = exceptions.flat_map(|event| {
        ["exception.type", "exception.message"].map(|key| event.attributes.text(key).unwrap_or_default())
    });
    parts.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

fn outlived_by_its_server(trace: &Trace, times: &Timeline, index: SpanIndex) -> bool {
    trace.span(index).kind == SpanKind::CLIENT
        && trace
            .children(index)
            .iter()
            .any(|&child| trace.span(child).kind.answers() && has_hung_up(trace, times, index, child))
}
