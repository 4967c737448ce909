//! The catalog: which segments are live and up to which position of the journal everything is sealed. It is replaced
//! as a whole: written beside, synced, renamed over the old one, the folder synced.

use std::io;
use std::path::Path;

use journal::Disk;
use model::Instant;

use crate::encoding::{Decoder, Malformed, encoded};
use crate::filenames::{CATALOG, unfinished};
use crate::segment::SegmentInfo;

/// The version of the data folder.
pub const FOLDER_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"HWCATLOG";

/// What the catalog says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Records of the journal up to and with this one are in segments.
    pub sealed: u64,
    /// The number of the next segment.
    pub next_segment: u64,
    /// The live segments.
    pub segments: Vec<SegmentInfo>,
}

/// What was found where the catalog should be.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Catalog(Catalog),
    Nothing,
    Newer(u32),
    Damaged(&'static str),
}

/// Reads the catalog of a data folder.
pub fn read(disk: &dyn Disk, folder: &Path) -> io::Result<Found> {
    match read_all(disk, &folder.join(CATALOG)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
        Ok(bytes) => Ok(decode(&bytes)),
    }
}

/// Replaces the catalog.
pub fn write(disk: &dyn Disk, folder: &Path, catalog: &Catalog) -> io::Result<()> {
    replace(disk, &folder.join(CATALOG), &encode(catalog))
}

/// Writes a file so that after a crash either the old or the new content is there.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = unfinished(path);
    let file = disk.create(&beside)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    disk.rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
}

/// Reads a file that is held in memory as a whole.
pub fn read_all(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; file.length()? as usize];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

fn encode(catalog: &Catalog) -> Vec<u8> {
    let mut bytes = encoded(|to| {
        to.raw(MAGIC);
        to.raw(&FOLDER_VERSION.to_le_bytes());
        to.unsigned(catalog.sealed);
        to.unsigned(catalog.next_segment);
        to.count(catalog.segments.len());
        for info in &catalog.segments {
            let numbers = [
                info.number,
                info.sealed_at.0,
                info.min_start.0,
                info.max_start.0,
                info.traces,
                info.spans,
                info.logs,
                info.bytes,
            ];
            numbers.into_iter().for_each(|number| to.unsigned(number));
        }
    });
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Found {
    let Some((body, crc)) = bytes.split_last_chunk::<4>() else { return Found::Damaged("it is cut short") };
    if !body.starts_with(MAGIC) {
        return Found::Damaged("it is not a catalog");
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return Found::Damaged("its checksum is wrong");
    }
    let mut from = Decoder::new(&body[MAGIC.len()..]);
    match from.array().map(u32::from_le_bytes) {
        Ok(FOLDER_VERSION) => decode_body(&mut from).map_or_else(|problem| Found::Damaged(problem.0), Found::Catalog),
        Ok(newer) if newer > FOLDER_VERSION => Found::Newer(newer),
        _ => Found::Damaged("its version is unknown"),
    }
}

fn decode_body(from: &mut Decoder<'_>) -> Result<Catalog, Malformed> {
    let mut catalog = Catalog { sealed: from.unsigned()?, next_segment: from.unsigned()?, segments: Vec::new() };
    for _ in 0..from.count()? {
        catalog.segments.push(SegmentInfo {
            number: from.unsigned()?,
            sealed_at: Instant(from.unsigned()?),
            min_start: Instant(from.unsigned()?),
            max_start: Instant(from.unsigned()?),
            traces: from.unsigned()?,
            spans: from.unsigned()?,
            logs: from.unsigned()?,
            bytes: from.unsigned()?,
        });
    }
    Ok(catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_reads_back_and_damage_is_noticed() {
        let disk = journal::FaultyDisk::new();
        let info = SegmentInfo { number: 7, spans: 300, max_start: Instant(u64::MAX), ..SegmentInfo::default() };
        let catalog = Catalog { sealed: 12, next_segment: 8, segments: vec![info] };
        let folder = Path::new("/data");
        assert_eq!(read(&disk, folder).expect("readable"), Found::Nothing);
        write(&disk, folder, &catalog).expect("written");
        assert_eq!(read(&disk, folder).expect("readable"), Found::Catalog(catalog));
        disk.flip_bit(&folder.join(CATALOG), 14, 2);
        assert!(matches!(read(&disk, folder), Ok(Found::Damaged(_))));
    }
}
