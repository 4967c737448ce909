//! What is called, compared: two traces, or two sets of traces, by call path.
//!
//! ```text
//! gateway:GET /a > search:query           in both
//! gateway:GET /a > cache:get              only before: removed
//! gateway:GET /a > search:query > db:find twice as often after: more
//! ```
//!
//! A call path is the operations from a root to a span, names without their numbers, so that ids in names do not make every
//! trace a structure of its own. For sets, a difference must be of size (the share of traces by five points, or the calls of
//! a trace by a tenth) and stand against chance over all paths (Benjamini and Hochberg).

use std::collections::{BTreeMap, HashMap};

use model::{Duration, SpanIndex, Text, Trace, TraceId};

use crate::explain::normalised_message;
use crate::limits::CALL_PATHS_MAX;
use crate::self_time::self_time;
use crate::sketch::Sketch;
use crate::statistics::{discoveries, two_shares, two_sided};
use crate::timeline::Timeline;

/// Fewer traces than this on either side: not enough data for a set.
pub const SET_MIN: u64 = 30;
/// By how much the share of traces that have a path must change.
pub const EFFECT_PRESENCE_MIN: f64 = 0.05;
/// By which share of itself the number of calls in a trace must change.
pub const EFFECT_CALLS_MIN: f64 = 0.1;
const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// Call paths of a set of traces (or of one).
#[derive(Clone, Debug, Default)]
pub struct StructureProfile {
    numbers: HashMap<(Option<u32>, Text), u32>,
    paths: Vec<(Option<u32>, Text)>,
    counts: Vec<Count>,
    /// Operations by name as sent: names are made free of numbers once.
    operations: HashMap<(Text, Text), Text>,
    traces: u64,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Count {
    traces: u64,
    calls: u64,
    /// The sum over traces of the square of the calls.
    calls_squared: u64,
    durations: Sketch,
    own: Sketch,
    leaves: u64,
    /// The most calls in a trace, and the first trace with so many.
    most: (u64, Option<TraceId>),
}

impl StructureProfile {
    /// Nothing seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of one trace.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let mut profile = Self::new();
        profile.add(trace);
        profile
    }

    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace) {
        self.traces += 1;
        let (times, own) = (Timeline::of(trace), self_time(trace));
        let mut path_of: Vec<Option<u32>> = vec![None; trace.spans().len()];
        let mut here: BTreeMap<u32, u64> = BTreeMap::new();
        for (index, _) in trace.depth_first() {
            let parent = trace.parent(index);
            let above = parent.and_then(|parent| path_of[parent as usize]);
            if parent.is_some() && above.is_none() {
                self.left_out += 1;
                continue;
            }
            let operation = self.operation(trace, index);
            let Some(path) = self.path(above, operation) else { continue };
            path_of[index as usize] = Some(path);
            *here.entry(path).or_default() += 1;
            let count = &mut self.counts[path as usize];
            count.durations.insert(times.duration(index));
            count.own.insert(own[index as usize]);
            count.leaves += u64::from(trace.children(index).is_empty());
        }
        for (path, calls) in here {
            let count = &mut self.counts[path as usize];
            count.traces += 1;
            count.calls += calls;
            count.calls_squared = count.calls_squared.saturating_add(calls.saturating_mul(calls));
            if calls > count.most.0 {
                count.most = (calls, Some(trace.id()));
            }
        }
    }

    fn operation(&mut self, trace: &Trace, index: SpanIndex) -> Text {
        let span = trace.span(index);
        let key = (Text::from(span.service_name()), span.name.clone());
        if let Some(known) = self.operations.get(&key) {
            return known.clone();
        }
        let operation: Text = format!("{}:{}", key.0, normalised_message(&key.1)).into();
        if self.operations.len() < CALL_PATHS_MAX {
            self.operations.insert(key, operation.clone());
        }
        operation
    }

    fn path(&mut self, above: Option<u32>, operation: Text) -> Option<u32> {
        let key = (above, operation);
        if let Some(&number) = self.numbers.get(&key) {
            return Some(number);
        }
        if self.paths.len() >= CALL_PATHS_MAX {
            self.left_out += 1;
            return None;
        }
        let number = self.paths.len() as u32;
        self.paths.push(key.clone());
        self.counts.push(Count::default());
        self.numbers.insert(key, number);
        Some(number)
    }

    /// Traces that went in.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// Spans of call paths beyond the number that is kept apart.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn steps(&self, path: u32) -> Vec<Text> {
        let mut steps = Vec::new();
        let mut at = Some(path);
        while let Some(path) = at {
            let (above, operation) = &self.paths[path as usize];
            steps.push(operation.clone());
            at = *above;
        }
        steps.reverse();
        steps
    }
}

/// One call path on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct PathDifference {
    /// `SERVICE:NAME` from the root to the span.
    pub path: Vec<Text>,
    /// What may be concluded.
    pub verdict: PathVerdict,
    /// Traces that have it, before and after.
    pub traces: (u64, u64),
    /// Spans, before and after.
    pub calls: (u64, u64),
    /// Median duration of its spans, before and after; of a single span, its duration.
    pub duration: (Duration, Duration),
    /// Median self time, before and after.
    pub own: (Duration, Duration),
    /// Whether most of its spans have none below, before or after.
    pub leaf: bool,
    /// The trace with the most calls, of the side where there are more in a trace, or, where there are equally many, after.
    pub example: Option<TraceId>,
}

