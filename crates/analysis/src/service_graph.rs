//! Who calls whom, over many traces: calls, errors and latencies on every edge.

use std::collections::BTreeMap;

use model::{SpanIndex, Text, Trace};

use crate::calls::{Call, CallKind, calls};
use crate::fault::is_error;
use crate::limits::GRAPH_MAX;
use crate::peer::{PeerKind, Peers};
use crate::sampling::{Weight, weights};
use crate::sketch::Sketch;
use crate::timeline::Timeline;

/// The graph of services. Adding traces in any order gives the same graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceGraph {
    /// Nodes by name.
    pub nodes: BTreeMap<Text, GraphNode>,
    /// Edges by caller and callee.
    pub edges: BTreeMap<(Text, Text), GraphEdge>,
    /// Traces that went in.
    pub traces: u64,
    /// Traces of which a span says that others were not kept: weighted counts differ from those of what was received.
    pub sampled: u64,
    /// Nodes and edges left out because there were too many.
    pub left_out: u64,
}

/// A service, or something that services call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphNode {
    /// What it is.
    pub kind: NodeKind,
    /// Requests answered: server and consumer spans, or calls received where no span of its own was seen.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// How long they took.
    pub latency: Sketch,
    /// Spans of its own; none for what is not instrumented.
    pub spans: u64,
    /// As `calls`, each counted as often as its sampling says, in thousandths.
    pub weighted_calls: u64,
    /// As `errors`, likewise.
    pub weighted_errors: u64,
}

/// What a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Sent spans of its own.
    #[default]
    Service,
    /// A service that was called but sent no span.
    Uninstrumented,
    /// A database.
    Database,
    /// A cache.
    Cache,
    /// A queue or topic.
    Queue,
    /// A model provider.
    Llm,
    /// Known by its address only.
    External,
}

/// Calls from one node to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphEdge {
    /// How many.
    pub calls: u64,
    /// How many failed on either side.
    pub errors: u64,
    /// How long the caller waited; of messages, how long the consumer took.
    pub latency: Sketch,
    /// Time between the processes, where both sides were seen.
    pub edge_time: Sketch,
    /// How many were messages.
    pub messages: u64,
    /// As `calls`, each counted as often as its sampling says, in thousandths.
    pub weighted_calls: u64,
    /// As `errors`, likewise.
    pub weighted_errors: u64,
}

impl ServiceGraph {
    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace, peers: &Peers) {
        self.add_calls(trace, &calls(trace, peers), &Timeline::of(trace));
    }

    /// As [`Self::add`] for a caller that has the trace's calls and sanitised times already.
    pub fn add_calls(&mut self, trace: &Trace, calls: &[Call], times: &Timeline) {
        self.traces += 1;
        let weights = weights(trace);
        self.sampled += u64::from(weights.is_some());
        let weight = |span: SpanIndex| weights.as_ref().map_or(Weight::ONE, |weights| weights[span as usize]).0;
        for (index, span) in trace.spans().iter().enumerate() {
            let Some(node) = self.node(span.service_name().into(), NodeKind::Service) else { continue };
            node.kind = NodeKind::Service;
            node.spans += 1;
            let answers = span.kind.answers();
            if answers || trace.parent(index as u32).is_none() {
                node.calls += 1;
                node.errors += u64::from(is_error(span));
                node.latency.insert(times.duration(index as u32));
                weigh(&mut node.weighted_calls, &mut node.weighted_errors, weight(index as u32), is_error(span));
            }
        }
        for call in calls {
            // The callee's span is what was sampled last; both stand for the same call.
            let weight = call.server.or(call.client).map_or(Weight::ONE.0, weight);
            self.add_call(call, times, weight);
        }
    }

    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.traces += other.traces;
        self.sampled += other.sampled;
        self.left_out += other.left_out;
        for (name, theirs) in &other.nodes {
            let Some(node) = self.node(name.clone(), theirs.kind) else { continue };
            node.kind = node.kind.min(theirs.kind);
            node.calls += theirs.calls;
            node.errors += theirs.errors;
            node.spans += theirs.spans;
            node.weighted_calls = node.weighted_calls.saturating_add(theirs.weighted_calls);
            node.weighted_errors = node.weighted_errors.saturating_add(theirs.weighted_errors);
            node.latency.merge(&theirs.latency);
        }
        for ((caller, callee), theirs) in &other.edges {
            let Some(edge) = self.edge(caller.clone(), callee.clone()) else { continue };
            edge.calls += theirs.calls;
            edge.errors += theirs.errors;
            edge.messages += theirs.messages;
            edge.weighted_calls = edge.weighted_calls.saturating_add(theirs.weighted_calls);
            edge.weighted_errors = edge.weighted_errors.saturating_add(theirs.weighted_errors);
            edge.latency.merge(&theirs.latency);
            edge.edge_time.merge(&theirs.edge_time);
        }
    }

    fn add_call(&mut self, call: &Call, times: &Timeline, weight: u64) {
        if call.callee.is_empty() {
            return;
        }
        let waited = call.client.or(call.server).map(|span| times.duration(span)).unwrap_or_default();
        if let CallKind::Inferred(kind) = call.kind
            && let Some(node) = self.node(call.callee.clone(), node_kind(kind))
            && node.spans == 0
        {
            node.calls += 1;
            node.errors += u64::from(call.failed);
            node.latency.insert(waited);
            weigh(&mut node.weighted_calls, &mut node.weighted_errors, weight, call.failed);
        }
        let Some(edge) = self.edge(call.caller.clone(), call.callee.clone()) else { return };
        edge.calls += 1;
        edge.errors += u64::from(call.failed);
        edge.messages += u64::from(call.kind == CallKind::Message);
        weigh(&mut edge.weighted_calls, &mut edge.weighted_errors, weight, call.failed);
        let of_message = call.server.filter(|_| call.kind == CallKind::Message).map(|span| times.duration(span));
        edge.latency.insert(of_message.unwrap_or(waited));
        if let Some(time) = call.edge_time {
            edge.edge_time.insert(time);
        }
    }

    fn node(&mut self, name: Text, kind: NodeKind) -> Option<&mut GraphNode> {
        if self.nodes.len() >= GRAPH_MAX && !self.nodes.contains_key(&name) {
            self.left_out += 1;
            return None;
        }
        Some(self.nodes.entry(name).or_insert_with(|| GraphNode { kind, ..GraphNode::default() }))
    }

    fn edge(&mut self, caller: Text, callee: Text) -> Option<&mut GraphEdge> {
        let key = (caller, callee);
        if self.edges.len() >= GRAPH_MAX && !self.edges.contains_key(&key) {
            self.left_out += 1;
            return None;
        }
        Some(self.edges.entry(key).or_default())
    }
}

fn weigh(calls: &mut u64, errors: &mut u64, weight: u64, failed: bool) {
    *calls = calls.saturating_add(weight);
    *errors = errors.saturating_add(if failed { weight } else { 0 });
}

fn node_kind(kind: PeerKind) -> NodeKind {
    match kind {
        PeerKind::Service => NodeKind::Uninstrumented,
        PeerKind::Database => NodeKind::Database,
        PeerKind::Cache => NodeKind::Cache,
        PeerKind::Queue => NodeKind::Queue,
        PeerKind::Llm => NodeKind::Llm,
        PeerKind::External => NodeKind::External,
    }
}
