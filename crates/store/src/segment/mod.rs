//! An immutable segment: a Parquet file of spans, one of log records, and the trace directory beside them.
//!
//! | file | what |
//! | --- | --- |
//! | `writer.rs` | [`SegmentWriter`]: traces in order of id become the three files |
//! | `schema.rs` | the fixed columns and how they are written |
//! | `columns.rs` | which attributes get columns, and how they are read |
//! | `key_counts.rs`, `key_order.rs` | how often each key occurs, in which order keys come |
//! | `survey.rs` | what will be written, looked at before: which columns there will be |
//! | `texts.rs` | texts, resources and scopes of a segment by number |
//! | `row_group.rs`, `chunk.rs` | rows by column; a column encoded |
//! | `directory.rs` | the trace directory |
//! | `filter.rs` | which traces may be in a segment |
//! | `reader.rs` | rows become spans and log records again |
//! | `packed_reader.rs` | rows become packed spans, for merges |
//! | `salvage.rs` | what can still be read of a damaged segment |
//! | `search.rs` | which traces meet a condition |
//! | `checked_file.rs` | a checksum for every block |

mod checked_file;
mod chunk;
mod columns;
mod directory;
mod filter;
mod key_counts;
mod key_order;
mod packed_reader;
mod reader;
#[cfg(test)]
mod round_trip;
mod row_group;
mod salvage;
mod schema;
mod search;
mod survey;
mod texts;
mod writer;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use journal::Disk;
use model::{Instant, LogRecord, Span, TraceId, Value};

pub use columns::ColumnPlan;
pub use directory::Traces;
pub use key_counts::KeyCounts;
pub use key_order::KeyOrder;
pub use packed_reader::PackedReader;
pub use salvage::Salvage;
pub use search::TraceSet;
pub use survey::{Prepared, Survey};
pub use writer::{Aggregates, SegmentWriter, minute_of};

use checked_file::CheckedFile;
use directory::{DirectoryFile, Overview, TraceEntry};
use reader::Footer;

use crate::cache::Cache;
use crate::filenames::{DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file};
use crate::{AttributeScope, MinuteAggregate, Predicate};

/// The spans and log records of one trace, exact duplicates removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRows {
    pub id: TraceId,
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
}

/// What the catalog says of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number, unique for ever in this folder.
    pub number: u64,
    /// When it was sealed; of a merged one, when the newest of its parts was.
    pub sealed_at: Instant,
    /// Earliest start of its traces.
    pub min_start: Instant,
    /// Latest start of its traces.
    pub max_start: Instant,
    /// Traces.
    pub traces: u64,
    /// Spans.
    pub spans: u64,
    /// Log records.
    pub logs: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

impl SegmentInfo {
    fn account(&mut self, start: Instant, spans: u64, logs: u64) {
        self.traces += 1;
        self.spans += spans;
        self.logs += logs;
        self.min_start = self.min_start.min(start);
        self.max_start = self.max_start.max(start);
    }
}

/// What segments share: memory for what was read of them.
#[derive(Debug)]
pub struct SegmentCaches {
    traces: Cache<u64, Traces>,
    footers: Cache<(u64, bool), Footer>,
}

impl SegmentCaches {
    pub fn new(directory_bytes: usize, footer_bytes: usize) -> Self {
        Self { traces: Cache::new(directory_bytes), footers: Cache::new(footer_bytes) }
    }
}

/// A segment that is open. Its files stay readable while anybody holds it, also after they were removed.
#[derive(Debug)]
pub struct Segment {
    pub info: SegmentInfo,
    /// Traces that were also in an older segment when this one was written.
    pub continued: Vec<TraceId>,
    filter: filter::TraceFilter,
    directory: DirectoryFile,
    spans: CheckedFile,
    logs: Option<CheckedFile>,
    caches: Arc<SegmentCaches>,
}

impl Segment {
    /// Opens the files of a segment and reads what is held in memory.
    pub fn open(disk: &dyn Disk, folder: &Path, info: SegmentInfo, caches: Arc<SegmentCaches>) -> io::Result<Self> {
        let directory = DirectoryFile::open(disk, &segment_file(folder, info.number, DIRECTORY_SUFFIX))?;
        let Overview { spans, logs, filter, continued } = directory.overview()?;
        let open = |suffix| disk.open(&segment_file(folder, info.number, suffix));
        let logs = match logs.length {
            0 => None,
            _ => Some(CheckedFile::new(open(LOGS_SUFFIX)?, Arc::new(logs))),
        };
        let spans = CheckedFile::new(open(SPANS_SUFFIX)?, Arc::new(spans));
        Ok(Self { info, continued, filter, directory, spans, logs, caches })
    }

