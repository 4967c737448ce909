//! The traits of what is served here but made elsewhere; the binary joins them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use wire::{Forwarding, Problem, Receiving, StartRun, Storing};

/// Small named texts that outlive the process: service looks, runs of evaluations. Names are made of `a-z0-9-`.
pub trait Settings: Send + Sync + Debug {
    /// The text under `name`, if any can be read.
    fn read(&self, name: &str) -> Option<String>;

    /// Keeps `text` under `name`, replacing what was there as one step.
    ///
    /// # Errors
    /// Why it could not be kept. The implementation has told the operator already.
    fn write(&self, name: &str, text: &str) -> Result<(), String>;

    /// Forgets what is under `name`.
    fn remove(&self, name: &str);

    /// All names that begin with `prefix`, sorted.
    fn names(&self, prefix: &str) -> Vec<String>;
}

/// Settings that end with the process.
#[derive(Clone, Debug, Default)]
pub struct MemorySettings {
    texts: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Settings for MemorySettings {
    fn read(&self, name: &str) -> Option<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    fn remove(&self, name: &str) {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn names(&self, prefix: &str) -> Vec<String> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
}

/// What the rest of the server counts. Every method is quick: it reads counters.
pub trait Counters: Send + Sync + Debug {
    /// What came in.
    fn receiving(&self) -> Receiving;

    /// What is kept.
    fn storing(&self) -> Storing;

    /// What is sent on, one entry a destination.
    fn forwarding(&self) -> Vec<Forwarding>;

    /// Whether spans can be taken and stored.
    ///
    /// # Errors
    /// Why not, in words.
    fn ready(&self) -> Result<(), String>;
}

/// Starts suites that were named on the command line.
pub trait Starter: Send + Sync + Debug {
    /// Their names.
    fn suites(&self) -> Vec<String>;

    /// Starts one and answers with the run's id as soon as the run has one; its progress goes to the
    /// [`RunBook`](crate::RunBook). May block: it reads the suite's file.
    ///
    /// # Errors
    /// Why it cannot be started: unknown, running already, or its file has mistakes.
    fn start(&self, request: &StartRun) -> Result<String, Problem>;
}

/// No suites.
#[derive(Debug)]
pub struct NoSuites;

impl Starter for NoSuites {
    fn suites(&self) -> Vec<String> {
        Vec::new()
    }

    fn start(&self, request: &StartRun) -> Result<String, Problem> {
        Err(Problem::new(
            format!("there is no suite {:?} here", request.suite),
            "name its file when you start the server: headwater serve --suite headwater.yaml",
        ))
    }
}
