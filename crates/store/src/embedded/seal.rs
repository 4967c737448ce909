//! Head to segment. While it is written the head's content is read from where it stood; then one swap of the catalog on
//! disk and one of the state in memory make the segment live, and the journal may forget.

use std::sync::Arc;

use model::{Instant, TraceId};

use super::{EmbeddedStore, Live, UpkeepNotes};
use crate::catalog::{self, Catalog};
use crate::head::Head;
use crate::segment::{Prepared, Segment, SegmentInfo, SegmentWriter, Survey};
use crate::{StoreError, filenames};

impl EmbeddedStore {
    /// Seals the whole head except for the trace `without`, which is dropped. None if there was nothing to seal.
    pub(super) fn seal(
        &self,
        notes: &mut UpkeepNotes,
        now: Instant,
        without: Option<TraceId>,
    ) -> Result<Option<SegmentInfo>, StoreError> {
        let head = {
            let mut state = self.state();
            if state.head.is_empty() {
                return Ok(None);
            }
            let head = Arc::new(std::mem::take(&mut state.head));
            state.head.position = head.position;
            state.sealing = Some(Arc::clone(&head));
            head
        };
        match self.seal_head(notes, &head, now, without) {
            Ok(sealed) => Ok(sealed),
            Err(error) => {
                let mut state = self.state();
                state.sealing = None;
                state.head.take_back(&head);
                Err(error)
            }
        }
    }

    fn seal_head(
        &self,
        notes: &mut UpkeepNotes,
        head: &Head,
        now: Instant,
        without: Option<TraceId>,
    ) -> Result<Option<SegmentInfo>, StoreError> {
        let mut ids: Vec<TraceId> = head.traces.keys().copied().filter(|&id| Some(id) != without).collect();
        // As they are read: by time.
        ids.sort_by_cached_key(|id| (head.traces[id].start(), *id));
        let live = Arc::clone(&self.state().live);
        let segment = match ids.is_empty() {
            true => None,
            false => Some(self.write_head(notes, head, &ids, &live.segments, now)?),
        };
        let info = segment.as_ref().map(|segment| segment.info);
        let mut segments = live.segments.clone();
        segments.extend(segment.map(Arc::new));
        let next = live.next(segments, live.damaged.clone());
        self.make_live(notes, next, Some(head.position))?;
        Ok(info)
    }

    fn write_head(
        &self,
        notes: &mut UpkeepNotes,
        head: &Head,
        ids: &[TraceId],
        others: &[Arc<Segment>],
        now: Instant,
    ) -> Result<Segment, StoreError> {
        let mut survey = Survey::default();
        match head.whole_batches().filter(|_| ids.len() == head.traces.len()) {
            Some(batches) => batches.iter().for_each(|batch| survey.see_all(batch)),
            None => ids.iter().flat_map(|id| head.traces[id].rows()).for_each(|(batch, span)| survey.see(batch, span)),
        }
        let number = notes.take_number();
        self.write_segment(number, survey.finish(), now, &|id| is_in(others, id), &mut |writer| {
            ids.iter().try_for_each(|&id| {
                let trace = &head.traces[&id];
                writer.write_trace(id, trace.rows().collect(), &trace.logs)
            })
        })
    }

    /// Writes a segment and opens it; on failure its files are removed. `continued` is asked at the end which traces other
    /// segments have too.
    pub(super) fn write_segment(
        &self,
        number: u64,
        prepared: Prepared,
        sealed_at: Instant,
        continued: &dyn Fn(TraceId) -> bool,
        fill: &mut dyn FnMut(&mut SegmentWriter<'_>) -> std::io::Result<()>,
    ) -> Result<Segment, StoreError> {
        let summarise = |gist: &model::Gist<'_>| (self.hooks.summarise)(gist);
        let write = move || {
            let mut writer = SegmentWriter::create(&*self.disk, &self.segments_folder, number, prepared, &summarise)?;
            fill(&mut writer)?;
            let info = SegmentInfo { sealed_at, ..writer.finish(continued)? };
            Segment::open(&*self.disk, &self.segments_folder, info, Arc::clone(&self.caches))
        };
        write().map_err(|error| {
            self.remove_files(number);
            StoreError::of_io("write a segment in", &self.segments_folder, error)
        })
    }

    /// Swaps the catalog on disk, then the state in memory. After sealing, lets the journal go up to `sealed_through`.
    pub(super) fn make_live(
        &self,
        notes: &mut UpkeepNotes,
        next: Live,
        sealed_through: Option<u64>,
    ) -> Result<(), StoreError> {
        let sealed = sealed_through.unwrap_or(0).max(notes.sealed);
        let infos = next.segments.iter().map(|segment| segment.info);
        let catalog = Catalog {
            sealed,
            next_segment: notes.next_segment,
            segments: infos.chain(next.damaged.iter().map(|damaged| damaged.info)).collect(),
        };
        catalog::write(&*self.disk, &self.options.folder, &catalog)
            .map_err(|error| StoreError::of_io("write", &self.options.folder.join(filenames::CATALOG), error))?;
        notes.sealed = sealed;
        {
            let mut state = self.state();
            state.live = Arc::new(next);
            if sealed_through.is_some() {
                state.sealing = None;
            }
        }
        if sealed_through.is_some() {
            // What cannot be recycled now is tried again after the next seal.
            if let Err(error) = self.journal.release(journal::Position(sealed)) {
                self.note_problem(Some(error.to_string()));
            }
        }
        Ok(())
    }

    /// Seals the head if that is due, between two steps of something longer: whoever sends must not wait for a merge.
    pub(super) fn seal_meanwhile(&self, notes: &mut UpkeepNotes) {
        let now = self.now();
        if self.is_seal_due(now)
            && let Err(error) = self.seal(notes, now, None)
        {
            // Nothing is lost by it, and it is tried again.
            self.note_problem(Some(error.to_string()));
        }
    }

    /// Removes the files of a segment that is not live (any more).
    pub(super) fn remove_files(&self, number: u64) {
        for suffix in [filenames::SPANS_SUFFIX, filenames::LOGS_SUFFIX, filenames::DIRECTORY_SUFFIX] {
            // What stays is an orphan and removed at the next start.
            let _ = self.disk.remove(&filenames::segment_file(&self.segments_folder, number, suffix));
        }
    }
}

/// Whether one of the segments has something of the trace.
pub(super) fn is_in(segments: &[Arc<Segment>], id: TraceId) -> bool {
    segments.iter().any(|segment| segment.holds(id).unwrap_or_else(|_| segment.may_hold(id)))
}
