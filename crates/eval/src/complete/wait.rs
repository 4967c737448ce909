//! The wait for a trace: wakes on arrivals, never sleeps a fixed time.

use std::collections::BTreeSet;

use model::{Duration, LogRecord, Span, SpanId, Text, Trace, TraceId};
use stdx::Clock;

use super::assess::{Assessment, Expected, assess};
use super::learned::Learned;
use super::room::{Room, Taken};
use crate::OWN_SCOPE;
use crate::report::Outcome;
use crate::source::{Cursor, SourceError, TraceSource};
use crate::suite::Complete;

/// What arrived so far, the runner's own spans left out.
#[derive(Debug, Default)]
struct Received {
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
    left_out: u64,
    seen: BTreeSet<Text>,
    /// Spans that continue the runner's request.
    entries: BTreeSet<SpanId>,
}

impl Received {
    /// The spans as a tree; give them back with [`Received::put_back`] where more may come.
    fn take(&mut self, trace_id: TraceId, own_span: SpanId) -> Trace {
        let mut spans = std::mem::take(&mut self.spans);
        for span in &mut spans {
            // The runner's spans are not judged, so the system's first span is a root here.
            if span.parent_span_id == Some(own_span) {
                span.parent_span_id = None;
                self.entries.insert(span.span_id);
            }
        }
        Trace::assemble(trace_id, spans, std::mem::take(&mut self.logs))
    }

    fn put_back(&mut self, trace: Trace, own_span: SpanId) {
        (self.spans, self.logs) = trace.into_parts();
        for span in &mut self.spans {
            if span.parent_span_id.is_none() && self.entries.contains(&span.span_id) {
                span.parent_span_id = Some(own_span);
            }
        }
    }
}

/// What to wait for.
pub(crate) struct Wait<'a> {
    pub source: &'a dyn TraceSource,
    pub clock: &'a dyn Clock,
    pub trace_id: TraceId,
    /// The runner's own span: the system's first span is a child of it.
    pub own_span: SpanId,
    pub services: &'a [Text],
    pub edges: &'a [crate::suite::Edge],
    pub complete: Complete,
    /// Learned by earlier traces; this one adds to it.
    pub learned: &'a std::sync::Mutex<Learned>,
    /// Room for its spans.
    pub room: &'a Room,
}

/// How the wait ended.
#[derive(Debug)]
pub(crate) struct Waited {
    pub trace: Trace,
    pub outcome: Outcome,
    pub reasons: Vec<String>,
    /// The room that the trace takes, until it is dropped.
    #[expect(dead_code, reason = "held, not read")]
    pub room: Option<Taken>,
}

/// Waits until the trace is whole, nothing more can be expected, or the deadline. `holds` says whether every positive
/// assertion already holds.
///
/// # Errors
/// When the source cannot be asked.
pub(crate) async fn wait(wait: Wait<'_>, mut holds: impl FnMut(&Trace) -> bool) -> Result<Waited, SourceError> {
    let mut began = wait.clock.monotonic_nanos();
    let since =
        |then: u64| Duration(i64::try_from(wait.clock.monotonic_nanos().saturating_sub(then)).unwrap_or(i64::MAX));
    let mut received = Received::default();
    let mut cursor = Cursor::START;
    let mut last_arrival = began;
    let mut room: Option<Taken> = None;
    loop {
        match (wait.source.unread(wait.trace_id), &mut room) {
            (0, _) => {}
            (unread, Some(taken)) => wait.room.grow(taken, unread),
            (unread, None) => {
                let asked = wait.clock.monotonic_nanos();
                room = wait.room.enter(unread).await;
                // While it waits for its turn, nothing is late.
                began += wait.clock.monotonic_nanos().saturating_sub(asked);
            }
        }
        let arrivals = wait.source.arrivals(wait.trace_id, cursor).await?;
        cursor = arrivals.cursor;
        if take_in(&mut received, arrivals, wait.learned) {
            last_arrival = wait.clock.monotonic_nanos();
        }
        let (assessment, quiet) = look(&received, &wait);
        let structure_is_whole = assessment.is_whole() && received.left_out == 0;
        if structure_is_whole {
            let trace = received.take(wait.trace_id, wait.own_span);
            if holds(&trace) {
                let reason = "every span that something refers to is there".to_owned();
                return Ok(Waited { room, ..complete(trace, &wait, reason) });
            }
            received.put_back(trace, wait.own_span);
        }
        let quiet = wait.complete.quiet.unwrap_or(quiet);
        let until_quiet = quiet - since(last_arrival);
        let until_deadline = wait.complete.deadline - since(began);
        if until_quiet <= Duration::ZERO {
            return Ok(Waited { room, ..ended_quiet(received, assessment, quiet, &wait) });
        }
        if until_deadline <= Duration::ZERO {
            return Ok(Waited { room, ..timed_out(received, assessment, &wait) });
        }
        let pause = tokio::time::sleep(until_quiet.min(until_deadline).to_std());
        tokio::select! {
            () = wait.source.changed(wait.trace_id, cursor) => {}
            () = pause => {}
        }
    }
}

