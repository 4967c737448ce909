//! Encodes one column of one row group, to be appended through the crate that writes the file.
//!
//! Two things are done better here than by that crate, and cost half the time: levels are one bit-packed run instead of
//! many short ones, and levels and values are two blocks of one zstd frame, so that each has its own entropy table. What
//! comes out is plain Parquet (data pages of version 1) that every reader takes.
//!
//! ```text
//! chunk = dictionary page (if coded) | data pages, of PAGE_ROWS rows at most
//! page  = header (thrift, compact) | zstd frame of: levels (if the column may be null) | values
//! ```

use std::io;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::schema::types::ColumnDescPtr;
use zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, zstd_sys};

use crate::limits::{PAGE_BYTES, PAGE_ROWS};

const ZSTD_LEVEL: i32 = 1;

/// The values of a column that are not null, in order of row.
pub enum Values<'a> {
    /// Codes into a dictionary of `count` values, which lie one after the other as Parquet's PLAIN has them.
    Coded { codes: &'a [u32], dictionary: &'a [u8], count: usize },
    /// Values of a fixed width, one after the other.
    Fixed { bytes: &'a [u8], width: usize },
    /// The same, the first byte of all of them first, then the second of all: BYTE_STREAM_SPLIT. Times that lie near each
    /// other have equal high bytes, which then compress to nothing.
    Split { bytes: &'a [u8], width: usize },
    /// Texts or bytes, by place.
    Blobs { count: usize, blob: &'a dyn Fn(usize) -> &'a [u8] },
    /// Truth values.
    Bools(&'a [bool]),
}

impl Values<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Coded { codes, .. } => codes.len(),
            Self::Fixed { bytes, width } | Self::Split { bytes, width } => bytes.len() / width,
            Self::Blobs { count, .. } => *count,
            Self::Bools(bools) => bools.len(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            // Without a value there is no dictionary to refer to.
            _ if self.len() == 0 => Encoding::PLAIN,
            Self::Coded { .. } => Encoding::RLE_DICTIONARY,
            Self::Split { .. } => Encoding::BYTE_STREAM_SPLIT,
            Self::Fixed { .. } | Self::Blobs { .. } | Self::Bools(_) => Encoding::PLAIN,
        }
    }

    /// Whether one page holds them all however many they are: no value, or one value again and again.
    fn is_trivial(&self) -> bool {
        match self {
            Self::Coded { count, .. } => *count <= 1,
            other => other.len() == 0,
        }
    }

    /// Where a page that begins with the value at `from` has to end because of its bytes.
    fn end_by_bytes(&self, from: usize, to: usize) -> usize {
        let Self::Blobs { blob, .. } = self else { return to };
        let mut bytes = 0;
        for place in from..to {
            bytes += blob(place).len();
            // At least one value, however large.
            if bytes > PAGE_BYTES && place > from {
                return place;
            }
        }
        to
    }

    fn put(&self, from: usize, to: usize, out: &mut Vec<u8>) {
        if self.len() == 0 {
            return;
        }
        match self {
            Self::Coded { codes, count, .. } => put_codes(&codes[from..to], *count, out),
            Self::Fixed { bytes, width } => out.extend_from_slice(&bytes[from * width..to * width]),
            Self::Split { bytes, width } => {
                for byte in 0..*width {
                    out.extend(bytes[from * width..to * width].chunks_exact(*width).map(|value| value[byte]));
                }
            }
            Self::Blobs { blob, .. } => (from..to).for_each(|place| put_blob(blob(place), out)),
            Self::Bools(bools) => put_bits(bools[from..to].iter().copied(), out),
        }
    }
}

/// A value of PLAIN text or bytes: its length, then itself.
pub fn put_blob(blob: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(blob.len() as u32).to_le_bytes());
    out.extend_from_slice(blob);
}

