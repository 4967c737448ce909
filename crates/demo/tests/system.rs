//! The eight services as processes, against a small OTLP receiver: what their traces look like in each scenario.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use demo::{Export, System, SystemOptions};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const ERROR: i32 = 2;

/// Not a test: the process of one service, which the system below starts by running this very file again.
#[test]
#[ignore = "the process of one service, started by the other tests"]
fn service_process() {
    let name = std::env::args().next_back().expect("the service's name is the last argument");
    // Nobody tells it to stop when it is run by hand.
    assert!(std::env::var("OTEL_SERVICE_NAME").is_ok_and(|service| service == name), "started by hand");
    // The test runner may have begun a line.
    say("");
    runtime().block_on(demo::service_main(&name)).expect("the service runs");
}

#[expect(clippy::print_stdout, reason = "these processes speak on standard output")]
fn say(line: &str) {
    println!("{line}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

// ------------------------------------------------------------------------------------------------ the scenarios

#[test]
fn an_answer_has_both_sides_of_every_hop_in_one_trace() {
    check(|system| async move {
        let answer = system.ask("What does a span's parent id mean?", "a", None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["answer"].as_str().is_some_and(|text| text.contains("parent")), "{}", answer.body);
        assert_eq!(answer.body["citations"][0], "span-parent", "{}", answer.body);
        assert_eq!(answer.body["model"], "headwater-extractive-1");
        assert_eq!(answer.body["cached"], false);
        let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1).await;
        let hops = [
            ("gateway", "auth", 1),
            ("gateway", "orchestrator", 1),
            ("orchestrator", "cache", 2),
            ("orchestrator", "search", 1),
            ("search", "vector-db", 2),
            ("orchestrator", "rag", 1),
            ("rag", "llm", 1),
        ];
        let expected: BTreeMap<_, _> =
            hops.into_iter().map(|(from, to, count)| ((from.to_owned(), to.to_owned()), count)).collect();
        assert_eq!(trace.hops(), expected, "{trace:#?}");
        assert_eq!(trace.roots(), ["gateway"], "{trace:#?}");
        assert!(trace.spans.iter().all(|span| span.status != ERROR), "{trace:#?}");
        assert_eq!(trace.cache_hits(), [false]);
        for name in ["prepare context", "embeddings headwater-hash-512"] {
            assert!(trace.spans.iter().any(|span| span.name == name && span.kind == INTERNAL), "{name} in {trace:#?}");
        }
        let chat = trace.named("chat headwater-extractive-1");
        assert!(number(&chat.attributes["gen_ai.usage.output_tokens"]) > 0);
        assert!(text(&chat.attributes["gen_ai.output.messages"]).contains("parent"));
        // Tokens are told once, however many spans a generation has.
        let telling = trace.spans.iter().filter(|span| span.attributes.contains_key("gen_ai.usage.output_tokens"));
        assert_eq!(telling.count(), 1, "{trace:#?}");
        for service in ["gateway", "vector-db"] {
            let resource = &trace.servers_of(service)[0].resource;
            for key in ["service.version", "service.instance.id", "deployment.environment.name", "host.name"] {
                assert!(resource.contains_key(key), "{service} lacks {key}: {resource:?}");
            }
        }
        // The tier that auth found travels as baggage to the far end.
        assert_eq!(text(&trace.servers_of("llm")[0].attributes["app.user.tier"]), "pro");
    });
}

#[test]
fn the_second_answer_comes_from_the_cache_of_its_namespace() {
    check(|system| async move {
        let question = "How is baggage different from attributes?";
        let first = system.ask(question, "b", None).await;
        let second = system.ask(question, "b", None).await;
        assert_eq!(second.body["cached"], true, "{}", second.body);
        assert_eq!(second.body["answer"], first.body["answer"]);
        let trace = system.trace(&second, |trace| trace.servers("gateway") == 1).await;
        assert_eq!(trace.cache_hits(), [true]);
        assert_eq!((trace.servers("llm"), trace.servers("search")), (0, 0), "{trace:#?}");
        let other = system.ask(question, "c", None).await;
        assert_eq!(other.body["cached"], false, "another namespace shares nothing");
    });
}

#[test]
fn a_failing_llm_is_tried_three_times_and_becomes_a_502() {
    check(|system| async move {
        let answer = system.ask("What is a resource?", "d", Some("edge=rag->llm,status=503")).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1 && trace.servers("llm") == 3).await;
        assert_eq!(trace.hops()[&("rag".into(), "llm".into())], 3);
        let mut attempts: Vec<&Span> =
            trace.spans.iter().filter(|span| span.service == "llm" && span.kind == SERVER).collect();
        attempts.sort_by_key(|span| span.start);
        let gaps: Vec<u64> = attempts.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
        assert!(gaps[1] > gaps[0], "the pauses grow: {gaps:?}");
        let resends: Vec<i64> = attempts
            .iter()
            .filter_map(|span| trace.parent(span)?.attributes.get("http.request.resend_count").map(number))
            .collect();
        assert_eq!(resends, [1, 2]);
        for service in ["llm", "rag", "orchestrator", "gateway"] {
            assert!(trace.servers_of(service).iter().all(|span| span.status == ERROR), "{service}: {trace:#?}");
        }
        let logs = system.logs_of(&answer.trace_id, "rag").await;
        assert!(logs.iter().any(|log| log.contains("llm answered 503")), "{logs:?}");
    });
}

