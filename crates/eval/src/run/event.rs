//! What happens while a suite runs. Doing emits these; every report is a fold of them.

use crate::report::{AttemptReport, RunReport, ScenarioReport};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The run begins.
    Started {
        /// The report so far: what runs, without scenarios.
        report: Box<RunReport>,
        /// Names of the scenarios that run, in the order of the suite.
        scenarios: Vec<String>,
        /// How many attempts will be judged.
        attempts: usize,
    },
    /// Warm-up attempts are being sent.
    WarmingUp {
        /// How many.
        attempts: usize,
    },
    /// An attempt begins.
    AttemptStarted {
        /// Position among [`RunEvent::Started`]'s names.
        scenario: usize,
        /// Number of the attempt, from 0.
        attempt: u32,
    },
    /// An attempt was judged.
    AttemptEnded {
        /// Position among the names.
        scenario: usize,
        /// What came of it.
        report: Box<AttemptReport>,
    },
    /// All attempts of a scenario were judged.
    ScenarioEnded {
        /// Position among the names.
        scenario: usize,
        /// What came of it.
        report: Box<ScenarioReport>,
    },
    /// The run is over.
    Ended {
        /// All of it.
        report: Box<RunReport>,
    },
}
