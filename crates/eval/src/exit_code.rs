//! What a run's process answers with.
//!
//! The worst wins in the order of the table, read from the top.
//!
//! | code | when |
//! | --- | --- |
//! | 130 | interrupted |
//! | 2 | usage or configuration is wrong, or nothing was selected |
//! | 4 | infrastructure: a scenario could not be driven (`error`) |
//! | 1 | failed, regressed, or flaky unless flaky is allowed |
//! | 3 | not evaluable or insufficient |
//! | 0 | everything passed |

use crate::report::Verdict;

/// An exit code of `headwater eval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub u8);

impl ExitCode {
    /// Everything passed.
    pub const PASS: Self = Self(0);
    /// Failed, regressed or flaky.
    pub const FAILED: Self = Self(1);
    /// Usage or configuration.
    pub const USAGE: Self = Self(2);
    /// Not evaluable or insufficient.
    pub const NOT_EVALUABLE: Self = Self(3);
    /// Infrastructure.
    pub const INFRASTRUCTURE: Self = Self(4);
    /// Interrupted.
    pub const INTERRUPTED: Self = Self(130);
}

/// Whether a flaky scenario fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Flaky {
    /// It does.
    #[default]
    Fails,
    /// It does not (`--allow-flaky`).
    Allowed,
}

/// The exit code of scenarios with these verdicts. Nothing selected is a mistake of usage, not a pass.
#[must_use]
pub fn exit_code(verdicts: impl IntoIterator<Item = Verdict>, flaky: Flaky) -> ExitCode {
    let mut worst = None;
    for verdict in verdicts {
        let code = code_of(verdict, flaky);
        if worst.is_none_or(|worst| severity(code) > severity(worst)) {
            worst = Some(code);
        }
    }
    worst.unwrap_or(ExitCode::USAGE)
}

fn code_of(verdict: Verdict, flaky: Flaky) -> ExitCode {
    match verdict {
        Verdict::Pass | Verdict::Improved => ExitCode::PASS,
        Verdict::Flaky if flaky == Flaky::Allowed => ExitCode::PASS,
        Verdict::Fail | Verdict::Regressed | Verdict::Flaky => ExitCode::FAILED,
        Verdict::NotEvaluable | Verdict::Insufficient => ExitCode::NOT_EVALUABLE,
        Verdict::Error => ExitCode::INFRASTRUCTURE,
    }
}

fn severity(code: ExitCode) -> u8 {
    match code {
        ExitCode::PASS => 0,
        ExitCode::NOT_EVALUABLE => 1,
        ExitCode::FAILED => 2,
        ExitCode::INFRASTRUCTURE => 3,
        ExitCode::USAGE => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins() {
        let check = |verdicts: &[Verdict], code| assert_eq!(exit_code(verdicts.iter().copied(), Flaky::Fails).0, code);
        check(&[Verdict::Pass, Verdict::Improved], 0);
        check(&[Verdict::Pass, Verdict::NotEvaluable], 3);
        check(&[Verdict::Insufficient, Verdict::Fail], 1);
        check(&[Verdict::Fail, Verdict::Error, Verdict::NotEvaluable], 4);
        check(&[Verdict::Flaky], 1);
        check(&[], 2);
        assert_eq!(exit_code([Verdict::Flaky], Flaky::Allowed), ExitCode::PASS);
    }
}
