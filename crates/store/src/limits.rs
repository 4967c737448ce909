//! Every bound and default of the store, each with its reason.

use model::Duration;

/// The head is sealed at this many bytes: a sixth of the memory that ingest at full speed may take, and some 300,000 spans
/// of a dozen attributes, so that dictionaries are not repeated too often (measured: 64k spans cost 2.5 bytes more each).
pub const SEAL_BYTES: usize = 96 << 20;

/// Appends are refused (429) beyond this: one head being sealed, one being filled, and some of a third.
pub const HEAD_BYTES_MAX: usize = 224 << 20;

/// [`SEAL_BYTES`] of a store that must stay small ([`crate::Options::small`]): some 100,000 small spans.
pub const SMALL_SEAL_BYTES: usize = 16 << 20;

/// [`HEAD_BYTES_MAX`] of such a store: at full speed a few heads fill while one is sealed.
pub const SMALL_HEAD_BYTES_MAX: usize = 56 << 20;

/// [`MERGE_SPANS_MAX`] of such a store: one row group, so that a merge takes little beside it. What it leaves is merged by
/// the next store that is not small.
pub const SMALL_MERGE_SPANS_MAX: u64 = ROW_GROUP_ROWS as u64;

/// Threads that decode the journal at a start.
pub const REPLAY_THREADS_MAX: usize = 4;

/// Batches decoded at a start that wait for those before them.
pub const REPLAY_DECODED_MAX: usize = 16;

/// The head is sealed when its oldest batch is this old, so that an idle server gives its memory back; replaying what
/// two minutes bring costs little.
pub const SEAL_AGE: Duration = Duration::from_secs(120);

/// Kept by default: a week, enough to compare with last week's run.
pub const RETENTION_AGE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Kept by default: 10 GiB of segments, some 200 million spans.
pub const RETENTION_BYTES: u64 = 10 << 30;

/// Attribute columns of one segment; rarer keys go to the rest column. Each costs file overhead and read set-up.
pub const COLUMNS_MAX: usize = 1_000;

/// A key gets a column of its own when it occurs on at least one row of so many; hostile keys by the hundred thousand
/// end up in the rest column.
pub const COLUMN_ROWS_SHARE: usize = 5_000;

/// Rows of a Parquet row group (measured: smaller ones repeat dictionaries, see FORMAT.md).
pub const ROW_GROUP_ROWS: usize = 262_144;

/// Rows of a Parquet data page.
pub const PAGE_ROWS: usize = 4_096;

/// Bytes of texts in a Parquet data page; a page has one value at least, however large.
pub const PAGE_BYTES: usize = 1 << 20;

/// Bytes of a column's dictionary; a column with more has none.
pub const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// Different values of a column's dictionary; a column with more has none.
pub const DICTIONARY_VALUES_MAX: usize = 1 << 16;

/// Longer texts are not looked up among those of the segment before: they hardly ever repeat.
pub const SHARED_TEXT_BYTES_MAX: usize = 4_096;

/// Pairs of keys that followed each other, noted to find the order of columns; further ones are passed over.
pub const KEY_PAIRS_MAX: usize = 1 << 16;

/// Once so many spans were looked at for the order of keys, only one in [`ORDER_SAMPLE`] is.
pub const ORDER_SPANS_FIRST: u64 = 4_096;

/// See [`ORDER_SPANS_FIRST`].
pub const ORDER_SAMPLE: u64 = 8;

/// Traces of one page of a scan, at most.
pub const PAGE_MAX: usize = 10_000;

/// Traces of one page of a scan, unless said otherwise.
pub const PAGE_DEFAULT: usize = 20;

/// A trace of no more spans is searched one by one for a duplicate; a longer one keeps an index.
pub const SPANS_COMPARED_MAX: usize = 32;

/// Keys counted apart; beyond it the rarest are left out.
pub const KNOWN_KEYS_MAX: usize = 10_000;

/// Values of a key counted apart; beyond it the answer says that it is not all.
pub const KNOWN_VALUES_MAX: usize = 10_000;

/// Arrivals a subscriber may lag behind before it misses some.
pub const ARRIVALS_HELD: usize = 4_096;

/// Traces whose last arrival is remembered; the longest silent are forgotten first.
pub const LAST_ARRIVALS_MAX: usize = 65_536;

/// Nesting of values in the rest column's encoding; the decoder of OTLP stops earlier.
pub const VALUE_DEPTH_MAX: usize = 128;

/// Segments smaller than this are merged with their neighbours.
pub const MERGE_BYTES: u64 = 32 << 20;

/// As many small segments must lie together before they are merged.
pub const MERGE_COUNT: usize = 8;

/// As few are merged if one more would make the merged segment too large: so lie those that are sealed at full speed.
pub const MERGE_COUNT_FULL: usize = 4;

/// Spans of one merged segment, at most, so that dropping or rewriting one stays a small step.
pub const MERGE_SPANS_MAX: u64 = 2_000_000;

/// Segments that were sealed further apart are not merged, so that retention by age stays fine enough.
pub const MERGE_TIME_MAX: Duration = Duration::from_secs(6 * 3_600);

/// Spans that a merge holds in memory beside those of the row group being written: enough that few pages are read twice.
pub const MERGE_CHUNK_SPANS: usize = 131_072;

