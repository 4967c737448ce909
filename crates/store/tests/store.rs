//! What the store promises: everything comes back, at once and after sealing, merging and reopening.

mod common;

use std::sync::Arc;

use common::{SECOND, START, World, failed, log, span, trace_id, with};
use model::{Duration, Instant, Span, StatusCode, Trace, Value};
use store::{
    AttributeScope, Cursor, EmbeddedStore, KeepLonger, Predicate, Retention, ScanBudget, Shortfall, SpanStore,
    StoreError, TimeRange, TraceOrder, TraceScan, Upkept, limits,
};

/// The numbers of the traces that match, in order; every page of two.
fn found(store: &EmbeddedStore, scan: &TraceScan) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut scan = TraceScan { limit: scan.limit.max(2), ..scan.clone() };
    loop {
        let page = store.scan(&scan).expect("answers");
        assert!(page.completeness.is_complete(), "{:?}", page.completeness);
        for trace in &page.value.traces {
            let id = trace.summary.trace_id.0;
            numbers.push(u64::from_be_bytes(id[..8].try_into().expect("eight")));
        }
        match page.value.next {
            Some(next) => scan.cursor = Some(next.to_string().parse::<Cursor>().expect("reads back")),
            None => return numbers,
        }
    }
}

fn by(predicate: Predicate) -> TraceScan {
    TraceScan { predicates: vec![predicate], ..TraceScan::default() }
}

/// Five traces: 1 and 2 in one segment, 3 split over that segment, another and the head, 4 in the second, 5 in the head.
fn five_traces(world: &World) -> EmbeddedStore {
    let (store, _) = world.open();
    world.append(
        &store,
        vec![
            with(span(1, 1, 0, "gateway", "GET /ask", 10, 500), "http.route", "/ask"),
            with(span(1, 2, 1, "search", "query", 10, 300), "k", 5_i64),
            failed(span(2, 1, 0, "gateway", "GET /login", 20, 50)),
            span(3, 2, 1, "search", "query", 31, 100),
        ],
        vec![log(1, 10, "hello")],
    );
    store.seal_now().expect("sealed");
    world.append(
        &store,
        vec![
            span(3, 3, 1, "rag", "generate", 32, 4_000),
            with(span(4, 1, 0, "batch", "nightly", 40, 60_000), "k", "five"),
        ],
        vec![],
    );
    store.seal_now().expect("sealed");
    world.append(
        &store,
        vec![
            failed(span(3, 1, 0, "gateway", "GET /ask", 30, 9_000)),
            with(span(5, 1, 0, "gateway", "GET /ask", 50, 1), "k", 5_i64),
        ],
        vec![log(3, 30, "late")],
    );
    store
}

