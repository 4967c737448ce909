//! `POST /api/v1/sign-in`: a page gives the token once and gets a cookie that scripts cannot read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};

use crate::answer::{Answered, Refusal};
use crate::guard::COOKIE_NAME;
use crate::server::Api;

/// The body: `{"token": "…"}`.
#[derive(serde::Deserialize)]
pub struct SignIn {
    token: String,
}

/// Answers 204 with the cookie, or 401.
pub async fn sign_in(State(api): State<Arc<Api>>, Json(body): Json<SignIn>) -> Answered {
    if !api.guard.is_token(&body.token) {
        return Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "the token is not the right one",
            "it was set when the server was started",
        ));
    }
    let cookie = format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict", body.token);
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let cookie = HeaderValue::try_from(cookie).map_err(|_| {
        Refusal::new(StatusCode::BAD_REQUEST, "this token cannot be a cookie", "use letters and digits")
    })?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}
