// Sends one trace with the OpenTelemetry SDK for Go, and prints the trace id.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func client(protocol, endpoint string) otlptrace.Client {
	if protocol == "grpc" {
		return otlptracegrpc.NewClient(otlptracegrpc.WithEndpointURL(endpoint), otlptracegrpc.WithCompressor("gzip"))
	}
	return otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
	)
}

func run(ctx context.Context) error {
	exporter, err := otlptrace.New(ctx, client(os.Args[1], os.Args[2]))
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "sdk-go"), attribute.String("service.version", "1.2.3"))),
	)
	tracer := provider.Tracer("acceptance", trace.WithInstrumentationVersion("0.9"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.30.0"))

	state, err := trace.ParseTraceState("vendor=value")
	if err != nil {
		return err
	}
	linked := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		SpanID:     trace.SpanID{1, 2, 3, 4, 5, 6, 7, 8},
		TraceFlags: trace.FlagsSampled,
		TraceState: state,
		Remote:     true,
	})
	ctx, parent := tracer.Start(ctx, "parent",
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithLinks(trace.Link{SpanContext: linked, Attributes: []attribute.KeyValue{attribute.String("why", "retry")}}),
		trace.WithAttributes(
			attribute.String("text", "pâté ✓"),
			attribute.Bool("yes", true),
			attribute.Int64("int", 9007199254740991),
			attribute.Float64("double", 0.25),
			attribute.StringSlice("texts", []string{"a", "b"}),
			attribute.Int64Slice("ints", []int64{1, 2}),
			attribute.BoolSlice("bools", []bool{true, false}),
			attribute.Float64Slice("doubles", []float64{0.5, 1.5}),
		))
	parent.AddEvent("note", trace.WithAttributes(attribute.Int("step", 1)))
	_, child := tracer.Start(ctx, "child", trace.WithSpanKind(trace.SpanKindClient))
	child.SetStatus(codes.Error, "went wrong")
	child.RecordError(errors.New("no such thing"))
	child.End()
	parent.End()
	if err := provider.Shutdown(context.Background()); err != nil {
		return err
	}
	fmt.Println(parent.SpanContext().TraceID())
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