    /// What can be told of a segment from its files alone, for a catalog that is lost.
    pub fn survey(disk: &dyn Disk, folder: &Path, number: u64) -> io::Result<SegmentInfo> {
        let caches = Arc::new(SegmentCaches::new(0, 0));
        let segment = Self::open(disk, folder, SegmentInfo { number, ..SegmentInfo::default() }, caches)?;
        let traces = segment.directory.traces()?;
        let mut info = SegmentInfo { number, min_start: Instant(u64::MAX), ..SegmentInfo::default() };
        for entry in &traces.entries {
            info.account(entry.start, entry.rows.into(), entry.logs.into());
        }
        let logs = segment.logs.as_ref().map_or(0, parquet::file::reader::Length::len);
        info.bytes = segment.directory.bytes + parquet::file::reader::Length::len(&segment.spans) + logs;
        Ok(info)
    }

    /// Whether the trace may be here; false is certain.
    pub fn may_hold(&self, id: TraceId) -> bool {
        self.filter.may_hold(id)
    }

    /// The trace directory.
    pub fn traces(&self) -> io::Result<Arc<Traces>> {
        self.caches.traces.fetch(self.info.number, || {
            let traces = self.directory.traces()?;
            let memory = traces.memory();
            Ok((traces, memory))
        })
    }

    fn footer(&self, file: &CheckedFile, is_spans: bool) -> io::Result<Arc<Footer>> {
        self.caches.footers.fetch((self.info.number, is_spans), || {
            let footer = Footer::read(file)?;
            let memory = footer.memory();
            Ok((footer, memory))
        })
    }

    /// Whether the trace is here.
    pub fn holds(&self, id: TraceId) -> io::Result<bool> {
        Ok(self.may_hold(id) && self.traces()?.position(id).is_some())
    }

    /// What the segment has of a trace, and the bytes read for it.
    pub fn trace(&self, id: TraceId) -> io::Result<Option<(TraceRows, u64)>> {
        if !self.may_hold(id) {
            return Ok(None);
        }
        let Some(position) = self.traces()?.position(id) else { return Ok(None) };
        let (mut rows, bytes) = self.read_traces(&[position])?;
        Ok(rows.pop().map(|rows| (rows, bytes)))
    }

    /// The traces at these positions of the directory (in ascending order), and the bytes read for them.
    pub fn read_traces(&self, positions: &[usize]) -> io::Result<(Vec<TraceRows>, u64)> {
        let traces = self.traces()?;
        let entries: Vec<_> = positions.iter().map(|&position| &traces.entries[position]).collect();
        let mut bytes = 0;
        let span_ranges: Vec<_> =
            entries.iter().map(|entry| range(entry.first_row, entry.rows)).filter(|range| !range.is_empty()).collect();
        let mut spans = Vec::new();
        if !span_ranges.is_empty() {
            let file = self.spans.counted();
            spans = reader::read_spans(&*self.footer(&file, true)?, &file, &span_ranges)?;
            bytes += file.bytes_read();
        }
        let log_ranges: Vec<_> =
            entries.iter().map(|entry| range(entry.first_log, entry.logs)).filter(|range| !range.is_empty()).collect();
        let mut logs = Vec::new();
        if let Some(file) = self.logs.as_ref().filter(|_| !log_ranges.is_empty()) {
            let file = file.counted();
            logs = reader::read_logs(&*self.footer(&file, false)?, &file, &log_ranges)?;
            bytes += file.bytes_read();
        }
        let (mut spans, mut logs) = (spans.into_iter(), logs.into_iter());
        let rows = entries.iter().map(|entry| TraceRows {
            id: entry.id,
            spans: spans.by_ref().take(entry.rows as usize).collect(),
            logs: logs.by_ref().take(entry.logs as usize).collect(),
        });
        Ok((rows.collect(), bytes))
    }

