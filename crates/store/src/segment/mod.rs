//! An immutable segment: a Parquet file of spans, one of log records, and the trace directory beside them.
//!
//! | file | what |
//! | --- | --- |
//! | `writer.rs` | [`SegmentWriter`]: traces become the three files |
//! | `schema.rs` | the fixed columns and how they are written |
//! | `columns.rs` | which attributes get columns, and how they are read |
//! | `key_counts.rs`, `key_order.rs` | how often each key occurs, in which order keys come |
//! | `survey.rs` | what will be written, looked at before: which columns there will be |
//! | `texts.rs` | texts, resources and scopes of a segment by number |
//! | `row_aggregates.rs` | aggregates by minute where the directory has none |
//! | `row_group.rs`, `target.rs`, `chunk.rs` | rows by column; which columns get a dictionary; a column encoded |
//! | `columnar/` | segments become one, column by column |
//! | `directory.rs`, `id_table.rs` | the trace directory; its index of ids |
//! | `window.rs` | parts of a segment by time |
//! | `aggregates.rs` | the aggregates by minute and by hour |
//! | `filter.rs` | which traces may be in a segment |
//! | `page/`, `source.rs` | our own reader of Parquet pages; the columns of one file |
//! | `reader.rs` | rows become spans and log records again |
//! | `packed_reader.rs` | rows become packed spans, for merges |
//! | `salvage.rs` | what can still be read of a damaged segment |
//! | `search.rs`, `row_set.rs` | which rows meet a filter |
//! | `checked_file.rs` | a checksum for every block |

mod aggregates;
mod checked_file;
mod chunk;
mod columnar;
mod columns;
mod directory;
mod filter;
mod id_table;
mod key_counts;
mod key_order;
mod packed_reader;
mod page;
mod reader;
#[cfg(test)]
mod round_trip;
mod row_aggregates;
mod row_group;
mod row_set;
mod salvage;
mod schema;
mod search;
mod source;
mod survey;
mod target;
mod texts;
mod window;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use journal::Disk;
use model::{Duration, Instant, LogRecord, Span, TraceId, Value};

pub use aggregates::{AggregateKey, AggregateRow};
pub use columnar::{ColumnMerge, Origin};
#[cfg(test)]
pub use columns::AttributeColumn;
pub use columns::ColumnPlan;
pub use directory::Traces;
pub use key_counts::KeyCounts;
pub use key_order::KeyOrder;
pub use packed_reader::PackedReader;
pub use salvage::Salvage;
pub use survey::{Prepared, Survey};
pub use window::{Window, Windows};
pub use writer::{Aggregates, SegmentWriter, minute_of};

use checked_file::CheckedFile;
use directory::{DirectoryFile, Overview, TraceEntry, TraceTable};
use id_table::IdTable;
use source::{Dictionaries, Footer, Source};

use crate::cache::Cache;
use crate::filenames::{DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file};
use crate::limits::{BLOCK_CACHE_BYTES, BLOCKS_APART_SHARE, DICTIONARY_CACHE_BYTES, KEYS_CACHE_BYTES, TRACE_BLOCK};
use crate::{AttributeScope, Needs, SpanFilter};

/// The spans and log records of one trace, exact duplicates removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRows {
    pub id: TraceId,
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
}

/// A directory, as far as it was read.
#[derive(Clone, Debug)]
pub enum TraceView {
    /// All of it.
    Whole(Arc<Traces>),
    /// Some blocks, by number.
    Blocks(BTreeMap<usize, Arc<Traces>>),
}

impl TraceView {
    /// The trace at a position, with the traces it lies among; none if its part was not read.
    pub fn place(&self, position: usize) -> Option<(&Traces, &TraceEntry)> {
        let (traces, within) = match self {
            Self::Whole(traces) => (traces, position),
            Self::Blocks(blocks) => (blocks.get(&(position / TRACE_BLOCK))?, position % TRACE_BLOCK),
        };
        Some((traces, traces.entries.get(within)?))
    }

