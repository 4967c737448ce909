//! A run's report while it runs: what the page shows live.

use super::{RunReport, ScenarioReport, Verdict};
use crate::run::RunEvent;

/// Folds run events into the report so far.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    report: RunReport,
    names: Vec<String>,
    /// Which scenario each of the report's is, in the order of the suite.
    positions: Vec<usize>,
}

impl Fold {
    /// Takes one event in; whether the report changed by it.
    pub fn take(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::Started { report, scenarios, .. } => {
                self.report = (**report).clone();
                self.names.clone_from(scenarios);
            }
            RunEvent::WarmingUp { .. } | RunEvent::AttemptStarted { .. } => return false,
            RunEvent::AttemptEnded { scenario, report } => {
                let so_far = self.scenario(*scenario);
                so_far.attempts.push((**report).clone());
                so_far.attempts.sort_by_key(|attempt| attempt.attempt);
                so_far.verdict =
                    Verdict::worst(so_far.attempts.iter().map(|attempt| attempt.verdict)).unwrap_or(Verdict::Pass);
                self.count();
            }
            RunEvent::ScenarioEnded { scenario, report } => {
                *self.scenario(*scenario) = (**report).clone();
                self.count();
            }
            RunEvent::Ended { report } => self.report = (**report).clone(),
        }
        true
    }

    /// The report of the scenario at `position` among the names.
    fn scenario(&mut self, position: usize) -> &mut ScenarioReport {
        let at = self.positions.binary_search(&position).unwrap_or_else(|at| {
            self.positions.insert(at, position);
            let name = self.names.get(position).cloned().unwrap_or_default();
            let empty = ScenarioReport {
                name,
                line: 0,
                verdict: Verdict::Pass,
                attempts: Vec::new(),
                over_attempts: Vec::new(),
                statistics: None,
                profile: None,
            };
            self.report.scenarios.insert(at, empty);
            at
        });
        &mut self.report.scenarios[at]
    }

    fn count(&mut self) {
        self.report.counts = super::VerdictCounts::default();
        for scenario in &self.report.scenarios {
            self.report.counts.add(scenario.verdict);
        }
    }

    /// The report so far.
    #[must_use]
    pub fn report(&self) -> &RunReport {
        &self.report
    }
}
