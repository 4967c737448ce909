//! The numbers of each row.

use std::collections::HashMap;

use analysis::{CriticalPath, Timeline, is_llm};
use model::{Duration, Instant, OddityKind, Span, SpanId, SpanKind, Trace};
use wire::{Completeness, OutlineColumns, OutlineHeader, OutlineOddity, ServiceStyle, TraceRow, UnixNanos, flag};

use super::rows::{Row, Rows};
use crate::limits::{ODDITY_ROWS_MAX, OUTLINE_ROWS_MAX, OUTLINE_STRINGS_16_MAX};

/// What an outline is made of.
pub struct OutlineInput<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// Whether all that is stored of it could be read.
    pub completeness: &'a Completeness,
    /// The order of its rows.
    pub rows: &'a Rows,
    /// Its critical path.
    pub critical: &'a CriticalPath,
    /// Self time of each span, in the order of [`Trace::spans`].
    pub self_times: &'a [Duration],
    /// What the clock of its host adds to or takes from each span's times, ns, in the order of [`Trace::spans`]; empty where
    /// clocks were not looked at.
    pub shifts: &'a [i64],
    /// The shifts are in the times already.
    pub is_adjusted: bool,
    /// Its row in lists.
    pub summary: TraceRow,
    /// Gives every service its look, in their order.
    pub styles: &'a dyn Fn(&[String]) -> Vec<ServiceStyle>,
}

/// An outline before it becomes bytes.
pub struct Outline {
    /// The header; its `columns` are filled by the encoder.
    pub header: OutlineHeader,
    /// The columns, without span ids.
    pub columns: OutlineColumns,
    /// The span id of each row.
    pub span_ids: Vec<SpanId>,
}

/// Makes the outline of a trace.
#[must_use]
pub fn outline(input: OutlineInput<'_>) -> Outline {
    let (trace, rows) = (input.trace, input.rows);
    let times = Timeline::of(trace);
    let t0 = trace.spans().iter().map(|span| span.start).min().unwrap_or_default();

    let mut names = Strings::new(u32::MAX as usize, "(more names)");
    let mut services = Strings::new(OUTLINE_STRINGS_16_MAX, "(more services)");
    let mut hosts = Strings::new(OUTLINE_STRINGS_16_MAX, "(more hosts)");
    hosts.index("");
    let mut columns = empty_columns(rows.rows.len());
    let mut span_ids = Vec::with_capacity(rows.rows.len());
    let offset = |instant: Instant| (instant - t0).0 as f64;

    for (position, row) in rows.rows.iter().enumerate() {
        columns.parent.push(rows.parents[position]);
        columns.sub.push(rows.subtrees[position]);
        columns.depth.push(u16::try_from(rows.depths[position]).unwrap_or(u16::MAX));
        match *row {
            Row::Span(index) => {
                let span = trace.span(index);
                span_ids.push(span.span_id);
                columns.start.push(offset(times.start(index)));
                columns.dur.push(times.duration(index).0 as f64);
                columns.self_time.push(input.self_times.get(index as usize).map_or(0.0, |time| time.0 as f64));
                columns.name.push(names.index(&span.name));
                columns.svc.push(services.index(span.service_name()) as u16);
                columns.host.push(hosts.index(host_of(span)) as u16);
                let shift = input.shifts.get(index as usize).copied().unwrap_or(0);
                columns.flags.push(flags_of(span) | if shift != 0 { flag::SKEWED } else { 0 });
                columns.skew.push(if input.is_adjusted { 0.0 } else { shift as f64 });
            }
            Row::Missing(id) => {
                span_ids.push(id);
                // Times are set from the subtree below; the service is that of the first span that names it.
                columns.start.push(f64::INFINITY);
                columns.dur.push(0.0);
                columns.self_time.push(0.0);
                columns.name.push(names.index("missing parent"));
                let child = rows.rows.get(position + 1).and_then(|row| match row {
                    Row::Span(child) => Some(trace.span(*child).service_name()),
                    Row::Missing(_) => None,
                });
                columns.svc.push(services.index(child.unwrap_or("unknown_service")) as u16);
                columns.host.push(0);
                columns.flags.push(flag::SYNTHETIC);
                columns.skew.push(0.0);
            }
        }
    }
    extend_over_subtrees(&mut columns);
    mark_critical(&mut columns, input.critical, rows, &offset);
    let needs_ids = !trace.logs().is_empty() || !trace.oddities().is_empty();
    let by_id = if needs_ids { rows_by_span_id(trace, rows) } else { HashMap::new() };
    mark_logs(&mut columns, trace, &by_id);
    let oddities = oddities(&mut columns, trace, &by_id);

    let mut completeness = input.completeness.clone();
    if rows.left_out() > 0 {
        completeness.lacks(format!(
            "{} of {} spans are left out: an outline holds {OUTLINE_ROWS_MAX} rows",
            rows.left_out(),
            trace.spans().len()
        ));
    }
    let header = OutlineHeader {
        v: 1,
        trace_id: trace.id().to_string(),
        n: rows.rows.len() as u32,
        t0_unix_nano: UnixNanos(t0.0),
        duration: columns.sub_end.iter().copied().fold(0.0, f64::max),
        services: (input.styles)(&services.list),
        names: names.list,
        hosts: hosts.list,
        partial: !completeness.complete,
        partial_reason: completeness.reasons.join("; "),
        root_missing: !input.summary.root_received,
        summary: input.summary,
        oddities,
        columns: Vec::new(),
    };
    Outline { header, columns, span_ids }
}