fn check_five(store: &EmbeddedStore) {
    let all = TraceScan::default();
    assert_eq!(found(store, &all), [5, 4, 3, 2, 1]);
    let order = |order| found(store, &TraceScan { order, ..TraceScan::default() });
    assert_eq!(order(TraceOrder::Oldest), [1, 2, 3, 4, 5]);
    assert_eq!(order(TraceOrder::Longest), [4, 3, 1, 2, 5]);
    assert_eq!(order(TraceOrder::Shortest), [5, 2, 1, 3, 4]);
    assert_eq!(order(TraceOrder::MostErrors), [3, 2, 5, 4, 1]);
    assert_eq!(order(TraceOrder::MostSpans), [3, 1, 5, 4, 2]);
    let time = TimeRange { from: Instant(START + 20 * SECOND), to: Instant(START + 40 * SECOND) };
    assert_eq!(found(store, &TraceScan { time, ..TraceScan::default() }), [3, 2]);

    assert_eq!(found(store, &by(Predicate::Service("search".into()))), [3, 1]);
    assert_eq!(found(store, &by(Predicate::RootService("gateway".into()))), [5, 3, 2, 1]);
    assert_eq!(found(store, &by(Predicate::RootName("GET /ask".into()))), [5, 3, 1]);
    assert_eq!(found(store, &by(Predicate::SpanName("query".into()))), [3, 1]);
    assert_eq!(found(store, &by(Predicate::SpanStatus(StatusCode::ERROR))), [3, 2]);
    assert_eq!(found(store, &by(Predicate::HasError(true))), [3, 2]);
    assert_eq!(found(store, &by(Predicate::HasError(false))), [5, 4, 1]);
    let between = |min, max| (Duration::from_millis(min), Duration::from_millis(max));
    let (min, max) = between(4_000, 10_000);
    assert_eq!(found(store, &by(Predicate::SpanDuration { min, max })), [3]);
    assert_eq!(found(store, &by(Predicate::TraceDuration { min, max })), [3]);
    let attribute =
        |scope, key: &str, value: Value| found(store, &by(Predicate::Attribute { scope, key: key.into(), value }));
    assert_eq!(attribute(Some(AttributeScope::Span), "k", 5_i64.into()), [5, 1]);
    assert_eq!(attribute(None, "k", "five".into()), [4]);
    assert_eq!(attribute(Some(AttributeScope::Resource), "service.name", "rag".into()), [3]);
    assert_eq!(attribute(Some(AttributeScope::Span), "service.name", "rag".into()), [0_u64; 0]);
    assert_eq!(found(store, &by(Predicate::HasAttribute { scope: None, key: "k".into() })), [5, 4, 1]);

    let residual: store::Residual = Arc::new(|trace| {
        let logged = trace.logs().len() as u32;
        (logged > 0).then_some(logged)
    });
    assert_eq!(found(store, &TraceScan { residual: Some(residual), ..TraceScan::default() }), [3, 1]);

    let whole = store.trace(trace_id(3)).expect("answers").value.expect("held");
    assert_eq!((whole.spans().len(), whole.logs().len()), (3, 1));
    let summaries = store.summaries(&[trace_id(3), trace_id(99), trace_id(1)]).expect("answers").value;
    let numbers: Vec<_> = summaries.iter().map(|s| (s.span_count, s.error_count, s.log_count, &*s.root_name)).collect();
    assert_eq!(numbers, [(3, 1, 1, "GET /ask"), (2, 0, 1, "GET /ask")]);
    assert_eq!(store.trace(trace_id(99)).expect("answers").value, None);

    let values = store.values(AttributeScope::Span, "k", TimeRange::default(), 10).expect("answers");
    let counts: Vec<_> = values.value.iter().map(|known| (known.value.clone(), known.count)).collect();
    assert_eq!(counts, [(5_i64.into(), 2), ("five".into(), 1)]);
    let keys = store.keys(TimeRange::default()).expect("answers").value;
    let service = keys.iter().find(|known| &*known.key == "service.name").expect("known");
    assert_eq!((service.scope, service.count), (AttributeScope::Resource, 8));

    let aggregates = store.aggregates(TimeRange::default()).expect("answers").value;
    assert_eq!(aggregates.iter().map(|aggregate| aggregate.count).sum::<u64>(), 8);
    let asks: u64 =
        aggregates.iter().filter(|group| &*group.name == "GET /ask").map(|group| group.durations.count()).sum();
    assert_eq!(asks, 3);
}

#[test]
fn every_read_is_right_over_head_and_segments() {
    let world = World::new();
    let store = five_traces(&world);
    check_five(&store);
    store.seal_now().expect("sealed");
    check_five(&store);
    drop(store);
    let (store, report) = world.open();
    assert!(report.is_clean(), "{report:?}");
    check_five(&store);
}

#[test]
fn what_was_not_sealed_is_replayed_and_nothing_shows_twice() {
    let world = World::new();
    drop(five_traces(&world));
    let (store, report) = world.open();
    assert_eq!((report.records_replayed, report.spans_replayed), (1, 2));
    check_five(&store);
    store.close().expect("closes");
    drop(store);
    let (store, report) = world.open();
    assert_eq!(report.records_replayed, 0);
    check_five(&store);
}

