import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.concurrent.TimeUnit;

/** Sends one trace with the OpenTelemetry SDK for Java, and prints the trace id. */
public final class Send {
  private static SpanExporter exporter(String protocol, String endpoint) {
    return protocol.equals("grpc")
        ? OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).build()
        : OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").setCompression("gzip").build();
  }

  public static void main(String[] arguments) {
    Resource resource =
        Resource.create(Attributes.builder().put("service.name", "sdk-java").put("service.version", "1.2.3").build());
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(resource)
            .addSpanProcessor(BatchSpanProcessor.builder(exporter(arguments[0], arguments[1])).build())
            .build();
    Tracer tracer =
        provider
            .tracerBuilder("acceptance")
            .setInstrumentationVersion("0.9")
            .setSchemaUrl("https://opentelemetry.io/schemas/1.30.0")
            .build();
    SpanContext linked =
        SpanContext.createFromRemoteParent(
            "0102030405060708090a0b0c0d0e0f10",
            "0102030405060708",
            TraceFlags.getSampled(),
            TraceState.builder().put("vendor", "value").build());

    Span parent =
        tracer
            .spanBuilder("parent")
            .setSpanKind(SpanKind.SERVER)
            .addLink(linked, Attributes.builder().put("why", "retry").build())
            .setAllAttributes(
                Attributes.builder()
                    .put("text", "p\u00e2t\u00e9 \u2713")
                    .put("yes", true)
                    .put("int", 9007199254740991L)
                    .put("double", 0.25)
                    .put(AttributeKey.stringArrayKey("texts"), java.util.List.of("a", "b"))
                    .put(AttributeKey.longArrayKey("ints"), java.util.List.of(1L, 2L))
                    .put(AttributeKey.booleanArrayKey("bools"), java.util.List.of(true, false))
                    .put(AttributeKey.doubleArrayKey("doubles"), java.util.List.of(0.5, 1.5))
                    .build())
            .startSpan();
    parent.addEvent("note", Attributes.builder().put("step", 1L).build());
    Span child =
        tracer.spanBuilder("child").setParent(Context.root().with(parent)).setSpanKind(SpanKind.CLIENT).startSpan();
    child.setStatus(StatusCode.ERROR, "went wrong");
    child.recordException(new IllegalArgumentException("no such thing"));
    child.end();
    parent.end();
    boolean sent = provider.shutdown().join(20, TimeUnit.SECONDS).isSuccess();
    if (!sent) {
      System.err.println("the exporter did not finish");
      System.exit(1);
    }
    System.out.println(parent.getSpanContext().getTraceId());
    System.exit(0);
  }
}