fn empty_columns(rows: usize) -> OutlineColumns {
    OutlineColumns {
        start: Vec::with_capacity(rows),
        dur: Vec::with_capacity(rows),
        sub_start: Vec::with_capacity(rows),
        sub_end: Vec::with_capacity(rows),
        self_time: Vec::with_capacity(rows),
        parent: Vec::with_capacity(rows),
        sub: Vec::with_capacity(rows),
        name: Vec::with_capacity(rows),
        svc: Vec::with_capacity(rows),
        host: Vec::with_capacity(rows),
        depth: Vec::with_capacity(rows),
        flags: Vec::with_capacity(rows),
        crit_row: Vec::new(),
        crit_start: Vec::new(),
        crit_end: Vec::new(),
        span_id: Vec::new(),
        skew: Vec::new(),
    }
}

/// Children come after their parents, so one pass backwards knows every subtree.
fn extend_over_subtrees(columns: &mut OutlineColumns) {
    let end = |row: usize, columns: &OutlineColumns| columns.start[row] + columns.dur[row];
    columns.sub_start = columns.start.clone();
    columns.sub_end = (0..columns.start.len())
        .map(|row| if columns.start[row].is_finite() { end(row, columns) } else { 0.0 })
        .collect();
    for row in (0..columns.start.len()).rev() {
        if columns.flags[row] & flag::SYNTHETIC != 0 {
            if !columns.sub_start[row].is_finite() {
                columns.sub_start[row] = 0.0;
            }
            columns.start[row] = columns.sub_start[row];
            columns.dur[row] = columns.sub_end[row] - columns.sub_start[row];
        }
        if let Ok(parent) = usize::try_from(columns.parent[row]) {
            columns.sub_start[parent] = columns.sub_start[parent].min(columns.sub_start[row]);
            columns.sub_end[parent] = columns.sub_end[parent].max(columns.sub_end[row]);
        }
    }
}

fn mark_critical(columns: &mut OutlineColumns, critical: &CriticalPath, rows: &Rows, offset: &impl Fn(Instant) -> f64) {
    for segment in &critical.segments {
        let Some(row) = rows.row_of(segment.span) else { continue };
        columns.flags[row as usize] |= flag::CRITICAL;
        columns.crit_row.push(row);
        columns.crit_start.push(offset(segment.start));
        columns.crit_end.push(offset(segment.end));
    }
}

