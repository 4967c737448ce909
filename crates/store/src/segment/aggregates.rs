//! The aggregates of a segment by minute and by hour, column by column: a group of one span, which most are where little
//! happens, takes some six bytes.
//!
//! ```text
//! counts    = strings | keys: service, name, kind, status each, in that order
//!           | for each key: rows; for each row: time since the row before (in minutes or hours), count, sum of durations
//! durations = for each row of more than one span: buckets; for each: number since the bucket before, count
//! ```
//!
//! A row of one span needs no buckets: its duration is the sum.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Duration, Instant, SpanKind, StatusCode, Text};

use crate::LatencyHistogram;
use crate::encoding::{Decoder, Encoder, Malformed};

/// The unit of aggregates by minute.
pub const MINUTE_NANOS: u64 = 60_000_000_000;

/// The unit of aggregates by hour.
pub const HOUR_NANOS: u64 = 60 * MINUTE_NANOS;

/// What the rows of a key share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateKey {
    pub service: Text,
    pub name: Text,
    pub kind: SpanKind,
    pub status: StatusCode,
}

/// The spans of one key in one minute or hour.
#[derive(Debug)]
pub struct AggregateRow<'a> {
    pub time: Instant,
    pub count: u64,
    pub sum: Duration,
    /// Bucket and count, by bucket; empty where durations were not asked for.
    pub buckets: &'a [(u16, u64)],
}

/// One span as aggregates count it.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// The number of its key, then its minute.
    key_and_minute: u64,
    duration: i64,
}

impl Sample {
    fn key(&self) -> u32 {
        (self.key_and_minute >> 32) as u32
    }

    fn time(&self, unit: u64) -> u64 {
        (self.key_and_minute & u64::from(u32::MAX)) / (unit / MINUTE_NANOS)
    }
}

/// The spans of a segment, noted one by one; sorted once everything is there, so that what is encoded is met in order.
#[derive(Debug, Default)]
pub struct Samples {
    keys: Vec<AggregateKey>,
    samples: Vec<Sample>,
}

impl Samples {
    /// Notes a span that starts at `start`; `key` is a number that [`Samples::sorted`] is told the meaning of.
    pub fn note(&mut self, key: u32, start: Instant, duration: Duration) {
        // Since 1970 there are fewer minutes than 32 bits can count, whatever an instant says.
        let minute = start.0 / MINUTE_NANOS;
        self.samples.push(Sample { key_and_minute: u64::from(key) << 32 | minute, duration: duration.0 });
    }

    /// Sorts by key and minute; `keys` are those of the numbers, of which some may be equal.
    pub fn sorted(mut self, keys: Vec<AggregateKey>) -> Self {
        let mut is_used = vec![false; keys.len()];
        self.samples.iter().for_each(|sample| is_used[sample.key() as usize] = true);
        let mut order: Vec<u32> = (0..keys.len() as u32).filter(|&number| is_used[number as usize]).collect();
        order.sort_by(|&a, &b| keys[a as usize].order().cmp(&keys[b as usize].order()));
        let mut places = vec![0; keys.len()];
        for number in order {
            let key = &keys[number as usize];
            if self.keys.last() != Some(key) {
                self.keys.push(key.clone());
            }
            places[number as usize] = self.keys.len() as u64 - 1;
        }
        for sample in &mut self.samples {
            let place = places[sample.key() as usize];
            sample.key_and_minute = place << 32 | sample.key_and_minute & u64::from(u32::MAX);
        }
        self.samples.sort_unstable_by_key(|sample| sample.key_and_minute);
        self
    }

    /// How many spans there are.
    pub fn spans(&self) -> u64 {
        self.samples.len() as u64
    }

    /// How many rows a table by minute has.
    pub fn minutes(&self) -> u64 {
        self.samples.chunk_by(|a, b| a.key_and_minute == b.key_and_minute).count() as u64
    }

    /// Encodes counts and durations by `unit`, which is a minute or an hour.
    pub fn encode(&self, unit: u64, counts: &mut Encoder, durations: &mut Encoder) {
        let mut numbers: HashMap<&str, u64> = HashMap::new();
        let mut strings: Vec<&str> = Vec::new();
        for text in self.keys.iter().flat_map(|key| [&*key.service, &*key.name]) {
            numbers.entry(text).or_insert_with(|| {
                strings.push(text);
                strings.len() as u64 - 1
            });
        }
        counts.count(strings.len());
        strings.iter().for_each(|text| counts.text(text));
        counts.count(self.keys.len());
        for key in &self.keys {
            counts.unsigned(numbers[&*key.service]);
            counts.unsigned(numbers[&*key.name]);
            counts.signed(key.kind.0.into());
            counts.signed(key.status.0.into());
        }
        let mut buckets = Vec::new();
        for of_key in self.samples.chunk_by(|a, b| a.key() == b.key()) {
            counts.count(of_key.chunk_by(|a, b| a.time(unit) == b.time(unit)).count());
            let mut before = 0;
            for of_row in of_key.chunk_by(|a, b| a.time(unit) == b.time(unit)) {
                let time = of_row[0].time(unit);
                counts.unsigned(time - before);
                before = time;
                counts.count(of_row.len());
                counts.signed(of_row.iter().fold(0_i64, |sum, sample| sum.saturating_add(sample.duration.max(0))));
                if of_row.len() > 1 {
                    buckets.clear();
                    buckets.extend(of_row.iter().map(|sample| LatencyHistogram::bucket(Duration(sample.duration))));
                    encode_buckets(&mut buckets, durations);
                }
            }
        }
    }
}

