//! A trace as a tree for the terminal: service, name, duration, errors, critical path mark and a time bar.
//!
//! ```text
//! trace 5b8a…  POST /v1/ask  312 ms  22 spans  8 services  no errors
//!
//!   gateway       POST /v1/ask            312 ms *████████████████████████
//!   ├ gateway     POST /v1/verify        4.11 ms  █
//!   │ └ auth      POST /v1/verify        3.02 ms  █
//! ```

use std::fmt::Write as _;

use analysis::{CriticalPath, critical_path};
use model::{Instant, Oddity, Span, SpanIndex, Trace};

use crate::terminal::{Style, Terminal, cut, pad, printable};

/// More rows than this are not printed; the rest is counted.
const ROWS_MAX: usize = 2_000;
/// Deeper levels are indented no further.
const INDENT_LEVELS_MAX: u32 = 24;
const DURATION_WIDTH: usize = 9;
const BAR_WIDTH_MIN: usize = 12;

/// Prints the system's part of the trace, with a head line, the rows, and remarks on broken data. The spans that an
/// evaluation's runner added (it waits longer than any request takes) are counted below; a trace of nothing else is
/// printed as it is.
pub fn print(trace: Trace, terminal: Terminal) -> String {
    let spans = trace.spans().len();
    let own = trace.spans().iter().filter(|span| &*span.scope.name == eval::OWN_SCOPE).count();
    if own == 0 || own == spans {
        return whole(&trace, terminal);
    }
    let mut out = whole(&trace.without_scope(eval::OWN_SCOPE), terminal);
    let _ = writeln!(out, "  … and {own} spans of the evaluation's runner (`--json` has them)");
    out
}

fn whole(trace: &Trace, terminal: Terminal) -> String {
    let critical = critical_path(trace);
    let mut out = head(trace, terminal);
    let order = trace.depth_first();
    let branches = branches(trace, &order);
    let on_path = spans_on(&critical, trace.spans().len());
    let window = Window::of(trace);
    let layout = Layout::of(trace, &order, &branches, terminal.width);
    for (&(index, _), branch) in order.iter().zip(&branches).take(ROWS_MAX) {
        let row = Row { span: trace.span(index), branch, critical: on_path[index as usize] };
        row.print(&layout, &window, terminal, &mut out);
    }
    if order.len() > ROWS_MAX {
        let _ = writeln!(out, "  … and {} more spans (`headwater view` shows them all)", order.len() - ROWS_MAX);
    }
    remarks(trace, terminal, &mut out);
    out
}

fn head(trace: &Trace, terminal: Terminal) -> String {
    let summary = model::TraceSummary::of(trace);
    let errors = match summary.error_count {
        0 => "no errors".to_owned(),
        1 => terminal.paint(Style::Red, "1 error"),
        count => terminal.paint(Style::Red, &format!("{count} errors")),
    };
    let name = terminal.paint(Style::Bold, &printable(&summary.root_name));
    format!(
        "trace {}  {name}  {}  {} spans  {} services  {errors}   (* on the critical path)\n\n",
        trace.id(),
        summary.duration,
        summary.span_count,
        summary.services.len(),
    )
}

/// The lines left of each row: `│ ├ └`.
fn branches(trace: &Trace, order: &[(SpanIndex, u32)]) -> Vec<String> {
    // Whether the ancestor at each level has a later sibling, kept as one array instead of recursion.
    let mut open: Vec<bool> = Vec::new();
    order
        .iter()
        .map(|&(index, depth)| {
            open.truncate(depth as usize);
            let last = trace.parent(index).is_none_or(|parent| trace.children(parent).last() == Some(&index));
            let mut branch = String::new();
            for level in 1..depth.min(INDENT_LEVELS_MAX) {
                branch.push_str(if open[level as usize] { "│ " } else { "  " });
            }
            if depth > 0 {
                branch.push_str(if last { "└ " } else { "├ " });
            }
            if depth > INDENT_LEVELS_MAX {
                let _ = write!(branch, "({depth}) ");
            }
            open.push(!last);
            branch
        })
        .collect()
}