#[test]
fn a_fault_for_two_requests_lets_the_third_succeed() {
    check(|system| async move {
        let answer = system.ask("What is a resource?", "e", Some("edge=rag->llm,status=503,times=2")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1 && trace.servers("llm") == 3).await;
        assert!(trace.servers_of("rag")[0].status != ERROR, "what was retried with success is no error of rag");
    });
}

#[test]
fn a_slow_vector_database_becomes_a_504_after_a_second() {
    check(|system| async move {
        let began = Instant::now();
        let answer =
            system.ask("When does a batch processor export?", "f", Some("edge=search->vector-db,delay=5000ms")).await;
        let took = began.elapsed();
        assert_eq!(answer.status, 504, "{}", answer.body);
        assert!((Duration::from_millis(900)..Duration::from_secs(3)).contains(&took), "{took:?}");
        let trace =
            system.trace(&answer, |trace| trace.servers("gateway") == 1 && trace.servers("vector-db") == 2).await;
        let asked =
            trace.spans.iter().find(|span| span.service == "search" && span.kind == CLIENT).expect("a client span");
        assert_eq!(text(&asked.attributes["error.type"]), "timeout");
        assert_eq!(text(&asked.attributes["rpc.response.status_code"]), "DEADLINE_EXCEEDED");
        assert_eq!(asked.status, ERROR);
        // It was told to stop, which is no error of its own: the fault lies on the edge.
        let cancelled = trace.servers_of("vector-db")[0];
        assert_eq!(text(&cancelled.attributes["rpc.response.status_code"]), "CANCELLED");
        assert!(cancelled.status != ERROR);
        for service in ["search", "orchestrator", "gateway"] {
            assert_eq!(trace.servers_of(service)[0].status, ERROR, "{service}");
        }
    });
}

#[test]
fn a_service_without_exporter_is_silent_and_still_hands_the_context_on() {
    runtime().block_on(async {
        let started = Started::with(|options| {
            options.exports.insert("rag".into(), Export::Off);
        })
        .await;
        let answer = started.ask("What is a span?", "h", None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let Started { system, sink } = started;
        // What the others hold is flushed when they end.
        system.stop().await;
        let spans = sink.spans.lock().expect("not poisoned").remove(&answer.trace_id).expect("a trace");
        let trace = Trace { spans };
        assert!(trace.spans.iter().all(|span| span.service != "rag"), "{trace:#?}");
        assert_eq!((trace.servers("llm"), trace.orphans()), (1, 1), "{trace:#?}");
    });
}

#[test]
fn a_real_provider_answers_and_its_refusal_of_the_key_is_not_the_users_fault() {
    runtime().block_on(async {
        let provider = provider().await;
        for (key, status) in [("right", 200), ("wrong", 502)] {
            let system = Started::with(|options| {
                let (program, arguments) = std::mem::take(&mut options.program);
                let mut all = vec![format!("OPENAI_API_KEY={key}"), format!("OPENAI_BASE_URL=http://{provider}/v1")];
                all.push(program.to_string_lossy().into_owned());
                all.extend(arguments);
                options.program = ("env".into(), all);
            })
            .await;
            let answer = system.ask("What is a span?", "p", None).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1).await;
            let logs = if status == 200 {
                assert!(answer.body.to_string().contains("asked with the right key"), "{}", answer.body);
                assert_eq!(trace.servers_of("llm")[0].status, 0, "{trace:#?}");
                Vec::new()
            } else {
                assert_eq!(trace.servers_of("llm")[0].status, ERROR, "{trace:#?}");
                system.logs_of(&answer.trace_id, "orchestrator").await
            };
            assert_eq!(logs.is_empty(), status == 200, "{logs:?}");
            system.system.stop().await;
        }
    });
}

