//! A log-linear histogram of non-negative integers: quantiles within 1 %, mergeable, sparse.
//!
//! ```text
//! value        0 1 2 ... 127 | 128 130 132 ... 254 | 256 260 ... 508 | 512 ...
//! bucket width       1       |          2          |        4        |   8
//! ```
//!
//! Every octave from 64 on has 64 buckets of equal width, so a bucket is at most 1/64 of its lowest value wide and its
//! middle at most 1/128 = 0.78 % off. Merging adds counts: it is associative and equals inserting everything into one.

use std::collections::BTreeMap;

use model::Duration;
use serde::{Deserialize, Serialize};

const SUB_BUCKETS_BITS: u32 = 6;
const SUB_BUCKETS: u64 = 1 << SUB_BUCKETS_BITS;

/// A histogram of durations (or any counts) with at most 1 % error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    buckets: BTreeMap<u16, u64>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Sketch {
    /// An empty sketch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a duration; a negative one counts as zero.
    pub fn insert(&mut self, duration: Duration) {
        self.insert_value(u64::try_from(duration.0).unwrap_or(0), 1);
    }

    /// Adds `value`, `count` times.
    pub fn insert_value(&mut self, value: u64, count: u64) {
        if count == 0 {
            return;
        }
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.sum = self.sum.saturating_add(u128::from(value) * u128::from(count));
        add(&mut self.count, count);
        add(self.buckets.entry(bucket_of(value)).or_default(), count);
    }

    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        add(&mut self.count, other.count);
        for (&bucket, &count) in &other.buckets {
            add(self.buckets.entry(bucket).or_default(), count);
        }
    }

    /// How many values were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The exact mean; zero when empty.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let mean = self.sum.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration(i64::try_from(mean).unwrap_or(i64::MAX))
    }

    /// The exact sum, saturating.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration(i64::try_from(self.sum).unwrap_or(i64::MAX))
    }

    /// The exact maximum; zero when empty.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration(i64::try_from(self.max).unwrap_or(i64::MAX))
    }

    /// The smallest value that at least `quantile` (0 to 1) of all values do not exceed, within 1 %; zero when empty.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (quantile.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0_u64;
        for (&bucket, &count) in &self.buckets {
            add(&mut seen, count);
            if seen >= rank {
                let value = middle_of(bucket).clamp(self.min, self.max);
                return Duration(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
        self.max()
    }

    /// Non-empty buckets as (lowest value, count), ascending; for drawing and export.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().map(|(&bucket, &count)| (lowest_of(bucket), count))
    }
}

fn add(total: &mut u64, more: u64) {
    *total = total.saturating_add(more);
}

fn bucket_of(value: u64) -> u16 {
    if value < SUB_BUCKETS {
        return value as u16;
    }
    let shift = u64::from(63 - value.leading_zeros() - SUB_BUCKETS_BITS);
    ((shift + 1) * SUB_BUCKETS + (value >> shift) - SUB_BUCKETS) as u16
}

fn lowest_of(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < SUB_BUCKETS {
        return bucket;
    }
    let shift = bucket / SUB_BUCKETS - 1;
    // Sketches are read back from disk: a bucket number that no value has must not overflow the shift.
    (bucket % SUB_BUCKETS + SUB_BUCKETS).checked_shl(shift as u32).filter(|_| shift < 58).unwrap_or(u64::MAX)
}

fn middle_of(bucket: u16) -> u64 {
    let lowest = lowest_of(bucket);
    let next = if bucket == u16::MAX { u64::MAX } else { lowest_of(bucket + 1) };
    lowest + (next.saturating_sub(lowest)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::new();
        values.iter().for_each(|&value| sketch.insert_value(value, 1));
        sketch
    }

    #[test]
    fn the_ends_of_the_range_have_buckets() {
        for value in [0, 1, 63, 64, 127, 128, 129, u64::MAX / 2, u64::MAX] {
            let bucket = bucket_of(value);
            assert!(lowest_of(bucket) <= value, "{value}");
            assert!(bucket == bucket_of(u64::MAX) || value < lowest_of(bucket + 1), "{value}");
        }
        assert_eq!(Sketch::new().quantile(0.5), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_per_cent(mut values in prop::collection::vec(any::<u64>().prop_map(|v| v >> (v % 60)), 1..200), q in 0.0..=1.0_f64) {
            let found = sketch(&values).quantile(q).0 as f64;
            values.sort_unstable();
            let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len());
            let exact = values[rank - 1].min(i64::MAX as u64) as f64;
            prop_assert!((found - exact).abs() <= exact * 0.01, "{found} for {exact}");
        }

        #[test]
        fn merging_equals_inserting_all(a in prop::collection::vec(any::<u64>(), 0..50), b in prop::collection::vec(any::<u64>(), 0..50)) {
            let mut merged = sketch(&a);
            merged.merge(&sketch(&b));
            prop_assert_eq!(merged, sketch(&[a, b].concat()));
        }
    }
}
