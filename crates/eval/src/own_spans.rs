//! The runner's own spans: scenario, trigger, wait and judge, in the same trace as the system's, so that a person sees
//! where a scenario's time went. Selectors never see them: their scope is [`OWN_SCOPE`].
//!
//! ```text
//! scenario ── trigger ── (the system's first span …)
//!          ── wait
//!          ── judge
//! ```

use std::sync::Arc;

use model::{Attributes, Instant, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId};

use crate::OWN_SCOPE;

/// Makes the spans of one run.
#[derive(Clone, Debug)]
pub(crate) struct OwnSpans {
    resource: Arc<Resource>,
    scope: Arc<Scope>,
}

/// What all of a span's kinds have.
pub(crate) struct OwnSpan<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub name: &'a str,
    pub kind: SpanKind,
    pub start: Instant,
    pub end: Instant,
    pub attributes: Attributes,
    /// What went wrong, if the runner itself could not go on. A failed assertion is no error of the runner.
    pub error: Option<&'a str>,
}

impl OwnSpans {
    pub fn new(version: &str) -> Self {
        let attributes = [("service.name", OWN_SCOPE), ("service.version", version)].into_iter().collect();
        Self {
            resource: Arc::new(Resource { attributes, ..Resource::default() }),
            scope: Arc::new(Scope { name: OWN_SCOPE.into(), version: version.into(), ..Scope::default() }),
        }
    }

    pub fn span(&self, own: OwnSpan<'_>) -> Span {
        let mut span = Span::new(own.trace_id, own.span_id, own.name);
        span.parent_span_id = own.parent;
        span.kind = own.kind;
        (span.start, span.end) = (own.start, own.end);
        span.flags = model::FLAG_SAMPLED;
        span.attributes = own.attributes;
        if let Some(message) = own.error {
            span.status = Status { code: StatusCode::ERROR, message: message.into() };
        }
        (span.resource, span.scope) = (Arc::clone(&self.resource), Arc::clone(&self.scope));
        span
    }
}

/// A score as the conventions' event `gen_ai.evaluation.result`, on the span that it is about.
pub(crate) struct Evaluation {
    pub name: String,
    pub value: f64,
    /// `pass`, `fail`.
    pub label: &'static str,
    pub explanation: String,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub time: Instant,
}

impl OwnSpans {
    pub fn evaluation(&self, evaluation: Evaluation) -> LogRecord {
        let mut attributes: Attributes = [
            ("gen_ai.evaluation.name", evaluation.name.as_str()),
            ("gen_ai.evaluation.score.label", evaluation.label),
            ("gen_ai.evaluation.explanation", evaluation.explanation.as_str()),
        ]
        .into_iter()
        .collect();
        attributes.push("gen_ai.evaluation.score.value", evaluation.value);
        LogRecord {
            time: evaluation.time,
            observed_time: evaluation.time,
            severity_number: SEVERITY_INFO,
            severity_text: "INFO".into(),
            attributes,
            trace_id: Some(evaluation.trace_id),
            span_id: Some(evaluation.span_id),
            event_name: "gen_ai.evaluation.result".into(),
            resource: Arc::clone(&self.resource),
            scope: Arc::clone(&self.scope),
            ..LogRecord::default()
        }
    }
}

/// OTLP's number.
const SEVERITY_INFO: i32 = 9;