/// An OpenAI-compatible endpoint that knows one key.
async fn provider() -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let answer = async |headers: axum::http::HeaderMap| {
        if headers.get("authorization").is_some_and(|value| value == "Bearer right") {
            let message = serde_json::json!({ "role": "assistant", "content": "asked with the right key [1]" });
            let usage = serde_json::json!({ "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7 });
            let choice = serde_json::json!({ "index": 0, "finish_reason": "stop", "message": message });
            (
                axum::http::StatusCode::OK,
                axum::Json(serde_json::json!({
                    "id": "1", "object": "chat.completion", "model": "gpt-of-the-test", "choices": [choice], "usage": usage,
                })),
            )
        } else {
            (axum::http::StatusCode::UNAUTHORIZED, axum::Json(serde_json::json!({ "error": { "message": "no" } })))
        }
    };
    let routes = axum::Router::new().route("/v1/chat/completions", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[test]
fn strangers_are_refused_and_faults_need_permission() {
    runtime().block_on(async {
        let system = Started::with(|options| options.faults = false).await;
        let refused = system.ask_as("nonsense", "What is a span?", "g", None).await;
        assert_eq!(refused.status, 401, "{}", refused.body);
        let answer = system.ask("What is a resource?", "g", Some("edge=rag->llm,status=503")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        system.system.stop().await;
    });
}

/// The services end by themselves when the one who started them is gone: their input ends.
#[test]
fn no_service_outlives_its_system() {
    runtime().block_on(async {
        let sink = Sink::start().await;
        let system = System::start(&options(&sink)).await.expect("starts");
        let pids: Vec<u32> = system.pids().into_values().collect();
        assert_eq!(pids.len(), 8);
        system.stop().await;
        for pid in pids {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} still runs");
        }
    });
}

/// Not a test: a launcher that says the ids of its services and waits to be killed.
#[test]
#[ignore = "the launcher that the next test kills"]
fn launcher_process() {
    let Ok(endpoint) = std::env::var("TEST_SINK") else { panic!("started by hand") };
    runtime().block_on(async {
        let system = System::start(&options_for(endpoint)).await.expect("starts");
        say(&format!("pids {}", serde_json::to_string(&system.pids()).expect("JSON")));
        std::future::pending::<()>().await;
    });
}

#[test]
fn no_service_outlives_a_killed_launcher() {
    runtime().block_on(async {
        let sink = Sink::start().await;
        let mut launcher = tokio::process::Command::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "--nocapture", "launcher_process"])
            .env("TEST_SINK", &sink.endpoint)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(launcher.stdout.take().expect("piped")).lines();
        let pids: BTreeMap<String, u32> = loop {
            let line = lines.next_line().await.expect("readable").expect("it says its services' ids");
            if let Some((_, pids)) = line.split_once("pids ") {
                break serde_json::from_str(pids).expect("JSON");
            }
        };
        assert_eq!(pids.len(), 8);
        // SIGKILL: it cannot tell anybody.
        launcher.kill().await.expect("killed");
        let deadline = Instant::now() + Duration::from_secs(10);
        let runs =
            |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        while pids.values().any(runs) {
            assert!(
                Instant::now() < deadline,
                "{:?} still run",
                pids.values().filter(|pid| runs(pid)).collect::<Vec<_>>()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_service_that_cannot_start_says_why() {
    runtime().block_on(async {
        let sink = Sink::start().await;
        let mut options = options(&sink);
        options
            .programs
            .insert("cache".into(), ("sh".into(), vec!["-c".into(), "echo no memory left >&2; exit 3".into()]));
        let problem = System::start(&options).await.expect_err("the cache does not start");
        assert!(problem.contains("cache ended before") && problem.contains("no memory left"), "{problem}");
    });
}

/// Downloads packages, so it runs only where that is asked for: `HEADWATER_TEST_POLYGLOT=1`.
#[test]
fn the_polyglot_services_behave_alike() {
    if std::env::var_os("HEADWATER_TEST_POLYGLOT").is_none() {
        say("SKIPPED the polyglot services: set HEADWATER_TEST_POLYGLOT=1 (downloads packages)");
        return;
    }
    runtime().block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = demo::set_up_polyglot(folder.path(), |_| ()).await.expect("set up");
        let system = Started::with(|options| options.programs = programs).await;

        let answer = system.ask("What does a span's parent id mean?", "a", None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["citations"][0], "span-parent", "{}", answer.body);
        let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1).await;
        let hop = |from: &str, to: &str| trace.hops().get(&(from.to_owned(), to.to_owned())).copied();
        assert_eq!(hop("gateway", "orchestrator"), Some(1), "{trace:#?}");
        assert_eq!(hop("orchestrator", "cache"), Some(2), "{trace:#?}");
        assert_eq!(hop("orchestrator", "search"), Some(1), "{trace:#?}");
        assert_eq!(hop("search", "vector-db"), Some(2), "{trace:#?}");
        assert_eq!(hop("orchestrator", "rag"), Some(1), "{trace:#?}");
        assert_eq!(trace.roots(), ["gateway"]);
        assert!(trace.spans.iter().all(|span| span.status != ERROR), "{trace:#?}");
        for (service, language) in [("orchestrator", "python"), ("search", "nodejs")] {
            assert_eq!(text(&trace.servers_of(service)[0].resource["telemetry.sdk.language"]), language);
            assert_eq!(text(&trace.servers_of(service)[0].attributes["app.user.tier"]), "pro");
        }
        assert_eq!(system.ask("What does a span's parent id mean?", "a", None).await.body["cached"], true);

        let answer = system.ask("What is a resource?", "b", Some("edge=rag->llm,status=503")).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        let logs = system.logs_of(&answer.trace_id, "orchestrator").await;
        assert!(logs.iter().any(|log| log.contains("rag answered 502")), "{logs:?}");

        let answer = system.ask("What is a span?", "c", Some("edge=search->vector-db,delay=5000ms")).await;
        assert_eq!(answer.status, 504, "{}", answer.body);
        let trace =
            system.trace(&answer, |trace| trace.servers("gateway") == 1 && trace.servers("vector-db") == 2).await;
        for service in ["search", "orchestrator", "gateway"] {
            assert_eq!(trace.servers_of(service)[0].status, ERROR, "{service}: {trace:#?}");
        }

        let answer = system.ask("What is a span?", "d", Some("edge=orchestrator->search,status=503")).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        let answer = system.ask("What is a span?", "e", Some("edge=gateway->orchestrator,status=503")).await;
        assert_eq!(answer.status, 502, "{}", answer.body);

        // Zero times is never, a delay has a unit, and a span names the fault that acted on it, not all there are.
        let acts = "edge=orchestrator->search,status=503";
        let faults = [
            "edge=gateway->orchestrator,status=503,times=0",
            "edge=orchestrator->search,delay=5000",
            "edge=orchestrator->search,delay=",
            acts,
        ];
        let answer = system.ask("What is a span?", "f", Some(&faults.join(";"))).await;
        assert_eq!(answer.status, 502, "{}", answer.body);
        let trace = system.trace(&answer, |trace| trace.servers("gateway") == 1 && trace.servers("search") == 1).await;
        assert_eq!(text(&trace.servers_of("search")[0].attributes["demo.fault"]), acts, "{trace:#?}");
        assert!(!trace.servers_of("orchestrator")[0].attributes.contains_key("demo.fault"), "{trace:#?}");

        let pids: Vec<u32> = system.system.pids().into_values().collect();
        let began = Instant::now();
        system.system.stop().await;
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert!(pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()));
    });
}

// ------------------------------------------------------------------------------------------------ the harness

struct Started {
    system: System,
    sink: Sink,
}

/// Starts the system and runs `scenario` against it.
fn check<F: Future<Output = ()>>(scenario: impl FnOnce(Arc<Started>) -> F) {
    runtime().block_on(async {
        let started = Arc::new(Started::with(|_| ()).await);
        scenario(started.clone()).await;
        Arc::try_unwrap(started).ok().expect("the scenario has ended").system.stop().await;
    });
}

fn options(sink: &Sink) -> SystemOptions {
    options_for(sink.endpoint.clone())
}

fn options_for(otlp_endpoint: String) -> SystemOptions {
    let arguments = ["--ignored", "--exact", "--nocapture", "service_process"];
    SystemOptions {
        program: (std::env::current_exe().expect("this test"), arguments.map(str::to_owned).to_vec()),
        otlp_endpoint,
        export: Export::After(Duration::from_millis(20)),
        exports: BTreeMap::new(),
        faults: true,
        defects: Vec::new(),
        programs: BTreeMap::new(),
        via: None,
    }
}

struct Answer {
    status: u16,
    body: Value,
    trace_id: String,
}

impl Started {
    /// Starts the system with what `change` makes of the usual options.
    async fn with(change: impl FnOnce(&mut SystemOptions)) -> Self {
        let sink = Sink::start().await;
        let mut options = options(&sink);
        change(&mut options);
        Self { system: System::start(&options).await.expect("the system starts"), sink }
    }

    async fn ask(&self, question: &str, namespace: &str, fault: Option<&str>) -> Answer {
        self.ask_as(&self.system.token, question, namespace, fault).await
    }

    async fn ask_as(&self, token: &str, question: &str, namespace: &str, fault: Option<&str>) -> Answer {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client
            .post(format!("{}/v1/ask", self.system.gateway_url))
            .bearer_auth(token)
            .header("x-cache-namespace", namespace)
            .json(&json!({ "question": question }));
        if let Some(fault) = fault {
            request = request.header("baggage", format!("headwater.fault={}", percent_encoded(fault)));
        }
        let response = request.send().await.expect("the gateway answers");
        let trace_id = response.headers()["x-trace-id"].to_str().expect("text").to_owned();
        Answer { status: response.status().as_u16(), trace_id, body: response.json().await.expect("JSON") }
    }

    /// The trace of `answer`, once `whole` says so; what there is after 10 s.
    async fn trace(&self, answer: &Answer, whole: impl Fn(&Trace) -> bool) -> Trace {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let spans =
                self.sink.spans.lock().expect("not poisoned").get(&answer.trace_id).cloned().unwrap_or_default();
            let trace = Trace { spans };
            if (whole(&trace) && trace.orphans() == 0 && trace.clients_have_servers()) || Instant::now() > deadline {
                return trace;
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), self.sink.arrived.notified()).await;
        }
    }

    async fn logs_of(&self, trace_id: &str, service: &str) -> Vec<String> {
        let key = (trace_id.to_owned(), service.to_owned());
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let logs = self.sink.logs.lock().expect("not poisoned").get(&key).cloned().unwrap_or_default();
            if !logs.is_empty() || Instant::now() > deadline {
                return logs;
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), self.sink.arrived.notified()).await;
        }
    }
}

