//! Which scenarios run, how often, in which order.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use stdx::{Random, SeededRandom};

use crate::baseline::Baseline;
use crate::exit_code::Flaky;
use crate::limits::{CONCURRENCY_MAX, REPEAT_MAX};
use crate::report::RunReport;
use crate::suite::{RunSettings, Suite, Target, listed, nearest};

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
    /// What structure and latency are compared with.
    pub baseline: Option<Arc<Baseline>>,
    /// Measure structure and latency for the report, as a baseline needs them.
    pub profile: bool,
    /// The name of a target that every attempt drives too, over what the suite says.
    pub against: Option<String>,
    /// Only scenarios of these names; all if none.
    pub names: Option<BTreeSet<String>>,
    /// Only the scenarios that fall to this part of so many: (part, from 1, of).
    pub shard: Option<(u32, u32)>,
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
    /// The target that every attempt is compared with.
    pub(crate) against: Option<Target>,
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
        let scenarios = chosen(&suite, scenarios, &options)?;
        let against = match options.against.as_ref().or(suite.against.as_ref()) {
            Some(name) => Some(target(&suite, name)?),
            None => None,
        };
        let settings = settings(suite.run, &options)?;
        Ok(Self { suite, scenarios, settings, options, against })
    }

    /// Names of the scenarios that run, in the order of the suite.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.scenarios.iter().map(|&scenario| self.suite.scenarios[scenario].name.as_str()).collect()
    }

    /// Whether structure and latency are measured.
    pub(crate) fn profiles(&self) -> bool {
        self.options.profile || self.options.baseline.is_some() || self.against.is_some()
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

/// Of the scenarios that a filter left, those of the names asked for, and of the shard.
fn chosen(suite: &Suite, scenarios: Vec<usize>, options: &RunOptions) -> Result<Vec<usize>, PlanError> {
    let name = |position: &usize| suite.scenarios[*position].name.as_str();
    let named = |position: &usize| options.names.as_ref().is_none_or(|names| names.contains(name(position)));
    let of_shard = |position: &usize| options.shard.is_none_or(|shard| falls_to(name(position), shard));
    if let Some((part, of)) = options.shard
        && !(1..=of).contains(&part)
    {
        return Err(PlanError { message: format!("there is no shard {part} of {of}: they are counted from 1") });
    }
    let chosen: Vec<usize> = scenarios.into_iter().filter(named).filter(of_shard).collect();
    if chosen.is_empty() && options.names.is_some() {
        return Err(PlanError { message: "none of the scenarios asked for by name is in the suite".to_owned() });
    }
    if chosen.is_empty() && options.shard.is_some() {
        return Err(PlanError {
            message: "no scenario falls to this shard: there are more shards than needed".to_owned(),
        });
    }
    Ok(chosen)
}

/// Whether a scenario falls to this part: by its name alone, so that adding one moves no other.
fn falls_to(name: &str, (part, of): (u32, u32)) -> bool {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number % u64::from(of.max(1)) == u64::from(part - 1)
}

fn target(suite: &Suite, name: &str) -> Result<Target, PlanError> {
    let found = suite.targets.iter().find(|(target, _)| target == name).map(|(_, target)| target.clone());
    found.ok_or_else(|| {
        let names = suite.targets.iter().map(|(target, _)| target.as_str());
        PlanError { message: format!("there is no target `{name}` to compare with; there are {}", listed(names)) }
    })
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
