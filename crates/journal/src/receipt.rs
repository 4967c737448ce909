//! The promise that a record is on disk: one group of records shares one outcome.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{JournalError, Position};

/// Resolves to the record's position once it is synced to disk, or to what kept it from getting there. It can be
/// awaited or, without any runtime, waited for. Dropping it changes nothing about the record.
#[must_use = "the record is on disk only when the receipt says so"]
#[derive(Debug)]
pub struct Receipt {
    pub(crate) group: Arc<Group>,
    pub(crate) position: Position,
}

impl Receipt {
    /// The number the record has if it gets to disk.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Blocks the thread until the record is on disk.
    ///
    /// # Errors
    /// What kept it from getting there.
    pub fn wait(self) -> Result<Position, JournalError> {
        let mut state = self.group.lock();
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone().map(|()| self.position);
            }
            state = self.group.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Receipt {
    type Output = Result<Position, JournalError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.group.lock();
        if let Some(outcome) = &state.outcome {
            return Poll::Ready(outcome.clone().map(|()| self.position));
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            state.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// Records that are written and synced together.
#[derive(Debug, Default)]
pub struct Group {
    state: Mutex<GroupState>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct GroupState {
    outcome: Option<Result<(), JournalError>>,
    wakers: Vec<Waker>,
}

impl Group {
    /// Tells everyone who waits.
    pub fn settle(&self, outcome: Result<(), JournalError>) {
        let wakers = {
            let mut state = self.lock();
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        self.settled.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
