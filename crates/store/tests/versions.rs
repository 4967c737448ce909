//! Folders of every version there was are read as they were written: each fixture holds the same trace and log record,
//! sent to the program of that time.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{World, span};
use model::{
    Attributes, Event, Instant, Link, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};
use stdx::ManualClock;
use store::{EmbeddedStore, Options, SpanStore, limits};

/// A moment of the day on which the fixtures were written: segments sealed near each other are merged.
const WRITTEN: u64 = 1_795_530_000_000_000_000;

fn trace_id() -> TraceId {
    TraceId([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
}

fn id(last: u8) -> SpanId {
    SpanId([0, 0, 0, 0, 0, 0, 0, last])
}

fn resource(schema_url: &str) -> Arc<Resource> {
    let attributes = [("service.name", Value::from("old")), ("host.id", Value::Int(9))].into_iter().collect();
    Arc::new(Resource { attributes, schema_url: schema_url.into(), ..Resource::default() })
}

fn spans() -> Vec<Span> {
    let scope = Arc::new(Scope {
        name: "lib".into(),
        version: "1.0".into(),
        attributes: [("s", "t")].into_iter().collect(),
        ..Scope::default()
    });
    let made = |number: u8, name: &str, start: u64, end: u64| Span {
        start: Instant(1_700_000_000_000_000_000 + start),
        end: Instant(1_700_000_000_000_000_000 + end),
        resource: resource("http://schema/1"),
        scope: Arc::clone(&scope),
        ..Span::new(trace_id(), id(number), name)
    };
    let mut root = made(1, "root", 0, 5_000_000);
    root.kind = SpanKind::SERVER;
    (root.flags, root.trace_state) = (257, "a=b".into());
    root.attributes = [
        ("text", Value::from("one")),
        ("int", Value::Int(-7)),
        ("double", Value::Double(0.5)),
        ("bool", Value::Bool(true)),
        ("bytes", Value::Bytes([1, 2, 3].into())),
        ("list", Value::Array(vec!["x".into(), Value::Int(1)])),
    ]
    .into_iter()
    .collect();
    root.status = Status { code: StatusCode::ERROR, message: "broken".into() };
    root.events = vec![Event {
        time: Instant(1_700_000_000_001_000_000),
        name: "exception".into(),
        attributes: [("exception.type", "E")].into_iter().collect(),
        dropped_attributes_count: 1,
    }];
    root.links = vec![Link {
        trace_id: TraceId([0xff; 16]),
        span_id: SpanId([0xee; 8]),
        trace_state: "c=d".into(),
        attributes: [("why", "because")].into_iter().collect(),
        dropped_attributes_count: 0,
        flags: 1,
    }];
    (root.dropped_attributes_count, root.dropped_events_count, root.dropped_links_count) = (2, 3, 4);
    let mut child = made(2, "child", 1_000_000, 2_000_000);
    (child.kind, child.parent_span_id) = (SpanKind::CLIENT, Some(id(1)));
    child.attributes = [("int", Value::Int(3)), ("text", "two".into()), ("text", "again".into())].into_iter().collect();
    let mut orphan = made(3, "orphan", 1_500_000, 1_000_000);
    (orphan.kind, orphan.parent_span_id) = (SpanKind::INTERNAL, Some(id(0xaa)));
    vec![root, child, orphan]
}

fn log() -> LogRecord {
    LogRecord {
        time: Instant(1_700_000_000_001_200_000),
        severity_number: 9,
        severity_text: "INFO".into(),
        body: "it happened".into(),
        attributes: Attributes::from_iter([("k", "v")]),
        trace_id: Some(trace_id()),
        span_id: Some(id(2)),
        resource: resource(""),
        scope: Arc::new(Scope { name: "lib".into(), ..Scope::default() }),
        ..LogRecord::default()
    }
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("read");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copied(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

/// Also after what was read was written again, by the program of today.
#[test]
fn folders_of_every_version_are_read_as_they_were_written() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for version in ["v1", "v2", "v3"] {
        let folder = tempfile::tempdir().expect("a folder");
        copied(&fixtures.join(version), folder.path());
        let world = World { clock: Arc::new(ManualClock::at(WRITTEN)), ..World::new() };
        let (store, report) = EmbeddedStore::open(Options::new(folder.path()), world.hooks()).expect("opens");
        assert!(report.is_clean(), "{version}: {report:?}");
        let check = || {
            let trace = store.trace(trace_id()).expect("answers").value.expect("held");
            assert_eq!(trace.spans(), spans(), "{version}");
            assert_eq!(trace.logs(), [log()], "{version}");
        };
        check();
        assert_eq!(store.verify().problems, vec![], "{version}");
        for number in 0..limits::MERGE_COUNT as u64 {
            world.append(&store, vec![span(number, 1, 0, "a", "x", 0, 1)], vec![]);
            store.seal_now().expect("sealed");
        }
        assert_eq!(store.maintain(world.now()).expect("keeps up").merges, 1, "{version}");
        assert_eq!(store.stats().segments, 1, "{version}");
        check();
    }
}

/// Run it by name when the version changes, with the folder in `FIXTURE`.
#[test]
#[ignore = "writes a fixture"]
fn a_folder_of_today_is_written() {
    let folder = std::env::var_os("FIXTURE").expect("a folder");
    let world = World { clock: Arc::new(ManualClock::at(WRITTEN)), ..World::new() };
    let (store, _) = EmbeddedStore::open(Options::new(&folder), world.hooks()).expect("opens");
    world.append(&store, spans(), vec![log()]);
    store.seal_now().expect("sealed");
    store.close().expect("closes");
}
