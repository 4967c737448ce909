//! Finding and completeness make a verdict: the outcome table of the manual.
//!
//! | outcome | held for good | held so far | failed for good | absent | failed so far |
//! | --- | --- | --- | --- | --- | --- |
//! | complete | pass | pass | fail | fail | fail |
//! | quiet | pass | not evaluable | fail | fail | not evaluable |
//! | timed out | pass | not evaluable | fail | not evaluable | not evaluable |
//! | no span | not evaluable | not evaluable | not evaluable | not evaluable | not evaluable |

use super::{Finding, State};
use crate::report::{CompletenessReport, Outcome, Verdict};

/// The verdict, and why it could not be judged if it could not.
pub(crate) fn settle(finding: &Finding, completeness: &CompletenessReport, optional: bool) -> (Verdict, String) {
    use Outcome::{Complete, NoSpan, Quiet, TimedOut};
    let undecided = || (Verdict::NotEvaluable, incomplete(completeness));
    match (finding.state, completeness.outcome) {
        (_, NoSpan) => undecided(),
        (State::NotEvaluable, Complete) if optional => (Verdict::Pass, String::new()),
        (State::NotEvaluable, Complete) => (Verdict::NotEvaluable, finding.reason.clone()),
        (State::NotEvaluable, _) => {
            (Verdict::NotEvaluable, format!("{}; {}", finding.reason, incomplete(completeness)))
        }
        (State::HeldForGood, _) | (State::HeldSoFar, Complete) => (Verdict::Pass, String::new()),
        (State::FailedForGood, _) | (State::Absent | State::FailedSoFar, Complete) | (State::Absent, Quiet) => {
            (Verdict::Fail, String::new())
        }
        (State::HeldSoFar | State::FailedSoFar, Quiet | TimedOut) | (State::Absent, TimedOut) => undecided(),
    }
}

/// A finding about an answer, which is always whole.
pub(crate) fn settle_answer(finding: &Finding, optional: bool) -> (Verdict, String) {
    match finding.state {
        State::HeldForGood | State::HeldSoFar => (Verdict::Pass, String::new()),
        State::NotEvaluable if optional => (Verdict::Pass, String::new()),
        State::NotEvaluable => (Verdict::NotEvaluable, finding.reason.clone()),
        _ => (Verdict::Fail, String::new()),
    }
}

fn incomplete(completeness: &CompletenessReport) -> String {
    let there: Vec<String> =
        completeness.services.iter().map(|service| format!("{} {}", service.service, service.spans)).collect();
    let there = if there.is_empty() { "nothing".to_owned() } else { format!("spans of {}", there.join(", ")) };
    format!("the trace is {}: {}; received: {there}", name(completeness.outcome), completeness.reasons.join("; "))
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Quiet => "not whole",
        Outcome::TimedOut => "not whole, the wait timed out",
        Outcome::NoSpan => "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_table() {
        let states = [State::HeldForGood, State::HeldSoFar, State::FailedForGood, State::Absent, State::FailedSoFar];
        let check = |outcome, expected: &str| {
            let completeness = CompletenessReport { outcome, reasons: vec![], services: vec![], span_count: 1 };
            let row: Vec<&str> = states
                .iter()
                .map(|&state| match settle(&Finding::new(state, "", ""), &completeness, false).0 {
                    Verdict::Pass => "pass",
                    Verdict::Fail => "fail",
                    _ => "-",
                })
                .collect();
            assert_eq!(row.join(" "), expected, "{outcome:?}");
        };
        check(Outcome::Complete, "pass pass fail fail fail");
        check(Outcome::Quiet, "pass - fail fail -");
        check(Outcome::TimedOut, "pass - fail - -");
        check(Outcome::NoSpan, "- - - - -");
    }
}
