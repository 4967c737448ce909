//! Collects the rows of one row group by column, then encodes the columns one after the other.

use std::io;
use std::sync::Arc;

use model::{Instant, PackedAttribute, PackedBatch, PackedSpan, PackedValue, SpanId, TextId, Texts, Value};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use super::checked_file::CheckedWriter;
use super::chunk::{ChunkEncoder, EncodedChunk, Values};
use super::columns::ColumnPlan;
use super::target::Target;
use super::texts::{KnownBatch, SegmentTexts};
use crate::encoding::{Encoder, encoded};
use crate::{AttributeScope, ValueType};

/// Cells of a column that are not null.
#[derive(Debug, Default)]
struct Cells<T> {
    rows: Vec<u32>,
    values: Vec<T>,
}

impl<T> Cells<T> {
    fn reserve(&mut self, cells: usize) {
        self.rows.reserve(cells);
        self.values.reserve(cells);
    }

    #[inline]
    fn push(&mut self, row: u32, value: T) {
        self.rows.push(row);
        self.values.push(value);
    }
}

/// Cells of an attribute's column, whatever its type: the number of a text, or bits.
#[derive(Debug, Default)]
struct AttributeCells {
    cells: Cells<u64>,
}

/// Columns that have no place for a key.
const NO_COLUMN: u32 = u32::MAX;

/// The rows so far.
#[derive(Debug, Default)]
pub struct RowGroup {
    pub rows: usize,
    trace_ids: Vec<u8>,
    span_ids: Vec<u8>,
    parent_distances: Cells<u32>,
    parent_ids: Cells<SpanId>,
    starts: Vec<u8>,
    durations: Vec<u8>,
    trace_states: Cells<u32>,
    status_messages: Cells<u32>,
    names: Vec<u32>,
    services: Vec<u32>,
    resources: Vec<u32>,
    scopes: Vec<u32>,
    /// Flags, kind, status code, dropped attributes, events, links.
    numbers: [Vec<u32>; 6],
    events: Cells<Vec<u8>>,
    links: Cells<Vec<u8>>,
    shapes: Cells<Vec<u8>>,
    rests: Cells<Vec<u8>>,
    attributes: Vec<AttributeCells>,
}

/// Which column an attribute has, found by the segment's number of its key.
#[derive(Debug, Default)]
pub struct ColumnFinder {
    /// By key: the columns of its texts, truth values, integers and doubles.
    by_key: Vec<Option<[u32; 4]>>,
    /// By resource and by scope: the cells that each of its rows gets.
    of_resources: Vec<Vec<(u32, u64)>>,
    of_scopes: Vec<Vec<(u32, u64)>>,
    /// By resource: the text of its service.
    services: Vec<u32>,
    slots: Vec<u32>,
}

const COLUMN_TYPES: [ValueType; 4] = [ValueType::String, ValueType::Bool, ValueType::Int, ValueType::Double];

impl ColumnFinder {
    fn column(&mut self, plan: &ColumnPlan, texts: &Texts, key: TextId, kind: usize) -> u32 {
        let place = key.0 as usize;
        if self.by_key.len() <= place {
            self.by_key.resize(place + 1, None);
        }
        self.by_key[place].get_or_insert_with(|| {
            COLUMN_TYPES.map(|of_type| {
                let number = plan.number(AttributeScope::Span, of_type, texts.text(key));
                number.map_or(NO_COLUMN, |number| number as u32)
            })
        })[kind]
    }

    /// The cells of what rows share, for all things that are new since the last call.
    fn see_shared(&mut self, plan: &ColumnPlan, texts: &mut SegmentTexts) {
        for (_, resource) in &texts.resources.things[self.of_resources.len()..] {
            let cells = shared_cells(plan, AttributeScope::Resource, &resource.attributes, &mut texts.texts);
            self.of_resources.push(cells);
            self.services.push(texts.texts.id(resource.service_name()).0);
        }
        for (_, scope) in &texts.scopes.things[self.of_scopes.len()..] {
            let cells = shared_cells(plan, AttributeScope::Instrumentation, &scope.attributes, &mut texts.texts);
            self.of_scopes.push(cells);
        }
    }
}