#[derive(Clone, Debug)]
struct Span {
    service: String,
    resource: HashMap<String, Any>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    kind: i32,
    status: i32,
    start: u64,
    end: u64,
    attributes: HashMap<String, Any>,
}

#[derive(Clone, Debug, Default)]
struct Trace {
    spans: Vec<Span>,
}

impl Trace {
    fn servers_of(&self, service: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.service == service && span.kind == SERVER).collect()
    }

    fn servers(&self, service: &str) -> usize {
        self.servers_of(service).len()
    }

    fn named(&self, name: &str) -> &Span {
        self.spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {self:#?}"))
    }

    fn parent(&self, span: &Span) -> Option<&Span> {
        self.spans.iter().find(|other| other.id == span.parent)
    }

    fn roots(&self) -> Vec<&str> {
        self.spans.iter().filter(|span| span.parent.is_empty()).map(|span| span.service.as_str()).collect()
    }

    fn orphans(&self) -> usize {
        self.spans.iter().filter(|span| !span.parent.is_empty() && self.parent(span).is_none()).count()
    }

    fn clients_have_servers(&self) -> bool {
        let hop = |span: &&Span| span.kind == CLIENT && span.attributes.contains_key("service.peer.name");
        self.spans
            .iter()
            .filter(hop)
            .all(|span| span.status == ERROR || self.spans.iter().any(|other| other.parent == span.id))
    }

    /// Each hop that has a client span on its one side and a server span, its child, on the other.
    fn hops(&self) -> BTreeMap<(String, String), usize> {
        let mut hops = BTreeMap::new();
        for server in self.spans.iter().filter(|span| span.kind == SERVER) {
            if let Some(client) = self.parent(server).filter(|parent| parent.kind == CLIENT) {
                *hops.entry((client.service.clone(), server.service.clone())).or_default() += 1;
            }
        }
        hops
    }

    fn cache_hits(&self) -> Vec<bool> {
        let hits = self
            .spans
            .iter()
            .filter(|span| span.service == "cache")
            .filter_map(|span| span.attributes.get("cache.hit"));
        hits.map(|hit| matches!(hit, Any::BoolValue(true))).collect()
    }
}

