//! Writes a segment: traces in the order of their start, as many at a time as are at hand, so that a merge holds few of them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int32Array, RecordBatch, TimestampNanosecondArray, UInt32Array};
use arrow_schema::ArrowError;
use journal::Disk;
use model::{
    Duration, Gist, Instant, LogRecord, PackedSpan, Resource, Scope, Span, Text, TextId, TraceId, TraceSummary, Value,
};
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::ColumnDescPtr;

use super::SegmentInfo;
use super::aggregates::{AggregateKey, MINUTE_NANOS, Samples};
use super::checked_file::{CheckedWriter, Sums};
use super::chunk::ChunkEncoder;
use super::columns::ColumnPlan;
use super::directory::{Overview, TraceEntry, Traces, TracesBuilder, write_directory};
use super::filter::TraceFilter;
use super::key_counts::KeyCounts;
use super::row_group::{ColumnFinder, RowGroup, row_order};
use super::schema::{logs_schema, properties, spans_schema};
use super::survey::{Prepared, Tally};
use super::texts::SegmentTexts;
use crate::encoding::{Encoder, encoded};
use crate::filenames::{DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file};
use crate::head::{Row, gist};
use crate::limits::{CHUNK_SPANS, ROW_GROUP_ROWS};
use crate::{LatencyHistogram, MinuteAggregate};

/// A row group being written column by column.
pub struct OpenGroup<'a, 'b> {
    pub plan: &'a ColumnPlan,
    pub columns: &'a [ColumnDescPtr],
    pub encoder: &'a mut ChunkEncoder,
    pub texts: &'a mut SegmentTexts,
    pub aggregates: &'a mut PackedAggregates,
    pub file: &'a mut SerializedRowGroupWriter<'b, CheckedWriter>,
}

/// A segment being written.
pub struct SegmentWriter<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    number: u64,
    summarise: &'a dyn Fn(&Gist<'_>) -> TraceSummary,
    plan: ColumnPlan,
    texts: SegmentTexts,
    finder: ColumnFinder,
    group: RowGroup,
    /// Spans that are still expected, and what part of them has each column's attribute.
    expected: u64,
    shares: Vec<f64>,
    encoder: ChunkEncoder,
    spans: SerializedFileWriter<CheckedWriter>,
    pending_logs: Vec<LogRecord>,
    logs: Option<ArrowWriter<CheckedWriter>>,
    traces: TracesBuilder,
    ids: Vec<TraceId>,
    keys: Option<KeyCounts>,
    tally: Tally,
    aggregates: PackedAggregates,
    info: SegmentInfo,
}

