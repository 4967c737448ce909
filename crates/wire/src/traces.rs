//! Lists of traces: `/api/v1/traces`, `/api/v1/live`.

use crate::{Completeness, Cost, QueryProblem, RunSummary, ServiceStyle, Status, UnixNanos, Verdict, shape, words};

shape! {
    /// `GET /api/v1/traces`: one page of a list.
    pub struct TraceList {
        /// The traces, in the order asked for.
        pub traces: Vec<TraceRow>,
        /// The look of every service in `traces`.
        pub services: Vec<ServiceStyle>,
        /// Give it as `cursor` to go on; null at the end.
        pub next_cursor: Option<String>,
        /// The query as it was understood (bare words become a selector); empty without one.
        pub query: String,
        /// Remarks on the query that did not keep it from running.
        pub remarks: Vec<QueryProblem>,
        /// Whether everything asked for was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// A trace in one row.
    pub struct TraceRow {
        /// 32 hex digits.
        pub trace_id: String,
        /// Earliest start of any span.
        pub start: UnixNanos,
        /// Latest end minus earliest start, ns.
        pub duration: i64,
        /// Service of the root (of the earliest span, if no root was received).
        pub root_service: String,
        /// Name of the root (of the earliest span, if no root was received).
        pub root_name: String,
        /// Whether a span without a parent was received.
        pub root_received: bool,
        /// How many spans.
        pub span_count: u32,
        /// How many spans have status error.
        pub error_count: u32,
        /// How many log records.
        pub log_count: u32,
        /// Each service with its share, by name.
        pub services: Vec<ServiceShare>,
        /// How many remarks on broken data.
        pub oddity_count: u32,
        /// Spans that matched the query; null without a query or where the store did not count.
        pub matched_spans: Option<u32>,
        /// The evaluation that caused this trace, if one did.
        pub eval: Option<EvalMark>,
    }

    /// One service's part of a trace.
    pub struct ServiceShare {
        /// The service.
        pub name: String,
        /// How many spans.
        pub span_count: u32,
        /// How many of them have status error.
        pub error_count: u32,
        /// Time on the critical path, ns; 0 until computed.
        pub critical: i64,
    }

    /// Which evaluation caused a trace.
    pub struct EvalMark {
        /// The suite.
        pub suite: String,
        /// The run's id, as in `/api/v1/evals/{run}`.
        pub run: String,
        /// The scenario.
        pub scenario: String,
        /// Which repeat, from 0.
        pub attempt: u32,
        /// What came of it; null while it runs.
        pub verdict: Option<Verdict>,
    }

    /// `DELETE /api/v1/trace/{id}`.
    pub struct Deleted {
        /// Spans that are gone.
        pub spans: u64,
    }

    /// `event: traces` of `GET /api/v1/live`: traces that got new spans since the last event.
    pub struct LiveTraces {
        /// Their rows as they are now; the newest is last.
        pub traces: Vec<TraceRow>,
        /// The look of every service in `traces`.
        pub services: Vec<ServiceStyle>,
        /// Traces that changed too but are not among `traces`, because too many did.
        pub left_out: u32,
    }

    /// `event: status` of `GET /api/v1/live`.
    pub struct LiveStatus {
        /// The counters now.
        pub status: Status,
    }

    /// `event: evals` of `GET /api/v1/live`: runs that began, went on or ended.
    pub struct LiveEvals {
        /// Their summaries as they are now.
        pub runs: Vec<RunSummary>,
    }

    /// `event: gap` of `GET /api/v1/live`: events between `Last-Event-ID` and now are lost; load the list again.
    pub struct LiveGap {
        /// Why.
        pub reason: String,
    }
}

words! {
    /// `sort` of `GET /api/v1/traces`.
    pub enum TraceSort {
        /// Newest start first (the default).
        Newest = "-start",
        /// Oldest start first.
        Oldest = "start",
        /// Longest first.
        Longest = "-duration",
        /// Shortest first.
        Shortest = "duration",
        /// Most errors first.
        MostErrors = "-errors",
        /// Most spans first.
        MostSpans = "-spans",
    }
}
