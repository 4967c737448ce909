//! Binds the ports, accepts connections, drains.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use stdx::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::exchange::Exchange;
use crate::http::AnswerBody;
use crate::limits::{CONNECTIONS_MAX, HEADER_TIMEOUT, STREAMS_MAX, WINDOW_BYTES};
use crate::{BindError, Counters, Sink, grpc, http as over_http};

/// Where to listen. Every address takes both protocols; which is which is only what people are told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port` for OTLP over gRPC; port 0 takes a free one. None does not listen.
    pub grpc: Option<String>,
    /// `host:port` for OTLP over HTTP; may equal `grpc`, then one port serves both.
    pub http: Option<String>,
}

/// A running receiver. Dropping it stops accepting; [`Receiver::drain`] also waits for what is under way.
#[derive(Debug)]
pub struct Receiver {
    grpc: Option<SocketAddr>,
    http: Option<SocketAddr>,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    listening: Vec<JoinHandle<()>>,
}

impl Receiver {
    /// Binds all addresses, then starts to accept.
    ///
    /// # Errors
    /// If an address cannot be listened on; nothing is accepted then.
    pub async fn bind(config: &Config, sinks: Vec<Arc<dyn Sink>>, clock: Arc<dyn Clock>) -> Result<Self, BindError> {
        let grpc = listen(config.grpc.as_deref()).await?;
        let shared =
            config.grpc.is_some() && config.grpc == config.http && !ends_with_port_zero(config.http.as_deref());
        let http = if shared { None } else { listen(config.http.as_deref()).await? };

        let counters = Arc::new(Counters::default());
        let exchange = Arc::new(Exchange::new(sinks, Arc::clone(&counters), clock));
        let stop = watch::Sender::new(false);
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let address =
            |listener: &Option<TcpListener>| listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let (grpc_address, http_address) = (address(&grpc), address(&http));
        let listening = [grpc, http]
            .into_iter()
            .flatten()
            .map(|listener| {
                let serving = accept(listener, Arc::clone(&exchange), Arc::clone(&connections), stop.subscribe());
                tokio::spawn(serving)
            })
            .collect();
        let http = if shared { grpc_address } else { http_address };
        Ok(Self { grpc: grpc_address, http, counters, stop, listening })
    }

    /// Where OTLP over gRPC is taken.
    #[must_use]
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// Where OTLP over HTTP is taken.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// What came in so far.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Accepts nothing more, lets requests under way be answered for at most `timeout`; answers whether all were.
    pub async fn drain(self, timeout: Duration) -> bool {
        self.stop.send_replace(true);
        let ended = futures_util::future::join_all(self.listening);
        tokio::time::timeout(timeout, ended).await.is_ok()
    }
}

fn ends_with_port_zero(address: Option<&str>) -> bool {
    address.is_some_and(|address| address.ends_with(":0"))
}

async fn listen(address: Option<&str>) -> Result<Option<TcpListener>, BindError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| BindError { address: address.to_owned(), error })
}

/// Accepts until told to stop, then waits for the connections to end.
async fn accept(
    listener: TcpListener,
    exchange: Arc<Exchange>,
    connections: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let builder = connection_builder();
    loop {
        let Ok(place) = Arc::clone(&connections).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The sender is gone or says stop: the same.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of file handles, mostly; a moment later there may be some again.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Small answers should not wait for more.
        let _ = stream.set_nodelay(true);
        let connection = serve(&builder, stream, Arc::clone(&exchange), peer);
        let watched = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A connection that breaks concerns only its sender, who notices.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn connection_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 4)
        .keep_alive_interval(Some(Duration::from_secs(60)));
    builder
}

fn serve(
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    exchange: Arc<Exchange>,
    peer: SocketAddr,
) -> auto::Connection<
    '_,
    TokioIo<TcpStream>,
    impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<AnswerBody>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<>,
    TokioExecutor,
> {
    let service = service_fn(move |request: Request<Incoming>| {
        let exchange = Arc::clone(&exchange);
        async move {
            exchange.counters.request();
            let response = if grpc::is_grpc(request.headers()) {
                grpc::answer(&exchange, request, peer).await
            } else {
                over_http::answer(&exchange, request, peer).await
            };
            Ok::<_, Infallible>(response)
        }
    });
    builder.serve_connection(TokioIo::new(stream), service)
}
