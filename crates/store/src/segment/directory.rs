//! The trace directory beside each segment: which rows a trace has, and one summary row per trace, so that a trace is
//! found without a scan and lists are made without touching spans.
//!
//! ```text
//! file = "HWDIRECT" | version | number of sections | (kind, offset, bytes, bytes unpacked, crc of the packed) each
//!      | crc of all above | sections, each one zstd frame
//! ```

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use journal::{Disk, File};
use model::{Duration, Instant, ServiceSummary, SpanKind, StatusCode, Text, TraceId, TraceSummary};

use super::aggregates::{self, AggregateKey, AggregateRow, HOUR_NANOS, MINUTE_NANOS, Samples};
use super::checked_file::Sums;
use super::filter::TraceFilter;
use super::id_table::IdTable;
use super::key_counts::KeyCounts;
use super::page::unzipped;
use crate::encoding::{Decoder, Encoder, Malformed, encoded};
use crate::limits::{FEW_SPANS, SECTION_BYTES_MAX, SECTIONS_MAX, TRACE_BLOCK};
use crate::{LatencyHistogram, MinuteAggregate};

/// The version of a segment's files.
pub const SEGMENT_VERSION: u32 = 3;

/// The oldest version that is read.
const SEGMENT_VERSION_MIN: u32 = 1;

const MAGIC: &[u8; 8] = b"HWDIRECT";
const HEADER_BYTES: usize = 16;
const ENTRY_BYTES: usize = 32;

/// What a directory file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// [`Overview`].
    Overview = 1,
    /// [`Traces`].
    Traces = 2,
    /// [`KeyCounts`].
    Keys = 3,
    /// [`MinuteAggregate`]s.
    Aggregates = 4,
    /// [`TraceTable`] of segments of version 2, by id. Those of version 1 have all traces in one section.
    TableById = 5,
    /// The blocks of traces, each a zstd frame.
    TraceBlocks = 6,
    /// Aggregates by minute: counts.
    MinuteCounts = 7,
    /// Aggregates by minute: how durations are spread.
    MinuteDurations = 8,
    /// Aggregates by hour: counts.
    HourCounts = 9,
    /// Aggregates by hour: how durations are spread.
    HourDurations = 10,
    /// [`TraceTable`]: where the blocks of traces are, by start.
    TableByStart = 11,
    /// [`IdTable`]: where the ids of traces are.
    IdTable = 12,
    /// The blocks of ids.
    IdBlocks = 13,
}

/// What is held in memory for every segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// How the spans file is read.
    pub spans: Sums,
    /// How the logs file is read; of no length if there is none.
    pub logs: Sums,
    /// Which traces may be here.
    pub filter: TraceFilter,
    /// Traces that were also in an older segment when this one was written.
    pub continued: Vec<TraceId>,
}

/// Traces of a segment in the order of their rows: all, or those of one block. Since version 3 that is the order in which
/// they started (as a rule: nothing depends on it but speed), before that the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    pub entries: Vec<TraceEntry>,
    services: Vec<ServiceShare>,
    strings: Arc<Vec<Text>>,
}

/// Where the traces of a segment are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceTable {
    strings: Arc<Vec<Text>>,
    pub blocks: Vec<TraceBlock>,
    /// Whether blocks are told by their first id; else by when their traces start.
    pub is_by_id: bool,
}

/// [`TRACE_BLOCK`] traces that are read together; the last block may have fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceBlock {
    /// Only in a table by id.
    first_id: TraceId,
    /// Earliest and latest start of its traces; all of time in a table by id.
    pub starts: (Instant, Instant),
    pub first_row: u32,
    first_log: u32,
    /// Within the section of blocks.
    offset: u64,
    bytes: u32,
    unpacked: u32,
    crc: u32,
}

/// One trace of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    pub id: TraceId,
    pub first_row: u32,
    pub rows: u32,
    pub first_log: u32,
    pub logs: u32,
    pub start: Instant,
    pub duration: Duration,
    pub error_count: u32,
    pub oddity_count: u32,
    root_service: u32,
    root_name: u32,
    root_received: bool,
    first_service: u32,
    services: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ServiceShare {
    name: u32,
    span_count: u32,
    error_count: u32,
    critical: Duration,
}

/// Collects [`Traces`] in the order of their rows.
#[derive(Debug, Default)]
pub struct TracesBuilder {
    traces: Traces,
    strings: Vec<Text>,
    numbers: HashMap<Text, u32>,
    next_row: u32,
    next_log: u32,
}

