//! `headwater explain` as text and as Markdown.

use std::fmt::Write as _;

use wire::{Explanation, Finding, FindingConfidence};

use super::{cost, counted, heading, looked_at, not_all, open_with, time, width, wrapped};
use crate::terminal::{Style, Terminal, printable};

/// For a terminal.
pub fn text(explanation: &Explanation, terminal: Terminal) -> String {
    let mut out = String::new();
    looked_at(&mut out, "", &explanation.looked_at, terminal);
    not_all(&mut out, &explanation.completeness, terminal);
    if explanation.findings.is_empty() {
        let _ = writeln!(out, "\n{}", nothing_found(explanation));
    }
    for (number, finding) in explanation.findings.iter().enumerate() {
        one(&mut out, number + 1, finding, terminal);
    }
    let _ = write!(out, "{}", left_out(explanation));
    data_flow(&mut out, explanation, terminal);
    if !explanation.cannot_tell.is_empty() {
        heading(&mut out, "Cannot tell", terminal);
        for told in &explanation.cannot_tell {
            wrapped(&mut out, "  ", &format!("{}: {}", told.analysis, told.why), width(terminal));
        }
    }
    for remark in &explanation.remarks {
        wrapped(&mut out, "! ", remark, width(terminal));
    }
    cost(&mut out, &explanation.cost);
    out
}

/// Flows printed; JSON has more.
const FLOWS_SHOWN: usize = 10;

/// `search:query db.response -> rag:answer prompt: 3 values, such as "doc-0042", in 12 of 40 traces`
fn data_flow(out: &mut String, explanation: &Explanation, terminal: Terminal) {
    if explanation.data_flow.is_empty() {
        return;
    }
    heading(out, "Data flow", terminal);
    for flow in explanation.data_flow.iter().take(FLOWS_SHOWN) {
        let text = format!(
            "{}:{} {} -> {}:{} {}: {}, such as {:?}, in {} of {}",
            flow.from_service,
            flow.from_operation,
            flow.from_key,
            flow.to_service,
            flow.to_operation,
            flow.to_key,
            counted(flow.values, "value"),
            flow.example,
            flow.trace_count,
            counted(flow.trace_total, "trace")
        );
        wrapped(out, "  ", &text, width(terminal));
    }
    let more = explanation.data_flow_count.saturating_sub(FLOWS_SHOWN as u64);
    if more > 0 {
        let _ = writeln!(out, "  … and {}, in --json", counted(more, "more flow"));
    }
}

fn nothing_found(explanation: &Explanation) -> String {
    match (explanation.suppressed_count, explanation.looked_at.trace_count) {
        (0, traces) => format!("Nothing was found in {}.", counted(traces, "trace")),
        (suppressed, _) => format!("Nothing was found but {}, suppressed.", counted(suppressed, "finding")),
    }
}

fn left_out(explanation: &Explanation) -> String {
    let more = explanation.finding_count.saturating_sub(explanation.findings.len() as u64);
    let suppressed = explanation.suppressed_count;
    let mut out = String::new();
    if more > 0 {
        let _ = writeln!(out, "\n{} with --top {}", counted(more, "more finding"), explanation.finding_count);
    }
    if suppressed > 0 && !explanation.findings.is_empty() {
        let _ = writeln!(out, "\n{} suppressed", counted(suppressed, "finding"));
    }
    out
}

fn one(out: &mut String, number: usize, finding: &Finding, terminal: Terminal) {
    let title = format!("{number:>2}. {}", printable(&finding.title));
    let _ = writeln!(out, "\n{}", terminal.paint(Style::Bold, &title));
    let width = width(terminal);
    let mut line = |label: &str, text: &str| {
        if !text.is_empty() {
            wrapped(out, &format!("    {label:<7} "), text, width);
        }
    };
    line("where", &finding.place.text);
    line("what", &finding.what);
    line("seen", &format!("in {} of {}", finding.trace_count, counted(finding.trace_total, "trace")));
    line("costs", &finding.cost.map_or_else(String::new, |cost| format!("{} a trace, median", time(cost))));
    line("saves", &saving(finding));
    line("sure", &sure(finding));
    line("next", &finding.next_step);
    line("look", &open_with(&finding.evidence).unwrap_or_default());
    line("id", &finding.id);
}

