//! Two sets of traces of the same system: which operations became slower, faster, or fail more; and which did not.
//!
//! A rank test alone finds a shift in everything (a thousand requests make microseconds "significant") and misses an
//! operation whose tail doubled while its median fell. Requests of one minute are alike, so they are not independent
//! either. Hence these together:
//!
//! - the middle: Mann-Whitney, and an effect of size ([`EFFECT_RANK_MIN`], [`EFFECT_SHARE_MIN`], [`EFFECT_MIN`]);
//! - the tail: how many values above the common P95 fall into each of [`BLOCKS`] consecutive blocks of time, compared by
//!   ranks between the sets: one burst fills one block and proves nothing;
//! - blocks of time also for the middle: the medians of the blocks must lie apart;
//! - a difference that lasts: each quarter of the second set lies beyond every quarter of the first;
//! - Benjamini and Hochberg over all operations, so that a hundred of them do not find five by chance.

use std::collections::BTreeMap;

use model::{Duration, SpanIndex, Text, Trace};

use crate::fault::is_error;
use crate::limits::KEYS_MAX;
use crate::samples::Samples;
use crate::statistics::{discoveries, quantile, rank_test, sorted_values, two_shares};
use crate::timeline::Timeline;

/// Fewer measurements than this on either side: not enough data.
pub const MEASUREMENTS_MIN: usize = 30;
/// Consecutive blocks of time that each side is cut into.
pub const BLOCKS: usize = 20;
/// How far the probability that the second set is slower must lie from one half.
pub const EFFECT_RANK_MIN: f64 = 0.06;
/// By which share of itself a median must move.
pub const EFFECT_SHARE_MIN: f64 = 0.1;
/// By which share of itself a P95 must move: tails wander by a third between the halves of a healthy run.
pub const EFFECT_TAIL_SHARE_MIN: f64 = 0.5;
/// By how much a median or a P95 must move at least.
pub const EFFECT_MIN: Duration = Duration::from_micros(100);

/// How unlikely it must be that the blocks of the two sets are alike.
const BLOCKS_P_MAX: f64 = 0.001;
const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// Durations and failures of a set of traces, by service and operation.
#[derive(Clone, Debug, Default)]
pub struct RunProfile {
    operations: BTreeMap<(Text, Text), Operation>,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Operation {
    /// Start and duration.
    samples: Samples<(u64, i64)>,
    count: u64,
    errors: u64,
}

impl RunProfile {
    /// Nothing measured.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every span of `trace`.
    pub fn add(&mut self, trace: &Trace) {
        let times = Timeline::of(trace);
        for (index, span) in trace.spans().iter().enumerate() {
            let key = (Text::from(span.service_name()), span.name.clone());
            if self.operations.len() >= KEYS_MAX && !self.operations.contains_key(&key) {
                self.left_out += 1;
                continue;
            }
            let operation = self.operations.entry(key).or_default();
            operation.count += 1;
            operation.errors += u64::from(is_error(span));
            operation.samples.push((span.start.0, times.duration(index as SpanIndex).0));
        }
    }

    /// Measurements that were not kept because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out + self.operations.values().map(|operation| operation.samples.left_out()).sum::<u64>()
    }

    /// Adds everything that `other` has measured.
    pub fn merge(&mut self, other: Self) {
        self.left_out += other.left_out;
        for (key, theirs) in other.operations {
            if self.operations.len() >= KEYS_MAX && !self.operations.contains_key(&key) {
                self.left_out += theirs.count;
                continue;
            }
            let ours = self.operations.entry(key).or_default();
            ours.count += theirs.count;
            ours.errors += theirs.errors;
            ours.samples.merge(theirs.samples);
        }
    }
}

/// What is different about one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The service.
    pub service: Text,
    /// The operation.
    pub operation: Text,
    /// What may be concluded.
    pub verdict: Verdict,
    /// Medians, before and after.
    pub median: (Duration, Duration),
    /// P95, before and after.
    pub p95: (Duration, Duration),
    /// Measurements, before and after.
    pub count: (u64, u64),
    /// Failures, before and after.
    pub errors: (u64, u64),
}

/// What the measurements of one operation prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No difference that is both significant and of size.
    Same,
    /// The middle moved up.
    Slower,
    /// The middle moved down.
    Faster,
    /// The tail moved up; the middle did not.
    SlowerTail,
    /// The tail moved down; the middle did not.
    FasterTail,
    /// Fails more often.
    MoreErrors,
    /// Fails less often.
    FewerErrors,
    /// Too few measurements on a side.
    NotEnoughData,
    /// Seen after only.
    Added,
    /// Seen before only.
    Removed,
}

/// Every operation of either set, by service and name.
#[must_use]
pub fn compare_runs(before: &RunProfile, after: &RunProfile) -> Vec<Difference> {
    let none = Operation::default();
    let keys: std::collections::BTreeSet<_> = before.operations.keys().chain(after.operations.keys()).collect();
    let tests: Vec<Tests> = keys
        .into_iter()
        .map(|key| {
            let sides = [before, after].map(|run| run.operations.get(key).unwrap_or(&none));
            Tests::of(key, sides[0], sides[1])
        })
        .collect();
    let ps = |p: fn(&Tests) -> f64| discoveries(&tests.iter().map(p).collect::<Vec<_>>(), FALSE_DISCOVERY_RATE);
    let (middle, tail, errors) = (ps(|t| t.middle.p), ps(|t| t.tail_p), ps(|t| t.errors_p));
    let found = tests.into_iter().zip(middle).zip(tail).zip(errors);
    found.map(|(((tests, middle), tail), errors)| tests.judge(middle, tail, errors)).collect()
}

