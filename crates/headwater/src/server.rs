//! A server's life: built from the ground up, run, stopped in the order of a span's walk.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Api, Feed, Guard, Identity, Parts, Reader, RunBook, Styles};
use eval::WatchedTraces;
use forward::{Destination, Forwarder, ForwarderParts, Pauses};
use ingest::Receiver;
use model::Instant;
use stdx::{Clock, Random, SeededRandom, SystemClock};
use store::{EmbeddedStore, Hooks, KeepLonger, OpenReport, Options, Retention, Upkeep};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::counters::Counters;
use crate::exit::Failure;
use crate::shelf::Shelf;
use crate::sinks::{Pipeline, decode_record};
use crate::suites::{SuiteFile, Suites};

/// Each step of stopping may take this long.
const STOP_STEP_MAX: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The data folder.
    pub data: PathBuf,
    /// `host:port` for OTLP over gRPC.
    pub grpc: Option<String>,
    /// `host:port` for OTLP over HTTP.
    pub http: Option<String>,
    /// `host:port` of the page and API.
    pub page: String,
    /// Take a free port for the page when that one is in use.
    pub page_may_move: bool,
    /// What the page asks for.
    pub token: Option<String>,
    /// How long and how much to keep.
    pub retention: Retention,
    /// What is kept longer than that.
    pub keep_longer: Option<KeepLonger>,
    /// Where everything is sent on to.
    pub destinations: Vec<Destination>,
    /// What page, API and reports do not show of traces.
    pub secrets: eval::Secrets,
    /// What else hears of every batch, beside the store.
    pub also: Vec<Arc<dyn ingest::Sink>>,
    /// What may be started from the page.
    pub suites: Vec<SuiteFile>,
    /// Takes less memory, for a little speed: for commands that run beside what they test.
    pub small: bool,
}

impl ServerOptions {
    /// Free ports on loopback for everything: for commands that only need to get at a data folder.
    pub fn quiet(data: &Path) -> Self {
        let free = || "127.0.0.1:0".to_owned();
        Self {
            data: data.to_owned(),
            grpc: None,
            http: Some(free()),
            page: free(),
            page_may_move: true,
            token: None,
            retention: Retention::default(),
            keep_longer: None,
            destinations: Vec::new(),
            secrets: eval::Secrets::default(),
            also: Vec::new(),
            suites: Vec::new(),
            small: false,
        }
    }
}

/// What an evaluation in a server's process works with: where its traces arrive and its runs are kept.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Takes the runner's own spans; holds the store.
    pub pipeline: Arc<Pipeline>,
    /// The runs of evaluations.
    pub runs: Arc<RunBook>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// What the sink of the receiver is made of.
    pub pipeline: Arc<Pipeline>,
    /// The runs of evaluations.
    pub runs: Arc<RunBook>,
    /// The store.
    pub store: Arc<EmbeddedStore>,
    /// What may be started from the page.
    pub suites: Arc<Suites>,
    /// What was found when the store was opened.
    pub found: OpenReport,
    /// Where the page is.
    pub page: SocketAddr,
    receiver: Receiver,
    api: Arc<Api>,
    serving: JoinHandle<()>,
    stop_serving: watch::Sender<bool>,
    upkeep: Upkeep,
}

/// The clock of this process.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// Random numbers that differ from run to run.
pub fn random() -> Arc<dyn Random> {
    let mut seed = [0; 8];
    // Without the system's randomness, time and process id still differ from run to run.
    if getrandom::fill(&mut seed).is_err() {
        seed = (SystemClock::new().unix_nanos() ^ u64::from(std::process::id()) << 32).to_le_bytes();
    }
    Arc::new(SeededRandom::new(u64::from_le_bytes(seed)))
}

impl Server {
    /// Opens the store, binds the ports, starts to serve.
    pub async fn start(options: ServerOptions) -> Result<Self, Failure> {
        // A second installation fails harmlessly.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if options.small {
            crate::memory::give_back_soon();
        }
        let clock = clock();
        let listener = bind_page(&options.page, options.page_may_move).await?;
        let page = listener.local_addr().map_err(|error| Failure::infrastructure(error.to_string()))?;
        let guard = Guard::new(page, options.token.clone()).map_err(|missing| {
            Failure::usage(format!("{missing}\nhelp: set HEADWATER_TOKEN, or leave --page at 127.0.0.1:4319"))
        })?;
        let (store, found) = open_store(&options, page, &clock).await?;
        let watched = Arc::new(WatchedTraces::new(Arc::clone(&clock)));
        let feed = Arc::new(Feed::new(Arc::clone(&clock)));

        let ports: Vec<SocketAddr> =
            [&options.grpc, &options.http].into_iter().flatten().filter_map(|address| address.parse().ok()).collect();
        let forwarder = Forwarder::start(ForwarderParts {
            destinations: options.destinations.clone(),
            listening: ports,
            folder: options.data.join("forward"),
            disk: Arc::new(journal::SystemDisk),
            pauses: Pauses::default(),
            clock: Arc::clone(&clock),
            random: random(),
        });
        let forwarder = Arc::new(forwarder.map_err(|error| Failure::usage(format!("forwarding: {error}")))?);
        let pipeline = Arc::new(Pipeline { store: Arc::clone(&store), feed: Arc::clone(&feed), forwarder, watched });

        let config = ingest::Config { grpc: options.grpc.clone(), http: options.http.clone() };
        let mut sinks: Vec<Arc<dyn ingest::Sink>> = vec![Arc::clone(&pipeline) as _];
        sinks.extend(options.also.iter().cloned());
        let receiver = Receiver::bind(&config, sinks, Arc::clone(&clock)).await;
        let receiver = receiver.map_err(|error| Failure::infrastructure(error.to_string()))?;

