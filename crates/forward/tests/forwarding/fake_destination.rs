//! A destination that answers as a test tells it to, over HTTP/1.1 and HTTP/2, and remembers what it got.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What arrived.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(&'static str, String)>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn grpc(status: u32, message: &[u8]) -> Self {
        let mut body = vec![0];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(message);
        Self {
            status: 200,
            headers: vec![("content-type", "application/grpc".into())],
            body: if status == 0 { body } else { Vec::new() },
            trailers: vec![("grpc-status", status.to_string())],
        }
    }
}

/// Answers the request with this number (from 0); none never answers.
pub type Answers = dyn Fn(usize, &Got) -> Option<Reply> + Send + Sync;

pub struct FakeDestination {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for FakeDestination {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeDestination {
    pub async fn start(answers: impl Fn(usize, &Got) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("valid"), answers).await
    }

    pub async fn start_at(
        address: SocketAddr,
        answers: impl Fn(usize, &Got) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::serve(address, None, answers).await
    }

    /// As [`FakeDestination::start`], behind TLS.
    pub async fn start_tls(
        tls: tokio_rustls::TlsAcceptor,
        answers: impl Fn(usize, &Got) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::serve("127.0.0.1:0".parse().expect("valid"), Some(tls), answers).await
    }

    async fn serve(
        address: SocketAddr,
        tls: Option<tokio_rustls::TlsAcceptor>,
        answers: impl Fn(usize, &Got) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (told, count) = watch::channel(0);
        let state = Arc::new(State { got: got.clone(), told, answers: Box::new(answers) });
        let task = tokio::spawn(accept(listener, tls, state));
        Self { address, got, count, task }
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().expect("not poisoned").clone()
    }

    /// Waits until this many requests arrived.
    pub async fn wait_for(&self, requests: usize) -> Vec<Got> {
        let mut count = self.count.clone();
        tokio::time::timeout(std::time::Duration::from_secs(30), count.wait_for(|count| *count >= requests))
            .await
            .unwrap_or_else(|_| panic!("only {} of {requests} requests arrived", self.got().len()))
            .expect("the destination runs");
        self.got()
    }
}

struct State {
    got: Arc<Mutex<Vec<Got>>>,
    told: watch::Sender<usize>,
    answers: Box<Answers>,
}

async fn accept(listener: TcpListener, tls: Option<tokio_rustls::TlsAcceptor>, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (state, tls) = (state.clone(), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, state.clone()));
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A client that does not trust us goes away: the test sees that nothing arrived.
            let _ = match tls {
                None => builder.serve_connection(TokioIo::new(stream), service).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                    Err(_) => Ok(()),
                },
            };
        });
    }
}

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;
type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

fn answer(request: Request<Incoming>, state: Arc<State>) -> Answered {
    Box::pin(async move {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let got = Got { path: parts.uri.path().to_owned(), headers: parts.headers, body };
        let number = {
            let mut all = state.got.lock().expect("not poisoned");
            all.push(got.clone());
            all.len() - 1
        };
        let reply = (state.answers)(number, &got);
        state.told.send_modify(|count| *count += 1);
        match reply {
            Some(reply) => Ok(response(reply)),
            None => std::future::pending().await,
        }
    })
}

fn response(reply: Reply) -> Response<Body> {
    let trailers = map(&reply.trailers);
    let full = Full::new(Bytes::from(reply.body));
    let body = if trailers.is_empty() {
        full.boxed()
    } else {
        full.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed()
    };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status.try_into().expect("a status");
    response.headers_mut().extend(map(&reply.headers));
    response
}

fn map(fields: &[(&'static str, String)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(value).expect("valid")))
        .collect()
}
