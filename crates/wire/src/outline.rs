//! The trace outline: the compact binary form of a trace that the page draws from (little endian).
//!
//! ```text
//! bytes 0..4   magic "TRC1"
//! bytes 4..8   u32: length of the JSON header, spaces at its end included, a multiple of 8
//! bytes 8..    the JSON header, an `OutlineHeader`
//! then         the columns, each at 8 + header length + `offset`, `offset` a multiple of 8
//! ```
//!
//! Rows stand depth first, siblings by start: walking a tree is walking an array. A parent that was named but not
//! received has a row of its own above the spans that name it (flag `synthetic`).

use crate::{ServiceStyle, TraceRow, UnixNanos, shape};

/// Media type of the binary outline.
pub const OUTLINE_MEDIA_TYPE: &str = "application/x-headwater-trace-outline";

/// What every binary outline begins with.
pub const OUTLINE_MAGIC: &[u8; 4] = b"TRC1";

/// Bits of the `flags` column.
pub mod flag {
    /// The status says error.
    pub const ERROR: u16 = 1;
    /// Part of it lies on the critical path.
    pub const CRITICAL: u16 = 1 << 1;
    /// Kind server.
    pub const SERVER: u16 = 1 << 2;
    /// Kind client.
    pub const CLIENT: u16 = 1 << 3;
    /// Kind producer.
    pub const PRODUCER: u16 = 1 << 4;
    /// Kind consumer.
    pub const CONSUMER: u16 = 1 << 5;
    /// A call to a model, a retrieval, a tool or an agent.
    pub const LLM: u16 = 1 << 6;
    /// Has events.
    pub const EVENTS: u16 = 1 << 7;
    /// Has links.
    pub const LINKS: u16 = 1 << 8;
    /// Stands for a parent that was named but not received.
    pub const SYNTHETIC: u16 = 1 << 9;
    /// Its clock was found to be off: `skew` says by how much.
    pub const SKEWED: u16 = 1 << 10;
    /// Has no end.
    pub const UNFINISHED: u16 = 1 << 11;
    /// Log records name it.
    pub const LOGS: u16 = 1 << 12;
    /// There are remarks on broken data at it.
    pub const ODD: u16 = 1 << 13;
    /// An exception was recorded at it.
    pub const EXCEPTION: u16 = 1 << 14;

    /// Every bit with its name, as the TypeScript has them.
    pub const NAMES: &[(&str, u16)] = &[
        ("error", ERROR),
        ("critical", CRITICAL),
        ("server", SERVER),
        ("client", CLIENT),
        ("producer", PRODUCER),
        ("consumer", CONSUMER),
        ("llm", LLM),
        ("events", EVENTS),
        ("links", LINKS),
        ("synthetic", SYNTHETIC),
        ("skewed", SKEWED),
        ("unfinished", UNFINISHED),
        ("logs", LOGS),
        ("odd", ODD),
        ("exception", EXCEPTION),
    ];
}

shape! {
    /// The JSON header of a trace outline.
    pub struct OutlineHeader {
        /// Version of the format: 1.
        pub v: u32,
        /// 32 hex digits.
        pub trace_id: String,
        /// How many rows.
        pub n: u32,
        /// What all times in the columns count from.
        pub t0_unix_nano: UnixNanos,
        /// From t0 to the latest end, ns.
        pub duration: f64,
        /// What `svc` refers to.
        pub services: Vec<ServiceStyle>,
        /// What `name` refers to.
        pub names: Vec<String>,
        /// What `host` refers to; the first is "" for spans that name no host.
        pub hosts: Vec<String>,
        /// Whether rows were left out; `partialReason` says why.
        pub partial: bool,
        /// Why rows were left out; empty otherwise.
        pub partial_reason: String,
        /// Whether no span without a parent was received.
        pub root_missing: bool,
        /// The trace's row in lists.
        pub summary: TraceRow,
        /// Remarks on broken data, folded by kind.
        pub oddities: Vec<OutlineOddity>,
        /// What follows, and where.
        pub columns: Vec<OutlineColumn>,
    }

    /// Remarks of one kind.
    pub struct OutlineOddity {
        /// Its short name, such as `missing-parent`.
        pub kind: String,
        /// The remark for people.
        pub text: String,
        /// At how many spans.
        pub count: u32,
        /// The first rows concerned.
        pub rows: Vec<u32>,
        /// Whether this is a broken trace rather than an everyday irregularity.
        pub broken: bool,
    }

    /// One column of the binary outline.
    pub struct OutlineColumn {
        /// Its name: a field of `OutlineColumns`.
        pub name: String,
        /// `f64`, `u32`, `i32`, `u16` or `u8`.
        pub of: String,
        /// Bytes from the end of the header; a multiple of 8.
        pub offset: u32,
        /// How many numbers.
        pub length: u32,
    }

    /// The columns, in JSON lists and in the binary form alike. Times are ns from t0.
    pub struct OutlineColumns {
        /// Start; f64.
        pub start: Vec<f64>,
        /// Duration; f64. Never negative (0 and flag `odd` instead); of an unfinished span, until its subtree ends.
        pub dur: Vec<f64>,
        /// Earliest start in the subtree; f64.
        pub sub_start: Vec<f64>,
        /// Latest end in the subtree: children may outlive their parents; f64.
        pub sub_end: Vec<f64>,
        /// Time not covered by children; f64.
        pub self_time: Vec<f64>,
        /// Row of the parent, -1 for none; i32.
        pub parent: Vec<i32>,
        /// Rows in the subtree, this one included: `row + sub[row]` is the next row outside it; u32.
        pub sub: Vec<u32>,
        /// Index into `names`; u32.
        pub name: Vec<u32>,
        /// Index into `services`; u16.
        pub svc: Vec<u16>,
        /// Index into `hosts`; u16.
        pub host: Vec<u16>,
        /// Depth, roots 0; stops at 65535; u16.
        pub depth: Vec<u16>,
        /// Bits, see `OutlineFlag`; u16.
        pub flags: Vec<u16>,
        /// Critical path: the row each segment lies on, segments by time; u32.
        pub crit_row: Vec<u32>,
        /// Where each segment begins; f64.
        pub crit_start: Vec<f64>,
        /// Where each segment ends; f64.
        pub crit_end: Vec<f64>,
        /// With `sections=spanId` only: 8 bytes a row; u8 (in JSON one string of 16 hex digits a row).
        pub span_id: Vec<String>,
        /// With `sections=skew` only: what to add to start and end in adjusted mode; f64.
        pub skew: Vec<f64>,
    }

    /// The outline as JSON (`Accept: application/json`). `header.columns` is empty.
    pub struct OutlineJson {
        /// The header.
        pub header: OutlineHeader,
        /// The columns.
        pub columns: OutlineColumns,
    }
}
