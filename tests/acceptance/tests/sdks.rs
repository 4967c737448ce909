//! The OpenTelemetry SDKs of five languages each send by gRPC and by HTTP, and every field comes back.

use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance::{Server, skip};
use serde_json::{Value, json};

/// Runs the program of one language and checks what arrived.
async fn check(server: &Server, protocol: &str, command: &mut Command, service: &str, exception: &str) {
    let endpoint = if protocol == "grpc" { &server.grpc } else { &server.http };
    let output = command.arg(protocol).arg(endpoint).output().expect("the program can be run");
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{service} {protocol}: {}", String::from_utf8_lossy(&output.stderr));
    let trace_id = printed.lines().last().unwrap_or_default().to_owned();
    let document = server.json(&format!("/api/v1/trace/{trace_id}/otlp")).await;
    check_document(&document, &trace_id, service, exception);
}

/// What every program sends, written down once.
fn check_document(document: &Value, trace_id: &str, service: &str, exception: &str) {
    let resource_spans = document["resourceSpans"].as_array().expect("resourceSpans");
    let mut spans: Vec<(&Value, &Value)> = Vec::new();
    for block in resource_spans {
        let resource = attributes(&block["resource"]["attributes"]);
        assert_eq!(resource["service.name"], json!({ "stringValue": service }));
        assert_eq!(resource["service.version"], json!({ "stringValue": "1.2.3" }));
        for scope_spans in block["scopeSpans"].as_array().expect("scopeSpans") {
            assert_eq!(scope_spans["scope"]["name"], "acceptance");
            assert_eq!(scope_spans["scope"]["version"], "0.9");
            assert_eq!(scope_spans["schemaUrl"], "https://opentelemetry.io/schemas/1.30.0");
            spans.extend(scope_spans["spans"].as_array().expect("spans").iter().map(|span| (scope_spans, span)));
        }
    }
    let named = |name: &str| spans.iter().find(|(_, span)| span["name"] == name).expect(name).1;
    let (parent, child) = (named("parent"), named("child"));
    assert_eq!(spans.len(), 2);

    assert_eq!(parent["traceId"], trace_id);
    assert_eq!(parent["kind"], 2);
    assert!(parent.get("parentSpanId").is_none_or(|id| id == ""));
    // The exporter for Python writes only whether the parent is remote, and leaves the sampled bit out.
    let flags = parent["flags"].as_u64().unwrap_or(0);
    assert!(flags & 1 == 1 || service == "sdk-python", "sampled: {flags}");
    let carried = attributes(&parent["attributes"]);
    for (key, value) in [
        ("text", json!({ "stringValue": "pâté ✓" })),
        ("yes", json!({ "boolValue": true })),
        ("int", json!({ "intValue": "9007199254740991" })),
        ("double", json!({ "doubleValue": 0.25 })),
        ("texts", json!({ "arrayValue": { "values": [{ "stringValue": "a" }, { "stringValue": "b" }] } })),
        ("ints", json!({ "arrayValue": { "values": [{ "intValue": "1" }, { "intValue": "2" }] } })),
        ("bools", json!({ "arrayValue": { "values": [{ "boolValue": true }, { "boolValue": false }] } })),
        ("doubles", json!({ "arrayValue": { "values": [{ "doubleValue": 0.5 }, { "doubleValue": 1.5 }] } })),
    ] {
        assert_eq!(carried[key], value, "{service}: {key}");
    }
    let note = &parent["events"][0];
    assert_eq!(note["name"], "note");
    assert_eq!(attributes(&note["attributes"])["step"], json!({ "intValue": "1" }));
    let link = &parent["links"][0];
    assert_eq!(link["traceId"], "0102030405060708090a0b0c0d0e0f10");
    assert_eq!(link["spanId"], "0102030405060708");
    // The exporters for Go and Python leave a link's trace state out.
    assert!(link["traceState"] == "vendor=value" || service == "sdk-go" || service == "sdk-python", "{link}");
    assert_eq!(attributes(&link["attributes"])["why"], json!({ "stringValue": "retry" }));

    assert_eq!(child["parentSpanId"], parent["spanId"]);
    assert_eq!(child["kind"], 3);
    assert_eq!(child["status"], json!({ "code": 2, "message": "went wrong" }));
    let thrown = attributes(&child["events"][0]["attributes"]);
    assert_eq!(child["events"][0]["name"], "exception");
    assert_eq!(thrown["exception.message"], json!({ "stringValue": "no such thing" }));
    assert_eq!(thrown["exception.type"], json!({ "stringValue": exception }));
    let nanos = |span: &Value, key: &str| span[key].as_str().and_then(|text| text.parse::<u64>().ok()).expect(key);
    assert!(nanos(child, "startTimeUnixNano") >= nanos(parent, "startTimeUnixNano"));
    assert!(nanos(child, "endTimeUnixNano") >= nanos(child, "startTimeUnixNano"));
}

