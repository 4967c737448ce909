"""The demo's orchestrator in Python: cache, then search, then the RAG pipeline, then back into the cache.

It behaves as the one in Rust does, with FastAPI, httpx and their OpenTelemetry instrumentation.
"""

import asyncio
import json
import os
import socket
import threading
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass

# The stable HTTP conventions; read when the instrumentation is imported.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from opentelemetry import baggage, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

SERVICE = os.environ.get("OTEL_SERVICE_NAME", "orchestrator")
VERSION = "0.1.0"
DEADLINE_SECONDS = 3.0
CACHE_EXPIRY_MS = 300_000
# The process must end even if a flush hangs.
STOP_SECONDS = 9
FAULT_COUNTS_MAX = 10_000


# ------------------------------------------------------------------------------------------------ telemetry


def set_telemetry_up():
    resource = Resource.create(
        {
            "service.name": SERVICE,
            "service.version": VERSION,
            "service.namespace": "headwater-demo",
            "service.instance.id": f"{SERVICE}-{os.getpid()}",
            "deployment.environment.name": os.environ.get("DEPLOYMENT_ENVIRONMENT", "demo"),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )
    traces = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON))
    logs = LoggerProvider(resource=resource)
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if endpoint and os.environ.get("OTEL_TRACES_EXPORTER") != "none":
        plain = endpoint.startswith("http://")
        # How long spans are held is read by the SDK itself, from OTEL_BSP_SCHEDULE_DELAY.
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=plain)))
        logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=endpoint, insecure=plain)))
    trace.set_tracer_provider(traces)
    return traces, logs


traces, logs = set_telemetry_up()
logger = logs.get_logger("headwater.demo", VERSION)


def log(severity: SeverityNumber, message: str) -> None:
    """Writes a log record; it joins the span that is current."""
    logger.emit(
        LogRecord(
            timestamp=time.time_ns(),
            severity_number=severity,
            severity_text=severity.name,
            body=message,
        )
    )


# ------------------------------------------------------------------------------------------------ faults


@dataclass
class Fault:
    caller: str = ""
    callee: str = ""
    status: int | None = None
    delay_seconds: float = 0.0
    times: int | None = None
    text: str = ""


def read_fault(text: str) -> Fault:
    """Reads `edge=rag->llm,status=503,delay=500ms,times=2`."""
    fault = Fault(text=text.strip())
    for part in text.split(","):
        key, _, value = part.partition("=")
        match key.strip():
            case "edge":
                caller, _, callee = value.partition("->")
                fault.caller, fault.callee = caller.strip(), callee.strip()
            case "status":
                fault.status = int(value)
            case "delay":
                if not value.endswith("ms"):
                    raise ValueError(f"expected milliseconds such as 500ms, read {value!r}")
                fault.delay_seconds = int(value.removesuffix("ms")) / 1000
            case "times":
                fault.times = int(value)
            case _:
                raise ValueError(f"there is no {key!r} in a fault")
    return fault


class Faults:
    """Decides whether a fault acts on a request: only where the process was started with `DEMO_FAULTS=on`."""

    def __init__(self) -> None:
        self.on = os.environ.get("DEMO_FAULTS") in ("on", "true", "1")
        self.acted: OrderedDict[tuple[int, str], int] = OrderedDict()

    def acting(self, caller: str | None) -> Fault | None:
        entry = baggage.get_baggage("headwater.fault") if self.on and caller else None
        if not entry:
            return None
        for text in str(entry).split(";"):
            try:
                fault = read_fault(text)
            except ValueError:
                # Foreign baggage is nobody's error.
                continue
            if (fault.caller, fault.callee) == (caller, SERVICE):
                count = self.count(caller)
                return fault if fault.times is None or count <= fault.times else None
        return None

    def count(self, caller: str) -> int:
        key = (trace.get_current_span().get_span_context().trace_id, caller)
        self.acted[key] = self.acted.get(key, 0) + 1
        if len(self.acted) > FAULT_COUNTS_MAX:
            self.acted.popitem(last=False)
        return self.acted[key]


faults = Faults()


# ------------------------------------------------------------------------------------------------ calls


class CallError(Exception):
    def __init__(self, peer: str, status: int, message: str) -> None:
        super().__init__(f"{peer} {message}")
        self.status = status


