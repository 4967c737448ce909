//! Baselines: what runs of a suite used to look like, in a file to be reviewed like code.
//!
//! Structure (which spans, below which, how many, who calls whom) and latency (medians with their intervals) are kept and
//! compared apart. Structure is tolerant of order and of numbers in names, and counts are ranges; only attempts that
//! passed on a whole trace tell of it. A time counts as changed behind two guards: the intervals of the medians do not
//! touch, and the change is larger than what is tolerated. Past a hard limit it is a regression however few attempts there
//! are.
//!
//! | file | what |
//! | --- | --- |
//! | `profile.rs` | [`Profile`]: structure and times of one scenario |
//! | `compare.rs` | what became of them |
//! | `file.rs` | the file: written, read, and the difference of two in words |

mod compare;
mod file;
mod profile;

pub(crate) use compare::{Compared, compare};
pub use file::Baseline;
pub use profile::{Band, Profile};
pub(crate) use profile::{Shape, profile};

/// How much a time may change, and how much it must not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// A share: 0.25 lets a median become a quarter longer.
    pub tolerated: f64,
    /// A factor that is a regression whatever the intervals say.
    pub limit: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { tolerated: 0.25, limit: 3.0 }
    }
}
