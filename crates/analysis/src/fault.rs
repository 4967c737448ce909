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

use std::collections::BTreeSet;

use model::{Span, SpanIndex, SpanKind, Text, Trace, Value};

use crate::peer::Peers;
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
    let times = Timeline::of(trace);
    let erring: Vec<bool> = trace.spans().iter().map(is_error).collect();
    let error_spans: Vec<SpanIndex> =
        (0..trace.spans().len() as SpanIndex).filter(|&span| erring[span as usize]).collect();
    let begins_here = |span: &SpanIndex| !trace.children(*span).iter().any(|&child| erring[child as usize]);
    let origins = error_spans
        .iter()
        .filter(|span| begins_here(span))
        .map(|&span| origin(trace, &times, &erring, peers, span))
        .collect();
    FaultPath { error_spans, origins }
}

fn origin(trace: &Trace, times: &Timeline, erring: &[bool], peers: &Peers, span: SpanIndex) -> Origin {
    let chain = chain(trace, erring, span);
    let answered = chain.iter().rev().map(|&index| trace.span(index));
    let reaches = answered.clone().find(|span| answers(span)).map(|span| Text::from(span.service_name()));
    let outermost = chain.last().copied().unwrap_or(span);
    Origin {
        place: place(trace, peers, span),
        kind: fault_kind(trace, times, span),
        span,
        reaches,
        absorbed: trace.parent(outermost).is_some(),
        chain,
    }
}

fn answers(span: &Span) -> bool {
    matches!(span.kind, SpanKind::SERVER | SpanKind::CONSUMER)
}

/// The erring spans from `span` outwards. Parents form no circles in a [`Trace`], so this ends.
fn chain(trace: &Trace, erring: &[bool], span: SpanIndex) -> Vec<SpanIndex> {
    let outwards = std::iter::successors(Some(span), |&at| trace.parent(at).filter(|&parent| erring[parent as usize]));
    outwards.collect()
}

fn place(trace: &Trace, peers: &Peers, index: SpanIndex) -> OriginPlace {
    let span = trace.span(index);
    let service = Text::from(span.service_name());
    if !matches!(span.kind, SpanKind::CLIENT | SpanKind::PRODUCER) {
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
    let text = |key: &str| span.attributes.get(key).map(ToString::to_string).unwrap_or_default().to_ascii_lowercase();
    let described = [text("error.type"), span.status.message.to_ascii_lowercase(), exception_text(span)];
    let says = |words: &[&str]| described.iter().any(|said| words.iter().any(|word| said.contains(word)));
    let status =
        ["http.response.status_code", "http.status_code"].iter().find_map(|key| span.attributes.get(key)?.as_int());
    let rpc = ["rpc.response.status_code", "rpc.grpc.status_code"].map(text);

    let timed_out = matches!(status, Some(408 | 504))
        || rpc.iter().any(|code| matches!(code.as_str(), "deadline_exceeded" | "4"))
        || says(&[
            "timeout",
            "timed out",
            "time-out",
            "deadline_exceeded",
            "deadline exceeded",
            "deadlineexceeded",
            "deadline has elapsed",
        ])
        || outlived_by_its_server(trace, times, index);
    if timed_out {
        return FaultKind::Timeout;
    }
    let nobody_answered = status.is_none() && !trace.children(index).iter().any(|&child| answers(trace.span(child)));
    let unavailable = rpc.iter().any(|code| matches!(code.as_str(), "unavailable" | "14"));
    let refused = says(&[
        "refused",
        "connection reset",
        "econnrefused",
        "econnreset",
        "connecterror",
        "dns",
        "unreachable",
        "broken pipe",
    ]);
    if nobody_answered && matches!(span.kind, SpanKind::CLIENT | SpanKind::PRODUCER) && (refused || unavailable) {
        return FaultKind::Refused;
    }
    FaultKind::Error
}

fn exception_text(span: &Span) -> String {
    let exceptions = span.events.iter().filter(|event| &*event.name == "exception");
    let parts = exceptions.flat_map(|event| {
        ["exception.type", "exception.message"].map(|key| event.attributes.text(key).unwrap_or_default())
    });
    parts.collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

fn outlived_by_its_server(trace: &Trace, times: &Timeline, index: SpanIndex) -> bool {
    let span = trace.span(index);
    span.kind == SpanKind::CLIENT
        && trace.children(index).iter().any(|&child| {
            let server = trace.span(child);
            answers(server) && server.service_name() != span.service_name() && times.end(child) > times.end(index)
        })
}
