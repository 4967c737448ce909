//! Remembers how far records were released, in two slots that are written in turn, so that a torn write costs one step
//! and never both. It is not synced: after a power cut an older position is read and some records are handed out again.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::filenames::RELEASED;
use crate::{Disk, File, Position};

const SLOT_BYTES: usize = 16;

/// The file with the two slots.
#[derive(Debug)]
pub struct Released {
    file: Arc<dyn File>,
    position: Position,
    next_slot: u64,
}

impl Released {
    /// Opens or makes the file in `folder`.
    pub fn open(disk: &dyn Disk, folder: &Path) -> io::Result<Self> {
        let path = folder.join(RELEASED);
        let file = match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk.create(&path)?,
            other => other?,
        };
        let mut slots = [0; 2 * SLOT_BYTES];
        let read = file.read_at(&mut slots, 0)?;
        let positions = slots[..read].chunks_exact(SLOT_BYTES).map(slot_position);
        let (slot, position) = positions.enumerate().max_by_key(|&(_, position)| position).unwrap_or((1, 0));
        Ok(Self { file, position: Position(position), next_slot: 1 - slot as u64 })
    }

    /// Everything up to and with this was released.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Remembers a later position.
    pub fn advance(&mut self, position: Position) -> io::Result<()> {
        if position <= self.position {
            return Ok(());
        }
        let mut slot = [0; SLOT_BYTES];
        slot[..8].copy_from_slice(&position.0.to_le_bytes());
        let crc = crc32c::crc32c(&slot[..8]);
        slot[8..12].copy_from_slice(&crc.to_le_bytes());
        self.position = position;
        self.file.write_at(&slot, self.next_slot * SLOT_BYTES as u64)?;
        self.next_slot = 1 - self.next_slot;
        Ok(())
    }
}

fn slot_position(slot: &[u8]) -> u64 {
    let mut position = [0; 8];
    position.copy_from_slice(&slot[..8]);
    let intact = crc32c::crc32c(&position).to_le_bytes() == slot[8..12];
    if intact { u64::from_le_bytes(position) } else { 0 }
}
