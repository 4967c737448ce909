//! The runs of evaluations: kept by id, listed newest first, and asked which run a trace came from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::TraceId;
use wire::{EvalMark, EvalRun, RunSummary};

use crate::limits::RUNS_KEPT_MAX;
use crate::parts::Settings;

const PREFIX: &str = "run-";

/// The runs known here. A run may be put again under its id while it goes on.
#[derive(Debug)]
pub struct RunBook {
    settings: Box<dyn Settings>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// By start and id, so that the last is the newest.
    runs: BTreeMap<(u64, String), RunSummary>,
    marks: HashMap<TraceId, EvalMark>,
    /// Runs that still go on: their detail is not yet written.
    running: HashMap<String, EvalRun>,
    /// Ended runs on their way to the disk, which is waited for without the lock: lists of traces ask for marks.
    being_kept: HashSet<String>,
    /// Grows with each change; see [`RunBook::changed_since`].
    sequence: u64,
    changes: HashMap<String, u64>,
}

/// A run that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunRefused {
    /// Its id is not made of lower-case letters, digits and dashes, or is too long.
    BadId(String),
    /// A finished run has this id already.
    Exists(String),
    /// The disk refuses it: why. It may be put again.
    NotKept(String),
}

impl fmt::Display for RunRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadId(id) => write!(f, "a run's id has 1 to 64 lower-case letters, digits and dashes, read {id:?}"),
            Self::Exists(id) => write!(f, "run {id} is stored already"),
            Self::NotKept(why) => write!(f, "the run could not be kept: {why}"),
        }
    }
}

impl std::error::Error for RunRefused {}

impl RunBook {
    /// Reads the runs kept; those that cannot be read are left out.
    #[must_use]
    pub fn open(settings: Box<dyn Settings>) -> Self {
        let mut book = Book::default();
        for name in settings.names(PREFIX) {
            let run: Option<EvalRun> = settings.read(&name).and_then(|text| serde_json::from_str(&text).ok());
            if let Some(run) = run {
                book.enter(&run);
            }
        }
        Self { settings, book: Mutex::new(book) }
    }

    /// Takes a run, new or further on. One that has ended is on the disk when this returns.
    ///
    /// # Errors
    /// If its id is no id, or belongs to a run that has ended, or if the disk refuses it.
    pub fn put(&self, run: EvalRun) -> Result<(), RunRefused> {
        let id = run.summary.run.clone();
        let valid = (1..=64).contains(&id.len())
            && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !valid {
            return Err(RunRefused::BadId(id.chars().take(64).collect()));
        }
        let mut book = self.lock();
        if book.being_kept.contains(&id) || book.summary(&id).is_some_and(|known| !known.running) {
            return Err(RunRefused::Exists(id));
        }
        let ended = !run.summary.running;
        if ended {
            book.being_kept.insert(id.clone());
            drop(book);
            let kept = self.keep(&id, &run);
            book = self.lock();
            book.being_kept.remove(&id);
            kept?;
        }
        book.enter(&run);
        if ended {
            book.running.remove(&id);
        } else {
            book.running.insert(id, run);
        }
        let gone = book.forget_oldest();
        drop(book);
        for gone in gone {
            self.settings.remove(&setting_of(&gone));
        }
        Ok(())
    }

    fn keep(&self, id: &str, run: &EvalRun) -> Result<(), RunRefused> {
        let text = serde_json::to_string(run).map_err(|error| RunRefused::NotKept(error.to_string()))?;
        self.settings.write(&setting_of(id), &text).map_err(RunRefused::NotKept)
    }

    /// A run in full.
    #[must_use]
    pub fn run(&self, id: &str) -> Option<EvalRun> {
        let book = self.lock();
        if let Some(run) = book.running.get(id) {
            return Some(run.clone());
        }
        book.summary(id)?;
        drop(book);
        serde_json::from_str(&self.settings.read(&setting_of(id))?).ok()
    }

