//! Calls, errors and latencies per minute, so that a dashboard reads kilobytes instead of scanning spans.

use model::{Duration, Instant, SpanKind, StatusCode, Text};

/// The spans of one minute that share service, name, kind and status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteAggregate {
    /// The minute's first moment. Spans count in the minute they start in.
    pub minute: Instant,
    /// Their service.
    pub service: Text,
    /// Their name.
    pub name: Text,
    /// Their kind.
    pub kind: SpanKind,
    /// Their status.
    pub status: StatusCode,
    /// How many.
    pub count: u64,
    /// How long they took together; negative durations count as zero.
    pub duration_sum: Duration,
    /// How their durations are spread.
    pub durations: LatencyHistogram,
}

/// A log-linear histogram of durations: 32 buckets to each doubling, so that a quantile is right within 3.2 %; two of
/// them add up to that of both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// Bucket number and count, by number; empty buckets are absent.
    pub buckets: Vec<(u16, u64)>,
}

/// log2 of the buckets to a doubling.
const SUB_BITS: u32 = 5;

/// Which of the things that tell aggregates apart are wanted; groups that differ in nothing else are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateDetail {
    /// By service; else it is empty.
    pub service: bool,
    /// By name; else it is empty.
    pub name: bool,
    /// By kind; else it is unspecified.
    pub kind: bool,
    /// By status; else it is unset.
    pub status: bool,
    /// With how durations are spread; else the histograms are empty.
    pub durations: bool,
}

impl AggregateDetail {
    /// All there is.
    pub const ALL: Self = Self { service: true, name: true, kind: true, status: true, durations: true };
}

impl LatencyHistogram {
    /// Bucket numbers are below this.
    pub const BUCKETS: usize = (64 - SUB_BITS as usize) << SUB_BITS;

    /// Counts one duration; a negative one counts as zero.
    pub fn record(&mut self, duration: Duration) {
        let bucket = Self::bucket(duration);
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets[at].1 += 1,
            Err(at) => self.buckets.insert(at, (bucket, 1)),
        }
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        if self.buckets.last().is_none_or(|last| other.buckets.first().is_some_and(|first| last.0 < first.0)) {
            return self.buckets.extend_from_slice(&other.buckets);
        }
        let mut merged: Vec<(u16, u64)> = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut mine, mut theirs) = (self.buckets.iter().peekable(), other.buckets.iter().peekable());
        while let Some(&next) = match (mine.peek(), theirs.peek()) {
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

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The duration below which `fraction` (0 to 1) of the durations lie: the middle of the bucket that holds it.
    /// None if nothing was counted.
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> Option<Duration> {
        let total = self.count();
        let rank = ((fraction.clamp(0.0, 1.0) * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for &(bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                let (low, high) = Self::bounds(bucket);
                return Some(Duration(low + (high - low) / 2));
            }
        }
        None
    }

    /// The bucket of `duration`: exact below 32 ns, then the five bits after the highest.
    #[must_use]
    pub fn bucket(duration: Duration) -> u16 {
        let nanos = duration.0.max(0) as u64;
        if nanos < 1 << SUB_BITS {
            return nanos as u16;
        }
        let exponent = nanos.ilog2() - SUB_BITS;
        let sub = (nanos >> exponent) as u16 & ((1 << SUB_BITS) - 1);
        ((exponent as u16 + 1) << SUB_BITS) | sub
    }

    /// First and last nanosecond of `bucket`.
    #[must_use]
    pub fn bounds(bucket: u16) -> (i64, i64) {
        let (group, sub) = (u32::from(bucket) >> SUB_BITS, i64::from(bucket) & ((1 << SUB_BITS) - 1));
        if group == 0 {
            return (sub, sub);
        }
        let exponent = (group - 1).min(62 - SUB_BITS);
        let low = ((1 << SUB_BITS) + sub) << exponent;
        (low, low + ((1_i64 << exponent) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_duration_lies_in_its_bucket(nanos in 0_i64..=i64::MAX) {
            let (low, high) = LatencyHistogram::bounds(LatencyHistogram::bucket(Duration(nanos)));
            proptest::prop_assert!(usize::from(LatencyHistogram::bucket(Duration(nanos))) < LatencyHistogram::BUCKETS);
            proptest::prop_assert!(low <= nanos && nanos <= high);
            proptest::prop_assert!((high - low) as f64 <= 0.032 * nanos as f64);
        }
    }

    #[test]
    fn quantiles_are_near() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let near = |fraction, ms: i64| {
            let found = histogram.quantile(fraction).expect("not empty").0 as f64;
            (found / (ms * 1_000_000) as f64 - 1.0).abs() < 0.032
        };
        assert!(near(0.5, 500) && near(0.99, 990) && near(0.0, 1) && near(1.0, 1000));
    }
}
