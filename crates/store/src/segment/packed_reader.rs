//! Reads rows of a segment into packed spans, column by column: for merges, which look at every span once and at none of
//! them in peace.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt32Type};
use arrow_array::{Array, BinaryArray, RecordBatch, StringArray};
use hashbrown::HashMap;
use model::{
    Extras, Instant, PackedAttribute, PackedSpan, Packer, SpanId, SpanKind, StatusCode, TextId, TraceId, hash_of,
    shared_hash,
};

use super::checked_file::CheckedFile;
use super::columns::{AttributeColumn, attributes_of};
use super::source::{Footer, is_needed};
use crate::encoding::{Decoder, Malformed};
use crate::{AttributeScope, ValueType};

/// Reads segments into one batch after the other.
#[derive(Default)]
pub struct PackedReader {
    packer: Packer,
    resources: Known,
    scopes: Known,
}

/// Resources or scopes: the place in the batch by their bytes, the hash by place.
#[derive(Default)]
struct Known {
    places: HashMap<Vec<u8>, u32>,
    hashes: Vec<u64>,
}

impl Known {
    fn place<T: std::hash::Hash>(
        &mut self,
        bytes: &[u8],
        all: &mut Vec<Arc<T>>,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Malformed>,
    ) -> Result<u32, Malformed> {
        if let Some(&known) = self.places.get(bytes) {
            return Ok(known);
        }
        let thing = Arc::new(read(&mut Decoder::new(bytes))?);
        let place = all.len() as u32;
        self.hashes.push(hash_of(&thing));
        all.push(thing);
        self.places.insert(bytes.to_vec(), place);
        Ok(place)
    }
}

impl PackedReader {
    /// Reads these rows, which are of whole traces, and puts them behind those read before.
    pub fn read(&mut self, footer: &Footer, file: &CheckedFile, rows: &[Range<usize>]) -> io::Result<()> {
        let first = self.packer.batch.spans.len();
        let mut distances = Vec::new();
        for batch in footer.read_columns(file, Some(rows), &is_needed)? {
            let batch = batch.map_err(io::Error::other)?;
            self.batch(&batch, &footer.plan.columns, &mut distances)?;
        }
        self.set_parents(first, &distances)?;
        Ok(())
    }

    /// What was read.
    pub fn finish(mut self) -> model::PackedBatch {
        // Only now everything that makes a span what it is, is there.
        let mut spans = std::mem::take(&mut self.packer.batch.spans);
        for span in &mut spans {
            let resource = self.resources.hashes[span.resource as usize];
            let scope = self.scopes.hashes[span.scope as usize];
            let shared = shared_hash(resource, scope);
            span.content_hash = self.packer.batch.content_hash(self.packer.texts.texts(), span, shared);
        }
        self.packer.batch.spans = spans;
        self.packer.finish()
    }

    fn set_parents(&mut self, first: usize, distances: &[(usize, i32)]) -> Result<(), Malformed> {
        let spans = &mut self.packer.batch.spans;
        for &(place, distance) in distances {
            let parent = isize::try_from(place).ok().and_then(|place| place.checked_sub(distance as isize));
            let parent = parent.and_then(|parent| usize::try_from(parent).ok()).filter(|&parent| parent >= first);
            let parent = parent.and_then(|parent| spans.get(parent));
            let parent = parent.filter(|parent| parent.trace_id == spans[place].trace_id);
            spans[place].parent_span_id = Some(parent.ok_or(Malformed("a parent that is not there"))?.span_id);
        }
        Ok(())
    }