impl<'a> SegmentWriter<'a> {
    pub fn create(
        disk: &'a dyn Disk,
        folder: &Path,
        number: u64,
        prepared: Prepared,
        summarise: &'a dyn Fn(&Gist<'_>) -> TraceSummary,
    ) -> io::Result<Self> {
        let shares = prepared.shares();
        let Prepared { columns: plan, texts, keys, spans: expected } = prepared;
        let schema = spans_schema(&plan);
        let file = CheckedWriter::create(disk, &segment_file(folder, number, SPANS_SUFFIX))?;
        let mut properties = properties();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let parquet_schema = ArrowSchemaConverter::new().convert(&schema).map_err(io_error)?;
        let spans = SerializedFileWriter::new(file, parquet_schema.root_schema_ptr(), Arc::new(properties));
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            number,
            summarise,
            group: RowGroup::new(&plan),
            expected,
            shares,
            plan,
            texts,
            finder: ColumnFinder::default(),
            encoder: ChunkEncoder::new()?,
            spans: spans.map_err(io_error)?,
            pending_logs: Vec::new(),
            logs: None,
            traces: TracesBuilder::default(),
            ids: Vec::new(),
            keys,
            tally: Tally::default(),
            aggregates: PackedAggregates::default(),
            info: SegmentInfo { number, min_start: Instant(u64::MAX), ..SegmentInfo::default() },
        })
    }

    /// Writes the next traces.
    #[cfg(test)]
    pub fn write(&mut self, chunk: Vec<super::TraceRows>) -> io::Result<()> {
        let mut batch = model::Batch::default();
        let mut counts = Vec::new();
        for rows in chunk {
            counts.push((rows.id, rows.spans.len(), rows.logs));
            batch.spans.extend(rows.spans);
        }
        let batch = Arc::new(model::PackedBatch::from(&batch));
        let mut spans = batch.spans.iter();
        for (id, count, logs) in counts {
            let rows = spans.by_ref().take(count).map(|span| (&batch, span)).collect();
            self.write_trace(id, rows, &logs)?;
        }
        self.texts.forget_batches();
        Ok(())
    }

    /// How often each key occurs, where that is known before the rows are written.
    pub fn set_keys(&mut self, keys: KeyCounts) {
        self.keys = Some(keys);
    }

    /// Lets go of the batches that rows came from.
    pub fn forget_batches(&mut self) {
        self.texts.forget_batches();
    }

    /// Writes the next trace.
    pub fn write_trace(&mut self, id: TraceId, mut rows: Vec<Row<'_>>, logs: &[LogRecord]) -> io::Result<()> {
        rows.sort_by_key(|(_, span)| row_order(span));
        let summary = (self.summarise)(&gist(id, rows.iter().copied(), logs.len()));
        self.note_trace(&summary, rows.len() as u32, logs.len() as u32);
        self.take_logs(logs);
        for &(batch, span) in &rows {
            let known = self.texts.batch(batch);
            if self.keys.is_none() {
                self.tally.count(&mut self.texts, known, batch, span);
            }
            let resource = self.texts.resource(known, span.resource);
            self.aggregates.count(resource, self.texts.text(known, span.name), span);
        }
        if self.group.rows == 0 {
            // A trace is not cut, so that a group has some rows more.
            let room = (self.expected as usize).min(ROW_GROUP_ROWS + CHUNK_SPANS);
            self.group.reserve(room, &self.shares);
        }
        self.expected = self.expected.saturating_sub(rows.len() as u64);
        self.group.push_trace(&self.plan, &mut self.finder, &mut self.texts, &rows);
        if self.group.rows >= ROW_GROUP_ROWS {
            self.write_group()?;
        }
        self.write_many_logs()
    }

    fn note_trace(&mut self, summary: &TraceSummary, rows: u32, logs: u32) {
        self.info.account(summary.start, rows.into(), logs.into());
        self.traces.push(summary, rows, logs);
        self.ids.push(summary.trace_id);
    }

    fn take_logs(&mut self, logs: &[LogRecord]) {
        let before = self.pending_logs.len();
        self.pending_logs.extend_from_slice(logs);
        self.pending_logs[before..].sort_by_key(LogRecord::moment);
    }

    fn write_many_logs(&mut self) -> io::Result<()> {
        if self.pending_logs.len() >= CHUNK_SPANS { self.write_logs() } else { Ok(()) }
    }

    /// The columns that this segment gets.
    pub fn plan(&self) -> &ColumnPlan {
        &self.plan
    }

    /// The next trace is one of another segment, whole; its rows come with the row group.
    pub fn copy_trace(&mut self, from: &Traces, entry: &TraceEntry, strings: &mut Vec<u32>, logs: &[LogRecord]) {
        self.info.account(entry.start, entry.rows.into(), entry.logs.into());
        self.traces.push_copied(from, entry, strings);
        self.ids.push(entry.id);
        self.take_logs(logs);
    }

    /// The next trace has these rows, which come with the row group.
    pub fn announce_trace(&mut self, id: TraceId, rows: &[Row<'_>], logs: &[LogRecord]) {
        let summary = (self.summarise)(&gist(id, rows.iter().copied(), logs.len()));
        self.note_trace(&summary, rows.len() as u32, logs.len() as u32);
        self.take_logs(logs);
    }

    /// Writes the row group of the traces that were copied and announced; `fill` encodes its columns.
    pub fn write_columns(&mut self, fill: &mut dyn FnMut(OpenGroup<'_, '_>) -> io::Result<()>) -> io::Result<()> {
        let columns = self.spans.schema_descr().columns().to_vec();
        let mut file = self.spans.next_row_group().map_err(io_error)?;
        fill(OpenGroup {
            plan: &self.plan,
            columns: &columns,
            encoder: &mut self.encoder,
            texts: &mut self.texts,
            aggregates: &mut self.aggregates,
            file: &mut file,
        })?;
        file.close().map_err(io_error)?;
        self.write_many_logs()
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.group.rows == 0 {
            return Ok(());
        }
        let columns = self.spans.schema_descr().columns().to_vec();
        let mut group = self.spans.next_row_group().map_err(io_error)?;
        self.group.write(&self.plan, &self.texts, &mut self.encoder, &columns, &mut group)?;
        group.close().map_err(io_error)?;
        Ok(())
    }

    fn write_logs(&mut self) -> io::Result<()> {
        let logs = std::mem::take(&mut self.pending_logs);
        if logs.is_empty() {
            return Ok(());
        }
        let mut writer = match self.logs.take() {
            Some(writer) => writer,
            None => {
                let file = CheckedWriter::create(self.disk, &segment_file(&self.folder, self.number, LOGS_SUFFIX))?;
                ArrowWriter::try_new(file, logs_schema(), Some(properties())).map_err(io_error)?
            }
        };
        writer.write(&logs_batch(&logs).map_err(arrow_error)?).map_err(io_error)?;
        self.logs = Some(writer);
        Ok(())
    }

    /// Writes the directory and syncs everything. `continued` answers for a trace whether an older segment has it too.
    pub fn finish(mut self, continued: &dyn Fn(TraceId) -> bool) -> io::Result<SegmentInfo> {
        self.write_group()?;
        self.write_logs()?;
        let spans = self.spans.into_inner().map_err(io_error)?.finish()?;
        let logs = self.logs.map_or(Ok(Sums::default()), close)?;
        let overview = Overview {
            filter: TraceFilter::of(&self.ids),
            continued: self.ids.iter().copied().filter(|&id| continued(id)).collect(),
            spans,
            logs,
        };
        let path = segment_file(&self.folder, self.number, DIRECTORY_SUFFIX);
        let aggregates = self.aggregates.finish(&self.texts);
        let keys = self.keys.unwrap_or_else(|| self.tally.finish(&self.texts));
        let bytes = write_directory(self.disk, &path, &overview, &self.traces.finish(), &keys, &aggregates)?;
        self.disk.sync_folder(&self.folder)?;
        self.info.bytes = bytes + overview.spans.length + overview.logs.length;
        Ok(self.info)
    }
}

