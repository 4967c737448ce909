//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Bytes waiting for a destination on disk unless configured: an hour at 1 MB/s with compression to spare.
pub const SPOOL_BYTES_DEFAULT: u64 = 4 * 1024 * 1024 * 1024;

/// Requests under way to a destination at once: at 50 ms there and back, 160 requests a second.
pub const IN_FLIGHT_MAX: usize = 8;

/// How long a request may take unless configured; OpenTelemetry's default.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// The first pause after a failure.
pub const PAUSE_FIRST: Duration = Duration::from_millis(500);

/// The longest pause we choose ourselves: when a destination is back, it hears from us within half a minute.
pub const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The longest pause a destination can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// How much of an answer's body is read: partial success is a number and a sentence.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How much of a destination's words is kept as a reason.
pub const REASON_CHARS_MAX: usize = 200;

/// Different reasons counted for each destination; later ones count as "other".
pub const REASONS_MAX: usize = 32;

/// A body inside the journal, decompressed, at most: as many as the receiver lets in (`DECOMPRESSED_BYTES_MAX` of
/// `ingest`), so that nothing is accepted that cannot be sent on.
pub const BODY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Causes of an error that are told: chains are short, the bound is against one that leads back to itself.
pub const CAUSES_MAX: usize = 8;

/// Of a destination's name, this much is the name of its folder.
pub const FOLDER_NAME_CHARS_MAX: usize = 64;

/// Destinations at once: each has a journal, a thread and a task.
pub const DESTINATIONS_MAX: usize = 32;

/// How long opening a connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of one file of a destination's journal: what an idle destination takes at most, since files are given back whole.
pub const JOURNAL_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of a file of certificates: the whole list of an operating system is a fraction of it.
pub const PEM_BYTES_MAX: u64 = 8 * 1024 * 1024;
