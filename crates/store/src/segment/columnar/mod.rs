//! Segments become one, column by column: the rows of a row group are known from the directories, and each of its columns
//! is gathered from the parts, encoded and let go, so that memory holds one column at a time and no span is put together.
//!
//! Only rows whose attributes lie otherwise in the new segment (a key got or lost its column) are looked at one by one.
//!
//! | file | what |
//! | --- | --- |
//! | `rows.rs` | which row goes where |
//! | `cells.rs` | the cells of a column |
//! | `plans.rs` | what the columns of a part are in the new segment |
//! | `loose.rs` | what attributes have beside their columns; rows whose attributes move |
//! | `group.rs` | a row group, column by column |

mod cells;
mod group;
mod loose;
mod plans;
mod rows;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use model::{LogRecord, PackedSpan, SpanId, TraceId};

use super::directory::{TraceEntry, Traces};
use super::key_counts::KeyCounts;
use super::row_group::{parent_distances, row_order};
use super::source::{Dictionaries, Footer, Source};
use super::writer::SegmentWriter;
use super::{Segment, joined, range, reader};
use crate::encoding::Malformed;
use crate::head::Row;
use crate::limits::{MERGE_GROUP_BYTES, ROW_GROUP_ROWS};
use group::Content;
use plans::PartPlan;

/// A segment whose columns are merged.
struct Part<'a> {
    segment: &'a Segment,
    footer: Arc<Footer>,
    traces: Arc<Traces>,
    /// What the strings of its directory are in the new one.
    strings: Vec<u32>,
    /// What its columns are in the new segment.
    plan: PartPlan,
}

/// The merge of some segments into one.
pub struct ColumnMerge<'a> {
    parts: Vec<Part<'a>>,
    /// Rows of a row group.
    group_rows: usize,
    content: Content,
    /// How often keys occur in all parts.
    keys: KeyCounts,
    /// How often they do in spans that are held twice.
    twice: KeyCounts,
}

impl<'a> ColumnMerge<'a> {
    /// Whether the columns of a segment can be merged: since version 3 they are as they are written now.
    pub fn can_take(segment: &Segment) -> io::Result<bool> {
        Ok(segment.ids()?.is_some())
    }

    pub fn new(segments: impl Iterator<Item = &'a Segment>, writer: &SegmentWriter<'_>) -> io::Result<Self> {
        let (mut parts, mut keys) = (Vec::new(), KeyCounts::default());
        let (mut bytes, mut rows) = (0, 0);
        for segment in segments {
            let footer = segment.footer(&segment.spans, true)?;
            let traces = segment.traces()?;
            let of_part = segment.keys()?;
            let of_file = footer.groups.last().map_or(0, |group| group.first + group.rows);
            let of_directory = traces.entries.last().map_or(0, |entry| (entry.first_row + entry.rows) as usize);
            if of_file != of_directory {
                return Err(Malformed("a segment has other rows than its directory says").into());
            }
            bytes += footer.unpacked_bytes();
            rows += of_file;
            let plan = PartPlan::new(&footer, writer.plan(), &of_part)?;
            keys.merge(&of_part);
            parts.push(Part { segment, footer, traces, strings: Vec::new(), plan });
        }
        let row_bytes = bytes / rows.max(1) as u64;
        let group_rows = (MERGE_GROUP_BYTES / row_bytes.max(1)).clamp(1, ROW_GROUP_ROWS as u64) as usize;
        let content = Content::new(parts.len());
        Ok(Self { parts, group_rows, content, keys, twice: KeyCounts::default() })
    }

    /// Row groups of so many rows.
    #[cfg(test)]
    pub fn in_groups_of(mut self, rows: usize) -> Self {
        self.group_rows = rows;
        self
    }

    /// How many rows the row group still takes.
    pub fn room(&self) -> usize {
        self.group_rows.saturating_sub(self.content.rows.rows)
    }

    fn entry(&self, part: usize, position: usize) -> Result<TraceEntry, Malformed> {
        self.parts[part].traces.entries.get(position).copied().ok_or(Malformed("a trace that is not there"))
    }

