//! Embeds the question, asks the vector database, ranks what it finds.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::corpus::{Passage, passages};
use crate::defect::Defect;
use crate::embedding::embed;
use crate::http_server::failure;
use crate::limits::{FILL_ATTEMPTS, FILL_PAUSE, PASSAGES_FOUND, VECTOR_DB_DEADLINE};
use crate::settings::Provider;
use crate::vector_rpc::{Hit, Point, RpcError, SearchRequest, VectorClient};

struct Search {
    service: Service,
    vectors: VectorClient,
    passages: HashMap<String, Passage>,
    model: Option<Model>,
}

/// An OpenAI-compatible endpoint for embeddings: `OPENAI_EMBEDDING_MODEL` beside `OPENAI_API_KEY`.
#[derive(Clone)]
struct Model {
    name: String,
    provider: Provider,
}

#[derive(Deserialize)]
struct Ask {
    question: String,
}

pub(super) async fn routes(service: &Service) -> Result<Router, String> {
    let settings = &service.settings;
    let model = settings.text("OPENAI_EMBEDDING_MODEL").zip(settings.provider());
    let model = model.map(|(name, provider)| Model { name, provider });
    let search = Search {
        service: service.clone(),
        vectors: VectorClient::new(
            &settings.url("VECTOR_DB_URL")?,
            service.telemetry.clone(),
            service.defects.clone(),
        )?,
        passages: passages().into_iter().map(|passage| (passage.id.clone(), passage)).collect(),
        model,
    };
    search.fill().await?;
    Ok(Router::new().route("/v1/search", post(answer)).with_state(Arc::new(search)))
}

async fn answer(State(search): State<Arc<Search>>, Json(ask): Json<Ask>) -> Response {
    let [question, keywords] = match search.embed_question(&ask.question).await {
        Ok(vectors) => vectors,
        Err(problem) => return failure(StatusCode::BAD_GATEWAY, &problem),
    };
    let attributes = [
        KeyValue::new("gen_ai.operation.name", "retrieval"),
        KeyValue::new("gen_ai.data_source.id", "passages"),
        KeyValue::new("gen_ai.retrieval.query.text", ask.question.clone()),
        KeyValue::new("gen_ai.request.top_k", PASSAGES_FOUND as i64),
    ];
    let renamed = search.service.defects.has(Defect::RenamedSpan);
    let name = if renamed { "search documents" } else { "retrieval passages" };
    let context = search.service.telemetry.span(name, SpanKind::Internal, attributes);
    if search.service.defects.has(Defect::EndedEarly) {
        context.span().end();
    }
    let found = search.nearest(question, keywords).with_context(context.clone()).await;
    let span = context.span();
    let hits = match found {
        Ok(hits) => hits,
        Err(_) if search.service.defects.has(Defect::TimeoutSwallowed) => Vec::new(),
        Err(error) => {
            let message = format!("vector-db {}: {}", error.code, error.message);
            span.set_status(Status::error(message.clone()));
            span.end();
            search.service.telemetry.log_error(message.clone());
            let timeout = error.code == "DEADLINE_EXCEEDED" && !search.service.defects.has(Defect::WrongStatus);
            return failure(if timeout { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }, &message);
        }
    };
    let documents: Vec<Value> = hits.iter().map(|hit| json!({ "id": hit.id, "score": hit.score })).collect();
    span.set_attribute(KeyValue::new("gen_ai.retrieval.documents", Value::Array(documents).to_string()));
    span.end();
    let ranked = hits.iter().filter_map(|hit| {
        let passage = search.passages.get(&hit.id)?;
        Some(json!({ "id": passage.id, "title": passage.title, "text": passage.text, "score": hit.score }))
    });
    Json(json!({ "passages": ranked.collect::<Vec<_>>() })).into_response()
}

/// The words that carry the meaning: those of five letters or more; all of them where there are none.
fn keywords(question: &str) -> String {
    let long = question.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphanumeric()).count() >= 5);
    let long: Vec<&str> = long.collect();
    if long.is_empty() { question.to_owned() } else { long.join(" ") }
}

