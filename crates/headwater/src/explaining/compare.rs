//! `headwater compare` as text.

use std::fmt::Write as _;

use wire::{
    ComparedSide, Comparison, CriticalDifference, DifferenceVerdict, OperationDifference, StructureChange,
    StructureDifference,
};

use super::{change, cost, counted, heading, looked_at, not_all, percent, time, width, wrapped};
use crate::terminal::{Style, Terminal, printable};

/// Suspects that rose by less than their usual variation are no suspects.
const SCORE_SHOWN_MIN: f64 = 1.0;

/// Lines of each section; JSON has them all.
const LINES_MAX: usize = 15;

/// For a terminal.
pub fn text(comparison: &Comparison, terminal: Terminal) -> String {
    let mut out = String::new();
    for (name, side) in [("before", &comparison.before), ("after", &comparison.after)] {
        looked_at(&mut out, &format!("{name:<8}"), &side.looked_at, terminal);
    }
    not_all(&mut out, &comparison.completeness, terminal);
    for remark in &comparison.remarks {
        wrapped(&mut out, "! ", remark, width(terminal));
    }
    sides(&mut out, comparison, terminal);
    root_cause(&mut out, comparison, terminal);
    section(&mut out, "Where the time went (critical path, mean a trace)", &comparison.critical, terminal, critical);
    section(&mut out, "Operations that differ", &comparison.operations, terminal, operation);
    if comparison.operations.is_empty() {
        heading(&mut out, "Operations that differ", terminal);
        let _ = writeln!(out, "  none");
    }
    let _ = writeln!(
        out,
        "  ({} the same, {} with too few measurements to tell)",
        comparison.same_count, comparison.not_enough_count
    );
    section(&mut out, "Calls that came, went, or changed in number", &comparison.structure, terminal, structure);
    if !comparison.attributes.is_empty() {
        section(&mut out, "Attributes that differ", &comparison.attributes, terminal, |one, _| {
            let value = one.value.as_deref().unwrap_or("(missing)");
            let with = match one.together_with.as_slice() {
                [] => String::new(),
                [other] => format!(", and with it {other}"),
                [other, more @ ..] => format!(", and with it {other} and {} more", more.len()),
            };
            let shares = format!("{} -> {}", percent(one.share_before), percent(one.share_after));
            printable(&format!("{shares} of the traces: {} = {value}{with}", one.key))
        });
    }
    cost(&mut out, &comparison.cost);
    out
}

fn sides(out: &mut String, comparison: &Comparison, terminal: Terminal) {
    let head =
        format!("\n{:<8} {:>8} {:>10} {:>10} {:>10} {:>10} {:>8}", "", "traces", "mean", "P50", "P95", "P99", "failed");
    let _ = writeln!(out, "{}", terminal.paint(Style::Bold, &head));
    let at = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), time);
    for (name, side) in [("before", &comparison.before), ("after", &comparison.after)] {
        let ComparedSide { duration, duration_mean, error_count, looked_at } = side;
        let _ = writeln!(
            out,
            "{name:<8} {:>8} {:>10} {:>10} {:>10} {:>10} {error_count:>8}",
            looked_at.trace_count,
            at(*duration_mean),
            at(duration.p50),
            at(duration.p95),
            at(duration.p99),
        );
    }
}

fn root_cause(out: &mut String, comparison: &Comparison, terminal: Terminal) {
    heading(out, "What made it slower", terminal);
    let cause = &comparison.root_cause;
    let answer = cause.answer.as_deref().unwrap_or("cannot tell");
    wrapped(out, "  ", &format!("{answer}: {}", cause.why), width(terminal));
    for suspect in cause.suspects.iter().filter(|suspect| suspect.score >= SCORE_SHOWN_MIN) {
        let text = format!(
            "{:>6.1}  {} in {}: P90 {} -> {}",
            suspect.score,
            suspect.service,
            suspect.place,
            time(suspect.p90_before),
            time(suspect.p90_after)
        );
        wrapped(out, "  ", &text, width(terminal));
    }
}

fn section<T>(out: &mut String, title: &str, lines: &[T], terminal: Terminal, print: impl Fn(&T, Terminal) -> String) {
    if lines.is_empty() {
        return;
    }
    heading(out, title, terminal);
    for line in lines.iter().take(LINES_MAX) {
        let text = print(line, terminal);
        let _ = writeln!(out, "  {}", text.trim_end());
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(out, "  {} more in --json", lines.len() - LINES_MAX);
    }
}

fn critical(one: &CriticalDifference, _: Terminal) -> String {
    let figures = format!("{} -> {}", time(one.mean_before), time(one.mean_after));
    let name = printable(&format!("{}:{}", one.service, one.operation));
    format!("{:>9}  {figures:<21} {name}", change(one.mean_after - one.mean_before))
}

fn operation(one: &OperationDifference, _: Terminal) -> String {
    let figures = match one.verdict {
        DifferenceVerdict::Added => counted(one.count_after, "span"),
        DifferenceVerdict::Removed => counted(one.count_before, "span"),
        DifferenceVerdict::MoreErrors | DifferenceVerdict::FewerErrors => {
            let share = |errors: u64, count: u64| percent(errors as f64 / count.max(1) as f64);
            let (before, after) =
                (share(one.errors_before, one.count_before), share(one.errors_after, one.count_after));
            format!("{before} -> {after} fail")
        }
        DifferenceVerdict::SlowerTail | DifferenceVerdict::FasterTail => {
            format!("P95 {} -> {}", time(one.p95_before), time(one.p95_after))
        }
        _ => format!("P50 {} -> {}", time(one.median_before), time(one.median_after)),
    };
    let name = printable(&format!("{}:{}", one.service, one.operation));
    format!("{:<12} {figures:<26} {name}", one.verdict.word())
}

fn structure(one: &StructureDifference, terminal: Terminal) -> String {
    let single = |share: f64| share == 0.0 || share == 1.0;
    let figures = match one.change {
        StructureChange::Added | StructureChange::Removed if single(one.share_before) && single(one.share_after) => {
            let mean = one.mean_before.max(one.mean_after);
            if mean > 1.0 { format!("{mean:.0} times") } else { String::new() }
        }
        StructureChange::Added | StructureChange::Removed => {
            format!("in {} -> {} of the traces", percent(one.share_before), percent(one.share_after))
        }
        _ => format!("{:.1} -> {:.1} a trace", one.mean_before, one.mean_after),
    };
    // The innermost names tell most: of a long path the beginning is cut.
    let path = printable(&one.path);
    let room = width(terminal).saturating_sub(41);
    let length = path.chars().count();
    let path =
        if length > room { format!("…{}", path.chars().skip(length - room + 1).collect::<String>()) } else { path };
    format!("{:<8} {figures:<29} {path}", one.change.word())
}
