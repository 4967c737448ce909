//! Two selections of traces beside each other: structure, latency, errors, root cause.

use crate::{Completeness, Cost, LookedAt, Selection, Spread, shape, words};

shape! {
    /// `POST /api/v1/compare`.
    pub struct CompareRequest {
        /// What is taken as normal.
        pub before: Selection,
        /// What is held against it.
        pub after: Selection,
    }

    /// The answer.
    pub struct Comparison {
        /// The two sides.
        pub before: ComparedSide,
        /// The other.
        pub after: ComparedSide,
        /// Places in the tree of calls that are there more or less often, the outermost first.
        pub structure: Vec<StructureDifference>,
        /// Operations that differ, the largest difference first.
        pub operations: Vec<OperationDifference>,
        /// Where requests spend more or less of their time: critical path, mean per trace; the largest difference first. The
        /// differences of all operations add up to the difference of the mean durations.
        pub critical: Vec<CriticalDifference>,
        /// Operations that were compared and do not differ.
        pub same_count: u64,
        /// Operations of which there are too few measurements.
        pub not_enough_count: u64,
        /// Which service made it slower.
        pub root_cause: RootCauseAnswer,
        /// Attribute values that are more frequent on one side.
        pub attributes: Vec<AttributeDifference>,
        /// What could not be told, and why.
        pub remarks: Vec<String>,
        /// Whether everything selected was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// One side of a comparison.
    pub struct ComparedSide {
        /// The traces.
        pub looked_at: LookedAt,
        /// How long their first roots took.
        pub duration: Spread,
        /// How long their first roots took, mean, ns; null without traces.
        pub duration_mean: Option<i64>,
        /// Traces with an error.
        pub error_count: u64,
    }

    /// A place in the tree of calls: services and operations from the root.
    pub struct StructureDifference {
        /// `SERVICE:NAME` from the root, joined by ` > `.
        pub path: String,
        /// The last service of the path.
        pub service: String,
        /// The last operation of the path.
        pub operation: String,
        /// What is different.
        pub change: StructureChange,
        /// Share of the traces that have it, 0 to 1.
        pub share_before: f64,
        /// Share of the traces that have it, 0 to 1.
        pub share_after: f64,
        /// How often it is in a trace, mean over all traces.
        pub mean_before: f64,
        /// How often it is in a trace, mean over all traces.
        pub mean_after: f64,
        /// The trace that has it most often, of the side with more of it in a trace; null where no trace has it.
        pub example: Option<String>,
    }

    /// An operation that differs.
    pub struct OperationDifference {
        /// The service.
        pub service: String,
        /// The operation.
        pub operation: String,
        /// What may be concluded.
        pub verdict: DifferenceVerdict,
        /// Median, ns.
        pub median_before: i64,
        /// Median, ns.
        pub median_after: i64,
        /// 95th percentile, ns.
        pub p95_before: i64,
        /// 95th percentile, ns.
        pub p95_after: i64,
        /// Spans.
        pub count_before: u64,
        /// Spans.
        pub count_after: u64,
        /// Spans that failed.
        pub errors_before: u64,
        /// Spans that failed.
        pub errors_after: u64,
    }

    /// An operation with its share of the critical path.
    pub struct CriticalDifference {
        /// The service.
        pub service: String,
        /// The operation.
        pub operation: String,
        /// Mean per trace, ns.
        pub mean_before: i64,
        /// Mean per trace, ns.
        pub mean_after: i64,
    }

    /// Which service made it slower, or "cannot tell".
    pub struct RootCauseAnswer {
        /// The service; null: cannot tell.
        pub answer: Option<String>,
        /// Why that is the answer, or why there is none.
        pub why: String,
        /// What a score had to exceed; null where it could not be fixed.
        pub threshold: Option<f64>,
        /// The worst spot of each service, worst first.
        pub suspects: Vec<RootCauseSuspect>,
    }

    /// A spot that became slower.
    pub struct RootCauseSuspect {
        /// Who answers for it.
        pub service: String,
        /// The operation, or the edge.
        pub place: String,
        /// Rise in units of its normal variation.
        pub score: f64,
        /// 90th percentile of the time spent there, ns.
        pub p90_before: i64,
        /// 90th percentile of the time spent there, ns.
        pub p90_after: i64,
    }

    /// A value that is more frequent on one side.
    pub struct AttributeDifference {
        /// The attribute, such as `span.http.route`.
        pub key: String,
        /// The value; null: the attribute is missing.
        pub value: Option<String>,
        /// Share of the traces that have it, 0 to 1.
        pub share_before: f64,
        /// Share of the traces that have it, 0 to 1.
        pub share_after: f64,
        /// Others that come with it nearly always, as `key = value`.
        pub together_with: Vec<String>,
    }
}

words! {
    /// What is different about a place.
    pub enum StructureChange {
        /// Only after.
        Added = "added",
        /// Only before.
        Removed = "removed",
        /// More often.
        More = "more",
        /// Less often.
        Fewer = "fewer",
    }

    /// What the measurements of an operation prove.
    pub enum DifferenceVerdict {
        /// No difference that is both significant and of size.
        Same = "same",
        /// The middle moved up.
        Slower = "slower",
        /// The middle moved down.
        Faster = "faster",
        /// The tail moved up; the middle did not.
        SlowerTail = "slower-tail",
        /// The tail moved down; the middle did not.
        FasterTail = "faster-tail",
        /// Fails more often.
        MoreErrors = "more-errors",
        /// Fails less often.
        FewerErrors = "fewer-errors",
        /// Too few measurements on a side.
        NotEnoughData = "not-enough-data",
        /// Seen after only.
        Added = "added",
        /// Seen before only.
        Removed = "removed",
    }
}
