//! Every bound on outside data in this crate.

/// Messages nested deeper than this are refused, as prost refuses them. Values (arrays of maps of arrays…) are where it
/// matters: everything else of OTLP is at most seven deep.
pub const NESTING_MAX: u32 = 100;

/// Nesting of objects and lists in JSON, the same as serde_json's.
pub const JSON_NESTING_MAX: usize = 127;

/// Texts longer than this are not looked up among those seen before: prompts do not repeat.
pub const INTERNED_TEXT_BYTES_MAX: usize = 64;

/// No more different texts than this are remembered for one body; further ones are allocated one by one.
pub const INTERNED_TEXTS_MAX: usize = 65_536;

/// No more different reasons than this are told for one body; spans set aside for further ones are counted under the last.
pub const REASONS_MAX: usize = 8;

/// Of what was read, no more than this is quoted in an error.
pub const QUOTED_CHARS_MAX: usize = 80;

/// Keys of the last span that are remembered by position; further ones are looked up.
pub const KEYS_REMEMBERED_MAX: usize = 256;

/// A span takes about so many bytes of a body; room for rows is made accordingly.
pub const SPAN_BYTES_GUESS: usize = 300;

/// The same of an attribute.
pub const ATTRIBUTE_BYTES_GUESS: usize = 32;
