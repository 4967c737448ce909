//! The spans that are sent: each trace is a function of its number, so that what is read back can be compared without
//! keeping what was sent.
//!
//! Two shapes. [`Shape::Benchmark`] has the numbers of Jaeger's public ClickHouse benchmark (10 services, 97 keys of 1,000
//! values, 11 attributes a span, 10 spans a trace, 10 days), keys and values drawn at random, which compresses worst; the
//! first key has its first value every other time: the common value that searches ask for. [`Shape::Rag`] looks like our
//! own RAG system: typed attributes, prompts, events.

use super::protobuf::Message;

/// Days over which the traces are spread.
pub const DAYS: u64 = 10;
/// Attribute keys of the benchmark's shape.
pub const KEYS: u64 = 97;
/// Values of each key.
pub const VALUES: u64 = 1_000;
/// Services, and operations of each.
pub const SERVICES: u64 = 10;
/// Operations of a service.
pub const OPERATIONS: u64 = 10;
const ATTRIBUTES: usize = 11;
const SPANS: usize = 10;
const DAY_NANOS: u64 = 86_400_000_000_000;

/// What the traces look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Jaeger's ClickHouse benchmark.
    Benchmark,
    /// A RAG system: gateway, retrieval, model calls.
    Rag,
}

/// A seeded series of traces.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    pub shape: Shape,
    pub seed: u64,
    /// How many traces the series has: it spreads over [`DAYS`].
    pub traces: u64,
    /// When the first trace begins, in Unix nanoseconds.
    pub began: u64,
}

/// A typed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

/// One span as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub span_id: u64,
    /// 0 for a root.
    pub parent_span_id: u64,
    pub service: String,
    pub name: String,
    pub kind: u64,
    pub start: u64,
    pub end: u64,
    pub is_error: bool,
    pub attributes: Vec<(String, Value)>,
    /// Events: time and text.
    pub events: Vec<(u64, String)>,
}

/// One trace as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub trace_id: [u8; 16],
    pub spans: Vec<Span>,
}

/// Splitmix64: short, and good enough to look random to a compressor.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The name of the benchmark's key, such as `attribute.07`.
pub fn key(number: u64) -> String {
    format!("attribute.{number:02}")
}

/// The text of the benchmark's value, such as `val_042`.
pub fn value(number: u64) -> String {
    format!("val_{number:03}")
}

/// The name of the benchmark's service, such as `service-3`.
pub fn service(number: u64) -> String {
    format!("service-{number}")
}

/// The name of the benchmark's operation, such as `operation-3-7`.
pub fn operation(service: u64, number: u64) -> String {
    format!("operation-{service}-{number}")
}

impl Generator {
    /// The id of the trace of this number.
    pub fn trace_id(&self, number: u64) -> [u8; 16] {
        let mut random = self.random(number);
        id_of(&mut random)
    }

    /// The trace of this number.
    pub fn trace(&self, number: u64) -> Trace {
        let mut random = self.random(number);
        let trace_id = id_of(&mut random);
        let step = DAYS * DAY_NANOS / self.traces.max(1);
        let began = self.began + number * step + random.below(step.max(1));
        let spans = match self.shape {
            Shape::Benchmark => benchmark_spans(&mut random, began),
            Shape::Rag => rag_spans(&mut random, began),
        };
        Trace { trace_id, spans }
    }

    fn random(&self, number: u64) -> Random {
        let mut seed = Random::new(self.seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Random::new(seed.next())
    }
}

fn id_of(random: &mut Random) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    id
}

fn benchmark_spans(random: &mut Random, began: u64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::with_capacity(SPANS);
    for position in 0..SPANS {
        let parent = (position > 0).then(|| random.below(position as u64) as usize);
        let (parent_span_id, earliest) =
            parent.map_or((0, began), |parent| (spans[parent].span_id, spans[parent].start));
        let start = earliest + random.below(2_000_000);
        // From a tenth of a millisecond to a tenth of a second, each size about as often.
        let end = start + (100_000 << random.below(10)) + random.below(100_000);
        let of_service = random.below(SERVICES);
        let mut keys = [KEYS; ATTRIBUTES];
        let mut attributes = Vec::with_capacity(ATTRIBUTES);
        for at in 0..ATTRIBUTES {
            let mut drawn = random.below(KEYS);
            while keys[..at].contains(&drawn) {
                drawn = random.below(KEYS);
            }
            keys[at] = drawn;
        }
        // Instrumentations set their attributes in one order.
        keys.sort_unstable();
        for drawn in keys {
            let common = drawn == 0 && random.below(2) == 0;
            let of_key = if common { 0 } else { random.below(VALUES) };
            attributes.push((key(drawn), Value::Text(value(of_key))));
        }
        spans.push(Span {
            span_id: random.next().max(1),
            parent_span_id,
            service: service(of_service),
            name: operation(of_service, random.below(OPERATIONS)),
            kind: 1 + random.below(5),
            start,
            end,
            is_error: random.below(50) == 0,
            attributes,
            events: Vec::new(),
        });
    }
    spans
}

/// Service, name, kind, parent (its own place for the root), most milliseconds.
const RAG: [(&str, &str, u64, usize, u64); 9] = [
    ("gateway", "POST /v1/ask", 2, 0, 2_000),
    ("auth", "verify token", 2, 0, 5),
    ("orchestrator", "invoke_agent answer", 2, 0, 1_900),
    ("cache", "GET", 3, 2, 2),
    ("search", "retrieve", 2, 2, 60),
    ("vector-db", "query chunks", 3, 4, 30),
    ("rag", "rerank", 1, 2, 90),
    ("llm", "chat large-1", 3, 2, 1_500),
    ("llm", "embeddings small-1", 3, 4, 40),
];

