//! A row group, column by column.

use std::io;
use std::sync::Arc;

use model::{Attributes, Instant, Resource, SpanId, TraceId, Value};

use super::cells::{Cells, Gather, Strings};
use super::loose::{Loose, put_bits, put_strings};
use super::plans::PartPlan;
use super::rows::GroupRows;
use crate::encoding::{Decoder, Malformed};
use crate::segment::chunk::{EncodedChunk, Values};
use crate::segment::columns::AttributeColumn;
use crate::segment::source::Source;
use crate::segment::target::Target;
use crate::segment::writer::OpenGroup;
use crate::{AttributeScope, ValueType};

/// The rows of a row group, with what the parts do not say of them.
pub struct Content {
    pub rows: GroupRows,
    trace_ids: Vec<u8>,
    /// Rows whose parents stand elsewhere than before: by how many rows before them, or their ids.
    parents: Vec<(u32, Option<i32>, Option<SpanId>)>,
}

impl Content {
    pub fn new(parts: usize) -> Self {
        Self { rows: GroupRows::new(parts), trace_ids: Vec::new(), parents: Vec::new() }
    }

    /// The next trace is this many rows of a part.
    pub fn push_trace(&mut self, id: TraceId, part: usize, row: usize, rows: u32) {
        self.rows.push(part, row, rows);
        (0..rows).for_each(|_| self.trace_ids.extend_from_slice(&id.0));
    }

    /// The next row of a trace that is put together.
    pub fn push_span(
        &mut self,
        id: TraceId,
        part: usize,
        row: usize,
        distance: Option<i32>,
        parent_span_id: Option<SpanId>,
    ) {
        self.parents.push((self.rows.rows as u32, distance, parent_span_id));
        self.push_trace(id, part, row, 1);
    }
}