#[test]
fn merging_changes_no_answer_and_makes_traces_whole() {
    let world = World::new();
    let store = five_traces(&world);
    store.seal_now().expect("sealed");
    for number in 0..limits::MERGE_COUNT as u64 {
        world.append(&store, vec![span(100 + number, 1, 0, "x", "x", 0, 0)], vec![]);
        store.seal_now().expect("sealed");
    }
    let before = store.stats();
    let upkept = store.maintain(world.now()).expect("keeps up");
    assert_eq!((upkept.merges, store.stats().segments), (1, 1), "from {}", before.segments);
    let mut ids = found(&store, &TraceScan::default());
    ids.retain(|&id| id < 100);
    assert_eq!(ids, [5, 4, 3, 2, 1]);
    for number in 0..limits::MERGE_COUNT as u64 {
        assert_eq!(store.delete_trace(trace_id(100 + number)).expect("deleted"), 1);
    }
    check_five(&store);
    assert_eq!(world.disk.names().iter().filter(|path| path.starts_with("/data/segments")).count(), 3);
}

#[test]
fn a_deleted_trace_stays_away() {
    let world = World::new();
    let store = five_traces(&world);
    assert_eq!(store.delete_trace(trace_id(3)).expect("deleted"), 3);
    assert_eq!(store.trace(trace_id(3)).expect("answers").value, None);
    assert_eq!(found(&store, &TraceScan::default()), [5, 4, 2, 1]);
    drop(store);
    let (store, _) = world.open();
    assert_eq!(found(&store, &TraceScan::default()), [5, 4, 2, 1]);
    assert_eq!(store.delete_trace(trace_id(3)).expect("absent"), 0);
}

#[test]
fn exact_duplicates_are_kept_once_and_spans_that_differ_all() {
    let world = World::new();
    let (store, _) = world.open();
    let one = span(1, 1, 0, "a", "x", 1, 1);
    let mut other = one.clone();
    other.end = Instant(other.end.0 + 1);
    let count = || store.trace(trace_id(1)).expect("answers").value.expect("held").spans().len();
    world.append(&store, vec![one.clone(), one.clone()], vec![log(1, 1, "l"), log(1, 1, "l")]);
    assert_eq!(count(), 1);
    store.seal_now().expect("sealed");
    world.append(&store, vec![one.clone(), other], vec![log(1, 1, "l")]);
    assert_eq!(count(), 2);
    store.seal_now().expect("sealed");
    let trace = store.trace(trace_id(1)).expect("answers").value.expect("held");
    assert_eq!((trace.spans().len(), trace.logs().len()), (2, 1));
    let summary = &store.summaries(&[trace_id(1)]).expect("answers").value[0];
    assert_eq!(summary.span_count, 2);
    assert_eq!(store.stats().duplicates, 2);
}

#[test]
fn upkeep_seals_by_age_and_retention_drops_the_oldest() {
    let mut world = World::new();
    world.options.retention.age = Some(Duration::from_secs(3_600));
    let (store, _) = world.open();
    world.append(&store, vec![span(1, 1, 0, "a", "x", 1, 1)], vec![]);
    assert_eq!(store.maintain(world.now()).expect("keeps up").spans_sealed, 0);
    world.clock.advance(limits::SEAL_AGE.0 as u64);
    assert_eq!(store.maintain(world.now()).expect("keeps up").spans_sealed, 1);
    world.clock.advance(3_000 * SECOND);
    world.append(&store, vec![span(2, 1, 0, "a", "x", 1, 1)], vec![]);
    store.seal_now().expect("sealed");
    world.clock.advance(700 * SECOND);
    let upkept = store.maintain(world.now()).expect("keeps up");
    assert_eq!((upkept.segments_dropped, upkept.spans_dropped), (1, 1));
    assert_eq!(found(&store, &TraceScan::default()), [2]);
}

#[test]
fn retention_by_bytes_keeps_the_newest() {
    let mut world = World::new();
    world.options.retention.bytes = Some(30_000);
    let (store, _) = world.open();
    for number in 1..=6 {
        world.append(&store, vec![span(number, 1, 0, "a", "x", number, 1)], vec![]);
        store.seal_now().expect("sealed");
        world.clock.advance(SECOND);
    }
    store.maintain(world.now()).expect("keeps up");
    let stats = store.stats();
    assert!(stats.segment_bytes <= 30_000 && stats.segments >= 1, "{stats:?}");
    assert_eq!(found(&store, &TraceScan::default())[0], 6);
}

