//! How long to wait before the next try: exponential with jitter, unless the destination says how long.

use std::time::Duration;

use stdx::Random;

use crate::limits::{PAUSE_FIRST, PAUSE_MAX, RETRY_AFTER_MAX};

/// The pauses between tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// The first.
    pub first: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { first: PAUSE_FIRST, max: PAUSE_MAX }
    }
}

impl Pauses {
    /// The pause after `failures` failures in a row (1 for the first): between half of it and all of it, so that many
    /// senders do not come back in step. A destination's own word is followed, with as much jitter on top.
    #[must_use]
    pub fn after(&self, failures: u32, asked: Option<Duration>, random: &dyn Random) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.max);
        let half = doubled / 2;
        let jitter = Duration::from_nanos(random.below(u64::try_from(half.as_nanos()).unwrap_or(u64::MAX)));
        match asked {
            Some(asked) => asked.min(RETRY_AFTER_MAX) + jitter.min(self.first),
            None => half + jitter,
        }
    }
}

#[cfg(test)]
mod tests {
    use stdx::SeededRandom;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let pauses = Pauses { first: Duration::from_secs(1), max: Duration::from_secs(30) };
        let random = SeededRandom::new(1);
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1_000, 30)] {
            let drawn: Vec<Duration> = (0..50).map(|_| pauses.after(failures, None, &random)).collect();
            let longest = Duration::from_secs(longest);
            assert!(drawn.iter().all(|pause| (longest / 2..=longest).contains(pause)), "{failures}: {drawn:?}");
            assert!(drawn.iter().any(|pause| *pause != drawn[0]));
        }
    }

    #[test]
    fn the_destinations_word_is_followed_within_reason() {
        let pauses = Pauses::default();
        let random = SeededRandom::new(1);
        let asked = |seconds| pauses.after(1, Some(Duration::from_secs(seconds)), &random).as_secs();
        assert_eq!(asked(7), 7);
        assert_eq!(asked(1_000_000), RETRY_AFTER_MAX.as_secs());
    }
}
