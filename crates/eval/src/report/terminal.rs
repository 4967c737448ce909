//! The report on a terminal: a progress line while it runs, then a table and what is wrong. What the suite, an answer or a
//! trace says goes through [`printable`], so that none of them can drive the terminal.

use std::fmt::Write as _;
use std::io;

use model::Duration;
use stdx::printable;

use super::style::{Ink, Style};
use super::{AssertionReport, AttemptReport, RunReport, ScenarioReport, Verdict};
use crate::run::RunEvent;

/// Whether the progress line may be rewritten in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A terminal: one line that is rewritten.
    Live,
    /// A file or a pipe: one line for each scenario.
    Plain,
}

/// Writes a run's progress to `out` while it runs, and its result when it ends.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    style: Style,
    progress: Progress,
    names: Vec<String>,
    total: usize,
    ended: usize,
    running: Vec<usize>,
    /// Rows that ended before one above them.
    rows: std::collections::BTreeMap<usize, String>,
    rows_told: usize,
}

impl<W: io::Write> Terminal<W> {
    /// Writes to `out`.
    pub fn new(out: W, style: Style, progress: Progress) -> Self {
        Self {
            out,
            style,
            progress,
            names: Vec::new(),
            total: 0,
            ended: 0,
            running: Vec::new(),
            rows: Default::default(),
            rows_told: 0,
        }
    }

    /// Tells one event.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn tell(&mut self, event: &RunEvent) -> io::Result<()> {
        match event {
            RunEvent::Started { report, scenarios, attempts } => {
                (self.names, self.total) = (scenarios.clone(), *attempts);
                let scenarios = counted(scenarios.len(), "scenario");
                let suite = printable(&report.suite);
                writeln!(self.out, "{suite}: {scenarios}, {}", counted(*attempts, "attempt"))?;
                for remark in &report.remarks {
                    writeln!(self.out, "{}", self.style.paint(Ink::Dim, remark))?;
                }
                Ok(())
            }
            RunEvent::WarmingUp { attempts } if self.progress == Progress::Live => {
                self.line(&format!("warming up with {}", counted(*attempts, "request")))
            }
            RunEvent::WarmingUp { .. } => Ok(()),
            RunEvent::AttemptStarted { scenario, .. } => {
                self.running.push(*scenario);
                self.show_progress()
            }
            RunEvent::AttemptEnded { scenario, .. } => {
                self.ended += 1;
                if let Some(position) = self.running.iter().position(|running| running == scenario) {
                    self.running.remove(position);
                }
                self.show_progress()
            }
            RunEvent::ScenarioEnded { report, scenario } if self.progress == Progress::Plain => {
                self.rows.insert(*scenario, row(report, name_width(&self.names), self.style));
                // In the order of the suite, whatever ended first.
                while let Some(row) = self.rows.remove(&self.rows_told) {
                    self.rows_told += 1;
                    writeln!(self.out, "{row}")?;
                }
                Ok(())
            }
            RunEvent::ScenarioEnded { .. } => Ok(()),
            RunEvent::Ended { report } => {
                if self.progress == Progress::Live {
                    write!(self.out, "\r\u{1b}[K")?;
                }
                for row in std::mem::take(&mut self.rows).into_values() {
                    writeln!(self.out, "{row}")?;
                }
                let text = match self.progress {
                    Progress::Live => table(report, self.style),
                    // Its rows were told one by one.
                    Progress::Plain => details(report, self.style),
                };
                write!(self.out, "{text}")?;
                self.out.flush()
            }
        }
    }

    fn show_progress(&mut self) -> io::Result<()> {
        if self.progress == Progress::Plain {
            return Ok(());
        }
        let names: Vec<&str> = self.running.iter().map(|&running| self.names[running].as_str()).collect();
        let line = format!("{}/{} done; running: {}", self.ended, self.total, names.join(", "));
        self.line(&line)
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        let text: String = printable(text).chars().take(self.style.width.saturating_sub(1)).collect();
        write!(self.out, "\r\u{1b}[K{}", self.style.paint(Ink::Dim, &text))?;
        self.out.flush()
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A finished run as a table, followed by what is wrong.
#[must_use]
pub fn table(report: &RunReport, style: Style) -> String {
    let names: Vec<String> = report.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    let width = name_width(&names);
    let mut text = String::new();
    for scenario in &report.scenarios {
        let _ = writeln!(text, "{}", row(scenario, width, style));
    }
    text + &details(report, style)
}

fn name_width(names: &[String]) -> usize {
    names.iter().map(|name| name.chars().count()).max().unwrap_or_default().clamp(8, 48)
}

fn row(scenario: &ScenarioReport, width: usize, style: Style) -> String {
    let (sign, ink) = sign(scenario.verdict);
    let verdict = style.paint(ink, &format!("{sign} {:<13}", scenario.verdict.words()));
    let name: String = printable(&scenario.name).chars().take(width).collect();
    let mut line = format!("{verdict} {name:<width$}");
    if let Some(first) = scenario.attempts.first() {
        let held = first.assertions.iter().filter(|assertion| assertion.verdict == Verdict::Pass).count();
        let duration = scenario.statistics.as_ref().map_or(first.duration, |statistics| statistics.duration_median);
        let _ = write!(line, "  {held:>2}/{:<2} held  {:>8}", first.assertions.len(), Duration(duration).to_string());
        let _ = write!(line, " {:>8}", format!("+{}", Duration(first.waited)));
        if let Some(statistics) = &scenario.statistics {
            let _ = write!(line, "  {}/{} passed", statistics.passed, scenario.attempts.len());
        }
        if let Some(trace) = &first.trace_id {
            let _ = write!(line, "  {}", style.paint(Ink::Dim, trace));
        }
    }
    line.trim_end().to_owned()
}

fn sign(verdict: Verdict) -> (&'static str, Ink) {
    match verdict {
        Verdict::Pass | Verdict::Improved => ("✓", Ink::Green),
        Verdict::Fail | Verdict::Regressed | Verdict::Error => ("✗", Ink::Red),
        Verdict::NotEvaluable | Verdict::Insufficient => ("?", Ink::Yellow),
        Verdict::Flaky => ("~", Ink::Yellow),
    }
}

fn details(report: &RunReport, style: Style) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        for attempt in &scenario.attempts {
            tell_attempt(&mut text, report, scenario, attempt, style);
        }
        for assertion in scenario.over_attempts.iter().filter(|assertion| assertion.verdict != Verdict::Pass) {
            let head = format!("{}: over all attempts", printable(&scenario.name));
            let _ = writeln!(text, "\n{}", style.paint(Ink::Bold, &head));
            tell_assertion(&mut text, report, assertion, style);
        }
    }
    for error in report.errors_beside() {
        let (sign, ink) = sign(Verdict::Error);
        let _ = writeln!(text, "\n{} {}", style.paint(ink, &format!("{sign} error")), printable(error));
    }
    let counts = [
        (report.counts.pass, "passed", Ink::Green),
        (report.counts.fail, "failed", Ink::Red),
        (report.counts.regressed, "regressed", Ink::Red),
        (report.counts.error, "could not be driven", Ink::Red),
        (report.counts.flaky, "flaky", Ink::Yellow),
        (report.counts.not_evaluable, "not evaluable", Ink::Yellow),
        (report.counts.insufficient, "insufficient", Ink::Yellow),
        (report.counts.improved, "improved", Ink::Green),
    ];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, ink)| style.paint(*ink, &format!("{count} {word}")))
        .collect();
    let parts = if parts.is_empty() { "nothing ran".to_owned() } else { parts.join(", ") };
    let interrupted = if report.interrupted { " (interrupted)" } else { "" };
    let _ = writeln!(text, "\n{parts} in {}{interrupted}", Duration(report.duration));
    text
}