    /// Reads the traces at these positions of the directory (in ascending order) into `reader`; answers with each one's id,
    /// how many spans it has and its log records.
    pub fn read_packed(
        &self,
        positions: &[usize],
        reader: &mut PackedReader,
    ) -> io::Result<Vec<(TraceId, usize, Vec<LogRecord>)>> {
        let traces = self.traces()?;
        let entries: Vec<_> = positions.iter().map(|&position| &traces.entries[position]).collect();
        let ranges = |range: &dyn Fn(&TraceEntry) -> Range<usize>| {
            let mut ranges: Vec<Range<usize>> = Vec::new();
            for range in entries.iter().map(|entry| range(entry)).filter(|range| !range.is_empty()) {
                match ranges.last_mut() {
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => ranges.push(range),
                }
            }
            ranges
        };
        let spans = ranges(&|entry| range(entry.first_row, entry.rows));
        if !spans.is_empty() {
            reader.read(&*self.footer(&self.spans, true)?, &self.spans, &spans)?;
        }
        let of_logs = ranges(&|entry| range(entry.first_log, entry.logs));
        let mut logs = Vec::new().into_iter();
        if let Some(file) = self.logs.as_ref().filter(|_| !of_logs.is_empty()) {
            logs = reader::read_logs(&*self.footer(file, false)?, file, &of_logs)?.into_iter();
        }
        let trace =
            |entry: &&TraceEntry| (entry.id, entry.rows as usize, logs.by_ref().take(entry.logs as usize).collect());
        Ok(entries.iter().map(trace).collect())
    }

    /// Traces that have for each predicate a span that meets it, and the bytes read; none if the directory alone decides.
    pub fn search(&self, predicates: &[&Predicate]) -> io::Result<(Option<TraceSet>, u64)> {
        self.searched(|searched| {
            let mut all: Option<TraceSet> = None;
            for predicate in predicates {
                let Some(found) = search::matching(searched, predicate)? else { continue };
                match &mut all {
                    Some(all) => all.intersect(&found),
                    None => all = Some(found),
                }
            }
            Ok(all)
        })
    }

    /// Counts the values of an attribute; answers whether all were counted apart, and the bytes read.
    pub fn count_values(
        &self,
        scope: AttributeScope,
        key: &str,
        limit: usize,
        counts: &mut HashMap<Value, u64>,
    ) -> io::Result<(bool, u64)> {
        self.searched(|searched| search::count_values(searched, scope, key, limit, counts))
    }

    fn searched<T>(&self, search: impl FnOnce(&search::Searched<'_>) -> io::Result<T>) -> io::Result<(T, u64)> {
        let file = self.spans.counted();
        let footer = self.footer(&file, true)?;
        let traces = self.traces()?;
        let found = search(&search::Searched::new(&footer, &file, &traces, &self.directory))?;
        Ok((found, file.bytes_read()))
    }

    /// The keys of spans in the order in which this segment has them.
    pub fn span_keys(&self) -> io::Result<Vec<model::Text>> {
        let footer = self.footer(&self.spans, true)?;
        let of_span = footer.plan.columns.iter().filter(|column| column.scope == AttributeScope::Span);
        Ok(of_span.map(|column| Arc::clone(&column.key)).collect())
    }

    /// How often each key occurs.
    pub fn keys(&self) -> io::Result<KeyCounts> {
        self.directory.keys()
    }

    /// Calls, errors and latencies per minute.
    pub fn aggregates(&self) -> io::Result<Vec<MinuteAggregate>> {
        self.directory.aggregates()
    }

    /// Reads every byte; answers with what is wrong, file by file.
    pub fn verify(&self, folder: &Path) -> Vec<(std::path::PathBuf, String)> {
        let mut problems = Vec::new();
        let mut note = |suffix, result: io::Result<()>| {
            if let Err(error) = result {
                problems.push((segment_file(folder, self.info.number, suffix), error.to_string()));
            }
        };
        note(DIRECTORY_SUFFIX, self.directory.verify());
        note(SPANS_SUFFIX, self.spans.verify());
        if let Some(logs) = &self.logs {
            note(LOGS_SUFFIX, logs.verify());
        }
        problems
    }
}

fn range(first: u32, count: u32) -> Range<usize> {
    first as usize..first as usize + count as usize
}
