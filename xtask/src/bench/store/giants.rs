//! What is large is taken, kept and given back whole: a trace of a million spans, a span of ten million bytes.

use std::path::Path;

use super::generator::{Generator, Shape, Span, Trace, Value, request_body};
use super::sender::{Asker, send_body};
use super::server::Server;
use super::verify::hex;
use crate::bench::Figure;

/// Spans of one request of the long trace.
const AT_ONCE: u64 = 50_000;
const LARGE_BYTES: usize = 10_000_000;

fn span(id: u64, parent: u64, text: String) -> Span {
    Span {
        span_id: id,
        parent_span_id: parent,
        service: "giant".to_owned(),
        name: "step".to_owned(),
        kind: 1,
        start: 1_700_000_000_000_000_000 + id * 1_000,
        end: 1_700_000_000_000_000_900 + id * 1_000,
        is_error: false,
        attributes: vec![("text".to_owned(), Value::Text(text))],
        events: Vec::new(),
    }
}

/// Sends both, stops the server, and reads them back from the disk.
pub fn rows(binary: &Path, spans: u64) -> Result<Vec<Figure>, String> {
    let folder = super::folder()?;
    let server = Server::start(binary, folder.path())?;
    let ids = Generator { shape: Shape::Benchmark, seed: 9, traces: 2, began: 0 };
    let (long, large) = (ids.trace_id(0), ids.trace_id(1));
    for first in (1..=spans).step_by(AT_ONCE as usize) {
        let numbers = first..(first + AT_ONCE).min(spans + 1);
        let spans = numbers.map(|id| span(id, id / 2, format!("value {}", id % 100))).collect();
        send_body(server.http, request_body(&[Trace { trace_id: long, spans }]))?;
    }
    let text: String = (0..LARGE_BYTES).map(|place| char::from(b'a' + (place * 7 % 26) as u8)).collect();
    send_body(server.http, request_body(&[Trace { trace_id: large, spans: vec![span(1, 0, text.clone())] }]))?;
    server.stop()?;

    let server = Server::start(binary, folder.path())?;
    let mut asker = Asker::open(server.page)?;
    let came = spans_in(&asker.get_protobuf(&format!("/api/v1/trace/{}/otlp", hex(&long)))?);
    let whole = asker.get(&format!("/api/v1/trace/{}/otlp", hex(&large)))?;
    let whole = String::from_utf8_lossy(&whole).contains(&text);
    server.stop()?;
    Ok(vec![
        Figure {
            what: "spans that come back of the longest trace",
            figure: came.to_string(),
            bar: format!("= {spans}"),
            met: came == spans,
        },
        Figure {
            what: "a span of 10 MB comes back whole",
            figure: if whole { "yes" } else { "no" }.to_owned(),
            bar: "yes".to_owned(),
            met: whole,
        },
    ])
}

/// Counts the spans of a `TracesData`: blocks of resources (1), in them blocks of scopes (2), in them spans (2).
fn spans_in(data: &[u8]) -> u64 {
    let blocks = fields(data).into_iter().filter(|(number, _)| *number == 1).flat_map(|(_, block)| fields(block));
    let scopes = blocks.filter(|(number, _)| *number == 2).flat_map(|(_, block)| fields(block));
    scopes.filter(|(number, _)| *number == 2).count() as u64
}

/// Number and content of the fields of a message that have a length; the others are not asked for here.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while let Some(key) = varint(&mut message) {
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut message).unwrap_or(0) as usize,
        };
        let Some((content, rest)) = message.split_at_checked(length) else { break };
        message = rest;
        if key & 7 == 2 {
            found.push((key >> 3, content));
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
