//! Two selections of traces beside each other: structure, where the time goes, latency and errors, root cause.

use std::collections::{BTreeMap, HashMap};

use analysis::{
    Difference, LatencyProfile, RootCause, RunProfile, compare_runs, critical_path, is_error, latency_root_cause,
    score_of_chance,
};
use model::{Duration, Instant, Text, Trace, TraceId};

use crate::limits::{CALL_PATH_DEPTH_MAX, CALL_PATHS_MAX};

/// Fewer traces on a side than this: shares and means prove nothing, and only what is on one side alone is told.
pub const TRACES_MIN: u64 = 30;

/// Fewer traces of the side that is suspected: no root cause.
pub const SUSPECTED_TRACES_MIN: u64 = 10;

/// A root cause must score this many times what chance scores between the halves of the normal side: half of a side is
/// noisier than the whole.
const MARGIN: f64 = 1.5;

/// Two halves that happen to be alike must not make the threshold nothing.
const CHANCE_MIN: f64 = 3.0;

/// How many standard errors a share or a mean must move: among a thousand places none does by chance.
const SIGNIFICANT: f64 = 4.0;

/// By how much a share of traces must move to be told.
const SHARE_EFFECT_MIN: f64 = 0.02;

/// By which share of itself the count in a trace must move to be told.
const COUNT_EFFECT_MIN: f64 = 0.1;

/// One side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    runs: RunProfile,
    whole: LatencyProfile,
    /// The newer and the older half, for what chance scores.
    halves: [LatencyProfile; 2],
    critical: BTreeMap<(Text, Text), i128>,
    paths: Paths,
    durations: Vec<i64>,
    traces: u64,
    errors: u64,
}

/// Which half of a side a trace is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Among the newer.
    Newer,
    /// Among the older.
    Older,
}

impl Side {
    /// Adds a trace.
    pub fn add(&mut self, trace: &Trace, half: Half) {
        let (first, last) = (Instant(0), Instant(u64::MAX));
        self.traces += 1;
        self.runs.add(trace);
        self.whole.add(trace, first, last);
        self.halves[half as usize].add(trace, first, last);
        self.errors += u64::from(trace.spans().iter().any(is_error));
        let path = critical_path(trace);
        for (span, time) in path.by_span() {
            let span = trace.span(span);
            *self.critical.entry((span.service_name().into(), span.name.clone())).or_default() += i128::from(time.0);
        }
        if let Some(&root) = trace.roots().first() {
            self.durations.push(analysis::Timeline::of(trace).duration(root).0);
        }
        self.paths.add(trace);
    }

    /// How long the first roots took, ascending.
    #[must_use]
    pub fn durations(&self) -> Vec<Duration> {
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        sorted.into_iter().map(Duration).collect()
    }

    /// Traces with an error.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// What there was no room for.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.runs.left_out() + self.whole.left_out() + self.paths.left_out
    }
}

/// What two sides differ in.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Places in the tree of calls that are there more or less often.
    pub structure: Vec<PathDifference>,
    /// Mean critical time per trace by service and operation, the largest difference first.
    pub critical: Vec<((Text, Text), Duration, Duration)>,
    /// Every operation.
    pub operations: Vec<Difference>,
    /// Who made it slower; none where there is too little to tell from.
    pub root_cause: Result<RootCause, String>,
    /// Whether there are too few traces for shares and means to prove anything.
    pub few: bool,
}

/// A place in the tree of calls that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct PathDifference {
    /// Services and operations from the root.
    pub path: Vec<(Text, Text)>,
    /// Share of the traces that have it, before and after.
    pub share: (f64, f64),
    /// How often it is in a trace, mean over all, before and after.
    pub mean: (f64, f64),
    /// A trace that shows it.
    pub example: Option<TraceId>,
}

/// Holds one side against the other.
#[must_use]
pub fn compare(before: &Side, after: &Side) -> Compared {
    Compared {
        structure: structure(before, after),
        critical: critical(before, after),
        operations: compare_runs(&before.runs, &after.runs),
        root_cause: root_cause(before, after),
        few: before.traces.min(after.traces) < TRACES_MIN,
    }
}

fn root_cause(before: &Side, after: &Side) -> Result<RootCause, String> {
    if before.traces < TRACES_MIN || after.traces < SUSPECTED_TRACES_MIN {
        return Err(format!(
            "it takes {TRACES_MIN} normal traces and {SUSPECTED_TRACES_MIN} suspected ones, and there are {} and {}",
            before.traces, after.traces
        ));
    }
    let chance = score_of_chance(&before.halves[Half::Older as usize], &before.halves[Half::Newer as usize]);
    Ok(latency_root_cause(&before.whole, &after.whole, MARGIN * chance.max(CHANCE_MIN)))
}

fn critical(before: &Side, after: &Side) -> Vec<((Text, Text), Duration, Duration)> {
    let mean = |side: &Side, key: &(Text, Text)| {
        let total = side.critical.get(key).copied().unwrap_or(0);
        Duration((total / i128::from(side.traces.max(1))) as i64)
    };
    let keys: std::collections::BTreeSet<_> = before.critical.keys().chain(after.critical.keys()).collect();
    let mut all: Vec<_> = keys.into_iter().map(|key| (key.clone(), mean(before, key), mean(after, key))).collect();
    all.sort_by_key(|(_, before, after)| std::cmp::Reverse((*after - *before).0.saturating_abs()));
    all.retain(|(_, before, after)| before != after);
    all
}

