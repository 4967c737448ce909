//! Which trace is where, by id: traces lie in the order of their start, so an index says at which position an id is.
//!
//! Ids are sorted by 32 bits of a hash, since not every sender makes them random, and lie in blocks; a look-up reads one block.

use model::TraceId;

use super::filter::hash_of_id;
use crate::encoding::{Decoder, Encoder, Malformed};
use crate::limits::ID_BLOCK;

/// Where the blocks of ids are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdTable {
    blocks: Vec<IdBlock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct IdBlock {
    first: u32,
    /// Within the section of blocks.
    offset: u64,
    bytes: u32,
    crc: u32,
}

fn hash(id: TraceId) -> u32 {
    (hash_of_id(id) >> 32) as u32
}

impl IdTable {
    /// The table of these ids, which lie at the positions 0, 1, ..., and the blocks one behind the other.
    pub fn of(ids: impl Iterator<Item = TraceId>) -> (Self, Vec<u8>) {
        let mut hashes: Vec<(u32, u32)> = ids.zip(0..).map(|(id, position)| (hash(id), position)).collect();
        hashes.sort_unstable();
        let (mut blocks, mut body) = (Vec::new(), Vec::new());
        for part in hashes.chunks(ID_BLOCK) {
            let mut block = Encoder::default();
            let mut before = part[0].0;
            for &(hash, position) in part {
                block.unsigned(u64::from(hash - before));
                block.unsigned(position.into());
                before = hash;
            }
            let (offset, bytes) = (body.len() as u64, block.bytes.len() as u32);
            blocks.push(IdBlock { first: part[0].0, offset, bytes, crc: crc32c::crc32c(&block.bytes) });
            body.extend_from_slice(&block.bytes);
        }
        (Self { blocks }, body)
    }

    /// The blocks that may have the id: more than one only where hashes are equal over their border.
    pub fn blocks_of(&self, id: TraceId) -> std::ops::Range<usize> {
        let hash = hash(id);
        let from = self.blocks.partition_point(|block| block.first < hash).saturating_sub(1);
        from..self.blocks.partition_point(|block| block.first <= hash)
    }

    /// From where to where a block lies within the section.
    pub fn place(&self, number: usize) -> (u64, u64) {
        let block = self.blocks[number];
        (block.offset, block.offset + u64::from(block.bytes))
    }

    /// Adds the positions that a block has for the id.
    pub fn read_block(
        &self,
        number: usize,
        bytes: &[u8],
        id: TraceId,
        positions: &mut Vec<usize>,
    ) -> Result<(), Malformed> {
        let block = self.blocks[number];
        if bytes.len() != block.bytes as usize || crc32c::crc32c(bytes) != block.crc {
            return Err(Malformed("the checksum of a block of ids is wrong"));
        }
        let (wanted, mut at) = (u64::from(hash(id)), u64::from(block.first));
        let mut from = Decoder::new(bytes);
        while !from.is_empty() && at <= wanted {
            at = at.checked_add(from.unsigned()?).ok_or(Malformed("a hash too large"))?;
            let position = from.unsigned()?;
            if at == wanted {
                positions.push(usize::try_from(position).map_err(|_| Malformed("a position too large"))?);
            }
        }
        Ok(())
    }

    pub fn encode(&self, to: &mut Encoder) {
        to.count(self.blocks.len());
        for block in &self.blocks {
            to.unsigned(block.first.into());
            to.unsigned(block.bytes.into());
            to.raw(&block.crc.to_le_bytes());
        }
    }

    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let (mut blocks, mut offset) = (Vec::new(), 0);
        for _ in 0..from.count()? {
            let (first, bytes) = (from.small()?, from.small()?);
            blocks.push(IdBlock { first, offset, bytes, crc: u32::from_le_bytes(from.array()?) });
            offset += u64::from(bytes);
        }
        Ok(Self { blocks })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions(table: &IdTable, body: &[u8], id: TraceId) -> Vec<usize> {
        let mut positions = Vec::new();
        for number in table.blocks_of(id) {
            let (from, to) = table.place(number);
            table.read_block(number, &body[from as usize..to as usize], id, &mut positions).expect("intact");
        }
        positions
    }

    proptest! {
        /// Also where one id stands at several positions, over the borders of blocks.
        #[test]
        fn every_id_is_found(ids in prop::collection::vec(0_u8..40, 0..1_000)) {
            let id = |number: u8| TraceId([number; 16]);
            let (table, body) = IdTable::of(ids.iter().copied().map(id));
            let mut encoder = Encoder::default();
            table.encode(&mut encoder);
            let table = IdTable::decode(&mut Decoder::new(&encoder.bytes)).expect("intact");
            for number in 0..41 {
                let expected: Vec<usize> = (0..ids.len()).filter(|&at| ids[at] == number).collect();
                let found = positions(&table, &body, id(number));
                prop_assert!(expected.iter().all(|at| found.contains(at)), "{number}: {found:?}");
                // Others only where 32 bits of their hashes are equal, which these few are not.
                prop_assert_eq!(found.len(), expected.len());
            }
        }
    }
}
