//! The other side: sends requests on, by the protocol they came with.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::edge_spec::Callee;
use crate::limits::{HEADER_BYTES_MAX, HEADERS_MAX, IDLE_MAX};

/// Connections to callees, kept open between requests.
#[derive(Clone, Debug)]
pub(crate) struct Callees {
    http1: Client<HttpsConnector<HttpConnector>, Incoming>,
    http2: Client<HttpsConnector<HttpConnector>, Incoming>,
}

impl Callees {
    /// With the certificates of the machine.
    pub fn new() -> std::io::Result<Self> {
        let connector = || -> std::io::Result<_> {
            let mut connector = HttpConnector::new();
            connector.enforce_http(false);
            connector.set_nodelay(true);
            let provider = rustls::crypto::ring::default_provider();
            let builder = hyper_rustls::HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
            Ok((builder.https_or_http(), connector))
        };
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_idle_timeout(IDLE_MAX).pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        client.http2_max_header_list_size(HEADER_BYTES_MAX);
        client.http1_preserve_header_case(true).http1_max_headers(HEADERS_MAX);
        let (builder, http) = connector()?;
        let http1 = client.build(builder.enable_http1().wrap_connector(http));
        let (builder, http) = connector()?;
        let http2 =
            client.http2_only(true).http2_adaptive_window(true).build(builder.enable_http2().wrap_connector(http));
        Ok(Self { http1, http2 })
    }

    pub async fn send(&self, callee: &Callee, mut request: Request<Incoming>) -> Result<Response<Incoming>, Error> {
        let is_http2 = request.version() == Version::HTTP_2;
        *request.uri_mut() = callee.uri(request.uri());
        // As it would be named without a proxy.
        if is_http2 {
            request.headers_mut().remove(HOST);
        } else if let Ok(host) = HeaderValue::from_str(callee.host()) {
            request.headers_mut().insert(HOST, host);
        }
        if is_http2 {
            return self.http2.request(request).await;
        }
        *request.version_mut() = Version::HTTP_11;
        self.http1.request(request).await
    }
}

impl Callee {
    /// Where a request for `asked` goes.
    fn uri(&self, asked: &Uri) -> Uri {
        let path = asked.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let path = format!("{}{path}", self.base);
        let uri = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(path);
        // The parts were valid before they were put together; were the whole not, the callee refuses what comes.
        uri.build().unwrap_or_else(|_| asked.clone())
    }

    /// Host and port, without who asks.
    fn host(&self) -> &str {
        self.authority.as_str().rsplit_once('@').map_or(self.authority.as_str(), |(_, host)| host)
    }
}

/// Headers that are about one connection and not about the request; `transfer-encoding` is set anew from the body.
const OF_CONNECTION: [HeaderName; 2] = [http::header::CONNECTION, HeaderName::from_static("keep-alive")];
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Takes away what is about the connection to the proxy only.
pub(crate) fn without_connection(headers: &mut HeaderMap) {
    for name in OF_CONNECTION.iter().chain([&PROXY_CONNECTION]) {
        headers.remove(name);
    }
}

/// An answer of ours.
pub(crate) type Own = http_body_util::Full<Bytes>;
