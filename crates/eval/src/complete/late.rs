//! Spans that arrive late, on a clock that the test moves.

use std::sync::{Arc, Mutex};

use model::{Batch, Duration, Instant, Resource, Span, SpanId, SpanKind, Text, Trace, TraceId};
use stdx::Clock;

use super::{Learned, Room, Wait, Waited, wait};
use crate::report::Outcome;
use crate::source::TraceSource;
use crate::suite::Complete;
use crate::watched::WatchedTraces;

/// The paused clock of the runtime.
#[derive(Debug)]
struct PausedClock(tokio::time::Instant);

impl Clock for PausedClock {
    fn unix_nanos(&self) -> u64 {
        1_000_000_000_000 + self.monotonic_nanos()
    }

    fn monotonic_nanos(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

const TRACE: TraceId = TraceId([7; 16]);
const OWN: SpanId = SpanId([9; 8]);

fn span(service: &str, id: u8, parent: SpanId, kind: SpanKind) -> Span {
    let mut span = Span::new(TRACE, SpanId([id; 8]), "POST");
    span.parent_span_id = Some(parent);
    span.kind = kind;
    // Ended when the answer came.
    (span.start, span.end) = (Instant(999_999_000_000), Instant(1_000_000_000_000));
    let attributes = [("service.name", service)].into_iter().collect();
    span.resource = Arc::new(Resource { attributes, ..Resource::default() });
    span
}

/// A gateway that called a worker; each sends its spans so many milliseconds after the answer, or never.
struct Case {
    gateway_ms: Option<u64>,
    worker_ms: Option<u64>,
    services: &'static [&'static str],
    learned: Learned,
    /// Whether a positive assertion needs the worker's span.
    needs_worker: bool,
    /// What the server that the trace comes from had no room for.
    left_out: u64,
}

impl Case {
    fn new(gateway_ms: Option<u64>, worker_ms: Option<u64>) -> Self {
        let services = &["gateway", "worker"];
        Self { gateway_ms, worker_ms, services, learned: Learned::default(), needs_worker: false, left_out: 0 }
    }

    async fn run(self) -> (Waited, Duration) {
        let clock: Arc<dyn Clock> = Arc::new(PausedClock(tokio::time::Instant::now()));
        let source = Arc::new(WatchedTraces::new(Arc::clone(&clock)));
        source.watch(TRACE);
        source.note_left_out(TRACE, self.left_out);
        let gateway =
            vec![span("gateway", 1, OWN, SpanKind::SERVER), span("gateway", 2, SpanId([1; 8]), SpanKind::CLIENT)];
        let worker = vec![span("worker", 3, SpanId([2; 8]), SpanKind::SERVER)];
        for (after, spans) in [(self.gateway_ms, gateway), (self.worker_ms, worker)] {
            let Some(after) = after else { continue };
            let source = Arc::clone(&source);
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_millis(after)).await;
                source.receive(&Batch { spans, logs: Vec::new() });
            });
        }
        let services: Vec<Text> = self.services.iter().map(|service| Text::from(*service)).collect();
        let learned = Mutex::new(self.learned);
        let waiting = Wait {
            source: &*source,
            clock: &*clock,
            trace_id: TRACE,
            own_span: OWN,
            services: &services,
            edges: &[],
            complete: Complete::default(),
            learned: &learned,
            room: &Room::default(),
        };
        let has_worker = |trace: &Trace| trace.spans().iter().any(|span| span.service_name() == "worker");
        let waited = wait(waiting, |trace| !self.needs_worker || has_worker(trace)).await.expect("memory answers");
        (waited, Duration(clock.monotonic_nanos() as i64))
    }
}

