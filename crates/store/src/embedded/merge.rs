//! Small segments become larger ones, traces that were split become whole, and a trace that is to be forgotten is left
//! out. Traces are read and written in the order of their start, a chunk at a time, so that memory does not grow with the
//! segments.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use model::{Instant, LogRecord, Text, TextCollector, TraceId};

use super::seal::is_in;
use super::{EmbeddedStore, UpkeepNotes, without_duplicates};
use crate::head::Row;
use crate::limits::{MERGE_BYTES, MERGE_CHUNK_SPANS, MERGE_COUNT, MERGE_COUNT_FULL, MERGE_TIME_MAX};
use crate::segment::{
    ColumnMerge, ColumnPlan, KeyCounts, KeyOrder, Origin, PackedReader, Prepared, Segment, SegmentInfo, SegmentWriter,
};
use crate::{SpanStore, StoreError};

impl EmbeddedStore {
    /// Merges one group of small segments, if there is one.
    pub(super) fn merge(&self, notes: &mut UpkeepNotes) -> Result<Option<SegmentInfo>, StoreError> {
        let live = Arc::clone(&self.state().live);
        let mergeable = live.segments.iter().filter(|segment| !notes.unmergeable.contains(&segment.info.number));
        let group = group_to_merge(mergeable.cloned().collect(), self.options.merge_spans_max);
        if group.is_empty() {
            return Ok(None);
        }
        self.rewrite(notes, &group, &|_| false)
    }

    /// Replaces `parts` by one segment that holds all of their traces but those left out.
    pub(super) fn rewrite(
        &self,
        notes: &mut UpkeepNotes,
        parts: &[Arc<Segment>],
        leaves_out: &dyn Fn(TraceId) -> bool,
    ) -> Result<Option<SegmentInfo>, StoreError> {
        let is_part = |segment: &Arc<Segment>| parts.iter().any(|part| part.info.number == segment.info.number);
        // Asked anew at the end: the head may have been sealed meanwhile.
        let others = || -> Vec<Arc<Segment>> {
            self.state().live.segments.iter().filter(|segment| !is_part(segment)).cloned().collect()
        };
        let prepared = plan_of(parts).and_then(|plan| Ok((plan, places_of(parts, leaves_out)?)));
        let (plan, places) = prepared.map_err(|error| self.give_up_on(notes, parts, error))?;
        let sealed_at = parts.iter().map(|part| part.info.sealed_at).max().unwrap_or_default();
        let merged = match places.is_empty() {
            true => None,
            false => {
                let number = notes.take_number();
                let now_others = std::cell::OnceCell::new();
                let continued = |id| is_in(now_others.get_or_init(others), id);
                let whole = places.iter().map(|place| u64::from(place.spans)).sum::<u64>()
                    == parts.iter().map(|part| part.info.spans).sum::<u64>();
                let written = self.write_segment(number, plan, sealed_at, &continued, &mut |writer| {
                    let mut meanwhile = || self.seal_meanwhile(notes);
                    // What is left out has to be taken from the counts too, so that it is looked at span by span.
                    match whole && can_take_columns(parts)? {
                        true => copy_columns(parts, &places, writer, &mut meanwhile),
                        false => copy(parts, &places, writer, &mut meanwhile),
                    }
                });
                Some(written.inspect_err(|error| {
                    if !matches!(error, StoreError::DiskFull { .. }) {
                        notes.unmergeable.extend(parts.iter().map(|part| part.info.number));
                    }
                })?)
            }
        };
        let info = merged.as_ref().map(|segment| segment.info);
        let live = Arc::clone(&self.state().live);
        let mut segments = others();
        segments.extend(merged.map(Arc::new));
        let next = live.next(segments, live.damaged.clone());
        self.make_live(notes, next, None)?;
        parts.iter().for_each(|part| self.remove_files(part.info.number));
        Ok(info)
    }

    fn give_up_on(&self, notes: &mut UpkeepNotes, parts: &[Arc<Segment>], error: io::Error) -> StoreError {
        notes.unmergeable.extend(parts.iter().map(|part| part.info.number));
        StoreError::of_io("merge segments in", &self.segments_folder, error)
    }

