//! The server: what it is made of, which address goes where, and what every answer carries.

use std::sync::{Arc, Mutex};

use analysis::Peers;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use model::{Duration, Instant};
use stdx::Clock;
use tokio::sync::{Semaphore, watch};

use crate::answer::Refusal;
use crate::feed::Feed;
use crate::guard::Guard;
use crate::limits::{BODY_BYTES_MAX, LIVE_CONNECTIONS_MAX, LONG_WORK_MAX, RUN_BODY_BYTES_MAX, WATCHES_MAX};
use crate::page::Page;
use crate::parts::{Counters, Starter};
use crate::prepared::PreparedTraces;
use crate::reader::Reader;
use crate::routes::{
    completion, evals, explain, info, live, map, search, series, sign_in, trace, traces, watch as watching,
};
use crate::run_book::RunBook;
use crate::styles::Styles;

/// What does not change while the server runs.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The version, such as `0.1.0`.
    pub version: String,
    /// When the server started.
    pub started: Instant,
    /// Where OTLP over gRPC is taken.
    pub otlp_grpc: Option<String>,
    /// Where OTLP over HTTP is taken.
    pub otlp_http: Option<String>,
    /// Where the page is served.
    pub api: String,
    /// The data folder, if there is one.
    pub data_folder: Option<String>,
    /// How long traces are kept.
    pub retention_age: Option<Duration>,
    /// How many bytes are kept.
    pub retention_bytes: Option<u64>,
}

/// What the server is made of.
#[derive(Debug)]
pub struct Parts {
    /// What does not change.
    pub identity: Identity,
    /// The stored traces.
    pub reader: Reader,
    /// Told of every stored batch.
    pub feed: Arc<Feed>,
    /// The runs of evaluations.
    pub runs: Arc<RunBook>,
    /// The looks of services.
    pub styles: Styles,
    /// What the rest of the server counts.
    pub counters: Arc<dyn Counters>,
    /// Starts suites.
    pub starter: Arc<dyn Starter>,
    /// Who may ask.
    pub guard: Guard,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the page lies below the host: begins and ends with `/`.
    pub base_path: String,
}

/// The parts, and what is kept between requests.
#[derive(Debug)]
pub struct Api {
    pub(crate) identity: Identity,
    pub(crate) reader: Reader,
    pub(crate) feed: Arc<Feed>,
    pub(crate) runs: Arc<RunBook>,
    pub(crate) styles: Styles,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) starter: Arc<dyn Starter>,
    pub(crate) guard: Guard,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) page: Page,
    pub(crate) prepared: PreparedTraces,
    /// With the offsets of clocks taken out.
    pub(crate) adjusted: PreparedTraces,
    /// Which service answers at which address, learned from every trace that a map was made of.
    pub(crate) peers: Mutex<Arc<Peers>>,
    /// Analyses of many traces that may run.
    pub(crate) long_work: Arc<Semaphore>,
    pub(crate) watches: Arc<Semaphore>,
    pub(crate) live_connections: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

impl Api {
    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            page: Page::new(&parts.base_path),
            identity: parts.identity,
            reader: parts.reader,
            feed: parts.feed,
            runs: parts.runs,
            styles: parts.styles,
            counters: parts.counters,
            starter: parts.starter,
            guard: parts.guard,
            clock: parts.clock,
            prepared: PreparedTraces::default(),
            adjusted: PreparedTraces::default(),
            peers: Mutex::default(),
            long_work: Arc::new(Semaphore::new(LONG_WORK_MAX)),
            watches: Arc::new(Semaphore::new(WATCHES_MAX)),
            live_connections: Arc::new(Semaphore::new(LIVE_CONNECTIONS_MAX)),
            stop: watch::Sender::new(false),
        })
    }

    /// Ends the streams that would keep connections open for ever.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns once [`Api::stop`] was called.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // It cannot be closed: the sender lives in `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Nanoseconds since `began`, by the monotonic clock.
    pub(crate) fn elapsed(&self, began: u64) -> i64 {
        i64::try_from(self.clock.monotonic_nanos().saturating_sub(began)).unwrap_or(i64::MAX)
    }

    /// Runs something that computes for long on a thread that may.
    pub(crate) async fn busy<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        tokio::task::spawn_blocking(work).await.map_err(Refusal::fault)
    }
}

