//! What a status page is told, and that a full disk costs nothing that was kept.

mod common;

use common::{SECOND, START, World, log, span};
use model::{Duration, Instant};
use store::{StoreCounts, StoreError};

#[test]
fn counts_follow_what_is_held() {
    let mut world = World::new();
    world.options.retention.age = Some(Duration::from_secs(3_600));
    let (store, _) = world.open();
    let mut counts = store.counts();
    assert_eq!((counts.spans, counts.traces, counts.oldest, counts.fault.take()), (0, 0, None, None));

    let at = |second: u64| Some(Instant(START + second * SECOND));
    let numbers = |counts: &StoreCounts| (counts.spans, counts.traces, counts.oldest, counts.newest);
    world.append(&store, vec![span(1, 1, 0, "a", "x", 7, 1), span(2, 1, 0, "a", "x", 3, 1)], vec![log(2, 1, "l")]);
    assert_eq!(numbers(&store.counts()), (2, 2, at(3), at(7)));
    store.seal_now().expect("sealed");
    assert_eq!(numbers(&store.counts()), (2, 2, at(3), at(7)));
    // Trace 2 goes on, trace 3 is new.
    world.append(&store, vec![span(2, 2, 1, "a", "y", 9, 1), span(3, 1, 0, "a", "x", 8, 1)], vec![]);
    assert_eq!(numbers(&store.counts()), (4, 3, at(3), at(9)));
    store.seal_now().expect("sealed");
    let counts = store.counts();
    // In a segment only the start of the whole trace is known.
    assert_eq!((counts.spans, counts.traces, counts.oldest), (4, 3, at(3)));
    assert!(counts.bytes > 0);

    world.clock.advance(4_000 * SECOND);
    store.maintain(world.now()).expect("keeps up");
    let counts = store.counts();
    assert_eq!((counts.spans, counts.traces, counts.oldest, counts.newest), (0, 0, None, None));
    assert_eq!(counts.traces_dropped_by_retention, 4, "trace 2 was in two segments");
}

#[test]
fn a_failed_seal_keeps_the_counts_and_is_told() {
    let world = World::new();
    let (store, _) = world.open();
    world.append(&store, vec![span(1, 1, 0, "a", "x", 7, 1)], vec![]);
    world.clock.advance(store::limits::SEAL_AGE.0 as u64);
    world.disk.set_room(Some(10));
    assert!(matches!(store.maintain(world.now()), Err(StoreError::DiskFull { .. })));
    let counts = store.counts();
    assert_eq!((counts.spans, counts.traces, counts.oldest), (1, 1, Some(Instant(START + 7 * SECOND))));
    assert!(counts.fault.is_some_and(|fault| fault.contains("the disk is full")));
    world.disk.set_room(None);
    store.maintain(world.now()).expect("keeps up");
    assert_eq!((store.counts().spans, store.counts().fault), (1, None));
}

#[test]
fn a_setting_is_replaced_as_one_step() {
    let world = World::new();
    let (store, _) = world.open();
    store.put_setting("look", b"old").expect("written");
    world.disk.set_room(Some(0));
    assert!(matches!(store.put_setting("look", b"new"), Err(StoreError::DiskFull { .. })));
    assert_eq!(store.setting("look").expect("read").as_deref(), Some(&b"old"[..]), "the old one stays");
    drop(store);
    let (store, _) = world.open();
    assert_eq!(store.settings().expect("listed"), ["look"], "nothing unfinished is listed");
}