fn close(writer: ArrowWriter<CheckedWriter>) -> io::Result<Sums> {
    writer.into_inner().map_err(io_error)?.finish()
}

/// The crate wraps what the disk said; the kind of error (a full disk) must come through.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn arrow_error(error: ArrowError) -> io::Error {
    io::Error::other(error)
}

/// Minute, service, name, kind, status.
type MinuteKey = (u64, Text, Text, i32, i32);

/// Counts spans by minute, service, name, kind and status.
#[derive(Debug, Default)]
pub struct Aggregates {
    groups: BTreeMap<MinuteKey, (u64, i64, LatencyHistogram)>,
}

/// The first moment of the minute that `instant` lies in.
pub fn minute_of(instant: Instant) -> Instant {
    Instant(instant.0 / MINUTE_NANOS * MINUTE_NANOS)
}

impl Aggregates {
    pub fn count(&mut self, span: &Span) {
        let key = (
            minute_of(span.start).0,
            span.service_name().into(),
            Arc::clone(&span.name),
            span.kind.0,
            span.status.code.0,
        );
        let (count, sum, durations) = self.groups.entry(key).or_default();
        *count += 1;
        *sum = sum.saturating_add(span.duration().0.max(0));
        durations.record(span.duration());
    }

    pub fn finish(self) -> Vec<MinuteAggregate> {
        self.groups
            .into_iter()
            .map(|((minute, service, name, kind, status), (count, sum, durations))| MinuteAggregate {
                minute: Instant(minute),
                service,
                name,
                kind: model::SpanKind(kind),
                status: model::StatusCode(status),
                count,
                duration_sum: Duration(sum),
                durations,
            })
            .collect()
    }
}

/// The same from packed spans, by the segment's numbers.
#[derive(Debug, Default)]
pub struct PackedAggregates {
    samples: Samples,
    numbers: hashbrown::HashMap<PackedKey, u32>,
    keys: Vec<PackedKey>,
}

/// Resource, name, kind, status.
pub type PackedKey = (u32, u32, i32, i32);

impl PackedAggregates {
    fn count(&mut self, resource: u32, name: TextId, span: &PackedSpan) {
        let key = (resource, name.0, span.kind.0, span.status_code.0);
        self.note(key, span.start, span.end);
    }

