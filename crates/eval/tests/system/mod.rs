//! A system under test in one process: it answers HTTP and hands the spans that eight services would send to a
//! [`WatchedTraces`], each service after its own export delay.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use eval::{Host, HttpClient, NoSettings, TraceSource, WatchedTraces};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use model::{Attributes, Batch, Instant, Resource, Span, SpanId, SpanKind, Status, StatusCode, TraceId, Value};

/// How the system behaves.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Milliseconds that a service's exporter holds spans back; 5 if not said.
    pub delays: BTreeMap<&'static str, u64>,
    /// Services whose exporter is switched off.
    pub silent: HashSet<&'static str>,
    /// The gateway answers 200 although the language model failed.
    pub swallows_errors: bool,
    /// What each request that misses the cache takes longer, milliseconds.
    pub answer_after: u64,
}

/// Keeps none of the runner's own spans.
#[derive(Debug)]
pub struct NoSink;

impl eval::SpanSink for NoSink {
    fn deliver(&self, _batch: Batch) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What a run works with whose traces come from `source`. `seed` makes its ids.
pub fn host(source: Arc<dyn TraceSource>, seed: u64) -> Host {
    Host {
        clock: Arc::new(stdx::SystemClock::new()),
        random: Arc::new(stdx::SeededRandom::new(seed)),
        source,
        sink: Arc::new(NoSink),
        settings: Arc::new(NoSettings),
        client: HttpClient::new().expect("a client"),
        injector: None,
    }
}

pub struct System {
    pub address: SocketAddr,
    pub traces: Arc<WatchedTraces>,
}

impl System {
    pub async fn start(behaviour: Behaviour) -> Self {
        let traces = Arc::new(WatchedTraces::new(Arc::new(stdx::SystemClock::new())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State { behaviour, traces: Arc::clone(&traces), cached: Mutex::default() });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { Ok::<_, Infallible>(answer(&state, request).await) }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, traces }
    }

    /// What a run against it works with.
    pub fn host(&self) -> Host {
        host(Arc::clone(&self.traces) as _, self.address.port().into())
    }
}

/// How long an answer from the cache takes.
const HIT_MS: u64 = 2;
/// How long any other takes: so much longer that a busy machine, which can add 40 ms to either, does not hide the
/// difference.
const MISS_MS: u64 = 250;

struct State {
    behaviour: Behaviour,
    traces: Arc<WatchedTraces>,
    cached: Mutex<HashSet<String>>,
}

async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let traceparent = header("traceparent").to_owned();
    let fault = header("baggage").to_owned();
    let namespace = header("x-cache-namespace").to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let key = format!("{namespace} {}", String::from_utf8_lossy(&body));
    let mut parts = traceparent.split('-').skip(1);
    let trace_id: TraceId = parts.next().unwrap_or_default().parse().unwrap_or_default();
    let parent: SpanId = parts.next().unwrap_or_default().parse().unwrap_or_default();
    let hit = !state.cached.lock().expect("not poisoned").insert(key);
    let fails = fault.contains("rag-%3Ellm");
    let slow = fault.contains("search-%3Evector-db");
    let work = if hit { HIT_MS } else { MISS_MS + state.behaviour.answer_after };
    tokio::time::sleep(std::time::Duration::from_millis(work)).await;
    let mut made = Made { trace_id, spans: Vec::new(), next: 0, now: now() };
    let status = made.request(parent, hit, fails, slow, state.behaviour.swallows_errors);
    deliver(state, made.spans);
    let answer =
        if status == 200 { r#"{"answer":"the parent of a span is its caller"}"# } else { r#"{"error":"failed"}"# };
    Response::builder().status(status).body(Full::new(Bytes::from(answer))).expect("a response")
}

fn now() -> u64 {
    use stdx::Clock;
    stdx::SystemClock::new().unix_nanos()
}

fn deliver(state: &Arc<State>, spans: Vec<Span>) {
    let mut by_service: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for span in spans {
        by_service.entry(span.service_name().to_owned()).or_default().push(span);
    }
    for (service, spans) in by_service {
        if state.behaviour.silent.contains(service.as_str()) {
            continue;
        }
        let delay = state.behaviour.delays.get(service.as_str()).copied().unwrap_or(5);
        let traces = Arc::clone(&state.traces);
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
            traces.receive(&Batch { spans, logs: Vec::new() });
        });
    }
}

struct Made {
    trace_id: TraceId,
    spans: Vec<Span>,
    next: u8,
    now: u64,
}

const MS: u64 = 1_000_000;

