//! The few things the standard library lacks: a clock and randomness that are handed in, dates, printable text.
//!
//! Nobody below `headwater` asks the operating system for the time or for random bytes; whoever needs them takes a
//! [`Clock`] or a [`Random`]. Tests hand in [`ManualClock`] and [`SeededRandom`].
//!
//! | file | what |
//! | --- | --- |
//! | `clock.rs` | wall time and monotonic time, the system's and a hand-moved one |
//! | `random.rs` | random numbers, the system's seed or a fixed one |
//! | `civil.rs` | dates as days |
//! | `host.rs` | the host of an authority, and whether it is this machine |
//! | `printable.rs` | text from elsewhere, safe to show on a terminal |

mod civil;
mod clock;
mod host;
mod printable;
mod random;

pub use civil::days_from_civil;
pub use clock::{Clock, ManualClock, SystemClock};
pub use host::{host_of, is_this_machine};
pub use printable::printable;
pub use random::{Random, SeededRandom};
