//! Pages of traces: filter, order, cursor.
//!
//! A trace that lies in one place whole is judged by its summary there; a trace in several parts is put together first.
//! Segments are taken newest first, so that the newest page stops as soon as no older segment can add to it.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::{Duration, Instant, Span, Trace, TraceId, TraceSummary};

use super::read::{Asked, each_attribute, is_within};
use super::{EmbeddedStore, Snapshot, damaged};
use crate::limits::{
    PAGE_DEFAULT, PAGE_MAX, PARALLEL_ROWS, PARALLEL_TRACES, RESIDUAL_READ_FIRST, RESIDUAL_READ_MAX, RESIDUAL_SPANS_MAX,
    SPAN_MEMORY, WINDOW_ROWS_FIRST,
};
use crate::parallel::{each, threads};
use crate::segment::{Segment, Selected, TraceView, Window, Windows};
use crate::span_filter::{TextTest, ValueTest};
use crate::{
    Answer, AttributeScope, Cost, Cursor, FoundTrace, Needs, Predicate, Residual, Shortfall, SpanFilter, TimeRange,
    TraceOrder, TracePage, TraceScan,
};

/// A trace's place in the order: smaller comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: i128,
    newest: Reverse<Instant>,
    id: TraceId,
}

fn place(order: TraceOrder, id: TraceId, start: Instant, duration: Duration, errors: u32, spans: u32) -> Place {
    let key = match order {
        TraceOrder::Newest => -i128::from(start.0),
        TraceOrder::Oldest => i128::from(start.0),
        TraceOrder::Longest => -i128::from(duration.0),
        TraceOrder::Shortest => i128::from(duration.0),
        TraceOrder::MostErrors => -i128::from(errors),
        TraceOrder::MostSpans => -i128::from(spans),
    };
    Place { key, newest: Reverse(start), id }
}

fn place_of(order: TraceOrder, summary: &TraceSummary) -> Place {
    place(order, summary.trace_id, summary.start, summary.duration, summary.error_count, summary.span_count)
}

/// The best traces so far: one more than the page holds, to know whether there is a next one.
struct Page {
    wanted: usize,
    found: Vec<(Place, FoundTrace)>,
}

impl Page {
    /// Whether a trace at this place would be among the best.
    fn has_room_for(&self, place: Place) -> bool {
        self.found.len() <= self.wanted || self.found.last().is_some_and(|(last, _)| place < *last)
    }

    /// The last place, if the page is full.
    fn last_of_full(&self) -> Option<Place> {
        self.found.last().filter(|_| self.found.len() > self.wanted).map(|(place, _)| *place)
    }

    fn insert(&mut self, place: Place, trace: FoundTrace) {
        let at = self.found.partition_point(|(other, _)| *other < place);
        self.found.insert(at, (place, trace));
        self.found.truncate(self.wanted + 1);
    }

    fn finish(mut self) -> TracePage {
        let more = self.found.len() > self.wanted;
        self.found.truncate(self.wanted);
        let last = self.found.last().filter(|_| more).map(|(place, _)| *place);
        TracePage {
            traces: self.found.into_iter().map(|(_, trace)| trace).collect(),
            next: last.map(|place| Cursor { key: place.key, start: place.newest.0, trace_id: place.id }),
        }
    }
}

struct Scanning<'a> {
    store: &'a EmbeddedStore,
    scan: &'a TraceScan,
    snapshot: &'a Snapshot,
    after: Option<Place>,
    page: Page,
    /// The predicates that a summary cannot answer.
    about_spans: Vec<&'a Predicate>,
    /// What is asked of columns in their place.
    filters: Vec<SpanFilter>,
    asked: Asked<'a>,
    /// Only traces that start within: what is asked, and what a cursor leaves of it.
    time: TimeRange,
    /// Rows of the next window of a segment.
    window_rows: usize,
    looked_into: u64,
    stopped: bool,
}