/// Where hardly two spans share a minute, minutes are counted from the rows.
#[test]
fn minutes_are_counted_also_where_no_table_is_kept_of_them() {
    let world = World::new();
    let (store, _) = world.open();
    let count = limits::FEW_SPANS + 10;
    let spans = (0..count).map(|number| span(number, 1, 0, "a", "x", 60 * (number / 2), 1 + number % 2));
    // Every fourth one has a name of its own, so that there are more groups than half of the spans.
    let named = |mut span: Span| {
        if span.start.0 / SECOND % 240 == START / SECOND % 240 {
            span.name = format!("x{}", span.end.0 - span.start.0).into();
        }
        span
    };
    world.append(&store, spans.map(named).collect(), vec![]);
    let asked = || store.aggregates(TimeRange::default()).expect("answers").value;
    let in_memory = asked();
    assert_eq!(in_memory.iter().map(|aggregate| aggregate.count).sum::<u64>(), count);
    store.seal_now().expect("sealed");
    assert_eq!(asked(), in_memory);
    assert_eq!(store.verify().problems, vec![]);
}

#[test]
fn a_policy_keeps_some_traces_longer() {
    let mut world = World::new();
    world.options.retention = Retention { age: Some(Duration::from_secs(3_600)), bytes: None };
    let is_kept = |trace: &Trace| trace.spans().iter().any(Span::is_error).then_some(1);
    world.options.keep_longer = Some(KeepLonger { age: Duration::from_secs(7_200), is_kept: Arc::new(is_kept) });
    let (store, _) = world.open();
    world.append(&store, vec![span(1, 1, 0, "a", "x", 1, 1), span(2, 1, 0, "a", "x", 1, 1)], vec![]);
    store.seal_now().expect("sealed");
    // The failure of trace 2 comes in another segment: it is judged as a whole.
    world.append(&store, vec![failed(span(2, 2, 1, "a", "x", 1, 1)), failed(span(3, 1, 0, "a", "x", 1, 1))], vec![]);
    store.seal_now().expect("sealed");
    world.clock.advance(3_601 * SECOND);
    let upkept = store.maintain(world.now()).expect("keeps up");
    assert_eq!((upkept.segments_thinned, upkept.spans_dropped), (1, 1), "{upkept:?}");
    // Both begin at the same moment: the smaller id stands first.
    assert_eq!(found(&store, &TraceScan::default()), [2, 3]);
    assert_eq!(store.trace(trace_id(2)).expect("answers").value.expect("kept").spans().len(), 2);
    // Once is enough.
    assert_eq!(store.maintain(world.now()).expect("keeps up"), Upkept::default());
    world.clock.advance(3_600 * SECOND);
    assert_eq!(store.maintain(world.now()).expect("keeps up").segments_dropped, 2);
    assert_eq!(found(&store, &TraceScan::default()), Vec::<u64>::new());
}

#[test]
fn a_full_head_asks_to_come_again_and_passes() {
    let mut world = World::new();
    world.options.head_bytes_max = 20_000;
    let (store, _) = world.open();
    let mut taken = 0;
    let error = loop {
        let batch = model::Batch { spans: vec![span(taken, 1, 0, "a", "x", 1, 1)], logs: vec![] };
        let record = world.bodies.put(batch.clone());
        match store.append(batch, record) {
            Ok(receipt) => receipt.wait().expect("on disk"),
            Err(error) => break error,
        }
        taken += 1;
    };
    assert!(error.is_overload() && taken > 10, "{error:?} after {taken}");
    store.seal_now().expect("sealed");
    world.append(&store, vec![span(taken, 1, 0, "a", "x", 1, 1)], vec![]);
    assert_eq!(store.stats().overloads, 1);
}

#[test]
fn a_failed_seal_loses_nothing_and_is_tried_again() {
    let world = World::new();
    let store = five_traces(&world);
    world.disk.set_room(Some(100));
    assert!(matches!(store.seal_now(), Err(StoreError::DiskFull { .. })));
    check_five(&store);
    let batch = model::Batch { spans: vec![span(9, 1, 0, "a", "x", 1, 1)], logs: vec![] };
    let refused = store.append(batch.clone(), world.bodies.put(batch)).expect("queued").wait();
    assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
    world.disk.set_room(None);
    world.disk.fail_sync_after(0);
    assert!(matches!(store.seal_now(), Err(StoreError::Disk { .. })));
    store.seal_now().expect("sealed");
    store.delete_trace(trace_id(9)).expect("deleted");
    check_five(&store);
}

