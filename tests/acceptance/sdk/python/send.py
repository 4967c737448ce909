"""Sends one trace and one log record with the OpenTelemetry SDK for Python, and prints the trace id."""

import logging
import sys

from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

protocol, endpoint = sys.argv[1:]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    span_exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
    log_exporter = OTLPLogExporter(endpoint=endpoint, insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    span_exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces")
    log_exporter = OTLPLogExporter(endpoint=endpoint + "/v1/logs")

resource = Resource.create({"service.name": "sdk-python", "service.version": "1.2.3"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(span_exporter))
tracer = provider.get_tracer("acceptance", "0.9", schema_url="https://opentelemetry.io/schemas/1.30.0")

linked = SpanContext(
    trace_id=0x0102030405060708090A0B0C0D0E0F10,
    span_id=0x0102030405060708,
    is_remote=True,
    trace_flags=TraceFlags(1),
    trace_state=TraceState([("vendor", "value")]),
)
with tracer.start_as_current_span(
    "parent",
    kind=SpanKind.SERVER,
    links=[Link(linked, {"why": "retry"})],
    attributes={
        "text": "pâté ✓",
        "yes": True,
        "int": 9007199254740991,
        "double": 0.25,
        "texts": ["a", "b"],
        "ints": [1, 2],
        "bools": [True, False],
        "doubles": [0.5, 1.5],
    },
) as parent:
    parent.add_event("note", {"step": 1})
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    logger = logging.getLogger("acceptance")
    logger.addHandler(LoggingHandler(logger_provider=logs))
    logger.warning("a log record")
    with tracer.start_as_current_span("child", kind=SpanKind.CLIENT) as child:
        child.set_status(Status(StatusCode.ERROR, "went wrong"))
        try:
            raise ValueError("no such thing")
        except ValueError as error:
            child.record_exception(error)
    trace_id = trace.format_trace_id(parent.get_span_context().trace_id)
provider.shutdown()
logs.shutdown()
print(trace_id)
