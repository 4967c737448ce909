//! What runs by itself: seal by size and age, merge, retention. One function that is told the time; a thread calls it.

use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use model::Instant;

use super::{EmbeddedStore, Live, UpkeepNotes};
use crate::StoreError;
use crate::limits::UPKEEP_INTERVAL;
use crate::segment::SegmentInfo;

/// What one call of [`EmbeddedStore::maintain`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upkept {
    /// Spans that were sealed.
    pub spans_sealed: u64,
    /// Segments that were made by a merge.
    pub merges: u64,
    /// Segments of which retention left only what its policy keeps longer.
    pub segments_thinned: u64,
    /// Segments that retention dropped.
    pub segments_dropped: u64,
    /// Spans that retention dropped.
    pub spans_dropped: u64,
}

impl EmbeddedStore {
    /// Does what is due at `now`: seals the head if it is large or old, merges small segments, drops what retention no
    /// longer keeps.
    ///
    /// # Errors
    /// What kept it from one of these; nothing is lost, and the next call tries again.
    pub fn maintain(&self, now: Instant) -> Result<Upkept, StoreError> {
        let mut notes = self.notes();
        let result = self.maintain_with(&mut notes, now);
        self.note_problem(result.as_ref().err().map(ToString::to_string));
        result
    }

    fn maintain_with(&self, notes: &mut UpkeepNotes, now: Instant) -> Result<Upkept, StoreError> {
        let mut upkept = Upkept::default();
        if self.is_seal_due(now) {
            upkept.spans_sealed = self.seal(notes, now, None)?.map_or(0, |info| info.spans);
        }
        while self.merge(notes)?.is_some() {
            upkept.merges += 1;
        }
        self.drop_old(notes, now, &mut upkept)?;
        Ok(upkept)
    }

    /// Seals the head now, whatever its size and age.
    ///
    /// # Errors
    /// As [`EmbeddedStore::maintain`].
    pub fn seal_now(&self) -> Result<(), StoreError> {
        self.seal(&mut self.notes(), self.now(), None).map(drop)
    }

    pub(super) fn is_seal_due(&self, now: Instant) -> bool {
        let state = self.state();
        state.head.bytes >= self.options.seal_bytes
            || state.head.oldest.is_some_and(|oldest| now - oldest >= self.options.seal_age)
    }

    fn drop_old(&self, notes: &mut UpkeepNotes, now: Instant, upkept: &mut Upkept) -> Result<(), StoreError> {
        let live = Arc::clone(&self.state().live);
        let mut infos: Vec<SegmentInfo> = live.segments.iter().map(|segment| segment.info).collect();
        infos.extend(live.damaged.iter().map(|damaged| damaged.info));
        infos.sort_unstable_by_key(|info| (info.sealed_at, info.number));
        let mut bytes: u64 = infos.iter().map(|info| info.bytes).sum();
        let retention = self.options.retention;
        let mut dropped = Vec::new();
        let mut thinned = Vec::new();
        for info in infos {
            let mut too_old = retention.age.is_some_and(|age| now - info.sealed_at > age);
            let too_much = retention.bytes.is_some_and(|limit| bytes > limit);
            if let Some(policy) = self.options.keep_longer.as_ref().filter(|_| too_old && !too_much) {
                too_old = now - info.sealed_at > policy.age;
                if !too_old {
                    thinned.push(info.number);
                }
            }
            if too_old || too_much {
                bytes -= info.bytes;
                dropped.push(info);
            }
        }
        self.thin_all(notes, &live, &thinned, upkept)?;
        if dropped.is_empty() {
            return Ok(());
        }
        let live = Arc::clone(&self.state().live);
        let stays = |number: u64| dropped.iter().all(|info| info.number != number);
        let segments = live.segments.iter().filter(|segment| stays(segment.info.number)).cloned().collect();
        let damaged = live.damaged.iter().filter(|damaged| stays(damaged.info.number)).cloned().collect();
        self.make_live(notes, live.next(segments, damaged), None)?;
        for info in dropped {
            self.state().counters.traces_dropped += info.traces;
            self.remove_files(info.number);
            upkept.segments_dropped += 1;
            upkept.spans_dropped += info.spans;
        }
        Ok(())
    }

    fn thin_all(
        &self,
        notes: &mut UpkeepNotes,
        live: &Live,
        numbers: &[u64],
        upkept: &mut Upkept,
    ) -> Result<(), StoreError> {
        let Some(policy) = &self.options.keep_longer else { return Ok(()) };
        let chosen = live.segments.iter().filter(|segment| numbers.contains(&segment.info.number));
        chosen.into_iter().try_for_each(|segment| self.thin(notes, segment, policy, upkept))
    }

    /// Starts the thread that calls [`EmbeddedStore::maintain`], every [`UPKEEP_INTERVAL`] and as soon as the head is
    /// large. It stops when the store is closed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start_upkeep(self: &Arc<Self>) -> Result<Upkeep, StoreError> {
        let store = Arc::clone(self);
        let run = move || {
            loop {
                let notes = store.notes();
                if notes.stop {
                    return;
                }
                let waited = store.wake.wait_timeout(notes, UPKEEP_INTERVAL).unwrap_or_else(PoisonError::into_inner);
                if waited.0.stop {
                    return;
                }
                drop(waited);
                // What goes wrong is in the stats and tried again.
                let _ = store.maintain(store.now());
            }
        };
        let thread = std::thread::Builder::new().name("store-upkeep".to_owned()).spawn(run);
        let failed = |error| StoreError::of_io("start a thread for", &self.options.folder, error);
        Ok(Upkeep { store: Arc::clone(self), thread: Some(thread.map_err(failed)?) })
    }
}

/// The running upkeep; dropping it stops the thread.
#[derive(Debug)]
pub struct Upkeep {
    store: Arc<EmbeddedStore>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.store.notes().stop = true;
        self.store.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nobody to tell here.
            let _ = thread.join();
        }
    }
}
