//! A run's report while it runs: what the page shows live.

use std::collections::BTreeMap;

use super::{RunReport, ScenarioReport, Verdict};
use crate::run::RunEvent;

/// Folds run events into the report so far.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    report: RunReport,
    names: Vec<String>,
    scenarios: BTreeMap<usize, ScenarioReport>,
}

impl Fold {
    /// Takes one event in.
    pub fn take(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Started { report, scenarios, .. } => {
                self.report = (**report).clone();
                self.names.clone_from(scenarios);
            }
            RunEvent::WarmingUp { .. } | RunEvent::AttemptStarted { .. } => {}
            RunEvent::AttemptEnded { scenario, report } => {
                let name = self.names.get(*scenario).cloned().unwrap_or_default();
                let so_far = self.scenarios.entry(*scenario).or_insert_with(|| ScenarioReport {
                    name,
                    line: 0,
                    verdict: report.verdict,
                    attempts: Vec::new(),
                    over_attempts: Vec::new(),
                    statistics: None,
                });
                so_far.attempts.push((**report).clone());
                so_far.attempts.sort_by_key(|attempt| attempt.attempt);
                so_far.verdict =
                    Verdict::worst(so_far.attempts.iter().map(|attempt| attempt.verdict)).unwrap_or(Verdict::Pass);
                self.refresh();
            }
            RunEvent::ScenarioEnded { scenario, report } => {
                self.scenarios.insert(*scenario, (**report).clone());
                self.refresh();
            }
            RunEvent::Ended { report } => self.report = (**report).clone(),
        }
    }

    fn refresh(&mut self) {
        self.report.scenarios = self.scenarios.values().cloned().collect();
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
