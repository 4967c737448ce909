//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Rows in an outline: past this the page could not hold it either (60 bytes a row).
pub const OUTLINE_ROWS_MAX: usize = 1_000_000;

/// Rows named in the remarks of one kind: enough to jump to, not enough to double the header.
pub const ODDITY_ROWS_MAX: usize = 100;

/// Distinct services and hosts in an outline: what a 16-bit column can name, one kept for "all others".
pub const OUTLINE_STRINGS_16_MAX: usize = u16::MAX as usize;

/// Traces in one page of a list.
pub const TRACES_LIMIT_MAX: usize = 1_000;

/// Traces in one page of a list when none is asked for.
pub const TRACES_LIMIT_DEFAULT: usize = 50;

/// Spans told of each spanset of a search when no number is given.
pub const SPANS_TOLD_DEFAULT: usize = 3;

/// Spans told of each spanset of a search.
pub const SPANS_TOLD_MAX: usize = engine::limits::SPANS_TOLD_MAX;

/// Rows that find answers with when no limit is given: past this nobody steps through them.
pub const FIND_ROWS_DEFAULT: usize = 100_000;

/// Traces that the map looks at when no limit is given.
pub const MAP_TRACES_DEFAULT: usize = 2_000;

/// Traces that the map looks at, at most: each is read whole.
pub const MAP_TRACES_MAX: usize = 20_000;

/// Root operations offered as filter of the map.
pub const MAP_ROOTS_MAX: usize = 100;

/// Keys or values in one completion.
pub const COMPLETION_LIMIT_MAX: usize = 1_000;

/// Keys or values in one completion when no limit is given.
pub const COMPLETION_LIMIT_DEFAULT: usize = 100;

/// Runs in one page of a list.
pub const RUNS_LIMIT_MAX: usize = 200;

/// Values up to this many bytes are sent whole.
pub const VALUE_WHOLE_BYTES: usize = 10_000;

/// How much of a larger value is sent.
pub const VALUE_HEAD_BYTES: usize = 2_000;

/// How deep nested values are converted; deeper ones are cut. OTLP decoders cap nesting too.
pub const VALUE_DEPTH_MAX: usize = 64;

/// Log records sent with one span.
pub const SPAN_LOGS_MAX: usize = 1_000;

/// Body of a submitted run: thousands of attempts with evidence fit in a tenth of it.
pub const RUN_BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Any other request body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Length of a query: people write hundreds of characters, and machines should not need more.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;

/// How often a live event of one kind goes out at most.
pub const LIVE_BATCH: Duration = Duration::from_millis(500);

/// How often live status goes out.
pub const LIVE_STATUS: Duration = Duration::from_secs(2);

/// How often a comment keeps a live connection open.
pub const LIVE_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Traces in one live event: what a screen shows; the rest is counted.
pub const LIVE_TRACES_MAX: usize = 100;

/// Changed traces remembered for `Last-Event-ID`: five minutes at 13 new traces a second, a few hundred kilobytes.
pub const LIVE_REMEMBERED_MAX: usize = 4_096;

/// Live connections at once; browsers hold six each.
pub const LIVE_CONNECTIONS_MAX: usize = 64;

/// Longest wait of a watch.
pub const WATCH_WAIT_MAX: Duration = Duration::from_secs(60);

/// Wait of a watch when none is given.
pub const WATCH_WAIT_DEFAULT: Duration = Duration::from_secs(10);

/// Watches at once.
pub const WATCHES_MAX: usize = 1_024;

/// Watched traces at once; the one longest not asked for is forgotten first.
pub const WATCHED_TRACES_MAX: usize = 1_024;

/// Spans and log records kept of all watched traces together, some 200 MB at worst.
pub const WATCHED_ITEMS_MAX: usize = 200_000;

/// A watch that was not asked for this long is forgotten.
pub const WATCH_FORGOTTEN_NANOS: u64 = 120_000_000_000;

