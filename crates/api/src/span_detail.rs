//! One span in full.

use model::{Attributes, Duration, Instant, LogRecord, Span, SpanId, SpanIndex, Trace};
use wire::{
    ExceptionDetail, LogDetail, OddityDetail, ResourceDetail, ScopeDetail, SpanDetail, SpanEvent, SpanLink, UnixNanos,
};

use crate::limits::SPAN_LOGS_MAX;
use crate::llm::llm_view;
use crate::outline::{Row, Rows};
use crate::values::Values;

/// What is known about a trace beyond its spans, by span index.
pub struct Computed<'a> {
    /// Self time of each span.
    pub self_times: &'a [Duration],
    /// Time on the critical path of each span.
    pub critical: &'a [Duration],
}

/// Everything about the span in a row; none for a row that is not there or stands for a missing parent.
#[must_use]
pub fn span_detail(trace: &Trace, rows: &Rows, row: u32, computed: &Computed<'_>, full: bool) -> Option<SpanDetail> {
    let Some(Row::Span(index)) = rows.at(row) else { return None };
    let span = trace.span(index);
    let logs = logs_of(trace, span.span_id);
    let time = |times: &[Duration]| times.get(index as usize).map_or(0, |time| time.0);
    let mut values = Values::new(full);
    let mut detail = SpanDetail {
        row,
        trace_id: span.trace_id.to_string(),
        span_id: span.span_id.to_string(),
        parent_span_id: span.parent_span_id.map(|id| id.to_string()),
        parent_row: trace.parent(index).and_then(|parent| rows.row_of(parent)),
        child_rows: trace.children(index).iter().filter_map(|&child| rows.row_of(child)).collect(),
        name: span.name.to_string(),
        service: span.service_name().to_owned(),
        kind: span.kind.name().to_owned(),
        start: UnixNanos(span.start.0),
        end: UnixNanos(span.end.0),
        duration: span.duration().0,
        self_time: time(computed.self_times),
        critical: time(computed.critical),
        status: span.status.code.name().to_owned(),
        status_message: span.status.message.to_string(),
        trace_state: span.trace_state.to_string(),
        flags: span.flags,
        sampled: span.flags & model::FLAG_SAMPLED != 0,
        parent_is_remote: (span.flags & model::FLAGS_CONTEXT_HAS_IS_REMOTE != 0)
            .then_some(span.flags & model::FLAGS_CONTEXT_IS_REMOTE != 0),
        attributes: values.attributes(&span.attributes),
        dropped_attributes: span.dropped_attributes_count,
        events: span.events.iter().map(|event| span_event(span, event, &mut values)).collect(),
        dropped_events: span.dropped_events_count,
        links: span.links.iter().map(|link| span_link(trace, rows, link, &mut values)).collect(),
        dropped_links: span.dropped_links_count,
        resource: ResourceDetail {
            attributes: values.attributes(&span.resource.attributes),
            dropped_attributes: span.resource.dropped_attributes_count,
            schema_url: span.resource.schema_url.to_string(),
        },
        scope: ScopeDetail {
            name: span.scope.name.to_string(),
            version: span.scope.version.to_string(),
            attributes: values.attributes(&span.scope.attributes),
            dropped_attributes: span.scope.dropped_attributes_count,
            schema_url: span.scope.schema_url.to_string(),
        },
        logs: logs.iter().take(SPAN_LOGS_MAX).map(|log| log_detail(span.start, log, &mut values)).collect(),
        logs_left_out: logs.len().saturating_sub(SPAN_LOGS_MAX) as u32,
        llm: llm_view(span, &logs),
        oddities: oddities_of(trace, span.span_id),
        cut: false,
    };
    detail.cut = values.was_cut();
    Some(detail)
}

/// Rows that carry a span id.
#[must_use]
pub fn rows_of_span(trace: &Trace, rows: &Rows, span_id: SpanId) -> Vec<u32> {
    let carries = |&index: &SpanIndex| trace.span(index).span_id == span_id;
    let mut found: Vec<u32> =
        (0..trace.spans().len() as SpanIndex).filter(carries).filter_map(|index| rows.row_of(index)).collect();
    let missing = rows.rows.iter().position(|row| *row == Row::Missing(span_id));
    found.extend(missing.map(|row| row as u32));
    found.sort_unstable();
    found
}

fn logs_of(trace: &Trace, span_id: SpanId) -> Vec<&LogRecord> {
    trace.logs().iter().filter(|log| log.span_id == Some(span_id)).collect()
}

fn span_event(span: &Span, event: &model::Event, values: &mut Values) -> SpanEvent {
    SpanEvent {
        time: UnixNanos(event.time.0),
        offset: (event.time - span.start).0,
        name: event.name.to_string(),
        attributes: values.attributes(&event.attributes),
        dropped_attributes: event.dropped_attributes_count,
        exception: exception(&event.attributes),
    }
}

fn exception(attributes: &Attributes) -> Option<ExceptionDetail> {
    let text = |key| attributes.text(key).unwrap_or_default().to_owned();
    let (kind, message) = (text("exception.type"), text("exception.message"));
    (!kind.is_empty() || !message.is_empty()).then(|| ExceptionDetail {
        exception_type: kind,
        message,
        stack_trace: text("exception.stacktrace"),
    })
}

fn span_link(trace: &Trace, rows: &Rows, link: &model::Link, values: &mut Values) -> SpanLink {
    let row = (link.trace_id == trace.id()).then(|| trace.find(link.span_id)).flatten();
    SpanLink {
        trace_id: link.trace_id.to_string(),
        span_id: link.span_id.to_string(),
        row: row.and_then(|index| rows.row_of(index)),
        trace_state: link.trace_state.to_string(),
        flags: link.flags,
        attributes: values.attributes(&link.attributes),
        dropped_attributes: link.dropped_attributes_count,
    }
}

fn log_detail(start: Instant, log: &LogRecord, values: &mut Values) -> LogDetail {
    let time = if log.time.0 == 0 { log.observed_time } else { log.time };
    let severity = if log.severity_text.is_empty() { severity_name(log.severity_number) } else { &log.severity_text };
    LogDetail {
        time: UnixNanos(time.0),
        offset: (time - start).0,
        severity_number: log.severity_number,
        severity: severity.to_owned(),
        body: values.value(&log.body),
        event_name: log.event_name.to_string(),
        attributes: values.attributes(&log.attributes),
        dropped_attributes: log.dropped_attributes_count,
        scope: log.scope.name.to_string(),
        exception: exception(&log.attributes),
    }
}

/// The names of OTLP's severity ranges.
fn severity_name(number: i32) -> &'static str {
    match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "",
    }
}

fn oddities_of(trace: &Trace, span_id: SpanId) -> Vec<OddityDetail> {
    trace
        .oddities()
        .iter()
        .filter(|oddity| oddity.span_id == span_id)
        .map(|oddity| OddityDetail {
            kind: oddity.kind.name().to_owned(),
            text: oddity.kind.to_string(),
            count: oddity.count,
        })
        .collect()
}
