//! What did not hold, one by one, with its place: what annotations and SARIF are made of.

use super::{AssertionReport, RunReport, Verdict};

/// One thing that did not hold, or could not be judged or driven.
pub(super) struct Told<'a> {
    pub scenario: &'a str,
    pub verdict: Verdict,
    /// From 1; 0 when unknown.
    pub line: u32,
    pub trace: Option<&'a str>,
    /// None for an attempt that could not be driven.
    pub assertion: Option<&'a AssertionReport>,
    pub error: Option<&'a str>,
}

impl Told<'_> {
    /// In words.
    pub fn text(&self) -> String {
        let Some(assertion) = self.assertion else { return self.error.unwrap_or_default().to_owned() };
        let parts = [("expected", &assertion.expected), ("found", &assertion.found), ("because", &assertion.reason)];
        let mut text = assertion.text.clone();
        for (label, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("\n{label}: {value}"));
        }
        if let Some(nearest) = &assertion.nearest {
            text.push_str(&format!("\nnearest: {} {}: {}", nearest.service, nearest.name, nearest.note));
        }
        text
    }
}

/// All of a run, each once: what several attempts of a scenario found alike is told of the first of them.
pub(super) fn told(report: &RunReport) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for scenario in report.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass) {
        let first = all.len();
        for attempt in &scenario.attempts {
            let trace = attempt.trace_id.as_deref();
            if let Some(error) = &attempt.error {
                push(
                    &mut all,
                    first,
                    Told {
                        scenario: &scenario.name,
                        verdict: Verdict::Error,
                        line: scenario.line,
                        trace,
                        assertion: None,
                        error: Some(error),
                    },
                );
            }
            for assertion in attempt.assertions.iter().filter(|assertion| did_not_hold(assertion.verdict)) {
                let verdict = if scenario.verdict == Verdict::Flaky { Verdict::Flaky } else { assertion.verdict };
                push(
                    &mut all,
                    first,
                    Told {
                        scenario: &scenario.name,
                        verdict,
                        line: assertion.line,
                        trace,
                        assertion: Some(assertion),
                        error: None,
                    },
                );
            }
        }
        for assertion in scenario.over_attempts.iter().filter(|assertion| did_not_hold(assertion.verdict)) {
            push(
                &mut all,
                first,
                Told {
                    scenario: &scenario.name,
                    verdict: assertion.verdict,
                    line: assertion.line,
                    trace: None,
                    assertion: Some(assertion),
                    error: None,
                },
            );
        }
    }
    all
}

fn did_not_hold(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Pass | Verdict::Improved)
}

fn push<'a>(all: &mut Vec<Told<'a>>, first: usize, told: Told<'a>) {
    let key = |told: &Told<'a>| (told.error, told.assertion.map(|one| (one.text.as_str(), one.line)));
    if !all[first..].iter().any(|other| key(other) == key(&told)) {
        all.push(told);
    }
}
