//! Every bound of this crate, each with its reason.

/// How many remarks are told one by one; the rest are counted. A broken file repeats itself.
pub const REMARKS_MAX: usize = 100;

/// How many lines a file may begin with that are broken before it is no longer recognised as JSON Lines.
pub const DETECT_LINES_MAX: usize = 20;

/// How many bytes of a file that does not parse are searched for the names that tell its format.
pub const DETECT_BYTES_MAX: usize = 64 * 1024;

/// What a remark quotes of the data is cut to this many characters.
pub const QUOTED_CHARS_MAX: usize = 80;

/// How deep tag values may nest. The JSON parser refuses files nested deeper than 128 before this is met.
pub const VALUE_DEPTH_MAX: usize = 128;
