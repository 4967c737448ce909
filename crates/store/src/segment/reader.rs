//! Reads rows of a segment back into spans and log records, column by column.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use model::{Instant, KeyValue, LogRecord, Resource, Scope, Span, SpanId, SpanKind, StatusCode, Text, TraceId, Value};

use super::columns::{AttributeColumn, attributes_of};
use super::page::{Texts, Values};
use super::source::Source;
use crate::encoding::{Decoder, Malformed, Shared};
use crate::limits::{PARALLEL_COLUMNS, TEXTS_SHARED_MAX};
use crate::parallel::{each, threads};
use crate::{AttributeScope, Needs};

/// The spans in these rows, in order, with as much of them as is needed.
pub fn read_spans(source: &Source<'_>, rows: &[Range<usize>], needs: &Needs) -> io::Result<Vec<Span>> {
    let count = rows.iter().map(ExactSizeIterator::len).sum();
    let mut reading = Reading { source, rows, shared: SharedParts::default() };
    let blank = blank();
    let mut spans = vec![blank; count];
    reading.fixed(&mut spans, needs)?;
    reading.shared(&mut spans, needs)?;
    reading.parts(&mut spans, needs)?;
    reading.attributes(&mut spans, needs)?;
    Ok(spans)
}

/// A span that shares nothing with other threads, since each of its clones counts.
fn blank() -> Span {
    let mut span = Span::new(TraceId::default(), SpanId::default(), "");
    (span.name, span.trace_state, span.status.message) = (Text::from(""), Text::from(""), Text::from(""));
    (span.resource, span.scope) = (Arc::new(Resource::default()), Arc::new(Scope::default()));
    span
}

/// The log records in these rows, in order.
pub fn read_logs(source: &Source<'_>, rows: &[Range<usize>]) -> io::Result<Vec<LogRecord>> {
    let count = rows.iter().map(ExactSizeIterator::len).sum();
    let mut reading = Reading { source, rows, shared: SharedParts::default() };
    let mut logs = vec![LogRecord::default(); count];
    reading.logs(&mut logs)?;
    Ok(logs)
}

/// Puts the bytes of a cell into its row.
type PutBytes<'p, T> = dyn FnMut(&mut T, &[u8]) -> Result<(), Malformed> + 'p;

/// Attributes of a row that have columns, each with the number of its column.
type Cells = Vec<(usize, KeyValue)>;

/// Decodes what rows share.
type Decode<'d, P> = dyn FnMut(&[u8]) -> Result<Arc<P>, Malformed> + 'd;

struct Reading<'a> {
    source: &'a Source<'a>,
    rows: &'a [Range<usize>],
    shared: SharedParts,
}

#[derive(Default)]
struct SharedParts {
    resources: Shared<Resource>,
    scopes: Shared<Scope>,
    texts: HashMap<String, Text>,
}

impl SharedParts {
    fn text(&mut self, bytes: &[u8]) -> Result<Text, Malformed> {
        let text = text_of(bytes)?;
        if let Some(known) = self.texts.get(text) {
            return Ok(Arc::clone(known));
        }
        let made = Text::from(text);
        if self.texts.len() < TEXTS_SHARED_MAX {
            self.texts.insert(text.to_owned(), Arc::clone(&made));
        }
        Ok(made)
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("text that is not UTF-8"))
}

fn id<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed("an id of another length"))
}

const OTHER_TYPE: Malformed = Malformed("a column is of another type");