    /// Every position that was read, in order.
    pub fn positions(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Whole(traces) => Box::new(0..traces.entries.len()),
            Self::Blocks(blocks) => Box::new(blocks.iter().flat_map(|(number, traces)| {
                let first = number * TRACE_BLOCK;
                first..first + traces.entries.len()
            })),
        }
    }

    /// The trace at a position.
    pub fn entry(&self, position: usize) -> Option<&TraceEntry> {
        self.place(position).map(|(_, entry)| entry)
    }
}

/// Traces of a segment that have spans that meet filters.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Their positions in the directory, in order, each with how many of its spans meet the first filter.
    pub traces: Vec<(usize, u32)>,
    /// The directory of them.
    pub view: TraceView,
    /// Whether exactly the spans that are meant were found, not some too many.
    pub is_exact: bool,
}

impl Selected {
    fn intersected(self, other: &Self) -> Self {
        let mut others = other.traces.iter().map(|(position, _)| *position).peekable();
        let mut traces = self.traces;
        traces.retain(|(position, _)| {
            while others.next_if(|other| other < position).is_some() {}
            others.peek() == Some(position)
        });
        // Each filter is met, but nothing is said of which spans are meant by all together.
        Self { traces, view: self.view, is_exact: false }
    }
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
    blocks: Cache<(u64, usize), Traces>,
    dictionaries: Dictionaries,
    keys: Cache<u64, KeyCounts>,
}

