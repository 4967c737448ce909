//! What a change would do to a trace: re-time it under happens-before.
//!
//! ```text
//! before  |--a--|--b--|--c--| end      a, b, c side by side:   |--a--| end
//!                                                              |--b--|
//!                                                              |--c--|
//! ```
//!
//! A span that began after siblings had ended still begins as long after the last of them; a span that overlapped its
//! siblings stays where it was; a parent ends as long after its last child as before. Several edits at once are re-timed
//! together, so nothing is counted twice. Contention is not modelled: a saving is an upper bound.

use std::collections::{HashMap, HashSet};

use model::{Duration, SpanIndex, Trace};

use crate::timeline::{Timeline, is_blocking};

/// What is changed in one trace.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Spans that take this long instead, their children included: sped up, slowed down, or (zero) answered by a cache.
    pub durations: HashMap<SpanIndex, Duration>,
    /// Siblings that all start when the first of them starts.
    pub side_by_side: Vec<Vec<SpanIndex>>,
}

/// The duration of every span after `edit`, in [`Trace::spans`] order.
#[must_use]
pub fn retime(trace: &Trace, edit: &Edit) -> Vec<Duration> {
    retime_on(trace, &Timeline::of(trace), edit)
}

fn retime_on(trace: &Trace, times: &Timeline, edit: &Edit) -> Vec<Duration> {
    let mut durations: Vec<Duration> = (0..trace.spans().len() as SpanIndex).map(|span| times.duration(span)).collect();
    let mut leaders: HashMap<SpanIndex, SpanIndex> = HashMap::new();
    for group in &edit.side_by_side {
        let first = group.iter().copied().min_by_key(|&span| (times.start(span), span));
        first.into_iter().for_each(|first| leaders.extend(group.iter().map(|&span| (span, first))));
    }
    // Children come after their parents in this order: backwards, they are known when the parent needs them.
    for (index, _) in trace.depth_first().into_iter().rev() {
        durations[index as usize] = match edit.durations.get(&index) {
            Some(&given) => given.max(Duration::ZERO),
            None => retimed(trace, times, &durations, &leaders, index),
        };
    }
    durations
}

/// How much sooner the trace's first root ends after `edit`; negative if later.
#[must_use]
pub fn saving(trace: &Trace, edit: &Edit) -> Duration {
    saving_on(trace, &Timeline::of(trace), edit)
}

/// As [`saving`] for a caller that has the sanitised times already.
pub(crate) fn saving_on(trace: &Trace, times: &Timeline, edit: &Edit) -> Duration {
    let Some(&root) = trace.roots().first() else { return Duration::ZERO };
    times.duration(root) - retime_on(trace, times, edit)[root as usize]
}

fn retimed(
    trace: &Trace,
    times: &Timeline,
    durations: &[Duration],
    leaders: &HashMap<SpanIndex, SpanIndex>,
    parent: SpanIndex,
) -> Duration {
    let changed =
        |&child: &SpanIndex| durations[child as usize] != times.duration(child) || leaders.contains_key(&child);
    // Most spans have no changed child at all: asked before it is looked which children they wait for.
    if !trace.children(parent).iter().any(changed) {
        return times.duration(parent);
    }
    let blocking: Vec<SpanIndex> =
        trace.children(parent).iter().copied().filter(|&child| is_blocking(trace, times, parent, child)).collect();
    if !blocking.iter().any(changed) {
        return times.duration(parent);
    }
    let mut by_end = blocking.clone();
    by_end.sort_by_key(|&child| times.end(child));
    let mut new_starts: HashMap<SpanIndex, model::Instant> = HashMap::new();
    let mut ended = by_end.iter().copied().peekable();
    let (mut old_last, mut new_last) = (times.start(parent), times.start(parent));
    // Children come by start, so whatever ended before one of them starts has its new time already.
    for &child in &blocking {
        while let Some(before) = ended.next_if(|&before| times.end(before) <= times.start(child) && before != child) {
            old_last = old_last.max(times.end(before));
            new_last =
                new_last.max(new_starts.get(&before).map_or(times.end(before), |&at| at + durations[before as usize]));
        }
        let follows = times.start(child) - (old_last - new_last);
        let leader = leaders.get(&child).filter(|&&leader| leader != child);
        new_starts.insert(child, leader.and_then(|leader| new_starts.get(leader).copied()).unwrap_or(follows));
    }
    let old_end = blocking.iter().map(|&child| times.end(child)).max().unwrap_or_default().min(times.end(parent));
    let new_end = blocking.iter().map(|child| new_starts[child] + durations[*child as usize]).max().unwrap_or_default();
    // A child that outlived its parent was cut at its end and goes on being so.
    let outlived = blocking.iter().any(|&child| times.end(child) > times.end(parent));
    let sooner = if outlived { (old_end - new_end).max(Duration::ZERO) } else { old_end - new_end };
    (times.duration(parent) - sooner).max(Duration::ZERO)
}

/// Runs of at least `least` siblings of one service and operation, each starting at or after the end of the one before.
#[must_use]
pub fn sequential_runs(trace: &Trace, least: usize) -> Vec<Vec<SpanIndex>> {
    let times = Timeline::of(trace);
    let mut runs = Vec::new();
    let mut seen: HashSet<SpanIndex> = HashSet::new();
    for parent in 0..trace.spans().len() as SpanIndex {
        let mut open: HashMap<(&str, &str), Vec<SpanIndex>> = HashMap::new();
        for &child in trace.children(parent) {
            let span = trace.span(child);
            let run = open.entry((span.service_name(), &*span.name)).or_default();
            if run.last().is_some_and(|&last| times.end(last) > times.start(child)) {
                keep(&mut runs, &mut seen, std::mem::take(run), least);
            }
            run.push(child);
        }
        open.into_values().for_each(|run| keep(&mut runs, &mut seen, run, least));
    }
    runs.sort();
    runs
}

fn keep(runs: &mut Vec<Vec<SpanIndex>>, seen: &mut HashSet<SpanIndex>, run: Vec<SpanIndex>, least: usize) {
    if run.len() >= least && run.iter().all(|span| seen.insert(*span)) {
        runs.push(run);
    }
}