    /// Runs, newest first, of one suite if named, after the run `after` if named.
    #[must_use]
    pub fn list(&self, suite: Option<&str>, after: Option<&str>, limit: usize) -> Vec<RunSummary> {
        let book = self.lock();
        let before = after.and_then(|id| book.summary(id)).map(key_of);
        book.runs
            .iter()
            .rev()
            .filter(|(key, run)| {
                before.as_ref().is_none_or(|before| *key < before) && suite.is_none_or(|s| run.suite == s)
            })
            .take(limit)
            .map(|(_, run)| run.clone())
            .collect()
    }

    /// Which run a trace came from.
    #[must_use]
    pub fn mark(&self, trace_id: TraceId) -> Option<EvalMark> {
        self.lock().marks.get(&trace_id).cloned()
    }

    /// Whether a trace came from a run.
    #[must_use]
    pub fn is_marked(&self, trace_id: TraceId) -> bool {
        self.lock().marks.contains_key(&trace_id)
    }

    /// Runs changed after `sequence`, and the sequence now.
    #[must_use]
    pub fn changed_since(&self, sequence: u64) -> (Vec<RunSummary>, u64) {
        let book = self.lock();
        let changed = book.changes.iter().filter(|&(_, &at)| at > sequence).filter_map(|(id, _)| book.summary(id));
        let mut changed: Vec<RunSummary> = changed.cloned().collect();
        changed.sort_by_key(|run| run.started);
        (changed, book.sequence)
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn setting_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}

fn key_of(summary: &RunSummary) -> (u64, String) {
    (summary.started.0, summary.run.clone())
}

impl Book {
    fn summary(&self, id: &str) -> Option<&RunSummary> {
        // A few hundred runs: walking them is cheaper than keeping a second map right.
        self.runs.values().find(|run| run.run == id)
    }

    fn enter(&mut self, run: &EvalRun) {
        let id = &run.summary.run;
        self.runs.retain(|_, known| known.run != *id);
        self.runs.insert(key_of(&run.summary), run.summary.clone());
        self.sequence += 1;
        self.changes.insert(id.clone(), self.sequence);
        for scenario in &run.scenarios {
            for attempt in &scenario.attempts {
                let mark = EvalMark {
                    suite: run.summary.suite.clone(),
                    run: id.clone(),
                    scenario: scenario.name.clone(),
                    attempt: attempt.attempt,
                    verdict: Some(attempt.verdict),
                };
                let traces = attempt.trace_id.iter().chain(attempt.steps.iter().map(|step| &step.trace_id));
                for trace_id in traces.filter_map(|text| text.parse().ok()) {
                    self.marks.insert(trace_id, mark.clone());
                }
            }
        }
    }