    /// Removes a trace from the head (which is sealed for it, since the journal would bring it back) and from every
    /// segment.
    pub(super) fn remove_trace(&self, id: TraceId) -> Result<u64, StoreError> {
        let spans = self.trace(id)?.value.map_or(0, |trace| trace.spans().len() as u64);
        let mut notes = self.notes();
        let in_head = self.state().head.traces.contains_key(&id);
        if in_head {
            self.seal(&mut notes, self.now(), Some(id))?;
        }
        let live = Arc::clone(&self.state().live);
        for segment in &live.segments {
            let holds = segment
                .holds(id)
                .map_err(|error| StoreError::of_io("read a segment in", &self.segments_folder, error))?;
            if holds {
                self.rewrite(&mut notes, std::slice::from_ref(segment), &|other| other == id)?;
            }
        }
        Ok(spans)
    }
}

/// Small segments that were sealed near each other, the oldest first: many of them, or as many as one segment may hold.
fn group_to_merge(mut segments: Vec<Arc<Segment>>, spans_max: u64) -> Vec<Arc<Segment>> {
    segments.retain(|segment| segment.info.bytes < MERGE_BYTES);
    segments.sort_by_key(|segment| (segment.info.sealed_at, segment.info.number));
    let sizes: Vec<(Instant, u64)> =
        segments.iter().map(|segment| (segment.info.sealed_at, segment.info.spans)).collect();
    segments.drain(group_of(&sizes, spans_max)).collect()
}

/// Which of these, each sealed at a time and of so many spans, are merged first; empty if none are.
fn group_of(segments: &[(Instant, u64)], spans_max: u64) -> Range<usize> {
    let (mut from, mut spans) = (0, 0);
    for (position, (sealed_at, more)) in segments.iter().enumerate() {
        let near = from == position || *sealed_at - segments[from].0 <= MERGE_TIME_MAX;
        let full = spans + more > spans_max;
        if !near || full {
            // What would not fit in one segment any more waits for no further neighbours.
            if position - from >= if full { MERGE_COUNT_FULL } else { MERGE_COUNT } {
                return from..position;
            }
            (from, spans) = (position, 0);
        }
        spans += more;
    }
    if segments.len() - from >= MERGE_COUNT { from..segments.len() } else { 0..0 }
}

fn plan_of(parts: &[Arc<Segment>]) -> io::Result<Prepared> {
    let mut counts = KeyCounts::default();
    let mut order = KeyOrder::default();
    let mut texts = TextCollector::default();
    for part in parts {
        counts.merge(&*part.keys()?);
        let keys = part.span_keys()?;
        order.see(keys.iter().map(|key| texts.id(key).0), part.info.spans);
    }
    let rows = parts.iter().map(|part| part.info.spans).sum();
    let mut places = |keys: &[Text]| {
        let ids: Vec<u32> = keys.iter().map(|key| texts.id(key).0).collect();
        let places = order.places(&ids);
        ids.iter().map(|id| places.get(id).copied().unwrap_or(usize::MAX)).collect()
    };
    Ok(Prepared::with_columns(ColumnPlan::choose(&counts, rows, &mut places)))
}

/// Where one part has a trace.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Of the whole trace, as far as the parts have it.
    start: Instant,
    id: TraceId,
    part: usize,
    position: usize,
    spans: u32,
    logs: u32,
}

/// Where the parts have their traces, by start; the places of one trace together.
fn places_of(parts: &[Arc<Segment>], leaves_out: &dyn Fn(TraceId) -> bool) -> io::Result<Vec<Place>> {
    let mut places: Vec<Place> = Vec::new();
    for (part, segment) in parts.iter().enumerate() {
        let directory = segment.traces()?;
        let entries = directory.entries.iter().enumerate().filter(|(_, entry)| !leaves_out(entry.id));
        places.extend(entries.map(|(position, entry)| Place {
            start: entry.start,
            id: entry.id,
            part,
            position,
            spans: entry.rows,
            logs: entry.logs,
        }));
    }
    places.sort_unstable_by_key(|place| (place.id, place.start));
    for of_trace in places.chunk_by_mut(|one, next| one.id == next.id) {
        let start = of_trace[0].start;
        of_trace.iter_mut().for_each(|place| place.start = start);
    }
    places.sort_unstable_by_key(|place| (place.start, place.id, place.part));
    Ok(places)
}

/// After each step, `meanwhile` is called.
fn copy(
    parts: &[Arc<Segment>],
    places: &[Place],
    writer: &mut SegmentWriter<'_>,
    meanwhile: &mut dyn FnMut(),
) -> io::Result<()> {
    let mut rest = places;
    while !rest.is_empty() {
        let (chunk, behind) = chunk_of(rest, MERGE_CHUNK_SPANS);
        copy_chunk(parts, chunk, writer)?;
        meanwhile();
        rest = behind;
    }
    Ok(())
}

