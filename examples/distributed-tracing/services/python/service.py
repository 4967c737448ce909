"""A service that takes the trace context of a request, makes spans, and hands the context on."""

import os
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# Reads OTEL_EXPORTER_OTLP_ENDPOINT; http://localhost:4318 without it.
name = os.environ.get("OTEL_SERVICE_NAME", "python-service")
provider = TracerProvider(resource=Resource.create({"service.name": name}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("example")


@asynccontextmanager
async def lifespan(app: FastAPI):
    yield
    # Sends the spans that are still held. Not after the server: uvicorn raises a SIGTERM again once it has ended.
    provider.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/work")
async def work() -> dict[str, str]:
    with tracer.start_as_current_span("compute"):
        pass
    next_url = os.environ.get("NEXT_URL")
    if not next_url:
        return {"result": "done"}
    async with httpx.AsyncClient() as client:
        answer = await client.get(next_url)
        return {"result": f"next answered {answer.status_code}"}


FastAPIInstrumentor.instrument_app(app)
HTTPXClientInstrumentor().instrument()

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