/// Bodies of log records, by trace id and service.
type Logs = HashMap<(String, String), Vec<String>>;

/// A receiver of OTLP over gRPC that keeps what it is sent.
struct Sink {
    endpoint: String,
    spans: Arc<Mutex<HashMap<String, Vec<Span>>>>,
    logs: Arc<Mutex<Logs>>,
    arrived: Arc<tokio::sync::Notify>,
}

impl Sink {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let sink = Self {
            endpoint: format!("http://{}", listener.local_addr().expect("bound")),
            spans: Arc::default(),
            logs: Arc::default(),
            arrived: Arc::default(),
        };
        let (spans, arrived) = (sink.spans.clone(), sink.arrived.clone());
        let keep_spans = move |request: ExportTraceServiceRequest| {
            keep_spans(&mut spans.lock().expect("not poisoned"), request);
            arrived.notify_one();
            ExportTraceServiceResponse::default()
        };
        let (logs, arrived) = (sink.logs.clone(), sink.arrived.clone());
        let keep_logs = move |request: ExportLogsServiceRequest| {
            keep_logs(&mut logs.lock().expect("not poisoned"), request);
            arrived.notify_one();
            ExportLogsServiceResponse::default()
        };
        let router = axum::Router::new()
            .route("/opentelemetry.proto.collector.trace.v1.TraceService/Export", unary(keep_spans))
            .route("/opentelemetry.proto.collector.logs.v1.LogsService/Export", unary(keep_logs));
        tokio::spawn(async move { axum::serve(listener, router).await });
        sink
    }
}