impl TracesBuilder {
    /// Adds the next trace.
    pub fn push(&mut self, summary: &TraceSummary, rows: u32, logs: u32) {
        let first_service = self.traces.services.len() as u32;
        for service in &summary.services {
            let name = self.string(&service.name);
            self.traces.services.push(ServiceShare {
                name,
                span_count: service.span_count,
                error_count: service.error_count,
                critical: service.critical,
            });
        }
        let entry = TraceEntry {
            id: summary.trace_id,
            first_row: self.next_row,
            rows,
            first_log: self.next_log,
            logs,
            start: summary.start,
            duration: summary.duration,
            error_count: summary.error_count,
            oddity_count: summary.oddity_count,
            root_service: self.string(&summary.root_service),
            root_name: self.string(&summary.root_name),
            root_received: summary.root_received,
            first_service,
            services: summary.services.len() as u32,
        };
        self.traces.entries.push(entry);
        self.next_row += rows;
        self.next_log += logs;
    }

    /// Adds a trace of another directory. `strings` remembers what the places of its strings are here.
    pub fn push_copied(&mut self, from: &Traces, entry: &TraceEntry, strings: &mut Vec<u32>) {
        strings.resize(from.strings.len(), u32::MAX);
        let mut string = |place: u32| {
            let known = &mut strings[place as usize];
            if *known == u32::MAX {
                *known = self.string(&from.strings[place as usize]);
            }
            *known
        };
        let (root_service, root_name) = (string(entry.root_service), string(entry.root_name));
        let shares = from.shares(entry).iter().map(|share| ServiceShare { name: string(share.name), ..*share });
        let shares: Vec<ServiceShare> = shares.collect();
        let entry = TraceEntry {
            first_row: self.next_row,
            first_log: self.next_log,
            root_service,
            root_name,
            first_service: self.traces.services.len() as u32,
            ..*entry
        };
        self.traces.services.extend(shares);
        self.next_row += entry.rows;
        self.next_log += entry.logs;
        self.traces.entries.push(entry);
    }

    fn string(&mut self, text: &Text) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(Arc::clone(text));
        self.numbers.insert(Arc::clone(text), number);
        number
    }

    pub fn finish(self) -> Traces {
        Traces { strings: Arc::new(self.strings), ..self.traces }
    }
}

