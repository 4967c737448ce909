//! Parquet's hybrid of runs and bit-packed numbers, which levels and dictionary codes are written in.

use crate::encoding::{Decoder, Malformed};
use crate::limits::PAGE_VALUES_MAX;

/// Hands out the runs: `(count, value)` of repeated ones, `(count, bytes)` of bit-packed ones.
enum Run<'a> {
    Repeated(usize, u32),
    Packed(usize, &'a [u8]),
}

fn next_run<'a>(from: &mut Decoder<'a>, width: u32) -> Result<Run<'a>, Malformed> {
    let head = from.unsigned()?;
    let count = usize::try_from(head >> 1).map_err(|_| Malformed("a run too long"))?;
    if head & 1 == 1 {
        if count > PAGE_VALUES_MAX {
            return Err(Malformed("a run too long"));
        }
        let bytes = count * width as usize;
        return Ok(Run::Packed(count * 8, from.raw(bytes.min(from.left()))?));
    }
    let mut value = [0; 4];
    let bytes = from.raw(width.div_ceil(8) as usize)?;
    value[..bytes.len()].copy_from_slice(bytes);
    Ok(Run::Repeated(count, u32::from_le_bytes(value)))
}

/// The numbers at `from..to`, put behind `into`.
pub fn decode(bytes: &[u8], width: u32, from: usize, to: usize, into: &mut Vec<u32>) -> Result<(), Malformed> {
    if width > 32 {
        return Err(Malformed("codes of more than 32 bits"));
    }
    if width == 0 {
        into.resize(into.len() + (to - from), 0);
        return Ok(());
    }
    let mut source = Decoder::new(bytes);
    let mut at = 0;
    while at < to {
        let run = next_run(&mut source, width)?;
        let count = match run {
            Run::Repeated(count, _) | Run::Packed(count, _) => count,
        };
        let (first, last) = (from.max(at), to.min(at.saturating_add(count)));
        match run {
            Run::Repeated(_, value) if first < last => into.resize(into.len() + last - first, value),
            Run::Packed(_, packed) if first < last => unpack(packed, width, first - at, last - at, into)?,
            _ => {}
        }
        if count == 0 {
            return Err(Malformed("an empty run"));
        }
        at = at.saturating_add(count);
    }
    Ok(())
}

fn unpack(packed: &[u8], width: u32, from: usize, to: usize, into: &mut Vec<u32>) -> Result<(), Malformed> {
    if to * width as usize > packed.len() * 8 {
        return Err(Malformed("codes that end too early"));
    }
    let mask = (1_u64 << width) - 1;
    into.reserve(to - from);
    for index in from..to {
        let bit = index * width as usize;
        let (byte, shift) = (bit / 8, bit % 8);
        let word = match packed.get(byte..byte + 8) {
            Some(word) => u64::from_le_bytes(word.try_into().unwrap_or_default()),
            None => {
                let mut word = [0; 8];
                let rest = &packed[byte..];
                word[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(word)
            }
        };
        into.push((word >> shift & mask) as u32);
    }
    Ok(())
}

/// Which of `rows` rows have a value, one bit each.
pub fn levels(bytes: &[u8], rows: usize) -> Result<Vec<u64>, Malformed> {
    let mut bits = vec![0_u64; rows.div_ceil(64)];
    let mut source = Decoder::new(bytes);
    let mut at = 0;
    while at < rows {
        match next_run(&mut source, 1)? {
            Run::Repeated(0, _) | Run::Packed(0, _) => return Err(Malformed("an empty run")),
            Run::Repeated(count, value) => {
                let end = rows.min(at.saturating_add(count));
                if value != 0 {
                    (at..end).for_each(|row| bits[row / 64] |= 1 << (row % 64));
                }
                at = end;
            }
            Run::Packed(count, packed) => {
                let end = rows.min(at + count);
                if packed.len() * 8 < end - at {
                    return Err(Malformed("levels that end too early"));
                }
                for (number, &byte) in packed.iter().enumerate().take((end - at).div_ceil(8)) {
                    put_byte(&mut bits, at + number * 8, byte);
                }
                at = end;
            }
        }
    }
    // What is packed beyond the last row means nothing.
    if let Some(last) = bits.last_mut().filter(|_| !rows.is_multiple_of(64)) {
        *last &= (1 << (rows % 64)) - 1;
    }
    Ok(bits)
}

fn put_byte(bits: &mut [u64], at: usize, byte: u8) {
    let (word, shift) = (at / 64, at % 64);
    bits[word] |= u64::from(byte) << shift;
    if shift > 56
        && let Some(next) = bits.get_mut(word + 1)
    {
        *next |= u64::from(byte) >> (64 - shift);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs as any writer may put them: (repeated or packed, numbers).
    fn encoded(runs: &[(bool, Vec<u32>)], width: u32) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        for (repeated, run) in runs {
            if *repeated {
                crate::encoding::encoded(|to| to.unsigned((run.len() as u64) << 1)).iter().for_each(|b| bytes.push(*b));
                bytes.extend_from_slice(&run[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                numbers.extend(std::iter::repeat_n(run[0], run.len()));
                continue;
            }
            let groups = run.len().div_ceil(8);
            bytes.extend(crate::encoding::encoded(|to| to.unsigned((groups as u64) << 1 | 1)));
            let mut packed = vec![0_u8; groups * width as usize];
            for index in 0..groups * 8 {
                let number = run.get(index).copied().unwrap_or(0);
                for bit in 0..width as usize {
                    let at = index * width as usize + bit;
                    packed[at / 8] |= ((number >> bit & 1) as u8) << (at % 8);
                }
                numbers.push(number);
            }
            bytes.extend(packed);
        }
        (bytes, numbers)
    }

    proptest! {
        #[test]
        fn any_part_of_any_runs_reads_back(
            width in 1_u32..=20,
            runs in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u32>(), 1..40)), 1..6),
            ends in (0.0_f64..=1.0, 0.0_f64..=1.0),
        ) {
            let mask = (1_u32 << width) - 1;
            let runs: Vec<(bool, Vec<u32>)> =
                runs.into_iter().map(|(repeated, run)| (repeated, run.iter().map(|number| number & mask).collect())).collect();
            let (bytes, numbers) = encoded(&runs, width);
            let (a, b) = ((ends.0 * numbers.len() as f64) as usize, (ends.1 * numbers.len() as f64) as usize);
            let (from, to) = (a.min(b), a.max(b));
            let mut found = Vec::new();
            decode(&bytes, width, from, to, &mut found).expect("valid");
            prop_assert_eq!(&found, &numbers[from..to]);
            if width == 1 {
                let bits = levels(&bytes, to).expect("valid");
                for (row, &number) in numbers[..to].iter().enumerate() {
                    prop_assert_eq!(bits[row / 64] >> (row % 64) & 1, u64::from(number));
                }
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60), width in 0_u32..40, to in 0_usize..500) {
            let _ = decode(&bytes, width, to / 2, to, &mut Vec::new());
            let _ = levels(&bytes, to);
        }
    }
}
