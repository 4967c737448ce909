//! The vector database: a real engine behind gRPC.
//!
//! The embedded engine is USearch: an HNSW index that is kept, compiles from one C++ header in about 20 s, and needs no
//! server. With `POSTGRES_URL` the points live in PostgreSQL with pgvector instead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status as SpanStatus, TraceContextExt as _, Tracer as _};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::Service;
use crate::cancelled::Unfinished;
use crate::fault::CALLER_HEADER;
use crate::http_server::{business_attributes, extract};
use crate::limits::UPSERT_BYTES_MAX;
use crate::vector_rpc::{
    Hit, Point, SEARCH, SearchRequest, SearchResponse, UPSERT, UpsertRequest, UpsertResponse, code_name,
};

#[derive(Clone)]
struct VectorDb {
    service: Service,
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Embedded(Arc<Mutex<Embedded>>),
    Postgres(Arc<tokio_postgres::Client>),
}

#[derive(Default)]
struct Embedded {
    index: Option<Index>,
    ids: Vec<String>,
    keys: HashMap<String, u64>,
}

pub(super) async fn routes(service: &Service) -> Result<Router, String> {
    let engine = match service.settings.text("POSTGRES_URL") {
        Some(url) => Engine::Postgres(Arc::new(connect(&url).await?)),
        None => Engine::Embedded(Arc::default()),
    };
    let database = VectorDb { service: service.clone(), engine };
    Ok(Router::new().route(SEARCH, post(search)).route(UPSERT, post(upsert)).with_state(database))
}

async fn search(State(database): State<VectorDb>, request: axum::extract::Request) -> Response {
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<SearchResponse, SearchRequest>::default());
    respond(grpc.unary(Searching(database), request).await)
}

async fn upsert(State(database): State<VectorDb>, request: axum::extract::Request) -> Response {
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<UpsertResponse, UpsertRequest>::default())
        .max_decoding_message_size(UPSERT_BYTES_MAX);
    respond(grpc.unary(Upserting(database), request).await)
}

fn respond(response: http::Response<tonic::body::Body>) -> Response {
    response.map(axum::body::Body::new)
}

type Answering<T> = std::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

struct Upserting(VectorDb);

impl tonic::server::UnaryService<UpsertRequest> for Upserting {
    type Response = UpsertResponse;
    type Future = Answering<UpsertResponse>;

    fn call(&mut self, request: Request<UpsertRequest>) -> Self::Future {
        let engine = self.0.engine.clone();
        Box::pin(async move {
            let count = engine.upsert(request.into_inner().points).await.map_err(Status::internal)?;
            Ok(tonic::Response::new(UpsertResponse { count }))
        })
    }
}

struct Searching(VectorDb);

impl tonic::server::UnaryService<SearchRequest> for Searching {
    type Response = SearchResponse;
    type Future = Answering<SearchResponse>;

    fn call(&mut self, request: Request<SearchRequest>) -> Self::Future {
        let database = self.0.clone();
        Box::pin(async move { database.answer(request).await })
    }
}

impl VectorDb {
    /// The search within a server span; the fault hook acts inside it.
    async fn answer(&self, request: Request<SearchRequest>) -> Result<tonic::Response<SearchResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let headers = metadata.into_headers();
        let parent = extract(&headers);
        let caller = headers.get(CALLER_HEADER).and_then(|value| value.to_str().ok());
        let tracer = &self.service.telemetry.tracer;
        let method = SEARCH.trim_start_matches('/');
        let mut attributes = vec![KeyValue::new("rpc.system.name", "grpc"), KeyValue::new("rpc.method", method)];
        attributes.extend(business_attributes(&parent));
        let span = tracer.span_builder(method).with_kind(SpanKind::Server).with_attributes(attributes);
        let context = parent.with_span(span.start_with_context(tracer, &parent));
        let fault = self.service.faults.acting(&context, caller);
        let outcome = async {
            if let Some(fault) = &fault
                && let Some(status) = fault.act(&context).await
            {
                return Err(Status::unavailable(format!("injected fault: status {status}")));
            }
            self.find(request).await
        };
        let unfinished = Unfinished::new(&context, vec![KeyValue::new("rpc.response.status_code", "CANCELLED")]);
        let outcome = outcome.with_context(context.clone()).await;
        unfinished.finished();
        let span = context.span();
        let code = outcome.as_ref().map_or_else(|status| code_name(status.code()), |_| "OK");
        span.set_attribute(KeyValue::new("rpc.response.status_code", code));
        if let Err(status) = &outcome {
            span.set_attribute(KeyValue::new("error.type", code));
            span.set_status(SpanStatus::error(status.message().to_owned()));
        }
        span.end();
        outcome.map(tonic::Response::new)
    }

    /// The query itself, within a span of the database's conventions.
    async fn find(&self, request: SearchRequest) -> Result<SearchResponse, Status> {
        let attributes = [
            KeyValue::new("db.system.name", self.engine.name()),
            KeyValue::new("db.operation.name", "search"),
            KeyValue::new("db.collection.name", "passages"),
            KeyValue::new("db.vector.query.top_k", i64::from(request.limit)),
        ];
        let kind = if matches!(self.engine, Engine::Postgres(_)) { SpanKind::Client } else { SpanKind::Internal };
        let context = self.service.telemetry.span("search passages", kind, attributes);
        let hits = self.engine.search(&request.vector, request.limit as usize).with_context(context.clone()).await;
        let span = context.span();
        match &hits {
            Ok(hits) => span.set_attribute(KeyValue::new("db.response.returned_rows", hits.len() as i64)),
            Err(problem) => span.set_status(SpanStatus::error(problem.clone())),
        }
        span.end();
        hits.map(|hits| SearchResponse { hits }).map_err(Status::internal)
    }
}