/// Writes a row group.
pub fn write(
    sources: &[Source<'_>],
    plans: &[&PartPlan],
    content: &Content,
    open: OpenGroup<'_, '_>,
) -> io::Result<()> {
    let OpenGroup { plan, columns, encoder, texts, aggregates, file } = open;
    let gather = Gather { parts: sources, rows: &content.rows };
    let rows = content.rows.rows;
    let fixed = columns.len() - plan.columns.len();
    let mut loose = Loose::new(&gather, plan, plans)?;
    let resources = Shared::gather(&gather, "resource", |from| from.resource())?;
    let scopes = Shared::gather(&gather, "scope", |from| from.scope())?;
    // The order of attributes, which is in a column before theirs, is known once they were looked at.
    let mut chunks: Vec<EncodedChunk> = Vec::new();
    {
        let mut append = |chunk| {
            chunks.push(chunk);
            Ok(())
        };
        let mut to = Target::new(encoder, &columns[fixed..], rows, &mut append);
        loose.columns(&mut to)?;
        for column in &plan.columns {
            match column.scope {
                AttributeScope::Resource => resources.put_attribute(&mut to, column, &|it| &it.attributes)?,
                AttributeScope::Instrumentation => scopes.put_attribute(&mut to, column, &|it| &it.attributes)?,
                _ => {}
            }
        }
    }
    let mut append = |chunk: EncodedChunk| file.append_column(&chunk.bytes, chunk.close).map_err(io::Error::other);
    let mut to = Target::new(encoder, &columns[..fixed], rows, &mut append);
    to.put(None, &Values::Fixed { bytes: &content.trace_ids, width: 16 })?;
    to.put(None, &Values::Fixed { bytes: gather.ids("span_id")?.all()?.as_flattened(), width: 8 })?;
    parents(&gather, content, &mut to)?;
    optional_texts(&gather, "trace_state", &mut to)?;
    to.numbers(None, &gather.ints("flags")?.all()?, 4)?;
    let mut name_strings = Strings::default();
    let names = gather.strings("name", &mut name_strings)?.all()?;
    to.blobs(None, &names, name_strings.len(), &|number| name_strings.get(number))?;
    let kinds = gather.ints("kind")?.all()?;
    to.numbers(None, &kinds, 4)?;
    let starts = gather.longs("start")?.all()?;
    to.put(None, &Values::Split { bytes: &bytes_of(&starts), width: 8 })?;
    let durations = gather.longs("duration")?.all()?;
    to.put(None, &Values::Split { bytes: &bytes_of(&durations), width: 8 })?;
    let status_codes = gather.ints("status_code")?.all()?;
    to.numbers(None, &status_codes, 4)?;
    optional_texts(&gather, "status_message", &mut to)?;
    for name in ["dropped_attributes_count", "dropped_events_count", "dropped_links_count"] {
        to.numbers(None, &gather.ints(name)?.all()?, 4)?;
    }
    resources.put_service(&mut to)?;
    resources.put(&mut to)?;
    scopes.put(&mut to)?;
    for name in ["events", "links"] {
        let mut strings = Strings::default();
        put_blobs(&mut to, &gather.strings(name, &mut strings)?, &strings)?;
    }
    put_blobs(&mut to, &loose.shape_of, &loose.shapes)?;
    put_blobs(&mut to, &loose.rest_of, &loose.rests)?;
    for chunk in chunks {
        file.append_column(&chunk.bytes, chunk.close).map_err(io::Error::other)?;
    }

    let of_resource: Vec<u32> = resources
        .things
        .iter()
        .zip(0..)
        .map(|(thing, number)| texts.resources.number_of_encoded(resources.strings.get(number).to_vec(), thing))
        .collect();
    let of_name: Result<Vec<u32>, Malformed> =
        (0..name_strings.len() as u32).map(|number| Ok(texts.texts.id(text_of(name_strings.get(number))?).0)).collect();
    let of_name = of_name?;
    for row in 0..rows {
        let (resource, name) = (of_resource[resources.of_row[row] as usize], of_name[names[row] as usize]);
        let start = Instant(starts[row]);
        let end = Instant(starts[row].wrapping_add(durations[row]));
        aggregates.note((resource, name, kinds[row] as i32, status_codes[row] as i32), start, end);
    }
    Ok(())
}

fn bytes_of(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn text_of(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("text that is not UTF-8"))
}

/// Ids of parents, then distances, as the file has them.
fn parents(gather: &Gather<'_>, content: &Content, to: &mut Target<'_>) -> io::Result<()> {
    let mut ids = gather.ids("parent_span_id")?;
    let mut distances = gather.ints("parent_distance")?;
    for &(row, distance, id) in &content.parents {
        ids.take_away(row);
        distances.take_away(row);
        if let Some(distance) = distance {
            distances.put(row, distance as u32);
        }
        if let Some(SpanId(id)) = id {
            ids.put(row, id);
        }
    }
    let (rows, ids) = ids.packed();
    to.put(Some(&rows), &Values::Fixed { bytes: ids.as_flattened(), width: 8 })?;
    let (rows, distances) = distances.packed();
    to.numbers(Some(&rows), &distances, 4)
}

fn optional_texts(gather: &Gather<'_>, name: &str, to: &mut Target<'_>) -> io::Result<()> {
    let mut strings = Strings::default();
    let cells = gather.strings(name, &mut strings)?;
    put_strings(to, &cells, &strings)
}

/// Bytes that hardly ever repeat.
fn put_blobs(to: &mut Target<'_>, cells: &Cells<u32>, strings: &Strings) -> io::Result<()> {
    let (rows, numbers) = cells.packed();
    let blob = |place: usize| strings.get(numbers[place]);
    to.put(Some(&rows), &Values::Blobs { count: numbers.len(), blob: &blob })
}

/// Resources or scopes: those of the row group, and which each row has.
struct Shared<T> {
    strings: Strings,
    things: Vec<Arc<T>>,
    of_row: Vec<u32>,
}

impl<T> Shared<T> {
    fn gather(
        gather: &Gather<'_>,
        name: &str,
        decode: fn(&mut Decoder<'_>) -> Result<T, Malformed>,
    ) -> io::Result<Self> {
        let mut strings = Strings::default();
        let of_row = gather.strings(name, &mut strings)?.all()?;
        let things: Result<Vec<Arc<T>>, Malformed> = (0..strings.len() as u32)
            .map(|number| decode(&mut Decoder::new(strings.get(number))).map(Arc::new))
            .collect();
        Ok(Self { things: things?, strings, of_row })
    }

    fn put(&self, to: &mut Target<'_>) -> io::Result<()> {
        to.blobs(None, &self.of_row, self.strings.len(), &|number| self.strings.get(number))
    }

    /// The column of one of their attributes.
    fn put_attribute(
        &self,
        to: &mut Target<'_>,
        column: &AttributeColumn,
        attributes: &dyn Fn(&T) -> &Attributes,
    ) -> io::Result<()> {
        let mut strings = Strings::default();
        // The first of a repeated key; the whole resource or scope is kept beside.
        let value = |thing: &Arc<T>| {
            let is_it = |(key, value): &(&model::Text, &Value)| {
                **key == column.key && ValueType::of(value) == column.value_type
            };
            attributes(thing).iter().find(is_it).map(|(_, value)| match value {
                Value::String(text) => u64::from(strings.number(text.as_bytes())),
                Value::Bool(bool) => u64::from(*bool),
                Value::Int(int) => *int as u64,
                Value::Double(double) => double.to_bits(),
                // Others have no column.
                _ => 0,
            })
        };
        let values: Vec<Option<u64>> = self.things.iter().map(value).collect();
        if column.value_type == ValueType::String {
            let mut cells = Cells::new(self.of_row.len());
            self.each(&values, |row, bits| cells.put(row, bits as u32));
            return put_strings(to, &cells, &strings);
        }
        let mut cells = Cells::new(self.of_row.len());
        self.each(&values, |row, bits| cells.put(row, bits));
        put_bits(to, column.value_type, &cells)
    }

    fn each(&self, values: &[Option<u64>], mut put: impl FnMut(u32, u64)) {
        for (&thing, row) in self.of_row.iter().zip(0..) {
            if let Some(bits) = values[thing as usize] {
                put(row, bits);
            }
        }
    }
}

impl Shared<Resource> {
    fn put_service(&self, to: &mut Target<'_>) -> io::Result<()> {
        let mut strings = Strings::default();
        let services: Vec<u32> =
            self.things.iter().map(|resource| strings.number(resource.service_name().as_bytes())).collect();
        let of_row: Vec<u32> = self.of_row.iter().map(|&resource| services[resource as usize]).collect();
        to.blobs(None, &of_row, strings.len(), &|number| strings.get(number))
    }
}