#[test]
fn damage_is_told_and_the_rest_stays_readable() {
    let world = World::new();
    let store = five_traces(&world);
    assert_eq!(store.verify().problems, []);
    store.close().expect("closes");
    drop(store);
    let spans = |number: u64| std::path::PathBuf::from(format!("/data/segments/{number:012}.spans.parquet"));
    world.disk.flip_bit(&spans(1), 40, 3);
    world.disk.flip_bit(&std::path::PathBuf::from("/data/segments/000000000002.directory"), 20, 1);
    let (store, report) = world.open();
    assert_eq!(report.damaged_segments.len(), 1, "{report:?}");
    let verified = store.verify();
    assert_eq!((verified.problems.len(), verified.segments_intact), (2, 1), "{verified:?}");
    let five = store.trace(trace_id(5)).expect("answers");
    assert_eq!(five.value.expect("held").spans().len(), 1);
    assert!(!five.completeness.is_complete(), "what is missing is not known");
    let one = store.trace(trace_id(1)).expect("answers");
    assert_eq!(one.value, None);
    assert_eq!(one.completeness.shortfalls.len(), 2, "{:?}", one.completeness);
    assert!(matches!(one.completeness.shortfalls[0], Shortfall::DamagedSegment { .. }));
}

#[test]
fn a_repair_saves_what_can_be_read_and_says_what_cannot() {
    let path = |name: &str| std::path::PathBuf::from(format!("/data/segments/000000000001.{name}"));
    let traces = 300;
    // What is flipped, and how many traces are lost by it.
    for (file, offset, lost) in [
        // One page of a column of every trace.
        (path("spans.parquet"), 40, traces),
        // The header of the directory: everything is read anew from the rows.
        (path("directory"), 20, 0),
        // A section of it.
        (path("directory"), 600, 0),
    ] {
        let world = World::new();
        let (store, _) = world.open();
        for number in 0..traces {
            world.append(
                &store,
                vec![span(number, 1, 0, "a", "x", number, 1), span(number, 2, 1, "b", "y", number, 1)],
                vec![log(number, 1, "l")],
            );
        }
        store.seal_now().expect("sealed");
        world.append(&store, vec![span(1_000, 1, 0, "a", "x", 1, 1)], vec![]);
        store.close().expect("closes");
        drop(store);
        world.disk.flip_bit(&file, offset, 3);
        let (store, _) = world.open();
        assert!(!store.verify().problems.is_empty(), "{file:?}");
        let repaired = store.repair().expect("repaired");
        assert_eq!(repaired.len(), 1, "{repaired:?}");
        assert_eq!((repaired[0].traces_kept, repaired[0].traces_lost), (traces - lost, lost), "{repaired:?}");
        assert_eq!(repaired[0].spans_lost, 2 * lost, "{repaired:?}");
        assert!(world.disk.contents(&std::path::PathBuf::from("/data/damaged/000000000001.spans.parquet")).is_some());
        assert_eq!(store.verify().problems, vec![], "{file:?}");
        for number in 0..traces {
            let answer = store.trace(trace_id(number)).expect("answers");
            assert!(answer.completeness.is_complete());
            let spans = answer.value.map_or(0, |trace| trace.spans().len());
            assert_eq!(spans as u64, if lost > 0 { 0 } else { 2 }, "{file:?}: {number}");
        }
        assert_eq!(store.trace(trace_id(1_000)).expect("answers").value.expect("held").spans().len(), 1);
        assert_eq!(store.repair().expect("nothing to do"), vec![]);
        drop(store);
        assert!(world.open().1.is_clean());
    }
}