/// Unpacked bytes of a row group that a merge writes, roughly: it has fewer rows where they are long, since one column of
/// it is in memory at a time.
pub const MERGE_GROUP_BYTES: u64 = 128 << 20;

/// Once so many texts were looked up of a column without a dictionary and most were new, further ones are not looked up.
pub const MERGE_TEXTS_TRIED: usize = 4_096;

/// Traces that a repair lists one by one; further ones are only counted.
pub const LOST_TRACES_LISTED_MAX: usize = 1_000;

/// A segment of fewer spans has aggregates by minute, however little they sum up.
pub const FEW_SPANS: u64 = 4_096;

/// How often upkeep looks whether something is due.
pub const UPKEEP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Memory for trace directories of segments held ready; the least used are read again when needed.
pub const DIRECTORY_CACHE_BYTES: usize = 48 << 20;

/// Memory for Parquet footers held ready.
pub const FOOTER_CACHE_BYTES: usize = 24 << 20;

/// Memory for dictionaries of columns held ready.
pub const DICTIONARY_CACHE_BYTES: usize = 24 << 20;

/// Memory for the counts of keys held ready.
pub const KEYS_CACHE_BYTES: usize = 4 << 20;

/// Pages of a column that lie together are read at once, up to so many bytes.
pub const COLUMN_READ_BYTES: usize = 1 << 20;

/// A page of a column is not unpacked beyond this, whatever its header says: a page may hold one value of many megabytes.
pub const PAGE_BYTES_MAX: usize = 1 << 30;

/// Values of a page; the writers stop far earlier.
pub const PAGE_VALUES_MAX: usize = 1 << 28;

/// Nesting of a page's header, of which we know three levels.
pub const THRIFT_DEPTH_MAX: usize = 16;

/// Summaries of traces that are split over segments, held ready.
pub const SPLIT_SUMMARIES_MAX: usize = 16_384;

/// Traces read at once for the residual of a scan, at first: few, since the page may be full soon.
pub const RESIDUAL_READ_FIRST: usize = 16;

/// Traces read at once for the residual of a scan; it doubles up to this.
pub const RESIDUAL_READ_MAX: usize = 16_384;

/// Spans read at once for the residual of a scan, if they are of more than one trace.
pub const RESIDUAL_SPANS_MAX: usize = 65_536;

/// Spans handed to the writer of a segment at a time: bounds the memory of their columns.
pub const CHUNK_SPANS: usize = 16_384;

/// Rows of a segment decoded at a time.
pub const BATCH_ROWS: usize = 8_192;

/// Sections of a directory file, at most.
pub const SECTIONS_MAX: usize = 64;

/// Traces of one block of a directory: few, since one is unpacked to find a trace (some 10 µs), not so few that packing them
/// gains nothing.
pub const TRACE_BLOCK: usize = 64;

/// More blocks of a directory than these are read at once, and not kept in the cache, which they would fill.
pub const FEW_BLOCKS: usize = 64;

/// Memory that a span takes when it is read, roughly: with a dozen attributes. For telling before what a trace will take.
pub const SPAN_MEMORY: u64 = 1 << 10;

/// Threads of one scan: with more, one question would leave nothing for others.
pub const SCAN_THREADS_MAX: usize = 4;

/// Once a window has so many rows, several are searched side by side: less is done before a thread has started.
pub const PARALLEL_ROWS: usize = 65_536;

/// Once so many traces are read at a time for the residual of a scan, several times as many are read side by side.
pub const PARALLEL_TRACES: usize = 512;

/// Ids of one block of a directory's index: a block is read and walked to find a trace (some 2 µs).
pub const ID_BLOCK: usize = 256;

/// Rows looked at first when the newest traces are asked for: one page of each column.
pub const WINDOW_ROWS_FIRST: usize = PAGE_ROWS;

/// So many times as many rows are looked at as the time before, while the page is not full.
pub const WINDOW_GROWTH: usize = 4;

/// No window by start has more rows: those that are searched side by side are of one size, and take equally long.
pub const WINDOW_ROWS_MAX: usize = ROW_GROUP_ROWS;

/// So many attribute columns are read by several threads: fewer are read before a thread has started.
pub const PARALLEL_COLUMNS: usize = 32;

/// Steps of one key that are added up in arrays of 15 kB at a time.
pub const DENSE_STEPS_MAX: usize = 512;

/// Memory for blocks of directories held ready.
pub const BLOCK_CACHE_BYTES: usize = 8 << 20;

/// Above this share of its blocks, a directory is read whole.
pub const BLOCKS_APART_SHARE: usize = 4;

/// A section of a directory file is not unpacked beyond this, whatever its entry says.
pub const SECTION_BYTES_MAX: usize = 1 << 30;

/// Texts held apart while reading a segment: names and messages; more are simply not shared.
pub const TEXTS_SHARED_MAX: usize = 4_096;

/// The lock file of another process is not read beyond this.
pub const HOLDER_BYTES_MAX: u64 = 4_096;

/// Of what was asked, no more than this is quoted in an error.
pub const QUOTED_CHARS_MAX: usize = 80;

/// Bytes of the name of a stored run or setting; escaped it stays below what file systems allow.
pub const SHELF_NAME_BYTES_MAX: usize = 80;

/// A stored run or setting, at most.
pub const SHELF_VALUE_BYTES_MAX: usize = 64 << 20;
