//! Series of numbers over time: `/api/v1/series`; spans found with their fields: `/api/v1/search`.

use crate::{Completeness, Cost, TraceRow, UnixNanos, shape};

shape! {
    /// `GET /api/v1/series`: a metrics query.
    pub struct SeriesList {
        /// The series, by labels.
        pub series: Vec<Series>,
        /// The first moment of the first step.
        pub start: UnixNanos,
        /// The first moment after the last step.
        pub end: UnixNanos,
        /// How long a step is, ns.
        pub step: i64,
        /// Spans that were counted.
        pub spans: u64,
        /// The query as it was understood.
        pub query: String,
        /// Whether everything asked for was looked at, and counted.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// Numbers over time that share labels.
    pub struct Series {
        /// What its spans have in common.
        pub labels: Vec<SeriesLabel>,
        /// One for each step; null where there is nothing to compute from.
        pub points: Vec<Option<f64>>,
        /// Spans that the numbers were made of.
        pub exemplars: Vec<Exemplar>,
    }

    /// One label of a series.
    pub struct SeriesLabel {
        /// The expression, such as `resource.service.name`.
        pub name: String,
        /// Its value; `nil` where there was none.
        pub value: String,
    }

    /// A span that a number was made of.
    pub struct Exemplar {
        /// Its trace.
        pub trace_id: String,
        /// The span.
        pub span_id: String,
        /// When it began.
        pub time: UnixNanos,
        /// The value measured of it.
        pub value: f64,
    }

    /// `GET /api/v1/search`: one page of traces with the spans that were found in them.
    pub struct SearchList {
        /// The traces, in the order asked for.
        pub traces: Vec<FoundTrace>,
        /// Give it as `cursor` to go on; null at the end.
        pub next_cursor: Option<String>,
        /// The query as it was understood.
        pub query: String,
        /// Whether everything asked for was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// A trace and what the query found in it.
    pub struct FoundTrace {
        /// The whole trace in a row.
        pub row: TraceRow,
        /// Spans that were found together; several where the query groups.
        pub spansets: Vec<FoundSpanset>,
    }

    /// Spans that were found together.
    pub struct FoundSpanset {
        /// What `by(…)` grouped by.
        pub group: Vec<SeriesLabel>,
        /// How many spans there are.
        pub matched: u64,
        /// The first of them, by start.
        pub spans: Vec<FoundSpan>,
    }

    /// A span that was found.
    pub struct FoundSpan {
        /// 16 hex digits.
        pub span_id: String,
        /// Its name.
        pub name: String,
        /// Its service.
        pub service: String,
        /// When it began.
        pub start: UnixNanos,
        /// How long it took, ns.
        pub duration: i64,
        /// What `select(…)` asked for, where there is something.
        pub fields: Vec<SeriesLabel>,
    }
}
