//! A frame's bytes: `magic | crc | length | kind | file number | sequence | durable | payload | padding`.

/// What a record is, in four bytes that belong to whoever appends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kind(pub [u8; 4]);

/// The version of the format below.
pub const VERSION: u32 = 1;

/// Bytes of a file's header.
pub const FILE_HEADER_BYTES: usize = 64;

/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 40;

/// Frames begin at multiples of this, which makes the next one quick to find after damage.
pub const ALIGNMENT: usize = 8;

const FILE_MAGIC: &[u8; 8] = b"HWJOURNL";
pub const FRAME_MAGIC: &[u8; 4] = b"HWFR";

/// What a frame says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    pub crc: u32,
    pub payload_bytes: usize,
    pub kind: Kind,
    pub file_number: u64,
    pub sequence: u64,
    pub durable: u64,
}

/// Bytes of the whole frame around a payload.
pub fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(ALIGNMENT)
}

/// Appends a frame to `buffer`. The file number is not known before the group is written, and with it the checksum:
/// [`seal_frame`] fills both in.
pub fn push_frame(buffer: &mut Vec<u8>, kind: Kind, sequence: u64, durable: u64, payload: &[&[u8]]) {
    let payload_bytes: usize = payload.iter().map(|part| part.len()).sum();
    buffer.reserve(frame_bytes(payload_bytes));
    buffer.extend_from_slice(FRAME_MAGIC);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&(payload_bytes as u32).to_le_bytes());
    buffer.extend_from_slice(&kind.0);
    buffer.extend_from_slice(&[0; 8]);
    buffer.extend_from_slice(&sequence.to_le_bytes());
    buffer.extend_from_slice(&durable.to_le_bytes());
    payload.iter().for_each(|part| buffer.extend_from_slice(part));
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
}

/// Fills in file number and checksum of the frame that `frame` begins with; answers with the frame's bytes.
pub fn seal_frame(frame: &mut [u8], file_number: u64) -> usize {
    let payload_bytes = u32_at(frame, 8) as usize;
    frame[16..24].copy_from_slice(&file_number.to_le_bytes());
    let crc = crc32c::crc32c(&frame[8..FRAME_HEADER_BYTES + payload_bytes]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    frame_bytes(payload_bytes)
}

/// Reads a frame's header; none if it cannot be one. The checksum is not looked at.
pub fn read_header(bytes: &[u8]) -> Option<FrameHeader> {
    if bytes.len() < FRAME_HEADER_BYTES || &bytes[..4] != FRAME_MAGIC {
        return None;
    }
    let mut kind = Kind::default();
    kind.0.copy_from_slice(&bytes[12..16]);
    Some(FrameHeader {
        crc: u32_at(bytes, 4),
        payload_bytes: u32_at(bytes, 8) as usize,
        kind,
        file_number: u64_at(bytes, 16),
        sequence: u64_at(bytes, 24),
        durable: u64_at(bytes, 32),
    })
}

/// Whether the checksum of the frame that `bytes` begins with is right; `bytes` holds all of it.
pub fn is_intact(bytes: &[u8], header: &FrameHeader) -> bool {
    crc32c::crc32c(&bytes[8..FRAME_HEADER_BYTES + header.payload_bytes]) == header.crc
}

/// A file's header.
pub fn file_header(number: u64) -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0; FILE_HEADER_BYTES];
    header[..8].copy_from_slice(FILE_MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&number.to_le_bytes());
    let crc = crc32c::crc32c(&header[..FILE_HEADER_BYTES - 4]);
    header[FILE_HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// The version a file's header names; none if it is not one of ours or is damaged, which does not matter, since the
/// file's name tells its number.
pub fn version_of(header: &[u8]) -> Option<u32> {
    let intact = header.len() == FILE_HEADER_BYTES
        && &header[..8] == FILE_MAGIC
        && crc32c::crc32c(&header[..FILE_HEADER_BYTES - 4]) == u32_at(header, FILE_HEADER_BYTES - 4);
    intact.then(|| u32_at(header, 8))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
