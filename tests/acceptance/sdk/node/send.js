// Sends one trace with the OpenTelemetry SDK for Node, and prints the trace id.
// `http` is protobuf; `json` is what browsers send.
import { SpanKind, SpanStatusCode, TraceFlags, context, createTraceState, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [protocol, endpoint] = process.argv.slice(2);
const exporter = {
  grpc: () => new GrpcExporter({ url: endpoint }),
  http: () => new ProtobufExporter({ url: `${endpoint}/v1/traces` }),
  json: () => new JsonExporter({ url: `${endpoint}/v1/traces` }),
}[protocol]();

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "sdk-node", "service.version": "1.2.3" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer("acceptance", "0.9", { schemaUrl: "https://opentelemetry.io/schemas/1.30.0" });

const parent = tracer.startSpan("parent", {
  kind: SpanKind.SERVER,
  links: [
    {
      context: {
        traceId: "0102030405060708090a0b0c0d0e0f10",
        spanId: "0102030405060708",
        traceFlags: TraceFlags.SAMPLED,
        isRemote: true,
        traceState: createTraceState("vendor=value"),
      },
      attributes: { why: "retry" },
    },
  ],
  attributes: {
    text: "pâté ✓",
    yes: true,
    int: 9007199254740991,
    double: 0.25,
    texts: ["a", "b"],
    ints: [1, 2],
    bools: [true, false],
    doubles: [0.5, 1.5],
  },
});
parent.addEvent("note", { step: 1 });
const child = tracer.startSpan("child", { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), parent));
child.setStatus({ code: SpanStatusCode.ERROR, message: "went wrong" });
child.recordException(new RangeError("no such thing"));
child.end();
parent.end();
await provider.forceFlush();
await provider.shutdown();
console.log(parent.spanContext().traceId);
