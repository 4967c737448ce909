//! An append-only log on disk: framed records, group commit, rotation over recycled files, replay that survives damage.
//!
//! ```
//! use std::sync::Arc;
//! use journal::{Journal, Kind, Options, Position, SystemDisk};
//! let folder = tempfile::tempdir().expect("a folder");
//! let (journal, recovered) = Journal::open(Arc::new(SystemDisk), folder.path(), Options::default()).expect("opens");
//! assert_eq!(recovered.records, 0);
//! let receipt = journal.append(Kind([1, 0, 0, 0]), b"a record").expect("has room");
//! let position = receipt.wait().expect("on disk now");
//! let record = journal.cursor(Position::START).next().expect("readable").expect("there is one");
//! assert_eq!((record.position, &record.payload[..]), (position, &b"a record"[..]));
//! journal.release(position); // may be forgotten
//! ```
//!
//! Records are numbered from 1 on; a [`Position`] is such a number. A file holds a header and frames, both of which carry
//! the file's number, so that what an earlier life of a recycled file left behind is never taken for a record:
//!
//! ```text
//! file  = header (64 bytes: "HWJOURNL", version, number, crc) frame* whatever was there before
//! frame = magic "HWFR" | crc32c of all that follows | payload length | kind | file number | sequence | durable | payload
//!         4              4                            4                4      8             8          8         padded to 8
//! ```
//!
//! `durable` is the last sequence that was on disk when the frame was written. It tells a torn tail (nobody was promised
//! those records) from damage (somebody was).
//!
//! | file | what |
//! | --- | --- |
//! | `journal.rs` | [`Journal`]: open, append, release, close; the thread that syncs |
//! | `files.rs` | the files of the folder: which hold what, rotation, recycling |
//! | `frame.rs` | a frame's bytes |
//! | `frame_reader.rs` | frames of one file, one after the other, across damage |
//! | `cursor.rs` | [`Cursor`]: reads records from a position on, also while others append |
//! | `receipt.rs` | [`Receipt`]: resolves when a record is on disk |
//! | `released.rs` | remembers how far records were released |
//! | `disk.rs` | the traits [`Disk`] and [`File`], and the operating system's |
//! | `faulty_disk.rs` | [`FaultyDisk`]: a disk in memory that crashes, fills up, fails to sync and rots, for tests |
//! | `error.rs`, `limits.rs`, `filenames.rs` | what can go wrong, every bound, every name on disk |

mod cursor;
mod disk;
mod error;
mod faulty_disk;
mod filenames;
mod files;
mod frame;
mod frame_reader;
mod journal;
pub mod limits;
mod receipt;
mod released;

pub use cursor::{Cursor, Record};
pub use disk::{Disk, File, SystemDisk};
pub use error::JournalError;
pub use faulty_disk::FaultyDisk;
pub use frame::Kind;
pub use frame_reader::Damage;
pub use journal::{Journal, Options, Recovered, Stats};
pub use receipt::Receipt;

/// The number of a record: 1 for the first ever appended, one more for each after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first record.
    pub const START: Self = Self(0);
}