const WORDS: [&str; 24] = [
    "trace", "span", "parent", "the", "a", "of", "which", "latency", "service", "request", "between", "answers",
    "index", "vector", "token", "model", "and", "is", "slow", "when", "cache", "why", "retry", "context",
];

fn words(random: &mut Random, count: u64) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(WORDS[random.below(WORDS.len() as u64) as usize]);
        text.push(' ');
    }
    text
}

fn rag_spans(random: &mut Random, began: u64) -> Vec<Span> {
    let session = format!("{:016x}", random.next());
    let mut spans: Vec<Span> = Vec::with_capacity(RAG.len());
    for (position, (service, name, kind, parent, millis)) in RAG.into_iter().enumerate() {
        let (parent_span_id, earliest) = match position {
            0 => (0, began),
            _ => (spans[parent].span_id, spans[parent].start),
        };
        let start = earliest + random.below(1_000_000);
        let end = start + millis * 500_000 + random.below(millis * 500_000);
        let is_error = random.below(100) == 0;
        let mut attributes = vec![
            ("session.id".to_owned(), Value::Text(session.clone())),
            ("tenant.id".to_owned(), Value::Text(format!("tenant-{}", random.below(50)))),
        ];
        let mut events = Vec::new();
        let mut add = |key: &str, value: Value| attributes.push((key.to_owned(), value));
        match service {
            "gateway" | "auth" | "search" => {
                add("http.request.method", Value::Text("POST".to_owned()));
                add("url.path", Value::Text(format!("/v1/{name}")));
                add("http.response.status_code", Value::Int(if is_error { 500 } else { 200 }));
                add("server.address", Value::Text(format!("10.0.0.{}", random.below(20))));
            }
            "llm" => {
                add("gen_ai.request.model", Value::Text(name.rsplit(' ').next().unwrap_or_default().to_owned()));
                add("gen_ai.usage.input_tokens", Value::Int(200 + random.below(4_000) as i64));
                add("gen_ai.usage.output_tokens", Value::Int(random.below(800) as i64));
                add("gen_ai.request.temperature", Value::Double(random.below(10) as f64 / 10.0));
                let length = 40 + random.below(60);
                add("gen_ai.input.messages", Value::Text(words(random, length)));
                let length = random.below(60);
                events.push((start + 1_000, words(random, length)));
            }
            "vector-db" => {
                add("db.system.name", Value::Text("usearch".to_owned()));
                add("db.query.text", Value::Text(format!("SELECT chunk FROM chunks LIMIT {}", random.below(30))));
                add("retrieval.score", Value::Double(random.below(1 << 40) as f64 / (1_u64 << 40) as f64));
            }
            _ => {
                add("cache.hit", Value::Bool(random.below(3) == 0));
                add("documents", Value::Int(random.below(40) as i64));
            }
        }
        spans.push(Span {
            span_id: random.next().max(1),
            parent_span_id,
            service: service.to_owned(),
            name: name.to_owned(),
            kind,
            start,
            end,
            is_error,
            attributes,
            events,
        });
    }
    spans
}

/// An `ExportTraceServiceRequest` of these traces, by service as a collector sends them.
pub fn request_body(traces: &[Trace]) -> Vec<u8> {
    let mut services: Vec<&str> = traces.iter().flat_map(|trace| &trace.spans).map(|span| &*span.service).collect();
    services.sort_unstable();
    services.dedup();
    let mut request = Message::default();
    for service in services {
        request.message(1, |block| {
            block.message(1, |resource| attribute(resource, 1, "service.name", &Value::Text(service.to_owned())));
            block.message(2, |scope_block| {
                scope_block.message(1, |scope| scope.text(1, "bench"));
                for trace in traces {
                    let of_service = trace.spans.iter().filter(|span| span.service == service);
                    of_service.for_each(|span| scope_block.message(2, |message| span_message(message, trace, span)));
                }
            });
        });
    }
    request.bytes
}

fn span_message(message: &mut Message, trace: &Trace, span: &Span) {
    message.blob(1, &trace.trace_id);
    message.blob(2, &span.span_id.to_be_bytes());
    if span.parent_span_id != 0 {
        message.blob(4, &span.parent_span_id.to_be_bytes());
    }
    message.text(5, &span.name);
    message.varint(6, span.kind);
    message.fixed64(7, span.start);
    message.fixed64(8, span.end);
    span.attributes.iter().for_each(|(key, value)| attribute(message, 9, key, value));
    for (time, text) in &span.events {
        message.message(11, |event| {
            event.fixed64(1, *time);
            event.text(2, "gen_ai.choice");
            attribute(event, 3, "gen_ai.output.messages", &Value::Text(text.clone()));
        });
    }
    if span.is_error {
        message.message(15, |status| {
            status.text(2, "it went wrong");
            status.varint(3, 2);
        });
    }
}

fn attribute(message: &mut Message, number: u32, key: &str, value: &Value) {
    message.message(number, |entry| {
        entry.text(1, key);
        entry.message(2, |any| match value {
            Value::Text(text) => any.text(1, text),
            Value::Bool(bool) => any.varint(2, u64::from(*bool)),
            Value::Int(int) => any.varint(3, *int as u64),
            Value::Double(double) => any.fixed64_with_zero(4, double.to_bits()),
        });
    });
}
