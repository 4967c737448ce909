//! Which format a file is in.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::limits::{DETECT_BYTES_MAX, DETECT_LINES_MAX};

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One OTLP request as JSON, perhaps over many lines.
    OtlpJson,
    /// One OTLP request as JSON on each line.
    OtlpJsonLines,
    /// One OTLP request as protobuf.
    OtlpProtobuf,
    /// Jaeger's JSON.
    JaegerJson,
    /// Zipkin's JSON, version 2.
    ZipkinJson,
}

impl Format {
    /// The name people know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OtlpJson => "OTLP JSON",
            Self::OtlpJsonLines => "OTLP JSON Lines",
            Self::OtlpProtobuf => "OTLP protobuf",
            Self::JaegerJson => "Jaeger JSON",
            Self::ZipkinJson => "Zipkin v2 JSON",
        }
    }
}

/// The format of `bytes`, uncompressed; `None` for anything that cannot be imported. A file that is broken further on is
/// still recognised, so that its decoder can say where.
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<Format> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if matches!(text.first(), Some(b'{' | b'['))
        && let Some(format) = detect_json(text)
    {
        return Some(format);
    }
    // Field 1 with a length: `resource_spans`. A line feed is the same byte, so JSON was asked first.
    (bytes.first() == Some(&0x0a) && bytes.len() > 1 && !text.starts_with(b"{\"")).then_some(Format::OtlpProtobuf)
}

fn detect_json(text: &[u8]) -> Option<Format> {
    let mut documents = serde_json::Deserializer::from_slice(text);
    match Names::deserialize(&mut documents) {
        Ok(names) => match names.format()? {
            Format::OtlpJson if !is_single(text) => Some(Format::OtlpJsonLines),
            format => Some(format),
        },
        Err(_) => detect_broken(text),
    }
}

fn is_single(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

fn detect_broken(text: &[u8]) -> Option<Format> {
    let lines = text.split(|byte| *byte == b'\n').take(DETECT_LINES_MAX);
    let mut whole = lines.filter_map(|line| serde_json::from_slice::<Names>(line).ok());
    if whole.any(|names| names.format() == Some(Format::OtlpJson)) {
        return Some(Format::OtlpJsonLines);
    }
    let beginning = String::from_utf8_lossy(&text[..text.len().min(DETECT_BYTES_MAX)]);
    let said = |name: &str| beginning.contains(&format!("\"{name}\""));
    if said("resourceSpans") || said("resourceLogs") || said("resource_spans") {
        Some(Format::OtlpJson)
    } else if said("spanID") || said("traceID") {
        Some(Format::JaegerJson)
    } else if said("traceId") && said("id") {
        Some(Format::ZipkinJson)
    } else {
        None
    }
}

/// What the names in a document, or in the first object of an array, tell.
#[derive(Default)]
struct Names {
    otlp: bool,
    jaeger: bool,
    zipkin_trace_id: bool,
    zipkin_id: bool,
    inner: Option<Format>,
}

impl Names {
    fn format(&self) -> Option<Format> {
        if self.otlp {
            Some(Format::OtlpJson)
        } else if self.jaeger {
            Some(Format::JaegerJson)
        } else if self.zipkin_trace_id && self.zipkin_id {
            Some(Format::ZipkinJson)
        } else {
            self.inner
        }
    }
}

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        let mut names = Names::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "resourceSpans" | "resource_spans" | "resourceLogs" | "resource_logs" | "resourceMetrics" => {
                    names.otlp = true;
                }
                "traceID" | "spanID" => names.jaeger = true,
                "traceId" => names.zipkin_trace_id = true,
                "id" => names.zipkin_id = true,
                // The export of Jaeger's page, empty or not.
                "data" => {
                    names.jaeger = true;
                }
                _ => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(names)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Names::default();
        while names.inner.is_none() {
            match seq.next_element::<Names>()? {
                // OTLP has no form that begins with an array.
                Some(element) => names.inner = element.format().filter(|format| *format != Format::OtlpJson),
                None => return Ok(names),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(names)
    }

    fn visit_str<E>(self, _: &str) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Names, E> {
        Ok(Names::default())
    }

    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names::default())
    }
}
