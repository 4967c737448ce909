//! The gateway: takes questions, has the token checked, asks the orchestrator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::defect::Defect;
use crate::http_client::Call;
use crate::http_server::failure;
use crate::limits::{GATEWAY_DEADLINE, QUESTION_BYTES_MAX};

struct Gateway {
    service: Service,
    auth: String,
    orchestrator: String,
    requests: AtomicU64,
}

#[derive(Deserialize)]
struct Ask {
    question: String,
}

pub(super) fn routes(service: &Service) -> Result<Router, String> {
    let gateway = Gateway {
        service: service.clone(),
        auth: service.settings.url("AUTH_URL")?,
        orchestrator: service.settings.url("ORCHESTRATOR_URL")?,
        requests: AtomicU64::new(0),
    };
    Ok(Router::new().route("/v1/ask", post(ask)).with_state(Arc::new(gateway)))
}

async fn ask(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    let began = Instant::now();
    let number = gateway.requests.fetch_add(1, Ordering::Relaxed);
    let request_id = format!("req-{}-{number}", std::process::id());
    let context = Context::current();
    context.span().set_attribute(KeyValue::new("app.request.id", request_id.clone()));
    if body.len() > QUESTION_BYTES_MAX {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "the question is too long");
    }
    let Ok(Ask { question }) = serde_json::from_slice(&body) else {
        return failure(StatusCode::BAD_REQUEST, r#"expected JSON such as {"question": "What is a span?"}"#);
    };
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let authorization = text(header::AUTHORIZATION);
    let Some(token) = authorization.strip_prefix("Bearer ") else {
        return failure(StatusCode::UNAUTHORIZED, "send a token: authorization: Bearer TOKEN");
    };

    let client = &gateway.service.client;
    let body = json!({ "token": token });
    let call = Call {
        peer: "auth",
        url: &gateway.auth,
        path: "/v1/verify",
        body: &body,
        deadline: GATEWAY_DEADLINE,
        resend: 0,
    };
    let claims = match client.call(&call).await {
        Ok(claims) => claims,
        Err(error) => return gateway.service.failed("auth", &error),
    };
    let everyone = gateway.service.defects.has(Defect::WrongUser);
    let user = if everyone { "everyone" } else { claims["user"].as_str().unwrap_or_default() }.to_owned();
    let tier = claims["tier"].as_str().unwrap_or("free").to_owned();
    context.span().set_attribute(KeyValue::new("enduser.id", user));
    context.span().set_attribute(KeyValue::new("app.user.tier", tier.clone()));

    // The tier and the request's id travel on as baggage, beside what the request brought.
    let brought = context
        .baggage()
        .iter()
        .map(|(key, (value, metadata))| KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone()));
    let baggage: Vec<KeyValueMetadata> = brought
        .chain([
            KeyValueMetadata::new("app.user.tier", tier, ""),
            KeyValueMetadata::new("app.request.id", request_id.clone(), ""),
        ])
        .collect();
    let lost = gateway.service.defects.has(Defect::BaggageLost);
    let context = if lost { context } else { context.with_baggage(baggage) };
    let namespace = text(header::HeaderName::from_static("x-cache-namespace"));
    let body = json!({ "question": question, "namespace": namespace, "request_id": request_id });
    let deadline = GATEWAY_DEADLINE.saturating_sub(began.elapsed());
    let call =
        Call { peer: "orchestrator", url: &gateway.orchestrator, path: "/v1/answer", body: &body, deadline, resend: 0 };
    match client.call(&call).with_context(context.clone()).await {
        Ok(answer) => answered(answer, &request_id, &context),
        Err(error) => gateway.service.failed("orchestrator", &error),
    }
}

fn answered(mut answer: Value, request_id: &str, context: &Context) -> Response {
    answer["request_id"] = json!(request_id);
    answer["trace_id"] = json!(context.span().span_context().trace_id().to_string());
    Json(answer).into_response()
}