impl Traces {
    /// The position of a trace in `entries` that are sorted by id.
    pub fn position_by_id(&self, id: TraceId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// The traces that have these rows (in order): their positions, each with how many of the rows it has.
    pub fn positions_of_rows(&self, rows: impl Iterator<Item = usize>) -> Vec<(usize, u32)> {
        let mut found: Vec<(usize, u32)> = Vec::new();
        let mut position = 0;
        // One past the last row of the trace at `position`.
        let mut end = 0;
        for row in rows {
            if row < end {
                if let Some(last) = found.last_mut() {
                    last.1 += 1;
                }
                continue;
            }
            position = self.after_row(position, row);
            let Some(entry) = self.entries.get(position) else { break };
            end = (entry.first_row + entry.rows) as usize;
            found.push((position, 1));
        }
        found
    }

    /// The first position from `from` on whose rows end behind `row`. Near ones are found fast, far ones by halving.
    fn after_row(&self, from: usize, row: usize) -> usize {
        let is_before = |entry: &TraceEntry| (entry.first_row + entry.rows) as usize <= row;
        let mut step = 1;
        let mut low = from;
        while self.entries.get(low + step).is_some_and(is_before) {
            low += step;
            step *= 2;
        }
        let high = (low + step).min(self.entries.len());
        low + self.entries[low.min(high)..high].partition_point(is_before)
    }

    /// The summary of a trace.
    pub fn summary(&self, entry: &TraceEntry) -> TraceSummary {
        TraceSummary {
            trace_id: entry.id,
            start: entry.start,
            duration: entry.duration,
            root_service: Arc::clone(self.root_service(entry)),
            root_name: Arc::clone(self.root_name(entry)),
            root_received: entry.root_received,
            span_count: entry.rows,
            error_count: entry.error_count,
            log_count: entry.logs,
            services: self
                .shares(entry)
                .iter()
                .map(|share| ServiceSummary {
                    name: Arc::clone(&self.strings[share.name as usize]),
                    span_count: share.span_count,
                    error_count: share.error_count,
                    critical: share.critical,
                })
                .collect(),
            oddity_count: entry.oddity_count,
        }
    }

    pub fn root_service(&self, entry: &TraceEntry) -> &Text {
        &self.strings[entry.root_service as usize]
    }

    pub fn root_name(&self, entry: &TraceEntry) -> &Text {
        &self.strings[entry.root_name as usize]
    }

    /// Whether some span of the trace is of this service.
    pub fn has_service(&self, entry: &TraceEntry, service: &str) -> bool {
        self.shares(entry).iter().any(|share| &*self.strings[share.name as usize] == service)
    }

    fn shares(&self, entry: &TraceEntry) -> &[ServiceShare] {
        &self.services[entry.first_service as usize..(entry.first_service + entry.services) as usize]
    }

    /// Roughly the memory this takes.
    pub fn memory(&self) -> usize {
        self.entries.len() * size_of::<TraceEntry>()
            + self.services.len() * size_of::<ServiceShare>()
            + self.strings.iter().map(|text| text.len() + 32).sum::<usize>()
    }

    /// The traces in blocks: the table, and the blocks one behind the other.
    fn in_blocks(&self) -> io::Result<(TraceTable, Vec<u8>)> {
        let (mut blocks, mut body) = (Vec::new(), Vec::new());
        let mut compressor = zstd::bulk::Compressor::new(1)?;
        for entries in self.entries.chunks(TRACE_BLOCK) {
            let unpacked = encoded(|to| entries.iter().for_each(|entry| self.encode_entry(entry, to)));
            let packed = compressor.compress(&unpacked)?;
            let starts = || entries.iter().map(|entry| entry.start);
            blocks.push(TraceBlock {
                first_id: TraceId::default(),
                starts: (starts().min().unwrap_or_default(), starts().max().unwrap_or_default()),
                first_row: entries[0].first_row,
                first_log: entries[0].first_log,
                offset: body.len() as u64,
                bytes: packed.len() as u32,
                unpacked: unpacked.len() as u32,
                crc: crc32c::crc32c(&packed),
            });
            body.extend_from_slice(&packed);
        }
        Ok((TraceTable { strings: Arc::clone(&self.strings), blocks, is_by_id: false }, body))
    }

    fn encode_entry(&self, entry: &TraceEntry, to: &mut Encoder) {
        to.raw(&entry.id.0);
        to.unsigned(entry.rows.into());
        to.unsigned(entry.logs.into());
        to.unsigned(entry.start.0);
        to.signed(entry.duration.0);
        to.unsigned(entry.error_count.into());
        to.unsigned(entry.oddity_count.into());
        to.unsigned(entry.root_service.into());
        to.unsigned(entry.root_name.into());
        to.unsigned(entry.root_received.into());
        to.unsigned(entry.services.into());
        for share in self.shares(entry) {
            to.unsigned(share.name.into());
            to.unsigned(share.span_count.into());
            to.unsigned(share.error_count.into());
            to.signed(share.critical.0);
        }
    }

    /// The one section of segments of version 1.
    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let strings = strings_of(from)?;
        let mut traces = Self { strings: Arc::new(strings), ..Self::default() };
        let (mut next_row, mut next_log) = (0, 0);
        for _ in 0..from.count()? {
            traces.decode_entry(from, &mut next_row, &mut next_log)?;
        }
        Ok(traces)
    }

    fn decode_entry(
        &mut self,
        from: &mut Decoder<'_>,
        next_row: &mut u32,
        next_log: &mut u32,
    ) -> Result<(), Malformed> {
        let count = self.strings.len();
        let string = |number: u32| {
            if (number as usize) < count { Ok(number) } else { Err(Malformed("an unknown string")) }
        };
        let mut entry = TraceEntry {
            id: TraceId(from.array()?),
            first_row: *next_row,
            rows: from.small()?,
            first_log: *next_log,
            logs: from.small()?,
            start: Instant(from.unsigned()?),
            duration: Duration(from.signed()?),
            error_count: from.small()?,
            oddity_count: from.small()?,
            root_service: string(from.small()?)?,
            root_name: string(from.small()?)?,
            root_received: from.unsigned()? != 0,
            first_service: self.services.len() as u32,
            services: 0,
        };
        entry.services = from.small()?;
        for _ in 0..entry.services {
            self.services.push(ServiceShare {
                name: string(from.small()?)?,
                span_count: from.small()?,
                error_count: from.small()?,
                critical: Duration(from.signed()?),
            });
        }
        *next_row = next_row.checked_add(entry.rows).ok_or(Malformed("too many rows"))?;
        *next_log = next_log.checked_add(entry.logs).ok_or(Malformed("too many log records"))?;
        self.entries.push(entry);
        Ok(())
    }
}

