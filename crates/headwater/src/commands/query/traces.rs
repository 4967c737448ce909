//! Lists of traces.

use std::fmt::Write as _;

use model::Duration;
use wire::{TraceList, TraceRow};

use super::cost_text;
use super::csv::quoted;
use crate::terminal::{Style, Terminal, pad, printable};

pub fn table(list: &TraceList, terminal: Terminal) -> String {
    let mut out = head(terminal);
    for row in &list.traces {
        let _ = writeln!(out, "{}", line(row, terminal));
    }
    let more = if list.next_cursor.is_some() { ", more with --limit" } else { "" };
    let _ = writeln!(out, "{} traces{more} ({})", list.traces.len(), cost_text(&list.cost));
    out
}

/// The line above the rows.
pub fn head(terminal: Terminal) -> String {
    let head = format!("{:<32}  {:>9}  {:>5}  {:>4}  root", "trace", "duration", "spans", "err");
    terminal.paint(Style::Bold, &head) + "\n"
}

/// A trace in one line.
pub fn line(row: &TraceRow, terminal: Terminal) -> String {
    let errors = if row.error_count > 0 {
        terminal.paint(Style::Red, &format!("{:>4}", row.error_count))
    } else {
        format!("{:>4}", "-")
    };
    let root = format!("{} {}", row.root_service, row.root_name);
    let root = pad(&printable(&root), terminal.width.saturating_sub(62).max(20));
    let duration = Duration(row.duration).to_string();
    let line = format!("{}  {duration:>9}  {:>5}  {errors}  {root}", row.trace_id, row.span_count);
    line.trim_end().to_owned()
}

/// The line above the rows of CSV.
pub const CSV_HEAD: &str = "trace,start_unix_nano,duration_ns,spans,errors,root_service,root_name\n";

pub fn csv(list: &TraceList) -> String {
    CSV_HEAD.to_owned() + &list.traces.iter().map(csv_line).collect::<String>()
}

/// A trace in one line of CSV.
pub fn csv_line(row: &TraceRow) -> String {
    let TraceRow { trace_id, start, duration, span_count, error_count, root_service, root_name, .. } = row;
    let (service, name) = (quoted(root_service), quoted(root_name));
    format!("{trace_id},{},{duration},{span_count},{error_count},{service},{name}\n", start.0)
}
