//! Get and set with expiry: in memory, or Redis with `REDIS_URL`. There is no convention for hits and misses, so the server
//! span says `cache.hit`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use redis::AsyncCommands as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::defect::Defect;
use crate::http_server::failure;
use crate::limits::{CACHE_ENTRIES_MAX, CACHE_EXPIRY};

#[derive(Clone)]
struct Cache {
    service: Service,
    store: Store,
}

#[derive(Clone)]
enum Store {
    Memory(Arc<Mutex<HashMap<String, (Value, Instant)>>>),
    Redis(redis::aio::MultiplexedConnection),
}

#[derive(Deserialize)]
struct Get {
    key: String,
}

#[derive(Deserialize)]
struct Set {
    key: String,
    value: Value,
    expiry_ms: Option<u64>,
}

pub(super) async fn routes(service: &Service) -> Result<Router, String> {
    let store = match service.settings.text("REDIS_URL") {
        Some(url) => {
            let client = redis::Client::open(url).map_err(|error| format!("REDIS_URL: {error}"))?;
            let connection = client.get_multiplexed_async_connection().await;
            Store::Redis(connection.map_err(|error| format!("cannot reach Redis: {error}"))?)
        }
        None => Store::Memory(Arc::default()),
    };
    let cache = Cache { service: service.clone(), store };
    Ok(Router::new().route("/v1/get", post(get)).route("/v1/set", post(set)).with_state(cache))
}

async fn get(State(cache): State<Cache>, Json(request): Json<Get>) -> Response {
    match cache.store.get(&cache.service, &request.key).await {
        Ok(mut value) => {
            if cache.service.defects.has(Defect::CacheNeverHits) {
                value = None;
            }
            let span = Context::current();
            span.span().set_attribute(KeyValue::new("cache.hit", value.is_some()));
            span.span().set_attribute(KeyValue::new("cache.operation", "get"));
            Json(json!({ "hit": value.is_some(), "value": value })).into_response()
        }
        Err(problem) => failure(StatusCode::SERVICE_UNAVAILABLE, &problem),
    }
}

async fn set(State(cache): State<Cache>, Json(request): Json<Set>) -> Response {
    Context::current().span().set_attribute(KeyValue::new("cache.operation", "set"));
    let expiry = request.expiry_ms.map_or(CACHE_EXPIRY, Duration::from_millis);
    match cache.store.set(&cache.service, request.key, request.value, expiry).await {
        Ok(()) => Json(json!({ "stored": true })).into_response(),
        Err(problem) => failure(StatusCode::SERVICE_UNAVAILABLE, &problem),
    }
}

impl Store {
    async fn get(&self, service: &Service, key: &str) -> Result<Option<Value>, String> {
        match self {
            Self::Memory(entries) => {
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                entries.retain(|_, (_, until)| *until > Instant::now());
                Ok(entries.get(key).map(|(value, _)| value.clone()))
            }
            Self::Redis(connection) => {
                let mut connection = connection.clone();
                let text: Option<String> = in_span(service, "GET", connection.get(key)).await?;
                Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
            }
        }
    }

    async fn set(&self, service: &Service, key: String, value: Value, expiry: Duration) -> Result<(), String> {
        match self {
            Self::Memory(entries) => {
                let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
                if entries.len() >= CACHE_ENTRIES_MAX {
                    let oldest = entries.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| key.clone());
                    oldest.map(|key| entries.remove(&key));
                }
                entries.insert(key, (value, Instant::now() + expiry));
                Ok(())
            }
            Self::Redis(connection) => {
                let mut connection = connection.clone();
                let seconds = expiry.as_secs().max(1);
                in_span(service, "SET", connection.set_ex(key, value.to_string(), seconds)).await
            }
        }
    }
}

/// A command to Redis within a client span of the database's conventions.
async fn in_span<T>(
    service: &Service,
    command: &'static str,
    asking: impl Future<Output = redis::RedisResult<T>>,
) -> Result<T, String> {
    let attributes = [KeyValue::new("db.system.name", "redis"), KeyValue::new("db.operation.name", command)];
    let context = service.telemetry.span(command, SpanKind::Client, attributes);
    let outcome = asking.with_context(context.clone()).await.map_err(|error| format!("Redis: {error}"));
    if let Err(problem) = &outcome {
        context.span().set_status(Status::error(problem.clone()));
    }
    context.span().end();
    outcome
}
