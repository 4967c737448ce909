//! JUnit XML, as Maven Surefire writes it and every CI reads it: a test suite for each run, a test case for each scenario.
//!
//! A failed scenario is a `<failure>`, one that could not be driven an `<error>`, one that is not evaluable `<skipped>` with
//! its reason (exit code 3 still fails the job). Of a flaky scenario, the failed attempts are `<flakyFailure>`s.

use std::fmt::Write as _;

use super::{AttemptReport, RunReport, ScenarioReport, Verdict};

/// The run as JUnit XML.
#[must_use]
pub fn junit(report: &RunReport) -> String {
    let counts = &report.counts;
    let beside = report.errors_beside();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        xml,
        "<testsuite name=\"{}\" time=\"{}\" tests=\"{}\" errors=\"{}\" skipped=\"{}\" failures=\"{}\">",
        escaped(&report.suite),
        seconds(report.duration),
        counts.total() as usize + beside.len(),
        counts.error as usize + beside.len(),
        counts.not_evaluable + counts.insufficient,
        counts.fail + counts.regressed,
    );
    let properties = [
        ("headwater.run", report.run.as_str()),
        ("headwater.version", report.version.as_str()),
        ("headwater.configuration_hash", report.configuration_hash.as_str()),
        ("headwater.commit", report.commit.as_deref().unwrap_or_default()),
        ("headwater.page", report.page.as_deref().unwrap_or_default()),
    ];
    let properties = properties.into_iter().filter(|(_, value)| !value.is_empty());
    xml.push_str("  <properties>\n");
    for (name, value) in properties {
        let _ = writeln!(xml, "    <property name=\"{name}\" value=\"{}\"/>", escaped(value));
    }
    xml.push_str("  </properties>\n");
    for scenario in &report.scenarios {
        case(&mut xml, report, scenario);
    }
    for error in beside {
        let _ = writeln!(
            xml,
            "  <testcase name=\"teardown\" classname=\"{}\" time=\"0.000\">\n    <error message=\"{}\" type=\"error\"/>\n  </testcase>",
            escaped(&report.suite),
            escaped(error)
        );
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn case(xml: &mut String, report: &RunReport, scenario: &ScenarioReport) {
    let time: i64 = scenario.attempts.iter().map(|attempt| attempt.duration + attempt.waited).sum();
    let _ = writeln!(
        xml,
        "  <testcase name=\"{}\" classname=\"{}\" time=\"{}\">",
        escaped(&scenario.name),
        escaped(&report.suite),
        seconds(time)
    );
    let worst = scenario.attempts.iter().find(|attempt| attempt.verdict == scenario.verdict);
    let told = |attempt: Option<&AttemptReport>| {
        let over = scenario.over_attempts.iter();
        let lines: Vec<String> = attempt
            .into_iter()
            .flat_map(|attempt| attempt.assertions.iter())
            .chain(over)
            .filter(|assertion| assertion.verdict != Verdict::Pass)
            .map(|assertion| {
                let mut line =
                    format!("{}: {} ({}:{})", assertion.verdict.words(), assertion.text, report.file, assertion.line);
                for (label, value) in
                    [("expected", &assertion.expected), ("found", &assertion.found), ("because", &assertion.reason)]
                {
                    if !value.is_empty() {
                        let _ = write!(line, "\n  {label}: {value}");
                    }
                }
                line
            })
            .chain(attempt.and_then(|attempt| attempt.error.clone()))
            .collect();
        lines.join("\n")
    };
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    match scenario.verdict {
        Verdict::Pass | Verdict::Improved => {}
        Verdict::Fail | Verdict::Regressed => {
            let text = told(worst);
            let message = first_line(&text);
            let _ = writeln!(
                xml,
                "    <failure message=\"{}\" type=\"{}\">{}</failure>",
                escaped(&message),
                scenario.verdict.name(),
                escaped(&text)
            );
        }
        Verdict::Error => {
            let text = told(worst);
            let message = first_line(&text);
            let _ =
                writeln!(xml, "    <error message=\"{}\" type=\"error\">{}</error>", escaped(&message), escaped(&text));
        }
        Verdict::NotEvaluable | Verdict::Insufficient => {
            let text = told(worst);
            let message = text.replace("\n  ", "; ").replace('\n', "; ");
            let _ = writeln!(xml, "    <skipped message=\"{}\"/>", escaped(&message));
        }
        Verdict::Flaky => {
            for attempt in scenario.attempts.iter().filter(|attempt| attempt.verdict == Verdict::Fail) {
                let text = told(Some(attempt));
                let _ = writeln!(
                    xml,
                    "    <flakyFailure message=\"attempt {}: {}\" type=\"fail\"><stackTrace>{}</stackTrace></flakyFailure>",
                    attempt.attempt + 1,
                    escaped(&first_line(&text)),
                    escaped(&text)
                );
            }
        }
    }
    let traces: Vec<String> = scenario
        .attempts
        .iter()
        .filter_map(|attempt| attempt.trace_id.as_deref())
        .map(|trace| format!("trace {}", report.link(trace).unwrap_or_else(|| trace.to_owned())))
        .collect();
    if !traces.is_empty() {
        let _ = writeln!(xml, "    <system-out>{}</system-out>", escaped(&traces.join("\n")));
    }
    xml.push_str("  </testcase>\n");
}

fn seconds(nanos: i64) -> String {
    format!("{:.3}", nanos as f64 / 1e9)
}

/// Escapes what XML reserves, and leaves out what XML 1.0 cannot hold at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