/// Both lists as one, each passage with its better score, the best first.
fn best(one: Vec<Hit>, other: Vec<Hit>) -> Vec<Hit> {
    let mut hits = one;
    for hit in other {
        match hits.iter_mut().find(|known| known.id == hit.id) {
            Some(known) => known.score = known.score.max(hit.score),
            None => hits.push(hit),
        }
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
    hits.truncate(PASSAGES_FOUND);
    hits
}

impl Search {
    /// Puts all passages into the vector database, which may still be starting.
    async fn fill(&self) -> Result<(), String> {
        let texts: Vec<String> =
            self.passages.values().map(|passage| format!("{} {}", passage.title, passage.text)).collect();
        let vectors = self.vectors_of(&texts).await?;
        let points: Vec<Point> =
            self.passages.keys().zip(vectors).map(|(id, vector)| Point { id: id.clone(), vector }).collect();
        let mut problem = String::new();
        for attempt in 1..=FILL_ATTEMPTS {
            match self.vectors.upsert(points.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) => problem = error,
            }
            tokio::time::sleep(FILL_PAUSE * attempt).await;
        }
        Err(format!("cannot fill the vector database: {problem}"))
    }

    /// The passages nearest to the question and to its keywords, asked for at the same time: the words that carry a
    /// question's meaning find what its phrasing hides.
    async fn nearest(&self, question: Vec<f32>, keywords: Vec<f32>) -> Result<Vec<Hit>, RpcError> {
        let defects = &self.service.defects;
        let deadline = VECTOR_DB_DEADLINE * if defects.has(Defect::DeadlineRaised) { 2 } else { 1 };
        let limit = if defects.has(Defect::RetrievalHalved) { PASSAGES_FOUND / 2 } else { PASSAGES_FOUND };
        let ask = |mut vector: Vec<f32>| {
            if defects.has(Defect::WrongPassages) {
                vector.iter_mut().for_each(|number| *number = -*number);
            }
            self.vectors.search(SearchRequest { vector, limit: limit as u32 }, deadline)
        };
        let (by_question, by_keywords) = if defects.has(Defect::SerialQueries) {
            (ask(question.clone()).await, ask(keywords).await)
        } else {
            tokio::join!(ask(question.clone()), ask(keywords))
        };
        let mut hits = best(by_question?, by_keywords?);
        hits.truncate(limit);
        if defects.has(Defect::NPlusOne) {
            for _ in &hits {
                ask(question.clone()).await?;
            }
        }
        Ok(hits)
    }

    /// The vectors of a question and of its keywords.
    async fn embed_question(&self, question: &str) -> Result<[Vec<f32>; 2], String> {
        let name = self.model.as_ref().map_or("headwater-hash-512", |model| &model.name);
        let attributes = [
            KeyValue::new("gen_ai.operation.name", "embeddings"),
            KeyValue::new("gen_ai.provider.name", if self.model.is_some() { "openai" } else { "headwater" }),
            KeyValue::new("gen_ai.request.model", name.to_owned()),
            KeyValue::new("gen_ai.usage.input_tokens", crate::answerer::count_tokens(question)),
        ];
        let kind = if self.model.is_some() { SpanKind::Client } else { SpanKind::Internal };
        let context = self.service.telemetry.span(format!("embeddings {name}"), kind, attributes);
        let texts = [question.to_owned(), keywords(question)];
        let vectors = self.vectors_of(&texts).with_context(context.clone()).await;
        match &vectors {
            Ok(vectors) => {
                let dimensions = vectors.first().map_or(0, Vec::len) as i64;
                context.span().set_attribute(KeyValue::new("gen_ai.embeddings.dimension.count", dimensions));
            }
            Err(problem) => context.span().set_status(Status::error(problem.clone())),
        }
        context.span().end();
        vectors?.try_into().map_err(|_| "no embedding came back".to_owned())
    }

    /// One vector for each text, in order.
    async fn vectors_of(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        let Some(Model { name, provider }) = &self.model else {
            return Ok(texts.iter().map(|text| embed(text)).collect());
        };
        let request = self.service.client.http.post(format!("{}/embeddings", provider.url)).bearer_auth(&provider.key);
        let response = request.json(&json!({ "model": name, "input": texts })).send().await;
        let response = response.map_err(|error| format!("cannot ask for embeddings: {error}"))?;
        let status = response.status();
        let answer: Value = response.json().await.map_err(|error| format!("cannot read embeddings: {error}"))?;
        let data = answer["data"].as_array().filter(|data| data.len() == texts.len());
        let data = data
            .ok_or_else(|| format!("expected {} embeddings, the provider answered {status}: {answer}", texts.len()))?;
        let numbers = |one: &Value| {
            one["embedding"]
                .as_array()
                .map(|numbers| numbers.iter().filter_map(Value::as_f64).map(|number| number as f32).collect())
        };
        data.iter().map(|one| numbers(one).ok_or_else(|| "an embedding is no list of numbers".to_owned())).collect()
    }
}
