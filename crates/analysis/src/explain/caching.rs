//! Calls whose answers could be kept: equal arguments, replayed in time order through caches of several sizes and ages.
//!
//! Ranked by time on the critical path, not by count: in one real system 17 % of the calls repeated a URL within the same
//! trace, and they were 0.1 % of the time.

use std::collections::{BTreeMap, HashMap};

use model::{Duration, SpanId, SpanIndex, TraceId};

use super::view::View;
use super::{Draft, Total, operation_place};
use crate::arguments::{Arguments, CallArguments, arguments};
use crate::cache::{CacheResult, cache_accesses, silent_accesses};
use crate::fault::is_error;
use crate::finding::{Confidence, EvidenceSet, Finding, FindingKind, Saving, Unit, Waste};
use crate::limits::{ACCESSES_MAX, ACCESSES_OF_ONE_MAX, KEYS_MAX};
use crate::names::{Names, OperationId, Renumbered};
use crate::prices::PriceTable;
use crate::sketch::Sketch;

/// Ages at which a kept answer is thrown away, and how they are said; the last never.
const AGES: [(Duration, &str); 3] =
    [(Duration::from_secs(60), "a minute"), (Duration::from_secs(3_600), "an hour"), (Duration::MAX, "ever")];
/// Answers kept at once: by the small cache and by the large one.
const SIZES: [usize; 2] = [100, 10_000];
/// Fewer hits than this, or a smaller share of the calls, are not worth a cache.
const HITS_MIN: (u64, f64) = (5, 0.1);
/// Fewer asked than this say nothing of a cache; a larger share of hits is a good one.
const COLD: (u64, f64) = (20, 0.5);
/// A cache that would save less than this share of all time, and no tokens, is not told.
const IMPACT_MIN: f64 = 0.001;

/// Calls with their arguments, and caches with their answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caching {
    calls: HashMap<OperationId, Vec<Access>>,
    kept: usize,
    caches: HashMap<OperationId, Asked>,
    /// Client spans without arguments: nothing can be told of them.
    pub(crate) silent: u64,
    pub(crate) asked: u64,
    pub(crate) left_out: u64,
}

/// One call.
#[derive(Clone, Debug)]
struct Access {
    start: u64,
    key: u64,
    answer: Option<u64>,
    kind: CallArguments,
    cost: i64,
    tokens: u64,
    usd: Option<f64>,
    trace: TraceId,
    span: SpanId,
}

/// An existing cache.
#[derive(Clone, Debug, Default)]
struct Asked {
    hits: u64,
    misses: u64,
    /// Asked without a word of what came of it, and how many of those were followed by a call that fills the cache.
    silent: u64,
    filled: u64,
    said_by: BTreeMap<model::Text, u64>,
    evidence: EvidenceSet,
}

impl Caching {
    pub(crate) fn add(&mut self, view: &View<'_>, cache_hit_keys: &[model::Text], prices: &PriceTable) {
        for index in 0..view.len() {
            let span = view.trace.span(index);
            if span.attributes.is_empty() || is_error(span) {
                continue;
            }
            match arguments(span) {
                Some(arguments) => self.add_call(view, index, &arguments, prices),
                None => self.silent += u64::from(span.kind == model::SpanKind::CLIENT),
            }
        }
        let mentions = |span: &model::Span| {
            span.attributes.iter().any(|(key, _)| key.contains("cache") || &**key == "db.response.returned_rows")
        };
        if !cache_hit_keys.is_empty() || view.trace.spans().iter().any(mentions) {
            self.add_caches(view, cache_hit_keys);
        }
        for access in silent_accesses(view.trace, &view.times, cache_hit_keys) {
            let operation = view.operation(access.span);
            if self.caches.len() >= KEYS_MAX && !self.caches.contains_key(&operation) {
                self.left_out += 1;
                continue;
            }
            let cache = self.caches.entry(operation).or_default();
            cache.silent += 1;
            if access.filled {
                cache.filled += 1;
                cache.evidence.add(view.duration(), view.trace.id(), || view.ids(&[access.span]));
            }
        }
    }

    fn add_call(&mut self, view: &View<'_>, index: SpanIndex, arguments: &Arguments, prices: &PriceTable) {
        self.asked += 1;
        let calls = self.calls.entry(view.operation(index)).or_default();
        if self.kept >= ACCESSES_MAX || calls.len() >= ACCESSES_OF_ONE_MAX {
            self.left_out += 1;
            return;
        }
        self.kept += 1;
        let span = view.trace.span(index);
        let tokens = arguments.llm.as_ref().map(|call| call.tokens).unwrap_or_default();
        let usd = arguments.llm.as_ref().and_then(|call| call.cost_usd.or_else(|| prices.cost(call.model(), tokens)));
        calls.push(Access {
            start: span.start.0,
            key: arguments.key,
            answer: arguments.answer,
            kind: arguments.kind,
            cost: view.critical_below(index),
            tokens: tokens.input.unwrap_or(0) + tokens.output.unwrap_or(0),
            usd,
            trace: view.trace.id(),
            span: span.span_id,
        });
    }

