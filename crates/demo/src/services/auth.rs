//! Checks signed tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;

use super::Service;
use crate::http_server::failure;
use crate::token::verify_token;

/// What tokens are signed with.
#[derive(Clone)]
struct Secret(String);

#[derive(Deserialize)]
struct Verify {
    token: String,
}

pub(super) fn routes(service: &Service) -> Router {
    let secret = Secret(service.settings.or("DEMO_SECRET", ""));
    Router::new().route("/v1/verify", post(verify)).with_state(secret)
}

async fn verify(State(Secret(secret)): State<Secret>, Json(request): Json<Verify>) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if secret.is_empty() {
        return failure(StatusCode::INTERNAL_SERVER_ERROR, "DEMO_SECRET is not set");
    }
    match verify_token(&secret, &request.token, now) {
        Ok(claims) => {
            Context::current().span().set_attribute(KeyValue::new("app.user.tier", claims.tier.clone()));
            Json(claims).into_response()
        }
        Err(problem) => failure(StatusCode::UNAUTHORIZED, &problem),
    }
}
