//! The trace directory beside each segment: which rows a trace has, and one summary row per trace, so that a trace is
//! found without a scan and lists are made without touching spans.
//!
//! ```text
//! file = "HWDIRECT" | version | number of sections | (kind, offset, bytes, bytes unpacked, crc of the packed) each
//!      | crc of all above | sections, each one zstd frame
//! ```

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use journal::{Disk, File};
use model::{Duration, Instant, ServiceSummary, SpanKind, StatusCode, Text, TraceId, TraceSummary};

use super::checked_file::Sums;
use super::filter::TraceFilter;
use super::key_counts::KeyCounts;
use crate::encoding::{Decoder, Encoder, Malformed, encoded};
use crate::limits::{SECTION_BYTES_MAX, SECTIONS_MAX};
use crate::{LatencyHistogram, MinuteAggregate};

/// The version of a segment's files.
pub const SEGMENT_VERSION: u32 = 2;

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

/// Every trace of a segment, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    pub entries: Vec<TraceEntry>,
    services: Vec<ServiceShare>,
    strings: Vec<Text>,
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

/// Collects [`Traces`] in order of id.
#[derive(Debug, Default)]
pub struct TracesBuilder {
    traces: Traces,
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

    fn string(&mut self, text: &Text) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.traces.strings.len() as u32;
        self.traces.strings.push(Arc::clone(text));
        self.numbers.insert(Arc::clone(text), number);
        number
    }

    pub fn finish(self) -> Traces {
        self.traces
    }
}

impl Traces {
    /// The position of a trace in `entries`.
    pub fn position(&self, id: TraceId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// The position of the trace that has this row.
    pub fn position_of_row(&self, row: u32) -> Option<usize> {
        let after = self.entries.partition_point(|entry| entry.first_row <= row);
        // Traces of logs only have no rows and share their first row with the next one.
        after.checked_sub(1).filter(|&position| {
            let entry = &self.entries[position];
            row < entry.first_row + entry.rows
        })
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

    fn encode(&self, to: &mut Encoder) {
        to.count(self.strings.len());
        self.strings.iter().for_each(|text| to.text(text));
        to.count(self.entries.len());
        for entry in &self.entries {
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
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let mut traces = Self::default();
        for _ in 0..from.count()? {
            traces.strings.push(from.text()?);
        }
        let string = |number: u32| {
            if (number as usize) < traces.strings.len() { Ok(number) } else { Err(Malformed("an unknown string")) }
        };
        let (mut next_row, mut next_log) = (0_u32, 0_u32);
        for _ in 0..from.count()? {
            let mut entry = TraceEntry {
                id: TraceId(from.array()?),
                first_row: next_row,
                rows: from.small()?,
                first_log: next_log,
                logs: from.small()?,
                start: Instant(from.unsigned()?),
                duration: Duration(from.signed()?),
                error_count: from.small()?,
                oddity_count: from.small()?,
                root_service: string(from.small()?)?,
                root_name: string(from.small()?)?,
                root_received: from.unsigned()? != 0,
                first_service: traces.services.len() as u32,
                services: 0,
            };
            entry.services = from.small()?;
            for _ in 0..entry.services {
                traces.services.push(ServiceShare {
                    name: string(from.small()?)?,
                    span_count: from.small()?,
                    error_count: from.small()?,
                    critical: Duration(from.signed()?),
                });
            }
            next_row = next_row.checked_add(entry.rows).ok_or(Malformed("too many rows"))?;
            next_log = next_log.checked_add(entry.logs).ok_or(Malformed("too many log records"))?;
            traces.entries.push(entry);
        }
        Ok(traces)
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

fn encode_aggregates(aggregates: &[MinuteAggregate], to: &mut Encoder) {
    to.count(aggregates.len());
    for aggregate in aggregates {
        to.unsigned(aggregate.minute.0);
        to.text(&aggregate.service);
        to.text(&aggregate.name);
        to.signed(aggregate.kind.0.into());
        to.signed(aggregate.status.0.into());
        to.unsigned(aggregate.count);
        to.signed(aggregate.duration_sum.0);
        to.count(aggregate.durations.buckets.len());
        for (&bucket, &count) in &aggregate.durations.buckets {
            to.unsigned(bucket.into());
            to.unsigned(count);
        }
    }
}

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
            aggregate.durations.buckets.insert(bucket, from.unsigned()?);
        }
        aggregates.push(aggregate);
    }
    Ok(aggregates)
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
    aggregates: &[MinuteAggregate],
) -> io::Result<u64> {
    let sections = [
        (Section::Overview, encoded(|to| overview.encode(to))),
        (Section::Traces, encoded(|to| traces.encode(to))),
        (Section::Keys, encoded(|to| keys.encode(to))),
        (Section::Aggregates, encoded(|to| encode_aggregates(aggregates, to))),
    ];
    let mut header = Vec::new();
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
    header.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    let mut body = Vec::new();
    let body_offset = (HEADER_BYTES + sections.len() * ENTRY_BYTES + 4) as u64;
    for (section, unpacked) in &sections {
        let packed = zstd::bulk::compress(unpacked, 1)?;
        header.extend_from_slice(&(*section as u64).to_le_bytes());
        header.extend_from_slice(&(body_offset + body.len() as u64).to_le_bytes());
        header.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        header.extend_from_slice(&(unpacked.len() as u64).to_le_bytes());
        header.extend_from_slice(&crc32c::crc32c(&packed).to_le_bytes());
        body.extend_from_slice(&packed);
    }
    let crc = crc32c::crc32c(&header);
    header.extend_from_slice(&crc.to_le_bytes());
    header.extend_from_slice(&body);
    let file = disk.create(path)?;
    file.write_at(&header, 0)?;
    file.sync()?;
    Ok(header.len() as u64)
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

    pub fn traces(&self) -> io::Result<Traces> {
        self.section(Section::Traces, Traces::decode)
    }

    pub fn keys(&self) -> io::Result<KeyCounts> {
        self.section(Section::Keys, KeyCounts::decode)
    }

    pub fn aggregates(&self) -> io::Result<Vec<MinuteAggregate>> {
        self.section(Section::Aggregates, decode_aggregates)
    }

    /// Reads every section.
    pub fn verify(&self) -> io::Result<()> {
        self.overview()?;
        self.traces()?;
        self.keys()?;
        self.aggregates().map(drop)
    }

    fn section<T>(
        &self,
        section: Section,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Malformed>,
    ) -> io::Result<T> {
        let entry = self.sections.get(&(section as u8)).ok_or(Malformed("a section is missing"))?;
        let mut packed = vec![0; entry.bytes.min(self.bytes as usize)];
        let got = self.file.read_at(&mut packed, entry.offset)?;
        if got < entry.bytes || crc32c::crc32c(&packed) != entry.crc {
            return Err(Malformed("the checksum of a section is wrong").into());
        }
        let unpacked = zstd::bulk::decompress(&packed, entry.unpacked.min(SECTION_BYTES_MAX))?;
        Ok(read(&mut Decoder::new(&unpacked))?)
    }
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
