//! Every bound of this crate, with its reason.

use std::time::Duration;

/// How long opening a connection may take: servers are near.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an answer may take, beyond what it was asked to wait.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a query may take: the longest that a server lets one run, and some.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(330);

/// A live stream without a word for this long is over: the server says something every 15 seconds.
pub const LIVE_SILENCE: Duration = Duration::from_secs(60);

/// One event of a live stream.
pub const LIVE_EVENT_BYTES_MAX: usize = 16 << 20;

/// How long the HTML report of a run may take: a thousand traces are read and packed.
pub const REPORT_TIMEOUT: Duration = Duration::from_secs(300);

/// An answer's size: a trace of a million spans, as protobuf.
pub const ANSWER_BYTES_MAX: usize = 1 << 30;

/// How much of an answer that cannot be read is shown.
pub const SHOWN_CHARS_MAX: usize = 200;