impl AggregateKey {
    fn order(&self) -> (&str, &str, i32, i32) {
        (&self.service, &self.name, self.kind.0, self.status.0)
    }
}

/// Encodes how often each bucket occurs.
fn encode_buckets(buckets: &mut [u16], to: &mut Encoder) {
    buckets.sort_unstable();
    to.count(buckets.chunk_by(|a, b| a == b).count());
    let mut before = 0;
    for equal in buckets.chunk_by(|a, b| a == b) {
        to.unsigned((equal[0] - before).into());
        to.count(equal.len());
        before = equal[0];
    }
}

/// Hands out every row, key by key, in order of time. Without `durations` rows have no buckets.
pub fn decode(
    counts: &[u8],
    durations: Option<&[u8]>,
    unit: u64,
    take: &mut dyn FnMut(&AggregateKey, &AggregateRow<'_>),
) -> Result<(), Malformed> {
    let mut from = Decoder::new(counts);
    let mut durations = durations.map(Decoder::new);
    let strings: Vec<Text> = (0..from.count()?).map(|_| from.text()).collect::<Result<_, _>>()?;
    let mut keys = Vec::new();
    for _ in 0..from.count()? {
        let mut text = || {
            let number = usize::try_from(from.unsigned()?).ok();
            number.and_then(|number| strings.get(number)).map(Arc::clone).ok_or(Malformed("an unknown string"))
        };
        let (service, name) = (text()?, text()?);
        let mut number = || i32::try_from(from.signed()?).map_err(|_| Malformed("a number too large"));
        keys.push(AggregateKey { service, name, kind: SpanKind(number()?), status: StatusCode(number()?) });
    }
    let mut buckets = Vec::new();
    for key in &keys {
        let mut time = 0_u64;
        for _ in 0..from.count()? {
            time = time.checked_add(from.unsigned()?).ok_or(Malformed("a time too late"))?;
            let (count, sum) = (from.unsigned()?, Duration(from.signed()?));
            buckets.clear();
            if let Some(durations) = &mut durations {
                match count {
                    1 => buckets.push((LatencyHistogram::bucket(sum), 1)),
                    _ => decode_buckets(durations, &mut buckets)?,
                }
            }
            let row = AggregateRow { time: Instant(time.saturating_mul(unit)), count, sum, buckets: &buckets };
            take(key, &row);
        }
    }
    Ok(())
}

fn decode_buckets(from: &mut Decoder<'_>, buckets: &mut Vec<(u16, u64)>) -> Result<(), Malformed> {
    let mut bucket = 0_u64;
    for _ in 0..from.count()? {
        bucket = bucket.saturating_add(from.unsigned()?);
        let number = u16::try_from(bucket).ok().filter(|number| usize::from(*number) < LatencyHistogram::BUCKETS);
        buckets.push((number.ok_or(Malformed("a bucket too large"))?, from.unsigned()?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::encoding::encoded;

    proptest! {
        #[test]
        fn aggregates_read_back_and_add_up(
            spans in prop::collection::vec((0_u64..300, 0_usize..3, 0_i32..2, -5_i64..1_000_000), 0..60),
            hours in any::<bool>(),
        ) {
            let unit = if hours { HOUR_NANOS } else { MINUTE_NANOS };
            let mut samples = Samples::default();
            let mut expected: BTreeMap<(String, i32, u64), (u64, i64, LatencyHistogram)> = BTreeMap::new();
            let names = ["b", "a", "c"];
            // Two numbers may mean the same.
            let keys = [0, 1, 2, 0, 1, 2].map(|name: usize| names[name]).into_iter().flat_map(|name| {
                (0..2).map(|status| AggregateKey {
                    service: "s".into(), name: name.into(), kind: SpanKind(1), status: StatusCode(status),
                })
            });
            for (place, (minute, name, status, duration)) in spans.into_iter().enumerate() {
                let key = (name + place % 2 * 3) * 2 + status as usize;
                samples.note(key as u32, Instant(minute * MINUTE_NANOS + place as u64), Duration(duration));
                let sum = expected.entry((names[name].to_owned(), status, minute * MINUTE_NANOS / unit)).or_default();
                sum.0 += 1;
                sum.1 += duration.max(0);
                sum.2.record(Duration(duration));
            }
            let samples = samples.sorted(keys.collect());
            let (mut counts, mut durations) = (Encoder::default(), Encoder::default());
            samples.encode(unit, &mut counts, &mut durations);
            if unit == MINUTE_NANOS {
                prop_assert_eq!(samples.minutes(), expected.len() as u64);
            }
            let mut found = BTreeMap::new();
            decode(&counts.bytes, Some(&durations.bytes), unit, &mut |key, row| {
                let histogram = LatencyHistogram { buckets: row.buckets.to_vec() };
                let place = (key.name.to_string(), key.status.0, row.time.0 / unit);
                assert!(found.insert(place, (row.count, row.sum.0, histogram)).is_none());
            }).expect("valid");
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn buckets_beyond_the_last_are_refused(first in 1_u64..100, beyond in LatencyHistogram::BUCKETS as u64..=u64::MAX) {
            let bytes = encoded(|to| {
                to.count(2);
                [first, 1, beyond, 1].into_iter().for_each(|number| to.unsigned(number));
            });
            prop_assert!(decode_buckets(&mut Decoder::new(&bytes), &mut Vec::new()).is_err());
        }

        #[test]
        fn any_bytes_are_survived(counts in prop::collection::vec(any::<u8>(), 0..80), durations in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&counts, Some(&durations), MINUTE_NANOS, &mut |_, _| {});
        }
    }
}
