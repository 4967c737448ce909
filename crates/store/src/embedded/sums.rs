//! Aggregates of many segments added up: over steps of time, and over what is not to be told apart.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Duration, Instant, SpanKind, StatusCode, Text};

use crate::limits::DENSE_STEPS_MAX;
use crate::segment::{AggregateKey, AggregateRow};
use crate::{AggregateDetail, LatencyHistogram, MinuteAggregate, TimeRange};

/// What is told apart.
type Key = (Text, Text, i32, i32);

/// Adds up rows. Rows of one key that follow each other are added in an array by step and bucket; only what is known of the
/// key then goes into lists.
pub struct Sums {
    time: TimeRange,
    step: u64,
    detail: AggregateDetail,
    groups: HashMap<Key, HashMap<u64, Sum>>,
    /// The key that is being added up, and its steps.
    current: Option<(AggregateKey, Key)>,
    steps: HashMap<u64, Dense>,
    spare: Vec<Box<[u64; LatencyHistogram::BUCKETS]>>,
}

#[derive(Default)]
struct Sum {
    count: u64,
    sum: Duration,
    durations: LatencyHistogram,
}

struct Dense {
    count: u64,
    sum: Duration,
    buckets: Option<Box<[u64; LatencyHistogram::BUCKETS]>>,
    least: u16,
    most: u16,
}

impl Sums {
    /// Adds up what begins within `time`, by `step` nanoseconds.
    pub fn new(time: TimeRange, step: Duration, detail: AggregateDetail) -> Self {
        let step = u64::try_from(step.0).unwrap_or(0).max(1);
        Self { time, step, detail, groups: HashMap::new(), current: None, steps: HashMap::new(), spare: Vec::new() }
    }

    /// Adds one row.
    pub fn add(&mut self, key: &AggregateKey, row: &AggregateRow<'_>) {
        if !self.time.contains(row.time) {
            return;
        }
        if self.current.as_ref().is_none_or(|(current, _)| current != key) {
            let told = self.told(key);
            if self.current.as_ref().is_none_or(|(_, current)| *current != told) {
                self.settle();
            }
            self.current = Some((key.clone(), told));
        }
        let step = row.time.0 / self.step * self.step;
        if self.steps.len() >= DENSE_STEPS_MAX && !self.steps.contains_key(&step) {
            let current = self.current.clone();
            self.settle();
            self.current = current;
        }
        let spare = &mut self.spare;
        let dense = self.steps.entry(step).or_insert_with(|| Dense {
            count: 0,
            sum: Duration::ZERO,
            buckets: None,
            least: u16::MAX,
            most: 0,
        });
        dense.count += row.count;
        dense.sum += row.sum;
        let (Some(first), Some(last)) = (row.buckets.first(), row.buckets.last()) else { return };
        dense.least = dense.least.min(first.0);
        dense.most = dense.most.max(last.0);
        let buckets = dense
            .buckets
            .get_or_insert_with(|| spare.pop().unwrap_or_else(|| Box::new([0; LatencyHistogram::BUCKETS])));
        for &(bucket, count) in row.buckets {
            buckets[usize::from(bucket)] += count;
        }
    }

    fn told(&self, key: &AggregateKey) -> Key {
        let detail = self.detail;
        let text = |wanted: bool, text: &Text| if wanted { Arc::clone(text) } else { Text::default() };
        (
            text(detail.service, &key.service),
            text(detail.name, &key.name),
            if detail.kind { key.kind.0 } else { SpanKind::default().0 },
            if detail.status { key.status.0 } else { StatusCode::default().0 },
        )
    }

    /// Moves what was added of the current key into the lists.
    fn settle(&mut self) {
        let Some((_, key)) = self.current.take() else { return };
        let group = self.groups.entry(key).or_default();
        for (step, dense) in self.steps.drain() {
            let sum = group.entry(step).or_default();
            sum.count += dense.count;
            sum.sum += dense.sum;
            let Some(mut buckets) = dense.buckets else { continue };
            let mut found = LatencyHistogram::default();
            for bucket in dense.least..=dense.most {
                let count = std::mem::take(&mut buckets[usize::from(bucket)]);
                if count > 0 {
                    found.buckets.push((bucket, count));
                }
            }
            self.spare.push(buckets);
            sum.durations.merge(&found);
        }
    }

    /// The sums, by time and key.
    pub fn finish(mut self) -> Vec<MinuteAggregate> {
        self.settle();
        let mut all = Vec::new();
        for ((service, name, kind, status), steps) in self.groups {
            for (step, sum) in steps {
                // A step may begin before the time that is asked about.
                let minute = Instant(step).max(self.time.from);
                all.push(MinuteAggregate {
                    minute,
                    service: Arc::clone(&service),
                    name: Arc::clone(&name),
                    kind: SpanKind(kind),
                    status: StatusCode(status),
                    count: sum.count,
                    duration_sum: sum.sum,
                    durations: sum.durations,
                });
            }
        }
        all.sort_by(|a, b| {
            let key = |one: &MinuteAggregate| (one.minute, one.kind.0, one.status.0);
            (a.minute, &a.service, &a.name).cmp(&(b.minute, &b.service, &b.name)).then_with(|| key(a).cmp(&key(b)))
        });
        all
    }
}