/// What is different about a call path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathVerdict {
    /// Nothing that is both of size and beyond chance.
    Same,
    /// After only.
    Added,
    /// Before only.
    Removed,
    /// More calls a trace, or in more traces.
    More,
    /// Fewer calls a trace, or in fewer traces.
    Fewer,
    /// A set of too few traces for a difference that is not plain.
    NotEnoughData,
}

impl PathVerdict {
    /// The name used in our API and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::More => "more",
            Self::Fewer => "fewer",
            Self::NotEnoughData => "not-enough-data",
        }
    }
}

/// Every call path of either side, in tree order. With one trace on each side every difference in number counts; with sets
/// it must be of size and beyond chance.
#[must_use]
pub fn compare_structure(before: &StructureProfile, after: &StructureProfile) -> Vec<PathDifference> {
    let mut both: BTreeMap<Vec<Text>, [Option<&Count>; 2]> = BTreeMap::new();
    for (side, profile) in [before, after].into_iter().enumerate() {
        for (path, count) in (0..).zip(&profile.counts) {
            both.entry(profile.steps(path)).or_default()[side] = Some(count);
        }
    }
    let none = Count::default();
    let sides: Vec<(Vec<Text>, [&Count; 2])> =
        both.into_iter().map(|(path, counts)| (path, counts.map(|count| count.unwrap_or(&none)))).collect();
    let totals = (before.traces, after.traces);
    let ps: Vec<f64> = sides.iter().map(|(_, counts)| chance(totals, counts)).collect();
    let stands = discoveries(&ps, FALSE_DISCOVERY_RATE);
    let difference = |((path, counts), stands): ((Vec<Text>, [&Count; 2]), bool)| PathDifference {
        verdict: verdict(totals, counts, stands),
        path,
        traces: (counts[0].traces, counts[1].traces),
        calls: (counts[0].calls, counts[1].calls),
        duration: (counts[0].durations.quantile(0.5), counts[1].durations.quantile(0.5)),
        own: (counts[0].own.quantile(0.5), counts[1].own.quantile(0.5)),
        leaf: (counts[0].leaves + counts[1].leaves) * 2 > counts[0].calls + counts[1].calls,
        example: counts[usize::from(counts[1].calls_of_trace(totals.1).0 >= counts[0].calls_of_trace(totals.0).0)]
            .most
            .1,
    };
    sides.into_iter().zip(stands).map(difference).collect()
}

/// How likely a difference like this is by chance: of the share of traces, or of the calls in a trace, whichever is less.
fn chance((before, after): (u64, u64), [a, b]: &[&Count; 2]) -> f64 {
    let presence = two_shares(a.traces, before, b.traces, after);
    let (mean_a, error_a) = a.calls_of_trace(before);
    let (mean_b, error_b) = b.calls_of_trace(after);
    let error = (error_a + error_b).sqrt();
    let calls = match (error > 0.0, mean_a == mean_b) {
        (true, _) => two_sided((mean_a - mean_b) / error),
        (false, true) => 1.0,
        (false, false) => 0.0,
    };
    presence.min(calls)
}

impl Count {
    /// Mean over `traces` traces, and the square of its standard error.
    fn calls_of_trace(&self, traces: u64) -> (f64, f64) {
        let n = traces.max(1) as f64;
        let mean = self.calls as f64 / n;
        let variance = (self.calls_squared as f64 / n - mean * mean).max(0.0);
        (mean, variance / n)
    }
}

fn verdict((before, after): (u64, u64), [a, b]: [&Count; 2], stands: bool) -> PathVerdict {
    let more = |up: bool| if up { PathVerdict::More } else { PathVerdict::Fewer };
    if (before, after) == (1, 1) {
        return match (a.calls, b.calls) {
            (0, _) => PathVerdict::Added,
            (_, 0) => PathVerdict::Removed,
            (a, b) if a == b => PathVerdict::Same,
            (a, b) => more(b > a),
        };
    }
    let shares = (a.traces as f64 / before.max(1) as f64, b.traces as f64 / after.max(1) as f64);
    let means = (a.calls_of_trace(before).0, b.calls_of_trace(after).0);
    let presence = (shares.1 - shares.0).abs() >= EFFECT_PRESENCE_MIN;
    let calls = (means.1 - means.0).abs() >= EFFECT_CALLS_MIN * means.0.max(means.1);
    if !presence && !calls {
        return PathVerdict::Same;
    }
    if before.min(after) < SET_MIN {
        return PathVerdict::NotEnoughData;
    }
    match (stands, a.calls, b.calls) {
        (false, _, _) => PathVerdict::Same,
        (true, 0, _) => PathVerdict::Added,
        (true, _, 0) => PathVerdict::Removed,
        (true, _, _) => more(if presence { shares.1 > shares.0 } else { means.1 > means.0 }),
    }
}
