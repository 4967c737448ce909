//! The service map: from traces to nodes, edges and example traces.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use analysis::{Call, GraphEdge, GraphNode, Peers, ServiceGraph, Sketch, Timeline, calls, self_time};
use model::{Duration, Text, Trace, TraceId, TraceSummary};
use wire::{Latency, MapEdge, MapNode, NodeKind, RootOperation};

use crate::limits::MAP_ROOTS_MAX;

/// Grows trace by trace.
#[derive(Debug, Default)]
pub struct MapBuilder {
    graph: ServiceGraph,
    self_times: BTreeMap<Text, Duration>,
    examples: HashMap<(Text, Text), Examples>,
    roots: HashMap<(Text, Text), u64>,
    /// Spans looked at.
    pub span_count: u64,
}

#[derive(Debug, Default)]
struct Examples {
    slowest: Option<(Duration, TraceId)>,
    failed: Option<TraceId>,
}

impl MapBuilder {
    /// Counts the root operation of a trace.
    pub fn add_root(&mut self, summary: &TraceSummary) {
        *self.roots.entry((summary.root_service.clone(), summary.root_name.clone())).or_default() += 1;
    }

    /// Adds traces. What they tell of addresses is learned first, so that a refused call among them finds its callee.
    pub fn add(&mut self, traces: &[Arc<Trace>], peers: &Mutex<Arc<Peers>>) {
        let known = {
            let mut peers = peers.lock().unwrap_or_else(PoisonError::into_inner);
            // Copied only while another map is being drawn from it.
            let learning = Arc::make_mut(&mut peers);
            traces.iter().for_each(|trace| learning.learn(trace));
            peers.clone()
        };
        for trace in traces {
            let (calls, times) = (calls(trace, &known), Timeline::of(trace));
            self.graph.add_calls(trace, &calls, &times);
            self.add_self_times(trace);
            self.add_examples(trace.id(), calls, &times);
            self.span_count += trace.spans().len() as u64;
        }
    }

    fn add_self_times(&mut self, trace: &Trace) {
        for (span, time) in trace.spans().iter().zip(self_time(trace)) {
            if let Some(total) = self.self_times.get_mut(span.service_name()) {
                *total += time;
            } else {
                self.self_times.insert(span.service_name().into(), time);
            }
        }
    }

    fn add_examples(&mut self, trace_id: TraceId, calls: Vec<Call>, times: &Timeline) {
        for call in calls {
            let waited = call.client.or(call.server).map(|span| times.duration(span)).unwrap_or_default();
            let examples = self.examples.entry((call.caller, call.callee)).or_default();
            if examples.slowest.is_none_or(|(slowest, _)| waited > slowest) {
                examples.slowest = Some((waited, trace_id));
            }
            if call.failed {
                examples.failed = Some(trace_id);
            }
        }
    }

    /// Traces that went in.
    #[must_use]
    pub fn trace_count(&self) -> u64 {
        self.graph.traces
    }

    /// Of them, those of which a span says that others were not kept.
    #[must_use]
    pub fn sampled_trace_count(&self) -> u64 {
        self.graph.sampled
    }

    /// Nodes and edges that there was no room for.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.graph.left_out
    }

    /// The nodes, by name.
    #[must_use]
    pub fn nodes(&self) -> Vec<MapNode> {
        self.graph.nodes.iter().map(|(name, node)| self.node(name, node)).collect()
    }

    /// The edges, by caller, then callee.
    #[must_use]
    pub fn edges(&self) -> Vec<MapEdge> {
        self.graph.edges.iter().map(|(ends, edge)| self.edge(ends, edge)).collect()
    }

    /// Root operations, most frequent first.
    #[must_use]
    pub fn roots(&self) -> Vec<RootOperation> {
        let mut roots: Vec<RootOperation> = self
            .roots
            .iter()
            .map(|((service, name), count)| RootOperation {
                service: service.to_string(),
                name: name.to_string(),
                count: *count,
            })
            .collect();
        roots.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.service, &a.name).cmp(&(&b.service, &b.name))));
        roots.truncate(MAP_ROOTS_MAX);
        roots
    }

    fn node(&self, name: &Text, node: &GraphNode) -> MapNode {
        MapNode {
            name: name.to_string(),
            kind: kind_of(node.kind),
            inferred: node.spans == 0,
            calls: node.calls,
            errors: node.errors,
            calls_estimated: node.weighted_calls as f64 / 1_000.0,
            errors_estimated: node.weighted_errors as f64 / 1_000.0,
            latency: latency_of(&node.latency),
            self_time: self.self_times.get(name).map_or(0, |time| time.0),
        }
    }

    fn edge(&self, ends: &(Text, Text), edge: &GraphEdge) -> MapEdge {
        let examples = self.examples.get(ends);
        MapEdge {
            from: ends.0.to_string(),
            to: ends.1.to_string(),
            asynchronous: edge.messages > 0 && edge.messages == edge.calls,
            calls: edge.calls,
            errors: edge.errors,
            calls_estimated: edge.weighted_calls as f64 / 1_000.0,
            errors_estimated: edge.weighted_errors as f64 / 1_000.0,
            latency: latency_of(&edge.latency),
            example_trace_id: examples.and_then(|examples| examples.slowest).map(|(_, id)| id.to_string()),
            error_trace_id: examples.and_then(|examples| examples.failed).map(|id| id.to_string()),
        }
    }
}

fn kind_of(kind: analysis::NodeKind) -> NodeKind {
    match kind {
        analysis::NodeKind::Service | analysis::NodeKind::Uninstrumented => NodeKind::Service,
        analysis::NodeKind::Database => NodeKind::Database,
        analysis::NodeKind::Cache => NodeKind::Cache,
        analysis::NodeKind::Queue => NodeKind::Queue,
        analysis::NodeKind::Llm => NodeKind::Llm,
        analysis::NodeKind::External => NodeKind::External,
    }
}

fn latency_of(sketch: &Sketch) -> Latency {
    let at = |quantile| (sketch.count() > 0).then(|| sketch.quantile(quantile).0);
    Latency { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: (sketch.count() > 0).then(|| sketch.max().0) }
}