/// How often each place in the tree of calls is in a trace.
#[derive(Clone, Debug, Default)]
struct Paths {
    numbers: HashMap<(Option<u32>, Text, Text), u32>,
    places: Vec<Place>,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Place {
    above: Option<u32>,
    service: Text,
    name: Text,
    traces: u64,
    count: u64,
    /// Sum of the squares of the count in each trace.
    squares: u64,
    example: Option<TraceId>,
}

impl Paths {
    fn add(&mut self, trace: &Trace) {
        let mut place_of: Vec<Option<u32>> = vec![None; trace.spans().len()];
        let mut here: BTreeMap<u32, u64> = BTreeMap::new();
        for (index, depth) in trace.depth_first() {
            let above = trace.parent(index).map(|parent| place_of[parent as usize]);
            let place = match above {
                // Below a place that there was no room for.
                Some(None) => None,
                _ if depth as usize >= CALL_PATH_DEPTH_MAX => None,
                above => {
                    let span = trace.span(index);
                    self.number(above.flatten(), span.service_name().into(), span.name.clone())
                }
            };
            place_of[index as usize] = place;
            match place {
                Some(place) => *here.entry(place).or_default() += 1,
                None => self.left_out += 1,
            }
        }
        for (place, count) in here {
            let place = &mut self.places[place as usize];
            place.traces += 1;
            place.count += count;
            place.squares = place.squares.saturating_add(count.saturating_mul(count));
            place.example.get_or_insert(trace.id());
        }
    }

    fn number(&mut self, above: Option<u32>, service: Text, name: Text) -> Option<u32> {
        let key = (above, service, name);
        if let Some(&number) = self.numbers.get(&key) {
            return Some(number);
        }
        if self.places.len() >= CALL_PATHS_MAX {
            return None;
        }
        let number = self.places.len() as u32;
        let (above, service, name) = key.clone();
        self.places.push(Place { above, service, name, traces: 0, count: 0, squares: 0, example: None });
        self.numbers.insert(key, number);
        Some(number)
    }

    /// Places by their path from the root. A place is numbered after the one above it.
    fn by_path(&self) -> BTreeMap<Vec<(Text, Text)>, &Place> {
        let mut paths: Vec<Vec<(Text, Text)>> = Vec::with_capacity(self.places.len());
        for place in &self.places {
            let mut path = place.above.map(|above| paths[above as usize].clone()).unwrap_or_default();
            path.push((place.service.clone(), place.name.clone()));
            paths.push(path);
        }
        paths.into_iter().zip(&self.places).collect()
    }
}

#[derive(Clone, Copy, Default)]
struct Counted {
    share: f64,
    mean: f64,
    /// Of the count, over all traces.
    variance: f64,
}

fn counted(place: Option<&Place>, traces: u64) -> Counted {
    let (Some(place), true) = (place, traces > 0) else { return Counted::default() };
    let n = traces as f64;
    let mean = place.count as f64 / n;
    Counted { share: place.traces as f64 / n, mean, variance: (place.squares as f64 / n - mean * mean).max(0.0) }
}

fn structure(before: &Side, after: &Side) -> Vec<PathDifference> {
    let (old, new) = (before.paths.by_path(), after.paths.by_path());
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut differences: Vec<PathDifference> = Vec::new();
    let mut told: HashMap<&[(Text, Text)], (f64, f64)> = HashMap::new();
    for path in keys {
        let places = (old.get(path).copied(), new.get(path).copied());
        let sides = (counted(places.0, before.traces), counted(places.1, after.traces));
        if !differs(sides, (before.traces, after.traces)) {
            continue;
        }
        // What is below a place that changed mostly changed with it, and is told with it.
        let means = (sides.0.mean, sides.1.mean);
        let follows = told.get(&path[..path.len() - 1]).is_some_and(|above| same_change(*above, means));
        told.insert(path, means);
        if follows {
            continue;
        }
        let shows = if sides.1.share > 0.0 { places.1 } else { places.0 };
        differences.push(PathDifference {
            path: path.clone(),
            share: (sides.0.share, sides.1.share),
            mean: (sides.0.mean, sides.1.mean),
            example: shows.and_then(|place| place.example),
        });
    }
    differences
}

/// Whether two places came, went or changed in number alike: by the same factor within a tenth.
fn same_change(one: (f64, f64), other: (f64, f64)) -> bool {
    let share_after = |(before, after): (f64, f64)| after / (before + after);
    (share_after(one) - share_after(other)).abs() < COUNT_EFFECT_MIN / 4.0
}

fn differs(sides: (Counted, Counted), traces: (u64, u64)) -> bool {
    let (before, after) = sides;
    if traces.0.min(traces.1) == 0 {
        return false;
    }
    if traces == (1, 1) {
        return (before.mean - after.mean).abs() > 0.5;
    }
    if traces.0.min(traces.1) < TRACES_MIN {
        return (before.share == 0.0 && after.share == 1.0) || (before.share == 1.0 && after.share == 0.0);
    }
    let n = (traces.0 as f64, traces.1 as f64);
    let pooled = (before.share * n.0 + after.share * n.1) / (n.0 + n.1);
    let share_error = (pooled * (1.0 - pooled) * (1.0 / n.0 + 1.0 / n.1)).sqrt();
    let share_moved = (before.share - after.share).abs();
    let mean_error = (before.variance / n.0 + after.variance / n.1).sqrt();
    let mean_moved = (before.mean - after.mean).abs();
    let rare = before.share.max(after.share) < SHARE_EFFECT_MIN;
    (share_moved > SHARE_EFFECT_MIN && share_moved > SIGNIFICANT * share_error)
        || (!rare
            && mean_moved > COUNT_EFFECT_MIN * before.mean.max(after.mean)
            && mean_moved > SIGNIFICANT * mean_error)
}