    fn forget_oldest(&mut self) -> Vec<String> {
        let mut gone = Vec::new();
        while self.runs.len() > RUNS_KEPT_MAX {
            let Some((_, run)) = self.runs.pop_first() else { break };
            self.marks.retain(|_, mark| mark.run != run.run);
            self.changes.remove(&run.run);
            self.running.remove(&run.run);
            gone.push(run.run);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use wire::{AttemptResult, ScenarioResult, UnixNanos, Verdict, VerdictCounts};

    use super::*;
    use crate::parts::MemorySettings;

    fn run(id: &str, started: u64, running: bool, trace: u8) -> EvalRun {
        let attempt = AttemptResult {
            attempt: 0,
            verdict: Verdict::Pass,
            trace_id: Some(TraceId([trace; 16]).to_string()),
            started: UnixNanos(started),
            duration: 1,
            waited: 1,
            completeness: "complete".into(),
            completeness_reasons: Vec::new(),
            steps: Vec::new(),
            assertions: Vec::new(),
            error: None,
        };
        EvalRun {
            summary: RunSummary {
                run: id.into(),
                suite: "s".into(),
                started: UnixNanos(started),
                duration: 1,
                running,
                verdict: None,
                counts: VerdictCounts {
                    pass: 1,
                    fail: 0,
                    not_evaluable: 0,
                    error: 0,
                    flaky: 0,
                    regressed: 0,
                    improved: 0,
                    insufficient: 0,
                },
                configuration_hash: String::new(),
                commit: None,
                branch: None,
                exit_code: None,
            },
            scenarios: vec![ScenarioResult { name: "happy".into(), verdict: Verdict::Pass, attempts: vec![attempt] }],
            errors: Vec::new(),
        }
    }

    fn ids(runs: &[RunSummary]) -> Vec<&str> {
        runs.iter().map(|run| run.run.as_str()).collect()
    }

    #[test]
    fn runs_are_listed_newest_first_and_outlive_the_book() {
        let settings = MemorySettings::default();
        let book = RunBook::open(Box::new(settings.clone()));
        for (id, started) in [("b", 2), ("a", 1), ("c", 3)] {
            book.put(run(id, started, false, started as u8)).expect("taken");
        }
        let book = RunBook::open(Box::new(settings));
        assert_eq!(ids(&book.list(None, None, 2)), ["c", "b"]);
        assert_eq!(ids(&book.list(None, Some("b"), 2)), ["a"]);
        assert_eq!(ids(&book.list(Some("other"), None, 2)), [""; 0]);
        assert_eq!(book.run("b"), Some(run("b", 2, false, 2)));
        assert_eq!(book.mark(TraceId([2; 16])).map(|mark| mark.run), Some("b".into()));
        assert_eq!(book.mark(TraceId([9; 16])), None);
    }

    #[test]
    fn a_run_goes_on_until_it_ends() {
        let book = RunBook::open(Box::new(MemorySettings::default()));
        book.put(run("a", 1, true, 1)).expect("taken");
        let (_, sequence) = book.changed_since(0);
        book.put(run("a", 1, false, 1)).expect("goes on");
        assert_eq!(ids(&book.changed_since(sequence).0), ["a"]);
        assert_eq!(book.put(run("a", 1, false, 1)), Err(RunRefused::Exists("a".into())));
        assert!(matches!(book.put(run("../x", 1, false, 1)), Err(RunRefused::BadId(_))));
    }

    #[test]
    fn a_run_that_the_disk_refuses_is_not_taken_and_may_be_put_again() {
        #[derive(Debug, Default, Clone)]
        struct FullDisk {
            kept: MemorySettings,
            full: std::sync::Arc<std::sync::atomic::AtomicBool>,
        }
        impl Settings for FullDisk {
            fn read(&self, name: &str) -> Option<String> {
                self.kept.read(name)
            }
            fn write(&self, name: &str, text: &str) -> Result<(), String> {
                if self.full.load(std::sync::atomic::Ordering::Relaxed) {
                    return Err("no space left".into());
                }
                self.kept.write(name, text)
            }
            fn remove(&self, name: &str) {
                self.kept.remove(name);
            }
            fn names(&self, prefix: &str) -> Vec<String> {
                self.kept.names(prefix)
            }
        }
        let disk = FullDisk::default();
        let book = RunBook::open(Box::new(disk.clone()));
        book.put(run("a", 1, true, 1)).expect("goes on");
        disk.full.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(book.put(run("a", 1, false, 1)), Err(RunRefused::NotKept("no space left".into())));
        assert!(book.run("a").is_some_and(|run| run.summary.running), "what was known of it stays");
        disk.full.store(false, std::sync::atomic::Ordering::Relaxed);
        book.put(run("a", 1, false, 1)).expect("put again");
        assert_eq!(RunBook::open(Box::new(disk)).run("a"), Some(run("a", 1, false, 1)));
    }

    #[test]
    fn the_oldest_run_is_forgotten_first() {
        let book = RunBook::open(Box::new(MemorySettings::default()));
        for number in 0..=RUNS_KEPT_MAX {
            book.put(run(&format!("r{number}"), number as u64, false, 1)).expect("taken");
        }
        assert!(book.run("r0").is_none());
        assert!(book.run("r1").is_some());
    }
}
