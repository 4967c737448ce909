//! A disk that fills up, fails to sync, tears writes and crashes, at any moment of the store's life: what was acknowledged is
//! there afterwards, once, and when there is room again everything goes on.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{World, span, trace_id};
use model::{Batch, SpanId};
use proptest::prelude::*;
use stdx::{Random, SeededRandom};
use store::{EmbeddedStore, SpanStore, StoreError, TimeRange, TraceScan, limits};

/// What the store said that it has: of each trace the last byte of its spans' ids.
type Promised = BTreeMap<u64, BTreeSet<u8>>;

/// Appends two spans; what was refused may be there or not, and is of traces of its own.
fn append(world: &World, store: &EmbeddedStore, number: u64, promised: &mut Promised) {
    let trace = number / 3;
    let id = (number % 100) as u8 * 2 + 1;
    let spans = vec![span(trace, id, 0, "a", "x", number, 5), span(trace, id + 1, id, "b", "y", number, 1)];
    let batch = Batch { spans, logs: vec![] };
    let outcome = store.append(batch.clone(), world.bodies.put(batch)).and_then(store::Receipt::wait);
    match outcome {
        Ok(()) => promised.entry(trace).or_default().extend([id, id + 1]),
        Err(StoreError::DiskFull { .. } | StoreError::Disk { .. }) => {}
        Err(other) => panic!("not said clearly: {other}"),
    }
}

fn check(store: &EmbeddedStore, promised: &Promised) {
    for (&trace, ids) in promised {
        let answer = store.trace(trace_id(trace)).expect("answers");
        assert!(answer.completeness.is_complete(), "{:?}", answer.completeness);
        let found = answer.value.expect("held");
        let mut seen: BTreeMap<SpanId, u32> = BTreeMap::new();
        found.spans().iter().for_each(|span| *seen.entry(span.span_id).or_default() += 1);
        assert!(seen.values().all(|&times| times == 1), "twice: {seen:?}");
        assert!(ids.iter().all(|&id| seen.contains_key(&SpanId([id; 8]))), "trace {trace}: {ids:?}, found {seen:?}");
    }
    let page = store.scan(&TraceScan { limit: limits::PAGE_MAX, ..TraceScan::default() }).expect("answers");
    assert!(page.completeness.is_complete(), "{:?}", page.completeness);
    let listed: Vec<_> = page.value.traces.iter().map(|found| found.summary.trace_id).collect();
    let once: BTreeSet<_> = listed.iter().collect();
    assert_eq!(once.len(), listed.len(), "a trace is listed twice");
    assert!(promised.keys().all(|&trace| once.contains(&trace_id(trace))));
    assert!(store.keys(TimeRange::default()).expect("answers").completeness.is_complete());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_or_doubled(seed in any::<u64>()) {
        let random = SeededRandom::new(seed);
        let below = |limit: u64| random.next_u64() % limit;
        let mut world = World::new();
        let mut promised = Promised::new();
        let (mut store, _) = world.open();
        for number in 0..120 {
            match below(12) {
                0 => world.disk.set_room(Some(below(6_000) as usize)),
                1 => world.disk.set_room(None),
                2 => world.disk.fail_sync_after(below(6)),
                3 => world.disk.tear_write_after(below(6)),
                // What fails is tried again later; the next reads must be right in any case.
                4 | 5 => drop(store.seal_now()),
                6 => drop(store.maintain(world.now())),
                7 => {
                    drop(store);
                    world.disk = world.disk.crash(&random);
                    store = world.open().0;
                    check(&store, &promised);
                }
                _ => append(&world, &store, number, &mut promised),
            }
        }
        check(&store, &promised);
        // Room returns.
        world.disk = world.disk.crash(&random);
        drop(store);
        let (store, _) = world.open();
        check(&store, &promised);
        append(&world, &store, 1_000, &mut promised);
        prop_assert!(promised.contains_key(&333), "it takes no more");
        store.seal_now().expect("sealed");
        store.maintain(world.now()).expect("maintained");
        check(&store, &promised);
        prop_assert_eq!(store.verify().problems, vec![]);
    }
}