impl EmbeddedStore {
    pub(super) fn run_scan(&self, scan: &TraceScan) -> Answer<TracePage> {
        let snapshot = self.snapshot();
        let wanted = if scan.limit == 0 { PAGE_DEFAULT } else { scan.limit.min(PAGE_MAX) };
        let after =
            scan.cursor.map(|cursor| Place { key: cursor.key, newest: Reverse(cursor.start), id: cursor.trace_id });
        let mut scanning = Scanning {
            store: self,
            scan,
            snapshot: &snapshot,
            after,
            page: Page { wanted, found: Vec::new() },
            about_spans: scan.predicates.iter().filter(|predicate| !is_of_summary(predicate)).collect(),
            filters: filters_of(scan),
            asked: self.asked(&snapshot),
            time: time_left(scan),
            window_rows: WINDOW_ROWS_FIRST,
            looked_into: 0,
            stopped: false,
        };
        let apart = scanning.parts_in_memory();
        scanning.segments(&apart);
        scanning.asked.answer(scanning.page.finish())
    }
}

impl Scanning<'_> {
    /// Judges every trace that is in memory or split; answers with those, since the segments' own rows about them are
    /// not of the whole trace.
    fn parts_in_memory(&mut self) -> HashSet<TraceId> {
        let snapshot = self.snapshot;
        let sealing = snapshot.sealing.iter().flat_map(|sealing| sealing.traces.keys().copied());
        let in_memory: HashSet<TraceId> = snapshot.head.keys().copied().chain(sealing).collect();
        let mut apart = in_memory.clone();
        apart.extend(snapshot.live.split.iter().copied());
        let mut candidates = Vec::new();
        for &id in &apart {
            if self.is_stopped() {
                break;
            }
            let summary = match snapshot.whole_in_memory(id) {
                Some(part) => Some(part.summary(id, &*self.store.hooks.summarise).clone()),
                None => {
                    let (cost, shortfalls) = (&mut self.asked.cost, &mut self.asked.shortfalls);
                    self.store.split_summary(snapshot, id, in_memory.contains(&id), cost, shortfalls)
                }
            };
            self.asked.cost.traces += 1;
            // A part that was deleted or dropped leaves its id behind until the next merge.
            let Some(summary) = summary else { continue };
            let place = place_of(self.scan.order, &summary);
            if self.is_wanted(place, summary.start) && self.summary_meets(&summary) {
                candidates.push((place, summary));
            }
        }
        candidates.sort_unstable_by_key(|(place, _)| *place);
        for (place, summary) in candidates {
            if self.is_stopped() || !self.page.has_room_for(place) {
                break;
            }
            self.judge_whole(place, summary);
        }
        apart
    }

    fn judge_whole(&mut self, place: Place, summary: TraceSummary) {
        let about_spans = self.about_spans.clone();
        let meets = |spans: &[Span]| about_spans.iter().all(|predicate| spans_meet(spans, predicate));
        let whole_here = self.snapshot.whole_in_memory(summary.trace_id);
        if whole_here.is_some_and(|part| !meets(&part.spans().collect::<Vec<_>>())) {
            return;
        }
        let is_met = whole_here.is_some() || self.about_spans.is_empty();
        if is_met && self.scan.residual.is_none() {
            self.page.insert(place, FoundTrace { summary, matched_spans: None });
            return;
        }
        self.looked_into += 1;
        if self.takes_too_much(summary.span_count) {
            return;
        }
        let (cost, shortfalls) = (&mut self.asked.cost, &mut self.asked.shortfalls);
        let Some(trace) = self.snapshot.whole(summary.trace_id, cost, shortfalls) else { return };
        if is_met || meets(trace.spans()) {
            self.judge_residual(place, summary, &trace);
        }
    }

    fn judge_residual(&mut self, place: Place, summary: TraceSummary, trace: &Trace) {
        let matched_spans = match &self.scan.residual {
            None => None,
            Some(residual) => match residual(trace) {
                None => return,
                some => some,
            },
        };
        self.page.insert(place, FoundTrace { summary, matched_spans });
    }

    fn segments(&mut self, apart: &HashSet<TraceId>) {
        let mut segments: Vec<_> = self.snapshot.live.segments.iter().collect();
        segments.retain(|segment| is_within(segment, self.time));
        match self.scan.order {
            TraceOrder::Oldest => segments.sort_by_key(|segment| segment.info.min_start),
            _ => segments.sort_by_key(|segment| Reverse(segment.info.max_start)),
        }
        let mut upcoming = Upcoming { segments: segments.into_iter(), open: None };
        loop {
            let is_long = self.scan.in_any_order
                || self.window_rows >= PARALLEL_ROWS
                || !matches!(self.scan.order, TraceOrder::Newest | TraceOrder::Oldest);
            let at_once = if is_long { threads() } else { 1 };
            let batch: Vec<_> = std::iter::from_fn(|| upcoming.next(self)).take(at_once).collect();
            if batch.is_empty() || self.is_stopped() {
                break;
            }
            let filters = &self.filters;
            let looked = each(batch, &|(segment, window, best)| (segment, best, Looked::at(segment, &window, filters)));
            for (segment, best, looked) in looked {
                if self.is_stopped() || !self.may_improve(best) {
                    continue;
                }
                let judged = looked.and_then(|looked| self.judge_window(segment, looked, apart));
                if let Err(error) = judged {
                    self.lacks(damaged(segment, &error));
                }
            }
        }
    }

    /// Told once, however many windows of a segment it is met in.
    fn lacks(&mut self, shortfall: Shortfall) {
        if !self.asked.shortfalls.contains(&shortfall) {
            self.asked.shortfalls.push(shortfall);
        }
    }

    /// Whether traces that start at `best` or behind it in the order may belong on the page.
    fn may_improve(&self, best: Instant) -> bool {
        let key = match self.scan.order {
            TraceOrder::Newest => -i128::from(best.0),
            TraceOrder::Oldest => i128::from(best.0),
            _ => return true,
        };
        self.page.found.len() <= self.page.wanted || self.page.found.last().is_some_and(|(last, _)| key <= last.key)
    }

    fn judge_window(&mut self, segment: &Segment, looked: Looked, apart: &HashSet<TraceId>) -> std::io::Result<()> {
        let Looked { selected, view, cost } = looked;
        self.asked.cost += cost;
        let mut candidates = self.candidates(&view, selected.as_ref(), apart);
        let is_decided = self.scan.residual.is_none()
            || (self.scan.is_exact && selected.as_ref().is_some_and(|selected| selected.is_exact));
        if !is_decided {
            if self.scan.in_any_order {
                // In the order in which they lie, no page is read twice.
                candidates.sort_unstable_by_key(|&(_, position, _)| position);
            } else {
                candidates.sort_unstable();
            }
            return self.read_candidates(segment, &view, &candidates);
        }
        // Of many only the first can be on the page; the others need not be put in order.
        let kept = self.page.wanted + 1;
        if candidates.len() > kept {
            candidates.select_nth_unstable(kept);
            candidates.truncate(kept);
        }
        candidates.sort_unstable();
        for (place, position, matched) in candidates {
            if !self.page.has_room_for(place) {
                break;
            }
            let Some((traces, entry)) = view.place(position) else { continue };
            let matched_spans = self.scan.residual.is_some().then_some(matched);
            self.page.insert(place, FoundTrace { summary: traces.summary(entry), matched_spans });
        }
        Ok(())
    }

    /// Place, position and number of spans met of each trace that may belong on the page.
    fn candidates(
        &mut self,
        view: &TraceView,
        selected: Option<&Selected>,
        apart: &HashSet<TraceId>,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut judge = |position: usize, matched: u32| {
            let Some((traces, entry)) = view.place(position) else { return };
            let place = place(self.scan.order, entry.id, entry.start, entry.duration, entry.error_count, entry.rows);
            let met = |predicate: &Predicate| match predicate {
                Predicate::Service(service) => traces.has_service(entry, service),
                Predicate::RootService(service) => traces.root_service(entry) == service,
                Predicate::RootName(name) => traces.root_name(entry) == name,
                Predicate::TraceDuration { min, max } => (*min..=*max).contains(&entry.duration),
                Predicate::HasError(error) => (entry.error_count > 0) == *error,
                _ => true,
            };
            if self.is_wanted(place, entry.start)
                && self.page.has_room_for(place)
                && self.scan.predicates.iter().all(met)
                && !apart.contains(&entry.id)
            {
                candidates.push((place, position, matched));
            }
        };
        let looked_at = match selected {
            Some(selected) => {
                selected.traces.iter().for_each(|&(position, matched)| judge(position, matched));
                selected.traces.len()
            }
            None => {
                let mut looked_at = 0;
                view.positions().for_each(|position| {
                    judge(position, 0);
                    looked_at += 1;
                });
                looked_at
            }
        };
        self.asked.cost.traces += looked_at as u64;
        candidates
    }

    /// Asks the residual about candidates in their order, until the page cannot become better.
    fn read_candidates(
        &mut self,
        segment: &Segment,
        view: &TraceView,
        candidates: &[Candidate],
    ) -> std::io::Result<()> {
        let Some(residual) = &self.scan.residual else { return Ok(()) };
        let spans_of = |position| view.entry(position).map_or(0, |entry| entry.rows);
        let (bearable, passed_over): (Vec<Candidate>, Vec<Candidate>) =
            candidates.iter().partition(|(_, position, _)| !self.is_too_much(spans_of(*position)));
        let mut rest = &bearable[..];
        // Traces that follow each other in the order lie anywhere: the more are read at once, the fewer pages are read twice.
        let mut step = if self.scan.in_any_order { RESIDUAL_READ_MAX } else { RESIDUAL_READ_FIRST };
        while let Some(&(place, ..)) = rest.first() {
            if self.is_stopped() || !self.page.has_room_for(place) {
                break;
            }
            let at_once = if step >= PARALLEL_TRACES { threads() } else { 1 };
            let mut chunks: Vec<&[Candidate]> = Vec::new();
            while !rest.is_empty() && chunks.len() < at_once {
                let (chunk, behind) = rest.split_at(bounded(view, rest, step, RESIDUAL_SPANS_MAX / at_once));
                chunks.push(chunk);
                rest = behind;
            }
            step = (step * 2).min(RESIDUAL_READ_MAX);
            let last = self.page.last_of_full();
            let has_room = |place: Place| last.is_none_or(|last| place < last);
            let needs = &self.scan.needs;
            for judged in each(chunks, &|chunk| Judged::of(segment, chunk, needs, residual, &has_room)) {
                let Judged { traces, found, cost } = judged?;
                self.looked_into += traces;
                self.asked.cost += cost;
                for (place, position, matched_spans) in found {
                    let Some((traces, entry)) = view.place(position).filter(|_| self.page.has_room_for(place)) else {
                        continue;
                    };
                    self.page.insert(place, FoundTrace { summary: traces.summary(entry), matched_spans });
                }
            }
        }
        // One that would not have come onto the page is not missed.
        for (place, position, _) in passed_over {
            if self.page.has_room_for(place) {
                self.takes_too_much(spans_of(position));
            }
        }
        Ok(())
    }

    /// Whether a trace of so many spans takes more memory than may be; says so once.
    fn takes_too_much(&mut self, spans: u32) -> bool {
        let is_too_much = self.is_too_much(spans);
        if let (true, Some(limit)) = (is_too_much, self.scan.budget.memory) {
            self.lacks(Shortfall::MemoryLimit(limit));
        }
        is_too_much
    }

    fn is_too_much(&self, spans: u32) -> bool {
        self.scan.budget.memory.is_some_and(|limit| u64::from(spans).saturating_mul(SPAN_MEMORY) > limit)
    }

    fn is_wanted(&self, place: Place, start: Instant) -> bool {
        self.scan.time.contains(start) && self.after.is_none_or(|after| place > after)
    }

    fn summary_meets(&self, summary: &TraceSummary) -> bool {
        self.scan.predicates.iter().all(|predicate| match predicate {
            Predicate::Service(service) => summary.services.iter().any(|share| share.name == *service),
            Predicate::RootService(service) => summary.root_service == *service,
            Predicate::RootName(name) => summary.root_name == *name,
            Predicate::TraceDuration { min, max } => (*min..=*max).contains(&summary.duration),
            Predicate::HasError(error) => (summary.error_count > 0) == *error,
            _ => true,
        })
    }

    /// Whether the budget is spent; says so once.
    fn is_stopped(&mut self) -> bool {
        if self.stopped {
            return true;
        }
        let budget = &self.scan.budget;
        let cancelled = budget.cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        let reason = if cancelled {
            Some(Shortfall::Cancelled)
        } else if let Some(limit) = budget.traces.filter(|&limit| self.looked_into >= limit) {
            Some(Shortfall::TracesLimit(limit))
        } else if let Some(limit) = budget.bytes.filter(|&limit| self.asked.cost.bytes >= limit) {
            Some(Shortfall::BytesLimit(limit))
        } else {
            budget.time.filter(|&limit| self.asked.elapsed() >= limit).map(Shortfall::TimeLimit)
        };
        self.stopped = reason.is_some();
        self.asked.shortfalls.extend(reason);
        self.stopped
    }
}