fn strings_of(from: &mut Decoder<'_>) -> Result<Vec<Text>, Malformed> {
    let count = from.count()?;
    (0..count).map(|_| from.text()).collect()
}

impl TraceTable {
    /// The only block that can have the trace; none if none can.
    pub fn block_of(&self, id: TraceId) -> Option<usize> {
        self.blocks.partition_point(|block| block.first_id <= id).checked_sub(1)
    }

    /// The block that has the row, if one has.
    pub fn block_of_row(&self, row: usize) -> Option<usize> {
        // Of blocks that begin with the same row only the last can have it: the others have only log records.
        self.blocks.partition_point(|block| block.first_row as usize <= row).checked_sub(1)
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    fn encode(&self, to: &mut Encoder) {
        to.count(self.strings.len());
        self.strings.iter().for_each(|text| to.text(text));
        to.count(self.blocks.len());
        for block in &self.blocks {
            let (earliest, latest) = block.starts;
            to.unsigned(earliest.0);
            to.unsigned(latest.0 - earliest.0);
            to.unsigned(block.first_row.into());
            to.unsigned(block.first_log.into());
            to.unsigned(block.bytes.into());
            to.unsigned(block.unpacked.into());
            to.raw(&block.crc.to_le_bytes());
        }
    }

    fn decode(from: &mut Decoder<'_>, is_by_id: bool) -> Result<Self, Malformed> {
        let strings = Arc::new(strings_of(from)?);
        let (mut blocks, mut offset) = (Vec::new(), 0);
        for _ in 0..from.count()? {
            let (first_id, starts) = if is_by_id {
                (TraceId(from.array()?), (Instant(0), Instant(u64::MAX)))
            } else {
                let earliest = from.unsigned()?;
                let latest = earliest.checked_add(from.unsigned()?).ok_or(Malformed("a start too late"))?;
                (TraceId::default(), (Instant(earliest), Instant(latest)))
            };
            let block = TraceBlock {
                first_id,
                starts,
                first_row: from.small()?,
                first_log: from.small()?,
                offset,
                bytes: from.small()?,
                unpacked: from.small()?,
                crc: u32::from_le_bytes(from.array()?),
            };
            offset += u64::from(block.bytes);
            blocks.push(block);
        }
        Ok(Self { strings, blocks, is_by_id })
    }
}

impl Overview {
    fn encode(&self, to: &mut Encoder) {
        for sums in [&self.spans, &self.logs] {
            to.unsigned(sums.length);
            to.count(sums.checksums.len());
            sums.checksums.iter().for_each(|sum| to.raw(&sum.to_le_bytes()));
        }
        self.filter.encode(to);
        to.count(self.continued.len());
        self.continued.iter().for_each(|id| to.raw(&id.0));
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let mut overview = Self::default();
        for sums in [&mut overview.spans, &mut overview.logs] {
            sums.length = from.unsigned()?;
            for _ in 0..from.count()? {
                sums.checksums.push(u32::from_le_bytes(from.array()?));
            }
        }
        overview.filter = TraceFilter::decode(from)?;
        for _ in 0..from.count()? {
            overview.continued.push(TraceId(from.array()?));
        }
        Ok(overview)
    }
}

/// The section of segments of version 1.
fn decode_aggregates(from: &mut Decoder<'_>) -> Result<Vec<MinuteAggregate>, Malformed> {
    let number = |from: &mut Decoder<'_>| i32::try_from(from.signed()?).map_err(|_| Malformed("a number too large"));
    let count = from.count()?;
    let mut aggregates = Vec::new();
    for _ in 0..count {
        let mut aggregate = MinuteAggregate {
            minute: Instant(from.unsigned()?),
            service: from.text()?,
            name: from.text()?,
            kind: SpanKind(number(from)?),
            status: StatusCode(number(from)?),
            count: from.unsigned()?,
            duration_sum: Duration(from.signed()?),
            durations: LatencyHistogram::default(),
        };
        for _ in 0..from.count()? {
            let bucket = u16::try_from(from.unsigned()?).map_err(|_| Malformed("a bucket too large"))?;
            aggregate.durations.buckets.push((bucket, from.unsigned()?));
        }
        aggregates.push(aggregate);
    }
    Ok(aggregates)
}

/// Whether aggregates by hour say all that is asked.
pub fn is_of_hours(step: Duration) -> bool {
    step.0 > 0 && (step.0 as u64).is_multiple_of(HOUR_NANOS)
}

/// A directory file that is open; its sections are read when they are needed.
#[derive(Debug)]
pub struct DirectoryFile {
    file: Arc<dyn File>,
    sections: HashMap<u8, SectionEntry>,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct SectionEntry {
    offset: u64,
    bytes: usize,
    unpacked: usize,
    crc: u32,
}

/// Writes a directory file and syncs it.
pub fn write_directory(
    disk: &dyn Disk,
    path: &Path,
    overview: &Overview,
    traces: &Traces,
    keys: &KeyCounts,
    samples: &Samples,
) -> io::Result<u64> {
    let (table, blocks) = traces.in_blocks()?;
    let (ids, id_blocks) = IdTable::of(traces.entries.iter().map(|entry| entry.id));
    let id_bytes = id_blocks.len();
    let packed =
        |section, unpacked: Vec<u8>| Ok::<_, io::Error>((section, zstd::bulk::compress(&unpacked, 1)?, unpacked.len()));
    let blocks_bytes = blocks.len();
    let encode = |unit| {
        let (mut counts, mut durations) = (Encoder::default(), Encoder::default());
        samples.encode(unit, &mut counts, &mut durations);
        (counts.bytes, durations.bytes)
    };
    let mut sections = Vec::new();
    if are_minutes_worth_it(samples) {
        let (counts, durations) = encode(MINUTE_NANOS);
        sections.push(packed(Section::MinuteCounts, counts)?);
        sections.push(packed(Section::MinuteDurations, durations)?);
    }
    let hours = encode(HOUR_NANOS);
    sections.extend([
        packed(Section::Overview, encoded(|to| overview.encode(to)))?,
        packed(Section::Keys, encoded(|to| keys.encode(to)))?,
        packed(Section::HourCounts, hours.0)?,
        packed(Section::HourDurations, hours.1)?,
        packed(Section::TableByStart, encoded(|to| table.encode(to)))?,
        packed(Section::IdTable, encoded(|to| ids.encode(to)))?,
        // Its frames are packed already, each for itself.
        (Section::TraceBlocks, blocks, blocks_bytes),
        (Section::IdBlocks, id_blocks, id_bytes),
    ]);
    let mut header = Vec::new();
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
    header.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    let mut body = Vec::new();
    let body_offset = (HEADER_BYTES + sections.len() * ENTRY_BYTES + 4) as u64;
    for (section, packed, unpacked) in &sections {
        header.extend_from_slice(&(*section as u64).to_le_bytes());
        header.extend_from_slice(&(body_offset + body.len() as u64).to_le_bytes());
        header.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        header.extend_from_slice(&(*unpacked as u64).to_le_bytes());
        header.extend_from_slice(&crc32c::crc32c(packed).to_le_bytes());
        body.extend_from_slice(packed);
    }
    let crc = crc32c::crc32c(&header);
    header.extend_from_slice(&crc.to_le_bytes());
    header.extend_from_slice(&body);
    let file = disk.create(path)?;
    file.write_at(&header, 0)?;
    file.sync()?;
    Ok(header.len() as u64)
}

/// Whether a table by minute is much shorter than the columns it sums up. Where there are few spans, it does not matter.
fn are_minutes_worth_it(samples: &Samples) -> bool {
    let spans = samples.spans();
    spans < FEW_SPANS || samples.minutes() * 2 <= spans
}

impl DirectoryFile {
    /// Opens a directory file and checks its header.
    pub fn open(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        let file = disk.open(path)?;
        let bytes = file.length()?;
        let mut header = vec![0; HEADER_BYTES + SECTIONS_MAX * ENTRY_BYTES + 4];
        let read = file.read_at(&mut header, 0)?;
        header.truncate(read);
        let sections = read_header(&header)?;
        Ok(Self { file, sections, bytes })
    }

