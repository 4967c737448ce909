//! Eight hours in simulated time: spans come every ten seconds, upkeep seals, merges and drops what is older than an hour.
//! Nothing grows, and no span is lost before its time.

mod common;

use std::sync::Arc;

use common::{SECOND, START, World, span};
use model::Duration;
use stdx::ManualClock;
use store::{EmbeddedStore, Options, Retention, SpanStore, TraceScan, limits};

const HOURS: u64 = 8;
const KEPT: Duration = Duration::from_secs(3_600);
/// Between two batches.
const STEP_SECONDS: u64 = 10;
/// More than a span takes on disk, in small segments.
const SPAN_BYTES: u64 = 100;
/// Spans of a trace.
const TRACE: u64 = 10;

/// The most that was held at any moment.
#[derive(Debug, Default)]
struct Peaks {
    segments: usize,
    journal_bytes: u64,
    head_bytes: usize,
    segment_bytes: u64,
}

fn run(spans_a_second: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World { clock: Arc::new(ManualClock::at(START)), ..World::new() };
    let options = Options {
        retention: Retention { age: Some(KEPT), ..Retention::default() },
        journal_file_bytes: 4 << 20,
        ..Options::new(folder.path())
    };
    let (store, _) = EmbeddedStore::open(options.clone(), world.hooks()).expect("opens");
    let traces_a_second = spans_a_second / TRACE;
    let seconds = HOURS * 3_600;
    let mut peaks: [Peaks; 2] = Default::default();
    for second in (0..seconds).step_by(STEP_SECONDS as usize) {
        world.clock.advance(u64::from(second > 0) * STEP_SECONDS * SECOND);
        let traces = second * traces_a_second..(second + STEP_SECONDS) * traces_a_second;
        let spans = traces.flat_map(|trace| {
            (1..=TRACE as u8).map(move |id| span(trace, id, u8::from(id > 1), "service", "step", second, 5))
        });
        world.append(&store, spans.collect(), vec![]);
        world.bodies.forget_last();
        store.maintain(world.now()).expect("keeps up");
        let stats = store.stats();
        // The second half must not need more than the first.
        let peak = &mut peaks[usize::from(second >= seconds / 2)];
        peak.segments = peak.segments.max(stats.segments);
        peak.journal_bytes = peak.journal_bytes.max(stats.journal.bytes);
        peak.head_bytes = peak.head_bytes.max(stats.head_bytes);
        peak.segment_bytes = peak.segment_bytes.max(stats.segment_bytes);
        assert_eq!(stats.last_problem, None);
        if second % 1_800 == 1_790 {
            check(&store, second + STEP_SECONDS, traces_a_second);
        }
    }
    let [first, second] = &peaks;
    assert!(second.segments <= first.segments + 1, "{peaks:?}");
    assert!(second.head_bytes <= first.head_bytes * 11 / 10, "{peaks:?}");
    assert!(second.journal_bytes <= 2 * options.journal_file_bytes, "{peaks:?}");
    // A merge makes old spans as old as the newest of its parts: so much longer they may stay.
    let kept_seconds = (KEPT.0 + limits::MERGE_TIME_MAX.0) as u64 / SECOND;
    assert!(second.segment_bytes <= kept_seconds * spans_a_second * SPAN_BYTES, "{peaks:?}");
    store.close().expect("closes");
    let on_disk = std::fs::read_dir(folder.path().join("segments")).expect("listed").count();
    assert!(on_disk <= 3 * (first.segments + 2), "{on_disk} files");
}

/// Everything of the last hour is there once; what is older goes with its segment, which may be as old as a merge reaches.
fn check(store: &EmbeddedStore, seconds: u64, traces_a_second: u64) {
    let kept_seconds = (KEPT.0 as u64 / SECOND).min(seconds);
    let must = kept_seconds * traces_a_second;
    let mut found = 0;
    let mut scan = TraceScan { limit: 10_000, ..TraceScan::default() };
    loop {
        let page = store.scan(&scan).expect("answers").value;
        for trace in &page.traces {
            let age = (START + seconds * SECOND - trace.summary.start.0) / SECOND;
            found += u64::from(age <= kept_seconds);
            assert_eq!(u64::from(trace.summary.span_count), TRACE);
        }
        scan.cursor = page.next;
        if scan.cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, must, "after {seconds} s");
}

#[test]
fn eight_hours_change_nothing_in_size_and_lose_no_span() {
    run(10);
}

/// The full rate; minutes in an optimised build: `cargo test --release -p store --test long_run -- --ignored`.
#[test]
#[ignore = "14 million spans"]
fn eight_hours_at_five_hundred_spans_a_second() {
    run(500);
}