impl SegmentCaches {
    pub fn new(directory_bytes: usize, footer_bytes: usize) -> Self {
        Self {
            traces: Cache::new(directory_bytes),
            footers: Cache::new(footer_bytes),
            blocks: Cache::new(BLOCK_CACHE_BYTES),
            dictionaries: Cache::new(DICTIONARY_CACHE_BYTES),
            keys: Cache::new(KEYS_CACHE_BYTES),
        }
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
    /// Where the traces are; read when it is first needed.
    table: OnceLock<Option<TraceTable>>,
    /// Where ids are; read when it is first needed.
    ids: OnceLock<Option<IdTable>>,
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
        Ok(Self {
            info,
            continued,
            filter,
            directory,
            spans,
            logs,
            table: OnceLock::new(),
            ids: OnceLock::new(),
            caches,
        })
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

    fn table(&self) -> io::Result<Option<&TraceTable>> {
        if let Some(table) = self.table.get() {
            return Ok(table.as_ref());
        }
        let table = self.directory.table()?;
        Ok(self.table.get_or_init(|| table).as_ref())
    }

    fn ids(&self) -> io::Result<Option<&IdTable>> {
        if let Some(ids) = self.ids.get() {
            return Ok(ids.as_ref());
        }
        let ids = self.directory.id_table()?;
        Ok(self.ids.get_or_init(|| ids).as_ref())
    }

    fn block(&self, table: &TraceTable, number: usize) -> io::Result<Arc<Traces>> {
        self.caches.blocks.fetch((self.info.number, number), || {
            let traces = self.directory.block(table, number)?;
            let memory = traces.memory() + 100;
            Ok((traces, memory))
        })
    }

    /// The position of a trace in the directory.
    pub fn position(&self, id: TraceId) -> io::Result<Option<usize>> {
        if !self.may_hold(id) {
            return Ok(None);
        }
        let Some(table) = self.table()? else { return Ok(self.traces()?.position_by_id(id)) };
        if let Some(ids) = self.ids()? {
            for position in self.directory.positions_of_id(ids, id)? {
                let block = self.block(table, position / TRACE_BLOCK)?;
                if block.entries.get(position % TRACE_BLOCK).is_some_and(|entry| entry.id == id) {
                    return Ok(Some(position));
                }
            }
            return Ok(None);
        }
        let Some(number) = table.block_of(id) else { return Ok(None) };
        let within = self.block(table, number)?.position_by_id(id);
        Ok(within.map(|position| number * TRACE_BLOCK + position))
    }

    /// The directory as far as these positions are concerned.
    pub fn view(&self, positions: impl IntoIterator<Item = usize>) -> io::Result<TraceView> {
        let Some(table) = self.table()? else { return self.traces().map(TraceView::Whole) };
        let mut blocks = BTreeMap::new();
        for number in positions.into_iter().map(|position| position / TRACE_BLOCK) {
            if let std::collections::btree_map::Entry::Vacant(entry) = blocks.entry(number) {
                entry.insert(self.block(table, number)?);
            }
        }
        Ok(TraceView::Blocks(blocks))
    }

    /// The traces of these rows (in order), as positions with how many of the rows each has, and the directory of them.
    fn traces_of_rows(&self, rows: &[usize]) -> io::Result<(Vec<(usize, u32)>, TraceView)> {
        let whole = || -> io::Result<_> {
            let traces = self.traces()?;
            Ok((traces.positions_of_rows(rows.iter().copied()), TraceView::Whole(traces)))
        };
        let Some(table) = self.table()? else { return whole() };
        if rows.len() > table.len() / BLOCKS_APART_SHARE {
            return whole();
        }
        let (mut found, mut blocks) = (Vec::new(), BTreeMap::new());
        for part in rows.chunk_by(|a, b| table.block_of_row(*a) == table.block_of_row(*b)) {
            let Some(number) = table.block_of_row(part[0]) else { continue };
            let block = self.block(table, number)?;
            let within = block.positions_of_rows(part.iter().copied());
            found.extend(within.into_iter().map(|(position, rows)| (number * TRACE_BLOCK + position, rows)));
            blocks.insert(number, block);
        }
        Ok((found, TraceView::Blocks(blocks)))
    }

    fn footer(&self, file: &CheckedFile, is_spans: bool) -> io::Result<Arc<Footer>> {
        self.caches.footers.fetch((self.info.number, is_spans), || {
            let footer = Footer::read(file)?;
            let memory = footer.memory();
            Ok((footer, memory))
        })
    }

    fn source<'a>(&'a self, footer: &'a Footer, file: &'a CheckedFile, is_spans: bool) -> Source<'a> {
        Source { footer, file, dictionaries: &self.caches.dictionaries, segment: self.info.number, is_spans }
    }

    /// Whether the trace is here.
    pub fn holds(&self, id: TraceId) -> io::Result<bool> {
        Ok(self.position(id)?.is_some())
    }

    /// What the segment has of a trace, and the bytes read for it.
    pub fn trace(&self, id: TraceId) -> io::Result<Option<(TraceRows, u64)>> {
        let Some(position) = self.position(id)? else { return Ok(None) };
        let (mut rows, bytes) = self.read_traces(&[position], &Needs::default())?;
        Ok(rows.pop().map(|rows| (rows, bytes)))
    }

    /// The traces at these positions of the directory (in ascending order) with as much of them as is needed, and the bytes
    /// read for them.
    pub fn read_traces(&self, positions: &[usize], needs: &Needs) -> io::Result<(Vec<TraceRows>, u64)> {
        let view = self.view(positions.iter().copied())?;
        let entries: Vec<&TraceEntry> = positions.iter().filter_map(|&position| view.entry(position)).collect();
        let mut bytes = 0;
        let span_ranges: Vec<_> =
            entries.iter().map(|entry| range(entry.first_row, entry.rows)).filter(|range| !range.is_empty()).collect();
        let mut spans = Vec::new();
        if !span_ranges.is_empty() {
            let file = self.spans.counted();
            spans = reader::read_spans(&self.source(&*self.footer(&file, true)?, &file, true), &span_ranges, needs)?;
            bytes += file.bytes_read();
        }
        let log_ranges: Vec<_> =
            entries.iter().map(|entry| range(entry.first_log, entry.logs)).filter(|range| !range.is_empty()).collect();
        let mut logs = Vec::new();
        if let Some(file) = self.logs.as_ref().filter(|_| needs.everything && !log_ranges.is_empty()) {
            let file = file.counted();
            logs = reader::read_logs(&self.source(&*self.footer(&file, false)?, &file, false), &log_ranges)?;
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
        let spans = joined(entries.iter().map(|entry| range(entry.first_row, entry.rows)));
        if !spans.is_empty() {
            reader.read(&*self.footer(&self.spans, true)?, &self.spans, &spans)?;
        }
        let of_logs = joined(entries.iter().map(|entry| range(entry.first_log, entry.logs)));
        let mut logs = Vec::new().into_iter();
        if let Some(file) = self.logs.as_ref().filter(|_| !of_logs.is_empty()) {
            logs = reader::read_logs(&self.source(&*self.footer(file, false)?, file, false), &of_logs)?.into_iter();
        }
        let trace =
            |entry: &&TraceEntry| (entry.id, entry.rows as usize, logs.by_ref().take(entry.logs as usize).collect());
        Ok(entries.iter().map(trace).collect())
    }

    /// As [`Segment::read_packed`], without log records; answers with how many spans each trace has.
    pub fn read_packed_spans(&self, positions: &[usize], reader: &mut PackedReader) -> io::Result<Vec<usize>> {
        let traces = self.traces()?;
        let entries = || positions.iter().map(|&position| &traces.entries[position]);
        let spans = joined(entries().map(|entry| range(entry.first_row, entry.rows)));
        if !spans.is_empty() {
            reader.read(&*self.footer(&self.spans, true)?, &self.spans, &spans)?;
        }
        Ok(entries().map(|entry| entry.rows as usize).collect())
    }

    /// Traces of the window that have for each filter a span that meets it, and the bytes read.
    pub fn select(&self, filters: &[SpanFilter], window: &Window) -> io::Result<(Selected, u64)> {
        let places = self.row_ranges(window)?;
        self.searched(|search| {
            let mut selected: Option<Selected> = None;
            for filter in filters.iter().filter(|filter| !filter.is_every()) {
                let found = search.rows(filter, places.as_deref())?;
                let places = &search.source.footer.groups;
                let groups = found.groups.iter().zip(places);
                let rows: Vec<usize> =
                    groups.flat_map(|(rows, place)| rows.iter().map(|row| place.first + row)).collect();
                let (traces, view) = self.traces_of_rows(&rows)?;
                let found = Selected { traces, view, is_exact: found.is_exact };
                let nothing = found.traces.is_empty();
                selected = Some(match selected {
                    None => found,
                    Some(before) => before.intersected(&found),
                });
                if nothing {
                    break;
                }
            }
            if let Some(selected) = selected {
                return Ok(selected);
            }
            let view = self.view_of(window)?;
            let with_spans = view.positions().filter_map(|position| Some((position, view.entry(position)?.rows)));
            let traces = with_spans.filter(|(_, rows)| *rows > 0).collect();
            Ok(Selected { traces, view, is_exact: true })
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
        self.searched(|search| search::count_values(search, scope, key, limit, counts))
    }

    fn searched<T>(&self, ask: impl FnOnce(&search::Search<'_>) -> io::Result<T>) -> io::Result<(T, u64)> {
        let file = self.spans.counted();
        let footer = self.footer(&file, true)?;
        let read_keys = || self.shared_keys();
        let found = ask(&search::Search::new(self.source(&footer, &file, true), &read_keys))?;
        Ok((found, file.bytes_read()))
    }

    fn shared_keys(&self) -> io::Result<Arc<KeyCounts>> {
        self.caches.keys.fetch(self.info.number, || {
            let keys = self.directory.keys()?;
            let memory = keys.iter().map(|(.., key, _)| key.len() + 64).sum();
            Ok((keys, memory))
        })
    }

    /// The keys of spans in the order in which this segment has them.
    pub fn span_keys(&self) -> io::Result<Vec<model::Text>> {
        let footer = self.footer(&self.spans, true)?;
        let of_span = footer.plan.columns.iter().filter(|column| column.scope == AttributeScope::Span);
        Ok(of_span.map(|column| Arc::clone(&column.key)).collect())
    }

    /// How often each key occurs.
    pub fn keys(&self) -> io::Result<Arc<KeyCounts>> {
        self.shared_keys()
    }

    /// Hands out calls, errors and latencies, key by key: by hour if `step` is a whole number of hours, else by minute.
    pub fn aggregates(
        &self,
        step: Duration,
        with_durations: bool,
        take: &mut dyn FnMut(&AggregateKey, &AggregateRow<'_>),
    ) -> io::Result<()> {
        if !directory::is_of_hours(step) && !self.directory.has_minutes() {
            let footer = self.footer(&self.spans, true)?;
            return row_aggregates::aggregates_of_rows(&footer, &self.spans, take);
        }
        self.directory.aggregates(step, with_durations, take)
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

/// The ranges (in order) without empty ones; those that follow each other become one.
fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.filter(|range| !range.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}
