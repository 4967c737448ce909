//! Traces by id, keys, values and aggregates, over head and segments.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Attributes, Duration, Instant, Span, Trace, TraceId, TraceSummary, Value};

use super::sums::Sums;
use super::{EmbeddedStore, Snapshot, damaged, without_duplicates};
use crate::head::HeadTrace;
use crate::limits::{KNOWN_KEYS_MAX, KNOWN_VALUES_MAX, SPLIT_SUMMARIES_MAX};
use crate::parallel::{each, threads};
use crate::segment::{AggregateKey, AggregateRow, Aggregates, KeyCounts, Segment, minute_of};
use crate::{
    AggregateDetail, Answer, AttributeScope, Completeness, Cost, KnownKey, KnownValue, MinuteAggregate, Shortfall,
    TimeRange,
};

impl Snapshot {
    /// Everything held of a trace, exact duplicates kept once; none if nothing is.
    pub(super) fn whole(&self, id: TraceId, cost: &mut Cost, shortfalls: &mut Vec<Shortfall>) -> Option<Trace> {
        let mut spans = Vec::new();
        let mut logs = Vec::new();
        let mut pieces = 0;
        for segment in &self.live.segments {
            match segment.trace(id) {
                Ok(None) => {}
                Ok(Some((rows, bytes))) => {
                    cost.bytes += bytes;
                    pieces += 1;
                    spans.extend(rows.spans);
                    logs.extend(rows.logs);
                }
                Err(error) => shortfalls.push(damaged(segment, &error)),
            }
        }
        for part in self.in_memory(id).into_iter().flatten() {
            pieces += 1;
            spans.extend(part.spans());
            logs.extend(part.logs.iter().cloned());
        }
        cost.rows += spans.len() as u64;
        cost.traces += 1;
        if pieces > 1 {
            (spans, logs) = (without_duplicates(spans), without_duplicates(logs));
        }
        // Neither a segment nor the head holds a span twice.
        (pieces > 0).then(|| Trace::assemble_distinct(id, spans, logs))
    }

    /// What memory has of a trace: what is being sealed of it, and what came since.
    fn in_memory(&self, id: TraceId) -> [Option<&HeadTrace>; 2] {
        let sealing = self.sealing.as_ref().and_then(|sealing| sealing.traces.get(&id));
        [sealing, self.head.get(&id)].map(|part| part.map(|part| &**part))
    }

    /// The trace's part in memory, if that is all there is of it.
    pub(super) fn whole_in_memory(&self, id: TraceId) -> Option<&HeadTrace> {
        match self.in_memory(id) {
            [Some(part), None] | [None, Some(part)] => Some(part).filter(|part| !part.may_be_sealed_too),
            _ => None,
        }
    }

    /// Spans of the head and of what is being sealed.
    fn spans_in_memory(&self) -> impl Iterator<Item = Span> {
        let sealing = self.sealing.iter().flat_map(|sealing| sealing.traces.values());
        self.head.values().chain(sealing).flat_map(|trace| trace.spans())
    }

    /// Segments with traces that may start within `time`.
    fn segments_within(&self, time: TimeRange) -> impl Iterator<Item = &Arc<Segment>> {
        self.live.segments.iter().filter(move |segment| is_within(segment, time))
    }
}

/// Whether traces of the segment may start within `time`.
pub(super) fn is_within(segment: &Segment, time: TimeRange) -> bool {
    let ends_before = segment.info.max_start < time.from;
    let starts_after = segment.info.min_start >= time.to && time.to != Instant(u64::MAX);
    !ends_before && !starts_after
}

/// Measures an answer and remembers what it misses.
pub(super) struct Asked<'a> {
    store: &'a EmbeddedStore,
    started: u64,
    pub cost: Cost,
    pub shortfalls: Vec<Shortfall>,
}

impl Asked<'_> {
    pub fn elapsed(&self) -> Duration {
        let elapsed = self.store.hooks.clock.monotonic_nanos().saturating_sub(self.started);
        Duration(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }

    pub fn answer<T>(mut self, value: T) -> Answer<T> {
        self.cost.time = self.elapsed();
        Answer { value, completeness: Completeness { shortfalls: self.shortfalls }, cost: self.cost }
    }
}