fn spans_on(critical: &CriticalPath, count: usize) -> Vec<bool> {
    let mut on = vec![false; count];
    for segment in &critical.segments {
        on[segment.span as usize] = true;
    }
    on
}

struct Window {
    start: Instant,
    nanos: u128,
}

impl Window {
    fn of(trace: &Trace) -> Self {
        let start = trace.spans().iter().map(|span| span.start).min().unwrap_or_default();
        let end = trace.spans().iter().map(|span| span.end).max().unwrap_or_default();
        Self { start, nanos: u128::from(end.0.saturating_sub(start.0)).max(1) }
    }

    /// `span` as a bar of `width` characters; at least one mark, wherever it lies.
    fn bar(&self, span: &Span, width: usize) -> String {
        let at = |instant: Instant| {
            (u128::from(instant.0.saturating_sub(self.start.0)) * width as u128 / self.nanos) as usize
        };
        let from = at(span.start).min(width - 1);
        let to = at(span.end).clamp(from + 1, width);
        format!("{}{}{}", " ".repeat(from), "█".repeat(to - from), " ".repeat(width - to))
    }
}

struct Layout {
    service: usize,
    name: usize,
    bar: usize,
}

impl Layout {
    fn of(trace: &Trace, order: &[(SpanIndex, u32)], branches: &[String], width: usize) -> Self {
        let longest = |lengths: &mut dyn Iterator<Item = usize>, least: usize, most: usize| {
            lengths.max().unwrap_or(0).clamp(least, most)
        };
        let rows = || order.iter().zip(branches).take(ROWS_MAX);
        let service = longest(
            &mut rows()
                .map(|(&(index, _), branch)| branch.chars().count() + trace.span(index).service_name().chars().count()),
            8,
            width * 3 / 8,
        );
        let name = longest(&mut rows().map(|(&(index, _), _)| trace.span(index).name.chars().count()), 8, width / 4);
        let taken = 2 + service + 2 + name + 1 + DURATION_WIDTH + 2;
        Self { service, name, bar: width.saturating_sub(taken).max(BAR_WIDTH_MIN) }
    }
}

struct Row<'a> {
    span: &'a Span,
    branch: &'a str,
    critical: bool,
}

impl Row<'_> {
    fn print(&self, layout: &Layout, window: &Window, terminal: Terminal, out: &mut String) {
        let span = self.span;
        let service = pad(&format!("{}{}", self.branch, printable(span.service_name())), layout.service);
        let name = pad(&printable(&span.name), layout.name);
        let duration = if span.end.0 == 0 { "no end".to_owned() } else { span.duration().to_string() };
        let mark = if self.critical { "*" } else { " " };
        let bar = window.bar(span, layout.bar);
        let style = match (span.is_error(), self.critical) {
            (true, _) => Style::Red,
            (false, true) => Style::Yellow,
            (false, false) => Style::Cyan,
        };
        let line = format!(
            "  {}  {name} {duration:>DURATION_WIDTH$} {}{}",
            terminal.paint(Style::Bold, &service),
            terminal.paint(Style::Yellow, mark),
            terminal.paint(style, &bar),
        );
        out.push_str(line.trim_end());
        out.push('\n');
        if span.is_error() {
            let message = if span.status.message.is_empty() { "no message" } else { &span.status.message };
            let text =
                cut(&format!("error: {}", printable(message)), terminal.width.saturating_sub(layout.service + 4));
            let _ = writeln!(out, "  {}  {}", " ".repeat(layout.service), terminal.paint(Style::Red, &text));
        }
    }
}

fn remarks(trace: &Trace, terminal: Terminal, out: &mut String) {
    let broken: Vec<&Oddity> = trace.oddities().iter().filter(|oddity| oddity.kind.is_broken()).collect();
    const SHOWN: usize = 10;
    for oddity in broken.iter().take(SHOWN) {
        let text = format!("  remark: span {}: {}", oddity.span_id, oddity.kind);
        let _ = writeln!(out, "{}", terminal.paint(Style::Yellow, &text));
    }
    if broken.len() > SHOWN {
        let _ = writeln!(out, "  … and {} more remarks", broken.len() - SHOWN);
    }
}