fn shared_cells(
    plan: &ColumnPlan,
    scope: AttributeScope,
    attributes: &model::Attributes,
    texts: &mut model::TextCollector,
) -> Vec<(u32, u64)> {
    let mut cells: Vec<(u32, u64)> = Vec::new();
    for (key, value) in attributes.iter() {
        let Some(number) = plan.number(scope, ValueType::of(value), key) else { continue };
        let bits = match value {
            Value::String(text) => u64::from(texts.id(text).0),
            Value::Bool(bool) => u64::from(*bool),
            Value::Int(int) => *int as u64,
            Value::Double(double) => double.to_bits(),
            _ => continue,
        };
        // The first of a repeated key; the whole resource or scope is kept beside.
        if cells.iter().all(|&(column, _)| column != number as u32) {
            cells.push((number as u32, bits));
        }
    }
    cells
}

impl RowGroup {
    pub fn new(plan: &ColumnPlan) -> Self {
        let mut group = Self::default();
        group.attributes.resize_with(plan.columns.len(), AttributeCells::default);
        group
    }

    /// Makes room for `rows` rows, of which each has the column's attribute as often as told: what grows bit by bit is
    /// copied as often.
    pub fn reserve(&mut self, rows: usize, shares: &[f64]) {
        self.trace_ids.reserve(rows * 16);
        self.parent_distances.reserve(rows);
        for bytes in [&mut self.span_ids, &mut self.starts, &mut self.durations] {
            bytes.reserve(rows * 8);
        }
        for column in [&mut self.names, &mut self.services, &mut self.resources, &mut self.scopes] {
            column.reserve(rows);
        }
        self.numbers.iter_mut().for_each(|column| column.reserve(rows));
        for (column, share) in self.attributes.iter_mut().zip(shares) {
            column.cells.reserve((rows as f64 * share) as usize);
        }
    }

    /// Takes the spans of one trace, in the order in which they are kept.
    pub fn push_trace(
        &mut self,
        plan: &ColumnPlan,
        finder: &mut ColumnFinder,
        texts: &mut SegmentTexts,
        spans: &[(&Arc<PackedBatch>, &PackedSpan)],
    ) {
        let parents = parent_distances(spans);
        for (&(batch, span), distance) in spans.iter().zip(parents) {
            let known = texts.batch(batch);
            match (distance, span.parent_span_id) {
                (Some(distance), _) => self.parent_distances.push(self.rows as u32, distance as u32),
                (None, Some(parent)) => self.parent_ids.push(self.rows as u32, parent),
                (None, None) => {}
            }
            self.push(plan, finder, texts, known, batch, span);
        }
    }