/// `12 ms a trace, median (at least 0 ns, P95 18 ms, at most 22 ms); 8.1k tokens; 0.12 $`
fn saving(finding: &Finding) -> String {
    let mut parts = Vec::new();
    if let Some(saving) = &finding.saving {
        parts.push(format!(
            "{} a trace, median (at least {}, P95 {}, at most {})",
            time(saving.median),
            time(saving.least),
            time(saving.p95),
            time(saving.most)
        ));
    }
    parts.extend(finding.tokens_saved.filter(|tokens| *tokens > 0).map(|tokens| counted(tokens, "token")));
    parts.extend(finding.money_saved.map(|usd| format!("{usd:.4} $")));
    if parts.len() > 1 || (finding.saving.is_none() && !parts.is_empty()) {
        let last = parts.len() - 1;
        parts[last] += " over all traces looked at";
    }
    parts.join("; ")
}

/// `evidence: seen in 90 traces; …`
fn sure(finding: &Finding) -> String {
    let word = confidence(finding.confidence);
    if finding.details.is_empty() { word.to_owned() } else { format!("{word}: {}", finding.details.join("; ")) }
}

fn confidence(confidence: FindingConfidence) -> &'static str {
    match confidence {
        FindingConfidence::CannotTell => "cannot tell",
        FindingConfidence::Hint => "a hint",
        FindingConfidence::Evidence => "evidence",
    }
}

/// For a pull request or a wiki.
pub fn markdown(explanation: &Explanation) -> String {
    let mut out = String::from("# Findings\n\n");
    let looked = &explanation.looked_at;
    let _ = writeln!(
        out,
        "Looked at {} with {}: {}.",
        counted(looked.trace_count, "trace"),
        counted(looked.span_count, "span"),
        code(&looked.text)
    );
    for reason in &explanation.completeness.reasons {
        let _ = writeln!(out, "\n> This is not all: {}", escaped(reason));
    }
    if explanation.findings.is_empty() {
        let _ = writeln!(out, "\n{}", nothing_found(explanation));
    }
    for (number, finding) in explanation.findings.iter().enumerate() {
        let _ = writeln!(out, "\n## {}. {}\n", number + 1, escaped(&finding.title));
        let mut line = |label: &str, text: &str| {
            if !text.is_empty() {
                let _ = writeln!(out, "- **{label}** {text}");
            }
        };
        line("where", &code(&finding.place.text));
        line("what", &escaped(&finding.what));
        line("seen", &format!("in {} of {}", finding.trace_count, counted(finding.trace_total, "trace")));
        line("costs", &finding.cost.map_or_else(String::new, |cost| format!("{} a trace, median", time(cost))));
        line("saves", &saving(finding));
        line("sure", &escaped(&sure(finding)));
        line("next", &escaped(&finding.next_step));
        line("look", &open_with(&finding.evidence).map_or_else(String::new, |command| code(&command)));
        line("id", &code(&finding.id));
    }
    out += &left_out(explanation);
    if !explanation.cannot_tell.is_empty() {
        out += "\n## Cannot tell\n\n";
        for told in &explanation.cannot_tell {
            let _ = writeln!(out, "- {}: {}", told.analysis, escaped(&told.why));
        }
    }
    out
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(if letter == '\n' { ' ' } else { letter });
    }
    out
}

/// A code span around any text: as many backticks as the text does not have in a row.
fn code(text: &str) -> String {
    let text = printable(text).replace('\n', " ");
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest > 0 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}