struct Tests {
    difference: Difference,
    middle: crate::statistics::RankTest,
    middle_blocks_p: f64,
    tail_p: f64,
    /// Whether the median, and the P95, of each quarter after lies beyond every quarter before.
    lasts: (bool, bool),
    errors_p: f64,
}

impl Tests {
    fn of(key: &(Text, Text), before: &Operation, after: &Operation) -> Self {
        let (a, b) = (sorted_values(before.samples.kept()), sorted_values(after.samples.kept()));
        let at = |share: f64| (Duration(quantile(&a, share)), Duration(quantile(&b, share)));
        let blocks = |share: f64| {
            rank_test(&block_quantiles(before.samples.kept(), share), &block_quantiles(after.samples.kept(), share)).p
        };
        let verdict = match (before.count, after.count) {
            (0, _) => Verdict::Added,
            (_, 0) => Verdict::Removed,
            _ if a.len().min(b.len()) < MEASUREMENTS_MIN => Verdict::NotEnoughData,
            _ => Verdict::Same,
        };
        let comparable = verdict == Verdict::Same;
        let difference = Difference {
            service: key.0.clone(),
            operation: key.1.clone(),
            verdict,
            median: at(0.5),
            p95: at(0.95),
            count: (before.count, after.count),
            errors: (before.errors, after.errors),
        };
        let errors_p = two_shares(before.errors, before.count, after.errors, after.count);
        Self {
            difference,
            middle: rank_test(&a, &b),
            middle_blocks_p: if comparable { blocks(0.5) } else { 1.0 },
            tail_p: if comparable { tail_p(before, after) } else { 1.0 },
            lasts: (lasts(before, after, 0.5), lasts(before, after, 0.95)),
            errors_p: if comparable { errors_p } else { 1.0 },
        }
    }

    fn judge(mut self, middle: bool, tail: bool, errors: bool) -> Difference {
        let difference = &mut self.difference;
        if difference.verdict != Verdict::Same {
            return self.difference;
        }
        let shares = (
            difference.errors.0 as f64 / difference.count.0 as f64,
            difference.errors.1 as f64 / difference.count.1 as f64,
        );
        let of_size =
            (self.middle.b_greater - 0.5).abs() > EFFECT_RANK_MIN && moved(difference.median, EFFECT_SHARE_MIN);
        difference.verdict = if errors && shares.1 > shares.0 {
            Verdict::MoreErrors
        } else if middle && self.middle_blocks_p < BLOCKS_P_MAX && of_size && self.lasts.0 {
            if difference.median.1 > difference.median.0 { Verdict::Slower } else { Verdict::Faster }
        } else if tail && self.lasts.1 && self.tail_p < BLOCKS_P_MAX && moved(difference.p95, EFFECT_TAIL_SHARE_MIN) {
            if difference.p95.1 > difference.p95.0 { Verdict::SlowerTail } else { Verdict::FasterTail }
        } else if errors {
            Verdict::FewerErrors
        } else {
            Verdict::Same
        };
        self.difference
    }
}

fn moved((before, after): (Duration, Duration), share_min: f64) -> bool {
    let change = (after - before).0.unsigned_abs();
    change > EFFECT_MIN.0.unsigned_abs() && change as f64 > before.0 as f64 * share_min
}

fn tail_p(before: &Operation, after: &Operation) -> f64 {
    let both: Vec<(u64, i64)> = before.samples.kept().iter().chain(after.samples.kept()).copied().collect();
    let limit = quantile(&sorted_values(&both), 0.95);
    let [before, after] = [before, after].map(|side| {
        // Per thousand, since the last block is mostly shorter.
        let share = |block: &[(u64, i64)]| {
            let above = block.iter().filter(|sample| sample.1 > limit).count();
            (above * 1_000 / block.len().max(1)) as i64
        };
        per_block(side.samples.kept(), share)
    });
    rank_test(&before, &after).p
}

fn lasts(before: &Operation, after: &Operation, share: f64) -> bool {
    let [before, after] = [before, after]
        .map(|side| in_blocks(side.samples.kept(), 4, |quarter| quantile(&sorted_values(quarter), share)));
    let ends = |quarters: &[i64]| quarters.first().copied().zip(quarters.last().copied());
    let (Some(before), Some(after)) = (ends(&before), ends(&after)) else { return false };
    after.0 > before.1 || after.1 < before.0
}

/// The quantile of each block, ascending.
fn block_quantiles(samples: &[(u64, i64)], share: f64) -> Vec<i64> {
    per_block(samples, |block| quantile(&sorted_values(block), share))
}

fn per_block(samples: &[(u64, i64)], figure: impl Fn(&[(u64, i64)]) -> i64) -> Vec<i64> {
    in_blocks(samples, BLOCKS, figure)
}

/// A figure for each of `blocks` blocks of consecutive measurements, ascending.
fn in_blocks(samples: &[(u64, i64)], blocks: usize, figure: impl Fn(&[(u64, i64)]) -> i64) -> Vec<i64> {
    let mut by_time = samples.to_vec();
    by_time.sort_unstable();
    let size = by_time.len().div_ceil(blocks).max(1);
    let mut figures: Vec<i64> = by_time.chunks(size).map(figure).collect();
    figures.sort_unstable();
    figures
}
