//! Ids as others write them: 64-bit trace ids, digits left out, names instead of numbers.

use model::{SpanId, TraceId};
use serde_json::Value;

/// An id, and whether it had to be made up from its text.
pub(crate) struct ReadId<T> {
    pub(crate) id: T,
    pub(crate) made_up: bool,
}

/// A trace id of up to 32 hex digits, filled with zeros on the left; other text becomes its hash.
pub(crate) fn trace_id(value: Option<&Value>) -> Option<ReadId<TraceId>> {
    read(value).map(|ReadId { id, made_up }| ReadId { id: TraceId(id), made_up })
}

/// A span id of up to 16 hex digits, filled with zeros on the left; other text becomes its hash.
pub(crate) fn span_id(value: Option<&Value>) -> Option<ReadId<SpanId>> {
    read(value).map(|ReadId { id, made_up }| ReadId { id: SpanId(id), made_up })
}

fn read<const N: usize>(value: Option<&Value>) -> Option<ReadId<[u8; N]>> {
    let text = value?.as_str()?;
    if text.is_empty() {
        return None;
    }
    match model::parse_hex(&format!("{text:0>width$}", width = N * 2)) {
        // OTLP knows no id that is all zero; elsewhere "0" is a name like any other.
        Ok(id) if id != [0; N] => Some(ReadId { id, made_up: false }),
        _ => Some(ReadId { id: hash(text), made_up: true }),
    }
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, repeated with another start for longer ids: the same text gives the same id in
/// every file, so that references still meet. Never all zero.
fn hash<const N: usize>(text: &str) -> [u8; N] {
    let mut id = [0; N];
    for (round, chunk) in id.chunks_mut(8).enumerate() {
        let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ round as u64;
        for byte in text.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        chunk.copy_from_slice(&state.max(1).to_be_bytes()[..chunk.len()]);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_filled_from_the_left() {
        let read = |text: &str| trace_id(Some(&Value::from(text))).map(|read| (read.id.to_string(), read.made_up));
        assert_eq!(read("14b60fd9ae504820"), Some(("000000000000000014b60fd9ae504820".to_owned(), false)));
        assert_eq!(read("A"), Some(("0000000000000000000000000000000a".to_owned(), false)));
        assert_eq!(read(""), None);
        let (made, made_up) = read("span-E").expect("made up");
        assert!(made_up && made != "0".repeat(32));
        assert_eq!(read("span-E"), Some((made, true)), "the same text gives the same id");
        assert!(read("0").is_some_and(|(_, made_up)| made_up), "no id is all zero");
    }
}