/// The first whole traces that have so many spans and log records together, and the others.
fn chunk_of(places: &[Place], size: usize) -> (&[Place], &[Place]) {
    let (mut read, mut taken) = (0, 0);
    while taken < places.len() && (read < size || places[taken].id == places[taken - 1].id) {
        read += places[taken].spans as usize + places[taken].logs as usize;
        taken += 1;
    }
    places.split_at(taken)
}

fn can_take_columns(parts: &[Arc<Segment>]) -> io::Result<bool> {
    parts.iter().try_fold(true, |can, part| Ok(can && ColumnMerge::can_take(part)?))
}

/// As [`copy`], column by column. Only traces that are split over parts are put together.
fn copy_columns(
    parts: &[Arc<Segment>],
    places: &[Place],
    writer: &mut SegmentWriter<'_>,
    meanwhile: &mut dyn FnMut(),
) -> io::Result<()> {
    let merge = ColumnMerge::new(parts.iter().map(|part| &**part), writer)?;
    copy_by(merge, parts, places, writer, meanwhile)
}

fn copy_by(
    mut merge: ColumnMerge<'_>,
    parts: &[Arc<Segment>],
    places: &[Place],
    writer: &mut SegmentWriter<'_>,
    meanwhile: &mut dyn FnMut(),
) -> io::Result<()> {
    let mut rest = places;
    while !rest.is_empty() {
        if merge.room() == 0 {
            merge.write(writer)?;
            meanwhile();
        }
        let (chunk, behind) = chunk_of(rest, merge.room().clamp(1, MERGE_CHUNK_SPANS));
        tell_chunk(parts, chunk, &mut merge, writer)?;
        rest = behind;
    }
    merge.finish(writer)
}

fn tell_chunk(
    parts: &[Arc<Segment>],
    chunk: &[Place],
    merge: &mut ColumnMerge<'_>,
    writer: &mut SegmentWriter<'_>,
) -> io::Result<()> {
    let of_traces = || chunk.chunk_by(|one, next| one.id == next.id);
    let split: Vec<&Place> = of_traces().filter(|of_trace| of_trace.len() > 1).flatten().collect();
    let mut reader = PackedReader::default();
    // By part and position: where the spans begin in what was read.
    let mut firsts: HashMap<(usize, usize), usize> = HashMap::new();
    let mut logs = Vec::new();
    let mut first = 0;
    for (number, part) in parts.iter().enumerate() {
        let of_part = |place: &&Place| place.part == number;
        logs.push(merge.logs(number, chunk.iter().filter(of_part).map(|place| place.position).collect())?);
        let mut positions: Vec<usize> = split.iter().copied().filter(of_part).map(|place| place.position).collect();
        positions.sort_unstable();
        if positions.is_empty() {
            continue;
        }
        let spans = part.read_packed_spans(&positions, &mut reader)?;
        for (position, spans) in positions.into_iter().zip(spans) {
            firsts.insert((number, position), first);
            first += spans;
        }
    }
    let batch = Arc::new(reader.finish());
    if batch.spans.len() != first {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a segment has other rows than its directory says"));
    }
    for of_trace in of_traces() {
        let logs_of = |place: &Place| logs[place.part].get(&place.position).map_or(&[][..], Vec::as_slice);
        if let [place] = of_trace {
            merge.whole(writer, place.part, place.position, logs_of(place))?;
            continue;
        }
        let mut rows = Vec::new();
        for place in of_trace {
            let first = firsts.get(&(place.part, place.position)).copied().unwrap_or_default();
            let origin = |row| Origin { part: place.part, position: place.position, row };
            rows.extend((0..place.spans as usize).map(|row| ((&batch, &batch.spans[first + row]), origin(row))));
        }
        let (rows, twice) = distinct_by(rows, |(row, _)| *row);
        twice.into_iter().for_each(|(row, _)| merge.leave_out(row));
        let logs = without_duplicates(of_trace.iter().flat_map(logs_of).cloned().collect());
        merge.split(writer, of_trace[0].id, rows, &logs)?;
    }
    writer.forget_batches();
    Ok(())
}

/// What was read of a trace: places of its spans in the batch, its log records, in how many parts it was.
type Pieces = (Vec<usize>, Vec<LogRecord>, usize);

