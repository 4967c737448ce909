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
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::callee::Callees;
use crate::edge_spec::Callee;
use crate::exchange::exchange;
use crate::limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADERS_MAX, STREAMS_MAX};
use crate::told::EdgeReport;

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

/// Serves an edge until it is dropped; connections end with it.
pub(crate) async fn serve(edge: Arc<Edge>, listener: TcpListener) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let edge = Arc::clone(&edge);
                connections.spawn(async move {
                    connection(edge, stream).await;
                    drop(permit);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(edge: Arc<Edge>, stream: TcpStream) {
    // Without it a small frame can wait 40 ms for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().preserve_header_case(true).auto_date_header(false).max_headers(HEADERS_MAX).timer(TokioTimer::new());
    server
        .http2()
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .adaptive_window(true)
        .timer(TokioTimer::new());
    let answer = service_fn(move |request| exchange(Arc::clone(&edge), request));
    // A connection that ends in an error was dropped by its caller, by its callee or by a fault; all are counted elsewhere.
    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), answer).await;
}
