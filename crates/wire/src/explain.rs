//! Findings: what is slow, fails or is done twice in a selection of traces; and what a change would do.

use crate::{Completeness, Cost, UnixNanos, shape, words};

shape! {
    /// Which traces are meant. Everything may be left out; `trace` and `run` go before `query`.
    pub struct Selection {
        /// One trace, by id.
        pub trace: Option<String>,
        /// All traces that an evaluation's run judged, by the run's id.
        pub run: Option<String>,
        /// TraceQL; bare words search span names.
        pub query: Option<String>,
        /// How far back: `1h`.
        pub since: Option<String>,
        /// From here on, as in query parameters.
        pub start: Option<String>,
        /// Up to here.
        pub end: Option<String>,
        /// How many traces at most, newest first.
        pub limit: Option<u32>,
    }

    /// What was looked at.
    pub struct LookedAt {
        /// The selection in words.
        pub text: String,
        /// Traces that were read.
        pub trace_count: u64,
        /// Their spans.
        pub span_count: u64,
        /// When the first of them started; null without traces.
        pub first: Option<UnixNanos>,
        /// When the last of them started; null without traces.
        pub last: Option<UnixNanos>,
    }

    /// `GET /api/v1/findings`.
    pub struct Explanation {
        /// The traces.
        pub looked_at: LookedAt,
        /// The findings, the most worthwhile first.
        pub findings: Vec<Finding>,
        /// How many there are; more than `findings` where a limit was given.
        pub finding_count: u64,
        /// How many were left out because they are suppressed.
        pub suppressed_count: u64,
        /// Which values of whose answers reach whom, the most frequent first; of some fifty traces of each part that is read at once.
        pub data_flow: Vec<ValueFlow>,
        /// How many such flows there are; more than `dataFlow` where there are many.
        pub data_flow_count: u64,
        /// Analyses that could not say anything, each with the reason.
        pub cannot_tell: Vec<CannotTell>,
        /// Remarks on the data: what is broken in it and how it was taken.
        pub remarks: Vec<String>,
        /// Whether everything selected was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// Values in the answers of one operation that are found in what another is given later.
    pub struct ValueFlow {
        /// The service that answers.
        pub from_service: String,
        /// Its operation.
        pub from_operation: String,
        /// The attribute of the answer.
        pub from_key: String,
        /// The service that is given the values.
        pub to_service: String,
        /// Its operation.
        pub to_operation: String,
        /// The attribute that they are given in.
        pub to_key: String,
        /// In how many traces.
        pub trace_count: u64,
        /// Of how many that were followed.
        pub trace_total: u64,
        /// Different values, each counted once a trace.
        pub values: u64,
        /// One of them, cut.
        pub example: String,
        /// Spans of both sides in some of the traces.
        pub evidence: Vec<FindingEvidence>,
    }

    /// A result for people.
    pub struct Finding {
        /// The same from run to run for the same thing at the same place: what `suppress` takes.
        pub id: String,
        /// What it is, such as `bottleneck`.
        pub kind: String,
        /// What it is, in a few words for people.
        pub title: String,
        /// Where.
        pub place: FindingPlace,
        /// One sentence with the figures.
        pub what: String,
        /// Further sentences: why it is as sure as that, what speaks for it and against it.
        pub details: Vec<String>,
        /// In how many traces.
        pub trace_count: u64,
        /// Of how many.
        pub trace_total: u64,
        /// Spans that show it, of the most telling trace first; some of them.
        pub evidence: Vec<FindingEvidence>,
        /// What it costs in a trace that has it, median, ns; null where it costs no time.
        pub cost: Option<i64>,
        /// What a change could save in a trace that has it; null where nothing can be said.
        pub saving: Option<SavingBounds>,
        /// Tokens that could be saved in all traces looked at; null where there are none.
        pub tokens_saved: Option<u64>,
        /// Money that could be saved in all traces looked at, US dollars by the price table; null where it is not known.
        pub money_saved: Option<f64>,
        /// How sure it is.
        pub confidence: FindingConfidence,
        /// What to do next.
        pub next_step: String,
        /// Share of the traces, or of the time of all traces, that is at stake, 0 to 1. Findings come by it.
        pub impact: f64,
        /// The figures of `what`, for programs.
        pub figures: Vec<FindingFigure>,
    }

    /// A named number of a finding.
    pub struct FindingFigure {
        /// What it is, such as `calls_median`.
        pub name: String,
        /// How much.
        pub value: f64,
        /// `count`, `ns`, `share`, `tokens` or `usd`.
        pub unit: String,
    }

    /// Where a finding is.
    pub struct FindingPlace {
        /// What it is.
        pub kind: PlaceKind,
        /// In words.
        pub text: String,
        /// The service, or the caller of an edge; null where it is none.
        pub service: Option<String>,
        /// The operation of that service; null where it does not matter.
        pub operation: Option<String>,
        /// The callee of an edge; null where it is none.
        pub callee: Option<String>,
        /// What is called there; null where it does not matter.
        pub called: Option<String>,
    }

    /// A span that shows a finding. The page opens `/trace/{traceId}?span={spanId}`.
    pub struct FindingEvidence {
        /// 32 hex digits.
        pub trace_id: String,
        /// 16 hex digits; null where the whole trace shows it.
        pub span_id: Option<String>,
    }

    /// Bounds of a saving in a trace, ns.
    pub struct SavingBounds {
        /// At least.
        pub least: i64,
        /// The median over the traces.
        pub median: i64,
        /// The 95th percentile over the traces.
        pub p95: i64,
        /// At most.
        pub most: i64,
    }

    /// Why an analysis says nothing.
    pub struct CannotTell {
        /// Which.
        pub analysis: String,
        /// Why.
        pub why: String,
    }

    /// `POST /api/v1/what-if`: what a change would do to a selection of traces.
    pub struct WhatIfRequest {
        /// The traces.
        pub selection: Selection,
        /// The changes; they are made together.
        pub changes: Vec<Change>,
    }

    /// A change. An operation is a span's name, or `SERVICE:NAME`.
    pub struct Change {
        /// What is done.
        pub kind: ChangeKind,
        /// To which operations; empty for `drop-retries` of all.
        pub operations: Vec<String>,
        /// `speed-up`: how many times as fast, 2 for twice; below 1 is slower. `cache`: which share of the calls hits, 0 to
        /// 1; null for all. Null otherwise.
        pub factor: Option<f64>,
    }

    /// The answer.
    pub struct WhatIfAnswer {
        /// The traces.
        pub looked_at: LookedAt,
        /// How long requests take now.
        pub before: Spread,
        /// How long they would take with all changes.
        pub after: Spread,
        /// How much sooner they would end, over the traces that change.
        pub saving: Spread,
        /// Traces that would change.
        pub changed_count: u64,
        /// Each change alone. They do not add up: together they may hide each other.
        pub changes: Vec<ChangeEffect>,
        /// Some of the traces that would change most.
        pub examples: Vec<ChangedTrace>,
        /// What was assumed, and what could not be done.
        pub remarks: Vec<String>,
        /// Whether everything selected was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// Quantiles, ns; null where nothing was measured.
    pub struct Spread {
        /// Measurements.
        pub count: u64,
        /// Median.
        pub p50: Option<i64>,
        /// 95th percentile.
        pub p95: Option<i64>,
        /// 99th percentile.
        pub p99: Option<i64>,
    }

    /// What one change does alone.
    pub struct ChangeEffect {
        /// The change in words.
        pub text: String,
        /// Spans that it was applied to.
        pub span_count: u64,
        /// Traces that would change.
        pub changed_count: u64,
        /// How much sooner the traces would end that change.
        pub saving: Spread,
    }

    /// A trace that would change.
    pub struct ChangedTrace {
        /// 32 hex digits.
        pub trace_id: String,
        /// Now, ns.
        pub before: i64,
        /// With all changes, ns.
        pub after: i64,
    }
}

words! {
    /// How sure a finding is.
    pub enum FindingConfidence {
        /// The traces do not say whether the change can be made: somebody has to look.
        CannotTell = "cannot-tell",
        /// Seen in few traces.
        Hint = "hint",
        /// Seen in at least fifty traces, or true of every single trace that shows it.
        Evidence = "evidence",
    }

    /// What a place is.
    pub enum PlaceKind {
        /// A service as a whole.
        Service = "service",
        /// An operation.
        Operation = "operation",
        /// From a service, or an operation of it, to calls.
        Edge = "edge",
        /// Between two machines: `service` and `callee` name them.
        Hosts = "hosts",
        /// The traces as a whole.
        Traces = "traces",
    }

    /// What a change does.
    pub enum ChangeKind {
        /// The operations run side by side where they are siblings.
        Parallel = "parallel",
        /// The operations are answered at once.
        Cache = "cache",
        /// The operations take a part of their time.
        SpeedUp = "speed-up",
        /// Failed attempts that were tried again, and the pauses after them, do not happen.
        DropRetries = "drop-retries",
    }
}