    fn add_caches(&mut self, view: &View<'_>, cache_hit_keys: &[model::Text]) {
        for access in cache_accesses(view.trace, cache_hit_keys) {
            let operation = view.operation(access.span);
            if self.caches.len() >= KEYS_MAX && !self.caches.contains_key(&operation) {
                self.left_out += 1;
                continue;
            }
            let cache = self.caches.entry(operation).or_default();
            *cache.said_by.entry(access.evidence.clone()).or_default() += 1;
            match access.result {
                CacheResult::Hit => cache.hits += 1,
                CacheResult::Miss => {
                    cache.misses += 1;
                    cache.evidence.add(view.duration(), view.trace.id(), || view.ids(&[access.span]));
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Self, numbers: &Renumbered) {
        self.silent += other.silent;
        self.asked += other.asked;
        self.left_out += other.left_out;
        for (operation, theirs) in other.calls {
            let ours = self.calls.entry(numbers.operations[operation as usize]).or_default();
            for access in theirs {
                if self.kept >= ACCESSES_MAX || ours.len() >= ACCESSES_OF_ONE_MAX {
                    self.left_out += 1;
                    continue;
                }
                self.kept += 1;
                ours.push(access);
            }
        }
        for (operation, theirs) in other.caches {
            let ours = self.caches.entry(numbers.operations[operation as usize]).or_default();
            ours.hits += theirs.hits;
            ours.misses += theirs.misses;
            ours.silent += theirs.silent;
            ours.filled += theirs.filled;
            theirs.said_by.into_iter().for_each(|(key, count)| *ours.said_by.entry(key).or_default() += count);
            ours.evidence.merge(theirs.evidence);
        }
    }

    pub(crate) fn findings(&self, names: &Names, total: &Total) -> Vec<Finding> {
        let calls = self.calls.iter().filter_map(|(&operation, calls)| cacheable(names, total, operation, calls));
        let caches = self.caches.iter().filter_map(|(&operation, cache)| cold(names, total, operation, cache));
        calls.chain(caches).collect()
    }
}

/// Which calls, by time, a cache would have answered.
fn replay(calls: &[Access], age: Duration, size: usize) -> Vec<bool> {
    let mut kept: HashMap<u64, (u64, usize)> = HashMap::new();
    let mut by_use: BTreeMap<usize, u64> = BTreeMap::new();
    let mut hits = vec![false; calls.len()];
    for (turn, call) in calls.iter().enumerate() {
        let known = kept.get(&call.key).copied();
        let fresh = known.filter(|(since, _)| i128::from(call.start) - i128::from(*since) <= i128::from(age.0));
        hits[turn] = fresh.is_some();
        if let Some((_, used)) = known {
            by_use.remove(&used);
        }
        // A hit keeps the age of the answer; a miss asks anew.
        kept.insert(call.key, (fresh.map_or(call.start, |(since, _)| since), turn));
        by_use.insert(turn, call.key);
        if kept.len() > size
            && let Some((_, oldest)) = by_use.pop_first()
        {
            kept.remove(&oldest);
        }
    }
    hits
}

fn cacheable(names: &Names, total: &Total, operation: OperationId, calls: &[Access]) -> Option<Finding> {
    let mut calls = calls.to_vec();
    calls.sort_unstable_by_key(|call| (call.start, call.trace, call.span));
    let largest = SIZES[SIZES.len() - 1];
    let shares: Vec<(f64, &str)> = AGES
        .iter()
        .map(|&(age, word)| {
            let hits = replay(&calls, age, largest).into_iter().filter(|&hit| hit).count();
            (hits as f64 / calls.len() as f64, word)
        })
        .collect();
    // An hour is the age told first: longer is a matter of the data, shorter of load.
    let hits = replay(&calls, AGES[1].0, largest);
    let small = replay(&calls, AGES[1].0, SIZES[0]).into_iter().filter(|&hit| hit).count();
    let repeated: Vec<&Access> = calls.iter().zip(&hits).filter(|(_, hit)| **hit).map(|(call, _)| call).collect();
    let share = repeated.len() as f64 / calls.len() as f64;
    if (repeated.len() as u64) < HITS_MIN.0 || share < HITS_MIN.1 {
        return None;
    }
    let mut savings: BTreeMap<TraceId, i64> = BTreeMap::new();
    let mut evidence = EvidenceSet::default();
    for call in &repeated {
        *savings.entry(call.trace).or_default() += call.cost;
        evidence.add(call.cost, call.trace, || vec![call.span]);
    }
    let saved: i64 = savings.values().sum();
    let impact = saved as f64 / total.time.max(1) as f64;
    let tokens: u64 = repeated.iter().map(|call| call.tokens).sum();
    let usd: Option<f64> =
        repeated.iter().map(|call| call.usd).collect::<Option<Vec<f64>>>().map(|all| all.iter().sum());
    if impact < IMPACT_MIN && tokens == 0 {
        return None;
    }
    let mut by_trace = Sketch::new();
    savings.values().for_each(|&time| by_trace.insert(Duration(time)));
    let (stale, compared) = stale(&calls);
    let within = within_one_trace(&calls);
    let money = match (tokens, usd) {
        (0, _) => String::new(),
        (tokens, Some(usd)) => format!("; {tokens} tokens, {usd:.4} USD"),
        (tokens, None) => format!("; {tokens} tokens, price not known"),
    };
    let sampled = calls.iter().any(|call| matches!(call.kind, CallArguments::PromptMaybeSampled | CallArguments::Tool));
    let staleness = match compared {
        0 => "the answers were not recorded, so how long they stay true cannot be told".to_owned(),
        compared => format!("{stale} of {compared} repeats had another answer than the one before"),
    };
    let ages =
        shares.iter().map(|(share, word)| format!("{:.0} % if kept for {word}", share * 100.0)).collect::<Vec<_>>();
    let finding = Draft {
        kind: FindingKind::CacheableCalls,
        place: operation_place(names, operation),
        title: format!("{} is asked the same again", names.full_name(operation)),
        what: format!(
            "of {} calls a cache would answer {}; {within} of them within one trace; {small} with room for {} answers; it would \
             take {} off a request that has a repeat{money}",
            calls.len(),
            ages.join(", "),
            SIZES[0],
            by_trace.quantile(0.5)
        ),
        seen: savings.len() as u64,
        cost: by_trace.quantile(0.5),
        saving: Some(Saving {
            least: Duration::ZERO,
            median: by_trace.quantile(0.5),
            most: by_trace.max(),
            p95: by_trace.quantile(0.95),
        }),
        waste: (tokens > 0).then_some(Waste { tokens, usd }),
        confidence: if sampled || stale * 20 > compared {
            Confidence::CannotTell
        } else {
            Confidence::of(calls.len() as u64)
        },
        reason: format!(
            "equal arguments, replayed in time order through caches; {staleness}{}",
            if sampled {
                "; whether the same question may get the same answer is not told by its attributes"
            } else {
                ""
            }
        ),
        next_step: if within > 0 {
            "keep the answer within the request first; across requests, decide how old it may be".into()
        } else {
            "decide how old an answer may be, and keep it that long".into()
        },
        impact: impact.max(if tokens > 0 { share * 0.02 } else { 0.0 }),
        figures: vec![
            ("calls", calls.len() as f64, Unit::Count),
            ("hit_share_hour", share, Unit::Share),
            ("hit_share_minute", shares[0].0, Unit::Share),
            ("repeats_within_trace", within as f64, Unit::Count),
            ("tokens", tokens as f64, Unit::Tokens),
        ],
        evidence: evidence.list(),
        ..Draft::new(total)
    };
    Some(finding.finding())
}

/// Repeats whose answer differs from the one before, and repeats whose answers were recorded.
fn stale(calls: &[Access]) -> (u64, u64) {
    let mut last: HashMap<u64, u64> = HashMap::new();
    let (mut stale, mut compared) = (0, 0);
    for call in calls {
        let Some(answer) = call.answer else { continue };
        if let Some(before) = last.insert(call.key, answer) {
            compared += 1;
            stale += u64::from(before != answer);
        }
    }
    (stale, compared)
}

/// Calls that ask what their own trace has asked before.
fn within_one_trace(calls: &[Access]) -> u64 {
    let mut seen: std::collections::HashSet<(TraceId, u64)> = std::collections::HashSet::new();
    calls.iter().filter(|call| !seen.insert((call.trace, call.key))).count() as u64
}

fn cold(names: &Names, total: &Total, operation: OperationId, cache: &Asked) -> Option<Finding> {
    // Where nothing ever fills the cache beside the question, nothing can be told of what is not said.
    let (told, missed) = if cache.filled > 0 { (cache.silent, cache.filled) } else { (0, 0) };
    let (hits, misses) = (cache.hits + told - missed, cache.misses + missed);
    let asked = hits + misses;
    let share = hits as f64 / asked.max(1) as f64;
    if asked < COLD.0 || share >= COLD.1 {
        return None;
    }
    let mut said_by: Vec<&str> = cache.said_by.keys().map(|key| &**key).collect();
    if told > 0 {
        said_by.push("what follows: a miss is one after which the same caller fills the cache");
    }
    let draft = Draft {
        kind: FindingKind::ColdCache,
        place: operation_place(names, operation),
        title: format!("{} seldom has the answer", names.full_name(operation)),
        what: format!("{} of {asked} times it had ({:.0} %)", hits, share * 100.0),
        seen: misses,
        confidence: Confidence::of(asked),
        reason: format!("told by {}", said_by.join(", ")),
        next_step:
            "look at its keys (something in them that changes every time?), its size and how long it keeps answers"
                .into(),
        impact: 0.02 * (1.0 - share),
        figures: vec![("asked", asked as f64, Unit::Count), ("hit_share", share, Unit::Share)],
        evidence: cache.evidence.list(),
        ..Draft::new(total)
    };
    Some(draft.finding())
}
