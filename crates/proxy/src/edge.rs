//! One edge: its listener, its rules, what happened.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fault::{Doom, RuleBook};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use model::TraceId;
use stdx::Clock;
use tokio::net::{TcpListener, TcpStream};

use crate::callee::Callees;
use crate::edge_spec::Callee;
use crate::exchange::exchange;
use crate::limits::{HEADER_BYTES_MAX, HEADERS_MAX, STREAMS_MAX};
use crate::listening;
use crate::told::EdgeReport;
use crate::upgrade::Upgraded;

/// An edge on which a proxy stands.
#[derive(Debug)]
pub struct Edge {
    name: String,
    address: SocketAddr,
    callee: RwLock<Option<Callee>>,
    book: Mutex<RuleBook>,
    callees: Callees,
    clock: Arc<dyn Clock>,
}

impl Edge {
    pub(crate) fn new(
        name: String,
        address: SocketAddr,
        callee: Option<Callee>,
        (seed, clock, callees): (u64, Arc<dyn Clock>, Callees),
    ) -> Self {
        let book = Mutex::new(RuleBook::new(seed));
        Self { name, address, callee: RwLock::new(callee), book, callees, clock }
    }

    /// `caller -> callee`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the caller is to call.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where the callee is, for requests from now on.
    pub fn call(&self, callee: Callee) {
        *self.callee.write().unwrap_or_else(PoisonError::into_inner) = Some(callee);
    }

    /// What happened so far.
    #[must_use]
    pub fn told(&self) -> EdgeReport {
        EdgeReport {
            edge: self.name.clone(),
            listen: self.address.to_string(),
            callee: self.callee().map(|callee| callee.to_string()),
            counters: self.with_book(|book| book.counters()),
        }
    }

    pub(crate) fn callee(&self) -> Option<Callee> {
        self.callee.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn callees(&self) -> &Callees {
        &self.callees
    }

    pub(crate) fn meet(&self, trace: Option<TraceId>) -> Doom {
        let now = self.clock.monotonic_nanos();
        self.with_book(|book| book.meet(trace, now))
    }

    pub(crate) fn with_book<T>(&self, act: impl FnOnce(&mut RuleBook) -> T) -> T {
        act(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves an edge until it is dropped; connections end with it, upgraded ones too.
pub(crate) async fn serve(edge: Arc<Edge>, listener: TcpListener) {
    listening::serve(listener, |stream| connection(Arc::clone(&edge), stream)).await;
}

async fn connection(edge: Arc<Edge>, stream: TcpStream) {
    let upgraded = Upgraded::default();
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().preserve_header_case(true).auto_date_header(false).max_headers(HEADERS_MAX).timer(TokioTimer::new());
    server
        .http2()
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .adaptive_window(true)
        .timer(TokioTimer::new());
    let joined = upgraded.clone();
    let answer = service_fn(move |request| exchange(Arc::clone(&edge), joined.clone(), request));
    // That the caller went away is no failure; that the callee did is counted where it is noticed.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), answer).await;
    upgraded.over().await;
}
