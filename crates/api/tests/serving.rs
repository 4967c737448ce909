//! What the API promises, asked as a client asks: by HTTP.

mod memory_store;

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use api::{Api, Counters, Feed, Guard, Identity, MemorySettings, NoSuites, Parts, Reader, RunBook, Styles, router};
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use memory_store::MemoryStore;
use model::{Batch, Instant, LogRecord, Resource, Span, SpanId, SpanKind, StatusCode as SpanStatus, TraceId, Value};
use serde_json::{Value as Json, json};
use stdx::ManualClock;
use store::{JournalRecord, SpanStore as _};
use tower::ServiceExt as _;
use wire::{Forwarding, ForwardingState, ReasonCount, Receiving, Storing};

const NOW: u64 = 1_732_435_200_000_000_000;

#[derive(Debug)]
struct FixedCounters;

impl Counters for FixedCounters {
    fn receiving(&self) -> Receiving {
        Receiving {
            requests: 5,
            requests_rejected: 1,
            requests_throttled: 0,
            bytes: 100,
            spans: 21,
            spans_rejected: 2,
            logs: 3,
            logs_without_trace: 0,
            logs_rejected: 0,
            metrics_not_kept: 0,
            spans_per_second: 0.0,
            last_rejection: None,
        }
    }

    fn storing(&self) -> Storing {
        Storing {
            spans: 21,
            traces: 1,
            bytes: 4_096,
            oldest: None,
            newest: None,
            traces_dropped_by_retention: 0,
            fault: None,
        }
    }