/// The time in which traces start that may come after the cursor.
fn time_left(scan: &TraceScan) -> TimeRange {
    let mut time = scan.time;
    match (scan.order, scan.cursor) {
        (TraceOrder::Newest, Some(cursor)) => time.to = time.to.min(Instant(cursor.start.0.saturating_add(1))),
        (TraceOrder::Oldest, Some(cursor)) => time.from = time.from.max(cursor.start),
        _ => {}
    }
    time
}

/// The windows that are looked at next.
struct Upcoming<'s> {
    segments: std::vec::IntoIter<&'s Arc<Segment>>,
    open: Option<(&'s Segment, Windows)>,
}

impl<'s> Upcoming<'s> {
    /// The next window that may have a trace for the page, and the best start that a trace of it can have.
    fn next(&mut self, scanning: &mut Scanning<'_>) -> Option<(&'s Segment, Window, Instant)> {
        loop {
            if let Some((segment, windows)) = &mut self.open {
                let mut rows = scanning.window_rows;
                let next = windows.next(&mut rows, &|best| scanning.may_improve(best));
                scanning.window_rows = rows;
                if let Some((window, best)) = next
                    && scanning.may_improve(best)
                {
                    return Some((segment, window, best));
                }
                self.open = None;
            }
            let segment = self.segments.next()?;
            let best = match scanning.scan.order {
                TraceOrder::Oldest => segment.info.min_start,
                _ => segment.info.max_start,
            };
            if !scanning.may_improve(best) {
                return None;
            }
            match segment.windows(scanning.time, scanning.scan.order, scanning.scan.in_any_order) {
                Ok(windows) => self.open = Some((segment, windows)),
                Err(error) => scanning.lacks(damaged(segment, &error)),
            }
        }
    }
}