fn attributes(list: &Value) -> serde_json::Map<String, Value> {
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().map(|entry| (entry["key"].as_str().unwrap_or_default().to_owned(), entry["value"].clone())).collect()
}

fn sdk_folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk").join(language)
}

/// Where what a package manager brings is kept from one run to the next: beside the build, never in the sources.
fn scratch(language: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk").join(language);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Runs a step of preparation; what it prints is shown when it fails.
fn prepare(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run {:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let tail: Vec<&str> = text.lines().rev().take(8).collect();
    Err(format!("{command:?} failed: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}

/// Whether a runtime is there; without it the test is skipped, loudly. With it, a failing preparation fails the test:
/// otherwise a broken lock file would pass as a missing runtime.
fn has(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn python() {
    if !has("python3", "--version") {
        return skip("python", "python3 is not installed");
    }
    let venv = scratch("python").join("venv");
    if !venv.join("ready").exists() {
        prepare(Command::new("python3").args(["-m", "venv"]).arg(&venv)).expect("a virtual environment");
        let pip = venv.join("bin/pip");
        prepare(
            Command::new(pip)
                .args(["install", "--quiet", "--no-deps", "-r"])
                .arg(sdk_folder("python").join("requirements.txt")),
        )
        .expect("the SDK for Python installs");
        std::fs::write(venv.join("ready"), "").expect("written");
    }
    let server = Server::start();
    for protocol in ["grpc", "http"] {
        let mut program = Command::new(venv.join("bin/python"));
        check(&server, protocol, program.arg(sdk_folder("python").join("send.py")), "sdk-python", "ValueError").await;
    }
    let list = server.json("/api/v1/traces").await;
    let logs: Vec<u64> =
        list["traces"].as_array().expect("traces").iter().filter_map(|row| row["logCount"].as_u64()).collect();
    assert_eq!(logs, [1, 1], "the log record of each trace joined it");
}

#[tokio::test]
async fn node() {
    if !has("npm", "--version") {
        return skip("node", "npm is not installed");
    }
    let folder = scratch("node");
    for file in ["package.json", "package-lock.json", "send.js"] {
        std::fs::copy(sdk_folder("node").join(file), folder.join(file)).expect("copied");
    }
    if !folder.join("node_modules").exists() {
        prepare(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder))
            .expect("the SDK for Node installs");
    }
    let server = Server::start();
    for protocol in ["grpc", "http", "json"] {
        let mut program = Command::new("node");
        check(&server, protocol, program.arg(folder.join("send.js")), "sdk-node", "RangeError").await;
    }
}

#[tokio::test]
async fn go() {
    if !has("go", "version") {
        return skip("go", "go is not installed");
    }
    let program = scratch("go").join("send");
    prepare(Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(sdk_folder("go")))
        .expect("the program in Go builds");
    let server = Server::start();
    for protocol in ["grpc", "http"] {
        check(&server, protocol, &mut Command::new(&program), "sdk-go", "*errors.errorString").await;
    }
}

#[tokio::test]
async fn java() {
    if !has("mvn", "--version") || !has("javac", "--version") {
        return skip("java", "mvn or javac is not installed");
    }
    let folder = scratch("java");
    std::fs::create_dir_all(folder.join("src/main/java")).expect("made");
    for file in ["pom.xml", "src/main/java/Send.java"] {
        std::fs::copy(sdk_folder("java").join(file), folder.join(file)).expect("copied");
    }
    let arguments = ["-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"];
    prepare(Command::new("mvn").args(arguments).current_dir(&folder)).expect("the program in Java builds");
    let server = Server::start();
    for protocol in ["grpc", "http"] {
        let mut program = Command::new("java");
        program.args(["-cp", "target/classes:target/lib/*", "Send"]).current_dir(&folder);
        check(&server, protocol, &mut program, "sdk-java", "java.lang.IllegalArgumentException").await;
    }
}

mod rust {
    //! The SDK for Rust runs in this process.

    use opentelemetry::trace::{
        Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
        TracerProvider as _,
    };
    use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::{Server, check_document};

    #[derive(Debug)]
    struct NoSuchThing;

    impl std::fmt::Display for NoSuchThing {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no such thing")
        }
    }

    impl std::error::Error for NoSuchThing {}

    fn send(exporter: SpanExporter) -> String {
        let resource = Resource::builder_empty()
            .with_attributes([KeyValue::new("service.name", "sdk-rust"), KeyValue::new("service.version", "1.2.3")])
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let scope = InstrumentationScope::builder("acceptance")
            .with_version("0.9")
            .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
            .build();
        let tracer = provider.tracer_with_scope(scope);
        let linked = SpanContext::new(
            0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10_u128.into(),
            0x0102_0304_0506_0708_u64.into(),
            TraceFlags::SAMPLED,
            true,
            TraceState::from_key_value([("vendor", "value")]).expect("a valid trace state"),
        );
        let mut parent = tracer
            .span_builder("parent")
            .with_kind(SpanKind::Server)
            .with_links(vec![Link::new(linked, vec![KeyValue::new("why", "retry")], 0)])
            .with_attributes([
                KeyValue::new("text", "pâté ✓"),
                KeyValue::new("yes", true),
                KeyValue::new("int", 9_007_199_254_740_991_i64),
                KeyValue::new("double", 0.25),
                KeyValue::new("texts", Value::Array(Array::String(vec!["a".into(), "b".into()]))),
                KeyValue::new("ints", Value::Array(Array::I64(vec![1, 2]))),
                KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
                KeyValue::new("doubles", Value::Array(Array::F64(vec![0.5, 1.5]))),
            ])
            .start(&tracer);
        parent.add_event("note", vec![KeyValue::new("step", 1)]);
        let context = Context::new().with_span(parent);
        let mut child = tracer.span_builder("child").with_kind(SpanKind::Client).start_with_context(&tracer, &context);
        child.set_status(Status::error("went wrong"));
        // The SDK's `record_error` leaves the type out, so the event is written as the convention says.
        child.add_event(
            "exception",
            vec![
                KeyValue::new("exception.type", std::any::type_name::<NoSuchThing>()),
                KeyValue::new("exception.message", NoSuchThing.to_string()),
            ],
        );
        child.end();
        let trace_id = context.span().span_context().trace_id().to_string();
        context.span().end();
        provider.shutdown().expect("everything is sent");
        trace_id
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn grpc_and_http() {
        // The exporters make an HTTP client, which needs a TLS provider even for plain HTTP.
        let _client = acceptance::http_client();
        let server = Server::start();
        let grpc = SpanExporter::builder().with_tonic().with_endpoint(&server.grpc).build().expect("a gRPC exporter");
        // The batch processor's thread is no part of a runtime: it needs a client that blocks.
        let endpoint = format!("{}/v1/traces", server.http);
        let http = tokio::task::spawn_blocking(move || {
            let client = reqwest::blocking::Client::builder().no_proxy().build().expect("a client");
            let exporter = SpanExporter::builder().with_http().with_http_client(client);
            exporter.with_protocol(Protocol::HttpBinary).with_endpoint(endpoint).build().expect("an HTTP exporter")
        });
        let http = http.await.expect("made");
        for exporter in [grpc, http] {
            let trace_id = tokio::task::spawn_blocking(move || send(exporter)).await.expect("sent");
            let document = server.json(&format!("/api/v1/trace/{trace_id}/otlp")).await;
            check_document(&document, &trace_id, "sdk-rust", std::any::type_name::<NoSuchThing>());
        }
    }
}