impl Reading<'_> {
    fn leaf(&self, name: &'static str) -> Result<usize, Malformed> {
        self.source.footer.leaf(name).ok_or(Malformed("a column is missing"))
    }

    /// Puts the bytes of a column into the rows.
    fn bytes<T>(&self, name: &'static str, into: &mut [T], put: &mut PutBytes<'_, T>) -> io::Result<()> {
        self.source.values(self.leaf(name)?, self.rows, &mut |values, wanted| {
            let Values::Bytes(texts) = values else { return Err(OTHER_TYPE.into()) };
            Ok(wanted.iter().try_for_each(|&(row, at)| put(&mut into[row as usize], texts.get(at as usize)))?)
        })
    }

    /// Puts the 64-bit integers of a column into the rows.
    fn longs<T>(&self, name: &'static str, into: &mut [T], put: fn(&mut T, i64)) -> io::Result<()> {
        self.source.values(self.leaf(name)?, self.rows, &mut |values, wanted| {
            let Values::Int64(numbers) = values else { return Err(OTHER_TYPE.into()) };
            wanted.iter().for_each(|&(row, at)| put(&mut into[row as usize], numbers[at as usize]));
            Ok(())
        })
    }

    /// Puts the 32-bit integers of a column into the rows.
    fn ints<T>(&self, name: &'static str, into: &mut [T], put: fn(&mut T, i32)) -> io::Result<()> {
        self.source.values(self.leaf(name)?, self.rows, &mut |values, wanted| {
            let Values::Int32(numbers) = values else { return Err(OTHER_TYPE.into()) };
            wanted.iter().for_each(|&(row, at)| put(&mut into[row as usize], numbers[at as usize]));
            Ok(())
        })
    }

    /// Puts what rows share into them; what the dictionary holds once is decoded once.
    fn decoded<T, P>(
        &self,
        name: &'static str,
        into: &mut [T],
        decode: &mut Decode<'_, P>,
        put: fn(&mut T, Arc<P>),
    ) -> io::Result<()> {
        self.source.values(self.leaf(name)?, self.rows, &mut |values, wanted| {
            let Values::Bytes(texts) = values else { return Err(OTHER_TYPE.into()) };
            let mut last: Option<(u32, Arc<P>)> = None;
            for &(row, at) in wanted {
                let code = texts.codes.as_ref().map(|codes| codes[at as usize]);
                let part = match &last {
                    Some((known, part)) if Some(*known) == code => Arc::clone(part),
                    _ => decode(texts.get(at as usize))?,
                };
                last = code.map(|code| (code, Arc::clone(&part)));
                put(&mut into[row as usize], part);
            }
            Ok(())
        })
    }

    /// Ids, times, numbers.
    fn fixed(&mut self, spans: &mut [Span], needs: &Needs) -> io::Result<()> {
        self.bytes("trace_id", spans, &mut |span, bytes| id(bytes).map(|id| span.trace_id = TraceId(id)))?;
        self.bytes("span_id", spans, &mut |span, bytes| id(bytes).map(|id| span.span_id = SpanId(id)))?;
        self.bytes("parent_span_id", spans, &mut |span, bytes| {
            id(bytes).map(|id| span.parent_span_id = Some(SpanId(id)))
        })?;
        self.parents(spans)?;
        self.ints("kind", spans, |span, kind| span.kind = SpanKind(kind))?;
        if needs.everything || needs.status {
            self.ints("status_code", spans, |span, code| span.status.code = StatusCode(code))?;
        }
        self.longs("start", spans, |span, start| span.start = Instant(start as u64))?;
        self.longs("duration", spans, |span, duration| span.end = Instant(span.start.0.wrapping_add(duration as u64)))?;
        if needs.everything {
            self.ints("flags", spans, |span, flags| span.flags = flags as u32)?;
            self.ints("dropped_attributes_count", spans, |span, n| span.dropped_attributes_count = n as u32)?;
            self.ints("dropped_events_count", spans, |span, n| span.dropped_events_count = n as u32)?;
            self.ints("dropped_links_count", spans, |span, n| span.dropped_links_count = n as u32)?;
        }
        Ok(())
    }

    /// Spans may name their parents by how many rows they stand before them. Whole traces are read, so those are here.
    fn parents(&self, spans: &mut [Span]) -> io::Result<()> {
        // Version 1 has only the ids of parents.
        let Some(leaf) = self.source.footer.leaf("parent_distance") else { return Ok(()) };
        self.source.values(leaf, self.rows, &mut |values, wanted| {
            let Values::Int32(distances) = values else { return Err(OTHER_TYPE.into()) };
            for &(row, at) in wanted {
                let parent = (row as usize).checked_add_signed(-(distances[at as usize] as isize));
                let parent = parent.and_then(|parent| spans.get(parent));
                let parent = parent.filter(|parent| parent.trace_id == spans[row as usize].trace_id);
                spans[row as usize].parent_span_id =
                    Some(parent.ok_or(Malformed("a parent that is not there"))?.span_id);
            }
            Ok(())
        })
    }

    /// Texts, resources and scopes, which repeat from row to row.
    fn shared(&mut self, spans: &mut [Span], needs: &Needs) -> io::Result<()> {
        let mut shared = std::mem::take(&mut self.shared);
        if needs.everything || needs.name {
            self.bytes("name", spans, &mut |span, bytes| shared.text(bytes).map(|text| span.name = text))?;
        }
        if needs.everything || needs.status_message {
            self.bytes("status_message", spans, &mut |span, bytes| {
                shared.text(bytes).map(|text| span.status.message = text)
            })?;
        }
        if needs.everything {
            self.bytes("trace_state", spans, &mut |span, bytes| {
                shared.text(bytes).map(|text| span.trace_state = text)
            })?;
        }
        let resources = &mut shared.resources;
        self.decoded(
            "resource",
            spans,
            &mut |bytes| resources.decode(bytes, |from| from.resource()),
            |span, resource| {
                span.resource = resource;
            },
        )?;
        if needs.everything || needs.scope {
            let scopes = &mut shared.scopes;
            self.decoded("scope", spans, &mut |bytes| scopes.decode(bytes, |from| from.scope()), |span, scope| {
                span.scope = scope;
            })?;
        }
        self.shared = shared;
        Ok(())
    }

    /// Events and links.
    fn parts(&self, spans: &mut [Span], needs: &Needs) -> io::Result<()> {
        if needs.everything || needs.events {
            self.bytes("events", spans, &mut |span, bytes| {
                Decoder::new(bytes).events().map(|events| span.events = events)
            })?;
        }
        if needs.everything || needs.links {
            self.bytes("links", spans, &mut |span, bytes| Decoder::new(bytes).links().map(|links| span.links = links))?;
        }
        Ok(())
    }

    fn attributes(&self, spans: &mut [Span], needs: &Needs) -> io::Result<()> {
        let columns = self.source.footer.plan.columns.iter().enumerate();
        let mut columns: Vec<(usize, &AttributeColumn)> =
            columns.filter(|(_, column)| column.scope == AttributeScope::Span).collect();
        let all = needs.everything;
        if !all {
            columns.retain(|(_, column)| needs.attributes.contains(&column.key));
            // A key with values of two types has an order that only the whole shape tells.
            let keys: std::collections::HashSet<&Text> = columns.iter().map(|(_, column)| &column.key).collect();
            if keys.len() < columns.len() {
                return self.attributes(spans, &Needs::default());
            }
            if needs.attributes.is_empty() {
                return Ok(());
            }
        }
        let cells = self.cells_of(&columns, spans.len())?;
        let mut rests: Vec<Option<Vec<KeyValue>>> = vec![None; spans.len()];
        self.bytes("rest", &mut rests, &mut |rest, bytes| {
            let mut entries = Decoder::new(bytes).entries()?;
            if !all {
                entries.retain(|entry| needs.attributes.contains(&entry.key));
            }
            *rest = Some(entries);
            Ok(())
        })?;
        let mut shapes: Vec<Option<Vec<u8>>> = vec![None; spans.len()];
        if all {
            self.bytes("shape", &mut shapes, &mut |shape, bytes| {
                *shape = Some(bytes.to_vec());
                Ok(())
            })?;
        }
        for (((span, cells), rest), shape) in spans.iter_mut().zip(cells).zip(rests).zip(shapes) {
            span.attributes = attributes_of(cells, rest.unwrap_or_default(), shape.as_deref())?;
        }
        Ok(())
    }

    /// The values of attribute columns by row, each with the number of its column, which ascend.
    fn cells_of(&self, columns: &[(usize, &AttributeColumn)], rows: usize) -> io::Result<Vec<Cells>> {
        let at_once = if columns.len() >= PARALLEL_COLUMNS { threads() } else { 1 };
        let parts = columns.chunks(columns.len().div_ceil(at_once).max(1)).collect();
        let read = each(parts, &|part: &[(usize, &AttributeColumn)]| -> io::Result<Vec<Cells>> {
            let mut cells = vec![Cells::new(); rows];
            part.iter().try_for_each(|&(number, column)| self.cells(number, column, &mut cells))?;
            Ok(cells)
        });
        let mut read = read.into_iter();
        let mut cells = read.next().unwrap_or_else(|| Ok(vec![Cells::new(); rows]))?;
        for part in read {
            cells.iter_mut().zip(part?).for_each(|(cells, more)| cells.extend(more));
        }
        Ok(cells)
    }

    /// Puts the values of one attribute column into the rows.
    fn cells(&self, number: usize, column: &AttributeColumn, cells: &mut [Cells]) -> io::Result<()> {
        let leaf = self.source.footer.leaf(&column.name).ok_or(Malformed("a column is missing"))?;
        self.source.values(leaf, self.rows, &mut |values, wanted| {
            for &(row, at) in wanted {
                let value = value_at(values, at as usize)?;
                cells[row as usize].push((number, KeyValue { key: Arc::clone(&column.key), value }));
            }
            Ok(())
        })
    }

    fn logs(&mut self, logs: &mut [LogRecord]) -> io::Result<()> {
        let mut shared = std::mem::take(&mut self.shared);
        self.bytes("trace_id", logs, &mut |log, bytes| id(bytes).map(|id| log.trace_id = Some(TraceId(id))))?;
        self.bytes("span_id", logs, &mut |log, bytes| id(bytes).map(|id| log.span_id = Some(SpanId(id))))?;
        self.longs("time", logs, |log, time| log.time = Instant(time as u64))?;
        self.longs("observed_time", logs, |log, time| log.observed_time = Instant(time as u64))?;
        self.ints("severity_number", logs, |log, number| log.severity_number = number)?;
        self.bytes("severity_text", logs, &mut |log, bytes| shared.text(bytes).map(|text| log.severity_text = text))?;
        self.bytes("body", logs, &mut |log, bytes| {
            log.body = Value::String(text_of(bytes)?.into());
            Ok(())
        })?;
        self.bytes("body_value", logs, &mut |log, bytes| Decoder::new(bytes).value().map(|value| log.body = value))?;
        self.bytes("attributes", logs, &mut |log, bytes| {
            Decoder::new(bytes).attributes().map(|attributes| log.attributes = attributes)
        })?;
        self.ints("dropped_attributes_count", logs, |log, count| log.dropped_attributes_count = count as u32)?;
        self.ints("flags", logs, |log, flags| log.flags = flags as u32)?;
        self.bytes("event_name", logs, &mut |log, bytes| shared.text(bytes).map(|text| log.event_name = text))?;
        let SharedParts { resources, scopes, .. } = &mut shared;
        self.decoded(
            "resource",
            logs,
            &mut |bytes| resources.decode(bytes, |from| from.resource()),
            |log, resource| {
                log.resource = resource;
            },
        )?;
        self.decoded("scope", logs, &mut |bytes| scopes.decode(bytes, |from| from.scope()), |log, scope| {
            log.scope = scope;
        })
    }
}

/// A value of an attribute column.
pub fn value_at(values: &Values, at: usize) -> Result<Value, Malformed> {
    Ok(match values {
        Values::Int64(numbers) => Value::Int(numbers[at]),
        Values::Double(numbers) => Value::Double(numbers[at]),
        Values::Bool(bools) => Value::Bool(bools[at]),
        Values::Bytes(texts) => Value::String(text_at(texts, at)?),
        Values::Int32(_) => return Err(OTHER_TYPE),
    })
}

fn text_at(texts: &Texts, at: usize) -> Result<Text, Malformed> {
    text_of(texts.get(at)).map(Text::from)
}
