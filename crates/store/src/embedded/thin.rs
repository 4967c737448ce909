//! What is too old but worth keeping: a segment past the age of retention is written anew with only the traces that a policy
//! keeps longer.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use model::{Trace, TraceId};

use super::{EmbeddedStore, UpkeepNotes, Upkept};
use crate::limits::CHUNK_SPANS;
use crate::segment::{PackedReader, Segment};
use crate::{KeepLonger, SpanStore, StoreError};

impl EmbeddedStore {
    /// Leaves of a segment only the traces that the policy keeps. One that cannot be read is left as it is: nobody can tell
    /// what is in it.
    pub(super) fn thin(
        &self,
        notes: &mut UpkeepNotes,
        segment: &Arc<Segment>,
        policy: &KeepLonger,
        upkept: &mut Upkept,
    ) -> Result<(), StoreError> {
        if notes.thinned.contains(&segment.info.number) || notes.unmergeable.contains(&segment.info.number) {
            return Ok(());
        }
        let kept = self.kept_longer(segment, policy).map_err(|error| {
            notes.unmergeable.insert(segment.info.number);
            StoreError::of_io("read a segment in", &self.segments_folder, error)
        })?;
        if kept.len() as u64 == segment.info.traces {
            notes.thinned.insert(segment.info.number);
            return Ok(());
        }
        let left = self.rewrite(notes, std::slice::from_ref(segment), &|id| !kept.contains(&id))?;
        notes.thinned.extend(left.map(|info| info.number));
        let (traces, spans) = left.map_or((0, 0), |info| (info.traces, info.spans));
        self.state().counters.traces_dropped += segment.info.traces.saturating_sub(traces);
        upkept.spans_dropped += segment.info.spans.saturating_sub(spans);
        upkept.segments_thinned += 1;
        Ok(())
    }

    /// The traces of a segment that the policy keeps; those that are split are judged as a whole.
    fn kept_longer(&self, segment: &Arc<Segment>, policy: &KeepLonger) -> io::Result<HashSet<TraceId>> {
        let live = Arc::clone(&self.state().live);
        let directory = segment.traces()?;
        let entries = &directory.entries;
        let mut kept = HashSet::new();
        let mut first = 0;
        while first < entries.len() {
            let (mut last, mut spans) = (first, 0);
            while last < entries.len() && spans < CHUNK_SPANS {
                spans += entries[last].rows as usize;
                last += 1;
            }
            let mut reader = PackedReader::default();
            let positions: Vec<usize> = (first..last).collect();
            let traces = segment.read_packed(&positions, &mut reader)?;
            let batch = reader.finish();
            let mut rows = batch.spans.iter();
            for (id, count, logs) in traces {
                let spans = rows.by_ref().take(count).map(|span| batch.unpack_span(span)).collect();
                let whole = match live.split.contains(&id) {
                    true => self.trace(id).ok().and_then(|answer| answer.value),
                    false => Some(Arc::new(Trace::assemble(id, spans, logs))),
                };
                if whole.is_some_and(|trace| (policy.is_kept)(&trace).is_some()) {
                    kept.insert(id);
                }
            }
            first = last;
        }
        Ok(kept)
    }
}
