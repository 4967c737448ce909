//! The client and the API understand each other: every method, over a real socket.

#[path = "../../api/tests/memory_store/mod.rs"]
mod memory_store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Api, Counters, Feed, Guard, Identity, MemorySettings, NoSuites, Parts, Reader, RunBook, Styles, router};
use axum::body::Bytes;
use client::{Client, ClientError, TraceQuery};
use memory_store::MemoryStore;
use model::{Batch, Instant, LogRecord, Span, SpanId, TraceId};
use stdx::ManualClock;
use store::{JournalRecord, SpanStore as _};
use wire::{EvalRun, Forwarding, Receiving, RunSummary, Storing, UnixNanos, VerdictCounts};

#[derive(Debug)]
struct Nothing;

impl Counters for Nothing {
    fn receiving(&self) -> Receiving {
        serde_json::from_value(serde_json::json!({
            "requests": 0, "requestsRejected": 0, "requestsThrottled": 0, "bytes": 0, "spans": 7, "spansRejected": 0,
            "logs": 0, "logsWithoutTrace": 0, "logsRejected": 0, "metricsNotKept": 0, "spansPerSecond": 0.0
        }))
        .expect("valid")
    }

    fn storing(&self) -> Storing {
        serde_json::from_value(serde_json::json!({"spans": 0, "traces": 0, "bytes": 0, "tracesDroppedByRetention": 0}))
            .expect("valid")
    }