fn copy_chunk(parts: &[Arc<Segment>], chunk: &[Place], writer: &mut SegmentWriter<'_>) -> io::Result<()> {
    let mut reader = PackedReader::default();
    let mut traces: HashMap<TraceId, Pieces> = HashMap::new();
    let mut first = 0;
    for (number, part) in parts.iter().enumerate() {
        let mut positions: Vec<usize> =
            chunk.iter().filter(|place| place.part == number).map(|place| place.position).collect();
        // In the order in which they lie: segments of versions before 3 have them by id.
        positions.sort_unstable();
        for (id, rows, logs) in part.read_packed(&positions, &mut reader)? {
            let (places, all_logs, pieces) = traces.entry(id).or_default();
            places.extend(first..first + rows);
            all_logs.extend(logs);
            *pieces += 1;
            first += rows;
        }
    }
    let batch = Arc::new(reader.finish());
    if batch.spans.len() != first {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a segment has other rows than its directory says"));
    }
    for Place { id, .. } in chunk {
        let Some((places, mut logs, pieces)) = traces.remove(id) else { continue };
        let mut rows: Vec<_> = places.into_iter().map(|place| (&batch, &batch.spans[place])).collect();
        if pieces > 1 {
            rows = distinct(rows);
            logs = without_duplicates(logs);
        }
        writer.write_trace(*id, rows, &logs)?;
    }
    writer.forget_batches();
    Ok(())
}

/// Keeps exact duplicates once.
fn distinct(rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    distinct_by(rows, |row| *row).0
}

