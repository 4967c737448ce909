//! Which scenarios run, how often, in which order.

use std::fmt;
use std::sync::Arc;

use stdx::{Random, SeededRandom};

use crate::exit_code::Flaky;
use crate::limits::{CONCURRENCY_MAX, REPEAT_MAX};
use crate::report::RunReport;
use crate::suite::{RunSettings, Suite, listed, nearest};

/// What the command line says over the suite.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Only scenarios whose name contains one of these; all if empty.
    pub filter: Vec<String>,
    /// Judged attempts of each scenario, over all that the suite says.
    pub repeat: Option<u32>,
    /// Attempts at once.
    pub concurrency: Option<u32>,
    /// Seed of the order of attempts.
    pub seed: Option<u64>,
    /// Whether flaky fails the run.
    pub flaky: Flaky,
    /// Leave assertions on traces out and do not wait for traces.
    pub without_traces: bool,
    /// Judge this run again: its traces are looked up, nothing is driven.
    pub again: Option<Arc<RunReport>>,
    /// The commit, where known.
    pub commit: Option<String>,
    /// The branch, where known.
    pub branch: Option<String>,
    /// Where traces can be looked at later, for links in reports.
    pub page: Option<String>,
    /// Headwater's version, for the report.
    pub version: String,
}

/// A suite and what of it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) suite: Arc<Suite>,
    /// Positions of the scenarios that run, in the order of the suite.
    pub(crate) scenarios: Vec<usize>,
    pub(crate) settings: RunSettings,
    pub(crate) options: RunOptions,
}

/// Nothing can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// What is wrong and what there is, for people.
    pub message: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Selects what runs.
    ///
    /// # Errors
    /// When a filter selects nothing, naming the scenarios there are, and when a number is out of bounds.
    pub fn new(suite: Arc<Suite>, options: RunOptions) -> Result<Self, PlanError> {
        let names: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        for filter in &options.filter {
            if !names.iter().any(|name| matches(name, filter)) {
                return Err(PlanError { message: unknown(filter, &names) });
            }
        }
        let selected =
            |name: &str| options.filter.is_empty() || options.filter.iter().any(|filter| matches(name, filter));
        let ran = |name: &str| {
            options.again.as_ref().is_none_or(|run| run.scenarios.iter().any(|scenario| scenario.name == name))
        };
        let scenarios: Vec<usize> =
            (0..names.len()).filter(|&position| selected(names[position]) && ran(names[position])).collect();
        if scenarios.is_empty() && options.again.is_some() {
            let message = format!("the run has none of these scenarios: {}", listed(names.iter().copied()));
            return Err(PlanError { message });
        }
        let settings = settings(suite.run, &options)?;
        Ok(Self { suite, scenarios, settings, options })
    }

    /// How many attempts of this scenario are judged.
    #[must_use]
    pub(crate) fn repeat(&self, scenario: usize) -> u32 {
        let scenario = &self.suite.scenarios[scenario];
        super::again::attempts(self, scenario).unwrap_or(self.options.repeat.unwrap_or(scenario.repeat))
    }

    /// Every judged attempt in the order in which they are begun: (scenario, number of the attempt).
    #[must_use]
    pub(crate) fn order(&self) -> Vec<(usize, u32)> {
        let most = self.scenarios.iter().map(|&scenario| self.repeat(scenario)).max().unwrap_or_default();
        // First attempts first: a scenario that always fails is seen early, and drift hits all scenarios alike.
        let mut order: Vec<(usize, u32)> = (0..most)
            .flat_map(|attempt| self.scenarios.iter().map(move |&scenario| (scenario, attempt)))
            .filter(|&(scenario, attempt)| attempt < self.repeat(scenario))
            .collect();
        if let Some(seed) = self.settings.seed {
            shuffle(&mut order, &SeededRandom::new(seed));
        }
        order
    }
}

/// Fisher and Yates.
fn shuffle<T>(items: &mut [T], random: &dyn Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last as u64 + 1) as usize);
    }
}

fn matches(name: &str, filter: &str) -> bool {
    name.to_lowercase().contains(&filter.to_lowercase())
}

fn unknown(filter: &str, names: &[&str]) -> String {
    let hint =
        nearest(filter, names.iter().copied()).map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default();
    format!("no scenario's name contains `{filter}`{hint}; there are {}", listed(names.iter().copied()))
}

fn settings(suite: RunSettings, options: &RunOptions) -> Result<RunSettings, PlanError> {
    let bounded = |name: &str, value: u32, high: u32| {
        if (1..=high).contains(&value) {
            Ok(value)
        } else {
            Err(PlanError { message: format!("{name} must be from 1 to {high}, not {value}") })
        }
    };
    Ok(RunSettings {
        repeat: bounded("repeat", options.repeat.unwrap_or(suite.repeat), REPEAT_MAX)?,
        warmup: suite.warmup,
        concurrency: bounded("concurrency", options.concurrency.unwrap_or(suite.concurrency), CONCURRENCY_MAX)?,
        seed: options.seed.or(suite.seed),
    })
}