impl Made {
    fn span(&mut self, service: &str, name: &str, kind: SpanKind, parent: SpanId, from_ms: u64, to_ms: u64) -> SpanId {
        self.next += 1;
        let mut id = [0; 8];
        id[7] = self.next;
        id[0] = 0xab;
        let mut span = Span::new(self.trace_id, SpanId(id), name);
        span.parent_span_id = Some(parent);
        span.kind = kind;
        // Everything ended just now.
        let base = self.now - 4_000 * MS;
        (span.start, span.end) = (Instant(base + from_ms * MS), Instant(base + to_ms * MS));
        let attributes: Attributes = [("service.name", service)].into_iter().collect();
        span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        self.spans.push(span);
        SpanId(id)
    }

    fn last(&mut self) -> &mut Span {
        self.spans.last_mut().expect("there is one")
    }

    fn err(&mut self, message: &str) {
        self.last().status = Status { code: StatusCode::ERROR, message: message.into() };
    }

    fn call(&mut self, caller: &str, callee: &str, parent: SpanId, from_ms: u64, to_ms: u64) -> (SpanId, usize) {
        let client = self.span(caller, "POST", SpanKind::CLIENT, parent, from_ms, to_ms);
        self.last().attributes.push("http.request.method", "POST");
        self.last().attributes.push("server.address", "127.0.0.1");
        self.last().attributes.push("service.peer.name", callee);
        (client, self.spans.len() - 1)
    }

    fn serve(&mut self, service: &str, client: SpanId, from_ms: u64, to_ms: u64) -> SpanId {
        self.span(service, &format!("POST /{service}"), SpanKind::SERVER, client, from_ms, to_ms)
    }

    fn fail(&mut self, index: usize, message: &str, status: i64) {
        let span = &mut self.spans[index];
        span.status = Status { code: StatusCode::ERROR, message: message.into() };
        span.attributes.push("http.response.status_code", Value::Int(status));
    }

    /// The spans of one request, all times in milliseconds since it began; answers with its status.
    fn request(&mut self, parent: SpanId, hit: bool, fails: bool, slow: bool, swallows: bool) -> u16 {
        let failing = (fails || slow) && !hit;
        let status = if failing && !swallows { if slow { 504 } else { 502 } } else { 200 };
        let gateway = self.serve("gateway", parent, 0, 3_900);
        let gateway_at = self.spans.len() - 1;
        let (to_auth, _) = self.call("gateway", "auth", gateway, 10, 50);
        self.serve("auth", to_auth, 12, 48);
        let (to_orchestrator, to_orchestrator_at) = self.call("gateway", "orchestrator", gateway, 60, 3_890);
        let orchestrator = self.serve("orchestrator", to_orchestrator, 70, 3_880);
        let orchestrator_at = self.spans.len() - 1;
        let (to_cache, _) = self.call("orchestrator", "cache", orchestrator, 80, 100);
        self.serve("cache", to_cache, 85, 95);
        self.last().attributes.push("cache.hit", hit);
        if !hit {
            let (to_search, to_search_at) = self.call("orchestrator", "search", orchestrator, 110, 1_500);
            let search = self.serve("search", to_search, 120, 1_490);
            let search_at = self.spans.len() - 1;
            let (to_vector, to_vector_at) = self.call("search", "vector-db", search, 200, 1_200);
            if slow {
                self.fail(to_vector_at, "deadline exceeded", 504);
                self.spans[to_vector_at].attributes.push("error.type", "timeout");
                for at in [search_at, to_search_at] {
                    self.fail(at, "search timed out", 504);
                }
            } else {
                self.serve("vector-db", to_vector, 210, 1_190);
                let (to_rag, to_rag_at) = self.call("orchestrator", "rag", orchestrator, 1_600, 3_700);
                let rag = self.serve("rag", to_rag, 1_610, 3_690);
                let rag_at = self.spans.len() - 1;
                let tries: &[(u64, u64)] =
                    if fails { &[(1_700, 1_800), (1_900, 2_000), (2_300, 2_400)] } else { &[(1_700, 3_600)] };
                for &(from, to) in tries {
                    let (to_llm, to_llm_at) = self.call("rag", "llm", rag, from, to);
                    self.serve("llm", to_llm, from + 5, to - 5);
                    if fails {
                        self.err("unavailable");
                        self.fail(to_llm_at, "unavailable", 503);
                    }
                }
                if fails {
                    for at in [rag_at, to_rag_at] {
                        self.fail(at, "no answer", 502);
                    }
                }
            }
            if failing && !swallows {
                for at in [orchestrator_at, to_orchestrator_at, gateway_at] {
                    self.fail(at, "failed", i64::from(status));
                }
            }
        }
        status
    }
}
