//! All destinations together: started with the server, offered every body, drained at its end.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use journal::{Disk, Journal, JournalError, Position};
use stdx::{Clock, Random};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::body::ReceivedBody;
use crate::counters::Counts;
use crate::delivery::deliver;
use crate::destination::{Destination, without_userinfo};
use crate::filter::Filter;
use crate::limits::{DESTINATIONS_MAX, FOLDER_NAME_CHARS_MAX, JOURNAL_FILE_BYTES};
use crate::own_address::is_own_address;
use crate::pause::Pauses;
use crate::route::{Activity, Route, RouteParts};
use crate::transport::Transport;

/// What a forwarder is made of.
#[derive(Clone, Debug)]
pub struct ForwarderParts {
    /// Where to send. Names must differ.
    pub destinations: Vec<Destination>,
    /// Where this process receives: a destination there would send every span round for ever, and is refused.
    pub listening: Vec<SocketAddr>,
    /// Where the journals lie, one folder for each destination.
    pub folder: PathBuf,
    /// The disk they lie on.
    pub disk: Arc<dyn Disk>,
    /// The pauses between tries.
    pub pauses: Pauses,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Spreads the pauses.
    pub random: Arc<dyn Random>,
}

/// Sends every body on to every destination.
#[derive(Debug)]
pub struct Forwarder {
    routes: Vec<Arc<Route>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Why forwarding cannot start.
#[derive(Clone, Debug)]
pub enum StartError {
    /// Two destinations have one name, and would share a journal.
    SameName(String),
    /// More destinations than there may be.
    TooMany(usize),
    /// A destination is where we receive ourselves.
    OwnAddress {
        /// The destination.
        destination: String,
        /// Where it is.
        endpoint: String,
    },
    /// A destination's journal cannot be opened.
    Journal {
        /// The destination.
        destination: String,
        /// Why.
        error: JournalError,
    },
    /// A destination cannot be sent to.
    Destination {
        /// The destination.
        destination: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameName(name) => write!(f, "two destinations are called {name:?}: give one another `name`"),
            Self::TooMany(count) => write!(f, "{count} destinations, at most {DESTINATIONS_MAX} are served"),
            Self::OwnAddress { destination, endpoint } => write!(
                f,
                "destination {destination:?} is {endpoint}, where this server receives: every span would come back for ever; name another address, or leave it out"
            ),
            Self::Journal { destination, error } => {
                write!(f, "the queue of destination {destination:?} cannot be opened: {error}")
            }
            Self::Destination { destination, reason } => write!(f, "destination {destination:?}: {reason}"),
        }
    }
}

impl std::error::Error for StartError {}

/// How one destination is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// Where it is, without user and password.
    pub endpoint: String,
    /// `grpc`, `http/protobuf` or `http/json`.
    pub protocol: &'static str,
    /// What it is doing.
    pub activity: Activity,
    /// Requests waiting.
    pub queued_requests: u64,
    /// Bytes waiting.
    pub queued_bytes: u64,
    /// What happened so far.
    pub counts: Counts,
}

