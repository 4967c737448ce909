//! Keeps spans and their log records: the trait [`SpanStore`], and [`EmbeddedStore`], the engine in this process.
//!
//! ```text
//! append ──> journal (synced)  ──> receipt
//!       └──> head (memory, by trace) ──seal──> segments/*.parquet + *.directory ──merge──> fewer, larger ones
//! read   <── head + live segments (one snapshot), exact duplicates kept once
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `span_store.rs` | [`SpanStore`]: what a store is asked; [`Answer`] with its [`Cost`] and [`Completeness`] |
//! | `trace_scan.rs` | [`TraceScan`]: filter, order, page through traces; [`Predicate`], [`TraceOrder`], [`Cursor`] |
//! | `span_filter.rs` | [`SpanFilter`]: conditions on one span, answered from columns |
//! | `attribute.rs` | [`AttributeScope`], [`ValueType`], known keys and values |
//! | `aggregate.rs` | [`MinuteAggregate`]: calls, errors and latencies per minute, service and operation |
//! | `arrival.rs` | [`Arrival`]: which traces got something new, as it happens |
//! | `receipt.rs` | [`Receipt`]: resolves when an appended batch is on disk |
//! | `embedded/` | [`EmbeddedStore`]: open, append, read, scan, seal, merge, keep up |
//! | `head.rs` | what is not sealed yet, in memory |
//! | `segment/` | immutable segments: Parquet files and their trace directory |
//! | `encoding.rs` | the binary encoding of what has no Parquet column |
//! | `catalog.rs` | which segments are live |
//! | `lock.rs`, `shelf.rs` | who owns the folder; runs and settings |
//! | `cache.rs` | what was read, held while it fits |
//! | `options.rs` | [`Options`] and [`Hooks`]: what [`EmbeddedStore::open`] is handed |
//! | `error.rs`, `limits.rs`, `filenames.rs` | what can go wrong, every bound, every name on disk |

mod aggregate;
mod arrival;
mod attribute;
mod cache;
mod catalog;
mod embedded;
mod encoding;
mod error;
mod filenames;
mod head;
pub mod limits;
mod lock;
mod options;
mod parallel;
mod receipt;
mod segment;
mod shelf;
mod span_filter;
mod span_store;
#[cfg(test)]
mod test_data;
mod trace_scan;

pub use aggregate::{AggregateDetail, LatencyHistogram, MinuteAggregate};
pub use arrival::Arrival;
pub use attribute::{AttributeScope, KnownKey, KnownValue, ValueType};
pub use embedded::{EmbeddedStore, OpenReport, Repaired, StoreCounts, StoreStats, Upkeep, Upkept, Verified};
pub use error::{LockHolder, StoreError};
pub use lock::lock_holder;
pub use options::{Decode, Hooks, JournalRecord, KeepLonger, Options, Retention, Summarise};
pub use receipt::Receipt;
pub use span_filter::{SpanFilter, Test, TextTest, ValueTest};
pub use span_store::{Answer, Completeness, Cost, Shortfall, SpanStore};
pub use trace_scan::{
    Cursor, FoundTrace, Needs, Predicate, Residual, ScanBudget, TimeRange, TraceOrder, TracePage, TraceScan,
};
