//! Takes out of damaged segments what can be read, writes it anew, and puts the damaged files aside.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use model::TraceId;

use super::seal::is_in;
use super::{EmbeddedStore, UpkeepNotes};
use crate::filenames::{DAMAGED, DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file, segment_label};
use crate::limits::LOST_TRACES_LISTED_MAX;
use crate::segment::{Prepared, Salvage, SegmentInfo};
use crate::{StoreError, filenames};

/// What [`EmbeddedStore::repair`] did with one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The beginning of its files' names, seen from the data folder.
    pub segment: String,
    /// Traces and spans that were written anew.
    pub traces_kept: u64,
    /// See [`Repaired::traces_kept`].
    pub spans_kept: u64,
    /// Spans that the segment had and that are gone.
    pub spans_lost: u64,
    /// Traces of which something is gone from this segment.
    pub traces_lost: u64,
    /// Their ids, as far as they are known, at most [`LOST_TRACES_LISTED_MAX`].
    pub lost: Vec<TraceId>,
    /// What was wrong.
    pub problems: Vec<String>,
    /// Where its files are now.
    pub put_aside: PathBuf,
}

impl EmbeddedStore {
    /// Looks for damaged segments and replaces each by what can still be read of it. Nothing is deleted: the damaged files
    /// are moved to the folder `damaged`.
    ///
    /// # Errors
    /// When the disk refuses; what was not replaced by then is as it was.
    pub fn repair(&self) -> Result<Vec<Repaired>, StoreError> {
        let mut notes = self.notes();
        let live = Arc::clone(&self.state().live);
        let mut damaged: Vec<(SegmentInfo, Vec<String>)> =
            live.damaged.iter().map(|damaged| (damaged.info, vec![damaged.problem.clone()])).collect();
        for segment in &live.segments {
            let problems = segment.verify(&self.segments_folder);
            if !problems.is_empty() {
                damaged.push((segment.info, problems.into_iter().map(|(_, problem)| problem).collect()));
            }
        }
        damaged.into_iter().map(|(info, problems)| self.repair_segment(&mut notes, info, problems)).collect()
    }

    fn repair_segment(
        &self,
        notes: &mut UpkeepNotes,
        info: SegmentInfo,
        problems: Vec<String>,
    ) -> Result<Repaired, StoreError> {
        let live = Arc::clone(&self.state().live);
        let salvage = Salvage::open(&*self.disk, &self.segments_folder, info.number);
        let others: Vec<_> =
            live.segments.iter().filter(|segment| segment.info.number != info.number).cloned().collect();
        let mut lost = Vec::new();
        let prepared = Prepared::with_columns(salvage.columns());
        let number = notes.take_number();
        let continued = |id| is_in(&others, id);
        let written = self.write_segment(number, prepared, info.sealed_at, &continued, &mut |writer| {
            lost = salvage.read(&mut |(batch, traces)| {
                for (id, places, logs) in traces {
                    let rows = batch.spans[places].iter().map(|span| (&batch, span)).collect();
                    writer.write_trace(id, rows, &logs)?;
                }
                writer.forget_batches();
                Ok(())
            })?;
            Ok(())
        })?;
        let kept = written.info;
        let mut segments = others;
        if kept.traces > 0 {
            segments.push(Arc::new(written));
        }
        let mut still_damaged = live.damaged.clone();
        still_damaged.retain(|damaged| damaged.info.number != info.number);
        self.make_live(notes, live.next(segments, still_damaged), None)?;
        if kept.traces == 0 {
            self.remove_files(kept.number);
        }
        let lost: BTreeSet<TraceId> = lost.into_iter().collect();
        let mut all_problems = problems;
        all_problems.extend(salvage.problems);
        Ok(Repaired {
            segment: segment_label(info.number),
            traces_kept: kept.traces,
            spans_kept: kept.spans,
            spans_lost: info.spans.saturating_sub(kept.spans),
            traces_lost: info.traces.saturating_sub(kept.traces).max(lost.len() as u64),
            lost: lost.into_iter().take(LOST_TRACES_LISTED_MAX).collect(),
            problems: all_problems,
            put_aside: self.put_aside(info.number)?,
        })
    }

    fn put_aside(&self, number: u64) -> Result<PathBuf, StoreError> {
        let folder = self.options.folder.join(DAMAGED);
        let failed = |error| StoreError::of_io("move a damaged segment to", &folder, error);
        self.disk.create_folder(&folder).map_err(failed)?;
        for suffix in [SPANS_SUFFIX, LOGS_SUFFIX, DIRECTORY_SUFFIX] {
            let from = segment_file(&self.segments_folder, number, suffix);
            match self.disk.rename(&from, &segment_file(&folder, number, suffix)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        self.disk.sync_folder(&folder).map_err(failed)?;
        self.disk.sync_folder(&self.options.folder.join(filenames::SEGMENTS)).map_err(failed)?;
        Ok(folder)
    }
}