/// The router, ready to be served.
pub fn router(api: Arc<Api>) -> Router {
    let v1 = Router::new()
        .route("/info", get(info::info))
        .route("/status", get(info::status))
        .route("/services", get(info::services))
        .route("/traces", get(traces::list))
        .route("/search", get(search::search))
        .route("/series", get(series::series))
        .route("/trace/{id}", axum::routing::delete(trace::delete))
        .route("/trace/{id}/outline", get(trace::get_outline))
        .route("/trace/{id}/spans/{row}", get(trace::get_span))
        .route("/trace/{id}/row", get(trace::get_row))
        .route("/trace/{id}/find", get(trace::find))
        .route("/trace/{id}/otlp", get(trace::get_otlp))
        .route("/trace/{id}/clocks", get(trace::get_clocks))
        .route("/trace/{id}/report", get(trace::get_report))
        .route("/trace/{id}/watch", get(watching::watch))
        .route("/map", get(map::map))
        .route("/findings", get(explain::findings))
        .route("/what-if", post(explain::what_if))
        .route("/compare", post(explain::compare_selections))
        .route("/doctor", get(explain::doctor))
        .route("/keys", get(completion::keys))
        .route("/values", get(completion::values))
        .route("/complete", get(completion::complete))
        .route("/evals", get(evals::list).post(evals::submit).layer(DefaultBodyLimit::max(RUN_BODY_BYTES_MAX)))
        .route("/evals/start", post(evals::start))
        .route("/evals/{run}", get(evals::get))
        .route("/evals/{run}/report", get(evals::report))
        .route("/live", get(live::live))
        .layer(from_fn_with_state(api.clone(), ask_for_token))
        .route("/sign-in", post(sign_in::sign_in))
        .fallback(no_such_address);
    Router::new()
        .nest("/api/v1", v1)
        .route("/metrics", get(info::metrics).layer(from_fn_with_state(api.clone(), ask_for_token)))
        .route("/healthz", get(info::healthz))
        .route("/readyz", get(info::readyz))
        .fallback(page)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(api.clone(), check_asker))
        .with_state(api)
}

async fn page(State(api): State<Arc<Api>>, request: Request) -> Response {
    if !request.method().is_safe() {
        return wrong_method().await.into_response();
    }
    let answer = api.page.answer(request.uri().path(), request.headers());
    answer.unwrap_or_else(|| nothing_at(request.uri().path()).into_response())
}

async fn no_such_address(request: Request) -> Refusal {
    nothing_at(request.uri().path())
}

fn nothing_at(path: &str) -> Refusal {
    let path: String = path.chars().take(200).collect();
    Refusal::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at {path}"),
        "the API lies below /api/v1/, the page at /",
    )
}

async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take that method",
        "most addresses take GET only",
    )
}

async fn ask_for_token(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match api.guard.check_token(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => Refusal::from(refused).into_response(),
    }
}

/// Checks host and origin, and gives every answer its security headers.
async fn check_asker(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let checked = api.guard.check_host(uri, headers).and_then(|()| api.guard.check_origin(method, uri, headers));
    let mut response = match checked {
        Ok(()) => as_problem(next.run(request).await).await,
        Err(refused) => Refusal::from(refused).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What axum refuses by itself (a parameter of the wrong type, a body too large) comes as plain text: it becomes a
/// problem like all others.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !status.is_client_error() || !kind.starts_with("text/plain") {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), BODY_BYTES_MAX).await.unwrap_or_default();
    let hint = if status == StatusCode::PAYLOAD_TOO_LARGE { "send less at once" } else { "see API.md" };
    Refusal::new(status, String::from_utf8_lossy(&words).trim(), hint).into_response()
}

/// Nothing but our own files runs or is fetched; nobody frames us; types are not guessed.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'; \
         require-trusted-types-for 'script'; trusted-types headwater",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
