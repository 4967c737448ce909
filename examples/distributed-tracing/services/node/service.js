// A service that takes the trace context of a request, makes spans, and hands the context on.
import http from "node:http";

import { SpanKind, SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

// The exporter reads OTEL_EXPORTER_OTLP_ENDPOINT; http://localhost:4318 without it.
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME ?? "node-service" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const tracer = trace.getTracer("example");

async function callNext(url) {
  const span = tracer.startSpan("GET", { kind: SpanKind.CLIENT, attributes: { "url.full": url } });
  return context.with(trace.setSpan(context.active(), span), async () => {
    const headers = {};
    propagation.inject(context.active(), headers);
    try {
      const answer = await fetch(url, { headers });
      return [200, `next answered ${answer.status}`];
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      return [502, `next cannot be reached: ${error}`];
    } finally {
      span.end();
    }
  });
}

const server = http.createServer((request, response) => {
  const parent = propagation.extract(context.active(), request.headers);
  const attributes = { "http.request.method": request.method, "http.route": "/work" };
  tracer.startActiveSpan(`${request.method} /work`, { kind: SpanKind.SERVER, attributes }, parent, async (span) => {
    tracer.startSpan("compute").end();
    const [status, text] = process.env.NEXT_URL ? await callNext(process.env.NEXT_URL) : [200, "done"];
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: text });
    response.writeHead(status, { "content-type": "text/plain" }).end(`${text}\n`);
    span.end();
  });
});
const port = Number(process.env.PORT ?? 8080);
server.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}/work`));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => provider.shutdown().then(() => process.exit(0)));