async def call(peer: str, path: str, body: dict) -> dict:
    """Asks another service. A time-out and a refusal of the caller's doing are passed on, the rest becomes a 502."""
    try:
        url = os.environ[f"{peer.upper().replace('-', '_')}_URL"]
        answer = await app.state.client.post(url + path, json=body, extensions={"peer": peer})
    except httpx.TimeoutException:
        raise CallError(peer, 504, "no answer in time") from None
    except httpx.HTTPError as error:
        raise CallError(peer, 502, f"cannot be reached: {error}") from None
    try:
        content = answer.json()
    except ValueError:
        if answer.is_success:
            raise CallError(peer, 502, "answered something unreadable") from None
        content = {"error": answer.text[:300]}
    if answer.is_success and isinstance(content, dict):
        return content
    passed_on = answer.status_code == 504 or answer.is_client_error
    message = content.get("error") if isinstance(content, dict) else "something unreadable"
    raise CallError(peer, answer.status_code if passed_on else 502, f"answered {answer.status_code}: {message}")


async def name_peer(span, request) -> None:
    peer = (request.extensions or {}).get("peer")
    if peer and span.is_recording():
        span.set_attribute("service.peer.name", peer)


# ------------------------------------------------------------------------------------------------ the service


@asynccontextmanager
async def lifespan(app: FastAPI):
    limits = httpx.Limits(max_connections=100)
    # Never through a proxy of the surroundings: all services are on loopback.
    app.state.client = httpx.AsyncClient(
        timeout=DEADLINE_SECONDS, trust_env=False, limits=limits, headers={"x-caller": SERVICE}
    )
    yield
    await app.state.client.aclose()
    # Here, not after the server: uvicorn raises a SIGTERM again once it has ended, and nothing runs after that.
    traces.shutdown()
    logs.shutdown()


app = FastAPI(lifespan=lifespan)


def failure(status: int, message: str) -> JSONResponse:
    trace_id = trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
    return JSONResponse({"error": message, "trace_id": trace_id}, status_code=status)


@app.middleware("http")
async def act_on_faults(request: Request, call_next):
    """Runs within the server span, before the handler."""
    span = trace.get_current_span()
    for key in ("app.user.tier", "app.request.id"):
        if value := baggage.get_baggage(key):
            span.set_attribute(key, str(value))
    fault = faults.acting(request.headers.get("x-caller"))
    if fault:
        span.set_attribute("demo.fault", fault.text)
        await asyncio.sleep(fault.delay_seconds)
        if fault.status:
            return failure(fault.status, f"injected fault: status {fault.status}")
    return await call_next(request)


@app.post("/v1/answer")
async def answer(ask: dict):
    if not isinstance(ask.get("question"), str):
        return failure(400, 'expected JSON such as {"question": "What is a span?"}')
    span = trace.get_current_span()
    question, namespace = ask["question"], ask.get("namespace", "")
    key = f"{namespace}/{question.strip().lower()}"
    cached = await look_up(key)
    span.set_attribute("app.answer.cached", cached is not None)
    if cached is not None:
        return {**cached, "cached": True}
    try:
        found = await call("search", "/v1/search", {"question": question})
        made = await call("rag", "/v1/generate", {"question": question, "passages": found["passages"]})
    except CallError as error:
        log(SeverityNumber.ERROR, str(error))
        return failure(error.status, str(error))
    made["cached"] = False
    try:
        await call("cache", "/v1/set", {"key": key, "value": made, "expiry_ms": CACHE_EXPIRY_MS})
    except CallError as error:
        log(SeverityNumber.WARN, f"the answer was not cached: {error}")
    return made


async def look_up(key: str) -> dict | None:
    """A cache that cannot be asked costs time, not the answer: the error is on its span and handled here."""
    try:
        value = (await call("cache", "/v1/get", {"key": key})).get("value")
    except CallError as error:
        log(SeverityNumber.WARN, str(error))
        return None
    return value if isinstance(value, dict) else None


@app.get("/healthz")
async def healthz() -> str:
    return "ok"


FastAPIInstrumentor.instrument_app(app, excluded_urls="healthz", exclude_spans=["send", "receive"])
HTTPXClientInstrumentor().instrument(async_request_hook=name_peer)


# ------------------------------------------------------------------------------------------------ the process


def stop_with_input(server: uvicorn.Server) -> None:
    """The launcher holds our standard input: its end, however it came about, ends us."""
    # Unbuffered: the lock of a buffered reader, held by this thread, would keep the interpreter from ending.
    while os.read(0, 256):
        pass
    server.should_exit = True
    time.sleep(STOP_SECONDS)
    os._exit(1)


def main() -> None:
    host, _, port = os.environ.get("LISTEN", "127.0.0.1:0").rpartition(":")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        host, port = listener.getsockname()
        print(json.dumps({"service": SERVICE, "address": f"{host}:{port}"}), flush=True)
        await serving

    threading.Thread(target=stop_with_input, args=(server,), daemon=True).start()
    asyncio.run(run())


if __name__ == "__main__":
    main()