/// What the columns say of a window.
struct Looked {
    /// The traces that meet the filters; none if there are none and all are candidates.
    selected: Option<Selected>,
    view: TraceView,
    cost: Cost,
}

impl Looked {
    fn at(segment: &Segment, window: &Window, filters: &[SpanFilter]) -> std::io::Result<Self> {
        let mut cost = Cost::default();
        if filters.is_empty() {
            return Ok(Self { selected: None, view: segment.view_of(window)?, cost });
        }
        let (selected, bytes) = segment.select(filters, window)?;
        let ranges = segment.row_ranges(window)?;
        let rows = ranges.map_or(segment.info.spans, |ranges| ranges.iter().map(|range| range.len() as u64).sum());
        cost.bytes = bytes;
        cost.rows = rows * filters.iter().filter(|filter| !filter.is_every()).count() as u64;
        Ok(Self { view: selected.view.clone(), selected: Some(selected), cost })
    }
}

/// A trace's place in the order, its position in the directory, and how many of its spans meet the filter.
type Candidate = (Place, usize, u32);

/// What the residual says of some candidates.
struct Judged {
    traces: u64,
    /// Place, position, and how many spans were counted.
    found: Vec<(Place, usize, Option<u32>)>,
    cost: Cost,
}

impl Judged {
    fn of(
        segment: &Segment,
        chunk: &[Candidate],
        needs: &Needs,
        residual: &Residual,
        has_room: &(dyn Fn(Place) -> bool + Sync),
    ) -> std::io::Result<Self> {
        let mut by_position = chunk.to_vec();
        by_position.sort_unstable_by_key(|&(_, position, _)| position);
        let positions: Vec<usize> = by_position.iter().map(|&(_, position, _)| position).collect();
        let (read, bytes) = segment.read_traces(&positions, needs)?;
        let mut judged = Self { traces: 0, found: Vec::new(), cost: Cost { bytes, ..Cost::default() } };
        for ((place, position, _), rows) in by_position.into_iter().zip(read) {
            judged.traces += 1;
            judged.cost.rows += rows.spans.len() as u64;
            if !has_room(place) {
                continue;
            }
            // A segment holds no span twice.
            let trace = Trace::assemble_distinct(rows.id, rows.spans, rows.logs);
            if let Some(matched) = residual(&trace) {
                judged.found.push((place, position, Some(matched)));
            }
        }
        Ok(judged)
    }
}