    pub fn overview(&self) -> io::Result<Overview> {
        self.section(Section::Overview, Overview::decode)
    }

    /// All traces.
    pub fn traces(&self) -> io::Result<Traces> {
        let Some(table) = self.table()? else { return self.section(Section::Traces, Traces::decode) };
        let packed = self.packed(Section::TraceBlocks)?;
        let mut traces = Traces { strings: Arc::clone(&table.strings), ..Traces::default() };
        for block in &table.blocks {
            let bytes = packed.get(block.offset as usize..(block.offset + u64::from(block.bytes)) as usize);
            decode_block(block, bytes.ok_or(Malformed("a block beyond its section"))?, &mut traces)?;
        }
        Ok(traces)
    }

    /// Where the traces are; none in segments that have them in one section.
    pub fn table(&self) -> io::Result<Option<TraceTable>> {
        let has = |section: Section| self.sections.contains_key(&(section as u8));
        if has(Section::TableByStart) {
            return self.section(Section::TableByStart, |from| TraceTable::decode(from, false)).map(Some);
        }
        if has(Section::TableById) {
            return self.section(Section::TableById, |from| TraceTable::decode(from, true)).map(Some);
        }
        Ok(None)
    }

    /// The traces of one block.
    pub fn block(&self, table: &TraceTable, number: usize) -> io::Result<Traces> {
        let mut blocks = self.blocks(table, number..number + 1)?;
        blocks.pop().ok_or_else(|| Malformed("a block that is not there").into())
    }

