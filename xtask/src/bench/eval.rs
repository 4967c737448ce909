//! `cargo xtask bench eval`: what assertions on traces cost a run, and what a run of large traces holds in memory.
//!
//! The system under test is a server of this process that takes its time and then exports its spans as OTLP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Figure;
use super::driven::{self, folder, memory_mb};
use crate::process::binary;

/// With trace assertions a run may take so many times as long as without.
const RATIO_BAR: f64 = 1.15;
const MEMORY_BAR_MB: f64 = 500.0;
/// The target answers after this.
const ANSWER: Duration = Duration::from_millis(100);
/// And has exported its spans this much later.
const EXPORT: Duration = Duration::from_millis(20);

/// A refused export is sent again so often, after this pause.
const RETRIES: usize = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Measures; `quick` drives fewer scenarios of the large traces.
pub fn measure(quick: bool) -> Result<Vec<Figure>, String> {
    let binary = binary()?;
    let small = Run { scenarios: 100, concurrency: 4, spans: 8, answer: ANSWER };
    let rounds = if quick { 1 } else { 3 };
    let (mut with, mut without) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        // The best of each: what else the machine does is no cost of assertions.
        without = without.min(small.drive(&binary, &["--no-trace"])?.seconds);
        with = with.min(small.drive(&binary, &[])?.seconds);
    }
    let scenarios = if quick { 128 } else { 1_000 };
    let large = Run { scenarios, concurrency: 64, spans: 10_000, answer: Duration::ZERO };
    let driven = large.drive(&binary, &[])?;
    let ratio = with / without;
    Ok(vec![
        Figure {
            what: "100 scenarios of 100 ms, concurrency 4, without trace assertions",
            figure: format!("{without:.2} s"),
            bar: "-".into(),
            met: true,
        },
        Figure {
            what: "with trace assertions, spans exported within 20 ms",
            figure: format!("{with:.2} s ({ratio:.3}x)"),
            bar: format!("<= {RATIO_BAR}x"),
            met: ratio <= RATIO_BAR,
        },
        Figure {
            what: if quick {
                "128 scenarios of 10,000 spans, concurrency 64"
            } else {
                "1,000 scenarios of 10,000 spans, concurrency 64"
            },
            figure: format!("{:.1} s", driven.seconds),
            bar: "-".into(),
            met: true,
        },
        Figure {
            what: "peak memory of that run",
            figure: format!("{:.0} MB", driven.peak_mb),
            bar: format!("< {MEMORY_BAR_MB:.0} MB"),
            met: driven.peak_mb < MEMORY_BAR_MB,
        },
    ])
}

/// One suite of equal scenarios.
struct Run {
    scenarios: usize,
    concurrency: usize,
    /// Spans of each trace.
    spans: usize,
    answer: Duration,
}

struct Driven {
    seconds: f64,
    peak_mb: f64,
}

impl Run {
    fn drive(&self, binary: &Path, more: &[&str]) -> Result<Driven, String> {
        let folder = folder()?;
        let receiver = free_port()?;
        let target = Target::start(receiver, self.spans, self.answer)?;
        let suite = folder.path().join("suite.yaml");
        driven::write(&suite, &self.suite(target, receiver, free_port()?))?;
        let report = folder.path().join("report.json");
        let mut command = Command::new(binary);
        command.arg("eval").arg(&suite).arg("--data").arg(folder.path().join("data"));
        command.args(["--output", "json"]).arg(&report).args(more);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let mut peak_mb: f64 = 0.0;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            peak_mb = peak_mb.max(memory_mb(child.id(), "VmHWM").unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        };
        let report = driven::report(&report).map_err(|error| format!("{error} ({status})"))?;
        if !status.success() {
            return Err(format!("the run ended with {status}: {}; {}", report["counts"], first_problem(&report)));
        }
        let nanos = report["duration"].as_u64().ok_or("the report has no duration")?;
        Ok(Driven { seconds: nanos as f64 / 1e9, peak_mb })
    }

    fn suite(&self, target: u16, receiver: u16, other: u16) -> String {
        let Self { scenarios, concurrency, spans, .. } = self;
        let mut text = format!(
            "suite: bench\ntarget: {{ http: {{ url: 'http://127.0.0.1:{target}/ask', method: POST, body: hm }} }}\n\
             receive: {{ grpc: '127.0.0.1:{other}', http: '127.0.0.1:{receiver}' }}\nservices: [front, back]\n\
             run: {{ concurrency: {concurrency} }}\ncomplete: {{ deadline: 120s, quiet: 60s }}\nscenarios:\n"
        );
        for number in 0..*scenarios {
            text += &format!(
                "  - name: scenario {number}\n    assert:\n      - status: 200\n      - services: all\n      - edges: [front -> back]\n      \
                 - {{ spans: '{{ kind = server }}', count: 2 }}\n      - {{ spans: '{{ resource.service.name = \"back\" }}', each: 'duration < 10s' }}\n      \
                 - fault_path: none\n      - {{ spans: '{{ }}', count: {spans} }}\n"
            );
        }
        text
    }
}

