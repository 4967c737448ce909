//! A sweep as a table: for a terminal, and as Markdown.

use std::fmt::Write as _;

use model::Duration;
use stdx::printable;

use super::style::{Ink, Style};
use super::{CleanRun, ProxiedEdge, SweepReport, SweepRow, SweepScenario};

const HEADS: [&str; 8] = ["call", "fault", "hit", "answer", "latency", "errors in", "began as", "trace"];

/// The whole sweep for a terminal.
#[must_use]
pub fn sweep_table(report: &SweepReport, style: Style) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        let _ = writeln!(text, "\n{}: {}", style.paint(Ink::Bold, &printable(&scenario.name)), clean(&scenario.clean));
        let rows: Vec<[String; 8]> = cells(scenario);
        if !rows.is_empty() {
            let widths: Vec<usize> = (0..HEADS.len())
                .map(|column| {
                    rows.iter().map(|row| row[column].chars().count()).chain([HEADS[column].len()]).max().unwrap_or(0)
                })
                .collect();
            let line = |row: &[String]| {
                let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
            };
            let _ = writeln!(text, "  {}", style.paint(Ink::Dim, &line(&HEADS.map(str::to_owned))));
            for row in &rows {
                let _ = writeln!(text, "  {}", line(row));
            }
        }
        for edge in &scenario.unswept {
            let _ = writeln!(text, "  not swept: {} ({})", printable(&edge.edge), edge.reason);
        }
    }
    for remark in report.errors.iter().chain(&report.remarks) {
        let _ = writeln!(text, "{}", printable(remark));
    }
    let _ = writeln!(text, "\n{}", totals(report));
    text
}