    fn push(
        &mut self,
        plan: &ColumnPlan,
        finder: &mut ColumnFinder,
        texts: &mut SegmentTexts,
        known: KnownBatch,
        batch: &PackedBatch,
        span: &PackedSpan,
    ) {
        let row = self.rows as u32;
        self.trace_ids.extend_from_slice(&span.trace_id.0);
        self.span_ids.extend_from_slice(&span.span_id.0);
        self.starts.extend_from_slice(&span.start.0.to_le_bytes());
        self.durations.extend_from_slice(&span.end.0.wrapping_sub(span.start.0).to_le_bytes());
        self.names.push(texts.text(known, span.name).0);
        for (cells, text) in
            [(&mut self.trace_states, span.trace_state), (&mut self.status_messages, span.status_message)]
        {
            if text != TextId::EMPTY {
                cells.push(row, texts.text(known, text).0);
            }
        }
        let (resource, scope) = (texts.resource(known, span.resource), texts.scope(known, span.scope));
        if finder.of_resources.len() <= resource as usize || finder.of_scopes.len() <= scope as usize {
            finder.see_shared(plan, texts);
        }
        self.services.push(finder.services[resource as usize]);
        self.resources.push(resource);
        self.scopes.push(scope);
        let numbers = [
            span.flags,
            span.kind.0 as u32,
            span.status_code.0 as u32,
            span.dropped_attributes_count,
            span.dropped_events_count,
            span.dropped_links_count,
        ];
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.push(number);
        }
        if let Some(extras) = batch.extras_of(span) {
            if !extras.events.is_empty() {
                self.events.push(row, encoded(|to| to.events(&extras.events)));
            }
            if !extras.links.is_empty() {
                self.links.push(row, encoded(|to| to.links(&extras.links)));
            }
        }
        self.push_attributes(plan, finder, texts, known, batch, span);
        for &(column, bits) in finder.of_resources[resource as usize].iter().chain(&finder.of_scopes[scope as usize]) {
            self.attributes[column as usize].cells.push(row, bits);
        }
        self.rows += 1;
    }

    fn push_attributes(
        &mut self,
        plan: &ColumnPlan,
        finder: &mut ColumnFinder,
        texts: &mut SegmentTexts,
        known: KnownBatch,
        batch: &PackedBatch,
        span: &PackedSpan,
    ) {
        let row = self.rows as u32;
        let mut slots = std::mem::take(&mut finder.slots);
        slots.clear();
        let mut rest: Vec<&PackedAttribute> = Vec::new();
        for attribute in batch.attributes_of(span) {
            let (kind, bits) = match attribute.value(batch) {
                PackedValue::Text(text) => (0, u64::from(texts.text(known, text).0)),
                PackedValue::Bool(bool) => (1, u64::from(bool)),
                PackedValue::Int(int) => (2, int as u64),
                PackedValue::Double(double) => (3, double.to_bits()),
                PackedValue::Empty | PackedValue::Other(_) => (usize::MAX, 0),
            };
            let mut column = NO_COLUMN;
            if kind != usize::MAX {
                let key = texts.text(known, attribute.key);
                column = finder.column(plan, texts.texts.texts(), key, kind);
            }
            // A key may occur twice in one span.
            if column != NO_COLUMN && self.attributes[column as usize].cells.rows.last() != Some(&row) {
                self.attributes[column as usize].cells.push(row, bits);
                slots.push(column + 1);
            } else {
                slots.push(0);
                rest.push(attribute);
            }
        }
        let in_columns = &slots[..slots.len() - rest.len()];
        if !in_columns.is_sorted() || in_columns.contains(&0) {
            self.shapes.push(row, encoded(|to| slots.iter().for_each(|&slot| to.unsigned(slot.into()))));
        }
        if !rest.is_empty() {
            self.rests.push(row, encoded(|to| put_entries(&rest, batch, to)));
        }
        finder.slots = slots;
    }

    /// Encodes all columns into the file, in the order of its schema, and is empty again.
    pub fn write(
        &mut self,
        plan: &ColumnPlan,
        texts: &SegmentTexts,
        encoder: &mut ChunkEncoder,
        columns: &[ColumnDescPtr],
        file: &mut SerializedRowGroupWriter<'_, CheckedWriter>,
    ) -> io::Result<()> {
        let mut append = |chunk: EncodedChunk| file.append_column(&chunk.bytes, chunk.close).map_err(io::Error::other);
        let mut to = Target::new(encoder, columns, self.rows, &mut append);
        let all = texts.texts.texts();
        to.put(None, &Values::Fixed { bytes: &self.trace_ids, width: 16 })?;
        to.put(None, &Values::Fixed { bytes: &self.span_ids, width: 8 })?;
        let parents: Vec<u8> = self.parent_ids.values.iter().flat_map(|id| id.0).collect();
        to.put(Some(&self.parent_ids.rows), &Values::Fixed { bytes: &parents, width: 8 })?;
        to.numbers(Some(&self.parent_distances.rows), &self.parent_distances.values, 4)?;
        to.texts(Some(&self.trace_states.rows), &self.trace_states.values, all)?;
        let [flags, kinds, status_codes, dropped_attributes, dropped_events, dropped_links] = &self.numbers;
        to.numbers(None, flags, 4)?;
        to.texts(None, &self.names, all)?;
        to.numbers(None, kinds, 4)?;
        to.put(None, &Values::Split { bytes: &self.starts, width: 8 })?;
        to.put(None, &Values::Split { bytes: &self.durations, width: 8 })?;
        to.numbers(None, status_codes, 4)?;
        to.texts(Some(&self.status_messages.rows), &self.status_messages.values, all)?;
        for dropped in [dropped_attributes, dropped_events, dropped_links] {
            to.numbers(None, dropped, 4)?;
        }
        to.texts(None, &self.services, all)?;
        to.shared(&self.resources, &texts.resources)?;
        to.shared(&self.scopes, &texts.scopes)?;
        for blobs in [&self.events, &self.links, &self.shapes, &self.rests] {
            let blob = |place: usize| &*blobs.values[place];
            to.put(Some(&blobs.rows), &Values::Blobs { count: blobs.values.len(), blob: &blob })?;
        }
        for (column, AttributeCells { cells }) in plan.columns.iter().zip(&self.attributes) {
            match column.value_type {
                ValueType::Bool => {
                    let bools: Vec<bool> = cells.values.iter().map(|&bits| bits != 0).collect();
                    to.put(Some(&cells.rows), &Values::Bools(&bools))?;
                }
                ValueType::Int | ValueType::Double => to.numbers(Some(&cells.rows), &cells.values, 8)?,
                _ => {
                    let ids: Vec<u32> = cells.values.iter().map(|&bits| bits as u32).collect();
                    to.texts(Some(&cells.rows), &ids, all)?;
                }
            }
        }
        *self = Self::new(plan);
        Ok(())
    }
}

