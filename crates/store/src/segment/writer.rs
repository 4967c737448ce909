//! Writes a segment: traces in order of id, as many at a time as are at hand, so that a merge holds few of them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, TimestampNanosecondArray, UInt32Array};
use arrow_schema::{ArrowError, Schema};
use journal::Disk;
use model::{Duration, Instant, LogRecord, Resource, Scope, Span, Text, Trace, TraceId, TraceSummary, Value};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::checked_file::{CheckedWriter, Sums};
use super::columns::{Cells, ColumnPlan};
use super::directory::{Overview, TracesBuilder, write_directory};
use super::filter::TraceFilter;
use super::key_counts::KeyCounts;
use super::schema::{logs_schema, properties, spans_schema};
use super::{SegmentInfo, TraceRows};
use crate::encoding::{Encoder, encoded};
use crate::filenames::{DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file};
use crate::{LatencyHistogram, MinuteAggregate};

/// A segment being written.
pub struct SegmentWriter<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
    number: u64,
    summarise: &'a dyn Fn(&Trace) -> TraceSummary,
    plan: ColumnPlan,
    schema: Arc<Schema>,
    spans: ArrowWriter<CheckedWriter>,
    logs: Option<ArrowWriter<CheckedWriter>>,
    traces: TracesBuilder,
    ids: Vec<TraceId>,
    keys: KeyCounts,
    aggregates: Aggregates,
    info: SegmentInfo,
}

