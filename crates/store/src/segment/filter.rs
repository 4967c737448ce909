//! A Bloom filter over the trace ids of a segment: most segments are passed over without reading anything.

use model::TraceId;

use crate::encoding::{Decoder, Encoder, Malformed};

/// Bits per trace; with six probes about one absent trace in a thousand seems present.
const BITS: usize = 16;
const PROBES: u64 = 6;

/// Which traces may be in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceFilter {
    words: Vec<u64>,
}

impl TraceFilter {
    pub fn of(ids: &[TraceId]) -> Self {
        let mut filter = Self { words: vec![0; (ids.len() * BITS).div_ceil(64)] };
        for id in ids {
            for bit in filter.bits(*id) {
                filter.words[bit / 64] |= 1 << (bit % 64);
            }
        }
        filter
    }

    /// False: it is not there. True: it most likely is.
    pub fn may_hold(&self, id: TraceId) -> bool {
        !self.words.is_empty() && self.bits(id).all(|bit| self.words[bit / 64] & 1 << (bit % 64) != 0)
    }

    /// Double hashing (Kirsch, Mitzenmacher 2006). Ids are mixed first, since not every sender makes them random.
    fn bits(&self, id: TraceId) -> impl Iterator<Item = usize> + use<> {
        let first = hash_of_id(id);
        let step = mix(first ^ halves(id)[1]) | 1;
        let count = self.words.len() as u64 * 64;
        (0..PROBES).map(move |probe| (first.wrapping_add(probe.wrapping_mul(step)) % count) as usize)
    }

    pub fn encode(&self, to: &mut Encoder) {
        to.count(self.words.len());
        self.words.iter().for_each(|word| to.raw(&word.to_le_bytes()));
    }

    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let count = from.count()?;
        let words = (0..count).map(|_| from.array().map(u64::from_le_bytes)).collect::<Result<_, _>>()?;
        Ok(Self { words })
    }
}

fn halves(id: TraceId) -> [u64; 2] {
    let mut halves = [0; 2];
    for (half, bytes) in halves.iter_mut().zip(id.0.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        *half = u64::from_le_bytes(word);
    }
    halves
}

/// A hash of an id, the same for ever: files depend on it.
pub fn hash_of_id(id: TraceId) -> u64 {
    let [first, second] = halves(id);
    mix(first ^ mix(second))
}

/// The finaliser of MurmurHash3 (Appleby, public domain).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ bits >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> TraceId {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        TraceId(id)
    }

    #[test]
    fn it_holds_what_was_put_in_and_little_else() {
        let ids: Vec<_> = (0..10_000).map(id).collect();
        let filter = TraceFilter::of(&ids);
        assert!(ids.iter().all(|&id| filter.may_hold(id)));
        let wrong = (10_000..110_000).filter(|&number| filter.may_hold(id(number))).count();
        assert!(wrong < 300, "{wrong} of 100,000");
        assert!(!TraceFilter::of(&[]).may_hold(id(1)));
    }
}