fn mark_logs(columns: &mut OutlineColumns, trace: &Trace, by_id: &HashMap<SpanId, Vec<u32>>) {
    for log in trace.logs() {
        let Some(span_rows) = log.span_id.and_then(|id| by_id.get(&id)) else { continue };
        for &row in span_rows {
            columns.flags[row as usize] |= flag::LOGS;
            if log.attributes.get("exception.type").is_some() || log.attributes.get("exception.message").is_some() {
                columns.flags[row as usize] |= flag::EXCEPTION;
            }
        }
    }
}

fn oddities(columns: &mut OutlineColumns, trace: &Trace, by_id: &HashMap<SpanId, Vec<u32>>) -> Vec<OutlineOddity> {
    let mut folded: Vec<(OddityKind, OutlineOddity)> = Vec::new();
    for oddity in trace.oddities() {
        let position = folded.iter().position(|(kind, _)| *kind == oddity.kind).unwrap_or_else(|| {
            folded.push((
                oddity.kind,
                OutlineOddity {
                    kind: oddity.kind.name().to_owned(),
                    text: oddity.kind.to_string(),
                    count: 0,
                    rows: Vec::new(),
                    broken: oddity.kind.is_broken(),
                },
            ));
            folded.len() - 1
        });
        let of_kind = &mut folded[position].1;
        of_kind.count = of_kind.count.saturating_add(oddity.count);
        for &row in by_id.get(&oddity.span_id).into_iter().flatten() {
            if of_kind.broken {
                columns.flags[row as usize] |= flag::ODD;
            }
            if of_kind.rows.len() < ODDITY_ROWS_MAX && !of_kind.rows.contains(&row) {
                of_kind.rows.push(row);
            }
        }
    }
    folded.sort_by_key(|(kind, _)| *kind);
    folded.into_iter().map(|(_, oddity)| oddity).collect()
}

fn rows_by_span_id(trace: &Trace, rows: &Rows) -> HashMap<SpanId, Vec<u32>> {
    let mut by_id: HashMap<SpanId, Vec<u32>> = HashMap::with_capacity(trace.spans().len());
    for (index, span) in trace.spans().iter().enumerate() {
        if let Some(row) = rows.row_of(index as u32) {
            by_id.entry(span.span_id).or_default().push(row);
        }
    }
    by_id
}

fn flags_of(span: &Span) -> u16 {
    let mut flags = match span.kind {
        SpanKind::SERVER => flag::SERVER,
        SpanKind::CLIENT => flag::CLIENT,
        SpanKind::PRODUCER => flag::PRODUCER,
        SpanKind::CONSUMER => flag::CONSUMER,
        _ => 0,
    };
    let mut set = |bit: u16, holds: bool| flags |= if holds { bit } else { 0 };
    set(flag::ERROR, span.is_error());
    set(flag::LLM, is_llm(span));
    set(flag::EVENTS, !span.events.is_empty());
    set(flag::LINKS, !span.links.is_empty());
    set(flag::UNFINISHED, span.end.0 == 0 && span.start.0 > 0);
    set(flag::EXCEPTION, span.events.iter().any(|event| &*event.name == "exception"));
    flags
}

fn host_of(span: &Span) -> &str {
    analysis::host(span).unwrap_or("")
}

/// Strings by number; those past the bound all become the last one.
struct Strings {
    list: Vec<String>,
    by_text: HashMap<String, u32>,
    bound: usize,
    rest: &'static str,
}

impl Strings {
    fn new(bound: usize, rest: &'static str) -> Self {
        Self { list: Vec::new(), by_text: HashMap::new(), bound, rest }
    }

    fn index(&mut self, text: &str) -> u32 {
        if let Some(&index) = self.by_text.get(text) {
            return index;
        }
        if self.list.len() == self.bound {
            return (self.bound - 1) as u32;
        }
        let index = self.list.len() as u32;
        let text = if self.list.len() + 1 == self.bound { self.rest } else { text };
        self.list.push(text.to_owned());
        self.by_text.insert(text.to_owned(), index);
        index
    }
}