impl<'a> SegmentWriter<'a> {
    pub fn create(
        disk: &'a dyn Disk,
        folder: &Path,
        number: u64,
        plan: ColumnPlan,
        summarise: &'a dyn Fn(&Trace) -> TraceSummary,
    ) -> io::Result<Self> {
        let schema = spans_schema(&plan);
        let file = CheckedWriter::create(disk, &segment_file(folder, number, SPANS_SUFFIX))?;
        let spans = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties())).map_err(io_error)?;
        Ok(Self {
            disk,
            folder: folder.to_owned(),
            number,
            summarise,
            plan,
            schema,
            spans,
            logs: None,
            traces: TracesBuilder::default(),
            ids: Vec::new(),
            keys: KeyCounts::default(),
            aggregates: Aggregates::default(),
            info: SegmentInfo { number, min_start: Instant(u64::MAX), ..SegmentInfo::default() },
        })
    }

    /// Writes the next traces.
    pub fn write(&mut self, chunk: Vec<TraceRows>) -> io::Result<()> {
        let mut spans = Vec::new();
        let mut logs = Vec::new();
        for rows in chunk {
            let (rows_spans, rows_logs) = (rows.spans.len() as u32, rows.logs.len() as u32);
            let trace = Trace::assemble(rows.id, rows.spans, rows.logs);
            let summary = (self.summarise)(&trace);
            self.info.account(summary.start, u64::from(rows_spans), u64::from(rows_logs));
            self.traces.push(&summary, rows_spans, rows_logs);
            self.ids.push(rows.id);
            let (trace_spans, trace_logs) = trace.into_parts();
            spans.extend(trace_spans);
            logs.extend(trace_logs);
        }
        for span in &spans {
            self.keys.count(span);
            self.aggregates.count(span);
        }
        // Addresses are counted while the spans hold them.
        self.keys.settle();
        if !spans.is_empty() {
            let batch = spans_batch(&self.schema, &self.plan, &spans).map_err(arrow_error)?;
            self.spans.write(&batch).map_err(io_error)?;
        }
        self.write_logs(&logs)
    }

    fn write_logs(&mut self, logs: &[LogRecord]) -> io::Result<()> {
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
        writer.write(&logs_batch(logs).map_err(arrow_error)?).map_err(io_error)?;
        self.logs = Some(writer);
        Ok(())
    }

    /// Writes the directory and syncs everything. `continued` answers for a trace whether an older segment has it too.
    pub fn finish(mut self, continued: &dyn Fn(TraceId) -> bool) -> io::Result<SegmentInfo> {
        let spans = close(self.spans)?;
        let logs = self.logs.map_or(Ok(Sums::default()), close)?;
        let overview = Overview {
            filter: TraceFilter::of(&self.ids),
            continued: self.ids.iter().copied().filter(|&id| continued(id)).collect(),
            spans,
            logs,
        };
        let path = segment_file(&self.folder, self.number, DIRECTORY_SUFFIX);
        let aggregates = self.aggregates.finish();
        let bytes = write_directory(self.disk, &path, &overview, &self.traces.finish(), &self.keys, &aggregates)?;
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
type AggregateKey = (u64, Text, Text, i32, i32);

/// Counts spans by minute, service, name, kind and status.
#[derive(Debug, Default)]
pub struct Aggregates {
    groups: BTreeMap<AggregateKey, (u64, i64, LatencyHistogram)>,
}

const MINUTE_NANOS: u64 = 60_000_000_000;

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

fn spans_batch(schema: &Arc<Schema>, plan: &ColumnPlan, spans: &[Span]) -> Result<RecordBatch, ArrowError> {
    let mut cells = Cells::new(plan);
    let mut rests = BinaryBuilder::new();
    let mut shapes = BinaryBuilder::new();
    for (row, span) in spans.iter().enumerate() {
        let remainder = cells.put_span(row, &span.attributes);
        cells.put_shared(row, crate::AttributeScope::Resource, &span.resource.attributes);
        cells.put_shared(row, crate::AttributeScope::Instrumentation, &span.scope.attributes);
        rests.append_option(remainder.rest);
        shapes.append_option(remainder.shape);
    }
    let int32 = |of: &dyn Fn(&Span) -> i32| Arc::new(Int32Array::from_iter_values(spans.iter().map(of))) as ArrayRef;
    let uint32 = |of: &dyn Fn(&Span) -> u32| Arc::new(UInt32Array::from_iter_values(spans.iter().map(of))) as ArrayRef;
    let blob = |of: &dyn Fn(&Span, &mut Encoder)| {
        let mut builder = BinaryBuilder::new();
        for span in spans {
            let bytes = encoded(|to| of(span, to));
            builder.append_option((!bytes.is_empty()).then_some(bytes));
        }
        Arc::new(builder.finish()) as ArrayRef
    };
    let mut columns: Vec<ArrayRef> = vec![
        ids(spans.iter().map(|span| Some(span.trace_id.0)))?,
        ids(spans.iter().map(|span| Some(span.span_id.0)))?,
        ids(spans.iter().map(|span| span.parent_span_id.map(|id| id.0)))?,
        texts_or_null(spans.iter().map(|span| &*span.trace_state)),
        uint32(&|span| span.flags),
        texts(spans.iter().map(|span| &*span.name)),
        int32(&|span| span.kind.0),
        times(spans.iter().map(|span| span.start)),
        Arc::new(Int64Array::from_iter_values(spans.iter().map(|span| span.end.0.wrapping_sub(span.start.0) as i64))),
        int32(&|span| span.status.code.0),
        texts_or_null(spans.iter().map(|span| &*span.status.message)),
        uint32(&|span| span.dropped_attributes_count),
        uint32(&|span| span.dropped_events_count),
        uint32(&|span| span.dropped_links_count),
        texts(spans.iter().map(Span::service_name)),
        shared(spans.iter().map(|span| &span.resource), &|resource: &Resource, to| to.resource(resource)),
        shared(spans.iter().map(|span| &span.scope), &|scope: &Scope, to| to.scope(scope)),
        blob(&|span, to| {
            if !span.events.is_empty() {
                to.events(&span.events);
            }
        }),
        blob(&|span, to| {
            if !span.links.is_empty() {
                to.links(&span.links);
            }
        }),
        Arc::new(shapes.finish()),
        Arc::new(rests.finish()),
    ];
    columns.extend(cells.into_arrays(spans.len()));
    RecordBatch::try_new(Arc::clone(schema), columns)
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
