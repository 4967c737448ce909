//! Which service called which, with both sides of the call as far as they were received.
//!
//! ```text
//! rag     POST (client)        ── client of the call
//! └ llm   POST /v1/chat (server)  ── server of the call: the first span of another service below
//! ```
//!
//! A client span without a span of another service below is a call too: to a database, to something that is not
//! instrumented, or one that was refused or whose server span did not arrive. Its attributes tell whom it called.
//! A consumer that names its producer by a link is the far side of that message, wherever its parent is.
//! Client spans that only wrap another client span of the same call (an LLM client over its HTTP client) are not counted
//! twice.

use std::collections::HashMap;

use model::{Duration, Span, SpanId, SpanIndex, SpanKind, Text, Trace};

use crate::fault::is_error;
use crate::limits::WRAPPERS_MAX;
use crate::peer::{Peer, PeerKind, Peers};

/// One call between two services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The calling service.
    pub caller: Text,
    /// The called service, or what the client span says of it; empty when nothing is known.
    pub callee: Text,
    /// What was called.
    pub kind: CallKind,
    /// The span on the caller's side; none where only the callee's was received.
    pub client: Option<SpanIndex>,
    /// The span on the callee's side; none for what is not instrumented, refused, or missing.
    pub server: Option<SpanIndex>,
    /// Whether either side erred.
    pub failed: bool,
    /// Time between the processes: the client's duration minus the server's; none where a side is missing or the clocks
    /// make it negative.
    pub edge_time: Option<Duration>,
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// The caller waits for an answer.
    Request,
    /// A message: the caller does not wait.
    Message,
    /// To something known only by the client's span.
    Inferred(PeerKind),
}

/// All calls of `trace`, in the order in which their caller's (else callee's) spans start. `peers` names the far side of
/// calls without a server span; an empty one is fine.
#[must_use]
pub fn calls(trace: &Trace, peers: &Peers) -> Vec<Call> {
    let mut calls: Vec<(SpanIndex, Call)> = Vec::new();
    let mut answered = vec![false; trace.spans().len()];
    for (index, span) in trace.spans().iter().enumerate() {
        let Some(parent) = trace.parent(index as SpanIndex) else { continue };
        let client = trace.span(parent);
        if client.service_name() == span.service_name() {
            continue;
        }
        answered[parent as usize] = true;
        calls.push((parent, both_sides(trace, parent, index as SpanIndex)));
    }
    for (producer, call) in linked(trace) {
        answered[producer as usize] = true;
        calls.push((producer, call));
    }
    for (index, span) in trace.spans().iter().enumerate() {
        let index = index as SpanIndex;
        let calls_somebody = span.kind.asks();
        if calls_somebody && !answered[index as usize] && !wraps_another(trace, index) {
            calls.extend(one_side(trace, index, peers).map(|call| (index, call)));
        }
    }
    calls.sort_by_key(|(index, _)| *index);
    calls.into_iter().map(|(_, call)| call).collect()
}

/// Messages whose consumer names the producer by a link instead of a parent, as those do that take several at once.
fn linked(trace: &Trace) -> Vec<(SpanIndex, Call)> {
    let links = |span: &&Span| span.kind == SpanKind::CONSUMER && !span.links.is_empty();
    if !trace.spans().iter().any(|span| links(&span)) {
        return Vec::new();
    }
    let by_id: HashMap<SpanId, SpanIndex> =
        (0..).zip(trace.spans()).map(|(index, span)| (span.span_id, index)).collect();
    let mut calls = Vec::new();
    for (index, consumer) in (0..).zip(trace.spans()).filter(|(_, span)| links(span)) {
        for link in consumer.links.iter().filter(|link| link.trace_id == trace.id()) {
            let Some(&producer) = by_id.get(&link.span_id) else { continue };
            let sender = trace.span(producer);
            let is_other = sender.kind == SpanKind::PRODUCER && sender.service_name() != consumer.service_name();
            if is_other && trace.parent(index) != Some(producer) {
                let call = Call {
                    caller: sender.service_name().into(),
                    callee: consumer.service_name().into(),
                    kind: CallKind::Message,
                    client: Some(producer),
                    server: Some(index),
                    failed: is_error(consumer) || is_error(sender),
                    edge_time: None,
                };
                calls.push((producer, call));
            }
        }
    }
    calls
}

fn both_sides(trace: &Trace, parent: SpanIndex, server: SpanIndex) -> Call {
    let (client_span, server_span) = (trace.span(parent), trace.span(server));
    let calls_somebody = client_span.kind.asks();
    let message = client_span.kind == SpanKind::PRODUCER || server_span.kind == SpanKind::CONSUMER;
    let edge_time = (calls_somebody && !message).then(|| client_span.duration() - server_span.duration());
    Call {
        caller: client_span.service_name().into(),
        callee: server_span.service_name().into(),
        kind: if message { CallKind::Message } else { CallKind::Request },
        client: calls_somebody.then_some(parent),
        server: Some(server),
        failed: is_error(server_span) || (calls_somebody && is_error(client_span)),
        edge_time: edge_time.filter(|time| *time >= Duration::ZERO),
    }
}

fn one_side(trace: &Trace, index: SpanIndex, peers: &Peers) -> Option<Call> {
    let span = trace.span(index);
    let peer = outermost_peer(trace, index, peers);
    // A client span that says nothing of its far side and did not fail tells nobody anything.
    if peer.is_none() && !is_error(span) {
        return None;
    }
    let Peer { name, kind } = peer.unwrap_or(Peer { name: Text::default(), kind: PeerKind::External });
    if *name == *span.service_name() {
        return None;
    }
    Some(Call {
        caller: span.service_name().into(),
        callee: name,
        kind: if span.kind == SpanKind::PRODUCER { CallKind::Message } else { CallKind::Inferred(kind) },
        client: Some(index),
        server: None,
        failed: is_error(span),
        edge_time: None,
    })
}

/// An SDK's span knows more of its far side (a model, a database) than the HTTP span below it, which has an address.
fn outermost_peer(trace: &Trace, client: SpanIndex, peers: &Peers) -> Option<Peer> {
    let mut best = peers.peer_of(trace.span(client));
    let mut at = client;
    for _ in 0..WRAPPERS_MAX {
        if best.as_ref().is_some_and(|peer| peer.kind != PeerKind::External) {
            break;
        }
        let Some(parent) = trace.parent(at).filter(|&parent| wraps_another(trace, parent)) else { break };
        if trace.span(parent).kind != SpanKind::CLIENT {
            break;
        }
        best = peers.peer_of(trace.span(parent)).or(best);
        at = parent;
    }
    best
}

/// Whether a client span of the same service lies directly below: then that one is the call.
fn wraps_another(trace: &Trace, index: SpanIndex) -> bool {
    let service = trace.span(index).service_name();
    trace.children(index).iter().any(|&child| {
        let child = trace.span(child);
        child.kind == SpanKind::CLIENT && child.service_name() == service
    })
}