        let runs = Arc::new(RunBook::open(Box::new(Shelf::runs(&store))));
        let inside = Inside { pipeline: Arc::clone(&pipeline), runs: Arc::clone(&runs) };
        let suites = Arc::new(Suites::new(options.suites.clone(), inside, format!("http://{page}")));
        let api = Api::new(Parts {
            identity: identity(&options, &receiver, page, &*clock),
            reader: Reader::new(Arc::clone(&store) as _).shown_as(without(&options.secrets)),
            feed: Arc::clone(&feed),
            runs: Arc::clone(&runs),
            styles: Styles::open(Box::new(Shelf::settings(&store))),
            counters: Arc::new(Counters {
                receiver: receiver.counters(),
                store: Arc::clone(&store),
                forwarder: Arc::clone(&pipeline.forwarder),
                feed,
            }),
            starter: Arc::clone(&suites) as _,
            guard,
            clock,
            base_path: "/".to_owned(),
        });
        let (stop_serving, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, Arc::clone(&api), stopped));
        let upkeep = store.start_upkeep().map_err(|error| Failure::infrastructure(error.to_string()))?;
        Ok(Self { pipeline, runs, store, suites, found, page, receiver, api, serving, stop_serving, upkeep })
    }

    /// Where OTLP over gRPC is taken.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.receiver.grpc_address()
    }

    /// Where OTLP over HTTP is taken.
    pub fn http(&self) -> Option<SocketAddr> {
        self.receiver.http_address()
    }

    /// `http://127.0.0.1:4319`
    pub fn page_url(&self) -> String {
        format!("http://{}", self.page)
    }

    /// What an evaluation in this process works with.
    pub fn inside(&self) -> Inside {
        Inside { pipeline: Arc::clone(&self.pipeline), runs: Arc::clone(&self.runs) }
    }

    /// Stops in the order of a span's walk: runs, receiver, forwarders, page, store. `say` hears of each step that takes
    /// long.
    pub async fn stop(self, say: impl Fn(&str)) {
        if !self.suites.stop(STOP_STEP_MAX).await {
            say("a run of a suite did not end in time; what it judged is kept");
        }
        if !self.receiver.drain(STOP_STEP_MAX).await {
            say("some senders were not answered in time");
        }
        let waiting = self.pipeline.forwarder.drain(STOP_STEP_MAX).await;
        if waiting > 0 {
            say(&format!("{waiting} requests wait to be forwarded; they are kept and sent after the next start"));
        }
        self.api.stop();
        self.stop_serving.send_replace(true);
        let mut serving = self.serving;
        if tokio::time::timeout(STOP_STEP_MAX, &mut serving).await.is_err() {
            serving.abort();
        }
        let (store, upkeep) = (self.store, self.upkeep);
        let closed = tokio::task::spawn_blocking(move || {
            drop(upkeep);
            store.close()
        });
        match closed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                say(&format!("the store could not be closed cleanly: {error}; nothing acknowledged is lost"))
            }
            Err(error) => say(&format!("the store could not be closed: {error}")),
        }
    }
}

async fn bind_page(address: &str, may_move: bool) -> Result<TcpListener, Failure> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if may_move && error.kind() == std::io::ErrorKind::AddrInUse => {
            let free = TcpListener::bind("127.0.0.1:0").await;
            free.map_err(|error| Failure::infrastructure(format!("no port is free: {error}")))
        }
        Err(error) => {
            let error = ingest::BindError { address: address.to_owned(), error };
            Err(Failure::infrastructure(error.to_string()))
        }
    }
}

async fn open_store(
    options: &ServerOptions,
    page: SocketAddr,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<EmbeddedStore>, OpenReport), Failure> {
    let store_options = Options {
        address: page.to_string(),
        retention: options.retention,
        keep_longer: options.keep_longer.clone(),
        ..Options::new(&options.data)
    };
    let store_options = if options.small { store_options.small() } else { store_options };
    let hooks = Hooks {
        decode: Arc::new(decode_record),
        summarise: Arc::new(|gist: &model::Gist<'_>| analysis::summarise(gist)),
        clock: Arc::clone(clock),
    };
    let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(store_options, hooks)).await;
    let opened = opened.map_err(|error| Failure::infrastructure(error.to_string()))?;
    let (store, found) = opened.map_err(|error| Failure::infrastructure(error.to_string()))?;
    Ok((Arc::new(store), found))
}

fn identity(options: &ServerOptions, receiver: &Receiver, page: SocketAddr, clock: &dyn Clock) -> Identity {
    Identity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Instant(clock.unix_nanos()),
        otlp_grpc: receiver.grpc_address().map(|address| address.to_string()),
        otlp_http: receiver.http_address().map(|address| address.to_string()),
        api: page.to_string(),
        data_folder: Some(options.data.display().to_string()),
        retention_age: options.retention.age,
        retention_bytes: options.retention.bytes,
    }
}

async fn serve(listener: TcpListener, api: Arc<Api>, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        // The sender lives as long as the server; if it is gone, that says the same.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let served = axum::serve(listener, api::router(api)).with_graceful_shutdown(stop).await;
    if let Err(error) = served {
        eprintln!("headwater: the page stopped: {error}");
    }
}

/// Resolves at Ctrl-C or SIGTERM.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What is left of a trace without secrets; none where there are none.
fn without(secrets: &eval::Secrets) -> Option<api::Shown> {
    let secrets = secrets.clone();
    (!secrets.is_empty()).then(|| Arc::new(move |trace| secrets.hide_in_trace(trace)) as api::Shown)
}
