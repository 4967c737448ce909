//! Parquet's DELTA_BINARY_PACKED for 64-bit integers: the first value, then blocks of packed differences.

use crate::encoding::{Decoder, Malformed};
use crate::limits::PAGE_VALUES_MAX;

/// The first `count` values.
pub fn decode(bytes: &[u8], count: usize) -> Result<Vec<i64>, Malformed> {
    let mut from = Decoder::new(bytes);
    let block = from.unsigned()? as usize;
    let parts = from.unsigned()? as usize;
    let total = from.unsigned()? as usize;
    let mut value = from.signed()?;
    if count > total || total > PAGE_VALUES_MAX {
        return Err(Malformed("fewer integers than values"));
    }
    if parts == 0
        || block == 0
        || block > PAGE_VALUES_MAX
        || !block.is_multiple_of(parts)
        || !(block / parts).is_multiple_of(8)
    {
        return Err(Malformed("integers packed in a way unknown here"));
    }
    let part = block / parts;
    let mut values = Vec::with_capacity(count);
    if count > 0 {
        values.push(value);
    }
    while values.len() < count {
        let least = from.signed()?;
        let widths = from.raw(parts)?;
        for &width in widths {
            if values.len() >= count {
                break;
            }
            let packed = from.raw(part / 8 * usize::from(width))?;
            if width > 64 {
                return Err(Malformed("integers of more than 64 bits"));
            }
            for index in 0..part.min(count - values.len()) {
                let delta = bits(packed, index * usize::from(width), u32::from(width));
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                values.push(value);
            }
        }
    }
    Ok(values)
}

/// `width` bits from bit `at`.
fn bits(packed: &[u8], at: usize, width: u32) -> u64 {
    if width == 0 {
        return 0;
    }
    let (byte, shift) = (at / 8, at % 8);
    let mask = u128::MAX >> (128 - width);
    let word = match packed.get(byte..byte + 16) {
        Some(word) => u128::from_le_bytes(word.try_into().unwrap_or_default()),
        None => {
            let mut word = [0; 16];
            let rest = &packed[byte..];
            word[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(word)
        }
    };
    (word >> shift & mask) as u64
}

#[cfg(test)]
mod tests {
    use crate::encoding::encoded;

    #[test]
    fn a_block_longer_than_a_page_is_refused() {
        let bytes = encoded(|to| {
            [1 << 61, 1, 40].into_iter().for_each(|number| to.unsigned(number));
            to.signed(0);
            to.signed(0);
            to.raw(&[64; 60]);
        });
        assert!(super::decode(&bytes, 40).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            let _ = super::decode(&bytes, 40);
        }
    }
}