/// Adds what arrived; whether something of the system's did.
fn take_in(received: &mut Received, arrivals: crate::Arrivals, learned: &std::sync::Mutex<Learned>) -> bool {
    received.left_out = arrivals.left_out;
    let ours = |scope: &model::Scope| &*scope.name == OWN_SCOPE;
    let spans: Vec<_> = arrivals.spans.into_iter().filter(|arrived| !ours(&arrived.span.scope)).collect();
    let something = !spans.is_empty() || !arrivals.logs.is_empty();
    if !spans.is_empty() {
        let seen: Vec<_> = spans.iter().map(|arrived| (&arrived.span, arrived.arrived)).collect();
        lock(learned).arrived(&seen);
    }
    received.logs.extend(arrivals.logs);
    for arrived in spans {
        if !received.seen.contains(arrived.span.service_name()) {
            received.seen.insert(arrived.span.service_name().into());
        }
        received.spans.push(arrived.span);
    }
    something
}

fn look(received: &Received, wait: &Wait<'_>) -> (Assessment, Duration) {
    let learned = lock(wait.learned);
    let expected = Expected { own_span: wait.own_span, services: wait.services, edges: wait.edges, learned: &learned };
    let assessment = assess(&received.spans, &expected);
    let quiet = assessment.quiet(&received.seen, &expected);
    (assessment, quiet)
}

fn complete(trace: Trace, wait: &Wait<'_>, reason: String) -> Waited {
    lock(wait.learned).was_whole(&trace);
    Waited { trace, outcome: Outcome::Complete, reasons: vec![reason], room: None }
}

/// The wait ended without the trace being known to be whole.
fn incomplete(mut received: Received, wait: &Wait<'_>, outcome: Outcome, reasons: Vec<String>) -> Waited {
    Waited { trace: received.take(wait.trace_id, wait.own_span), outcome, reasons, room: None }
}

fn ended_quiet(mut received: Received, assessment: Assessment, quiet: Duration, wait: &Wait<'_>) -> Waited {
    if received.spans.is_empty() {
        let reason =
            format!("nothing arrived within {quiet}, the longest that an exporter of these services holds spans back");
        return incomplete(received, wait, Outcome::NoSpan, vec![reason]);
    }
    if assessment.certain.is_empty() && received.left_out == 0 {
        let reason = format!("no span is known to be missing, and nothing more came for {quiet}");
        return complete(received.take(wait.trace_id, wait.own_span), wait, reason);
    }
    let mut reasons = reasons(&received, &assessment);
    reasons.push(format!("nothing more came for {quiet}"));
    incomplete(received, wait, Outcome::Quiet, reasons)
}

fn reasons(received: &Received, assessment: &Assessment) -> Vec<String> {
    let mut reasons = assessment.reasons();
    if received.left_out > 0 {
        let left_out = received.left_out;
        reasons
            .push(format!("{left_out} spans and log records were left out: there was no room to keep the trace whole"));
    }
    reasons
}

fn timed_out(received: Received, assessment: Assessment, wait: &Wait<'_>) -> Waited {
    let outcome = if received.spans.is_empty() { Outcome::NoSpan } else { Outcome::TimedOut };
    let mut reasons = reasons(&received, &assessment);
    reasons.push(format!("the deadline of {} passed", wait.complete.deadline));
    incomplete(received, wait, outcome, reasons)
}

fn lock(learned: &std::sync::Mutex<Learned>) -> std::sync::MutexGuard<'_, Learned> {
    learned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
