//! The service map: `/api/v1/map`.

use crate::{Completeness, Cost, ServiceStyle, UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/map`: who calls whom.
    pub struct ServiceMap {
        /// The window looked at: its start.
        pub start: UnixNanos,
        /// And its end.
        pub end: UnixNanos,
        /// By name.
        pub nodes: Vec<MapNode>,
        /// By caller, then callee.
        pub edges: Vec<MapEdge>,
        /// The look of every node that is a service.
        pub services: Vec<ServiceStyle>,
        /// Root operations in the window, most frequent first: choices for the `root` filter.
        pub roots: Vec<RootOperation>,
        /// Traces looked at.
        pub trace_count: u64,
        /// Traces of which a span says, by `tracestate` or an attribute, that others were not kept.
        pub sampled_trace_count: u64,
        /// Whether everything in the window was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// A service, or something that only its callers tell of.
    pub struct MapNode {
        /// Its name, unique in this map.
        pub name: String,
        /// What it is.
        pub kind: NodeKind,
        /// No span of its own was received: only its callers tell of it.
        pub inferred: bool,
        /// Spans that answer a call (server and consumer), roots included.
        pub calls: u64,
        /// How many of them failed.
        pub errors: u64,
        /// How many there were before sampling, by what the spans say of it; `calls` where they say nothing.
        pub calls_estimated: f64,
        /// Likewise, how many failed.
        pub errors_estimated: f64,
        /// How long they took.
        pub latency: Latency,
        /// Self time of all its spans, ns.
        pub self_time: i64,
    }

    /// Calls from one node to another.
    pub struct MapEdge {
        /// The caller's name.
        pub from: String,
        /// The callee's name.
        pub to: String,
        /// Sent without waiting (producer to consumer).
        pub asynchronous: bool,
        /// How many calls.
        pub calls: u64,
        /// How many of them failed.
        pub errors: u64,
        /// How many there were before sampling, by what the spans say of it; `calls` where they say nothing.
        pub calls_estimated: f64,
        /// Likewise, how many failed.
        pub errors_estimated: f64,
        /// How long they took, seen by the caller where it has a span.
        pub latency: Latency,
        /// A trace with such a call; the slowest one kept.
        pub example_trace_id: Option<String>,
        /// A trace where such a call failed.
        pub error_trace_id: Option<String>,
    }

    /// Quantiles of durations, ns; null without calls. From a sketch: within 1 % of the true value.
    pub struct Latency {
        /// Median.
        pub p50: Option<i64>,
        /// 95th percentile.
        pub p95: Option<i64>,
        /// 99th percentile.
        pub p99: Option<i64>,
        /// Longest.
        pub max: Option<i64>,
    }

    /// A root operation.
    pub struct RootOperation {
        /// Its service.
        pub service: String,
        /// Its name.
        pub name: String,
        /// Traces that begin with it.
        pub count: u64,
    }
}

words! {
    /// What a node is.
    pub enum NodeKind {
        /// A service.
        Service = "service",
        /// A database.
        Database = "database",
        /// A queue or topic.
        Queue = "queue",
        /// A language model.
        Llm = "llm",
        /// A cache.
        Cache = "cache",
        /// Something else outside.
        External = "external",
    }
}
