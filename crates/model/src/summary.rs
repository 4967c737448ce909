//! One row about a whole trace: what lists, sorting and paging need without touching spans.

use crate::{Duration, Instant, SpanFacts as _, SpanTree, Text, TraceId};

/// A trace in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// Earliest start of any span.
    pub start: Instant,
    /// Latest end minus earliest start.
    pub duration: Duration,
    /// Service of the root (of the earliest span, if no root was received).
    pub root_service: Text,
    /// Name of the root (of the earliest span, if no root was received).
    pub root_name: Text,
    /// Whether a span without a parent was received.
    pub root_received: bool,
    /// How many spans.
    pub span_count: u32,
    /// How many spans have status error.
    pub error_count: u32,
    /// How many log records.
    pub log_count: u32,
    /// Each service with its share, by name.
    pub services: Vec<ServiceSummary>,
    /// How many remarks on broken data there are.
    pub oddity_count: u32,
}

/// One service's part of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSummary {
    /// The service.
    pub name: Text,
    /// How many spans.
    pub span_count: u32,
    /// How many of them have status error.
    pub error_count: u32,
    /// Time on the critical path; zero until it has been computed.
    pub critical: Duration,
}

impl TraceSummary {
    /// Summarises `trace`, except for the critical path, which `analysis` adds. A trace without spans (only logs)
    /// summarises to an empty row.
    #[must_use]
    pub fn of<T: SpanTree>(trace: &T) -> Self {
        let spans = trace.spans();
        let start = spans.iter().map(|span| span.start()).min().unwrap_or_default();
        let end = spans.iter().map(|span| span.end().max(span.start())).max().unwrap_or_default();
        let root = trace.roots().first().map(|&index| trace.span(index));
        let mut services: Vec<ServiceSummary> = Vec::new();
        let mut positions = hashbrown::HashMap::new();
        for span in spans {
            let name = span.service_name();
            let position = *positions.entry(name).or_insert_with(|| {
                services.push(ServiceSummary {
                    name: name.into(),
                    span_count: 0,
                    error_count: 0,
                    critical: Duration::ZERO,
                });
                services.len() - 1
            });
            services[position].span_count += 1;
            services[position].error_count += u32::from(span.is_error());
        }
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            trace_id: trace.id(),
            start,
            duration: end - start,
            root_service: root.map_or("", |span| span.service_name()).into(),
            root_name: root.map_or("", |span| span.name()).into(),
            root_received: root.is_some_and(|span| span.parent_span_id().is_none()),
            span_count: count(spans.len()),
            error_count: count(spans.iter().filter(|span| span.is_error()).count()),
            log_count: count(trace.log_count()),
            services,
            oddity_count: count(trace.oddities().iter().filter(|oddity| oddity.kind.is_broken()).count()),
        }
    }
}
