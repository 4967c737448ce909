//! Markdown for a pull request: a table, and under it what is wrong.

use std::fmt::Write as _;

use model::Duration;

use super::{AssertionReport, RunReport, Verdict};

/// The run as Markdown.
#[must_use]
pub fn markdown(report: &RunReport) -> String {
    let mut text = format!("### {} {}\n\n", icon(report.verdict.unwrap_or(Verdict::Pass)), plain(&report.suite));
    text.push_str("| | scenario | verdict | held | answer | trace |\n| --- | --- | --- | ---: | ---: | --- |\n");
    for scenario in &report.scenarios {
        let first = scenario.attempts.first();
        let held = first.map_or(0, |attempt| attempt.assertions.iter().filter(|a| a.verdict == Verdict::Pass).count());
        let all = first.map_or(0, |attempt| attempt.assertions.len());
        let duration = first.map_or(0, |attempt| attempt.duration);
        // Of several attempts, one that shows what is wrong.
        let shown = scenario.attempts.iter().find(|attempt| attempt.verdict != Verdict::Pass).or(first);
        let trace = shown.and_then(|attempt| attempt.trace_id.as_deref()).unwrap_or_default();
        let trace = match report.link(trace).filter(|_| !trace.is_empty()) {
            Some(link) => format!("[`{trace}`](<{}>)", link.replace(['<', '>', '\n'], "")),
            None => format!("`{trace}`"),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {held}/{all} | {} | {trace} |",
            icon(scenario.verdict),
            plain(&scenario.name),
            scenario.verdict.words(),
            Duration(duration)
        );
    }
    for scenario in report.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass) {
        let _ = writeln!(text, "\n<details><summary>{}</summary>\n", plain(&scenario.name));
        for attempt in scenario.attempts.iter().filter(|attempt| attempt.verdict != Verdict::Pass) {
            if let Some(error) = &attempt.error {
                let _ = writeln!(text, "- {}", plain(error));
            }
            tell_assertions(&mut text, &attempt.assertions);
        }
        tell_assertions(&mut text, &scenario.over_attempts);
        text.push_str("\n</details>\n");
    }
    for error in report.errors_beside() {
        let _ = writeln!(text, "\n- **error** {}", plain(error));
    }
    let _ = writeln!(text, "\n{} in {}", summary(report), Duration(report.duration));
    text
}

/// Those that did not hold.
fn tell_assertions(text: &mut String, assertions: &[AssertionReport]) {
    for assertion in assertions.iter().filter(|assertion| assertion.verdict != Verdict::Pass) {
        let _ =
            writeln!(text, "- **{}** {} (line {})", assertion.verdict.words(), code(&assertion.text), assertion.line);
        for (label, value) in
            [("expected", &assertion.expected), ("found", &assertion.found), ("because", &assertion.reason)]
        {
            if !value.is_empty() {
                let _ = writeln!(text, "  - {label}: {}", plain(value));
            }
        }
        for span in &assertion.evidence {
            let _ = writeln!(
                text,
                "  - span `{}` {} {} {}",
                span.span_id,
                plain(&span.service),
                plain(&span.name),
                plain(&span.note)
            );
        }
    }
}

fn summary(report: &RunReport) -> String {
    let counts = &report.counts;
    let parts = [
        (counts.pass, "passed"),
        (counts.fail, "failed"),
        (counts.error, "could not be driven"),
        (counts.flaky, "flaky"),
        (counts.not_evaluable, "not evaluable"),
        (counts.insufficient, "insufficient"),
        (counts.regressed, "regressed"),
        (counts.improved, "improved"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { "nothing ran".to_owned() } else { parts.join(", ") }
}

fn icon(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass | Verdict::Improved => "✅",
        Verdict::Fail | Verdict::Regressed | Verdict::Error => "❌",
        Verdict::NotEvaluable | Verdict::Insufficient => "❔",
        Verdict::Flaky => "⚠️",
    }
}

/// Text from traces and answers must not become markup: everything that Markdown or HTML reads is escaped.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\r' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '@' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Inline code, in as many backticks as the text asks for.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}
