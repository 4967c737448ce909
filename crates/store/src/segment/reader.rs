//! Reads rows of a segment back into spans and log records.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampNanosecondType, UInt32Type};
use arrow_array::{Array, BinaryArray, RecordBatch, StringArray};
use model::{
    Instant, KeyValue, LogRecord, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Text, TraceId, Value,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use super::checked_file::CheckedFile;
use super::columns::{CellReader, ColumnPlan, attributes_of};
use crate::AttributeScope;
use crate::encoding::{Decoder, Malformed, Shared};
use crate::limits::{BATCH_ROWS, TEXTS_SHARED_MAX};

/// The footer of a Parquet file, read once.
#[derive(Debug)]
pub struct Footer {
    pub metadata: ArrowReaderMetadata,
    pub plan: ColumnPlan,
}

impl Footer {
    pub fn read(file: &CheckedFile) -> io::Result<Self> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(file, options).map_err(io_error)?;
        let plan = ColumnPlan::of_schema(metadata.schema().fields().iter());
        Ok(Self { metadata, plan })
    }

    /// Rows of the file.
    pub fn rows(&self) -> usize {
        self.metadata.metadata().file_metadata().num_rows() as usize
    }

    /// Roughly the memory this takes.
    pub fn memory(&self) -> usize {
        self.metadata.metadata().memory_size() + self.plan.columns.len() * 512
    }

    /// Reads some rows (all of them if none are named) of the columns that `wanted` picks by name.
    pub fn read_columns(
        &self,
        file: &CheckedFile,
        rows: Option<&[Range<usize>]>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> io::Result<ParquetRecordBatchReader> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), self.metadata.clone());
        let leaves = self.metadata.schema().fields().iter().enumerate();
        let chosen = leaves.filter(|(_, field)| wanted(field.name())).map(|(leaf, _)| leaf);
        let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), chosen);
        let total: usize = rows.map_or(self.rows(), |ranges| ranges.iter().map(|range| range.len()).sum());
        let mut builder = builder.with_projection(mask).with_batch_size(total.clamp(1, BATCH_ROWS));
        if let Some(ranges) = rows {
            let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), self.rows());
            builder = builder.with_row_selection(selection);
        }
        builder.build().map_err(io_error)
    }
}

/// What a span or log record is put together from; the columns beside it are for searching and for other programs.
pub fn is_needed(name: &str) -> bool {
    let [resource, instrumentation] = [AttributeScope::Resource, AttributeScope::Instrumentation]
        .map(|scope| name.strip_prefix(scope.name()).is_some_and(|rest| rest.starts_with('.')));
    !resource && !instrumentation && name != "service"
}

/// The spans in these rows, in order.
pub fn read_spans(footer: &Footer, file: &CheckedFile, rows: &[Range<usize>]) -> io::Result<Vec<Span>> {
    let mut shared = SharedParts::default();
    let mut spans = Vec::new();
    for batch in footer.read_columns(file, Some(rows), &is_needed)? {
        let batch = batch.map_err(io::Error::other)?;
        spans_of(&batch, &footer.plan, &mut shared, &mut spans)?;
    }
    set_parents(&shared.parent_distances, &mut spans)?;
    Ok(spans)
}

/// The log records in these rows, in order.
pub fn read_logs(footer: &Footer, file: &CheckedFile, rows: &[Range<usize>]) -> io::Result<Vec<LogRecord>> {
    let mut shared = SharedParts::default();
    let mut logs = Vec::new();
    for batch in footer.read_columns(file, Some(rows), &is_needed)? {
        let batch = batch.map_err(io::Error::other)?;
        logs_of(&batch, &mut shared, &mut logs)?;
    }
    Ok(logs)
}

