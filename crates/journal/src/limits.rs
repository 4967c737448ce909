//! Every bound of the journal, each with its reason.

use std::time::Duration;

/// Bytes of one file: large enough that rotation is rare, small enough to be recycled often.
pub const FILE_BYTES: u64 = 64 << 20;

/// While records keep coming, files are synced this often: a sender waits some 5 to 10 ms, and the disk is asked 200
/// times a second at most. The first record after a quiet moment is synced at once.
pub const COMMIT_INTERVAL: Duration = Duration::from_millis(5);

/// A group of this many bytes is synced without waiting for the interval.
pub const COMMIT_BYTES: usize = 4 << 20;

/// Bytes that may wait to be synced; beyond it appends are told to come again. Above the largest record.
pub const UNSYNCED_BYTES_MAX: usize = 128 << 20;

/// Bytes of one record: above the largest body that is received (64 MiB), which has a header in a forwarder's journal.
pub const RECORD_BYTES_MAX: usize = 65 << 20;

/// Emptied files kept for reuse.
pub const SPARE_FILES_MAX: usize = 2;

/// Bytes read at once while looking for frames.
pub const READ_BYTES: usize = 1 << 20;

/// Damaged places listed one by one; further ones are only counted.
pub const DAMAGE_LISTED_MAX: usize = 1_000;