fn put_entries(entries: &[&PackedAttribute], batch: &PackedBatch, to: &mut Encoder) {
    to.count(entries.len());
    for entry in entries {
        to.text(batch.texts.text(entry.key));
        match entry.value(batch) {
            PackedValue::Empty => to.value(&Value::Empty),
            PackedValue::Text(text) => to.text_value(batch.texts.text(text)),
            PackedValue::Bool(bool) => to.value(&Value::Bool(bool)),
            PackedValue::Int(int) => to.value(&Value::Int(int)),
            PackedValue::Double(double) => to.value(&Value::Double(double)),
            PackedValue::Other(value) => to.value(value),
        }
    }
}

/// For each span of a trace by how many rows its parent stands before it; none if it has none, or none among these.
pub fn parent_distances(spans: &[(&Arc<PackedBatch>, &PackedSpan)]) -> Vec<Option<i32>> {
    let number = |id: SpanId| u64::from_be_bytes(id.0);
    let mut by_id: Vec<(u64, u32)> =
        spans.iter().zip(0..).map(|((_, span), row)| (number(span.span_id), row)).collect();
    by_id.sort_unstable();
    let row_of = |id: SpanId| {
        let id = number(id);
        let first = by_id.partition_point(|&(other, _)| other < id);
        by_id.get(first).filter(|&&(other, _)| other == id).map(|&(_, row)| row)
    };
    let distance = |(row, (_, span)): (i32, &(&Arc<PackedBatch>, &PackedSpan))| {
        span.parent_span_id.and_then(row_of).map(|parent| row - parent as i32)
    };
    (0..).zip(spans).map(distance).collect()
}

/// What decides the order of a trace's spans in the file: start, the longest first, id.
pub fn row_order(span: &PackedSpan) -> (Instant, std::cmp::Reverse<Instant>, SpanId) {
    (span.start, std::cmp::Reverse(span.end), span.span_id)
}