    /// The traces of blocks that lie together, read at once.
    pub fn blocks(&self, table: &TraceTable, numbers: Range<usize>) -> io::Result<Vec<Traces>> {
        let wrong = || Malformed("the checksum of a block of traces is wrong");
        let blocks = table.blocks.get(numbers).ok_or(Malformed("a block that is not there"))?;
        let Some((first, last)) = blocks.first().zip(blocks.last()) else { return Ok(Vec::new()) };
        let packed = self.part(Section::TraceBlocks, first.offset, last.offset + u64::from(last.bytes))?;
        let mut all = Vec::with_capacity(blocks.len());
        for block in blocks {
            let from = (block.offset - first.offset) as usize;
            let packed = packed.get(from..from + block.bytes as usize).ok_or_else(wrong)?;
            if crc32c::crc32c(packed) != block.crc {
                return Err(wrong().into());
            }
            let mut traces = Traces { strings: Arc::clone(&table.strings), ..Traces::default() };
            decode_block(block, packed, &mut traces)?;
            all.push(traces);
        }
        Ok(all)
    }

    /// Where the ids of traces are; none in segments that have their traces by id.
    pub fn id_table(&self) -> io::Result<Option<IdTable>> {
        if !self.sections.contains_key(&(Section::IdTable as u8)) {
            return Ok(None);
        }
        self.section(Section::IdTable, IdTable::decode).map(Some)
    }

    /// The positions at which the trace may be: few, mostly one or none.
    pub fn positions_of_id(&self, table: &IdTable, id: TraceId) -> io::Result<Vec<usize>> {
        let mut positions = Vec::new();
        for number in table.blocks_of(id) {
            let (from, to) = table.place(number);
            table.read_block(number, &self.part(Section::IdBlocks, from, to)?, id, &mut positions)?;
        }
        Ok(positions)
    }

