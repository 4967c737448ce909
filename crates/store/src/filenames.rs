//! Every name in the data folder.

use std::path::{Path, PathBuf};

/// Names the live segments and how far the journal is sealed.
pub const CATALOG: &str = "catalog";
/// Says who owns the folder.
pub const LOCK: &str = "lock";
/// The folder of the journal.
pub const JOURNAL: &str = "journal";
/// The folder of the segments.
pub const SEGMENTS: &str = "segments";
/// The folder of the runs of evaluations.
pub const RUNS: &str = "runs";
/// The folder of the settings.
pub const SETTINGS: &str = "settings";

/// The folder where a repair puts damaged files.
pub const DAMAGED: &str = "damaged";

/// How the names of a segment's files end.
pub const SPANS_SUFFIX: &str = ".spans.parquet";
/// See [`SPANS_SUFFIX`].
pub const LOGS_SUFFIX: &str = ".logs.parquet";
/// See [`SPANS_SUFFIX`].
pub const DIRECTORY_SUFFIX: &str = ".directory";

/// A file of the segment with this number.
pub fn segment_file(segments: &Path, number: u64, suffix: &str) -> PathBuf {
    segments.join(format!("{number:012}{suffix}"))
}

/// What people are told where a segment is meant: the beginning of its files' names, seen from the data folder.
pub fn segment_label(number: u64) -> String {
    format!("{SEGMENTS}/{number:012}")
}

/// The segment that a file belongs to.
pub fn segment_number(name: &str) -> Option<u64> {
    let (digits, suffix) = name.split_at_checked(12)?;
    let known = [SPANS_SUFFIX, LOGS_SUFFIX, DIRECTORY_SUFFIX].contains(&suffix);
    digits.parse().ok().filter(|_| known)
}

/// What a file is called while it is being written.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}