impl Forwarder {
    /// Opens the journals and starts to send what waits in them. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If a journal cannot be opened, or the destinations cannot be told apart.
    pub fn start(parts: ForwarderParts) -> Result<Self, StartError> {
        if parts.destinations.len() > DESTINATIONS_MAX {
            return Err(StartError::TooMany(parts.destinations.len()));
        }
        let mut names: Vec<String> =
            parts.destinations.iter().map(|destination| folder_name(&destination.name)).collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(StartError::SameName(pair[0].clone()));
        }
        let routes = parts.destinations.iter().map(|destination| route(&parts, destination).map(Arc::new));
        let routes: Vec<Arc<Route>> = routes.collect::<Result<_, _>>()?;
        let tasks = routes.iter().map(|route| tokio::spawn(deliver(route.clone()))).collect();
        Ok(Self { routes, tasks: Mutex::new(tasks) })
    }

    /// Hands over a body. Never waits and never fails: what a destination's queue cannot take is dropped and counted.
    /// It is safe from a crash once [`Forwarder::synced`] says so, some 5 ms later.
    pub fn offer(&self, body: &ReceivedBody) {
        for route in &self.routes {
            route.offer(body);
        }
    }

    /// Resolves once everything offered so far is synced to disk, for whoever wants to promise that before answering a
    /// sender; the journals sync about every 5 ms. A journal whose disk fails does not resolve: bound it by a time limit.
    pub async fn synced(&self) {
        for route in &self.routes {
            let last = route.last_appended();
            if last > Position::START {
                // False when the journal was closed, and then nothing more will be synced.
                let _ = route.journal.readable_after(Position(last.0 - 1)).await;
            }
        }
    }

    /// How the destinations are doing, in the order given.
    #[must_use]
    pub fn status(&self) -> Vec<DestinationStatus> {
        self.routes.iter().map(|route| status(route)).collect()
    }

    /// Sends what waits, no longer than `limit`, then stops. What could not be sent stays in the journals and is sent
    /// after the next start. Answers how many requests wait.
    pub async fn drain(&self, limit: Duration) -> u64 {
        for route in &self.routes {
            route.drain();
        }
        let mut tasks = self.tasks.lock().await;
        let all = futures_util::future::join_all(tasks.iter_mut());
        if tokio::time::timeout(limit, all).await.is_err() {
            for route in &self.routes {
                route.stop();
            }
            // A stopped route ends at its next turn; one whose request is under way drops it.
            let _ = futures_util::future::join_all(tasks.iter_mut().filter(|task| !task.is_finished())).await;
        }
        tasks.clear();
        self.status().iter().map(|status| status.queued_requests).sum()
    }
}

fn route(parts: &ForwarderParts, destination: &Destination) -> Result<Route, StartError> {
    let destination = Arc::new(destination.clone());
    for address in destination.traces.iter().chain(&destination.logs) {
        if is_own_address(address, &parts.listening, resolve) {
            let endpoint = without_userinfo(address);
            return Err(StartError::OwnAddress { destination: destination.name.clone(), endpoint });
        }
    }
    let refused = |reason| StartError::Destination { destination: destination.name.clone(), reason };
    let filter = destination.filter.as_deref().map(Filter::parse).transpose().map_err(refused)?;
    let transport = Transport::new(destination.clone(), parts.clock.clone()).map_err(refused)?;
    let folder = parts.folder.join(folder_name(&destination.name));
    // One file is always kept, and none is filled ahead of time: a destination that is up needs little disk.
    let options = journal::Options {
        file_bytes: JOURNAL_FILE_BYTES,
        bytes_max: Some(destination.spool_bytes_max),
        write_ahead: false,
        ..journal::Options::default()
    };
    let (journal, recovered) = Journal::open(parts.disk.clone(), &folder, options)
        .map_err(|error| StartError::Journal { destination: destination.name.clone(), error })?;
    Ok(Route::new(RouteParts {
        destination,
        filter,
        transport,
        pauses: parts.pauses,
        clock: parts.clock.clone(),
        random: parts.random.clone(),
        released: recovered.released,
        appended: recovered.last.max(recovered.released),
        journal,
    }))
}

/// The addresses of a host name, as this machine resolves it; none when it cannot.
fn resolve(host: &str) -> Vec<IpAddr> {
    (host, 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}

fn status(route: &Route) -> DestinationStatus {
    let address = route.destination.traces.as_ref().or(route.destination.logs.as_ref());
    let stats = route.journal.stats();
    DestinationStatus {
        name: route.destination.name.clone(),
        endpoint: address.map(without_userinfo).unwrap_or_default(),
        protocol: route.destination.protocol.name(),
        activity: route.activity(),
        queued_requests: route.waiting(),
        // Files are given back whole, so an empty queue may still take a part of one.
        queued_bytes: if route.waiting() == 0 { 0 } else { stats.bytes },
        counts: route.counters.counts(),
    }
}

/// A destination's name as a folder's.
fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).take(FOLDER_NAME_CHARS_MAX).collect();
    if name.is_empty() { "destination".to_owned() } else { name }
}