fn tell_attempt(
    text: &mut String,
    report: &RunReport,
    scenario: &ScenarioReport,
    attempt: &AttemptReport,
    style: Style,
) {
    if attempt.verdict == Verdict::Pass {
        return;
    }
    let number = if scenario.attempts.len() > 1 { format!(", attempt {}", attempt.attempt + 1) } else { String::new() };
    let trace = attempt.trace_id.as_ref().map(|trace| format!("  trace {trace}")).unwrap_or_default();
    let name = style.paint(Ink::Bold, &printable(&scenario.name));
    let _ = writeln!(text, "\n{name}{number}{}", style.paint(Ink::Dim, &trace));
    if let Some(error) = &attempt.error {
        let _ = writeln!(text, "  {} {}", style.paint(Ink::Red, "✗ error"), printable(error));
    }
    for assertion in attempt.assertions.iter().filter(|assertion| assertion.verdict != Verdict::Pass) {
        tell_assertion(text, report, assertion, style);
    }
    for step in &attempt.steps {
        let Some(completeness) = &step.completeness else { continue };
        if completeness.outcome != super::Outcome::Complete {
            let reasons = completeness.reasons.join("; ");
            let line = format!("  {} trace {}: {reasons}", step.name, completeness.outcome.name());
            let _ = writeln!(text, "{}", style.paint(Ink::Dim, &printable(&line)));
        }
    }
}

fn tell_assertion(text: &mut String, report: &RunReport, assertion: &AssertionReport, style: Style) {
    let (sign, ink) = sign(assertion.verdict);
    let place = if report.file.is_empty() { String::new() } else { format!("  {}:{}", report.file, assertion.line) };
    let head = style.paint(ink, &format!("{sign} {}", assertion.verdict.words()));
    let _ = writeln!(text, "  {head} {}{}", printable(&assertion.text), style.paint(Ink::Dim, &printable(&place)));
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "      {label:<9} {}", printable(value));
        }
    };
    line("expected", &assertion.expected);
    line("found", &assertion.found);
    line("because", &assertion.reason);
    if assertion.verdict == Verdict::Fail {
        for span in &assertion.evidence {
            let note = if span.note.is_empty() { String::new() } else { format!(": {}", span.note) };
            line("span", &format!("{} {} {}{note}", span.span_id, span.service, span.name));
        }
    }
    if let Some(span) = &assertion.nearest {
        line("nearest", &format!("{} {} {}: {}", span.span_id, span.service, span.name, span.note));
    }
}
