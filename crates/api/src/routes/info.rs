//! What this server is and how it is doing: info, status, services, health, metrics.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use store::AttributeScope;
use wire::{Info, ServiceList, Status, UnixNanos};

use crate::answer::{Answered, json};
use crate::limits::STYLES_MAX;
use crate::metrics::prometheus;
use crate::parameters::Window;
use crate::server::Api;

/// `GET /api/v1/info`
pub async fn info(State(api): State<Arc<Api>>, asked: HeaderMap) -> Answered {
    let identity = &api.identity;
    let info = Info {
        product: "headwater".to_owned(),
        version: identity.version.clone(),
        api_version: 1,
        ui_build: api.page.build().to_owned(),
        started: UnixNanos(identity.started.0),
        now: UnixNanos(api.clock.unix_nanos()),
        otlp_grpc: identity.otlp_grpc.clone(),
        otlp_http: identity.otlp_http.clone(),
        api: identity.api.clone(),
        data_folder: identity.data_folder.clone(),
        retention_age: identity.retention_age.map(|age| age.0),
        retention_bytes: identity.retention_bytes,
        suites: api.starter.suites(),
    };
    json(&asked, &info)
}

/// `GET /api/v1/status`
pub async fn status(State(api): State<Arc<Api>>, asked: HeaderMap) -> Answered {
    json(&asked, &status_of(&api))
}

/// The counters now.
pub fn status_of(api: &Api) -> Status {
    let mut receiving = api.counters.receiving();
    receiving.spans_per_second = api.feed.spans_per_second();
    Status {
        now: UnixNanos(api.clock.unix_nanos()),
        receiving,
        storing: api.counters.storing(),
        forwarding: api.counters.forwarding(),
    }
}

/// `GET /api/v1/services`
pub async fn services(State(api): State<Arc<Api>>, asked: HeaderMap) -> Answered {
    // Services that no list has shown yet get their looks here.
    let window = Window { start: None, end: None };
    let stored = api.reader.values(AttributeScope::Resource, "service.name".to_owned(), window, STYLES_MAX).await;
    if let Ok((stored, ..)) = &stored {
        let names = stored.iter().filter_map(|known| match &known.value {
            model::Value::String(name) => Some(&**name),
            _ => None,
        });
        api.styles.of_all(names);
    }
    json(&asked, &ServiceList { services: api.styles.all() })
}

/// `GET /healthz`
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`
pub async fn readyz(State(api): State<Arc<Api>>) -> Response {
    match api.counters.ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// `GET /metrics`
pub async fn metrics(State(api): State<Arc<Api>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], prometheus(&status_of(&api))).into_response()
}