    /// The log records of traces at these positions of a part, by position.
    pub fn logs(&self, part: usize, mut positions: Vec<usize>) -> io::Result<HashMap<usize, Vec<LogRecord>>> {
        let Part { segment, traces, .. } = &self.parts[part];
        positions.retain(|&position| traces.entries.get(position).is_some_and(|entry| entry.logs > 0));
        positions.sort_unstable();
        let Some(file) = segment.logs.as_ref().filter(|_| !positions.is_empty()) else { return Ok(HashMap::new()) };
        let entries = || positions.iter().map(|&position| &traces.entries[position]);
        let ranges = joined(entries().map(|entry| range(entry.first_log, entry.logs)));
        let footer = segment.footer(file, false)?;
        let mut logs = reader::read_logs(&segment.source(&footer, file, false), &ranges)?.into_iter();
        let counts = entries().map(|entry| entry.logs as usize);
        Ok(positions.iter().copied().zip(counts).map(|(at, count)| (at, logs.by_ref().take(count).collect())).collect())
    }

    /// The next trace is held by one part only.
    pub fn whole(
        &mut self,
        writer: &mut SegmentWriter<'_>,
        part: usize,
        position: usize,
        logs: &[LogRecord],
    ) -> io::Result<()> {
        let entry = self.entry(part, position)?;
        self.content.push_trace(entry.id, part, entry.first_row as usize, entry.rows);
        let Part { traces, strings, .. } = &mut self.parts[part];
        writer.copy_trace(traces, &entry, strings, logs);
        Ok(())
    }

    /// The next trace is held by several parts: these are its spans, each with its part and its number in the trace there.
    pub fn split(
        &mut self,
        writer: &mut SegmentWriter<'_>,
        id: TraceId,
        mut rows: Vec<(Row<'_>, Origin)>,
        logs: &[LogRecord],
    ) -> io::Result<()> {
        rows.sort_by_key(|((_, span), _)| row_order(span));
        let spans: Vec<Row<'_>> = rows.iter().map(|&(row, _)| row).collect();
        writer.announce_trace(id, &spans, logs);
        for (((_, span), origin), distance) in rows.iter().zip(parent_distances(&spans)) {
            let first = self.entry(origin.part, origin.position)?.first_row as usize;
            self.content.push_span(id, origin.part, first + origin.row, distance, parent_of(span, distance));
        }
        Ok(())
    }

    /// A span that is held twice is left out once.
    pub fn leave_out(&mut self, (batch, span): Row<'_>) {
        self.twice.count(&batch.unpack_span(span));
    }

    /// Writes the row group of what was told so far.
    pub fn write(&mut self, writer: &mut SegmentWriter<'_>) -> io::Result<()> {
        if self.content.rows.rows == 0 {
            return Ok(());
        }
        let mut content = std::mem::replace(&mut self.content, Content::new(self.parts.len()));
        content.rows.settle();
        // Dictionaries are read once for each column, so there is no need to hold them.
        let dictionaries = Dictionaries::new(0);
        let source =
            |part: &'_ Part<'a>| (Arc::clone(&part.footer), part.segment.spans.clone(), part.segment.info.number);
        let files: Vec<_> = self.parts.iter().map(source).collect();
        let sources: Vec<Source<'_>> = files
            .iter()
            .map(|(footer, file, segment)| Source {
                footer,
                file,
                dictionaries: &dictionaries,
                segment: *segment,
                is_spans: true,
            })
            .collect();
        let plans: Vec<&PartPlan> = self.parts.iter().map(|part| &part.plan).collect();
        writer.write_columns(&mut |open| group::write(&sources, &plans, &content, open))
    }

    /// Writes what is left; the segment's counts of keys are those of all parts.
    pub fn finish(mut self, writer: &mut SegmentWriter<'_>) -> io::Result<()> {
        self.write(writer)?;
        self.twice.settle();
        self.keys.take_away(&self.twice);
        writer.set_keys(self.keys);
        Ok(())
    }
}

/// Where a span of a split trace lies.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub part: usize,
    /// Of the trace in the part's directory.
    pub position: usize,
    /// Its number among the trace's spans there.
    pub row: usize,
}

fn parent_of(span: &PackedSpan, distance: Option<i32>) -> Option<SpanId> {
    span.parent_span_id.filter(|_| distance.is_none())
}