impl EmbeddedStore {
    pub(super) fn asked(&self, snapshot: &Snapshot) -> Asked<'_> {
        let started = self.hooks.clock.monotonic_nanos();
        Asked { store: self, started, cost: Cost::default(), shortfalls: snapshot.live.shortfalls() }
    }

    pub(super) fn read_trace(&self, id: TraceId) -> Answer<Option<Arc<Trace>>> {
        let snapshot = self.snapshot_of(&[id]);
        let mut asked = self.asked(&snapshot);
        let trace = snapshot.whole(id, &mut asked.cost, &mut asked.shortfalls);
        asked.answer(trace.map(Arc::new))
    }

    pub(super) fn read_summaries(&self, ids: &[TraceId]) -> Answer<Vec<TraceSummary>> {
        let snapshot = self.snapshot_of(ids);
        let mut asked = self.asked(&snapshot);
        let mut summaries = Vec::new();
        for &id in ids {
            summaries.extend(self.summary(&snapshot, id, &mut asked.cost, &mut asked.shortfalls));
        }
        asked.answer(summaries)
    }

    /// The summary of a whole trace, from the directory or the head where one of them has all of it.
    pub(super) fn summary(
        &self,
        snapshot: &Snapshot,
        id: TraceId,
        cost: &mut Cost,
        shortfalls: &mut Vec<Shortfall>,
    ) -> Option<TraceSummary> {
        if let Some(part) = snapshot.whole_in_memory(id) {
            return Some(part.summary(id, &*self.hooks.summarise).clone());
        }
        let in_memory = snapshot.in_memory(id).iter().any(Option::is_some);
        if !in_memory && !snapshot.live.split.contains(&id) {
            return sealed_summary(snapshot, id, cost, shortfalls);
        }
        self.split_summary(snapshot, id, in_memory, cost, shortfalls)
    }

    /// The summary of a trace that several parts make; it is made from the whole, and held while no segment changes.
    pub(super) fn split_summary(
        &self,
        snapshot: &Snapshot,
        id: TraceId,
        in_memory: bool,
        cost: &mut Cost,
        shortfalls: &mut Vec<Shortfall>,
    ) -> Option<TraceSummary> {
        let generation = snapshot.live.generation;
        let lock = || self.split_summaries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !in_memory {
            let held = lock();
            if held.generation == generation
                && let Some(summary) = held.summaries.get(&id)
            {
                return Some(summary.clone());
            }
        }
        let missing = shortfalls.len();
        let summary = self.summarise(&snapshot.whole(id, cost, shortfalls)?);
        if !in_memory && shortfalls.len() == missing {
            let mut held = lock();
            if held.generation < generation {
                *held = super::SplitSummaries { generation, ..Default::default() };
            }
            if held.generation == generation && held.summaries.len() < SPLIT_SUMMARIES_MAX {
                held.summaries.insert(id, summary.clone());
            }
        }
        Some(summary)
    }

    pub(super) fn read_keys(&self, time: TimeRange) -> Answer<Vec<KnownKey>> {
        let snapshot = self.snapshot();
        let mut asked = self.asked(&snapshot);
        let mut counts = KeyCounts::default();
        for span in snapshot.spans_in_memory().filter(|span| time.contains(span.start)) {
            counts.count(&span);
        }
        counts.settle();
        for segment in snapshot.segments_within(time) {
            match segment.keys() {
                Ok(keys) => counts.merge(&keys),
                Err(error) => asked.shortfalls.push(damaged(segment, &error)),
            }
        }
        let known = counts.iter().map(|(scope, value_type, key, count)| KnownKey {
            scope,
            key: Arc::clone(key),
            value_type,
            count,
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable_by(|a, b| {
            b.count.cmp(&a.count).then_with(|| (a.scope, &a.key, a.value_type).cmp(&(b.scope, &b.key, b.value_type)))
        });
        if known.len() > KNOWN_KEYS_MAX {
            known.truncate(KNOWN_KEYS_MAX);
            asked.shortfalls.push(Shortfall::ValuesLimit(KNOWN_KEYS_MAX as u64));
        }
        asked.answer(known)
    }

    pub(super) fn read_values(
        &self,
        scope: AttributeScope,
        key: &str,
        time: TimeRange,
        limit: usize,
    ) -> Answer<Vec<KnownValue>> {
        let snapshot = self.snapshot();
        let mut asked = self.asked(&snapshot);
        let mut counts: HashMap<Value, u64> = HashMap::new();
        let mut complete = true;
        for span in snapshot.spans_in_memory().filter(|span| time.contains(span.start)) {
            each_attribute(&span, scope, &mut |attributes| {
                for (_, value) in attributes.iter().filter(|(name, _)| &***name == key) {
                    if let Some(count) = counts.get_mut(value) {
                        *count += 1;
                    } else if counts.len() < KNOWN_VALUES_MAX {
                        counts.insert(value.clone(), 1);
                    } else {
                        complete = false;
                    }
                }
            });
        }
        for segment in snapshot.segments_within(time) {
            match segment.count_values(scope, key, KNOWN_VALUES_MAX, &mut counts) {
                Ok((all, bytes)) => {
                    complete &= all;
                    asked.cost.bytes += bytes;
                    asked.cost.rows += segment.info.spans;
                }
                Err(error) => asked.shortfalls.push(damaged(segment, &error)),
            }
        }
        if !complete {
            asked.shortfalls.push(Shortfall::ValuesLimit(KNOWN_VALUES_MAX as u64));
        }
        let mut known: Vec<_> = counts.into_iter().map(|(value, count)| KnownValue { value, count }).collect();
        known.sort_by_cached_key(|known| (u64::MAX - known.count, known.value.to_string()));
        known.truncate(limit);
        asked.answer(known)
    }

    pub(super) fn read_aggregates(
        &self,
        time: TimeRange,
        step: Duration,
        detail: AggregateDetail,
    ) -> Answer<Vec<MinuteAggregate>> {
        let snapshot = self.snapshot();
        let mut asked = self.asked(&snapshot);
        let within = TimeRange { from: minute_of(time.from), to: time.to };
        let mut sums = Sums::new(within, step, detail);
        let mut in_memory = Aggregates::default();
        snapshot.spans_in_memory().for_each(|span| in_memory.count(&span));
        for MinuteAggregate { minute, service, name, kind, status, count, duration_sum, durations } in
            in_memory.finish()
        {
            let buckets = if detail.durations { &durations.buckets[..] } else { &[] };
            let row = AggregateRow { time: minute, count, sum: duration_sum, buckets };
            sums.add(&AggregateKey { service, name, kind, status }, &row);
        }
        // A trace that starts before `time` may have spans within it: segments are not chosen by the start of traces.
        let segments = &snapshot.live.segments;
        let parts: Vec<_> = segments.chunks(segments.len().div_ceil(threads()).max(1)).collect();
        let added = each(parts, &|part| {
            let mut sums = Sums::new(within, step, detail);
            let (mut rows, mut shortfalls) = (0, Vec::new());
            for segment in part {
                let read = segment.aggregates(step, detail.durations, &mut |key, row| {
                    rows += 1;
                    sums.add(key, row);
                });
                shortfalls.extend(read.err().map(|error| damaged(segment, &error)));
            }
            (sums.finish(), rows, shortfalls)
        });
        // What two parts have of one step and key stays in two rows.
        let mut all = sums.finish();
        for (sums, rows, shortfalls) in added {
            asked.cost.rows += rows;
            asked.shortfalls.extend(shortfalls);
            all.extend(sums);
        }
        all.sort_by_key(|aggregate| aggregate.minute);
        asked.answer(all)
    }
}

fn sealed_summary(
    snapshot: &Snapshot,
    id: TraceId,
    cost: &mut Cost,
    shortfalls: &mut Vec<Shortfall>,
) -> Option<TraceSummary> {
    for segment in snapshot.live.segments.iter().filter(|segment| segment.may_hold(id)) {
        let found = segment.position(id).and_then(|position| {
            let Some(position) = position else { return Ok(None) };
            Ok(segment.view([position])?.place(position).map(|(traces, entry)| traces.summary(entry)))
        });
        match found {
            Ok(summary) => {
                cost.traces += 1;
                if summary.is_some() {
                    return summary;
                }
            }
            Err(error) => shortfalls.push(damaged(segment, &error)),
        }
    }
    None
}

/// Hands out the attributes of a span that stand in `scope`.
pub(super) fn each_attribute(span: &Span, scope: AttributeScope, take: &mut dyn FnMut(&Attributes)) {
    match scope {
        AttributeScope::Span => take(&span.attributes),
        AttributeScope::Resource => take(&span.resource.attributes),
        AttributeScope::Instrumentation => take(&span.scope.attributes),
        AttributeScope::Event => span.events.iter().for_each(|event| take(&event.attributes)),
        AttributeScope::Link => span.links.iter().for_each(|link| take(&link.attributes)),
    }
}
