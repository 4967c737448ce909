//! The data folder on a real disk: who owns it, who may not, and what `kill -9` leaves.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{span, trace_id};
use model::{Batch, Span, TraceSummary};
use stdx::{Random, SeededRandom, SystemClock};
use store::{EmbeddedStore, Hooks, JournalRecord, Options, SpanStore, StoreError, TraceScan, lock_holder};

/// Bodies are numbers: each stands for the same spans in every process.
fn batch_of(number: u64) -> Batch {
    let spans: Vec<Span> =
        (1..=3).map(|id| span(number / 2, id + 3 * (number % 2) as u8, 0, "a", "x", number, 5)).collect();
    Batch { spans, logs: vec![] }
}

fn record_of(number: u64) -> JournalRecord {
    JournalRecord { signal: 0, format: 0, encoding: 0, body: Bytes::from(number.to_string()) }
}

fn hooks() -> Hooks {
    let decode = |record: &JournalRecord| {
        let text = std::str::from_utf8(&record.body).map_err(|error| error.to_string())?;
        text.parse().map(|number| (&batch_of(number)).into()).map_err(|_| format!("not a number: {text}"))
    };
    Hooks {
        decode: Arc::new(decode),
        summarise: Arc::new(|gist: &model::Gist<'_>| TraceSummary::of(gist)),
        clock: Arc::new(SystemClock::new()),
    }
}

/// Seals often, so that kills hit every step.
fn options(folder: &Path) -> Options {
    Options {
        seal_bytes: 30_000,
        journal_file_bytes: 256 << 10,
        address: "127.0.0.1:1".to_owned(),
        ..Options::new(folder)
    }
}

/// Run by `kill_nine_at_any_moment_loses_nothing_acknowledged` as a process of its own: appends for ever, saying each
/// number once it is acknowledged.
#[test]
#[ignore = "a part of another test"]
fn child_that_appends_until_it_is_killed() {
    let Ok(folder) = std::env::var("STORE_TEST_FOLDER") else { return };
    let mut number: u64 = std::env::var("STORE_TEST_FROM").expect("set").parse().expect("a number");
    let (store, report) = EmbeddedStore::open(options(Path::new(&folder)), hooks()).expect("opens");
    assert_eq!(report.records_undecodable + report.journal.records_lost, 0, "{report:?}");
    let store = Arc::new(store);
    let _upkeep = store.start_upkeep().expect("starts");
    loop {
        store.append(batch_of(number), record_of(number)).expect("taken").wait().expect("on disk");
        // Written at once: the parent must not know less than was acknowledged.
        std::io::Write::write_all(&mut std::io::stderr(), format!("acknowledged {number}\n").as_bytes()).expect("told");
        number += 1;
    }
}

fn start_child(folder: &Path, from: u64) -> Child {
    Command::new(std::env::current_exe().expect("known"))
        .args(["child_that_appends_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env("STORE_TEST_FOLDER", folder)
        .env("STORE_TEST_FROM", from.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts")
}

#[test]
fn kill_nine_at_any_moment_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let random = SeededRandom::new(u64::from(std::process::id()));
    let mut acknowledged = 0;
    for _kill in 0..15 {
        let from = acknowledged;
        let mut child = start_child(folder.path(), from);
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        // Killed a random while after its first word, which is when it really runs.
        let mut told = lines.next().expect("it says something").expect("readable");
        std::thread::sleep(Duration::from_millis(random.below(300)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        loop {
            let number = told.strip_prefix("acknowledged ").unwrap_or_else(|| panic!("the child failed: {told}"));
            acknowledged = number.parse::<u64>().expect("a number") + 1;
            match lines.next() {
                Some(Ok(line)) => told = line,
                _ => break,
            }
        }
        assert!(acknowledged > from);
        check(folder.path(), acknowledged);
    }
}

/// Everything acknowledged is there once; at most the one batch in flight is there too.
fn check(folder: &Path, acknowledged: u64) {
    let (store, report) = EmbeddedStore::open(options(folder), hooks()).expect("opens");
    assert!(report.is_clean(), "{report:?}");
    for number in 0..acknowledged {
        let trace = store.trace(trace_id(number / 2)).expect("answers").value.expect("held");
        for span in batch_of(number).spans {
            assert_eq!(trace.spans().iter().filter(|held| **held == span).count(), 1, "batch {number}");
        }
    }
    let mut spans = 0;
    let mut scan = TraceScan { limit: 1_000, ..TraceScan::default() };
    loop {
        let page = store.scan(&scan).expect("answers").value;
        spans += page.traces.iter().map(|trace| u64::from(trace.summary.span_count)).sum::<u64>();
        scan.cursor = page.next;
        if scan.cursor.is_none() {
            break;
        }
    }
    let extra = spans - 3 * acknowledged;
    assert!(extra == 0 || extra == 3, "{spans} spans for {acknowledged} batches");
    assert_eq!(store.verify().problems, []);
}

#[test]
fn one_process_owns_a_folder_and_the_second_says_who() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(lock_holder(folder.path()).expect("readable"), None);
    let (store, _) = EmbeddedStore::open(options(folder.path()), hooks()).expect("opens");
    store.set_address("127.0.0.1:4319").expect("said");
    let refused = EmbeddedStore::open(options(folder.path()), hooks()).map(drop);
    let Err(StoreError::Locked { holder, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!((holder.pid, &*holder.address), (Some(std::process::id()), "127.0.0.1:4319"));
    assert_eq!(lock_holder(folder.path()).expect("readable").as_ref(), Some(holder));
    let text = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("in use by process") && text.contains("127.0.0.1:4319"), "{text}");
    drop(store);
    assert_eq!(lock_holder(folder.path()).expect("readable"), None);
    EmbeddedStore::open(options(folder.path()), hooks()).map(drop).expect("free again");
}

#[test]
fn a_folder_of_a_newer_version_is_refused_and_untouched() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut catalog = b"HWCATLOG".to_vec();
    catalog.extend_from_slice(&7_u32.to_le_bytes());
    catalog.extend_from_slice(b"whatever version seven writes");
    let crc = crc32c::crc32c(&catalog);
    catalog.extend_from_slice(&crc.to_le_bytes());
    std::fs::write(folder.path().join("catalog"), &catalog).expect("written");
    let refused = EmbeddedStore::open(options(folder.path()), hooks()).map(drop);
    assert!(matches!(refused, Err(StoreError::NewerVersion { found: 7, .. })), "{refused:?}");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("listed").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(names, ["catalog"]);
    assert_eq!(std::fs::read(folder.path().join("catalog")).expect("read"), catalog);
}

#[test]
fn a_folder_that_cannot_be_made_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a-file");
    std::fs::write(&file, b"").expect("written");
    let refused = EmbeddedStore::open(options(&file.join("data")), hooks()).map(drop);
    let text = refused.expect_err("a file is no folder").to_string();
    assert!(text.contains("a-file"), "{text}");
}

#[test]
fn runs_and_settings_outlive_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = EmbeddedStore::open(options(folder.path()), hooks()).expect("opens");
    store.put_run("run-1", b"one").expect("written");
    store.put_run("run-1", b"two").expect("replaced");
    store.put_setting("colours", b"red").expect("written");
    drop(store);
    let (store, _) = EmbeddedStore::open(options(folder.path()), hooks()).expect("opens");
    assert_eq!(store.runs().expect("listed"), ["run-1"]);
    assert_eq!(store.run("run-1").expect("read").as_deref(), Some(&b"two"[..]));
    assert_eq!(store.setting("colours").expect("read").as_deref(), Some(&b"red"[..]));
    assert!(store.remove_run("run-1").expect("removed"));
    assert_eq!(store.run("run-1").expect("read"), None);
}

#[test]
fn starting_is_quick() {
    let folder = tempfile::tempdir().expect("a folder");
    for _again in 0..2 {
        let before = std::time::Instant::now();
        let (store, _) = EmbeddedStore::open(Options::new(folder.path()), hooks()).expect("opens");
        // The bar is 0.1 s for a release build on a quiet machine; this one is neither.
        assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
        store.append(batch_of(1), record_of(1)).expect("taken").wait().expect("on disk");
    }
}
