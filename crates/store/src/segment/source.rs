//! The columns of one Parquet file of a segment, read page by page.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Compression, Encoding, Repetition};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::checked_file::CheckedFile;
use super::columns::ColumnPlan;
use super::page::{ColumnForm, Page, Values, read_dictionary};
use crate::AttributeScope;
use crate::cache::Cache;
use crate::encoding::Malformed;
use crate::limits::{BATCH_ROWS, COLUMN_READ_BYTES};

/// The footer of a Parquet file, read once.
#[derive(Debug)]
pub struct Footer {
    /// For reading row by row, as merges do.
    arrow: ArrowReaderMetadata,
    metadata: Arc<ParquetMetaData>,
    /// The attributes that have columns.
    pub plan: ColumnPlan,
    leaves: HashMap<String, usize>,
    forms: Vec<ColumnForm>,
    /// First row and number of rows of each row group.
    pub groups: Vec<RowGroup>,
}

/// What a span or log record is put together from; the columns beside it are for searching and for other programs.
pub fn is_needed(name: &str) -> bool {
    let [resource, instrumentation] = [AttributeScope::Resource, AttributeScope::Instrumentation]
        .map(|scope| name.strip_prefix(scope.name()).is_some_and(|rest| rest.starts_with('.')));
    !resource && !instrumentation && name != "service"
}

/// Rows that lie together.
#[derive(Clone, Copy, Debug)]
pub struct RowGroup {
    pub first: usize,
    pub rows: usize,
}

/// Dictionaries by segment, whether of spans, row group and column.
pub type Dictionaries = Cache<(u64, bool, usize, usize), Values>;

impl Footer {
    pub fn read(file: &CheckedFile) -> io::Result<Self> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let arrow = ArrowReaderMetadata::load(file, options).map_err(invalid)?;
        let plan = ColumnPlan::of_schema(arrow.schema().fields().iter());
        let metadata = Arc::clone(arrow.metadata());
        let columns = metadata.file_metadata().schema_descr().columns().to_vec();
        let leaves = columns.iter().enumerate().map(|(leaf, column)| (column.name().to_owned(), leaf)).collect();
        let mut groups = Vec::new();
        let mut first = 0;
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows()).map_err(|_| Malformed("a negative number of rows"))?;
            groups.push(RowGroup { first, rows });
            first += rows;
        }
        let forms = columns.iter().map(|column| ColumnForm {
            physical: column.physical_type(),
            fixed: usize::try_from(column.type_length()).unwrap_or(0),
            is_optional: column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL,
        });
        Ok(Self { plan, leaves, forms: forms.collect(), groups, metadata, arrow })
    }

    /// Reads some rows (all of them if none are named) of the columns that `wanted` picks by name, as the crate does.
    pub fn read_columns(
        &self,
        file: &CheckedFile,
        rows: Option<&[Range<usize>]>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> io::Result<ParquetRecordBatchReader> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), self.arrow.clone());
        let leaves = self.arrow.schema().fields().iter().enumerate();
        let chosen = leaves.filter(|(_, field)| wanted(field.name())).map(|(leaf, _)| leaf);
        let mask = ProjectionMask::leaves(self.arrow.parquet_schema(), chosen);
        let all = self.groups.last().map_or(0, |group| group.first + group.rows);
        let total: usize = rows.map_or(all, |ranges| ranges.iter().map(ExactSizeIterator::len).sum());
        let mut builder = builder.with_projection(mask).with_batch_size(total.clamp(1, BATCH_ROWS));
        if let Some(ranges) = rows {
            builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges.iter().cloned(), all));
        }
        builder.build().map_err(invalid)
    }

    /// The place of a column by name.
    pub fn leaf(&self, name: &str) -> Option<usize> {
        self.leaves.get(name).copied()
    }

    /// Roughly the memory this takes.
    pub fn memory(&self) -> usize {
        let names: usize = self.leaves.keys().map(|name| name.len() + 100).sum();
        self.metadata.memory_size() + self.plan.columns.len() * 400 + names
    }

    /// Bytes of all columns, unpacked.
    pub fn unpacked_bytes(&self) -> u64 {
        let groups = self.metadata.row_groups().iter();
        groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum()
    }

    fn chunk(&self, group: usize, leaf: usize) -> &ColumnChunkMetaData {
        self.metadata.row_group(group).column(leaf)
    }

    /// How the values of a column lie in the pages of a row group.
    fn form(&self, group: usize, leaf: usize) -> (ColumnForm, Compression) {
        (self.forms[leaf], self.chunk(group, leaf).compression())
    }

    fn pages(&self, group: usize, leaf: usize) -> io::Result<&[PageLocation]> {
        let index = self.metadata.page_index().and_then(|index| index.offset_index(group, leaf));
        Ok(index.ok_or(Malformed("a column without an index of its pages"))?.page_locations())
    }

    /// Whether all values of a column are written as codes, so that its dictionary holds every value there is.
    pub fn is_all_coded(&self, group: usize, leaf: usize) -> bool {
        use parquet::basic::PageType;
        let chunk = self.chunk(group, leaf);
        if chunk.dictionary_page_offset().is_none() {
            return false;
        }
        if let Some(stats) = chunk.page_encoding_stats() {
            let is_data = |kind| matches!(kind, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
            let coded = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
            return stats.iter().all(|stat| !is_data(stat.page_type) || coded(stat.encoding));
        }
        let mask = chunk.page_encoding_stats_mask();
        mask.is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY))
    }
}

