//! A trace in gist: what its summary needs and no more, without a copy of its texts. Segments are sealed by the hundred
//! thousand spans, and each trace of them is summarised.

use std::borrow::Cow;

use crate::forest::{Forest, span_order};
use crate::{
    Instant, Link, PackedBatch, PackedSpan, Span, SpanFacts, SpanId, SpanKind, SpanTree, StatusCode, Trace, TraceId,
};

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Gist<'a> {
    id: TraceId,
    spans: Vec<GistSpan<'a>>,
    forest: Cow<'a, Forest>,
    log_count: usize,
}

/// A span in gist.
#[derive(Clone, Copy, Debug)]
pub struct GistSpan<'a> {
    span_id: SpanId,
    parent_span_id: Option<SpanId>,
    start: Instant,
    end: Instant,
    kind: SpanKind,
    is_error: bool,
    name: &'a str,
    service_name: &'a str,
    links: &'a [Link],
}

impl<'a> Gist<'a> {
    /// The gist of a trace of these spans, in any order. Exact duplicates must not be among them.
    #[must_use]
    pub fn of_spans(id: TraceId, mut spans: Vec<GistSpan<'a>>, log_count: usize) -> Self {
        spans.sort_by(span_order);
        let forest = Cow::Owned(Forest::of(&spans, Vec::new()));
        Self { id, spans, forest, log_count }
    }

    /// The gist of a whole trace.
    #[must_use]
    pub fn of(trace: &'a Trace) -> Self {
        Self {
            id: trace.id(),
            spans: trace.spans().iter().map(GistSpan::of).collect(),
            forest: Cow::Borrowed(SpanTree::forest(trace)),
            log_count: trace.logs().len(),
        }
    }
}

impl<'a> GistSpan<'a> {
    fn of(span: &'a Span) -> Self {
        Self {
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            start: span.start,
            end: span.end,
            kind: span.kind,
            is_error: span.is_error(),
            name: &span.name,
            service_name: span.service_name(),
            links: &span.links,
        }
    }

    /// The gist of a span of `batch`.
    ///
    /// # Panics
    /// If the span is not of this batch.
    #[must_use]
    pub fn of_packed(batch: &'a PackedBatch, span: &PackedSpan) -> Self {
        Self {
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            start: span.start,
            end: span.end,
            kind: span.kind,
            is_error: span.status_code == StatusCode::ERROR,
            name: batch.texts.text(span.name),
            service_name: batch.resources[span.resource as usize].service_name(),
            links: batch.extras_of(span).map_or(&[], |extras| &extras.links),
        }
    }
}

impl SpanFacts for GistSpan<'_> {
    fn span_id(&self) -> SpanId {
        self.span_id
    }

    fn parent_span_id(&self) -> Option<SpanId> {
        self.parent_span_id
    }

    fn start(&self) -> Instant {
        self.start
    }

    fn end(&self) -> Instant {
        self.end
    }

    fn kind(&self) -> SpanKind {
        self.kind
    }

    fn is_error(&self) -> bool {
        self.is_error
    }

    fn name(&self) -> &str {
        self.name
    }

    fn service_name(&self) -> &str {
        self.service_name
    }

    fn links(&self) -> &[Link] {
        self.links
    }
}

impl<'a> SpanTree for Gist<'a> {
    type Span = GistSpan<'a>;

    fn id(&self) -> TraceId {
        self.id
    }

    fn spans(&self) -> &[GistSpan<'a>] {
        &self.spans
    }

    fn forest(&self) -> &Forest {
        &self.forest
    }

    fn log_count(&self) -> usize {
        self.log_count
    }
}
