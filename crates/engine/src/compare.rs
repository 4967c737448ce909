//! Two selections of traces beside each other: structure, where the time goes, latency and errors, root cause.

use std::collections::{BTreeMap, HashMap};

use analysis::{
    AttributeDifference, AttributeProfile, Difference, LatencyProfile, PathDifference, PathVerdict, RootCause,
    RunProfile, StructureProfile, attribute_differences, compare_runs, compare_structure, critical_path, is_error,
    latency_root_cause, score_of_chance,
};
use model::{Duration, Instant, Text, Trace};

/// Fewer traces on a side than this: shares and means prove nothing, and only what is on one side alone is told.
pub const TRACES_MIN: u64 = 30;

/// Fewer traces of the side that is suspected: no root cause.
pub const SUSPECTED_TRACES_MIN: u64 = 10;

/// A root cause must score this many times what chance scores between the halves of the normal side: half of a side is
/// noisier than the whole.
const MARGIN: f64 = 1.5;

/// Two halves that happen to be alike must not make the threshold nothing.
const CHANCE_MIN: f64 = 3.0;

/// By how much the share of the calls that are after may differ where two places changed alike.
const ALIKE: f64 = 0.025;

/// One side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    runs: RunProfile,
    whole: LatencyProfile,
    /// The newer and the older half, for what chance scores.
    halves: [LatencyProfile; 2],
    critical: BTreeMap<(Text, Text), i128>,
    structure: StructureProfile,
    attributes: AttributeProfile,
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
        self.structure.add(trace);
        self.attributes.add(trace);
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
        self.runs.left_out() + self.whole.left_out() + self.structure.left_out() + self.attributes.left_out()
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
    /// Attribute values that are more frequent on one side; the shares are those of after and before.
    pub attributes: Vec<AttributeDifference>,
    /// Traces of either side.
    pub traces: (u64, u64),
    /// Whether there are too few traces for shares and means to prove anything.
    pub few: bool,
}

/// Holds one side against the other.
#[must_use]
pub fn compare(before: &Side, after: &Side) -> Compared {
    Compared {
        structure: structure(before, after),
        critical: critical(before, after),
        operations: compare_runs(&before.runs, &after.runs),
        root_cause: root_cause(before, after),
        attributes: attribute_differences(&after.attributes, &before.attributes),
        traces: (before.traces, after.traces),
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

/// Places in the tree of calls that differ, the outermost first. What is below a place that changed mostly changed with it, and
/// is told with it.
fn structure(before: &Side, after: &Side) -> Vec<PathDifference> {
    let mut told: HashMap<Vec<Text>, (f64, f64)> = HashMap::new();
    let mut differences = Vec::new();
    for place in compare_structure(&before.structure, &after.structure) {
        if matches!(place.verdict, PathVerdict::Same | PathVerdict::NotEnoughData) {
            continue;
        }
        let means = means(&place, (before.traces, after.traces));
        let above = place.path.split_last().map_or(&[] as &[Text], |(_, above)| above);
        let follows = told.get(above).is_some_and(|above| same_change(*above, means));
        told.insert(place.path.clone(), means);
        if !follows {
            differences.push(place);
        }
    }
    differences
}

/// How many calls there are in a trace, mean over all, before and after.
fn means(place: &PathDifference, traces: (u64, u64)) -> (f64, f64) {
    let per = |calls: u64, traces: u64| calls as f64 / traces.max(1) as f64;
    (per(place.calls.0, traces.0), per(place.calls.1, traces.1))
}

/// Whether two places came, went or changed in number alike: by the same factor, nearly.
fn same_change(one: (f64, f64), other: (f64, f64)) -> bool {
    let share_after = |(before, after): (f64, f64)| after / (before + after);
    (share_after(one) - share_after(other)).abs() < ALIKE
}
