//! Every name on disk.

/// Remembers how far records were released.
pub const RELEASED: &str = "released";

/// The name of the file with this number.
pub fn live(number: u64) -> String {
    format!("{number:020}.journal")
}

/// The name of an emptied file that may be recycled; `number` is the last number it had.
pub fn spare(number: u64) -> String {
    format!("{number:020}.spare")
}

/// The name of a file that is being filled with zeros to become a spare one.
pub fn unfinished_spare(number: u64) -> String {
    format!("{number:020}.unfinished")
}

/// The number in a name that ends in `suffix`.
pub fn number_in(name: &str, suffix: &str) -> Option<u64> {
    name.strip_suffix(suffix).filter(|digits| digits.len() == 20)?.parse().ok()
}
