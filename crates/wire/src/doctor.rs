//! What is wrong with the instrumentation: where the context is lost, whose spans are missing, which clocks are off.

use crate::{Clocks, Completeness, Cost, FindingEvidence, LookedAt, UnixNanos, shape, words};

shape! {
    /// `GET /api/v1/doctor`.
    pub struct Diagnosis {
        /// The traces.
        pub looked_at: LookedAt,
        /// What is wrong, the worst first; empty when nothing is.
        pub ailments: Vec<Ailment>,
        /// Who sends spans.
        pub services: Vec<ServiceHealth>,
        /// The clocks of all hosts that call each other.
        pub clocks: Clocks,
        /// What could not be told, and why.
        pub remarks: Vec<String>,
        /// Whether everything selected was looked at.
        pub completeness: Completeness,
        /// What it cost.
        pub cost: Cost,
    }

    /// Something that is wrong.
    pub struct Ailment {
        /// The same for the same thing at the same place.
        pub id: String,
        /// What it is, such as `context-lost`.
        pub kind: String,
        /// How bad it is.
        pub severity: Severity,
        /// The service where it is to be mended.
        pub service: String,
        /// The hop: caller, or what comes before; null where it is one service alone.
        pub caller: Option<String>,
        /// One sentence: what is wrong, with figures.
        pub what: String,
        /// The pattern that shows it.
        pub pattern: String,
        /// How to mend it, for the language of the service where it is known.
        pub remedy: String,
        /// In how many traces.
        pub trace_count: u64,
        /// Of how many.
        pub trace_total: u64,
        /// Spans that show it, some of them.
        pub evidence: Vec<FindingEvidence>,
    }

    /// A service that sends spans, or is only told of.
    pub struct ServiceHealth {
        /// Its name; empty where spans do not name it.
        pub service: String,
        /// Spans in the traces looked at.
        pub span_count: u64,
        /// Traces it is in.
        pub trace_count: u64,
        /// `telemetry.sdk.language`; null where it is not said.
        pub language: Option<String>,
        /// `telemetry.sdk.name` and version; null where it is not said.
        pub sdk: Option<String>,
        /// Instrumentation scopes, the most frequent first.
        pub scopes: Vec<String>,
        /// The start of its newest span.
        pub last_seen: UnixNanos,
        /// No span of its own: only its callers tell of it.
        pub silent: bool,
    }
}

words! {
    /// How bad something is.
    pub enum Severity {
        /// Traces are broken.
        Broken = "broken",
        /// Something is missing or misleading.
        Warning = "warning",
        /// Good to know.
        Note = "note",
    }
}