    fn forwarding(&self) -> Vec<Forwarding> {
        Vec::new()
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

struct Server {
    address: SocketAddr,
    store: Arc<MemoryStore>,
    feed: Arc<Feed>,
    client: Client,
}

async fn server(token: Option<&str>) -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(ManualClock::at(1_000));
    let feed = Arc::new(Feed::new(clock.clone()));
    let api = Api::new(Parts {
        identity: Identity {
            version: "0.1.0".into(),
            started: Instant(5),
            otlp_grpc: None,
            otlp_http: Some(address.to_string()),
            api: address.to_string(),
            data_folder: None,
            retention_age: None,
            retention_bytes: None,
        },
        reader: Reader::new(store.clone()),
        feed: feed.clone(),
        runs: Arc::new(RunBook::open(Box::new(MemorySettings::default()))),
        styles: Styles::open(Box::new(MemorySettings::default())),
        counters: Arc::new(Nothing),
        starter: Arc::new(NoSuites),
        guard: Guard::new(address, token.map(Into::into)).expect("loopback"),
        clock,
        base_path: "/".into(),
    });
    let (of_store, of_feed) = (store.clone(), feed.clone());
    // A receiver as small as can be stands beside the API: what the client imports goes to the same store.
    let receive = move |body: Bytes| {
        let (store, feed) = (of_store.clone(), of_feed.clone());
        async move {
            let batch = otlp::decode_traces_protobuf(&body).expect("OTLP").batch;
            append(&store, &feed, batch);
            // ExportTraceServiceResponse: one span rejected, "odd".
            vec![0x0a_u8, 7, 0x08, 1, 0x12, 3, b'o', b'd', b'd']
        }
    };
    let app = router(api).route("/v1/traces", axum::routing::post(receive));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(&address.to_string(), token).expect("an address");
    Server { address, store, feed, client }
}

fn append(store: &MemoryStore, feed: &Feed, batch: Batch) {
    let notice = feed.notice(&(&batch).into());
    let record = JournalRecord { signal: 0, format: 0, encoding: 0, body: Bytes::new() };
    drop(store.append(batch, record).expect("taken"));
    feed.publish(notice);
}

const ID: TraceId = TraceId([1; 16]);

fn batch(spans: u8) -> Batch {
    let spans = (1..=spans).map(|id| {
        let mut span = Span::new(ID, SpanId([id; 8]), format!("op {id}"));
        (span.start, span.end) = (Instant(u64::from(id)), Instant(100));
        span
    });
    let log = LogRecord { time: Instant(3), body: "said".into(), trace_id: Some(ID), ..LogRecord::default() };
    Batch { spans: spans.collect(), logs: vec![log] }
}

#[tokio::test]
async fn a_trace_comes_back_whole() {
    let server = server(None).await;
    assert_eq!(server.client.trace(ID).await, Ok(None));
    assert_eq!(server.client.trace_json(ID).await, Ok(None));
    append(&server.store, &server.feed, batch(3));
    let trace = server.client.trace(ID).await.expect("answers").expect("there");
    assert_eq!(trace.clone().into_parts(), (batch(3).spans, batch(3).logs));
    let json = server.client.trace_json(ID).await.expect("answers").expect("there");
    assert_eq!(otlp::decode_json(&json).expect("OTLP").batch, batch(3));
    let listed = server.client.traces(&TraceQuery { limit: Some(1), ..TraceQuery::default() }).await.expect("answers");
    assert_eq!(listed.traces[0].trace_id, ID.to_string());
    assert_eq!(server.client.delete_trace(ID).await, Ok(Some(3)));
    assert_eq!(server.client.delete_trace(ID).await, Ok(None));
}

#[tokio::test]
async fn a_watch_hands_over_each_batch_with_its_time() {
    let server = server(None).await;
    let begun = server.client.watch(ID, None, Duration::ZERO).await.expect("answers");
    assert!(begun.from_start && begun.arrivals.is_empty());
    append(&server.store, &server.feed, batch(2));
    let next = server.client.watch(ID, Some(&begun.cursor), Duration::from_secs(30)).await.expect("answers");
    assert!(!next.from_start);
    assert_eq!((next.arrivals.len(), next.arrivals[0].at), (1, Some(Instant(1_000))));
    assert_eq!(next.arrivals[0].batch, batch(2));
    let none = server.client.watch(ID, Some(&next.cursor), Duration::from_millis(5)).await.expect("answers");
    assert!(none.arrivals.is_empty());
}

#[tokio::test]
async fn imports_go_to_the_receiver_and_its_answer_comes_back() {
    let server = server(None).await;
    let spans_only = Batch { logs: Vec::new(), ..batch(2) };
    let imported = server.client.import(&spans_only).await.expect("taken");
    assert_eq!((imported.rejected, imported.message.as_str()), (1, "odd"));
    assert_eq!(server.client.trace(ID).await.expect("answers").expect("there").spans(), spans_only.spans);
}

#[tokio::test]
async fn runs_are_handed_over_and_read_back() {
    let server = server(None).await;
    let run = EvalRun {
        summary: RunSummary {
            run: "r1".into(),
            suite: "s".into(),
            started: UnixNanos(3),
            duration: 1,
            running: false,
            verdict: None,
            counts: VerdictCounts {
                pass: 0,
                fail: 0,
                not_evaluable: 0,
                error: 0,
                flaky: 0,
                regressed: 0,
                improved: 0,
                insufficient: 0,
            },
            configuration_hash: "h".into(),
            commit: None,
            branch: None,
            exit_code: Some(0),
        },
        scenarios: Vec::new(),
        errors: Vec::new(),
    };
    assert_eq!(server.client.submit_run(&run).await, Ok("r1".into()));
    assert_eq!(server.client.run("r1").await, Ok(Some(run.clone())));
    assert_eq!(server.client.run("r2").await, Ok(None));
    assert_eq!(server.client.runs(Some("s"), None).await.expect("answers").runs.len(), 1);
    // The oldest of many is on a further page.
    for number in 2..=60 {
        let mut more = run.clone();
        (more.summary.run, more.summary.started.0) = (format!("r{number}"), run.summary.started.0 + number);
        assert_eq!(server.client.submit_run(&more).await, Ok(more.summary.run));
    }
    let first = server.client.runs(None, None).await.expect("answers");
    let second = server.client.runs(None, first.next_cursor.as_deref()).await.expect("answers");
    assert_eq!((first.runs.len() + second.runs.len(), second.next_cursor), (60, None));
    assert_eq!(second.runs.last().map(|run| run.run.as_str()), Some("r1"));
}

#[tokio::test]
async fn what_goes_wrong_is_said() {
    let server = server(Some("secret")).await;
    assert_eq!(server.client.info().await.expect("knows the token").product, "headwater");
    assert_eq!(server.client.status().await.expect("knows the token").receiving.spans, 7);
    let stranger = Client::new(&format!("http://{}/", server.address), None).expect("an address");
    let refused = stranger.info().await.expect_err("needs a token");
    assert_eq!(
        refused.to_string(),
        "this server asks for a token: send `authorization: Bearer TOKEN`, or sign in on the page"
    );
    let nobody = Client::new("127.0.0.1:1", None).expect("an address").info().await.expect_err("nobody there");
    assert!(matches!(nobody, ClientError::Unreachable { .. }), "{nobody:?}");
    assert!(nobody.to_string().contains("is `headwater serve` running there?"), "{nobody}");
    for bad in ["", "ftp://host", "http://"] {
        assert!(matches!(Client::new(bad, None), Err(ClientError::BadAddress(_))), "{bad}");
    }
}

#[tokio::test]
async fn another_programs_port_is_noticed() {
    let app = axum::Router::new().fallback(|| async { "hello" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let error = Client::new(&address, None).expect("an address").info().await.expect_err("no Headwater");
    assert!(error.to_string().contains("is it another program's port?"), "{error}");
}
