//! Every bound on what is received.

use std::time::Duration;

/// A body may have this many bytes as it comes.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// A body may have this many bytes once decompressed: a bomb is refused, an export of a million spans is not.
pub const DECOMPRESSED_BYTES_MAX: usize = 512 << 20;

/// All bodies being worked on may have this many bytes together, as they come and decompressed; beyond it senders are told
/// to come again.
pub const IN_FLIGHT_BYTES_MAX: usize = 768 << 20;

/// This many connections at once; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 4_096;

/// The headers of a request must be there within this time.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The next piece of a body must come within this time.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Requests at once on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 256;

/// HTTP/2 windows: the defaults of 64 KiB stall bodies of half a megabyte.
pub const WINDOW_BYTES: u32 = 4 << 20;

/// What overloaded senders are told to wait.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Bodies larger than this are decoded on a thread of their own, and so is everything compressed: what it becomes is not
/// known before.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// Bytes decompressed at a time; after each it is asked whether they may be held.
pub const PIECE_BYTES: usize = 64 << 10;

/// A compressed body is expected to become so many times as large: traces mostly do.
pub const EXPECTED_RATIO: usize = 8;

/// More memory than this is not asked for on the mere expectation.
pub const EXPECTED_BYTES_MAX: usize = 4 << 20;

/// The largest window a zstd frame may ask for, as a power of two: 128 MiB.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// So many different reasons for rejections are counted apart.
pub const REASONS_MAX: usize = 64;

/// Of what a sender sent, no more than this is quoted in an answer.
pub const QUOTED_CHARS_MAX: usize = 80;