/// Those that are kept, and those that were there already.
fn distinct_by<'a, T>(rows: Vec<T>, row_of: impl Fn(&T) -> Row<'a>) -> (Vec<T>, Vec<T>) {
    let mut seen: HashMap<u64, Vec<Row<'a>>> = HashMap::new();
    rows.into_iter().partition(|row| {
        let row = row_of(row);
        let same = seen.entry(row.1.content_hash).or_default();
        let is_new = !same.iter().any(|(batch, span)| batch.is_same(span, row.0, row.1));
        if is_new {
            same.push(row);
        }
        is_new
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use journal::FaultyDisk;
    use model::{Batch, Duration, Gist, PackedBatch, Span, TraceSummary};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::limits::MERGE_SPANS_MAX;
    use crate::segment::{AttributeColumn, SegmentCaches, Survey, TraceRows};
    use crate::{Needs, test_data};

    const FOLDER: &str = "/s";

    fn summary(gist: &Gist<'_>) -> TraceSummary {
        TraceSummary::of(gist)
    }

    fn opened(disk: &FaultyDisk, info: SegmentInfo) -> Arc<Segment> {
        let caches = Arc::new(SegmentCaches::new(1 << 20, 1 << 20));
        Arc::new(Segment::open(disk, Path::new(FOLDER), info, caches).expect("opens"))
    }

    /// A segment as the seal writes it; the columns that `is_kept` speaks against are none.
    fn sealed(
        disk: &FaultyDisk,
        number: u64,
        (mut spans, logs): (Vec<Span>, Vec<LogRecord>),
        is_kept: &dyn Fn(&AttributeColumn) -> bool,
    ) -> Arc<Segment> {
        let mut seen = std::collections::HashSet::new();
        spans.retain(|span| seen.insert(span.clone()));
        let batch = Arc::new(PackedBatch::from(&Batch { spans, logs: Vec::new() }));
        let mut survey = Survey::default();
        survey.see_all(&batch);
        let mut prepared = survey.finish();
        prepared.columns = prepared.columns.only(is_kept);
        let mut ids: Vec<TraceId> = batch.spans.iter().map(|span| span.trace_id).collect();
        ids.extend(logs.iter().filter_map(|log| log.trace_id));
        ids.sort_unstable();
        ids.dedup();
        let mut writer = SegmentWriter::create(disk, Path::new(FOLDER), number, prepared, &summary).expect("made");
        for id in ids {
            let rows = batch.spans.iter().filter(|span| span.trace_id == id).map(|span| (&batch, span)).collect();
            let logs: Vec<LogRecord> = logs.iter().filter(|log| log.trace_id == Some(id)).cloned().collect();
            writer.write_trace(id, rows, &logs).expect("written");
        }
        opened(disk, writer.finish(&|_| false).expect("finished"))
    }

    /// What a segment says: its traces with their summaries, counts of keys, and aggregates.
    fn told(segment: &Segment) -> (Vec<TraceRows>, Vec<TraceSummary>, Vec<String>, Vec<String>) {
        let traces = segment.traces().expect("readable");
        let all: Vec<usize> = (0..traces.entries.len()).collect();
        let rows = segment.read_traces(&all, &Needs::default()).expect("readable").0;
        let summaries = traces.entries.iter().map(|entry| traces.summary(entry)).collect();
        let keys = segment.keys().expect("readable");
        let mut keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        keys.sort_unstable();
        let mut aggregates = Vec::new();
        let minute = Duration(60_000_000_000);
        segment
            .aggregates(minute, true, &mut |key, row| aggregates.push(format!("{key:?} {row:?}")))
            .expect("readable");
        (rows, summaries, keys, aggregates)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// What is merged column by column is what is merged span by span, whatever got or lost a column.
        #[test]
        fn merging_columns_is_merging_spans(
            contents in vec((vec(test_data::span(), 0..10), vec(test_data::log(), 0..4)), 1..4),
            again in vec(any::<prop::sample::Index>(), 0..3),
            without in vec("[a-d]", 0..3),
            group_rows in 1_usize..12,
        ) {
            let mut contents = contents;
            // Some come twice, in other parts.
            let all: Vec<Span> = contents.iter().flat_map(|(spans, _)| spans.clone()).collect();
            for place in again.iter().filter(|_| !all.is_empty()) {
                let last = contents.len() - 1;
                contents[last].0.push(place.get(&all).clone());
            }
            let disk = FaultyDisk::new();
            let is_kept = |place: usize| {
                let without = &without;
                move |column: &AttributeColumn| without.get(place).is_none_or(|key| **key != *column.key)
            };
            let parts: Vec<Arc<Segment>> = contents
                .into_iter()
                .enumerate()
                .map(|(place, content)| sealed(&disk, place as u64, content, &is_kept(place)))
                .collect();
            let places = places_of(&parts, &|_| false).expect("readable");
            let merge = |number: u64, by_columns: bool| {
                let mut plan = plan_of(&parts).expect("readable");
                plan.columns = plan.columns.only(is_kept(2));
                let mut writer = SegmentWriter::create(&disk, Path::new(FOLDER), number, plan, &summary).expect("made");
                if by_columns {
                    let merge = ColumnMerge::new(parts.iter().map(|part| &**part), &writer).expect("readable");
                    copy_by(merge.in_groups_of(group_rows), &parts, &places, &mut writer, &mut || {}).expect("copied");
                } else {
                    copy(&parts, &places, &mut writer, &mut || {}).expect("copied");
                }
                opened(&disk, writer.finish(&|_| false).expect("finished"))
            };
            let (columns, spans) = (merge(100, true), merge(101, false));
            prop_assert_eq!(columns.info.spans, spans.info.spans);
            let (columns_told, spans_told) = (told(&columns), told(&spans));
            prop_assert_eq!(columns_told.0, spans_told.0);
            prop_assert_eq!(columns_told.1, spans_told.1);
            prop_assert_eq!(columns_told.2, spans_told.2);
            prop_assert_eq!(columns_told.3, spans_told.3);
            prop_assert_eq!(columns.verify(Path::new(FOLDER)), vec![]);
            // Read as other programs read it, too.
            let all: Vec<usize> = (0..columns.traces().expect("readable").entries.len()).collect();
            let packed = |segment: &Segment| {
                let mut reader = PackedReader::default();
                segment.read_packed_spans(&all, &mut reader).expect("readable");
                reader.finish().unpack().spans
            };
            prop_assert_eq!(packed(&columns), packed(&spans));
        }
    }

    fn group(segments: &[(u64, u64)]) -> Range<usize> {
        let hour = 3_600_000_000_000;
        let segments: Vec<(Instant, u64)> =
            segments.iter().map(|(hours, spans)| (Instant(hours * hour), *spans)).collect();
        group_of(&segments, MERGE_SPANS_MAX)
    }

    #[test]
    fn many_small_segments_are_merged_and_fewer_where_they_fill_one() {
        assert_eq!(group(&[(0, 1_000); 7]), 0..0);
        assert_eq!(group(&[(0, 1_000); 9]), 0..9);
        assert_eq!(group(&[(0, 280_000); 7]), 0..0, "an eighth may still come");
        assert_eq!(group(&[(0, 280_000); 8]), 0..7);
        assert_eq!(group(&[(0, 700_000); 3]), 0..0, "two fill one: not worth writing them again");
        // Far apart in time: only those that are near each other.
        assert_eq!(group(&[[(0, 1_000); 7], [(9, 1_000); 7]].concat()), 0..0);
        assert_eq!(group(&[&[(0, 1_000); 7][..], &[(9, 1_000); 8]].concat()), 7..15);
        assert_eq!(group(&[]), 0..0);
    }
}
