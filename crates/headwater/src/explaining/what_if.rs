//! `headwater whatif` as text.

use std::fmt::Write as _;

use wire::{Spread, WhatIfAnswer};

use super::{change, cost, counted, heading, looked_at, not_all, time, width, wrapped};
use crate::terminal::{Style, Terminal, printable};

/// For a terminal.
pub fn text(answer: &WhatIfAnswer, terminal: Terminal) -> String {
    let mut out = String::new();
    looked_at(&mut out, "", &answer.looked_at, terminal);
    not_all(&mut out, &answer.completeness, terminal);
    let head = format!("\n{:<16} {:>10} {:>10} {:>10}", "", "P50", "P95", "P99");
    let _ = writeln!(out, "{}", terminal.paint(Style::Bold, &head));
    row(&mut out, "now", &answer.before);
    row(&mut out, if answer.changes.len() > 1 { "with all changes" } else { "with the change" }, &answer.after);
    let _ = writeln!(
        out,
        "{:<16} {:>10} {:>10} {:>10}",
        "difference",
        difference(answer, |s| s.p50),
        difference(answer, |s| s.p95),
        difference(answer, |s| s.p99)
    );
    let _ = writeln!(
        out,
        "\n{} of {} would change{}",
        answer.changed_count,
        counted(answer.looked_at.trace_count, "trace"),
        saved(&answer.saving)
    );
    if answer.changes.len() > 1 {
        heading(&mut out, "Each change alone (together they may hide each other, so they do not add up)", terminal);
        for effect in &answer.changes {
            let text = format!(
                "{}: {} in {}{}",
                effect.text,
                counted(effect.span_count, "span"),
                counted(effect.changed_count, "trace"),
                saved(&effect.saving)
            );
            wrapped(&mut out, "  ", &text, width(terminal));
        }
    }
    if !answer.examples.is_empty() {
        heading(&mut out, "Traces that would change most", terminal);
        for example in answer.examples.iter().take(5) {
            let _ = writeln!(
                out,
                "  headwater trace {}   {} -> {}",
                printable(&example.trace_id),
                time(example.before),
                time(example.after)
            );
        }
    }
    out.push('\n');
    for remark in &answer.remarks {
        wrapped(&mut out, "! ", remark, width(terminal));
    }
    cost(&mut out, &answer.cost);
    out
}

fn row(out: &mut String, name: &str, spread: &Spread) {
    let at = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), time);
    let _ = writeln!(out, "{name:<16} {:>10} {:>10} {:>10}", at(spread.p50), at(spread.p95), at(spread.p99));
}

fn difference(answer: &WhatIfAnswer, at: impl Fn(&Spread) -> Option<i64>) -> String {
    match (at(&answer.before), at(&answer.after)) {
        (Some(before), Some(after)) => change(after - before),
        _ => "-".to_owned(),
    }
}

/// `, each ending 12 ms sooner (median; P95 18 ms)`
fn saved(spread: &Spread) -> String {
    match (spread.p50, spread.p95) {
        (Some(p50), Some(p95)) if p50 >= 0 => format!(", ending {} sooner (median; P95 {})", time(p50), time(p95)),
        (Some(p50), _) => format!(", ending {} later (median)", time(p50.saturating_neg())),
        _ => String::new(),
    }
}
