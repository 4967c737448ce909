//! The answering side of an HTTP hop: a server span around every handler, with the fault hook inside.

use std::future::Future;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{FutureExt as _, Link, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use serde_json::json;

use crate::cancelled::Unfinished;
use crate::defect::Defect;
use crate::fault::CALLER_HEADER;
use crate::services::Service;
use crate::telemetry::server_attributes;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// The context that a request carries.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)))
}

/// Puts a server span, and the fault hook, around every handler of `router`.
pub(crate) fn instrumented(router: Router, service: Service) -> Router {
    router.layer(axum::middleware::from_fn(move |request: Request, next: axum::middleware::Next| {
        let service = service.clone();
        async move { answer(&service, request, |request| next.run(request)).await }
    }))
}

async fn answer<F: Future<Output = Response>>(
    service: &Service,
    request: Request,
    handle: impl FnOnce(Request) -> F,
) -> Response {
    let Service { telemetry, faults, .. } = service;
    let parent = extract(request.headers());
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    if path == "/healthz" {
        return handle(request).await;
    }
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| path.clone(), |route| route.as_str().to_owned());
    let header =
        |headers: &HeaderMap, name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let caller = header(request.headers(), CALLER_HEADER);
    let host = header(request.headers(), "host");
    let agent = header(request.headers(), "user-agent");
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("url.path", path),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("http.route", route.clone()),
        KeyValue::new("network.protocol.version", "1.1"),
    ];
    attributes.extend(host.as_deref().map(server_attributes).unwrap_or_default());
    attributes.extend(agent.map(|agent| KeyValue::new("user_agent.original", agent)));
    attributes.extend(business_attributes(&parent));
    let mut builder = telemetry
        .tracer
        .span_builder(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes(attributes);
    let mut above = parent.clone();
    if acts_in(service, "llm", Defect::FreshRoot) {
        builder = builder.with_links(vec![Link::with_context(parent.span().span_context().clone())]);
        above = Context::new();
    }
    let span = builder.start_with_context(&telemetry.tracer, &above);
    let context = parent.with_span(span);

    let began = Instant::now();
    let fault = faults.acting(&context, caller.as_deref());
    let handled = async {
        if let Some(fault) = &fault {
            let status = fault.act(&context).await;
            if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
                return failure(status, &format!("injected fault: {fault}"));
            }
        }
        handle(request).await
    };
    let unfinished = Unfinished::new(&context, Vec::new());
    let mut response = handled.with_context(context.clone()).await;
    if acts_in(service, "llm", Defect::SlowLlm) {
        tokio::time::sleep(began.elapsed() * 2).await;
    }
    unfinished.finished();

    let span = context.span();
    let status = response.status();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
        span.set_status(Status::error(message_of(&response)));
    } else if acts_in(service, "auth", Defect::FalseError) {
        span.set_status(Status::error("verified"));
    }
    let trace_id = span.span_context().trace_id().to_string();
    if let Ok(value) = http::HeaderValue::from_str(&trace_id) {
        response.headers_mut().insert("x-trace-id", value);
    }
    span.end();
    response
}

/// Whether a defect is on that is this service's.
fn acts_in(service: &Service, name: &str, defect: Defect) -> bool {
    service.telemetry.service == name && service.defects.has(defect)
}

/// What travels as baggage and is worth knowing on every server span.
pub(crate) fn business_attributes(context: &Context) -> impl Iterator<Item = KeyValue> + '_ {
    ["app.user.tier", "app.request.id"]
        .into_iter()
        .filter_map(|key| context.baggage().get(key).map(|value| KeyValue::new(key, value.to_string())))
}

/// Why a request failed, for the span: travels beside the response, not in it.
#[derive(Clone)]
struct Reason(String);

fn message_of(response: &Response) -> String {
    response.extensions().get::<Reason>().map_or_else(|| response.status().to_string(), |reason| reason.0.clone())
}

/// An error answer.
pub(crate) fn failure(status: StatusCode, message: &str) -> Response {
    let trace_id = Context::current().span().span_context().trace_id().to_string();
    let mut response = (status, Json(json!({ "error": message, "trace_id": trace_id }))).into_response();
    response.extensions_mut().insert(Reason(message.to_owned()));
    response
}
