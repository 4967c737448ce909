//! Every bound of this crate, each with its reason.

use model::Duration;

/// Rules of one edge at once: a rule for each attempt of a run that is under way, and some that stand.
pub const RULES_MAX: usize = 100_000;
/// Traces whose requests are counted for one standing rule with `times` or `attempt`; the oldest is then forgotten.
pub const TRACES_COUNTED_MAX: usize = 100_000;
/// The longest delay: longer than any deadline that a test should wait for.
pub const DELAY_MAX: Duration = Duration::from_secs(3_600);
/// Bytes of an injected body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Headers that one fault strips.
pub const STRIPPED_MAX: usize = 100;