    fn batch(
        &mut self,
        batch: &RecordBatch,
        columns: &[AttributeColumn],
        distances: &mut Vec<(usize, i32)>,
    ) -> Result<(), Malformed> {
        let rows = Rows::of(batch)?;
        let first = self.packer.batch.spans.len();
        for row in 0..batch.num_rows() {
            let span = self.fixed(&rows, row)?;
            if let Some(of_rows) = rows.distances.filter(|of_rows| of_rows.is_valid(row)) {
                distances.push((first + row, of_rows.value(row)));
            }
            self.packer.batch.spans.push(span);
        }
        let cells: Vec<_> = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.scope == AttributeScope::Span)
            .filter_map(|(number, column)| Some((number, column, batch.column_by_name(&column.name)?)))
            .collect();
        self.attributes(first, &rows, &cells)
    }

    fn fixed(&mut self, rows: &Rows<'_>, row: usize) -> Result<PackedSpan, Malformed> {
        let texts = &mut self.packer.texts;
        let mut text = |array: &StringArray| match array.is_valid(row) {
            true => texts.id(array.value(row)),
            false => TextId::EMPTY,
        };
        let (name, trace_state, status_message) = (text(rows.name), text(rows.trace_state), text(rows.status_message));
        let start = rows.start.value(row) as u64;
        let events = valid(rows.events, row).map_or(Ok(Vec::new()), |bytes| Decoder::new(bytes).events())?;
        let links = valid(rows.links, row).map_or(Ok(Vec::new()), |bytes| Decoder::new(bytes).links())?;
        let batch = &mut self.packer.batch;
        let resource = self.resources.place(rows.resource.value(row), &mut batch.resources, |from| from.resource())?;
        let scope = self.scopes.place(rows.scope.value(row), &mut batch.scopes, |from| from.scope())?;
        let mut extras = 0;
        if !events.is_empty() || !links.is_empty() {
            batch.extras.push(Extras { events, links });
            extras = batch.extras.len() as u32;
        }
        Ok(PackedSpan {
            trace_id: TraceId(id(rows.trace_id, row)?.ok_or(Malformed("a span without an id"))?),
            span_id: SpanId(id(rows.span_id, row)?.ok_or(Malformed("a span without an id"))?),
            parent_span_id: id(rows.parent_span_id, row)?.map(SpanId),
            start: Instant(start),
            end: Instant(start.wrapping_add(rows.duration.value(row) as u64)),
            name,
            trace_state,
            status_message,
            status_code: StatusCode(rows.status_code.value(row)),
            kind: SpanKind(rows.kind.value(row)),
            flags: rows.flags.value(row),
            dropped_attributes_count: rows.dropped[0].value(row),
            dropped_events_count: rows.dropped[1].value(row),
            dropped_links_count: rows.dropped[2].value(row),
            resource,
            scope,
            extras,
            ..PackedSpan::empty()
        })
    }

    /// Attributes of the spans from `first` on: first it is counted how many each has in columns, then each column's cells
    /// are put where they belong.
    fn attributes(&mut self, first: usize, rows: &Rows<'_>, cells: &[CellsOf<'_>]) -> Result<(), Malformed> {
        let spans = self.packer.batch.spans.len() - first;
        let mut counts = vec![0_u32; spans];
        for (_, _, array) in cells {
            for (row, count) in counts.iter_mut().enumerate() {
                *count += u32::from(array.is_valid(row));
            }
        }
        let whole: Vec<bool> = (0..spans).map(|row| rows.rest.is_valid(row) || rows.shape.is_valid(row)).collect();
        let mut next = self.packer.batch.attributes.len() as u32;
        let mut places = Vec::with_capacity(spans);
        for (span, count) in self.packer.batch.spans[first..].iter_mut().zip(counts) {
            places.push(next);
            (span.first_attribute, span.attribute_count) = (next, count);
            next += count;
        }
        let nothing = PackedAttribute::empty(TextId::EMPTY);
        self.packer.batch.attributes.resize(next as usize, nothing);
        for (_, column, array) in cells {
            self.cells(column, array, &mut places)?;
        }
        for row in (0..spans).filter(|&row| whole[row]) {
            self.reorder(first + row, row, rows, cells)?;
        }
        Ok(())
    }

    fn cells(&mut self, column: &AttributeColumn, array: &dyn Array, places: &mut [u32]) -> Result<(), Malformed> {
        let key = self.packer.texts.id(&column.key);
        let Packer { batch, texts } = &mut self.packer;
        let mut put = |row: usize, attribute: PackedAttribute| {
            batch.attributes[places[row] as usize] = attribute;
            places[row] += 1;
        };
        let wrong = || Malformed("a column is of another type");
        let valid = (0..array.len()).filter(|&row| array.is_valid(row));
        match column.value_type {
            ValueType::Bool => {
                let values = array.as_boolean_opt().ok_or_else(wrong)?;
                valid.for_each(|row| put(row, PackedAttribute::bool(key, values.value(row))));
            }
            ValueType::Int => {
                let values = array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
                valid.for_each(|row| put(row, PackedAttribute::int(key, values.value(row))));
            }
            ValueType::Double => {
                let values = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
                valid.for_each(|row| put(row, PackedAttribute::double(key, values.value(row))));
            }
            _ => {
                let values = array.as_string_opt::<i32>().ok_or_else(wrong)?;
                valid.for_each(|row| put(row, PackedAttribute::text(key, texts.id(values.value(row)))));
            }
        }
        Ok(())
    }

    /// A span with attributes beside the columns, or in another order than theirs: put together as it was sent.
    fn reorder(&mut self, place: usize, row: usize, rows: &Rows<'_>, cells: &[CellsOf<'_>]) -> Result<(), Malformed> {
        let span = self.packer.batch.spans[place];
        let batch = &self.packer.batch;
        let texts = self.packer.texts.texts();
        let numbers = cells.iter().filter(|(_, _, array)| array.is_valid(row)).map(|(number, ..)| *number);
        let in_columns =
            numbers.zip(batch.attributes_of(&span)).map(|(number, attribute)| (number, attribute.unpack(batch, texts)));
        let rest = valid(rows.rest, row).map_or(Ok(Vec::new()), |rest| Decoder::new(rest).entries())?;
        let attributes = attributes_of(in_columns.collect(), rest, valid(rows.shape, row))?;
        let first_attribute = self.packer.batch.attributes.len() as u32;
        for entry in attributes.0 {
            let key = self.packer.texts.id(&entry.key);
            self.packer.attribute(key, entry.value);
        }
        let count = self.packer.batch.attributes.len() as u32 - first_attribute;
        let span = &mut self.packer.batch.spans[place];
        (span.first_attribute, span.attribute_count) = (first_attribute, count);
        Ok(())
    }
}