    fn forwarding(&self) -> Vec<Forwarding> {
        vec![Forwarding {
            name: "a\"b".into(),
            endpoint: "http://tempo:4318/v1/traces".into(),
            protocol: "grpc".into(),
            state: ForwardingState::Retrying,
            queued_requests: 2,
            queued_bytes: 10,
            delivered_requests: 7,
            delivered_spans: 70,
            filtered_spans: 0,
            retried: 3,
            rejected_by_destination: 0,
            dropped_requests: 1,
            dropped_spans: 4,
            dropped_because: vec![ReasonCount { reason: "HTTP 400".into(), count: 1 }],
            last_error: None,
            last_error_time: None,
        }]
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

struct Server {
    router: Router,
    store: Arc<MemoryStore>,
    feed: Arc<Feed>,
    api: Arc<Api>,
}

fn server_with_token(token: Option<&str>) -> Server {
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(ManualClock::at(NOW));
    let feed = Arc::new(Feed::new(clock.clone()));
    let api = Api::new(Parts {
        identity: Identity {
            version: "0.1.0".into(),
            started: Instant(NOW),
            otlp_grpc: Some("127.0.0.1:4317".into()),
            otlp_http: None,
            api: "127.0.0.1:4319".into(),
            data_folder: None,
            retention_age: None,
            retention_bytes: None,
        },
        reader: Reader::new(store.clone()),
        feed: feed.clone(),
        runs: Arc::new(RunBook::open(Box::new(MemorySettings::default()))),
        styles: Styles::open(Box::new(MemorySettings::default())),
        counters: Arc::new(FixedCounters),
        starter: Arc::new(NoSuites),
        guard: Guard::new("127.0.0.1:4319".parse().expect("valid"), token.map(Into::into)).expect("loopback"),
        clock,
        base_path: "/".into(),
    });
    Server { router: router(api.clone()), store, feed, api }
}

fn server() -> Server {
    let server = server_with_token(None);
    server.store(rag_trace());
    server
}

impl Server {
    fn store(&self, batch: Batch) {
        let notice = self.feed.notice(&(&batch).into());
        let record = JournalRecord { signal: 0, format: 0, encoding: 0, body: bytes::Bytes::new() };
        drop(self.store.append(batch, record).expect("taken"));
        self.feed.publish(notice);
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.expect("a body").to_bytes().to_vec())
    }

    async fn get_as(&self, path: &str, accept: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.send(request("GET", path).header("accept", accept).body(Body::empty()).expect("valid")).await
    }

    async fn json(&self, path: &str) -> Json {
        let (status, _, body) = self.get_as(path, "application/json").await;
        assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn problem(&self, path: &str, expected: StatusCode) -> Json {
        let (status, headers, body) = self.get_as(path, "application/json").await;
        assert_eq!(status, expected, "{path}: {}", String::from_utf8_lossy(&body));
        assert_eq!(headers["content-type"], "application/problem+json", "{path}");
        serde_json::from_slice(&body).expect("JSON")
    }
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "localhost:4319")
}

const TRACE: &str = "01010101010101010101010101010101";

fn span(id: u8, parent: u8, service: &str, name: &str, start: u64, end: u64) -> Span {
    let mut span = Span::new(TraceId([1; 16]), SpanId([id; 8]), name);
    span.parent_span_id = (parent > 0).then_some(SpanId([parent; 8]));
    (span.start, span.end) = (Instant(NOW + start), Instant(NOW + end));
    span.resource =
        Arc::new(Resource { attributes: [("service.name", service)].into_iter().collect(), ..Resource::default() });
    span
}

/// gateway over rag over llm (failed), and an orphan in search.
fn rag_trace() -> Batch {
    let mut llm = span(3, 2, "llm", "chat gpt", 20, 70);
    llm.kind = SpanKind::CLIENT;
    llm.status.code = SpanStatus::ERROR;
    llm.attributes.push("gen_ai.operation.name", "chat");
    llm.attributes.push("gen_ai.usage.output_tokens", Value::Int(9_007_199_254_740_993));
    llm.events.push(model::Event {
        time: Instant(NOW + 30),
        name: "exception".into(),
        attributes: [("exception.type", "Timeout"), ("exception.message", "no answer")].into_iter().collect(),
        dropped_attributes_count: 0,
    });
    let log = LogRecord {
        time: Instant(NOW + 40),
        severity_number: 17,
        body: "provider refused the Grüße".into(),
        trace_id: Some(TraceId([1; 16])),
        span_id: Some(SpanId([3; 8])),
        ..LogRecord::default()
    };
    let spans = vec![
        span(1, 0, "gateway", "POST /v1/ask", 0, 100),
        span(2, 1, "rag", "generate", 10, 90),
        llm,
        span(4, 9, "search", "query", 15, 18),
    ];
    Batch { spans, logs: vec![log] }
}

#[tokio::test]
async fn series_are_made_of_spans() {
    let server = server();
    let of = |query: &str| format!("/api/v1/series?{query}");
    // { status = error || true = true } | count_over_time() by(status), over all that is stored
    let list = server.json(&of("q=%7B%20%7D%20%7C%20count_over_time()%20by(status)&step=1s")).await;
    assert_eq!(list["spans"], 4);
    assert_eq!((list["start"].as_str(), list["step"].as_i64()), (Some("1732435200000000000"), Some(1_000_000_000)));
    let series = list["series"].as_array().expect("a list");
    assert_eq!(series.len(), 2);
    assert_eq!(series[0]["labels"], serde_json::json!([{"name": "status", "value": "error"}]));
    assert_eq!(series[0]["points"], serde_json::json!([1.0]));
    assert_eq!(series[0]["exemplars"][0]["spanId"], "0303030303030303");
    assert_eq!(series[1]["points"], serde_json::json!([3.0]));
    assert_eq!(list["completeness"]["complete"], true);
    let before = server.json(&of("q=%7B%7D%7Crate()&start=1732435100&end=1732435150&step=1s")).await;
    assert_eq!((before["spans"].as_u64(), before["series"].as_array().map(Vec::len)), (Some(0), Some(0)));

    let problem = server.problem(&of("q=%7B%7D%7Crote()"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(problem["place"]["of"], "q");
    server.problem(&of("q=%7B%7D%7Crate()&step=never"), StatusCode::BAD_REQUEST).await;
    let steps = server.problem(&of("q=%7B%7D%7Crate()&since=30d&step=1s"), StatusCode::BAD_REQUEST).await;
    assert!(steps["error"].as_str().expect("text").contains("steps"), "{steps}");
    let late = server.problem("/api/v1/traces?timeout=soon", StatusCode::BAD_REQUEST).await;
    assert_eq!(late["place"]["of"], "timeout");
    let wide = server.problem("/api/v1/traces?bytes=many", StatusCode::BAD_REQUEST).await;
    assert_eq!(wide["place"]["of"], "bytes");
}

#[tokio::test]
async fn a_search_tells_the_spans_found_and_the_fields_selected() {
    let server = server();
    // { } | by(resource.service.name) | select(name, span.gen_ai.operation.name)
    let query = "q=%7B%7D%7Cby(resource.service.name)%7Cselect(name%2Cspan.gen_ai.operation.name)";
    let list = server.json(&format!("/api/v1/search?{query}")).await;
    let found = &list["traces"][0];
    assert_eq!((found["row"]["traceId"].as_str(), found["row"]["matchedSpans"].as_u64()), (Some(TRACE), Some(4)));
    let sets = found["spansets"].as_array().expect("a list");
    assert_eq!(sets.len(), 4);
    assert_eq!(sets[1]["group"], serde_json::json!([{"name": "resource.service.name", "value": "llm"}]));
    let fields = serde_json::json!([
        {"name": "name", "value": "chat gpt"}, {"name": "span.gen_ai.operation.name", "value": "chat"}
    ]);
    assert_eq!(sets[1]["spans"][0]["fields"], fields);
}

#[tokio::test]
async fn a_list_says_what_it_cost_and_where_it_goes_on() {
    let server = server();
    for number in 2..=5 {
        let mut other = span(1, 0, "other", "job", u64::from(number) * 1_000, u64::from(number) * 1_000 + 5);
        other.trace_id = TraceId([number; 16]);
        server.store(Batch { spans: vec![other], logs: Vec::new() });
    }
    let first = server.json("/api/v1/traces?limit=3").await;
    let starts = |page: &Json| -> Vec<String> {
        let rows = page["traces"].as_array().expect("a list").iter();
        rows.map(|row| row["traceId"].as_str().expect("an id")[..2].to_owned()).collect()
    };
    assert_eq!(starts(&first), ["05", "04", "03"]);
    assert_eq!(first["completeness"], serde_json::json!({"complete": true, "reasons": []}));
    let cursor = first["nextCursor"].as_str().expect("more follow");
    let second = server.json(&format!("/api/v1/traces?limit=3&cursor={cursor}")).await;
    assert_eq!(starts(&second), ["02", "01"]);
    assert_eq!(second["nextCursor"], Json::Null);
    let row = &second["traces"][1];
    assert_eq!(
        (&row["rootService"], &row["rootName"], &row["errorCount"]),
        (&"gateway".into(), &"POST /v1/ask".into(), &1.into())
    );
    assert_eq!((&row["start"], &row["duration"]), (&NOW.to_string().into(), &100.into()));
    assert_eq!(row["services"][1]["name"], "llm");
    assert_eq!(row["services"][1]["critical"], 50);
    assert_eq!(second["services"].as_array().map(Vec::len), Some(5));
    assert_eq!(starts(&server.json("/api/v1/traces?sort=-duration&limit=1").await), ["01"]);
    let window = format!("/api/v1/traces?start={}&end={}", NOW + 2_500, NOW + 4_000);
    assert_eq!(starts(&server.json(&window).await), ["04", "03"]);
}

#[tokio::test]
async fn mistakes_are_said_with_place_and_hint() {
    let server = server();
    let problem = server.problem("/api/v1/traces?sort=fastest", StatusCode::BAD_REQUEST).await;
    assert_eq!(problem["error"], "\"fastest\" is no order");
    assert_eq!(problem["place"]["of"], "sort");
    assert!(problem["hint"].as_str().expect("a hint").contains("-duration"));
    for (path, status) in [
        ("/api/v1/traces?since=yesterday", StatusCode::BAD_REQUEST),
        ("/api/v1/traces?limit=many", StatusCode::BAD_REQUEST),
        ("/api/v1/traces?cursor=x", StatusCode::BAD_REQUEST),
        ("/api/v1/traces?origin=mars", StatusCode::BAD_REQUEST),
        ("/api/v1/trace/xyz/outline", StatusCode::BAD_REQUEST),
        ("/api/v1/trace/02020202020202020202020202020202/outline", StatusCode::NOT_FOUND),
        ("/api/v1/nothing", StatusCode::NOT_FOUND),
        ("/api/v1/evals/none", StatusCode::NOT_FOUND),
        ("/api/v1/values?field=nothing", StatusCode::BAD_REQUEST),
        (&format!("/api/v1/trace/{TRACE}/spans/0?full=perhaps"), StatusCode::BAD_REQUEST),
        (&format!("/api/v1/trace/{TRACE}/spans/first"), StatusCode::BAD_REQUEST),
        (&format!("/api/v1/trace/{TRACE}/outline?sections=all"), StatusCode::BAD_REQUEST),
    ] {
        let problem = server.problem(path, status).await;
        assert!(!problem["error"].as_str().expect("words").is_empty() && problem["hint"].is_string(), "{path}");
    }
    let large = request("POST", "/api/v1/evals/start").header("content-type", "application/json");
    let (status, headers, _) = server.send(large.body(Body::from(vec![b' '; 100_000])).expect("valid")).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &"application/problem+json".parse().expect("valid"))
    );
    let (status, ..) = server.send(request("PUT", "/api/v1/traces").body(Body::empty()).expect("valid")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn damage_is_said_wherever_a_trace_is_read() {
    let server = server();
    server.store.damaged.store(true, std::sync::atomic::Ordering::Relaxed);
    let outline = server.json(&format!("/api/v1/trace/{TRACE}/outline")).await;
    let said = "segments/000000000007 cannot be read: checksum";
    assert_eq!((&outline["header"]["partial"], &outline["header"]["partialReason"]), (&true.into(), &said.into()));
    let map = server.json("/api/v1/map?since=24h").await;
    assert_eq!(map["completeness"], serde_json::json!({"complete": false, "reasons": [said]}));
    let watch = server.problem(&format!("/api/v1/trace/{TRACE}/watch"), StatusCode::INTERNAL_SERVER_ERROR).await;
    assert_eq!(watch["error"], format!("trace {TRACE} cannot be read whole: {said}"));
    let other = "/api/v1/trace/02020202020202020202020202020202/outline";
    server.problem(other, StatusCode::INTERNAL_SERVER_ERROR).await;
}

#[tokio::test]
async fn an_outline_comes_in_both_forms_and_only_once() {
    let server = server();
    let path = format!("/api/v1/trace/{TRACE}/outline");
    let (status, headers, body) = server.get_as(&path, "*/*").await;
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &wire::OUTLINE_MEDIA_TYPE.parse().expect("valid")));
    assert_eq!(&body[..4], b"TRC1");
    let again = request("GET", &path).header("if-none-match", &headers["etag"]).body(Body::empty()).expect("valid");
    assert_eq!(server.send(again).await.0, StatusCode::NOT_MODIFIED);

    let json = server.json(&format!("{path}?sections=spanId")).await;
    assert_eq!(json["header"]["n"], 5);
    assert_eq!(json["columns"]["parent"], serde_json::json!([-1, 0, 1, -1, 3]));
    assert_eq!(json["columns"]["spanId"][3], "0909090909090909");
    assert_eq!(json["header"]["oddities"][0]["kind"], "missing-parent");
    assert_eq!(json["header"]["oddities"][0]["rows"], serde_json::json!([4]));
    let flags = json["columns"]["flags"][2].as_u64().expect("bits") as u16;
    let expected = wire::flag::ERROR | wire::flag::CRITICAL | wire::flag::CLIENT | wire::flag::LLM;
    let more = wire::flag::EVENTS | wire::flag::LOGS | wire::flag::EXCEPTION;
    assert_eq!(flags, expected | more);
}

#[tokio::test]
async fn a_span_is_told_in_full() {
    let server = server();
    let span = server.json(&format!("/api/v1/trace/{TRACE}/spans/2")).await;
    assert_eq!((&span["name"], &span["parentRow"], &span["critical"]), (&"chat gpt".into(), &1.into(), &50.into()));
    let tokens = serde_json::json!({"type": "int", "value": "9007199254740993"});
    assert_eq!(span["attributes"][1]["value"], tokens);
    assert_eq!(span["events"][0]["exception"]["exceptionType"], "Timeout");
    assert_eq!(span["events"][0]["offset"], 10);
    assert_eq!((&span["logs"][0]["severity"], &span["logs"][0]["offset"]), (&"ERROR".into(), &20.into()));
    assert_eq!(span["llm"]["tokens"]["output"], 9_007_199_254_740_993_u64);
    let missing = server.problem(&format!("/api/v1/trace/{TRACE}/spans/3"), StatusCode::NOT_FOUND).await;
    assert_eq!(missing["error"], "span 0909090909090909 was named as a parent but not received");
    server.problem(&format!("/api/v1/trace/{TRACE}/spans/99"), StatusCode::NOT_FOUND).await;
    let rows = server.json(&format!("/api/v1/trace/{TRACE}/row?span=0404040404040404")).await;
    assert_eq!(rows["rows"], serde_json::json!([4]));
}

#[tokio::test]
async fn find_answers_with_rows() {
    let server = server();
    let find = async |query: &str| server.json(&format!("/api/v1/trace/{TRACE}/find?q={query}")).await;
    assert_eq!(find("gateway").await["rows"], serde_json::json!([0]));
    assert_eq!(find("gr%C3%BC%C3%9Fe").await["rows"], serde_json::json!([2]), "in a log record");
    assert_eq!(find("e").await["mode"], "text");
    let cut = server.json(&format!("/api/v1/trace/{TRACE}/find?q=e&limit=1")).await;
    assert_eq!((&cut["rows"], &cut["cut"]), (&serde_json::json!([0]), &true.into()));
}

#[tokio::test]
async fn otlp_comes_out_as_it_went_in() {
    let server = server();
    let path = format!("/api/v1/trace/{TRACE}/otlp");
    let (_, headers, body) = server.get_as(&path, "application/json").await;
    assert!(headers["content-disposition"].to_str().expect("text").contains(TRACE));
    let mut decoded = otlp::decode_json(&body).expect("OTLP").batch;
    decoded.spans.sort_by_key(|span| span.span_id);
    assert_eq!(decoded, rag_trace());
    let (_, _, traces) = server.get_as(&path, "application/x-protobuf").await;
    let (_, _, logs) = server.get_as(&format!("{path}?part=logs"), "application/x-protobuf").await;
    assert_eq!(otlp::decode_traces_protobuf(&traces).expect("OTLP").batch.spans.len(), 4);
    assert_eq!(otlp::decode_logs_protobuf(&logs).expect("OTLP").batch.logs, rag_trace().logs);
}

#[tokio::test]
async fn new_spans_are_seen_at_once_and_a_deleted_trace_is_gone() {
    let server = server();
    let count = async || server.json(&format!("/api/v1/trace/{TRACE}/outline")).await["header"]["n"].clone();
    assert_eq!(count().await, 5);
    server.store(Batch { spans: vec![span(9, 1, "search", "late parent", 5, 20)], logs: Vec::new() });
    assert_eq!(count().await, 5, "the placeholder became a span");
    let delete = || request("DELETE", &format!("/api/v1/trace/{TRACE}")).body(Body::empty()).expect("valid");
    let (status, _, body) = server.send(delete()).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &br#"{"spans":5}"#[..]));
    assert_eq!(server.send(delete()).await.0, StatusCode::NOT_FOUND);
    server.problem(&format!("/api/v1/trace/{TRACE}/outline"), StatusCode::NOT_FOUND).await;
}

#[tokio::test]
async fn a_watch_tells_what_arrives_when_it_arrives() {
    let server = Arc::new(server_with_token(None));
    let watch = async |cursor: &str, wait: &str| {
        let path = format!("/api/v1/trace/{TRACE}/watch?cursor={cursor}&wait={wait}");
        let (status, _, body) = server.get_as(&path, "*/*").await;
        assert_eq!(status, StatusCode::OK);
        let (header, arrivals) = wire::decode_watch(&body).expect("a watch answer");
        let spans: usize = arrivals
            .iter()
            .map(|arrival| otlp::decode_traces_protobuf(&arrival.traces).expect("OTLP").batch.spans.len())
            .sum();
        (header, arrivals.len(), spans)
    };
    let (begun, arrivals, _) = watch("", "10s").await;
    assert!(begun.from_start && arrivals == 0);
    let (none, arrivals, _) = watch(&begun.cursor, "1ms").await;
    assert!(!none.from_start && arrivals == 0);

    let storing = server.clone();
    let waiting = watch(&begun.cursor, "30s");
    let store = async {
        tokio::task::yield_now().await;
        storing.store(rag_trace());
    };
    let ((first, arrivals, spans), ()) = tokio::join!(waiting, store);
    assert_eq!((first.from_start, arrivals, spans), (false, 1, 4));
    assert_eq!(first.arrivals[0].time.0, NOW);
    server.store(Batch { spans: vec![span(5, 1, "rag", "more", 1, 2)], logs: Vec::new() });
    assert_eq!(watch(&first.cursor, "30s").await.2, 1, "only what is new");
    let (anew, arrivals, spans) = watch("1.0", "30s").await;
    assert_eq!((anew.from_start, arrivals, spans), (true, 1, 5), "a cursor of another life begins anew");
}

#[tokio::test]
async fn runs_are_taken_listed_and_mark_their_traces() {
    let server = server();
    let run = serde_json::json!({
        "summary": {"run": "r1", "suite": "s", "started": NOW.to_string(), "duration": 5, "running": false,
            "verdict": "fail", "counts": {"pass": 0, "fail": 1, "notEvaluable": 0, "error": 0, "flaky": 0,
            "regressed": 0, "improved": 0, "insufficient": 0}, "configurationHash": "", "commit": null,
            "branch": null, "exitCode": 1},
        "scenarios": [{"name": "service failure", "verdict": "fail", "attempts": [{"attempt": 0, "verdict": "fail",
            "traceId": TRACE, "started": NOW.to_string(), "duration": 5, "waited": 1, "completeness": "complete",
            "completenessReasons": [], "steps": [], "assertions": [], "error": null}]}],
        "errors": []
    });
    let post = |body: String| {
        request("POST", "/api/v1/evals")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("valid")
    };
    let (status, _, body) = server.send(post(run.to_string())).await;
    assert_eq!(status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&body));
    assert_eq!(server.send(post(run.to_string())).await.0, StatusCode::CONFLICT);
    assert_eq!(server.send(post("{}".into())).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(server.json("/api/v1/evals").await["runs"][0]["verdict"], "fail");
    assert_eq!(server.json("/api/v1/evals/r1").await, run);
    report_holds(&server, &run).await;
    let row = &server.json("/api/v1/traces?origin=eval").await["traces"][0];
    assert_eq!((&row["eval"]["scenario"], &row["eval"]["verdict"]), (&"service failure".into(), &"fail".into()));
    assert_eq!(server.json("/api/v1/traces?origin=real").await["traces"], serde_json::json!([]));
}

/// The report is a download whose data hold the run, its trace and what was not there, and nothing that could end them.
async fn report_holds(server: &Server, run: &Json) {
    let data = report_data(server, "/api/v1/evals/r1/report", "r1.html").await;
    assert_eq!((&data["v"], &data["run"]), (&1.into(), run));
    let alone = report_data(server, &format!("/api/v1/trace/{TRACE}/report"), &format!("trace-{TRACE}.html")).await;
    assert_eq!((&alone["run"], &alone["traces"]), (&Json::Null, &data["traces"]));
    server.problem("/api/v1/trace/02020202020202020202020202020202/report", StatusCode::NOT_FOUND).await;
    let unpack = |field: &str| {
        let zipped = base64::engine::general_purpose::STANDARD.decode(data["traces"][0][field].as_str().expect("text"));
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(zipped.expect("base64").as_slice()).read_to_end(&mut bytes).expect("gzip");
        bytes
    };
    assert_eq!(data["traces"][0]["traceId"], TRACE);
    assert!(unpack("outline").starts_with(wire::OUTLINE_MAGIC));
    let spans: Json = serde_json::from_slice(&unpack("spans")).expect("JSON");
    assert_eq!(spans[0], server.json(&format!("/api/v1/trace/{TRACE}/spans/0")).await);
}

/// What stands in a report's data element.
async fn report_data(server: &Server, path: &str, file: &str) -> Json {
    let (status, headers, body) = server.get_as(path, "text/html").await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    assert_eq!(headers["content-disposition"], format!("attachment; filename=\"{file}\""));
    let html = String::from_utf8(body).expect("text");
    let (_, data) = html.split_once("id=\"headwater-data\">").expect("the template has a place");
    let (data, _) = data.split_once("</script>").expect("it ends");
    assert!(!data.contains('<'), "nothing in the data may look like markup");
    serde_json::from_str(data).expect("JSON")
}

#[tokio::test]
async fn live_tells_status_and_changed_traces() {
    let server = server_with_token(None);
    let open = async |last: Option<&str>| {
        let mut request = request("GET", "/api/v1/live");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = server.router.clone().oneshot(request.body(Body::empty()).expect("valid")).await;
        response.expect("infallible").into_body()
    };
    let mut live = open(None).await;
    let next = async |body: &mut Body| {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await.expect("in time");
        String::from_utf8(frame.expect("open").expect("fine").into_data().expect("data").to_vec()).expect("text")
    };
    assert!(next(&mut live).await.starts_with("event: status\n"));
    server.store(rag_trace());
    let event = next(&mut live).await;
    assert!(event.starts_with("event: traces\n") && event.contains(TRACE) && event.contains("id: 1"), "{event}");

    let mut resumed = open(Some("0")).await;
    let (first, second) = (next(&mut resumed).await, next(&mut resumed).await);
    assert!(format!("{first}{second}").contains(TRACE), "what was missed is told again: {first}{second}");
    let mut other_life = open(Some("99")).await;
    let (first, second) = (next(&mut other_life).await, next(&mut other_life).await);
    assert!(format!("{first}{second}").contains("event: gap"), "{first}{second}");
    server.api.stop();
    assert!(live.frame().await.is_none_or(|frame| frame.is_ok()), "a stopped server ends the stream");
}

#[tokio::test]
async fn the_map_tells_who_calls_whom() {
    let server = server();
    let mut call = span(1, 0, "gateway", "GET /health", 5_000, 6_000);
    call.trace_id = TraceId([2; 16]);
    server.store(Batch { spans: vec![call], logs: Vec::new() });
    let window = format!("start={}&end={}", NOW - 1, NOW + 10_000);
    let map = server.json(&format!("/api/v1/map?{window}")).await;
    let names = |list: &Json, key: &str| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|entry| entry[key].as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(names(&map["nodes"], "name"), ["gateway", "llm", "rag", "search"]);
    assert_eq!(names(&map["edges"], "from"), ["gateway", "rag"]);
    assert_eq!(names(&map["edges"], "to"), ["rag", "llm"]);
    let edge = &map["edges"][1];
    assert_eq!((&edge["calls"], &edge["errors"], &edge["latency"]["max"]), (&1.into(), &1.into(), &50.into()));
    assert_eq!((&edge["exampleTraceId"], &edge["errorTraceId"]), (&TRACE.into(), &TRACE.into()));
    assert_eq!(map["nodes"][0]["selfTime"], 20 + 1_000);
    assert_eq!(names(&map["roots"], "name"), ["GET /health", "POST /v1/ask"]);
    let filtered = server.json(&format!("/api/v1/map?{window}&operation=GET%20/health")).await;
    assert_eq!(names(&filtered["nodes"], "name"), ["gateway"]);
    assert_eq!((&filtered["traceCount"], filtered["roots"].as_array().map(Vec::len)), (&1.into(), Some(2)));
    let cut = server.json(&format!("/api/v1/map?{window}&limit=1")).await;
    assert_eq!(cut["completeness"]["reasons"][0], "only the newest 1 traces of the window were looked at");
}

#[tokio::test]
async fn the_map_tells_how_many_there_were_before_sampling() {
    let server = server_with_token(None);
    // The root was kept one time in four; its callee says nothing of it, and is kept with it.
    let mut spans = vec![span(1, 0, "gateway", "ask", 0, 90), span(2, 1, "rag", "answer", 10, 80)];
    spans[0].trace_state = "ot=th:c".into();
    spans[1].status.code = SpanStatus::ERROR;
    server.store(Batch { spans, logs: Vec::new() });
    let map =
        server.json(&format!("/api/v1/map?start={}&end={}&service=gateway&operation=ask", NOW - 1, NOW + 10_000)).await;
    let counts = |of: &Json| ["calls", "errors", "callsEstimated", "errorsEstimated"].map(|key| of[key].as_f64());
    assert_eq!(counts(&map["edges"][0]), [Some(1.0), Some(1.0), Some(4.0), Some(4.0)]);
    assert_eq!(map["nodes"][0]["callsEstimated"], json!(4.0));
    assert_eq!((&map["traceCount"], &map["sampledTraceCount"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn keys_and_values_are_known() {
    let server = server();
    let keys = server.json("/api/v1/keys?prefix=service").await;
    assert_eq!(keys["keys"][0]["field"], "resource.service.name");
    assert_eq!(keys["keys"][0]["types"], serde_json::json!(["string"]));
    let values = server.json("/api/v1/values?field=resource.service.name&prefix=r").await;
    assert_eq!(
        values["values"],
        serde_json::json!([{"value": {"type": "string", "value": "rag"}, "text": "\"rag\"", "count": 1}])
    );
    assert_eq!(server.json("/api/v1/values?field=status").await["values"][1]["text"], "error");
}

#[tokio::test]
async fn an_unfinished_query_is_completed() {
    let server = server();
    // { resource.serv
    let fields = server.json("/api/v1/complete?q=%7B%20resource.serv").await;
    assert_eq!(fields["from"], 2);
    assert_eq!(fields["suggestions"][0]["text"], "resource.service.name");
    assert!(fields["suggestions"][0]["count"].as_u64() > Some(0), "{fields}");
    // { resource.service.name = "r| }, the cursor before the closing brace
    let query = "%7B%20resource.service.name%20%3D%20%22r%20%7D";
    let values = server.json(&format!("/api/v1/complete?q={query}&cursor=28")).await;
    assert_eq!(values["from"], 26);
    assert_eq!(values["suggestions"][0], serde_json::json!({"text": "\"rag\"", "kind": "string", "count": 1}));
    let stages = server.json("/api/v1/complete?q=%7B%7D%20%7C%20ra").await;
    assert_eq!(stages["suggestions"][0], serde_json::json!({"text": "rate()", "kind": "function", "count": null}));
    let beyond = server.problem("/api/v1/complete?q=%7B&cursor=9", StatusCode::BAD_REQUEST).await;
    assert_eq!(beyond["place"]["of"], "cursor");
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let server = server();
    let other_host = Request::get("/api/v1/info").header("host", "evil.example").body(Body::empty()).expect("valid");
    assert_eq!(server.send(other_host).await.0, StatusCode::FORBIDDEN);
    let other_page = request("DELETE", &format!("/api/v1/trace/{TRACE}")).header("origin", "https://evil.example");
    assert_eq!(server.send(other_page.body(Body::empty()).expect("valid")).await.0, StatusCode::FORBIDDEN);

    let server = server_with_token(Some("secret"));
    server.problem("/api/v1/traces", StatusCode::UNAUTHORIZED).await;
    server.problem("/metrics", StatusCode::UNAUTHORIZED).await;
    assert_eq!(server.get_as("/healthz", "*/*").await.0, StatusCode::OK);
    assert_eq!(
        server.get_as("/", "text/html").await.0,
        StatusCode::OK,
        "the page itself holds no data and can sign in"
    );
    let sign_in = |token: &str| {
        let body = serde_json::json!({ "token": token }).to_string();
        let request = request("POST", "/api/v1/sign-in").header("content-type", "application/json");
        request.body(Body::from(body)).expect("valid")
    };
    assert_eq!(server.send(sign_in("wrong")).await.0, StatusCode::UNAUTHORIZED);
    let (status, headers, _) = server.send(sign_in("secret")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let cookie = headers["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let with_cookie = request("GET", "/api/v1/traces").header("cookie", cookie).body(Body::empty()).expect("valid");
    assert_eq!(server.send(with_cookie).await.0, StatusCode::OK);
}

#[tokio::test]
async fn every_answer_carries_the_strict_policy() {
    let server = server();
    for path in ["/", "/api/v1/info", "/api/v1/nothing", "/healthz", "/metrics"] {
        let (_, headers, _) = server.get_as(path, "text/html").await;
        let policy = headers["content-security-policy"].to_str().expect("text");
        for part in ["default-src 'self'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'self'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("access-control-allow-origin"), "no other site reads this");
    }
}

#[tokio::test]
async fn the_server_tells_how_it_is_doing() {
    let server = server();
    let info = server.json("/api/v1/info").await;
    assert_eq!(
        (&info["product"], &info["otlpGrpc"], &info["otlpHttp"]),
        (&"headwater".into(), &"127.0.0.1:4317".into(), &Json::Null)
    );
    let status = server.json("/api/v1/status").await;
    assert_eq!((&status["receiving"]["spans"], &status["forwarding"][0]["state"]), (&21.into(), &"retrying".into()));
    let (_, headers, body) = server.get_as("/metrics", "*/*").await;
    let text = String::from_utf8(body).expect("text");
    assert!(headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    assert!(text.contains("headwater_receive_spans_total 21\n"), "{text}");
    assert!(text.contains("headwater_forward_retried_total{destination=\"a\\\"b\"} 3\n"), "{text}");
    assert_eq!(server.get_as("/readyz", "*/*").await.0, StatusCode::OK);
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_are_far() {
    let server = server_with_token(Some("secret"));
    server.store(rag_trace());
    let outline = async |host: &str| {
        let request = Request::get(format!("/api/v1/trace/{TRACE}/outline")).header("host", host);
        let request = request.header("accept-encoding", "gzip").header("authorization", "Bearer secret");
        let (status, headers, body) = server.send(request.body(Body::empty()).expect("valid")).await;
        assert_eq!(status, StatusCode::OK);
        (headers.get("content-encoding").cloned(), body)
    };
    let (coding, zipped) = outline("traces.example:4319").await;
    assert_eq!(coding, Some("gzip".parse().expect("valid")));
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&zipped[..]), &mut plain).expect("gzip");
    assert_eq!(outline("localhost:4319").await, (None, plain), "on one machine bytes cost nothing");
}

#[tokio::test]
async fn queries_select_traces_and_spans_and_mistakes_have_places() {
    let server = server();
    let mut other = span(1, 0, "other", "job", 1_000, 1_005);
    other.trace_id = TraceId([2; 16]);
    server.store(Batch { spans: vec![other], logs: Vec::new() });
    let listed = server.json("/api/v1/traces?q=%7B%20status%20=%20error%20%7D").await;
    assert_eq!((listed["traces"].as_array().map(Vec::len), &listed["traces"][0]["matchedSpans"]), (Some(1), &1.into()));
    assert_eq!(listed["query"], "{ status = error }");
    let words = server.json("/api/v1/traces?q=JOB").await;
    assert_eq!(words["traces"][0]["rootName"], "job");
    assert_eq!(words["query"], "{ name =~ \"(?i).*JOB.*\" }");

    let found = server.json(&format!("/api/v1/trace/{TRACE}/find?q=%7B%20kind%20=%20client%20%7D")).await;
    assert_eq!((&found["mode"], &found["rows"]), (&"selector".into(), &serde_json::json!([2])));
    let critical = server.json(&format!("/api/v1/trace/{TRACE}/find?q=%7B%20span:critical%20%3E%2025ns%20%7D")).await;
    assert_eq!(critical["rows"], serde_json::json!([1, 2]));

    for path in
        ["/api/v1/traces?q=%7B%20status%20=%20%7D", &format!("/api/v1/trace/{TRACE}/find?q=%7B%20status%20=%20%7D")]
    {
        let problem = server.problem(path, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!((&problem["place"]["of"], &problem["place"]["line"]), (&"q".into(), &1.into()), "{path}");
        assert!(problem["problems"].as_array().is_some_and(|problems| !problems.is_empty()));
    }
}

impl Server {
    async fn post(&self, path: &str, body: Json) -> (StatusCode, Json) {
        let request = request("POST", path).header("content-type", "application/json");
        let (status, _, body) = self.send(request.body(Body::from(body.to_string())).expect("valid")).await;
        (status, serde_json::from_slice(&body).expect("JSON"))
    }
}

#[tokio::test]
async fn findings_name_their_evidence_and_can_be_left_out() {
    let server = server();
    let told = server.json("/api/v1/findings?since=1h").await;
    assert_eq!((&told["lookedAt"]["traceCount"], &told["lookedAt"]["spanCount"]), (&1.into(), &4.into()));
    assert!(!told["cannotTell"].as_array().expect("a list").is_empty(), "one trace tells not everything: {told}");
    assert_eq!(told["remarks"][0], "1 span of 1 trace has a parent that was not received: taken for a root", "{told}");
    let first = &told["findings"][0];
    assert_eq!(first["evidence"][0]["traceId"], TRACE);
    let id = first["id"].as_str().expect("an id");
    let without = server.json(&format!("/api/v1/findings?trace={TRACE}&suppress={id}")).await;
    assert_eq!(without["suppressedCount"], 1);
    assert!(without["findings"].as_array().expect("a list").iter().all(|finding| finding["id"] != id));
    let one = server.json("/api/v1/findings?top=1").await;
    assert_eq!(one["findings"].as_array().map(Vec::len), Some(1));
    assert!(one["findingCount"].as_u64() > Some(1), "{one}");
    // { name = "nobody" }
    let none = server.json("/api/v1/findings?query=%7B%20name%20%3D%20%22nobody%22%20%7D").await;
    assert_eq!((&none["lookedAt"]["traceCount"], &none["findingCount"]), (&0.into(), &0.into()));
}

#[tokio::test]
async fn an_analysis_tells_how_far_it_is_and_ends_with_its_answer() {
    let server = server();
    let (status, headers, body) = server.get_as("/api/v1/doctor", "application/x-ndjson").await;
    assert_eq!((status, headers["content-type"].as_bytes()), (StatusCode::OK, b"application/x-ndjson".as_slice()));
    let lines: Vec<Json> = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["progress"]["of"], 1, "{lines:?}");
    let diagnosis = &lines.last().expect("a line")["result"];
    let orphan = &diagnosis["ailments"][0];
    assert_eq!((&orphan["kind"], &orphan["service"]), (&"missing-parent".into(), &"search".into()), "{diagnosis}");
    assert_eq!(diagnosis["services"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn changes_are_tried_together_and_alone() {
    let server = server();
    let change = serde_json::json!({ "kind": "speed-up", "operations": ["chat gpt"], "factor": 2.0 });
    let nowhere = serde_json::json!({ "kind": "cache", "operations": ["nowhere"] });
    let asked = serde_json::json!({ "selection": { "trace": TRACE }, "changes": [change, nowhere] });
    let (status, told) = server.post("/api/v1/what-if", asked).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!((&told["before"]["p50"], &told["after"]["p50"]), (&100.into(), &75.into()));
    assert_eq!((&told["changes"][0]["spanCount"], &told["changes"][1]["spanCount"]), (&1.into(), &0.into()));
    let remarks = told["remarks"].to_string();
    assert!(remarks.contains("no span is called") && remarks.contains("nowhere"), "{remarks}");
    assert!(remarks.contains("every call is taken to be answered"), "{remarks}");
    let half = serde_json::json!({ "kind": "cache", "operations": ["chat gpt"], "factor": 0.5 });
    let asked = serde_json::json!({ "selection": { "trace": TRACE }, "changes": [half] });
    let remarks = server.post("/api/v1/what-if", asked).await.1["remarks"].to_string();
    assert!(remarks.contains("a share of the calls") && !remarks.contains("every call is taken"), "{remarks}");
    for (changes, expected) in [
        (serde_json::json!([]), "0 changes"),
        (serde_json::json!([{ "kind": "speed-up", "operations": ["a"], "factor": 0.0 }]), "factor"),
        (serde_json::json!([{ "kind": "cache", "operations": ["a", "b"] }]), "names 2 operations"),
        (serde_json::json!([{ "kind": "cache", "operations": ["a"], "factor": 2.0 }]), "share of hits"),
        (serde_json::json!([{ "kind": "parallel", "operations": [" "] }]), "names no operation"),
    ] {
        let asked = serde_json::json!({ "selection": {}, "changes": changes });
        let (status, problem) = server.post("/api/v1/what-if", asked).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(problem["error"].as_str().expect("text").contains(expected), "{problem}");
    }
}

#[tokio::test]
async fn a_comparison_of_too_little_cannot_tell() {
    let server = server();
    let asked = serde_json::json!({ "before": { "trace": TRACE }, "after": { "query": "{ name = \"nobody\" }" } });
    let (status, told) = server.post("/api/v1/compare", asked).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!((&told["before"]["duration"]["p50"], &told["before"]["durationMean"]), (&100.into(), &100.into()));
    assert_eq!(told["rootCause"]["answer"], Json::Null);
    assert!(told["remarks"].to_string().contains("has no trace"), "{told}");
}

#[tokio::test]
async fn a_place_that_differs_names_a_trace_that_shows_it() {
    let server = server();
    let mut one = span(1, 0, "gateway", "POST /v1/ask", 0, 100);
    one.trace_id = TraceId([2; 16]);
    server.store(Batch { spans: vec![one], logs: Vec::new() });
    let other = "02020202020202020202020202020202";
    for (before, after, change) in [(other, TRACE, "added"), (TRACE, other, "removed")] {
        let asked = serde_json::json!({ "before": { "trace": before }, "after": { "trace": after } });
        let (_, told) = server.post("/api/v1/compare", asked).await;
        let first = &told["structure"][0];
        assert_eq!((&first["change"], &first["example"]), (&change.into(), &TRACE.into()), "{told}");
    }
}

#[tokio::test]
async fn what_cannot_be_selected_is_told() {
    let server = server();
    let place = |problem: Json| problem["place"]["of"].as_str().unwrap_or_default().to_owned();
    let bad = StatusCode::BAD_REQUEST;
    assert_eq!(place(server.problem("/api/v1/findings?limit=many", bad).await), "limit");
    assert_eq!(place(server.problem("/api/v1/findings?timeout=0s", bad).await), "timeout");
    assert_eq!(place(server.problem("/api/v1/doctor?since=ever", bad).await), "since");
    server.problem("/api/v1/findings?trace=xyz", bad).await;
    server.problem("/api/v1/findings?run=none", StatusCode::NOT_FOUND).await;
    server.problem("/api/v1/findings?query=%7B", StatusCode::UNPROCESSABLE_ENTITY).await;
}

/// Forty calls from a host to another whose clock is 5 ms ahead.
fn skewed_calls() -> Batch {
    let on = |mut span: Span, number: u8, host: &str, kind| {
        span.trace_id = TraceId([number; 16]);
        span.kind = kind;
        let mut resource = (*span.resource).clone();
        resource.attributes.push("host.name", host);
        span.resource = Arc::new(resource);
        span
    };
    let calls = (1..=40).flat_map(|number| {
        let client = on(span(1, 0, "gateway", "ask", 0, 9_000_000), number, "node-1", SpanKind::CLIENT);
        let server = on(span(2, 1, "rag", "answer", 6_000_000, 13_000_000), number, "node-2", SpanKind::SERVER);
        [client, server]
    });
    Batch { spans: calls.collect(), logs: Vec::new() }
}

#[tokio::test]
async fn clocks_are_told_with_bounds_and_taken_out_on_request_only() {
    let server = server();
    server.store(skewed_calls());
    let path = format!("/api/v1/trace/{}", TraceId([7; 16]));
    let clocks = server.json(&format!("{path}/clocks")).await;
    assert_eq!(clocks["lookedAt"]["traceCount"], 40);
    let hosts = &clocks["clocks"]["hosts"];
    assert_eq!((&hosts[0]["host"], &hosts[0]["offset"]), (&json!("node-1"), &json!(0)));
    let off = ["offset", "least", "most", "verdict", "reference"].map(|key| hosts[1][key].clone());
    assert_eq!(off, [json!(5_000_000), json!(4_000_000), json!(6_000_000), json!("skewed"), json!("node-1")]);
    assert_eq!(hosts[1]["drift"], Json::Null);

    // As received, the server's span ends after the client's; adjusted, it lies within, and everything follows from that.
    let outline = async |more: &str| server.json(&format!("{path}/outline?{more}")).await;
    let received = outline("sections=skew").await;
    assert_eq!(received["columns"]["start"], json!([0.0, 6_000_000.0]));
    assert_eq!(received["columns"]["skew"], json!([0.0, -5_000_000.0]));
    assert_eq!(received["columns"]["selfTime"][0], 6_000_000.0);
    let adjusted = outline("sections=skew&clocks=adjusted").await;
    assert_eq!(adjusted["columns"]["start"], json!([0.0, 1_000_000.0]));
    assert_eq!(adjusted["columns"]["skew"], json!([0.0, 0.0]));
    assert_eq!(adjusted["columns"]["selfTime"][0], 2_000_000.0);
    assert_ne!(adjusted["columns"]["flags"][1].as_u64().unwrap_or(0) & u64::from(wire::flag::SKEWED), 0);
    let span = server.json(&format!("{path}/spans/1?clocks=adjusted")).await;
    assert_eq!(span["start"], json!((NOW + 1_000_000).to_string()));
    // What is stored, and what is asked for without a word about clocks, stays as received.
    assert_eq!(outline("").await["columns"]["start"], json!([0.0, 6_000_000.0]));
    let refused = server.problem(&format!("{path}/outline?clocks=better"), StatusCode::BAD_REQUEST).await;
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("adjusted")));

    let diagnosis = server.json("/api/v1/doctor").await;
    assert_eq!(diagnosis["clocks"]["hosts"][1]["verdict"], "skewed");
}