/// How many of the next candidates are read at once: at most `step`, fewer where they have many spans.
fn bounded(view: &TraceView, candidates: &[Candidate], step: usize, spans_max: usize) -> usize {
    let mut spans = 0;
    let few = candidates.iter().take(step).take_while(|(_, position, _)| {
        spans += view.entry(*position).map_or(0, |entry| entry.rows as usize);
        spans <= spans_max
    });
    few.count().max(1)
}

/// What is asked of columns: the filters of the scan, or the predicates on spans as filters.
fn filters_of(scan: &TraceScan) -> Vec<SpanFilter> {
    if !scan.spans.is_empty() {
        return scan.spans.clone();
    }
    scan.predicates.iter().filter_map(filter_of).collect()
}

fn filter_of(predicate: &Predicate) -> Option<SpanFilter> {
    Some(match predicate.clone() {
        Predicate::SpanName(name) => {
            let equals = Some(name.clone());
            SpanFilter::Name(TextTest { equals, meets: Arc::new(move |text| text == &*name) })
        }
        Predicate::SpanKind(kind) => SpanFilter::Kind(Arc::new(move |seen| *seen == kind)),
        Predicate::SpanStatus(code) => SpanFilter::Status(Arc::new(move |seen| *seen == code)),
        Predicate::SpanDuration { min, max } => {
            SpanFilter::Duration(Arc::new(move |duration| (min..=max).contains(duration)))
        }
        Predicate::Attribute { scope, key, value } => {
            let equals = value.as_str().map(Into::into);
            in_scopes(scope, &key, &ValueTest { equals, meets: Arc::new(move |seen| *seen == value) })
        }
        Predicate::HasAttribute { scope, key } => {
            in_scopes(scope, &key, &ValueTest { equals: None, meets: Arc::new(|_| true) })
        }
        Predicate::Service(_)
        | Predicate::RootService(_)
        | Predicate::RootName(_)
        | Predicate::TraceDuration { .. }
        | Predicate::HasError(_) => return None,
    })
}