#[test]
fn a_lost_catalog_is_made_anew() {
    let world = World::new();
    let store = five_traces(&world);
    store.seal_now().expect("sealed");
    drop(store);
    world.disk.flip_bit(std::path::Path::new("/data/catalog"), 20, 0);
    let (store, report) = world.open();
    assert!(report.catalog_rebuilt.is_some());
    check_five(&store);
    drop(store);
    let (store, report) = world.open();
    assert!(report.is_clean(), "{report:?}");
    check_five(&store);
}

#[test]
fn budgets_end_in_a_partial_answer_that_says_so() {
    let world = World::new();
    let store = five_traces(&world);
    store.seal_now().expect("sealed");
    let residual: store::Residual = Arc::new(|_| None);
    let scan = |budget| TraceScan { residual: Some(Arc::clone(&residual)), budget, ..TraceScan::default() };
    let reason = |budget| store.scan(&scan(budget)).expect("answers").completeness.shortfalls;
    assert_eq!(reason(ScanBudget::default()), []);
    let traces = ScanBudget { traces: Some(1), ..ScanBudget::default() };
    assert_eq!(reason(traces), [Shortfall::TracesLimit(1)]);
    let cancelled = ScanBudget { cancelled: Some(Arc::new(true.into())), ..ScanBudget::default() };
    assert_eq!(reason(cancelled), [Shortfall::Cancelled]);
    let time = ScanBudget { time: Some(Duration::ZERO), ..ScanBudget::default() };
    assert_eq!(reason(time), [Shortfall::TimeLimit(Duration::ZERO)]);
    let bytes = ScanBudget { bytes: Some(1), ..ScanBudget::default() };
    assert_eq!(reason(bytes), [Shortfall::BytesLimit(1)]);
}

/// In segments and in the head; the other traces are found.
#[test]
fn a_trace_that_takes_too_much_memory_is_passed_over_and_that_is_said() {
    let world = World::new();
    let (store, _) = world.open();
    let large: Vec<_> = (1..=200).map(|id| span(1, id, u8::from(id > 1), "a", "x", 10, 1)).collect();
    world.append(&store, large, vec![]);
    world.append(&store, vec![span(2, 1, 0, "a", "x", 20, 1)], vec![]);
    let residual: store::Residual = Arc::new(|trace| Some(trace.spans().len() as u32));
    for _ in ["in the head", "in a segment"] {
        let budget = ScanBudget { memory: Some(100 * limits::SPAN_MEMORY), ..ScanBudget::default() };
        let scan = TraceScan { residual: Some(Arc::clone(&residual)), budget, ..TraceScan::default() };
        let answer = store.scan(&scan).expect("answers");
        let ids: Vec<_> = answer.value.traces.iter().map(|found| found.summary.trace_id).collect();
        assert_eq!(ids, [trace_id(2)]);
        assert_eq!(answer.completeness.shortfalls, [Shortfall::MemoryLimit(100 * limits::SPAN_MEMORY)]);
        store.seal_now().expect("sealed");
    }
}

#[test]
fn arrivals_are_told_and_remembered() {
    let world = World::new();
    let (store, _) = world.open();
    let mut arrivals = store.subscribe();
    assert_eq!(store.last_arrival(trace_id(1)), None);
    world.append(&store, vec![span(1, 1, 0, "a", "x", 1, 1), span(1, 2, 1, "a", "y", 1, 1)], vec![log(1, 1, "l")]);
    let arrival = arrivals.try_recv().expect("told");
    assert_eq!((arrival.trace_id, arrival.spans, arrival.logs, arrival.at), (trace_id(1), 2, 1, world.now()));
    assert_eq!(store.last_arrival(trace_id(1)), Some(world.now()));
}

#[test]
fn hostile_keys_stay_searchable_within_the_cap() {
    let world = World::new();
    let (store, _) = world.open();
    let spans = (0..60_u64).map(|trace| {
        let start = span(trace, 1, 0, "a", "x", trace, 1);
        (0..100).fold(start, |span, number| with(span, &format!("key.{trace}.{number}"), number as i64))
    });
    world.append(&store, spans.collect(), vec![]);
    store.seal_now().expect("sealed");
    for (trace, number) in [(0, 0), (59, 99), (30, 50)] {
        let predicate = Predicate::Attribute {
            scope: Some(AttributeScope::Span),
            key: format!("key.{trace}.{number}").into(),
            value: Value::Int(number),
        };
        assert_eq!(found(&store, &by(predicate)), [trace as u64]);
    }
    let trace = store.trace(trace_id(7)).expect("answers").value.expect("held");
    let keys: Vec<_> = trace.spans()[0].attributes.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(keys, (0..100).map(|number| format!("key.7.{number}")).collect::<Vec<_>>(), "in the order sent");
    assert_eq!(store.keys(TimeRange::default()).expect("answers").value.len(), 6_001);
}