/// Spans name their parents by how many rows they stand before them. Whole traces are read, so those are here.
fn set_parents(distances: &[(usize, i32)], spans: &mut [Span]) -> Result<(), Malformed> {
    for &(place, distance) in distances {
        let parent = isize::try_from(place).ok().and_then(|place| place.checked_sub(distance as isize));
        let parent = parent.and_then(|parent| spans.get(usize::try_from(parent).ok()?));
        let parent = parent.filter(|parent| parent.trace_id == spans[place].trace_id);
        spans[place].parent_span_id = Some(parent.ok_or(Malformed("a parent that is not there"))?.span_id);
    }
    Ok(())
}

#[derive(Default)]
struct SharedParts {
    resources: Shared<Resource>,
    scopes: Shared<Scope>,
    /// Places of spans, and how many rows their parents stand before them.
    parent_distances: Vec<(usize, i32)>,
    texts: std::collections::HashMap<String, Text>,
}

impl SharedParts {
    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let made = Text::from(text);
        if self.texts.len() < TEXTS_SHARED_MAX {
            self.texts.insert(text.to_owned(), Arc::clone(&made));
        }
        made
    }
}

/// The columns of a batch by name; each misses only if the file is not one of ours.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn any(&self, name: &'static str) -> Result<&'a dyn Array, Malformed> {
        self.0.column_by_name(name).map(|column| &**column).ok_or(Malformed("a column is missing"))
    }

    fn texts(&self, name: &'static str) -> Result<&'a StringArray, Malformed> {
        self.any(name)?.as_string_opt().ok_or(Malformed("a column is of another type"))
    }

    fn blobs(&self, name: &'static str) -> Result<&'a BinaryArray, Malformed> {
        self.any(name)?.as_binary_opt().ok_or(Malformed("a column is of another type"))
    }

    fn numbers<T: arrow_array::ArrowPrimitiveType>(
        &self,
        name: &'static str,
    ) -> Result<&'a arrow_array::PrimitiveArray<T>, Malformed> {
        self.any(name)?.as_primitive_opt().ok_or(Malformed("a column is of another type"))
    }

    fn id<const N: usize>(&self, name: &'static str, row: usize) -> Result<Option<[u8; N]>, Malformed> {
        let array = self.any(name)?.as_fixed_size_binary_opt().ok_or(Malformed("a column is of another type"))?;
        if array.is_null(row) {
            return Ok(None);
        }
        array.value(row).try_into().map(Some).map_err(|_| Malformed("an id of another length"))
    }
}

fn valid(array: &BinaryArray, row: usize) -> Option<&[u8]> {
    array.is_valid(row).then(|| array.value(row))
}

fn spans_of(batch: &RecordBatch, plan: &ColumnPlan, shared: &mut SharedParts, spans: &mut Vec<Span>) -> io::Result<()> {
    let numbered = plan.columns.iter().enumerate().filter(|(_, column)| column.scope == AttributeScope::Span);
    let mut cells: Vec<_> = numbered
        .filter_map(|(number, column)| Some((number, Arc::clone(&column.key), CellReader::new(batch, column)?)))
        .collect();
    let columns = Columns(batch);
    // Version 1 has only the ids of parents.
    let distances = batch.column_by_name("parent_distance").and_then(|column| column.as_primitive_opt::<Int32Type>());
    for row in 0..batch.num_rows() {
        if let Some(distances) = distances.filter(|distances| distances.is_valid(row)) {
            shared.parent_distances.push((spans.len(), distances.value(row)));
        }
        let mut in_columns = Vec::new();
        for (number, key, cell) in &mut cells {
            if let Some(value) = cell.value(row) {
                in_columns.push((*number, KeyValue { key: Arc::clone(key), value }));
            }
        }
        spans.push(span_of(&columns, row, in_columns, shared)?);
    }
    Ok(())
}

