//! What can still be read of a damaged segment: traces one by one, by its directory or, where that is gone, by the rows of
//! the spans file themselves.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use journal::Disk;
use model::{LogRecord, PackedBatch, TraceId};

use super::checked_file::{CheckedFile, Sums};
use super::columns::ColumnPlan;
use super::directory::DirectoryFile;
use super::packed_reader::PackedReader;
use super::source::{Dictionaries, Footer, Source};
use super::{joined, range, reader};
use crate::filenames::{DIRECTORY_SUFFIX, LOGS_SUFFIX, SPANS_SUFFIX, segment_file};
use crate::limits::CHUNK_SPANS;

/// Files of a segment, as far as they can be opened.
pub struct Salvage {
    spans: Option<(CheckedFile, Footer)>,
    logs: Option<(CheckedFile, Footer)>,
    entries: Vec<Entry>,
    /// What was wrong with files as a whole.
    pub problems: Vec<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    id: TraceId,
    rows: Range<usize>,
    logs: Range<usize>,
}

/// Traces that were read: each one's places in the batch and its log records.
pub type Salvaged = (Arc<PackedBatch>, Vec<(TraceId, Range<usize>, Vec<LogRecord>)>);

impl Salvage {
    /// Opens what can be opened.
    pub fn open(disk: &dyn Disk, folder: &Path, number: u64) -> Self {
        let mut salvage = Self { spans: None, logs: None, entries: Vec::new(), problems: Vec::new() };
        let directory = DirectoryFile::open(disk, &segment_file(folder, number, DIRECTORY_SUFFIX));
        let overview = directory
            .as_ref()
            .map_err(ToString::to_string)
            .and_then(|directory| directory.overview().map_err(|error| error.to_string()));
        let (spans_sums, logs_sums) = match overview {
            Ok(overview) => (Some(overview.spans), Some(overview.logs).filter(|sums| sums.length > 0)),
            Err(problem) => {
                salvage
                    .problems
                    .push(format!("the checksums are lost, so what was read could not be checked: {problem}"));
                (None, None)
            }
        };
        let has_no_logs = logs_sums.is_none() && salvage.problems.is_empty();
        salvage.spans = salvage.file(disk, &segment_file(folder, number, SPANS_SUFFIX), spans_sums);
        if !has_no_logs && disk.open(&segment_file(folder, number, LOGS_SUFFIX)).is_ok() {
            salvage.logs = salvage.file(disk, &segment_file(folder, number, LOGS_SUFFIX), logs_sums);
        }
        match directory.and_then(|directory| directory.traces()) {
            Ok(traces) => {
                let entry = |entry: &super::directory::TraceEntry| Entry {
                    id: entry.id,
                    rows: range(entry.first_row, entry.rows),
                    logs: range(entry.first_log, entry.logs),
                };
                salvage.entries = traces.entries.iter().map(entry).collect();
            }
            Err(_) => salvage.entries = salvage.entries_of_rows(),
        }
        salvage
    }

    fn file(&mut self, disk: &dyn Disk, path: &Path, sums: Option<Sums>) -> Option<(CheckedFile, Footer)> {
        let opened = disk.open(path).and_then(|file| {
            let sums = sums.map_or_else(|| Sums::of(&*file), Ok)?;
            let file = CheckedFile::new(file, Arc::new(sums));
            let footer = unchecked(|| Footer::read(&file))?;
            Ok((file, footer))
        });
        opened.map_err(|error| self.problems.push(format!("{}: {error}", path.display()))).ok()
    }

    /// Traces and their rows, from the ids in the files: in the order of their rows, those that have none last.
    fn entries_of_rows(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<TraceId, usize> = HashMap::new();
        let mut note = |ids: io::Result<Vec<TraceId>>, problems: &mut Vec<String>, is_spans: bool| {
            let ids = ids.unwrap_or_else(|error| {
                problems.push(format!("which rows are of which trace is lost: {error}"));
                Vec::new()
            });
            for (row, id) in ids.into_iter().enumerate() {
                let place = *places.entry(id).or_insert_with(|| {
                    entries.push(Entry { id, rows: 0..0, logs: 0..0 });
                    entries.len() - 1
                });
                let range = if is_spans { &mut entries[place].rows } else { &mut entries[place].logs };
                let first = if range.end == 0 { row } else { range.start };
                *range = first..row + 1;
            }
        };
        note(self.spans.as_ref().map_or(Ok(Vec::new()), trace_ids), &mut self.problems, true);
        note(self.logs.as_ref().map_or(Ok(Vec::new()), trace_ids), &mut self.problems, false);
        entries
    }

