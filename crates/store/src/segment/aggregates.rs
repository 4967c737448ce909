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

use crate::encoding::{Decoder, Encoder, Malformed};
use crate::{LatencyHistogram, MinuteAggregate};

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

/// Encodes counts and durations by `unit` nanoseconds, into which the aggregates are added up.
pub fn encode(aggregates: &[MinuteAggregate], unit: u64, counts: &mut Encoder, durations: &mut Encoder) {
    let mut sorted: Vec<&MinuteAggregate> = aggregates.iter().collect();
    sorted.sort_by(|a, b| key(a).cmp(&key(b)).then(a.minute.cmp(&b.minute)));
    let mut numbers: HashMap<&str, u64> = HashMap::new();
    let mut strings: Vec<&str> = Vec::new();
    for text in sorted.iter().flat_map(|aggregate| [&*aggregate.service, &*aggregate.name]) {
        numbers.entry(text).or_insert_with(|| {
            strings.push(text);
            strings.len() as u64 - 1
        });
    }
    counts.count(strings.len());
    strings.iter().for_each(|text| counts.text(text));
    let keys: Vec<&[&MinuteAggregate]> = sorted.chunk_by(|a, b| key(a) == key(b)).collect();
    counts.count(keys.len());
    for rows in &keys {
        counts.unsigned(numbers[&*rows[0].service]);
        counts.unsigned(numbers[&*rows[0].name]);
        counts.signed(rows[0].kind.0.into());
        counts.signed(rows[0].status.0.into());
    }
    for rows in keys {
        let steps: Vec<&[&MinuteAggregate]> = rows.chunk_by(|a, b| a.minute.0 / unit == b.minute.0 / unit).collect();
        counts.count(steps.len());
        let mut before = 0;
        for step in steps {
            let time = step[0].minute.0 / unit;
            counts.unsigned(time - before);
            before = time;
            let count: u64 = step.iter().map(|row| row.count).sum();
            counts.unsigned(count);
            counts.signed(step.iter().map(|row| row.duration_sum).sum::<Duration>().0);
            if count > 1 {
                encode_buckets(step, durations);
            }
        }
    }
}

fn key(aggregate: &MinuteAggregate) -> (&str, &str, i32, i32) {
    (&aggregate.service, &aggregate.name, aggregate.kind.0, aggregate.status.0)
}

fn encode_buckets(rows: &[&MinuteAggregate], to: &mut Encoder) {
    let mut all = LatencyHistogram::default();
    rows.iter().for_each(|row| all.merge(&row.durations));
    to.count(all.buckets.len());
    let mut before = 0;
    for (bucket, count) in all.buckets {
        to.unsigned((bucket - before).into());
        to.unsigned(count);
        before = bucket;
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
            let mut minutes: BTreeMap<(u64, usize, i32), MinuteAggregate> = BTreeMap::new();
            let mut expected: BTreeMap<(String, i32, u64), (u64, i64, LatencyHistogram)> = BTreeMap::new();
            for (minute, name, status, duration) in spans {
                let names = ["b", "a", "c"];
                let aggregate = minutes.entry((minute, name, status)).or_insert_with(|| MinuteAggregate {
                    minute: Instant(minute * MINUTE_NANOS),
                    service: "s".into(),
                    name: names[name].into(),
                    kind: SpanKind(1),
                    status: StatusCode(status),
                    count: 0,
                    duration_sum: Duration::ZERO,
                    durations: LatencyHistogram::default(),
                });
                aggregate.count += 1;
                aggregate.duration_sum += Duration(duration.max(0));
                aggregate.durations.record(Duration(duration));
                let sum = expected.entry((names[name].to_owned(), status, minute * MINUTE_NANOS / unit)).or_default();
                sum.0 += 1;
                sum.1 += duration.max(0);
                sum.2.record(Duration(duration));
            }
            let aggregates: Vec<MinuteAggregate> = minutes.into_values().collect();
            let (mut counts, mut durations) = (Encoder::default(), Encoder::default());
            encode(&aggregates, unit, &mut counts, &mut durations);
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
