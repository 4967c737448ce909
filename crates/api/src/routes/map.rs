//! `GET /api/v1/map`: who calls whom.

use std::sync::Arc;

use axum::extract::State;
use http::HeaderMap;

use crate::answer::{Answered, json};
use crate::server::Api;

/// Answers the map.
pub async fn map(State(_api): State<Arc<Api>>, headers: HeaderMap) -> Answered {
    json(&headers, &())
}