fn in_scopes(scope: Option<AttributeScope>, key: &model::Text, test: &ValueTest) -> SpanFilter {
    let scopes = scope.map_or(AttributeScope::ALL.to_vec(), |scope| vec![scope]);
    let in_scope = |scope| SpanFilter::Attribute { scope: Some(scope), key: Arc::clone(key), test: test.clone() };
    SpanFilter::Any(scopes.into_iter().map(in_scope).collect())
}

fn is_of_summary(predicate: &Predicate) -> bool {
    matches!(
        predicate,
        Predicate::Service(_)
            | Predicate::RootService(_)
            | Predicate::RootName(_)
            | Predicate::TraceDuration { .. }
            | Predicate::HasError(_)
    )
}

/// Whether some span meets a predicate on spans.
fn spans_meet(spans: &[Span], predicate: &Predicate) -> bool {
    let any = |test: &dyn Fn(&Span) -> bool| spans.iter().any(test);
    match predicate {
        Predicate::SpanName(name) => any(&|span| span.name == *name),
        Predicate::SpanKind(kind) => any(&|span| span.kind == *kind),
        Predicate::SpanStatus(code) => any(&|span| span.status.code == *code),
        Predicate::SpanDuration { min, max } => any(&|span| (*min..=*max).contains(&duration_as_sealed(span))),
        Predicate::Attribute { scope, key, value } => {
            any(&|span| has_attribute(span, *scope, |seen, found| seen == &**key && found == value))
        }
        Predicate::HasAttribute { scope, key } => any(&|span| has_attribute(span, *scope, |seen, _| seen == &**key)),
        _ => true,
    }
}

/// Durations wrap where times are absurd, in memory as in segments, so that both answer alike.
fn duration_as_sealed(span: &Span) -> Duration {
    Duration(span.end.0.wrapping_sub(span.start.0) as i64)
}

fn has_attribute(span: &Span, scope: Option<AttributeScope>, test: impl Fn(&str, &model::Value) -> bool) -> bool {
    let mut found = false;
    for each in AttributeScope::ALL.into_iter().filter(|&each| scope.is_none_or(|scope| scope == each)) {
        each_attribute(span, each, &mut |attributes| {
            found |= attributes.iter().any(|(key, value)| test(key, value));
        });
    }
    found
}
