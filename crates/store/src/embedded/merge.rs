//! Small segments become larger ones, traces that were split become whole, and a trace that is to be forgotten is left
//! out. Traces are read and written in order of id, a chunk at a time, so that memory does not grow with the segments.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use model::TraceId;

use super::{EmbeddedStore, Live, UpkeepNotes, without_duplicates};
use crate::limits::{CHUNK_SPANS, MERGE_BYTES, MERGE_COUNT, MERGE_SPANS_MAX, MERGE_TIME_MAX};
use crate::segment::{ColumnPlan, KeyCounts, KeyOrder, Segment, SegmentInfo, SegmentWriter, TraceRows};
use crate::{SpanStore, StoreError};

impl EmbeddedStore {
    /// Merges one group of small segments, if there is one.
    pub(super) fn merge(&self, notes: &mut UpkeepNotes) -> Result<Option<SegmentInfo>, StoreError> {
        let live = Arc::clone(&self.state().live);
        let mergeable = live.segments.iter().filter(|segment| !notes.unmergeable.contains(&segment.info.number));
        let group = group_to_merge(mergeable.cloned().collect());
        if group.is_empty() {
            return Ok(None);
        }
        self.rewrite(notes, &live, &group, None)
    }

    /// Replaces `parts` by one segment that holds all of their traces but `without`.
    fn rewrite(
        &self,
        notes: &mut UpkeepNotes,
        live: &Live,
        parts: &[Arc<Segment>],
        without: Option<TraceId>,
    ) -> Result<Option<SegmentInfo>, StoreError> {
        let is_part = |segment: &Arc<Segment>| parts.iter().any(|part| part.info.number == segment.info.number);
        let others: Vec<_> = live.segments.iter().filter(|segment| !is_part(segment)).cloned().collect();
        let prepared = plan_of(parts).and_then(|plan| Ok((plan, ids_of(parts, without)?)));
        let (plan, ids) = prepared.map_err(|error| self.give_up_on(notes, parts, error))?;
        let sealed_at = parts.iter().map(|part| part.info.sealed_at).max().unwrap_or_default();
        let merged = match ids.is_empty() {
            true => None,
            false => {
                let written = self.write_segment(notes, plan, sealed_at, &others, &|writer| copy(parts, &ids, writer));
                Some(written.inspect_err(|error| {
                    if !matches!(error, StoreError::DiskFull { .. }) {
                        notes.unmergeable.extend(parts.iter().map(|part| part.info.number));
                    }
                })?)
            }
        };
        let info = merged.as_ref().map(|segment| segment.info);
        let mut segments = others;
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
                let live = Arc::clone(&self.state().live);
                self.rewrite(&mut notes, &live, std::slice::from_ref(segment), Some(id))?;
            }
        }
        Ok(spans)
    }
}

/// Small segments that were sealed near each other, the oldest first.
fn group_to_merge(mut segments: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
    segments.retain(|segment| segment.info.bytes < MERGE_BYTES);
    segments.sort_by_key(|segment| (segment.info.sealed_at, segment.info.number));
    let mut group: Vec<Arc<Segment>> = Vec::new();
    let mut spans = 0;
    for segment in segments {
        let near = group
            .first()
            .is_none_or(|first: &Arc<Segment>| segment.info.sealed_at - first.info.sealed_at <= MERGE_TIME_MAX);
        if !near || spans + segment.info.spans > MERGE_SPANS_MAX {
            if group.len() >= MERGE_COUNT {
                break;
            }
            group.clear();
            spans = 0;
        }
        spans += segment.info.spans;
        group.push(segment);
    }
    if group.len() >= MERGE_COUNT { group } else { Vec::new() }
}

fn plan_of(parts: &[Arc<Segment>]) -> io::Result<ColumnPlan> {
    let mut counts = KeyCounts::default();
    let mut order = KeyOrder::default();
    for part in parts {
        counts.merge(&part.keys()?);
        part.see_key_order(&mut order)?;
    }
    Ok(ColumnPlan::choose(&counts, parts.iter().map(|part| part.info.spans).sum(), &order))
}

/// Every trace of the parts, sorted, with its spans counted once per part.
fn ids_of(parts: &[Arc<Segment>], without: Option<TraceId>) -> io::Result<Vec<(TraceId, u32)>> {
    let mut ids: Vec<(TraceId, u32)> = Vec::new();
    for part in parts {
        ids.extend(part.traces()?.entries.iter().map(|entry| (entry.id, entry.rows)));
    }
    ids.retain(|&(id, _)| Some(id) != without);
    ids.sort_unstable();
    ids.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 = if same { kept.1.saturating_add(next.1) } else { kept.1 };
        same
    });
    Ok(ids)
}

fn copy(parts: &[Arc<Segment>], ids: &[(TraceId, u32)], writer: &mut SegmentWriter<'_>) -> io::Result<()> {
    let mut rest = ids;
    while !rest.is_empty() {
        let mut spans = 0;
        let mut taken = 0;
        while taken < rest.len() && spans < CHUNK_SPANS {
            spans += rest[taken].1 as usize;
            taken += 1;
        }
        let (chunk, behind) = rest.split_at(taken);
        writer.write(read_chunk(parts, chunk)?)?;
        rest = behind;
    }
    Ok(())
}

fn read_chunk(parts: &[Arc<Segment>], chunk: &[(TraceId, u32)]) -> io::Result<Vec<TraceRows>> {
    let mut rows: HashMap<TraceId, (TraceRows, usize)> = HashMap::new();
    for part in parts {
        let traces = part.traces()?;
        let positions: Vec<usize> = chunk.iter().filter_map(|&(id, _)| traces.position(id)).collect();
        for read in part.read_traces(&positions)?.0 {
            let (known, pieces) = rows
                .entry(read.id)
                .or_insert_with(|| (TraceRows { id: read.id, spans: Vec::new(), logs: Vec::new() }, 0));
            known.spans.extend(read.spans);
            known.logs.extend(read.logs);
            *pieces += 1;
        }
    }
    let whole = |(id, _): &(TraceId, u32)| {
        let (rows, pieces) = rows.remove(id)?;
        if pieces == 1 {
            return Some(rows);
        }
        Some(TraceRows { id: *id, spans: without_duplicates(rows.spans), logs: without_duplicates(rows.logs) })
    };
    Ok(chunk.iter().filter_map(whole).collect())
}