/// A gRPC method made of a function.
fn unary<Q, A>(keep: impl Fn(Q) -> A + Clone + Send + Sync + 'static) -> axum::routing::MethodRouter
where
    Q: prost::Message + Default + Send + Sync + 'static,
    A: prost::Message + Default + Send + Sync + 'static,
{
    struct Method<K>(K);
    impl<Q: Send + 'static, A: Send + 'static, K: Fn(Q) -> A> tonic::server::UnaryService<Q> for Method<K> {
        type Response = A;
        type Future = std::future::Ready<Result<tonic::Response<A>, tonic::Status>>;
        fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
            std::future::ready(Ok(tonic::Response::new((self.0)(request.into_inner()))))
        }
    }
    axum::routing::post(async move |request: axum::extract::Request| {
        let codec = tonic_prost::ProstCodec::<A, Q>::default();
        tonic::server::Grpc::new(codec).unary(Method(keep), request).await.map(axum::body::Body::new)
    })
}

fn keep_spans(kept: &mut HashMap<String, Vec<Span>>, request: ExportTraceServiceRequest) {
    for resource_spans in request.resource_spans {
        let resource = map(resource_spans.resource.unwrap_or_default().attributes);
        for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            kept.entry(hex(&span.trace_id)).or_default().push(Span {
                service: text(&resource["service.name"]),
                resource: resource.clone(),
                id: span.span_id,
                parent: span.parent_span_id,
                name: span.name,
                kind: span.kind,
                status: span.status.map_or(0, |status| status.code),
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                attributes: map(span.attributes),
            });
        }
    }
}

fn keep_logs(kept: &mut Logs, request: ExportLogsServiceRequest) {
    for resource_logs in request.resource_logs {
        let service = text(&map(resource_logs.resource.unwrap_or_default().attributes)["service.name"]);
        for record in resource_logs.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            let body = record.body.and_then(|body| body.value).map(|value| text(&value)).unwrap_or_default();
            kept.entry((hex(&record.trace_id), service.clone())).or_default().push(body);
        }
    }
}

fn map(attributes: Vec<KeyValue>) -> HashMap<String, Any> {
    let pair = |pair: KeyValue| match pair.value {
        Some(AnyValue { value: Some(value) }) => Some((pair.key, value)),
        _ => None,
    };
    attributes.into_iter().filter_map(pair).collect()
}

fn text(value: &Any) -> String {
    if let Any::StringValue(text) = value { text.clone() } else { format!("{value:?}") }
}

fn number(value: &Any) -> i64 {
    if let Any::IntValue(number) = value { *number } else { panic!("{value:?} is no integer") }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