#[test]
fn hostile_keys_by_the_hundred_thousand_are_searched_and_what_is_not_listed_is_said() {
    const TRACES: u64 = 2_000;
    let world = World::new();
    let (store, _) = world.open();
    let spans = (0..TRACES).map(|trace| {
        let start = span(trace, 1, 0, "a", "x", trace, 1);
        (0..100).fold(start, |span, number| with(span, &format!("key.{trace}.{number}"), number as i64))
    });
    world.append(&store, spans.collect(), vec![]);
    for _ in ["in the head", "in a segment"] {
        for (trace, number) in [(0, 0), (TRACES - 1, 99), (777, 50)] {
            let predicate = Predicate::Attribute {
                scope: Some(AttributeScope::Span),
                key: format!("key.{trace}.{number}").into(),
                value: Value::Int(number),
            };
            assert_eq!(found(&store, &by(predicate)), [trace]);
        }
        let known = store.keys(TimeRange::default()).expect("answers");
        assert_eq!(known.value.len(), limits::KNOWN_KEYS_MAX);
        assert_eq!(known.completeness.shortfalls, [Shortfall::ValuesLimit(limits::KNOWN_KEYS_MAX as u64)]);
        store.seal_now().expect("sealed");
    }
    let trace = store.trace(trace_id(1_999)).expect("answers").value.expect("held");
    assert_eq!(trace.spans()[0].attributes.len(), 100);
    let bytes = store.stats().segment_bytes;
    // Columns of their own for each key would take some hundred bytes of file for each.
    assert!(bytes < TRACES * 100 * 60, "{bytes} bytes for 200,000 keys");
}

/// Enough traces that a segment is looked at in several windows, in an order of start that is not that of ids.
#[test]
fn pages_follow_the_order_of_start_through_a_large_segment() {
    const TRACES: u64 = 3_000;
    let world = World::new();
    let (store, _) = world.open();
    let second = |trace: u64| trace * 7_919 % TRACES;
    let spans = (0..TRACES).flat_map(|trace| {
        let root = with(span(trace, 1, 0, "a", "root", second(trace), 100), "tenth", (trace % 10) as i64);
        [root, span(trace, 2, 1, "a", "child", second(trace), 10)]
    });
    world.append(&store, spans.collect(), vec![]);
    store.seal_now().expect("sealed");
    let tenth = |of: i64| {
        by(Predicate::Attribute { scope: Some(AttributeScope::Span), key: "tenth".into(), value: Value::Int(of) })
    };
    let hour = TimeRange { from: Instant(START + 500 * SECOND), to: Instant(START + 2_000 * SECOND) };
    for time in [TimeRange::default(), hour] {
        for order in [TraceOrder::Newest, TraceOrder::Oldest] {
            for (scan, meets) in [(TraceScan::default(), None), (tenth(3), Some(3))] {
                let within = |trace: &u64| time.contains(Instant(START + second(*trace) * SECOND));
                let mut expected: Vec<u64> = (0..TRACES).filter(within).collect();
                expected.retain(|trace| meets.is_none_or(|meets| trace % 10 == meets));
                expected.sort_by_key(|&trace| second(trace));
                if order == TraceOrder::Newest {
                    expected.reverse();
                }
                let scan = TraceScan { time, order, limit: 250, ..scan };
                assert_eq!(found(&store, &scan), expected, "{time:?} {order:?} {meets:?}");
            }
        }
    }
    let page = store.scan(&TraceScan { limit: 5, ..TraceScan::default() }).expect("answers");
    assert!(page.cost.traces < TRACES, "the newest few need no look at all: {:?}", page.cost);
}