    /// Bytes of a section, as far as they are there.
    fn part(&self, section: Section, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let entry = self.sections.get(&(section as u8)).ok_or(Malformed("a section is missing"))?;
        let length = to.checked_sub(from).filter(|_| to <= entry.bytes as u64);
        let mut bytes = vec![0; length.ok_or(Malformed("a block beyond its section"))? as usize];
        let got = self.file.read_at(&mut bytes, entry.offset + from)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    pub fn keys(&self) -> io::Result<KeyCounts> {
        self.section(Section::Keys, KeyCounts::decode)
    }

    /// Hands out the aggregates, key by key: by hour if `step` is a whole number of hours, else by minute.
    pub fn aggregates(
        &self,
        step: Duration,
        with_durations: bool,
        take: &mut dyn FnMut(&AggregateKey, &AggregateRow<'_>),
    ) -> io::Result<()> {
        if self.sections.contains_key(&(Section::Aggregates as u8)) {
            for aggregate in self.section(Section::Aggregates, decode_aggregates)? {
                let MinuteAggregate { service, name, kind, status, .. } = aggregate;
                let buckets = if with_durations { &aggregate.durations.buckets[..] } else { &[] };
                let (time, count, sum) = (aggregate.minute, aggregate.count, aggregate.duration_sum);
                take(&AggregateKey { service, name, kind, status }, &AggregateRow { time, count, sum, buckets });
            }
            return Ok(());
        }
        let (unit, counts, durations) = if is_of_hours(step) {
            (HOUR_NANOS, Section::HourCounts, Section::HourDurations)
        } else {
            (MINUTE_NANOS, Section::MinuteCounts, Section::MinuteDurations)
        };
        let counts = self.unpacked(counts)?;
        let durations = if with_durations { Some(self.unpacked(durations)?) } else { None };
        Ok(aggregates::decode(&counts, durations.as_deref(), unit, take)?)
    }

    /// Reads every section.
    pub fn verify(&self) -> io::Result<()> {
        self.overview()?;
        let traces = self.traces()?;
        if let Some(table) = self.id_table()? {
            let found = |entry: &TraceEntry| self.positions_of_id(&table, entry.id);
            for (position, entry) in traces.entries.iter().enumerate() {
                if !found(entry)?.contains(&position) {
                    return Err(Malformed("the index of ids misses a trace").into());
                }
            }
        }
        self.keys()?;
        self.aggregates(Duration(HOUR_NANOS as i64), true, &mut |_, _| {})?;
        if self.has_minutes() {
            self.aggregates(Duration(MINUTE_NANOS as i64), true, &mut |_, _| {})?;
        }
        Ok(())
    }

    /// Whether it has aggregates by minute.
    pub fn has_minutes(&self) -> bool {
        [Section::MinuteCounts, Section::Aggregates].iter().any(|&section| self.sections.contains_key(&(section as u8)))
    }

    fn section<T>(
        &self,
        section: Section,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Malformed>,
    ) -> io::Result<T> {
        Ok(read(&mut Decoder::new(&self.unpacked(section)?))?)
    }

    fn unpacked(&self, section: Section) -> io::Result<Vec<u8>> {
        let entry = self.sections.get(&(section as u8)).ok_or(Malformed("a section is missing"))?;
        unzipped(&self.packed(section)?, entry.unpacked.min(SECTION_BYTES_MAX))
    }

    fn packed(&self, section: Section) -> io::Result<Vec<u8>> {
        let entry = self.sections.get(&(section as u8)).ok_or(Malformed("a section is missing"))?;
        let mut packed = vec![0; entry.bytes.min(self.bytes as usize)];
        let got = self.file.read_at(&mut packed, entry.offset)?;
        if got < entry.bytes || crc32c::crc32c(&packed) != entry.crc {
            return Err(Malformed("the checksum of a section is wrong").into());
        }
        Ok(packed)
    }
}

fn decode_block(block: &TraceBlock, packed: &[u8], traces: &mut Traces) -> io::Result<()> {
    let unpacked = unzipped(packed, (block.unpacked as usize).min(SECTION_BYTES_MAX))?;
    let mut from = Decoder::new(&unpacked);
    let (mut next_row, mut next_log) = (block.first_row, block.first_log);
    while !from.is_empty() {
        traces.decode_entry(&mut from, &mut next_row, &mut next_log)?;
    }
    Ok(())
}

fn read_header(header: &[u8]) -> Result<HashMap<u8, SectionEntry>, Malformed> {
    let mut from = Decoder::new(header);
    if from.raw(8)? != MAGIC {
        return Err(Malformed("it is not a trace directory"));
    }
    if !(SEGMENT_VERSION_MIN..=SEGMENT_VERSION).contains(&u32::from_le_bytes(from.array()?)) {
        return Err(Malformed("it is of a version unknown here"));
    }
    let count = u32::from_le_bytes(from.array()?) as usize;
    if count > SECTIONS_MAX {
        return Err(Malformed("too many sections"));
    }
    let mut sections = HashMap::new();
    for _ in 0..count {
        let kind = u64::from_le_bytes(from.array()?) as u8;
        let entry = SectionEntry {
            offset: u64::from_le_bytes(from.array()?),
            bytes: u32::from_le_bytes(from.array()?) as usize,
            unpacked: u64::from_le_bytes(from.array()?) as usize,
            crc: u32::from_le_bytes(from.array()?),
        };
        sections.insert(kind, entry);
    }
    let summed = HEADER_BYTES + count * ENTRY_BYTES;
    if u32::from_le_bytes(from.array()?) != crc32c::crc32c(&header[..summed]) {
        return Err(Malformed("the checksum of its header is wrong"));
    }
    Ok(sections)
}
