//! The OpenTelemetry SDK as a user sets it up: batch processors, a parent-based sampler, W3C trace context and baggage, a
//! resource that says who this is.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use opentelemetry_otlp::{LogExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};

use crate::settings::Settings;

/// The SDK of this process.
#[derive(Clone)]
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    logs: SdkLoggerProvider,
    logger: SdkLogger,
    /// Makes spans.
    pub tracer: SdkTracer,
    /// This service's name.
    pub service: String,
}

impl Telemetry {
    /// Sets the SDK up. Must run within tokio, where the exporters' connections live. How long spans are held is read by
    /// the SDK itself, from `OTEL_BSP_SCHEDULE_DELAY`.
    pub fn start(service: &str, settings: &Settings) -> Result<Self, String> {
        let propagators: Vec<Box<dyn opentelemetry::propagation::TextMapPropagator + Send + Sync>> =
            vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())];
        global::set_text_map_propagator(TextMapCompositePropagator::new(propagators));

        let name = settings.or("OTEL_SERVICE_NAME", service);
        let resource = resource(&name, settings);
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let mut traces = SdkTracerProvider::builder().with_resource(resource.clone()).with_sampler(sampler);
        let mut logs = SdkLoggerProvider::builder().with_resource(resource);
        let endpoint = settings.text("OTEL_EXPORTER_OTLP_ENDPOINT");
        let exports = settings.text("OTEL_TRACES_EXPORTER").as_deref() != Some("none");
        if let Some(endpoint) = endpoint.filter(|_| exports) {
            let cannot = |error: &dyn std::fmt::Display| format!("cannot export to {endpoint}: {error}");
            let spans = SpanExporter::builder()
                .with_tonic()
                .with_endpoint(&endpoint)
                .build()
                .map_err(|error| cannot(&error))?;
            let records =
                LogExporter::builder().with_tonic().with_endpoint(&endpoint).build().map_err(|error| cannot(&error))?;
            traces = traces.with_batch_exporter(spans);
            logs = logs.with_batch_exporter(records);
        }
        let (provider, logs) = (traces.build(), logs.build());
        let scope = InstrumentationScope::builder("headwater.demo").with_version(env!("CARGO_PKG_VERSION")).build();
        let tracer = provider.tracer_with_scope(scope);
        let logger = logs.logger("headwater.demo");
        Ok(Self { provider, logs, logger, tracer, service: name })
    }

    /// Starts a span below the current one; it is current in the context returned.
    pub fn span(
        &self,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Context {
        let span = self.tracer.span_builder(name).with_kind(kind).with_attributes(attributes).start(&self.tracer);
        Context::current_with_span(span)
    }

    /// Writes a log record of an error; it joins the span that is current.
    pub fn log_error(&self, message: String) {
        self.log(Severity::Error, message);
    }

    /// Writes a log record of something that was handled; it joins the span that is current.
    pub fn log_warning(&self, message: String) {
        self.log(Severity::Warn, message);
    }

    fn log(&self, severity: Severity, message: String) {
        let mut record = self.logger.create_log_record();
        record.set_timestamp(SystemTime::now());
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        if severity == Severity::Error {
            // The conventions' newer form of an exception: a log record instead of a span event.
            record.add_attribute("exception.message", message.clone());
        }
        record.set_body(AnyValue::from(message));
        self.logger.emit(record);
    }

    /// Flushes and ends. What cannot be sent any more is lost, as it is for any process that ends.
    pub async fn stop(self) {
        // The processors block while they flush.
        let flushed = tokio::task::spawn_blocking(move || {
            let _ = self.provider.shutdown();
            let _ = self.logs.shutdown();
        });
        let _ = flushed.await;
    }
}

/// What the conventions say of an address, `HOST:PORT`.
pub(crate) fn server_attributes(address: &str) -> Vec<KeyValue> {
    let Some((host, port)) = address.rsplit_once(':') else { return Vec::new() };
    let mut attributes = vec![KeyValue::new("server.address", host.to_owned())];
    attributes.extend(port.parse::<i64>().ok().map(|port| KeyValue::new("server.port", port)));
    attributes
}

/// Marks the span of `context` as failed, with an event of the exception.
pub(crate) fn failed(context: &Context, kind: &str, status: String, exception: String) {
    let span = context.span();
    span.set_attribute(KeyValue::new("error.type", kind.to_owned()));
    span.set_status(Status::error(status));
    let exception =
        vec![KeyValue::new("exception.type", kind.to_owned()), KeyValue::new("exception.message", exception)];
    span.add_event("exception", exception);
}

fn resource(service: &str, settings: &Settings) -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned());
    let attributes = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", format!("{service}-{}", std::process::id())),
        KeyValue::new("service.namespace", "headwater-demo"),
        KeyValue::new("deployment.environment.name", settings.or("DEPLOYMENT_ENVIRONMENT", "demo")),
        KeyValue::new("host.name", host),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    Resource::builder().with_service_name(service.to_owned()).with_attributes(attributes).build()
}
