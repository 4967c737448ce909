//! The vector database's gRPC interface: messages, and both sides of a call with their spans.

use std::time::Duration;

use http::uri::PathAndQuery;
use opentelemetry::trace::{FutureExt as _, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::defect::Defects;
use crate::http_client::{headers, spoil};
use crate::telemetry::{Telemetry, failed, server_attributes};

pub(crate) const SEARCH: &str = "/headwater.demo.VectorDb/Search";
pub(crate) const UPSERT: &str = "/headwater.demo.VectorDb/Upsert";

/// Finds the nearest points.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SearchRequest {
    #[prost(float, repeated, tag = "1")]
    pub vector: Vec<f32>,
    #[prost(uint32, tag = "2")]
    pub limit: u32,
}

/// Points, nearest first.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SearchResponse {
    #[prost(message, repeated, tag = "1")]
    pub hits: Vec<Hit>,
}

/// A point that was found.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Hit {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(float, tag = "2")]
    pub score: f32,
}

/// Stores points, replacing those of the same id.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpsertRequest {
    #[prost(message, repeated, tag = "1")]
    pub points: Vec<Point>,
}

/// A vector with its id.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Point {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(float, repeated, tag = "2")]
    pub vector: Vec<f32>,
}

/// How many points there are now.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpsertResponse {
    #[prost(uint64, tag = "1")]
    pub count: u64,
}

/// The asking side.
#[derive(Clone)]
pub(crate) struct VectorClient {
    channel: Channel,
    address: String,
    telemetry: Telemetry,
    defects: Defects,
}

/// Why a call failed, with gRPC's word for it.
#[derive(Debug)]
pub(crate) struct RpcError {
    pub code: &'static str,
    pub message: String,
}

impl VectorClient {
    pub fn new(url: &str, telemetry: Telemetry, defects: Defects) -> Result<Self, String> {
        let endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|error| format!("VECTOR_DB_URL {url}: {error}"))?;
        Ok(Self { channel: endpoint.connect_lazy(), address: url.to_owned(), telemetry, defects })
    }

    /// Stores points, without a span: that is set-up, not a request.
    pub async fn upsert(&self, points: Vec<Point>) -> Result<u64, String> {
        let request = tonic::Request::new(UpsertRequest { points });
        let response: Result<UpsertResponse, RpcError> = self.unary(request, UPSERT).await;
        response.map(|response| response.count).map_err(|error| format!("{}: {}", error.code, error.message))
    }

    /// Finds points within a client span of the current context.
    pub async fn search(&self, request: SearchRequest, deadline: Duration) -> Result<Vec<Hit>, RpcError> {
        let context = self.start();
        let began = std::time::Instant::now();
        let mut request = tonic::Request::new(request);
        request.set_timeout(deadline);
        *request.metadata_mut() = {
            let mut all = request.metadata().clone().into_headers();
            let mut own = headers(&context, &self.telemetry.service);
            spoil(&mut own, "vector-db", &self.defects);
            all.extend(own);
            tonic::metadata::MetadataMap::from_headers(all)
        };
        let asking = self.unary::<_, SearchResponse>(request, SEARCH).with_context(context.clone());
        let late =
            || RpcError { code: "DEADLINE_EXCEEDED", message: format!("no answer within {} ms", deadline.as_millis()) };
        let mut outcome = tokio::time::timeout(deadline, asking).await.unwrap_or_else(|_| Err(late()));
        // The channel itself, which knows the deadline too, may be first; it calls its own time-out a cancellation.
        if outcome.as_ref().is_err_and(|error| error.code == "CANCELLED") && began.elapsed() >= deadline {
            outcome = Err(late());
        }
        let code = outcome.as_ref().map_or_else(|error| error.code, |_| "OK");
        context.span().set_attribute(KeyValue::new("rpc.response.status_code", code));
        if let Err(error) = &outcome {
            let kind = if error.code == "DEADLINE_EXCEEDED" { "timeout" } else { error.code };
            failed(&context, kind, format!("vector-db {}: {}", error.code, error.message), error.message.clone());
        }
        context.span().end();
        outcome.map(|response| response.hits)
    }

    fn start(&self) -> Context {
        let method = SEARCH.trim_start_matches('/');
        let mut attributes = vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method),
            KeyValue::new("service.peer.name", "vector-db"),
        ];
        if let Some((_, address)) = self.address.split_once("://") {
            attributes.extend(server_attributes(address));
        }
        self.telemetry.span(method, SpanKind::Client, attributes)
    }

    async fn unary<Q, A>(&self, request: tonic::Request<Q>, path: &'static str) -> Result<A, RpcError>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        let failed = |code, message: String| RpcError { code, message };
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| failed("UNAVAILABLE", error.to_string()))?;
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let response = grpc.unary(request, PathAndQuery::from_static(path), codec).await;
        response
            .map(tonic::Response::into_inner)
            .map_err(|status| failed(code_name(status.code()), status.message().to_owned()))
    }
}

/// The name that the conventions ask for.
pub(crate) fn code_name(code: tonic::Code) -> &'static str {
    match code {
        tonic::Code::Ok => "OK",
        tonic::Code::Cancelled => "CANCELLED",
        tonic::Code::Unknown => "UNKNOWN",
        tonic::Code::InvalidArgument => "INVALID_ARGUMENT",
        tonic::Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        tonic::Code::NotFound => "NOT_FOUND",
        tonic::Code::AlreadyExists => "ALREADY_EXISTS",
        tonic::Code::PermissionDenied => "PERMISSION_DENIED",
        tonic::Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        tonic::Code::FailedPrecondition => "FAILED_PRECONDITION",
        tonic::Code::Aborted => "ABORTED",
        tonic::Code::OutOfRange => "OUT_OF_RANGE",
        tonic::Code::Unimplemented => "UNIMPLEMENTED",
        tonic::Code::Internal => "INTERNAL",
        tonic::Code::Unavailable => "UNAVAILABLE",
        tonic::Code::DataLoss => "DATA_LOSS",
        tonic::Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// gRPC numbers its codes from 0 to 16.
    #[test]
    fn every_code_has_its_own_name() {
        let names: std::collections::HashSet<_> = (0..=16).map(|code| code_name(tonic::Code::from(code))).collect();
        assert_eq!(names.len(), 17, "{names:?}");
        assert_eq!(code_name(tonic::Code::from(16)), "UNAUTHENTICATED");
    }
}
