//! Measurements of bounded number: when there are too many, every second one is thrown away and from then on every second
//! is taken; then every fourth, and so on. What is kept is spread evenly over all that was seen, and how many were seen is
//! known.

use crate::limits::SAMPLES_MAX;

/// Evenly thinned measurements, in the order in which they were added.
#[derive(Clone, Debug)]
pub(crate) struct Samples<T> {
    kept: Vec<T>,
    stride: u64,
    seen: u64,
}

impl<T> Default for Samples<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), stride: 1, seen: 0 }
    }
}

impl<T> Samples<T> {
    pub(crate) fn push(&mut self, sample: T) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(sample);
        }
        self.seen += 1;
        self.thin();
    }

    pub(crate) fn kept(&self) -> &[T] {
        &self.kept
    }

    /// How many were added.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// How many of them are not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.seen - self.kept.len() as u64
    }

    /// Adds what `other` kept, as thinly as either was.
    pub(crate) fn merge(&mut self, mut other: Self) {
        while self.stride < other.stride {
            self.halve();
        }
        while other.stride < self.stride {
            other.halve();
        }
        self.kept.append(&mut other.kept);
        self.seen += other.seen;
        self.thin();
    }

    fn thin(&mut self) {
        while self.kept.len() > SAMPLES_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let mut position = 0;
        self.kept.retain(|_| {
            position += 1;
            position % 2 == 1
        });
        self.stride *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_spread_over_all_that_was_seen() {
        let mut samples = Samples::default();
        let count = SAMPLES_MAX as u64 * 5;
        (0..count).for_each(|number| samples.push(number));
        assert!(samples.kept().len() <= SAMPLES_MAX && samples.kept().len() * 4 > SAMPLES_MAX);
        assert_eq!((samples.seen(), samples.left_out()), (count, count - samples.kept().len() as u64));
        let steps: Vec<u64> = samples.kept().windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| *step == steps[0]));
        let mut other = Samples::default();
        other.push(count);
        other.merge(samples);
        assert_eq!(other.seen(), count + 1);
        assert!(other.kept().len() <= SAMPLES_MAX);
    }
}
