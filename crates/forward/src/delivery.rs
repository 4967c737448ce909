//! The loop that empties one destination's journal.
//!
//! ```text
//! journal ──read──> under way (at most 8) ──answer──> delivered ─┐
//!                        ^                     again ─> waits ───┤ pause for all
//!                        └──────────────────────┘                │
//!                                              never ─> dropped ─┤
//!                     released up to the first record not settled ┘
//! ```
//!
//! Records are released in order. After a restart, those that were under way or settled out of order are sent once more:
//! at most as many as may be under way.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use journal::{Cursor, Position, Record};
use model::Instant;
use tokio::time::Instant as Moment;

use crate::answer::Answer;
use crate::body::{ReceivedBody, Signal};
use crate::convert::convert;
use crate::limits::IN_FLIGHT_MAX;
use crate::route::{Activity, Route};

/// Runs until the route is stopped, or until it is drained and everything is delivered.
pub async fn deliver(route: Arc<Route>) {
    let mut delivery = Delivery::new(route);
    while delivery.turn().await {}
    delivery.route.set_activity(Activity::Idle);
}

struct Delivery {
    route: Arc<Route>,
    cursor: Option<Cursor>,
    read: Position,
    under_way: FuturesUnordered<BoxFuture<'static, (Request, Answer)>>,
    again: VecDeque<Request>,
    /// Everything up to here may be forgotten.
    released: Position,
    unsettled: BTreeSet<Position>,
    failures: u32,
    paused_until: Option<Moment>,
}

/// One record on its way.
struct Request {
    position: Position,
    signal: Signal,
    body: Bytes,
    items: u64,
}

impl Delivery {
    fn new(route: Arc<Route>) -> Self {
        let released = route.released_at_start();
        let cursor = Some(route.journal.cursor(released));
        Self {
            route,
            cursor,
            read: released,
            under_way: FuturesUnordered::new(),
            again: VecDeque::new(),
            released,
            unsettled: BTreeSet::new(),
            failures: 0,
            paused_until: None,
        }
    }

    /// Starts what can be started and waits for the next thing to happen. False when it is time to end.
    async fn turn(&mut self) -> bool {
        if self.route.is_stopped() {
            return false;
        }
        self.start_requests().await;
        self.route.set_activity(self.activity());
        self.route.set_waiting(self.unsettled.len() as u64, self.read);
        let nothing_waits = self.under_way.is_empty() && self.again.is_empty();
        if nothing_waits && self.route.is_draining() && self.read >= self.route.last_appended() {
            return false;
        }
        let pause = self.paused_until.map(|until| until.saturating_duration_since(Moment::now()));
        let has_room = pause.is_none() && self.under_way.len() < self.at_once();
        let route = self.route.clone();
        tokio::select! {
            Some((request, answer)) = self.under_way.next(), if !self.under_way.is_empty() => self.settle(request, answer),
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            _ = route.journal.readable_after(self.read), if has_room => {}
            () = route.life_changed() => {}
        }
        true
    }

    /// A destination that failed is asked with one request until it answers again.
    fn at_once(&self) -> usize {
        if self.failures > 0 { 1 } else { IN_FLIGHT_MAX }
    }

    fn activity(&self) -> Activity {
        match (self.failures > 0, self.under_way.is_empty() && self.again.is_empty()) {
            (true, _) => Activity::Retrying,
            (false, true) => Activity::Idle,
            (false, false) => Activity::Delivering,
        }
    }

    async fn start_requests(&mut self) {
        if self.paused_until.is_some_and(|until| until > Moment::now()) {
            return;
        }
        self.paused_until = None;
        while self.under_way.len() < self.at_once() {
            let request = match self.again.pop_front() {
                Some(request) => request,
                None => match self.next_record().await {
                    Read::Request(request) => request,
                    Read::Settled => continue,
                    Read::Nothing => return,
                },
            };
            let transport = self.route.transport.clone();
            self.under_way.push(Box::pin(async move {
                let answer = transport.send(request.signal, request.body.clone()).await;
                (request, answer)
            }));
        }
    }

