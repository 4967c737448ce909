//! Room in memory: how many spans of traces are unpacked at once. A trace whose turn has not come waits packed, in memory
//! that the store shares, and the time that it waits is not taken from its deadline.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::UNPACKED_SPANS_MAX;

/// Shared by all attempts of a run.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// Room for the spans of one trace, given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken(OwnedSemaphorePermit);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UNPACKED_SPANS_MAX)))
    }
}

impl Room {
    /// Waits for room for the first spans of a trace. One larger than all of it gets all of it.
    pub async fn enter(&self, spans: usize) -> Option<Taken> {
        // The semaphore is never closed.
        Arc::clone(&self.0).acquire_many_owned(permits(spans)).await.ok().map(Taken)
    }

    /// Takes room for more spans if there is some. A trace that grows goes on without: two that waited for one another's
    /// room would wait for ever.
    pub fn grow(&self, taken: &mut Taken, spans: usize) {
        if let Ok(more) = Arc::clone(&self.0).try_acquire_many_owned(permits(spans)) {
            taken.0.merge(more);
        }
    }
}

fn permits(spans: usize) -> u32 {
    u32::try_from(spans.min(UNPACKED_SPANS_MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_large_trace_waits_for_its_turn_and_one_that_grows_does_not() {
        let room = Room::default();
        let mut first = room.enter(UNPACKED_SPANS_MAX * 2).await.expect("open");
        let mut waiting = Box::pin(room.enter(1));
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut waiting).await.is_err());
        room.grow(&mut first, 10);
        drop(first);
        waiting.await.expect("its turn has come");
    }
}