fn span_of(
    columns: &Columns<'_>,
    row: usize,
    in_columns: Vec<(usize, KeyValue)>,
    shared: &mut SharedParts,
) -> Result<Span, Malformed> {
    let text = |name, shared: &mut SharedParts| {
        let texts = columns.texts(name)?;
        Ok(if texts.is_valid(row) { shared.text(texts.value(row)) } else { Text::default() })
    };
    let uint = |name| Ok(columns.numbers::<UInt32Type>(name)?.value(row));
    let int = |name| Ok(columns.numbers::<Int32Type>(name)?.value(row));
    let start = columns.numbers::<TimestampNanosecondType>("start")?.value(row) as u64;
    let duration = columns.numbers::<Int64Type>("duration")?.value(row);
    let rest = valid(columns.blobs("rest")?, row);
    let shape = valid(columns.blobs("shape")?, row);
    let events = valid(columns.blobs("events")?, row);
    let links = valid(columns.blobs("links")?, row);
    let id_missing = Malformed("a span without an id");
    Ok(Span {
        trace_id: TraceId(columns.id("trace_id", row)?.ok_or(id_missing)?),
        span_id: SpanId(columns.id("span_id", row)?.ok_or(id_missing)?),
        parent_span_id: columns.id("parent_span_id", row)?.map(SpanId),
        trace_state: text("trace_state", shared)?,
        flags: uint("flags")?,
        name: text("name", shared)?,
        kind: SpanKind(int("kind")?),
        start: Instant(start),
        end: Instant(start.wrapping_add(duration as u64)),
        attributes: attributes_of(in_columns, rest, shape)?,
        dropped_attributes_count: uint("dropped_attributes_count")?,
        events: events.map_or(Ok(Vec::new()), |bytes| Decoder::new(bytes).events())?,
        dropped_events_count: uint("dropped_events_count")?,
        links: links.map_or(Ok(Vec::new()), |bytes| Decoder::new(bytes).links())?,
        dropped_links_count: uint("dropped_links_count")?,
        status: Status { code: StatusCode(int("status_code")?), message: text("status_message", shared)? },
        resource: shared.resources.decode(columns.blobs("resource")?.value(row), |from| from.resource())?,
        scope: shared.scopes.decode(columns.blobs("scope")?.value(row), |from| from.scope())?,
    })
}

fn logs_of(batch: &RecordBatch, shared: &mut SharedParts, logs: &mut Vec<LogRecord>) -> io::Result<()> {
    let columns = Columns(batch);
    for row in 0..batch.num_rows() {
        logs.push(log_of(&columns, row, shared)?);
    }
    Ok(())
}

fn log_of(columns: &Columns<'_>, row: usize, shared: &mut SharedParts) -> Result<LogRecord, Malformed> {
    let text = |name, shared: &mut SharedParts| {
        let texts = columns.texts(name)?;
        Ok(if texts.is_valid(row) { shared.text(texts.value(row)) } else { Text::default() })
    };
    let time = |name| Ok(Instant(columns.numbers::<TimestampNanosecondType>(name)?.value(row) as u64));
    let uint = |name| Ok(columns.numbers::<UInt32Type>(name)?.value(row));
    let bodies = columns.texts("body")?;
    let body = match valid(columns.blobs("body_value")?, row) {
        Some(bytes) => Decoder::new(bytes).value()?,
        None if bodies.is_valid(row) => Value::String(bodies.value(row).into()),
        None => Value::Empty,
    };
    Ok(LogRecord {
        time: time("time")?,
        observed_time: time("observed_time")?,
        severity_number: columns.numbers::<Int32Type>("severity_number")?.value(row),
        severity_text: text("severity_text", shared)?,
        body,
        attributes: valid(columns.blobs("attributes")?, row)
            .map_or(Ok(model::Attributes::default()), |bytes| Decoder::new(bytes).attributes())?,
        dropped_attributes_count: uint("dropped_attributes_count")?,
        flags: uint("flags")?,
        trace_id: columns.id("trace_id", row)?.map(TraceId),
        span_id: columns.id("span_id", row)?.map(SpanId),
        event_name: text("event_name", shared)?,
        resource: shared.resources.decode(columns.blobs("resource")?.value(row), |from| from.resource())?,
        scope: shared.scopes.decode(columns.blobs("scope")?.value(row), |from| from.scope())?,
    })
}

fn io_error(error: parquet::errors::ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
