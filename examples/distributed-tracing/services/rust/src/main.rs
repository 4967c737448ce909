//! A service that takes the trace context of a request, makes spans, and hands the context on.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use opentelemetry::trace::{FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;

/// Reads `OTEL_EXPORTER_OTLP_ENDPOINT`; `http://127.0.0.1:4318` without it.
fn telemetry() -> SdkTracerProvider {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build().expect("an exporter");
    let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "rust-service".into());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name(name).build())
        .build();
    global::set_tracer_provider(provider.clone());
    provider
}

async fn handle(headers: HeaderMap) -> (StatusCode, String) {
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(&headers)));
    let tracer = global::tracer("example");
    let span = tracer
        .span_builder("GET /work")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", "GET"), KeyValue::new("http.route", "/work")])
        .start_with_context(&tracer, &parent);
    let context = parent.with_span(span);
    let (status, text) = work().with_context(context.clone()).await;
    let span = context.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(text.clone()));
    }
    span.end();
    (status, text)
}

async fn work() -> (StatusCode, String) {
    let tracer = global::tracer("example");
    tracer.start("compute").end();
    let Ok(next) = std::env::var("NEXT_URL") else { return (StatusCode::OK, "done\n".into()) };
    let span = tracer.span_builder("GET").with_kind(SpanKind::Client).with_attributes([KeyValue::new("url.full", next.clone())]).start(&tracer);
    let context = Context::current_with_span(span);
    let mut headers = reqwest::header::HeaderMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut HeaderInjector(&mut headers)));
    let answer = reqwest::Client::new().get(&next).headers(headers).send().await;
    let outcome = match answer {
        Ok(response) => (StatusCode::OK, format!("next answered {}\n", response.status())),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("next cannot be reached: {error}\n")),
    };
    if outcome.0.is_server_error() {
        context.span().set_status(Status::error(outcome.1.clone()));
    }
    context.span().end();
    outcome
}

#[tokio::main]
async fn main() {
    // The blocking exporter must not be made within the runtime.
    let provider = tokio::task::spawn_blocking(telemetry).await.expect("telemetry");
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("the port is free");
    println!("listening on http://127.0.0.1:{port}/work");
    let service = axum::serve(listener, Router::new().route("/work", get(handle)));
    service.with_graceful_shutdown(asked_to_stop()).await.expect("serves");
    // Sends the spans that are still held; it blocks until they are sent.
    let _ = tokio::task::spawn_blocking(move || provider.shutdown()).await;
}

/// Ctrl-C, or SIGTERM where there is one.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).expect("SIGTERM can be awaited");
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