#[tokio::test(start_paused = true)]
async fn spans_that_are_late_by_up_to_six_seconds_are_waited_for_and_then_judged_at_once() {
    for late in [0, 20, 400, 1_000, 2_500, 6_000] {
        let (waited, took) = Case::new(Some(late), Some(late)).run().await;
        assert_eq!(waited.outcome, Outcome::Complete, "{late}: {:?}", waited.reasons);
        assert_eq!(waited.trace.spans().len(), 3);
        assert!(took < Duration::from_millis(late as i64 + 5), "{late}: took {took}");
        // The worker alone is late: the gateway's call has no server span yet.
        let (waited, took) = Case::new(Some(5), Some(late)).run().await;
        assert_eq!((waited.outcome, waited.trace.spans().len()), (Outcome::Complete, 3), "{late}");
        assert!(took < Duration::from_millis(late as i64 + 10), "{late}: took {took}");
        // The gateway alone is late: the worker's parent dangles.
        let (waited, _) = Case::new(Some(late), Some(5)).run().await;
        assert_eq!((waited.outcome, waited.trace.spans().len()), (Outcome::Complete, 3), "{late}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exporter_that_is_switched_off_makes_the_trace_quiet_and_says_whose_span_is_missing() {
    let (waited, took) = Case::new(Some(5), None).run().await;
    assert_eq!(waited.outcome, Outcome::Quiet);
    assert!(waited.reasons[0].contains("worker"), "{:?}", waited.reasons);
    assert!(took < Duration::from_secs(7), "{took}");
    let (waited, _) = Case::new(None, Some(5)).run().await;
    assert_eq!(waited.outcome, Outcome::Quiet);
    assert!(waited.reasons.iter().any(|reason| reason.contains("parent")), "{:?}", waited.reasons);
    let (waited, _) = Case::new(None, None).run().await;
    assert_eq!(waited.outcome, Outcome::NoSpan);
}

/// What the exporters of `gateway` and `worker` were seen to do, five times each.
fn learned(gateway_ms: u64, worker_ms: u64) -> Learned {
    let mut learned = Learned::default();
    for _ in 0..5 {
        for (service, delay) in [("gateway", gateway_ms), ("worker", worker_ms)] {
            let span = span(service, 1, OWN, SpanKind::SERVER);
            learned.arrived(&[(&span, Instant(span.end.0 + delay * 1_000_000))]);
        }
    }
    learned
}

#[tokio::test(start_paused = true)]
async fn services_that_were_seen_to_export_at_once_are_not_waited_for_long() {
    let (waited, took) = Case { learned: learned(20, 20), ..Case::new(Some(20), None) }.run().await;
    assert_eq!(waited.outcome, Outcome::Quiet);
    assert!(took < Duration::from_millis(2_100), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_seen_to_export_every_ten_seconds_is_waited_for() {
    let (waited, _) = Case { learned: learned(20, 8_000), ..Case::new(Some(20), Some(9_000)) }.run().await;
    assert_eq!(waited.outcome, Outcome::Complete, "{:?}", waited.reasons);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_wait_while_spans_still_come() {
    let (waited, took) = Case { learned: learned(20, 14_500), ..Case::new(Some(20), None) }.run().await;
    assert_eq!(waited.outcome, Outcome::TimedOut);
    assert_eq!(took.nanos() / 1_000_000_000, 15);
}

#[tokio::test(start_paused = true)]
async fn a_positive_assertion_keeps_the_wait_going_though_nothing_refers_to_what_is_missing() {
    // The gateway makes no call here that could tell of the worker: without services declared, nothing says it exists.
    let case = Case { services: &[], needs_worker: true, ..Case::new(Some(5), Some(3_000)) };
    let (waited, _) = case.run().await;
    assert_eq!((waited.outcome, waited.trace.spans().len()), (Outcome::Complete, 3));
}

#[tokio::test(start_paused = true)]
async fn a_trace_of_which_something_was_left_out_is_never_complete() {
    let (waited, _) = Case { left_out: 1, ..Case::new(Some(5), Some(5)) }.run().await;
    assert_eq!((waited.outcome, waited.trace.spans().len()), (Outcome::Quiet, 3));
    assert!(waited.reasons.iter().any(|reason| reason.contains("left out")), "{:?}", waited.reasons);
}