impl Engine {
    fn name(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "usearch",
            Self::Postgres(_) => "postgresql",
        }
    }

    async fn upsert(&self, points: Vec<Point>) -> Result<u64, String> {
        match self {
            Self::Embedded(embedded) => embedded.lock().unwrap_or_else(PoisonError::into_inner).upsert(points),
            Self::Postgres(client) => upsert_rows(client, points).await,
        }
    }

    async fn search(&self, vector: &[f32], limit: usize) -> Result<Vec<Hit>, String> {
        match self {
            Self::Embedded(embedded) => embedded.lock().unwrap_or_else(PoisonError::into_inner).search(vector, limit),
            Self::Postgres(client) => search_rows(client, vector, limit).await,
        }
    }
}

impl Embedded {
    fn upsert(&mut self, points: Vec<Point>) -> Result<u64, String> {
        for point in points {
            if self.index.is_none() {
                let options = IndexOptions {
                    dimensions: point.vector.len(),
                    metric: MetricKind::Cos,
                    quantization: ScalarKind::F32,
                    ..IndexOptions::default()
                };
                self.index = Some(Index::new(&options).map_err(|error| error.to_string())?);
            }
            let Some(index) = &self.index else { continue };
            if point.vector.len() != index.dimensions() {
                return Err(format!(
                    "{} has {} dimensions instead of {}",
                    point.id,
                    point.vector.len(),
                    index.dimensions()
                ));
            }
            if index.size() + 1 > index.capacity() {
                index.reserve((index.capacity() * 2).max(128)).map_err(|error| error.to_string())?;
            }
            let key = *self.keys.entry(point.id.clone()).or_insert(self.ids.len() as u64);
            if key == self.ids.len() as u64 {
                self.ids.push(point.id);
            } else {
                index.remove(key).map_err(|error| error.to_string())?;
            }
            index.add(key, &point.vector).map_err(|error| error.to_string())?;
        }
        Ok(self.ids.len() as u64)
    }

    fn search(&self, vector: &[f32], limit: usize) -> Result<Vec<Hit>, String> {
        let Some(index) = &self.index else { return Ok(Vec::new()) };
        if vector.len() != index.dimensions() {
            return Err(format!("the vector has {} dimensions instead of {}", vector.len(), index.dimensions()));
        }
        let matches = index.search(vector, limit).map_err(|error| error.to_string())?;
        let hit = |(key, distance): (&u64, &f32)| {
            Some(Hit { id: self.ids.get(*key as usize)?.clone(), score: 1.0 - distance })
        };
        Ok(matches.keys.iter().zip(&matches.distances).filter_map(hit).collect())
    }
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, String> {
    let failed = |error: tokio_postgres::Error| format!("cannot use POSTGRES_URL: {error}");
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(failed)?;
    tokio::spawn(connection);
    client.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await.map_err(failed)?;
    let table = "CREATE TABLE IF NOT EXISTS headwater_demo_passages (id text PRIMARY KEY, embedding vector)";
    client.batch_execute(table).await.map_err(failed)?;
    Ok(client)
}

/// pgvector's text form; sent as text, so that no driver needs to know the type.
fn literal(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

async fn upsert_rows(client: &tokio_postgres::Client, points: Vec<Point>) -> Result<u64, String> {
    let failed = |error: tokio_postgres::Error| error.to_string();
    let statement = "INSERT INTO headwater_demo_passages VALUES ($1, $2::text::vector) ON CONFLICT (id) DO UPDATE SET embedding = excluded.embedding";
    for point in points {
        client.execute(statement, &[&point.id, &literal(&point.vector)]).await.map_err(failed)?;
    }
    let row = client.query_one("SELECT count(*) FROM headwater_demo_passages", &[]).await.map_err(failed)?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}

async fn search_rows(client: &tokio_postgres::Client, vector: &[f32], limit: usize) -> Result<Vec<Hit>, String> {
    let statement = "SELECT id, (1 - (embedding <=> $1::text::vector))::float4 FROM headwater_demo_passages ORDER BY embedding <=> $1::text::vector LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = client.query(statement, &[&literal(vector), &limit]).await.map_err(|error| error.to_string())?;
    Ok(rows.iter().map(|row| Hit { id: row.get(0), score: row.get(1) }).collect())
}
