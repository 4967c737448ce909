//! One destination at work: its journal, its counters, how it is woken and stopped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use journal::{Journal, JournalError, Kind, Position};
use model::Instant;
use stdx::{Clock, Random};
use tokio::sync::watch;

use crate::body::ReceivedBody;
use crate::counters::Counters;
use crate::destination::Destination;
use crate::filter::Filter;
use crate::pause::Pauses;
use crate::transport::Transport;

/// The kind of our records in the journal.
const KIND: Kind = Kind(*b"fwd1");

/// What a destination is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Nothing waits.
    Idle,
    /// Sending.
    Delivering,
    /// The last try failed; it will try again.
    Retrying,
}

const ACTIVITIES: [Activity; 3] = [Activity::Idle, Activity::Delivering, Activity::Retrying];

/// How a route ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Running,
    /// End once nothing waits.
    Draining,
    /// End now; what waits stays in the journal.
    Stopped,
}

/// One destination at work.
pub struct Route {
    pub(crate) destination: Arc<Destination>,
    pub(crate) filter: Option<Filter>,
    pub(crate) journal: Journal,
    pub(crate) transport: Transport,
    pub(crate) counters: Counters,
    pub(crate) pauses: Pauses,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    released_at_start: Position,
    last_appended: AtomicU64,
    last_read: AtomicU64,
    /// Records read that are neither delivered nor given up.
    unsettled: AtomicU64,
    activity: AtomicU8,
    life: watch::Sender<Life>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("destination", &self.destination).finish_non_exhaustive()
    }
}

/// What a route is made of.
pub struct RouteParts {
    pub destination: Arc<Destination>,
    pub filter: Option<Filter>,
    pub journal: Journal,
    pub transport: Transport,
    pub pauses: Pauses,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// What was released in an earlier life.
    pub released: Position,
    /// What was appended in an earlier life.
    pub appended: Position,
}

impl Route {
    pub fn new(parts: RouteParts) -> Self {
        Self {
            destination: parts.destination,
            filter: parts.filter,
            journal: parts.journal,
            transport: parts.transport,
            counters: Counters::default(),
            pauses: parts.pauses,
            clock: parts.clock,
            random: parts.random,
            released_at_start: parts.released,
            last_appended: AtomicU64::new(parts.appended.0),
            last_read: AtomicU64::new(parts.released.0),
            unsettled: AtomicU64::new(0),
            activity: AtomicU8::new(0),
            life: watch::Sender::new(Life::Running),
        }
    }

    /// Takes a body if this destination wants its signal. Never waits: the journal takes it into memory and writes it by
    /// itself; where it cannot, the body is dropped and counted.
    pub fn offer(&self, body: &ReceivedBody) {
        let wanted = match body.signal {
            crate::Signal::Traces => self.destination.traces.is_some(),
            crate::Signal::Logs => self.destination.logs.is_some(),
        };
        if !wanted || body.items == 0 {
            return;
        }
        match self.journal.append_parts(KIND, &[&body.header(), &body.bytes]) {
            Ok(receipt) => {
                self.last_appended.fetch_max(receipt.position().0, Ordering::SeqCst);
            }
            Err(error) => {
                let reason = match error {
                    JournalError::Full { limit, .. } => {
                        format!("its queue on disk is full ({limit} bytes wait)")
                    }
                    JournalError::Overloaded { .. } => "the disk is slower than what arrives".to_owned(),
                    other => format!("its queue on disk cannot be written: {other}"),
                };
                self.counters.dropped(u64::from(body.items), &reason, Instant(self.clock.unix_nanos()));
            }
        }
    }

    pub fn released_at_start(&self) -> Position {
        self.released_at_start
    }

    pub fn last_appended(&self) -> Position {
        Position(self.last_appended.load(Ordering::SeqCst))
    }

    pub fn set_waiting(&self, unsettled: u64, read: Position) {
        self.unsettled.store(unsettled, Ordering::Relaxed);
        self.last_read.store(read.0, Ordering::Relaxed);
    }

    /// Requests that wait or are under way.
    pub fn waiting(&self) -> u64 {
        let unread = self.last_appended().0.saturating_sub(self.last_read.load(Ordering::Relaxed));
        unread + self.unsettled.load(Ordering::Relaxed)
    }

    pub fn set_activity(&self, activity: Activity) {
        let number = ACTIVITIES.iter().position(|known| *known == activity).unwrap_or(0);
        self.activity.store(number as u8, Ordering::Relaxed);
    }

    pub fn activity(&self) -> Activity {
        ACTIVITIES.get(self.activity.load(Ordering::Relaxed) as usize).copied().unwrap_or(Activity::Idle)
    }

    pub fn drain(&self) {
        self.life.send_modify(|life| *life = Life::Draining.max(*life));
    }

    pub fn stop(&self) {
        self.life.send_replace(Life::Stopped);
    }

    pub fn is_draining(&self) -> bool {
        *self.life.borrow() >= Life::Draining
    }

    pub fn is_stopped(&self) -> bool {
        *self.life.borrow() == Life::Stopped
    }

    /// Returns when the route is to drain or to stop, or at once where it is stopped. To be asked again after each turn.
    pub async fn life_changed(&self) {
        let mut life = self.life.subscribe();
        let now = *life.borrow_and_update();
        // It cannot be closed: the sender lives in `self`.
        let _ = life.wait_for(|life| *life != now || *life == Life::Stopped).await;
    }
}