fn put_bits(bits: impl Iterator<Item = bool>, out: &mut Vec<u8>) {
    let (mut byte, mut filled) = (0_u8, 0);
    for bit in bits {
        byte |= u8::from(bit) << filled;
        filled += 1;
        if filled == 8 {
            out.push(byte);
            (byte, filled) = (0, 0);
        }
    }
    if filled > 0 {
        out.push(byte);
    }
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Dictionary codes: their width in bits, then one run.
fn put_codes(codes: &[u32], count: usize, out: &mut Vec<u8>) {
    let width = usize::BITS - count.saturating_sub(1).leading_zeros();
    out.push(width as u8);
    if width == 0 {
        put_varint((codes.len() as u64) << 1, out);
        return;
    }
    let groups = codes.len().div_ceil(8);
    put_varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut filled) = (0_u64, 0);
    for &code in codes {
        bits |= u64::from(code) << filled;
        filled += width;
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

/// Definition levels of `rows` rows from `first` on, of which those in `present` have a value.
fn put_levels(first: usize, rows: usize, present: &[u32], out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    if present.is_empty() || present.len() == rows {
        put_varint((rows as u64) << 1, out);
        out.push(u8::from(!present.is_empty()));
    } else {
        put_varint((rows.div_ceil(8) as u64) << 1 | 1, out);
        let bits = out.len();
        out.resize(bits + rows.div_ceil(8), 0);
        for &row in present {
            let row = row as usize - first;
            out[bits + row / 8] |= 1 << (row % 8);
        }
    }
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// A column chunk and what the file's footer has to say of it.
pub struct EncodedChunk {
    pub bytes: Bytes,
    pub close: ColumnCloseResult,
}

/// Encodes chunks one after the other; its memory is used again.
pub struct ChunkEncoder {
    compressor: CCtx<'static>,
    levels: Vec<u8>,
    values: Vec<u8>,
    packed: Vec<u8>,
    out: Vec<u8>,
    unpacked_total: usize,
}

impl ChunkEncoder {
    pub fn new() -> io::Result<Self> {
        let mut compressor = CCtx::try_create().ok_or_else(|| io::Error::other("no memory for a compressor"))?;
        compressor.set_parameter(CParameter::CompressionLevel(ZSTD_LEVEL)).map_err(zstd_error)?;
        Ok(Self {
            compressor,
            levels: Vec::new(),
            values: Vec::new(),
            packed: Vec::new(),
            out: Vec::new(),
            unpacked_total: 0,
        })
    }

    /// Encodes a column of `rows` rows. Those in `present` have a value; where it is absent, all do and the column cannot
    /// be null.
    pub fn encode(
        &mut self,
        column: &ColumnDescPtr,
        rows: usize,
        present: Option<&[u32]>,
        values: &Values<'_>,
    ) -> io::Result<EncodedChunk> {
        self.out.clear();
        self.unpacked_total = 0;
        let mut encodings = vec![Encoding::RLE, values.encoding()];
        let is_coded = values.encoding() == Encoding::RLE_DICTIONARY;
        if let Values::Coded { dictionary, count, .. } = values
            && is_coded
        {
            self.dictionary_page(dictionary, *count)?;
            encodings.push(Encoding::PLAIN);
        }
        let data_offset = self.out.len();
        let pages = self.data_pages(rows, present, values)?;
        // Says whether the dictionary holds every value there is.
        let stats = PageEncodingStats {
            page_type: PageType::DATA_PAGE,
            encoding: values.encoding(),
            count: pages.len() as i32,
        };
        let metadata = ColumnChunkMetaData::builder(column.clone())
            .set_page_encoding_stats(vec![stats])
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings(encodings)
            .set_total_compressed_size(self.out.len() as i64)
            .set_total_uncompressed_size(self.unpacked_total as i64)
            .set_num_values(rows as i64)
            .set_data_page_offset(data_offset as i64)
            .set_dictionary_page_offset(is_coded.then_some(0))
            .build()
            .map_err(io::Error::other)?;
        let close = ColumnCloseResult {
            bytes_written: self.out.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(OffsetIndexMetaData { page_locations: pages, unencoded_byte_array_data_bytes: None }),
        };
        Ok(EncodedChunk { bytes: Bytes::copy_from_slice(&self.out), close })
    }

    fn data_pages(
        &mut self,
        rows: usize,
        present: Option<&[u32]>,
        values: &Values<'_>,
    ) -> io::Result<Vec<PageLocation>> {
        let mut pages = Vec::new();
        let page_rows = if values.is_trivial() { rows } else { PAGE_ROWS };
        let (mut row, mut value) = (0, 0);
        while row < rows {
            let mut row_end = (row + page_rows).min(rows);
            let of_rows = |row_end: usize| match present {
                Some(present) => value + present[value..].partition_point(|&at| (at as usize) < row_end),
                None => row_end,
            };
            let mut value_end = of_rows(row_end);
            let by_bytes = values.end_by_bytes(value, value_end);
            if by_bytes < value_end {
                value_end = by_bytes;
                row_end = present.map_or(value_end, |present| present[value_end] as usize);
            }
            self.levels.clear();
            if let Some(present) = present {
                put_levels(row, row_end - row, &present[value..value_end], &mut self.levels);
            }
            self.values.clear();
            values.put(value, value_end, &mut self.values);
            let offset = self.out.len();
            self.page(&Header::Data { rows: row_end - row, encoding: values.encoding() })?;
            pages.push(PageLocation {
                offset: offset as i64,
                compressed_page_size: (self.out.len() - offset) as i32,
                first_row_index: row as i64,
            });
            (row, value) = (row_end, value_end);
        }
        Ok(pages)
    }

    fn dictionary_page(&mut self, dictionary: &[u8], count: usize) -> io::Result<()> {
        self.levels.clear();
        self.values.clear();
        self.values.extend_from_slice(dictionary);
        self.page(&Header::Dictionary { count })
    }

    /// Packs what lies in `levels` and `values` and puts it behind its header.
    fn page(&mut self, header: &Header) -> io::Result<()> {
        let unpacked = self.levels.len() + self.values.len();
        let too_large = |_| io::Error::other(format!("a page of {unpacked} bytes is more than Parquet allows"));
        i32::try_from(unpacked).map_err(too_large)?;
        self.pack(unpacked)?;
        let before = self.out.len();
        header.put(unpacked, self.packed.len(), &mut self.out);
        self.unpacked_total += self.out.len() - before + unpacked;
        self.out.extend_from_slice(&self.packed);
        Ok(())
    }

    fn pack(&mut self, unpacked: usize) -> io::Result<()> {
        use zstd_sys::ZSTD_EndDirective::{ZSTD_e_end, ZSTD_e_flush};
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(unpacked) + 64);
        self.compressor.set_pledged_src_size(Some(unpacked as u64)).map_err(zstd_error)?;
        let mut packed = OutBuffer::around(&mut self.packed);
        for (bytes, then) in [(&self.levels, ZSTD_e_flush), (&self.values, ZSTD_e_end)] {
            if bytes.is_empty() && then == ZSTD_e_flush {
                continue;
            }
            let mut input = InBuffer::around(bytes);
            // The room suffices, so one call mostly does; it is repeated for as long as something is left.
            while self.compressor.compress_stream2(&mut packed, &mut input, then).map_err(zstd_error)? > 0 {}
        }
        Ok(())
    }
}

fn zstd_error(code: usize) -> io::Error {
    io::Error::other(zstd::zstd_safe::get_error_name(code))
}

/// What stands before a page, in thrift's compact protocol
/// (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>, `PageHeader`).
enum Header {
    Data { rows: usize, encoding: Encoding },
    Dictionary { count: usize },
}

impl Header {
    fn put(&self, unpacked: usize, packed: usize, out: &mut Vec<u8>) {
        const I32: u8 = 5;
        const STRUCT: u8 = 12;
        const STOP: u8 = 0;
        // The number of a field is told as the distance from the one before.
        let field = |distance: u8, of_type: u8, out: &mut Vec<u8>| out.push(distance << 4 | of_type);
        let number = |number: usize, out: &mut Vec<u8>| {
            field(1, I32, out);
            // Zigzag of a number that is not negative.
            put_varint((number as u64) << 1, out);
        };
        let page_type = match self {
            Self::Data { .. } => 0,
            Self::Dictionary { .. } => 2,
        };
        for of_page in [page_type, unpacked, packed] {
            number(of_page, out);
        }
        match self {
            Self::Data { rows, encoding } => {
                field(2, STRUCT, out);
                for of_data in [*rows, number_of(*encoding), number_of(Encoding::RLE), number_of(Encoding::RLE)] {
                    number(of_data, out);
                }
            }
            Self::Dictionary { count } => {
                field(4, STRUCT, out);
                for of_dictionary in [*count, number_of(Encoding::PLAIN)] {
                    number(of_dictionary, out);
                }
            }
        }
        out.extend_from_slice(&[STOP, STOP]);
    }
}

/// The number of an encoding in the format.
fn number_of(encoding: Encoding) -> usize {
    match encoding {
        Encoding::PLAIN => 0,
        Encoding::RLE => 3,
        Encoding::RLE_DICTIONARY => 8,
        Encoding::BYTE_STREAM_SPLIT => 9,
        // No other is written here.
        _ => usize::MAX,
    }
}
