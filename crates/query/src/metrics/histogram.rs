//! Log-linear buckets of numbers: 64 to each doubling, so that a quantile is right within 0.8 %, in bounded memory and
//! independent of the order in which numbers come.

/// Mantissa bits of a double that are dropped: 52 less the 6 that tell 64 buckets apart.
const DROPPED_BITS: u32 = 46;

#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// Bucket and count, by bucket: negative numbers below zero's bucket, positive above.
    buckets: Vec<(i32, u64)>,
    least: f64,
    most: f64,
    count: u64,
}

impl Histogram {
    pub fn record(&mut self, number: f64) {
        let first = self.count == 0;
        self.least = if first { number } else { self.least.min(number) };
        self.most = if first { number } else { self.most.max(number) };
        self.count += 1;
        let bucket = bucket(number);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets[at].1 += 1,
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
    }

    /// Takes in numbers with how often each occurred, in ascending order.
    pub fn record_all(&mut self, numbers: &[(f64, u64)]) {
        let (Some(&(least, _)), Some(&(most, _))) = (numbers.first(), numbers.last()) else { return };
        (self.least, self.most) =
            if self.count == 0 { (least, most) } else { (self.least.min(least), self.most.max(most)) };
        self.count += numbers.iter().map(|(_, count)| count).sum::<u64>();
        let mut merged: Vec<(i32, u64)> = Vec::with_capacity(self.buckets.len() + numbers.len());
        let mut mine = std::mem::take(&mut self.buckets).into_iter().peekable();
        let mut theirs = numbers.iter().map(|&(number, count)| (bucket(number), count)).peekable();
        while let Some(next) = match (mine.peek(), theirs.peek()) {
            (Some(a), Some(b)) if a.0 <= b.0 => mine.next(),
            (Some(_), None) => mine.next(),
            _ => theirs.next(),
        } {
            match merged.last_mut() {
                Some(last) if last.0 == next.0 => last.1 += next.1,
                _ => merged.push(next),
            }
        }
        self.buckets = merged;
    }

    /// The number below which `fraction` of the numbers lie: the middle of the bucket that holds it.
    pub fn quantile(&self, fraction: f64) -> Option<f64> {
        let rank = ((fraction * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for &(bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return Some(middle(bucket).clamp(self.least, self.most));
            }
        }
        None
    }
}

fn bucket(number: f64) -> i32 {
    if number == 0.0 {
        return 0;
    }
    let magnitude = (number.abs().to_bits() >> DROPPED_BITS) as i32 + 1;
    if number < 0.0 { -magnitude } else { magnitude }
}

fn middle(bucket: i32) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let bits = (u64::from(bucket.unsigned_abs()) - 1) << DROPPED_BITS;
    let magnitude = f64::from_bits(bits | 1 << (DROPPED_BITS - 1));
    if bucket < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn quantiles_are_near(mut numbers in proptest::collection::vec(-1e9_f64..1e9, 1..200), fraction in 0.0_f64..=1.0) {
            let mut histogram = Histogram::default();
            numbers.iter().for_each(|&number| histogram.record(number));
            numbers.sort_by(f64::total_cmp);
            let rank = ((fraction * numbers.len() as f64).ceil() as usize).max(1);
            let (exact, found) = (numbers[rank - 1], histogram.quantile(fraction).expect("not empty"));
            proptest::prop_assert!((exact - found).abs() <= exact.abs() * 0.008 + 1e-300, "{exact} {found}");
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_taken_in_together_are_as_taken_in_one_by_one(
            mut parts in proptest::collection::vec(proptest::collection::vec((-9_i32..9, 1_u64..4), 0..9), 1..4),
            fraction in 0.0_f64..=1.0,
        ) {
            let (mut together, mut single) = (Histogram::default(), Histogram::default());
            for part in &mut parts {
                part.sort_unstable();
                let numbers: Vec<(f64, u64)> = part.iter().map(|&(number, count)| (number.into(), count)).collect();
                together.record_all(&numbers);
                numbers.iter().for_each(|&(number, count)| (0..count).for_each(|_| single.record(number)));
            }
            proptest::prop_assert_eq!(together.quantile(fraction), single.quantile(fraction));
        }
    }

    #[test]
    fn nothing_has_no_quantile_and_one_number_is_exact() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        histogram.record(0.3);
        assert_eq!(histogram.quantile(0.99), Some(0.3));
    }
}