/// Number, name and type, and cells of a column.
type CellsOf<'a> = (usize, &'a AttributeColumn, &'a Arc<dyn Array>);

/// The fixed columns of a batch of rows.
struct Rows<'a> {
    trace_id: &'a dyn Array,
    span_id: &'a dyn Array,
    parent_span_id: &'a dyn Array,
    /// Version 1 has none.
    distances: Option<&'a arrow_array::Int32Array>,
    trace_state: &'a StringArray,
    flags: &'a arrow_array::UInt32Array,
    name: &'a StringArray,
    kind: &'a arrow_array::Int32Array,
    start: &'a arrow_array::TimestampNanosecondArray,
    duration: &'a arrow_array::Int64Array,
    status_code: &'a arrow_array::Int32Array,
    status_message: &'a StringArray,
    dropped: [&'a arrow_array::UInt32Array; 3],
    resource: &'a BinaryArray,
    scope: &'a BinaryArray,
    events: &'a BinaryArray,
    links: &'a BinaryArray,
    shape: &'a BinaryArray,
    rest: &'a BinaryArray,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, Malformed> {
        let any = |name: &str| batch.column_by_name(name).map(|column| &**column).ok_or(MISSING);
        let texts = |name: &str| any(name)?.as_string_opt().ok_or(MISSING);
        let blobs = |name: &str| any(name)?.as_binary_opt().ok_or(MISSING);
        let ints = |name: &str| any(name)?.as_primitive_opt::<Int32Type>().ok_or(MISSING);
        let counts = |name: &str| any(name)?.as_primitive_opt::<UInt32Type>().ok_or(MISSING);
        Ok(Self {
            trace_id: any("trace_id")?,
            span_id: any("span_id")?,
            parent_span_id: any("parent_span_id")?,
            distances: ints("parent_distance").ok(),
            trace_state: texts("trace_state")?,
            flags: counts("flags")?,
            name: texts("name")?,
            kind: ints("kind")?,
            start: any("start")?.as_primitive_opt::<TimestampNanosecondType>().ok_or(MISSING)?,
            duration: any("duration")?.as_primitive_opt::<Int64Type>().ok_or(MISSING)?,
            status_code: ints("status_code")?,
            status_message: texts("status_message")?,
            dropped: [
                counts("dropped_attributes_count")?,
                counts("dropped_events_count")?,
                counts("dropped_links_count")?,
            ],
            resource: blobs("resource")?,
            scope: blobs("scope")?,
            events: blobs("events")?,
            links: blobs("links")?,
            shape: blobs("shape")?,
            rest: blobs("rest")?,
        })
    }
}

const MISSING: Malformed = Malformed("a column is missing, or of another type");

fn valid(array: &BinaryArray, row: usize) -> Option<&[u8]> {
    array.is_valid(row).then(|| array.value(row))
}

fn id<const N: usize>(array: &dyn Array, row: usize) -> Result<Option<[u8; N]>, Malformed> {
    let array = array.as_fixed_size_binary_opt().ok_or(MISSING)?;
    if array.is_null(row) {
        return Ok(None);
    }
    array.value(row).try_into().map(Some).map_err(|_| Malformed("an id of another length"))
}
