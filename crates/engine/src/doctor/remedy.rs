//! How to mend instrumentation, by language where the spans say which it is.

/// What puts the context into requests and takes it out, by `telemetry.sdk.language`.
fn propagation(language: Option<&str>) -> &'static str {
    match language {
        Some("python") => {
            "opentelemetry-instrument, or opentelemetry-instrumentation-requests/-httpx/-fastapi; by hand \
             opentelemetry.propagate.inject(headers) and extract(headers)"
        }
        Some("nodejs" | "webjs") => {
            "start with --require @opentelemetry/auto-instrumentations-node/register, before http is loaded; by hand \
             propagation.inject(context.active(), headers) and extract"
        }
        Some("java") => {
            "the Java agent (-javaagent:opentelemetry-javaagent.jar); a thread pool of your own needs Context.taskWrapping"
        }
        Some("go") => {
            "otel.SetTextMapPropagator(propagation.TraceContext{}) (the default does nothing), otelhttp.NewTransport and \
             otelhttp.NewHandler, and hand ctx on"
        }
        Some("rust") => {
            "global::set_text_map_propagator(TraceContextPropagator::new()) (the default does nothing), then inject and \
             extract around each request"
        }
        Some("dotnet") => {
            "AddHttpClientInstrumentation and AddAspNetCoreInstrumentation; requests over raw sockets need Propagators.DefaultTextMapPropagator"
        }
        Some("php" | "ruby") => "the auto-instrumentation package of your HTTP client and framework",
        _ => "send and read the header `traceparent` (W3C Trace Context): the SDK's propagator does it once it is set",
    }
}

pub(super) fn context_lost(service: &str, language: Option<&str>, caller: Option<(&str, Option<&str>)>) -> String {
    match caller {
        Some((caller, its)) if its == language => {
            format!(
                "see that {caller} injects and {service} extracts the context: {}; OTEL_PROPAGATORS must name a common format on both sides",
                propagation(language)
            )
        }
        Some((caller, its)) => format!(
            "in {caller}: {}; in {service}: {}; OTEL_PROPAGATORS must name a common format on both sides",
            propagation(its),
            propagation(language)
        ),
        None => format!("see that whoever calls {service} injects the context: {}", propagation(language)),
    }
}

pub(super) fn missing_parent(service: &str, caller: Option<&str>) -> String {
    match caller {
        Some(caller) => format!(
            "look at the exporter of {caller}: does it flush before the process ends, drop on a full queue, or sample by \
             itself? A proxy in between that makes spans and sends them elsewhere looks the same"
        ),
        None => format!(
            "whoever calls {service} passes a context on and sends no spans: give it an exporter \
             (OTEL_EXPORTER_OTLP_ENDPOINT), or, if it is a proxy or a browser, send its spans here too"
        ),
    }
}

pub(super) fn no_spans(service: &str) -> String {
    format!(
        "if {service} is yours: add an SDK, set OTEL_SERVICE_NAME={service} and OTEL_EXPORTER_OTLP_ENDPOINT, and look for \
         OTEL_TRACES_EXPORTER=none or OTEL_SDK_DISABLED; if it is not, nothing is wrong"
    )
}

pub(super) fn callee_missing(service: &str, language: Option<&str>) -> String {
    let flush = match language {
        Some("python") => "call tracer_provider.shutdown() at exit",
        Some("nodejs") => "await sdk.shutdown() on SIGTERM",
        Some("go") => "defer tp.Shutdown(ctx)",
        Some("rust") => "call provider.shutdown() before main ends",
        _ => "shut the tracer provider down at exit",
    };
    format!(
        "some instances of {service} lose spans: raise the queue (OTEL_BSP_MAX_QUEUE_SIZE), {flush}, and see whether a \
         sampler or a filter there drops some routes"
    )
}

pub(super) fn sampled(service: &str) -> String {
    format!(
        "let {service} follow its caller: OTEL_TRACES_SAMPLER=parentbased_always_on (or another parentbased_ sampler)"
    )
}

pub(super) fn unnamed(language: Option<&str>) -> String {
    let by_hand = match language {
        Some("rust") => "; in code Resource::builder().with_service_name(…)",
        Some("go") => "; in code resource.NewWithAttributes(…, semconv.ServiceName(…))",
        _ => "",
    };
    format!("set OTEL_SERVICE_NAME where the process starts{by_hand}")
}

pub(super) fn short_ids() -> String {
    "use W3C trace context on both sides, or 128-bit ids in B3 (older clients: `traceId128Bit=true`): the same trace with \
     a padded and an unpadded id falls apart"
        .to_owned()
}

pub(super) fn clock(late: &str, other: &str) -> String {
    format!("synchronise the clocks of {late} and {other} (chrony, NTP); durations are right, positions are not")
}
