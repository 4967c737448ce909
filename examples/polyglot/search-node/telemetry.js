// The OpenTelemetry SDK, set up before anything that it instruments is loaded.
"use strict";

const os = require("node:os");

// The stable HTTP conventions.
process.env.OTEL_SEMCONV_STABILITY_OPT_IN ??= "http";

const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-grpc");
const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { ExpressInstrumentation, ExpressLayerType } = require("@opentelemetry/instrumentation-express");
const { GrpcInstrumentation } = require("@opentelemetry/instrumentation-grpc");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const {
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
} = require("@opentelemetry/sdk-trace-node");

const service = process.env.OTEL_SERVICE_NAME ?? "search";
const exports_ = process.env.OTEL_EXPORTER_OTLP_ENDPOINT && process.env.OTEL_TRACES_EXPORTER !== "none";

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({
    "service.name": service,
    "service.version": "0.1.0",
    "service.namespace": "headwater-demo",
    "service.instance.id": `${service}-${process.pid}`,
    "deployment.environment.name": process.env.DEPLOYMENT_ENVIRONMENT ?? "demo",
    "host.name": os.hostname(),
    "process.pid": process.pid,
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
  }),
  sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  // The exporter reads OTEL_EXPORTER_OTLP_ENDPOINT, the processor OTEL_BSP_SCHEDULE_DELAY.
  spanProcessors: exports_ ? [new BatchSpanProcessor(new OTLPTraceExporter())] : [],
});
// Registers the W3C propagators for trace context and baggage too.
provider.register();
registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [
    new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => request.url === "/healthz" }),
    new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE, ExpressLayerType.REQUEST_HANDLER] }),
    new GrpcInstrumentation(),
  ],
});

module.exports = { provider, service };