fn first_problem(report: &Value) -> String {
    let scenarios = report["scenarios"].as_array().cloned().unwrap_or_default();
    let bad = scenarios.iter().find(|scenario| scenario["verdict"] != "pass");
    let text = bad.map(|scenario| scenario["attempts"][0].to_string()).unwrap_or_default();
    text.chars().take(1_500).collect()
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// The system under test.
struct Target {
    /// One export, with ids to be filled in.
    export: Export,
    receiver: u16,
    answer: Duration,
}

impl Target {
    /// Starts it and says its port. It ends with this process.
    fn start(receiver: u16, spans: usize, answer: Duration) -> Result<u16, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let target = Arc::new(Self { export: Export::new(spans), receiver, answer });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let target = Arc::clone(&target);
                std::thread::spawn(move || {
                    let _ = target.serve(stream);
                });
            }
        });
        Ok(port)
    }

    /// Answers every request of one connection.
    fn serve(self: &Arc<Self>, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream;
        loop {
            let (mut length, mut context) = (0, None);
            let mut line = String::new();
            loop {
                line.clear();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                let lower = line.trim().to_ascii_lowercase();
                if lower.is_empty() {
                    break;
                }
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                if let Some(value) = lower.strip_prefix("traceparent:") {
                    context = Some(value.trim().to_owned());
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            std::thread::sleep(self.answer);
            writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhm")?;
            if let Some(body) = context.and_then(|context| self.export.body(&context)) {
                let target = Arc::clone(self);
                std::thread::spawn(move || {
                    // Half of the time that is allowed: the receiver's own takes the rest.
                    std::thread::sleep(EXPORT / 2);
                    // As an SDK does: what the receiver has no room for now is sent again.
                    (0..RETRIES).any(|_| {
                        let taken = target.send(&body).unwrap_or(false);
                        if !taken {
                            std::thread::sleep(PAUSE);
                        }
                        taken
                    })
                });
            }
        }
    }

    /// Whether the receiver took it.
    fn send(&self, body: &[u8]) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.receiver))?;
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    }
}

/// An export request whose trace id and first parent are filled in for each request.
struct Export {
    body: Vec<u8>,
}

const TRACE: [u8; 16] = [0xee; 16];
const CALLER: [u8; 8] = [0xdd; 8];

impl Export {
    /// Two services: `front` answers and calls `back`, which does the rest.
    fn new(spans: usize) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let start = u64::try_from(now.as_nanos()).unwrap_or_default();
        let id = |n: usize| (n as u64 + 1).to_be_bytes();
        let span = |n: usize, parent: [u8; 8], name: &str, kind: u64| {
            let mut span = Vec::new();
            bytes(&mut span, 1, &TRACE);
            bytes(&mut span, 2, &id(n));
            bytes(&mut span, 4, &parent);
            bytes(&mut span, 5, name.as_bytes());
            varint_field(&mut span, 6, kind);
            fixed64(&mut span, 7, start + n as u64 * 1_000);
            fixed64(&mut span, 8, start + 50_000_000 - n as u64 * 1_000);
            let mut attribute = Vec::new();
            bytes(&mut attribute, 1, b"app.step");
            let mut value = Vec::new();
            varint_field(&mut value, 3, n as u64);
            bytes(&mut attribute, 2, &value);
            bytes(&mut span, 9, &attribute);
            span
        };
        let front = vec![span(0, CALLER, "POST /ask", 2), span(1, id(0), "POST", 3)];
        let mut back = vec![span(2, id(1), "POST /work", 2)];
        back.extend((3..spans).map(|n| span(n, id(2), "step", 1)));
        let mut body = Vec::new();
        bytes(&mut body, 1, &resource_spans("front", &front));
        bytes(&mut body, 1, &resource_spans("back", &back));
        Self { body }
    }

    /// For a request with this `traceparent`.
    fn body(&self, context: &str) -> Option<Vec<u8>> {
        let mut parts = context.split('-').skip(1);
        let (trace, parent) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
        let mut body = self.body.clone();
        replace(&mut body, &TRACE, &trace);
        replace(&mut body, &CALLER, &parent);
        Some(body)
    }
}

fn resource_spans(service: &str, spans: &[Vec<u8>]) -> Vec<u8> {
    let (mut value, mut attribute, mut resource, mut scope, mut all) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    bytes(&mut value, 1, service.as_bytes());
    bytes(&mut attribute, 1, b"service.name");
    bytes(&mut attribute, 2, &value);
    bytes(&mut resource, 1, &attribute);
    spans.iter().for_each(|span| bytes(&mut scope, 2, span));
    bytes(&mut all, 1, &resource);
    bytes(&mut all, 2, &scope);
    all
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn fixed64(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3 | 1);
    out.extend(value.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Puts `new`, of the same length, wherever `old` stands.
fn replace(body: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while at + old.len() <= body.len() {
        if body[at..].starts_with(old) {
            body[at..at + old.len()].copy_from_slice(new);
            at += old.len();
        } else {
            at += 1;
        }
    }
}
