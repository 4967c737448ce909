//! Why each trace was judged when it was, and what each assertion saw (`headwater eval --explain`).

use std::fmt::Write as _;

use model::Duration;
use stdx::printable;

use super::{AssertionReport, RunReport, StepReport};

/// A run, attempt by attempt: how long each trace was waited for, why that was enough, what it held, and each assertion.
#[must_use]
pub fn explain(report: &RunReport) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        for attempt in &scenario.attempts {
            let _ = writeln!(
                text,
                "\n{}, attempt {}: {}, answered in {}, judged {} later",
                printable(&scenario.name),
                attempt.attempt + 1,
                attempt.verdict.words(),
                Duration(attempt.duration),
                Duration(attempt.waited)
            );
            attempt.steps.iter().for_each(|step| tell_step(&mut text, step));
            attempt.assertions.iter().for_each(|assertion| tell(&mut text, assertion));
        }
        if !scenario.over_attempts.is_empty() {
            let _ = writeln!(text, "\n{}, over all attempts", printable(&scenario.name));
            scenario.over_attempts.iter().for_each(|assertion| tell(&mut text, assertion));
        }
    }
    text
}

fn tell_step(text: &mut String, step: &StepReport) {
    let Some(completeness) = &step.completeness else {
        let _ = writeln!(text, "  {}: no assertion needs its trace", printable(&step.name));
        return;
    };
    let _ = writeln!(
        text,
        "  {}: the trace is {}, {} spans",
        printable(&step.name),
        completeness.outcome.name(),
        completeness.span_count
    );
    for reason in &completeness.reasons {
        let _ = writeln!(text, "    because {}", printable(reason));
    }
    let services: Vec<String> =
        completeness.services.iter().map(|service| format!("{} {}", service.service, service.spans)).collect();
    if !services.is_empty() {
        let _ = writeln!(text, "    spans of {}", printable(&services.join(", ")));
    }
}

fn tell(text: &mut String, assertion: &AssertionReport) {
    let line = format!("  {:<13} {}", assertion.verdict.words(), assertion.text);
    let _ = writeln!(text, "{}", printable(&line));
    for (label, value) in [("found", &assertion.found), ("because", &assertion.reason)] {
        if !value.is_empty() {
            let _ = writeln!(text, "      {label} {}", printable(value));
        }
    }
}