    /// Counts a span of this key.
    pub fn note(&mut self, key: PackedKey, start: Instant, end: Instant) {
        let Self { samples, numbers, keys } = self;
        let number = *numbers.entry(key).or_insert_with(|| {
            keys.push(key);
            keys.len() as u32 - 1
        });
        samples.note(number, start, end - start);
    }

    /// Several resources may be of one service: those become one here.
    fn finish(self, texts: &SegmentTexts) -> Samples {
        let services: Vec<Text> =
            texts.resources.things.iter().map(|(_, resource)| Text::from(resource.service_name())).collect();
        let key = |&(resource, name, kind, status): &PackedKey| AggregateKey {
            service: Arc::clone(&services[resource as usize]),
            name: Text::from(texts.texts.texts().text(TextId(name))),
            kind: model::SpanKind(kind),
            status: model::StatusCode(status),
        };
        self.samples.sorted(self.keys.iter().map(key).collect())
    }
}

fn logs_batch(logs: &[LogRecord]) -> Result<RecordBatch, ArrowError> {
    let mut bodies = StringBuilder::new();
    let mut body_values = BinaryBuilder::new();
    let mut attributes = BinaryBuilder::new();
    for log in logs {
        let text = log.body.as_str();
        bodies.append_option(text);
        let other = text.is_none() && log.body != Value::Empty;
        body_values.append_option(other.then(|| encoded(|to| to.value(&log.body))));
        attributes.append_option((!log.attributes.is_empty()).then(|| encoded(|to| to.attributes(&log.attributes))));
    }
    let columns: Vec<ArrayRef> = vec![
        ids(logs.iter().map(|log| Some(log.trace_id.unwrap_or_default().0)))?,
        ids(logs.iter().map(|log| log.span_id.map(|id| id.0)))?,
        times(logs.iter().map(|log| log.time)),
        times(logs.iter().map(|log| log.observed_time)),
        Arc::new(Int32Array::from_iter_values(logs.iter().map(|log| log.severity_number))),
        texts_or_null(logs.iter().map(|log| &*log.severity_text)),
        Arc::new(bodies.finish()),
        Arc::new(body_values.finish()),
        Arc::new(attributes.finish()),
        Arc::new(UInt32Array::from_iter_values(logs.iter().map(|log| log.dropped_attributes_count))),
        Arc::new(UInt32Array::from_iter_values(logs.iter().map(|log| log.flags))),
        texts_or_null(logs.iter().map(|log| &*log.event_name)),
        texts(logs.iter().map(|log| log.resource.service_name())),
        shared(logs.iter().map(|log| &log.resource), &|resource: &Resource, to| to.resource(resource)),
        shared(logs.iter().map(|log| &log.scope), &|scope: &Scope, to| to.scope(scope)),
    ];
    RecordBatch::try_new(logs_schema(), columns)
}

fn ids<const N: usize>(ids: impl ExactSizeIterator<Item = Option<[u8; N]>>) -> Result<ArrayRef, ArrowError> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(ids.len(), N as i32);
    for id in ids {
        match id {
            Some(id) => builder.append_value(id)?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    texts.for_each(|text| builder.append_value(text));
    Arc::new(builder.finish())
}

fn texts_or_null<'a>(texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    texts.for_each(|text| builder.append_option((!text.is_empty()).then_some(text)));
    Arc::new(builder.finish())
}

/// The bits of the unsigned instant are kept; only instants after the year 2262 read as negative in other programs.
fn times(instants: impl Iterator<Item = Instant>) -> ArrayRef {
    Arc::new(TimestampNanosecondArray::from_iter_values(instants.map(|instant| instant.0 as i64)).with_timezone("UTC"))
}

/// Encodes what rows share once per address.
fn shared<'a, T: 'a>(shared: impl Iterator<Item = &'a Arc<T>>, encode: &dyn Fn(&T, &mut Encoder)) -> ArrayRef {
    let mut known: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut builder = BinaryBuilder::new();
    for one in shared {
        let bytes = known.entry(Arc::as_ptr(one) as usize).or_insert_with(|| encoded(|to| encode(one, to)));
        builder.append_value(&*bytes);
    }
    Arc::new(builder.finish())
}