    /// Reads and converts the next record, on a thread that may wait for the disk.
    async fn next_record(&mut self) -> Read {
        if self.read >= self.route.journal.durable() {
            return Read::Nothing;
        }
        let Some(mut cursor) = self.cursor.take() else { return Read::Nothing };
        let route = self.route.clone();
        let read = tokio::task::spawn_blocking(move || {
            let next = cursor.next();
            let prepared = next.map(|record| record.map(|record| (record.position, prepare(&route, record))));
            (cursor, prepared)
        });
        let Ok((cursor, prepared)) = read.await else {
            // The thread panicked, which is a fault of ours: the cursor is made anew behind what was read.
            self.cursor = Some(self.route.journal.cursor(self.read));
            return Read::Nothing;
        };
        self.cursor = Some(cursor);
        let (position, prepared) = match prepared {
            Ok(Some(prepared)) => prepared,
            Ok(None) => {
                // Nothing intact lies between here and what was said to be on disk.
                self.count_gap(Position(self.route.journal.durable().0 + 1));
                self.read = self.route.journal.durable();
                self.release();
                return Read::Nothing;
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.route.counters.error(&format!("cannot read its queue on disk: {error}"), self.now());
                self.pause(None);
                return Read::Nothing;
            }
        };
        self.count_gap(position);
        self.read = position;
        match prepared {
            Ok(request) => {
                self.unsettled.insert(position);
                Read::Request(request)
            }
            Err(Skipped::Filtered) => {
                self.release();
                Read::Settled
            }
            Err(Skipped::Broken { items, reason }) => {
                self.route.counters.dropped(items, &reason, self.now());
                self.release();
                Read::Settled
            }
        }
    }

    /// Records between the last one read and this one were damaged on disk.
    fn count_gap(&self, position: Position) {
        for _ in self.read.0 + 1..position.0 {
            self.route.counters.dropped(0, "its record on disk was damaged", self.now());
        }
    }

    fn settle(&mut self, request: Request, answer: Answer) {
        match answer {
            Answer::Delivered { rejected, message } => {
                self.failures = 0;
                self.route.counters.delivered(request.items, rejected);
                if rejected > 0 {
                    let reason = format!("rejected {rejected} of {}: {message}", request.items);
                    self.route.counters.error(&reason, self.now());
                }
                self.forget(request.position);
            }
            Answer::Never { reason } => {
                self.failures = 0;
                self.route.counters.dropped(request.items, &reason, self.now());
                self.forget(request.position);
            }
            Answer::Again { after, reason } => {
                self.failures = self.failures.saturating_add(1);
                self.route.counters.retried();
                self.route.counters.error(&reason, self.now());
                self.pause(after);
                self.again.push_back(request);
            }
        }
    }

    fn pause(&mut self, asked: Option<std::time::Duration>) {
        let pause = self.route.pauses.after(self.failures, asked, &*self.route.random);
        let until = Moment::now() + pause;
        self.paused_until = Some(self.paused_until.map_or(until, |other| other.max(until)));
    }

    fn forget(&mut self, position: Position) {
        self.unsettled.remove(&position);
        self.release();
    }

    /// Lets the journal forget everything before the first record that is not settled.
    fn release(&mut self) {
        let up_to = self.unsettled.first().map_or(self.read, |first| Position(first.0 - 1));
        if up_to > self.released {
            self.released = up_to;
            if let Err(error) = self.route.journal.release(up_to) {
                let reason = format!("its queue on disk cannot be shortened: {error}");
                self.route.counters.error(&reason, self.now());
            }
        }
    }

    fn now(&self) -> Instant {
        Instant(self.route.clock.unix_nanos())
    }
}

enum Read {
    Request(Request),
    /// A record that needs no request.
    Settled,
    /// There is none to be read just now.
    Nothing,
}

enum Skipped {
    /// The filter left nothing of it.
    Filtered,
    /// It cannot be read.
    Broken { items: u64, reason: String },
}

fn prepare(route: &Route, record: Record) -> Result<Request, Skipped> {
    let Some(received) = ReceivedBody::decode(&record.payload.into()) else {
        return Err(Skipped::Broken { items: 0, reason: "its record on disk is of an unknown kind".to_owned() });
    };
    let converted = convert(&received, &route.destination, route.filter.as_ref())
        .map_err(|reason| Skipped::Broken { items: u64::from(received.items), reason })?;
    route.counters.filtered(converted.filtered);
    let body = converted.body.ok_or(Skipped::Filtered)?;
    Ok(Request { position: record.position, signal: received.signal, body, items: converted.items })
}