/// Takes values, and for each wanted one its place among the rows and among the values.
pub type TakeValues<'t> = dyn FnMut(&Values, &[(u32, u32)]) -> io::Result<()> + 't;

/// A file to read columns from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub footer: &'a Footer,
    pub file: &'a CheckedFile,
    pub dictionaries: &'a Dictionaries,
    pub segment: u64,
    pub is_spans: bool,
}

/// A page with its first row.
pub struct PlacedPage {
    pub first: usize,
    pub rows: usize,
    pub page: Page,
}

impl Source<'_> {
    /// The dictionary of a column; none if it has none.
    pub fn dictionary(&self, group: usize, leaf: usize) -> io::Result<Option<Arc<Values>>> {
        let chunk = self.footer.chunk(group, leaf);
        let Some(offset) = chunk.dictionary_page_offset() else { return Ok(None) };
        let read = || {
            let end = match self.footer.pages(group, leaf)?.first() {
                Some(page) => page.offset,
                None => offset + chunk.compressed_size(),
            };
            let place = u64::try_from(offset).ok().zip(u64::try_from(end).ok()).filter(|(from, to)| from < to);
            let (from, to) = place.ok_or(Malformed("a dictionary at no place"))?;
            let values = read_dictionary(self.file, from..to, self.footer.form(group, leaf))?;
            let memory = values.memory() + 100;
            Ok((values, memory))
        };
        self.dictionaries.fetch((self.segment, self.is_spans, group, leaf), read).map(Some)
    }

    /// Hands out the pages of a column of one row group that `is_wanted` by their rows (counted within the group).
    pub fn pages(
        &self,
        group: usize,
        leaf: usize,
        is_wanted: &dyn Fn(Range<usize>) -> bool,
        take: &mut dyn FnMut(PlacedPage) -> io::Result<()>,
    ) -> io::Result<()> {
        let pages = self.footer.pages(group, leaf)?;
        let total = self.footer.groups[group].rows;
        let rows_of = |number: usize| -> io::Result<Range<usize>> {
            let first = usize::try_from(pages[number].first_row_index).ok();
            let after = pages.get(number + 1).map_or(Some(total), |next| usize::try_from(next.first_row_index).ok());
            let rows = first.zip(after).filter(|(first, after)| first < after && *after <= total);
            rows.map(|(first, after)| first..after).ok_or_else(|| Malformed("pages out of order").into())
        };
        let form = self.footer.form(group, leaf);
        let mut number = 0;
        while number < pages.len() {
            if !is_wanted(rows_of(number)?) {
                number += 1;
                continue;
            }
            let begin = pages[number].offset;
            let mut after = number + 1;
            let mut end = begin + i64::from(pages[number].compressed_page_size);
            while let Some(next) = pages.get(after)
                && next.offset == end
                && (end - begin) as usize + next.compressed_page_size as usize <= COLUMN_READ_BYTES
                && is_wanted(rows_of(after)?)
            {
                end += i64::from(next.compressed_page_size);
                after += 1;
            }
            let length = usize::try_from(end - begin).map_err(|_| Malformed("a page of negative size"))?;
            let start = u64::try_from(begin).map_err(|_| Malformed("a page at no place"))?;
            let bytes = self.file.read(start, length)?;
            for (page, place) in pages.iter().enumerate().take(after).skip(number) {
                let rows = rows_of(page)?;
                let at = (place.offset - begin) as usize;
                let data = bytes.get(at..).ok_or(Malformed("a page beyond its column"))?;
                let read = Page::read(data, form, rows.len())?;
                take(PlacedPage { first: rows.start, rows: rows.len(), page: read })?;
            }
            number = after;
        }
        Ok(())
    }

    /// Hands out the values of a column in these rows (of the whole file, in order), page by page: the values, and for
    /// each wanted one its place among the rows and among the values.
    pub fn values(&self, leaf: usize, rows: &[Range<usize>], take: &mut TakeValues<'_>) -> io::Result<()> {
        let mut before = 0;
        let mut next = 0;
        for (group, &RowGroup { first, rows: count }) in self.footer.groups.iter().enumerate() {
            // The parts of `rows` in this group, counted within it, each with how many wanted rows lie before it.
            let mut parts: Vec<(usize, usize, usize)> = Vec::new();
            while let Some(range) = rows.get(next) {
                if range.start >= first + count {
                    break;
                }
                let (from, to) = (range.start.max(first), range.end.min(first + count));
                if from < to {
                    parts.push((from - first, to - first, before));
                    before += to - from;
                }
                if range.end > first + count {
                    break;
                }
                next += 1;
            }
            if parts.is_empty() {
                continue;
            }
            let touching = |rows: &Range<usize>| {
                let begin = parts.partition_point(|&(_, to, _)| to <= rows.start);
                let end = parts.partition_point(|&(from, ..)| from < rows.end);
                begin..end.max(begin)
            };
            let mut dictionary = None;
            self.pages(group, leaf, &|rows| !touching(&rows).is_empty(), &mut |placed| {
                let within = placed.first..placed.first + placed.rows;
                let parts = &parts[touching(&within)];
                let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
                let page = &placed.page;
                let from = page.rank(first.0.max(within.start) - within.start);
                let to = page.rank(last.1.min(within.end) - within.start);
                if from == to {
                    return Ok(());
                }
                if page.is_coded() && dictionary.is_none() {
                    dictionary = self.dictionary(group, leaf)?;
                }
                let values = page.values(from..to, dictionary.as_deref())?;
                let mut wanted = Vec::with_capacity(to - from);
                for &(begin, end, before) in parts {
                    let (begin_here, end_here) = (begin.max(within.start), end.min(within.end));
                    let mut rank = page.rank(begin_here - within.start) - from;
                    for row in begin_here..end_here {
                        if page.has(row - within.start) {
                            wanted.push(((before + row - begin) as u32, rank as u32));
                            rank += 1;
                        }
                    }
                }
                if values.len() < to - from {
                    return Err(Malformed("fewer values than rows").into());
                }
                take(&values, &wanted)
            })?;
        }
        Ok(())
    }
}

fn invalid(error: parquet::errors::ParquetError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
