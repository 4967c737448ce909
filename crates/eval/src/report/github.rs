//! Annotations as GitHub Actions reads them from the log of a step ("workflow commands"): a mark at the line of the suite
//! for each assertion that did not hold.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write as _;

use super::told::{Told, told};
use super::{RunReport, Verdict};

/// GitHub shows ten errors and ten warnings of a step; what comes after is only in the log.
const SHOWN: usize = 10;

/// The workflow commands of the run, one a line.
#[must_use]
pub fn github(report: &RunReport) -> String {
    let mut text = String::new();
    let all = told(report);
    for one in &all {
        let title = format!("{}: {}", one.scenario, one.verdict.words());
        let _ = write!(text, "::{} ", level(one.verdict, report.flaky_allowed));
        let mut separator = "";
        if !report.file.is_empty() {
            let _ = write!(text, "file={}", property(&report.file));
            separator = ",";
            if one.line > 0 {
                let _ = write!(text, ",line={}", one.line);
            }
        }
        let _ = writeln!(text, "{separator}title={}::{}", property(&title), message(&body(one)));
    }
    for error in report.errors_beside() {
        let _ = writeln!(text, "::error title=headwater::{}", message(error));
    }
    if all.len() > SHOWN {
        let _ = writeln!(
            text,
            "::notice title=headwater::{}",
            message(&format!("{} marks; GitHub shows the first {SHOWN} of a kind", all.len()))
        );
    }
    text
}

fn body(one: &Told<'_>) -> String {
    let mut text = one.text();
    if let Some(trace) = one.trace {
        let _ = write!(text, "\ntrace {trace}");
    }
    text
}

fn level(verdict: Verdict, flaky_allowed: bool) -> &'static str {
    match verdict {
        Verdict::Fail | Verdict::Regressed | Verdict::Error => "error",
        Verdict::Flaky if !flaky_allowed => "error",
        Verdict::Flaky | Verdict::NotEvaluable | Verdict::Insufficient => "warning",
        Verdict::Pass | Verdict::Improved => "notice",
    }
}

/// The message's own escapes: without them a text of a trace could start a command of its own.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