/// Services whose look is kept; past it they all share the last one.
pub const STYLES_MAX: usize = 10_000;

/// Answers smaller than this are not compressed: the header would cost more.
pub const COMPRESS_FROM_BYTES: usize = 1_024;

/// Runs of evaluations kept; the oldest is forgotten first.
pub const RUNS_KEPT_MAX: usize = 500;

/// Traces kept ready between the requests of one page: outline, then span after span.
pub const PREPARED_TRACES_MAX: usize = 8;

/// Spans in all of them together; one larger trace is not kept.
pub const PREPARED_SPANS_MAX: usize = 500_000;

/// How long one is kept at most: new spans are noticed at once, retention and deletion by other ways after this.
pub const PREPARED_NANOS_MAX: u64 = 30_000_000_000;

/// Pages read to fill one page with traces of one origin.
pub const ORIGIN_PAGES_MAX: usize = 20;

/// Traces held at once while the map is made.
pub const MAP_PAGE: usize = 200;

/// Traces in an HTML report of a run: past this nobody looks at them one by one.
pub const REPORT_TRACES_MAX: usize = 1_000;

/// Bytes of packed traces in an HTML report, reached by the last one taken in: what a browser still opens at once.
pub const REPORT_PACKED_BYTES_MAX: usize = 50_000_000;

/// Rows of a trace whose attributes an HTML report holds; those of evidence are held beyond it.
pub const REPORT_DETAIL_ROWS_MAX: usize = 2_000;

/// Traces that an analysis looks at when no limit is given.
pub const ANALYSED_TRACES_DEFAULT: usize = 2_000;

/// Traces that an analysis looks at, at most: each is read whole.
pub const ANALYSED_TRACES_MAX: usize = 20_000;

/// How long an analysis may take when nothing is said: then it answers with what it has.
pub const ANALYSIS_TIME_DEFAULT: model::Duration = model::Duration::from_secs(20);

/// How long it may take at most.
pub const ANALYSIS_TIME_MAX: model::Duration = model::Duration::from_secs(600);

/// Analyses of many traces at once: each keeps cores busy that receiving needs too.
pub const LONG_WORK_MAX: usize = 2;

/// How long a further one waits for its turn before it is asked to come again.
pub const LONG_WORK_WAIT: Duration = Duration::from_secs(10);

/// Lines of progress that wait for a slow reader; further ones are skipped.
pub const LINES_QUEUED_MAX: usize = 16;

/// How often progress is told at most.
pub const PROGRESS_NANOS: u64 = 200_000_000;

/// Findings told when nothing is said.
pub const FINDINGS_DEFAULT: usize = 50;

/// Findings told at most.
pub const FINDINGS_MAX: usize = 1_000;

/// Findings that one request suppresses.
pub const SUPPRESSED_MAX: usize = 1_000;

/// Changes that one what-if tries: each re-times every trace.
pub const CHANGES_MAX: usize = 20;

/// Operations told of where the time went.
pub const CRITICAL_TOLD_MAX: usize = 20;

/// How far before and after a trace others are looked at to judge the clocks of its hosts: clocks that drift are off
/// otherwise some hours away.
pub const AROUND: model::Duration = model::Duration::from_secs(30 * 60);

/// Data flows told with findings: nobody reads more, and each has its evidence.
pub const FLOWS_TOLD_MAX: usize = 50;

/// Services whose waits for their exporters are remembered.
pub const LATENESS_SERVICES_MAX: usize = 2_000;

/// What ended longer ago than this when it arrived is a recording: no exporter holds spans back for ten minutes.
pub const LATENESS_LIVE_MAX: model::Duration = model::Duration::from_secs(600);

/// A batch whose oldest span ended longer ago than this is late: twice the usual delay of batches.
pub const LATE_AFTER: model::Duration = model::Duration::from_secs(10);

/// Fewer batches than this say nothing of an exporter.
pub const LATE_BATCHES_MIN: u64 = 5;
