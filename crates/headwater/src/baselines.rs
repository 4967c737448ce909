//! The file of a baseline: read before a run, written after the first one and when asked to.

use std::path::{Path, PathBuf};

use eval::baseline::Baseline;
use eval::report::RunReport;
use eval::suite::Suite;

use crate::cli::EvalArgs;
use crate::exit::Failure;

/// The baseline that a suite names, beside the suite's file.
fn named(suite_file: &Path, suite: &Suite) -> Option<PathBuf> {
    Some(suite_file.parent().unwrap_or(Path::new("")).join(suite.baseline.as_ref()?))
}

/// Where a suite's baseline is, and what it says.
pub struct BaselineFile {
    path: PathBuf,
    earlier: Option<Baseline>,
    update: bool,
}

impl BaselineFile {
    /// That of the command line, else of the suite; none if neither names one.
    pub fn of(args: &EvalArgs, suite: &Suite) -> Result<Option<Self>, Failure> {
        let Some(path) = args.baseline.clone().or_else(|| named(&args.suite, suite)) else {
            return if args.update_baseline {
                Err(Failure::usage("--update-baseline: name the file by --baseline FILE, or in the suite's `baseline`"))
            } else {
                Ok(None)
            };
        };
        Self::read(path, args.update_baseline).map(Some)
    }

    /// That which the suite at `path` names, to be compared with and not written.
    pub fn of_suite(path: &Path, suite: &Suite) -> Result<Option<Self>, Failure> {
        named(path, suite).map(|path| Self::read(path, false)).transpose()
    }

    fn read(path: PathBuf, update: bool) -> Result<Self, Failure> {
        let earlier = match std::fs::read_to_string(&path) {
            Ok(text) => Some(Baseline::parse(&text).map_err(|message| {
                Failure::usage(format!("cannot read the baseline {}: {message}", path.display()))
            })?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Failure::usage(format!("cannot read the baseline {}: {error}", path.display())));
            }
        };
        Ok(Self { path, earlier, update })
    }

    /// What a run is compared with; nothing on the first run, and when the file is to be written anew.
    pub fn compared_with(&self) -> Option<Baseline> {
        self.earlier.clone().filter(|_| !self.update)
    }

    /// Writes what the run measured, if this is the first or if that was asked for, and says so.
    pub fn keep(&self, run: &RunReport) -> Result<(), Failure> {
        if run.interrupted || (self.earlier.is_some() && !self.update) {
            return Ok(());
        }
        let path = self.path.display();
        let new = Baseline::of(run, self.earlier.as_ref());
        if new.scenarios.is_empty() {
            println!("baseline {path} was not written: no attempt passed on a whole trace");
            return Ok(());
        }
        std::fs::write(&self.path, new.print(&run.suite))
            .map_err(|error| Failure::infrastructure(format!("cannot write the baseline {path}: {error}")))?;
        let Some(earlier) = &self.earlier else {
            let count = new.scenarios.len();
            println!("baseline {path} was written, with {count} scenarios: it is the first; review and commit it");
            return Ok(());
        };
        let changes = earlier.difference(&new);
        if changes.is_empty() {
            println!("baseline {path} was written anew: nothing worth a review changed");
        } else {
            println!("baseline {path} was written anew; what changed:");
            changes.iter().for_each(|change| println!("  {change}"));
        }
        Ok(())
    }
}
