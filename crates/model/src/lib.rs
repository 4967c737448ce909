//! What a trace is: ids, instants, durations, typed values, resource, scope, span, event, link, log, batch, trace, oddity.
//!
//! Everything OTLP can carry about traces and logs has a place here, so that what was received can be handed on
//! unchanged. This crate knows no bytes, no JSON, no disk and no clock.
//!
//! ```
//! use model::{Batch, Instant, Span, SpanId, Trace, TraceId};
//! let mut root = Span::new(TraceId([1; 16]), SpanId([1; 8]), "GET /ask");
//! (root.start, root.end) = (Instant(1_000), Instant(5_000));
//! let mut child = Span::new(TraceId([1; 16]), SpanId([2; 8]), "search");
//! child.parent_span_id = Some(SpanId([1; 8]));
//! (child.start, child.end) = (Instant(2_000), Instant(3_000));
//! let trace = Trace::assemble(TraceId([1; 16]), vec![child, root], Vec::new());
//! assert_eq!(trace.roots().len(), 1);
//! assert!(trace.oddities().is_empty());
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `ids.rs` | [`TraceId`], [`SpanId`] |
//! | `time.rs` | [`Instant`], [`Duration`]: integer nanoseconds |
//! | `value.rs` | [`Value`], [`KeyValue`], [`Attributes`]: every OTLP value type |
//! | `resource.rs` | [`Resource`], [`Scope`] |
//! | `span.rs` | [`Span`], [`SpanKind`], [`Status`], [`Event`], [`Link`] |
//! | `log.rs` | [`LogRecord`] |
//! | `batch.rs` | [`Batch`]: what one request carried |
//! | `packed/` | [`PackedBatch`]: a batch in a compact form, for the way from the wire to the disk |
//! | `trace.rs` | [`Trace`]: the spans of one trace as a forest, with remarks on what is broken |
//! | `forest.rs` | [`Forest`]: how spans hang together, from a few facts of each |
//! | `gist.rs` | [`Gist`]: a trace as far as its summary needs it |
//! | `oddity.rs` | [`Oddity`]: a remark on broken data |
//! | `summary.rs` | [`TraceSummary`]: one row about a whole trace |

mod batch;
mod forest;
mod gist;
mod ids;
mod log;
mod oddity;
mod packed;
mod resource;
mod span;
mod summary;
mod time;
mod trace;
mod value;

pub use batch::Batch;
pub use forest::{Forest, SpanFacts, SpanTree};
pub use gist::{Gist, GistSpan};
pub use ids::{ParseIdError, SpanId, TraceId, parse_hex};
pub use log::LogRecord;
pub use oddity::{Oddity, OddityKind};
pub use packed::{
    Extras, PackedAttribute, PackedBatch, PackedSpan, PackedValue, Packer, TextCollector, TextId, Texts, Unpacker,
    bytes_hash, hash_of, shared_hash, text_hash,
};
pub use resource::{EntityRef, Resource, Scope};
pub use span::{
    Event, FLAG_SAMPLED, FLAGS_CONTEXT_HAS_IS_REMOTE, FLAGS_CONTEXT_IS_REMOTE, Link, Span, SpanKind, Status, StatusCode,
};
pub use summary::{ServiceSummary, TraceSummary};
pub use time::{Duration, Instant};
pub use trace::{SpanIndex, Trace};
pub use value::{Attributes, KeyValue, Text, Value};