/// The whole sweep as Markdown, for a pull request.
#[must_use]
pub fn sweep_markdown(report: &SweepReport) -> String {
    let mut text = format!("## Sweep of {}\n", printable(&report.suite));
    for scenario in &report.scenarios {
        let _ = writeln!(text, "\n### {}\n\n{}\n", printable(&scenario.name), clean(&scenario.clean));
        let _ = writeln!(text, "| {} |\n|{}", HEADS.join(" | "), " --- |".repeat(HEADS.len()));
        for row in cells(scenario) {
            let _ = writeln!(text, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
        for edge in &scenario.unswept {
            let _ = writeln!(text, "\nNot swept: {} ({})", printable(&edge.edge), edge.reason);
        }
    }
    let _ = writeln!(text, "\n{}", totals(report));
    text
}

/// What happened on each proxied call, a line each; nothing where no proxy stands.
#[must_use]
pub fn proxies_told(proxies: &[ProxiedEdge]) -> String {
    let mut text = String::new();
    let width = proxies.iter().map(|edge| edge.edge.chars().count()).max().unwrap_or(0);
    for edge in proxies {
        let mut told = format!("{} requests, {} hit", edge.requests, edge.hit);
        for (kind, count) in &edge.faults {
            let _ = write!(told, ", {kind} {count}");
        }
        let seen = [
            (edge.without_context, "without trace context"),
            (edge.unreachable, "callee not reached"),
            (edge.broken, "broken by the callee"),
        ];
        for (count, what) in seen.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(told, ", {count} {what}");
        }
        let _ = writeln!(text, "proxy  {:<width$}  {told}", printable(&edge.edge));
    }
    text
}

/// One line about a run with a fault, for those who wait.
#[must_use]
pub fn sweep_progress(scenario: &str, row: &SweepRow) -> String {
    format!("{}: {} {}: {}", printable(scenario), printable(&row.edge), row.fault, answer(row))
}

fn clean(clean: &CleanRun) -> String {
    if let Some(error) = &clean.error {
        return format!("no answer without a fault: {}", printable(error));
    }
    let status = clean.status.map(|status| status.to_string()).unwrap_or_default();
    let whole = if clean.whole {
        "its trace is whole".to_owned()
    } else {
        format!(
            "its trace is not whole ({}), so what is missing below cannot be blamed on a fault",
            clean.reasons.join("; ")
        )
    };
    format!("without a fault {status} in {}; {whole}", Duration(clean.duration))
}

/// A call is named once, at its first fault.
fn cells(scenario: &SweepScenario) -> Vec<[String; 8]> {
    let mut last = "";
    let cells = scenario.rows.iter().map(|row| {
        let edge = if row.edge == last { String::new() } else { printable(&row.edge) };
        last = &row.edge;
        [
            edge,
            row.fault.clone(),
            format!("{}/{}", row.hits, row.requests),
            answer(row),
            latency(row),
            or_dash(printable(&row.erring.join(", "))),
            or_dash(origins(row)),
            trace(row),
        ]
    });
    cells.collect()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn answer(row: &SweepRow) -> String {
    if row.hits == 0 {
        return "not met".to_owned();
    }
    match (row.status, row.handled, row.erring.is_empty()) {
        (None, ..) => format!("none: {}", printable(row.error.as_deref().unwrap_or_default())),
        (Some(status), true, true) => format!("{status}, unnoticed"),
        (Some(status), true, false) => format!("{status}, handled"),
        (Some(status), false, _) => match &row.reaches {
            Some(service) => format!("{status}, reached {}", printable(service)),
            None => status.to_string(),
        },
    }
}

fn latency(row: &SweepRow) -> String {
    if row.added < 0 { Duration(row.added).to_string() } else { format!("+{}", Duration(row.added)) }
}

fn trace(row: &SweepRow) -> String {
    let missing = match row.missing.len() {
        0 => String::new(),
        1..=NAMED_MAX => printable(&row.missing.join(", ")),
        more => format!("{more} services"),
    };
    match (row.whole, missing.is_empty()) {
        (true, true) => "whole".to_owned(),
        (true, false) => format!("whole, without {missing}"),
        (false, true) => "not whole".to_owned(),
        (false, false) => format!("broken: lost {missing}"),
    }
}

/// Services that a cell names; of more, their number.
const NAMED_MAX: usize = 3;

/// Where errors began, each once with how often.
fn origins(row: &SweepRow) -> String {
    let mut told: Vec<(&str, usize)> = Vec::new();
    for origin in &row.origins {
        match told.iter_mut().find(|(known, _)| known == origin) {
            Some((_, count)) => *count += 1,
            None => told.push((origin, 1)),
        }
    }
    let told = told.into_iter().map(|(origin, count)| {
        let times = if count > 1 { format!(" ({count}x)") } else { String::new() };
        format!("{}{times}", printable(origin))
    });
    told.take(NAMED_MAX).collect::<Vec<_>>().join("; ")
}

fn totals(report: &SweepReport) -> String {
    let rows = || report.scenarios.iter().flat_map(|scenario| &scenario.rows);
    let count = |test: &dyn Fn(&SweepRow) -> bool| rows().filter(|row| test(row)).count();
    let missed = count(&|row| row.hits == 0);
    let missed = if missed == 0 { String::new() } else { format!("; {missed} never met a request") };
    format!(
        "{} faults: {} kept the answer's status, {} changed it, {} broke the trace{missed}",
        rows().count(),
        count(&|row| row.hits > 0 && row.handled),
        count(&|row| row.hits > 0 && !row.handled),
        count(&|row| row.hits > 0 && !row.whole),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{UnsweptEdge, sweep_exit_code};

    fn row(edge: &str, fault: &str) -> SweepRow {
        SweepRow {
            edge: edge.to_owned(),
            fault: fault.to_owned(),
            rule: format!("{edge}: …"),
            trace_id: Some("5b8aa5a2d2c872e8321cf37308d69df2".to_owned()),
            requests: 1,
            hits: 1,
            status: Some(200),
            error: None,
            handled: true,
            erring: Vec::new(),
            origins: Vec::new(),
            reaches: None,
            duration: 65_000_000,
            added: 5_000_000,
            whole: true,
            missing: Vec::new(),
            reasons: Vec::new(),
        }
    }

    fn report() -> SweepReport {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let broken = SweepRow {
            status: Some(502),
            handled: false,
            requests: 3,
            hits: 3,
            erring: texts(&["gateway", "rag"]),
            origins: texts(&["error in rag -> llm", "error in rag -> llm", "timeout in a\u{1b} -> b"]),
            reaches: Some("gateway".to_owned()),
            missing: texts(&["llm"]),
            added: -2_000_000,
            ..row("rag -> llm", "status")
        };
        let lost = SweepRow {
            whole: false,
            missing: texts(&["cache", "llm", "rag", "search"]),
            ..row("gateway -> orchestrator", "lost context")
        };
        let handled = SweepRow { erring: texts(&["rag"]), ..row("rag -> llm", "drop") };
        let silent = SweepRow {
            status: None,
            handled: false,
            error: Some("no answer within 3 s".to_owned()),
            ..row("rag -> llm", "delay")
        };
        let clean = CleanRun {
            trace_id: None,
            status: Some(200),
            error: None,
            duration: 60_000_000,
            whole: true,
            services: texts(&["gateway"]),
            reasons: Vec::new(),
        };
        let scenario = SweepScenario {
            name: "happy path".to_owned(),
            line: 3,
            clean,
            rows: vec![lost, row("rag -> llm", "truncate"), broken, handled, silent],
            unswept: vec![UnsweptEdge { edge: "rag -> db".to_owned(), reason: "no proxy stands on it".to_owned() }],
        };
        SweepReport { suite: "shop".to_owned(), scenarios: vec![scenario], ..SweepReport::default() }
    }

    #[test]
    fn a_sweep_for_people() {
        insta::assert_snapshot!("terminal", sweep_table(&report(), Style::default()));
        insta::assert_snapshot!("markdown", sweep_markdown(&report()));
    }

    #[test]
    fn what_a_sweep_answers_with() {
        let check = |change: &dyn Fn(&mut SweepReport), code: u8| {
            let mut report = report();
            change(&mut report);
            assert_eq!(sweep_exit_code(&report).0, code);
        };
        check(&|_| {}, 0);
        check(&|report| report.scenarios[0].rows[1].hits = 0, 3);
        check(&|report| report.scenarios[0].clean.whole = false, 3);
        check(&|report| report.scenarios[0].clean.error = Some("refused".to_owned()), 4);
        check(&|report| report.errors.push("the set-up failed".to_owned()), 4);
        check(&|report| report.scenarios[0].rows.clear(), 2);
        check(&|report| report.scenarios.clear(), 2);
        check(&|report| report.interrupted = true, 130);
    }
}
