//! Cache, then search, then the RAG pipeline, then back into the cache.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::defect::Defect;
use crate::http_client::{Call, CallError};
use crate::limits::{CACHE_EXPIRY, GATEWAY_DEADLINE};

struct Orchestrator {
    service: Service,
    cache: String,
    search: String,
    rag: String,
}

#[derive(Deserialize)]
struct Ask {
    question: String,
    #[serde(default)]
    namespace: String,
}

pub(super) fn routes(service: &Service) -> Result<Router, String> {
    let orchestrator = Orchestrator {
        service: service.clone(),
        cache: service.settings.url("CACHE_URL")?,
        search: service.settings.url("SEARCH_URL")?,
        rag: service.settings.url("RAG_URL")?,
    };
    Ok(Router::new().route("/v1/answer", post(answer)).with_state(Arc::new(orchestrator)))
}

async fn answer(State(orchestrator): State<Arc<Orchestrator>>, Json(ask): Json<Ask>) -> Response {
    let defects = &orchestrator.service.defects;
    let namespace = if defects.has(Defect::StaleCache) { "" } else { &ask.namespace };
    let key = format!("{namespace}/{}", ask.question.trim().to_lowercase());
    let early = if defects.has(Defect::OrderSwapped) { orchestrator.find(&ask.question).await.ok() } else { None };
    // A cache that cannot be asked costs time, not the answer: the error is on its span and handled here.
    let cached = orchestrator.call("cache", &orchestrator.cache, "/v1/get", &json!({ "key": key })).await.ok();
    if let Some(mut answer) = cached.map(|cached| cached["value"].clone()).filter(Value::is_object) {
        answer["cached"] = json!(true);
        Context::current().span().set_attribute(KeyValue::new("app.answer.cached", true));
        return Json(answer).into_response();
    }
    Context::current().span().set_attribute(KeyValue::new("app.answer.cached", false));
    match orchestrator.find_and_answer(&ask.question, early).await {
        Ok(answer) if defects.has(Defect::CacheNeverWritten) => Json(answer).into_response(),
        Ok(answer) => {
            let entry = json!({ "key": key, "value": answer, "expiry_ms": u64::try_from(CACHE_EXPIRY.as_millis()).unwrap_or(u64::MAX) });
            if let Err(error) = orchestrator.call("cache", &orchestrator.cache, "/v1/set", &entry).await {
                orchestrator.service.telemetry.log_warning(format!("the answer was not cached: cache {error}"));
            }
            Json(answer).into_response()
        }
        Err((peer, error)) => orchestrator.service.failed(peer, &error),
    }
}

impl Orchestrator {
    async fn call(&self, peer: &str, url: &str, path: &str, body: &Value) -> Result<Value, CallError> {
        self.service.client.call(&Call { peer, url, path, body, deadline: GATEWAY_DEADLINE, resend: 0 }).await
    }

    async fn find(&self, question: &str) -> Result<Value, (&'static str, CallError)> {
        let found = self.call("search", &self.search, "/v1/search", &json!({ "question": question })).await;
        found.map_err(|error| ("search", error))
    }

    /// Answers from the passages that were found early, or finds them first.
    async fn find_and_answer(&self, question: &str, early: Option<Value>) -> Result<Value, (&'static str, CallError)> {
        let found = match early {
            Some(found) => found,
            None => self.find(question).await?,
        };
        if self.service.defects.has(Defect::DuplicateCall) {
            self.find(question).await?;
        }
        let body = json!({ "question": question, "passages": found["passages"] });
        let mut answer = self.call("rag", &self.rag, "/v1/generate", &body).await.map_err(|error| ("rag", error))?;
        answer["cached"] = json!(false);
        Ok(answer)
    }
}