    /// The columns that the spans file has.
    pub fn columns(&self) -> ColumnPlan {
        self.spans.as_ref().map(|(_, footer)| footer.plan.clone()).unwrap_or_default()
    }

    /// Reads all traces that can be read, some at a time, in the order of their rows; answers with the ids of the others.
    pub fn read(&self, take: &mut dyn FnMut(Salvaged) -> io::Result<()>) -> io::Result<Vec<TraceId>> {
        let mut lost = Vec::new();
        // Log records of traces without spans may lie between others, so that those without are read by themselves.
        let mut logs_end = 0;
        let alike = self.entries.chunk_by(move |one, next| {
            // The end so far: an entry without log records between two others hides nothing.
            logs_end = logs_end.max(one.logs.end);
            let follows = next.logs.is_empty() || logs_end <= next.logs.start;
            if !follows {
                logs_end = 0;
            }
            follows
        });
        let mut waiting: Vec<&[Entry]> = alike.flat_map(|entries| entries.chunks(CHUNK_SPANS / 16)).collect();
        waiting.reverse();
        while let Some(entries) = waiting.pop() {
            match unchecked(|| self.traces(entries)) {
                Ok(traces) => take(traces)?,
                // Damage within is narrowed down to single traces.
                Err(_) if entries.len() > 1 => {
                    let (first, second) = entries.split_at(entries.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(_) => lost.extend(entries.iter().map(|entry| entry.id)),
            }
        }
        Ok(lost)
    }

    fn traces(&self, entries: &[Entry]) -> io::Result<Salvaged> {
        let missing = || io::Error::new(io::ErrorKind::InvalidData, "its file cannot be read");
        let mut reader = PackedReader::default();
        let rows = joined(entries.iter().map(|entry| entry.rows.clone()));
        if !rows.is_empty() {
            let (file, footer) = self.spans.as_ref().ok_or_else(missing)?;
            reader.read(footer, file, &rows)?;
        }
        let of_logs = joined(entries.iter().map(|entry| entry.logs.clone()));
        let mut logs = Vec::new().into_iter();
        if !of_logs.is_empty() {
            let (file, footer) = self.logs.as_ref().ok_or_else(missing)?;
            let dictionaries = Dictionaries::new(0);
            let source = Source { footer, file, dictionaries: &dictionaries, segment: 0, is_spans: false };
            logs = reader::read_logs(&source, &of_logs)?.into_iter();
        }
        let batch = Arc::new(reader.finish());
        let mut next = 0;
        let trace = |entry: &Entry| {
            let places = next..next + entry.rows.len();
            next = places.end;
            (entry.id, places, logs.by_ref().take(entry.logs.len()).collect())
        };
        let traces: Vec<_> = entries.iter().map(trace).collect();
        if next == batch.spans.len() { Ok((batch, traces)) } else { Err(missing()) }
    }
}

fn trace_ids((file, footer): &(CheckedFile, Footer)) -> io::Result<Vec<TraceId>> {
    unchecked(|| {
        let mut ids = Vec::new();
        for batch in footer.read_columns(file, None, &|name| name == "trace_id")? {
            let batch = batch.map_err(io::Error::other)?;
            let column = batch.column(0).as_fixed_size_binary_opt();
            let column = column.ok_or_else(|| io::Error::other("ids of another type"))?;
            ids.extend((0..column.len()).map(|row| TraceId(column.value(row).try_into().unwrap_or_default())));
        }
        Ok(ids)
    })
}

/// Without checksums the bytes may be anything, and the crate that reads them panics on some of it.
fn unchecked<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    caught.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "it is no Parquet file of ours")))
}
