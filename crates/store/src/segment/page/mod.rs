//! Our own reader of the pages of a segment's columns, over the crate's metadata: one read per page, one unpacking context
//! for all, and of a page only the values of the rows that are wanted. The crate's reader sets up a context for every
//! column of every query, which costs ten times as much when a trace is read.
//!
//! It reads what segments are made of: flat columns, data pages of version 1; plain, dictionary-coded, delta-packed and split
//! by byte.
//!
//! | file | what |
//! | --- | --- |
//! | `header.rs` | page headers |
//! | `hybrid.rs` | levels and dictionary codes |
//! | `delta.rs` | delta-packed integers |

mod delta;
mod header;
mod hybrid;

use std::cell::RefCell;
use std::io;
use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{Compression, Type};
use zstd::bulk::Decompressor;

use super::checked_file::CheckedFile;
use crate::encoding::Malformed;
use crate::limits::{PAGE_BYTES_MAX, PAGE_VALUES_MAX};
use header::{
    BYTE_STREAM_SPLIT, DATA_PAGE, DELTA_BINARY_PACKED, DICTIONARY_PAGE, PLAIN, PLAIN_DICTIONARY, PageHeader, RLE,
    RLE_DICTIONARY,
};

/// How the values of a column lie in its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnForm {
    pub physical: Type,
    /// Bytes of a value of fixed length.
    pub fixed: usize,
    pub is_optional: bool,
}

/// Values, as many as were asked for.
#[derive(Clone, Debug)]
pub enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
    Bytes(Texts),
}

/// Byte strings in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    data: Bytes,
    places: Vec<(u32, u32)>,
    /// Their places in the dictionary, where there is one.
    pub codes: Option<Vec<u32>>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The string at `index`, which must be below [`Texts::len`].
    pub fn get(&self, index: usize) -> &[u8] {
        let (from, to) = self.places[index];
        &self.data[from as usize..to as usize]
    }

    /// Roughly the memory this takes.
    pub fn memory(&self) -> usize {
        self.data.len() + self.places.len() * 8
    }
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Bytes(texts) => texts.len(),
        }
    }

    /// Roughly the memory this takes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Bytes(texts) => texts.memory(),
            other => other.len() * 8,
        }
    }
}

/// A data page, unpacked but not decoded.
#[derive(Debug)]
pub struct Page {
    form: ColumnForm,
    /// Which rows have a value; none where all have.
    levels: Option<Vec<u64>>,
    encoding: i32,
    data: Bytes,
}

thread_local! {
    static CONTEXT: RefCell<Decompressor<'static>> = RefCell::new(Decompressor::default());
}

/// A zstd frame unpacked, with the one context of this thread: to make one costs more than most frames.
pub fn unzipped(packed: &[u8], capacity: usize) -> io::Result<Vec<u8>> {
    let mut data = Vec::with_capacity(capacity);
    CONTEXT.with_borrow_mut(|context| context.decompress_to_buffer(packed, &mut data))?;
    Ok(data)
}

fn unpacked(packed: &[u8], header: &PageHeader, compression: Compression) -> io::Result<Bytes> {
    if header.unpacked > PAGE_BYTES_MAX {
        return Err(Malformed("a page too large").into());
    }
    match compression {
        Compression::UNCOMPRESSED => Ok(Bytes::copy_from_slice(packed)),
        Compression::ZSTD(_) => Ok(unzipped(packed, header.unpacked)?.into()),
        _ => Err(Malformed("a page packed in a way unknown here").into()),
    }
}

/// The header of the page at the beginning of `bytes`, and what it holds, unpacked.
fn open(bytes: &[u8], kind: i32, compression: Compression) -> io::Result<(PageHeader, Bytes)> {
    let header = PageHeader::read(bytes)?;
    if header.kind != kind {
        return Err(Malformed("a page of another kind").into());
    }
    let end = header.bytes.checked_add(header.packed).filter(|&end| end <= bytes.len());
    let end = end.ok_or(Malformed("a page that ends too early"))?;
    Ok((header, unpacked(&bytes[header.bytes..end], &header, compression)?))
}

/// Reads a dictionary page.
pub fn read_dictionary(
    file: &CheckedFile,
    place: Range<u64>,
    (form, compression): (ColumnForm, Compression),
) -> io::Result<Values> {
    let bytes = file.read(place.start, (place.end - place.start) as usize)?;
    let (header, data) = open(&bytes, DICTIONARY_PAGE, compression)?;
    if !matches!(header.encoding, PLAIN | PLAIN_DICTIONARY) || header.values > PAGE_VALUES_MAX {
        return Err(Malformed("a dictionary of another encoding").into());
    }
    Ok(plain(form, &data, 0, header.values)?)
}

impl Page {
    /// The page at the beginning of `bytes`, which has `rows` rows.
    pub fn read(bytes: &[u8], (form, compression): (ColumnForm, Compression), rows: usize) -> io::Result<Self> {
        let (header, data) = open(bytes, DATA_PAGE, compression)?;
        if header.values != rows {
            return Err(Malformed("a page with more or fewer rows").into());
        }
        let (levels, data) = if form.is_optional {
            let length = data.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
            let length = length.ok_or(Malformed("a page without levels"))? as usize;
            let levels = data.get(4..4 + length).ok_or(Malformed("levels that end too early"))?;
            let levels = hybrid::levels(levels, rows)?;
            let is_full = levels.iter().map(|word| word.count_ones() as usize).sum::<usize>() == rows;
            (Some(levels).filter(|_| !is_full), data.slice(4 + length..))
        } else {
            (None, data)
        };
        Ok(Self { form, levels, encoding: header.encoding, data })
    }

    /// How many values lie before `row`.
    pub fn rank(&self, row: usize) -> usize {
        let Some(levels) = &self.levels else { return row };
        let whole: usize = levels[..row / 64].iter().map(|word| word.count_ones() as usize).sum();
        let rest = row % 64;
        whole + if rest == 0 { 0 } else { (levels[row / 64] & ((1 << rest) - 1)).count_ones() as usize }
    }

    /// Whether `row` has a value.
    pub fn has(&self, row: usize) -> bool {
        self.levels.as_ref().is_none_or(|levels| levels[row / 64] >> (row % 64) & 1 == 1)
    }

    /// Which rows have a value; none where all have.
    pub fn levels(&self) -> Option<&[u64]> {
        self.levels.as_deref()
    }

    pub fn is_coded(&self) -> bool {
        matches!(self.encoding, PLAIN_DICTIONARY | RLE_DICTIONARY)
    }

    /// The dictionary codes of the values at these ranks.
    pub fn codes(&self, ranks: Range<usize>) -> Result<Vec<u32>, Malformed> {
        if ranks.is_empty() {
            return Ok(Vec::new());
        }
        let (width, packed) = self.data.split_first().ok_or(Malformed("a page without codes"))?;
        let mut codes = Vec::with_capacity(ranks.len());
        hybrid::decode(packed, u32::from(*width), ranks.start, ranks.end, &mut codes)?;
        Ok(codes)
    }

    /// The values at these ranks.
    pub fn values(&self, ranks: Range<usize>, dictionary: Option<&Values>) -> Result<Values, Malformed> {
        match self.encoding {
            // A page without values may lack what values begin with.
            _ if ranks.is_empty() => plain(self.form, &Bytes::new(), 0, 0),
            PLAIN_DICTIONARY | RLE_DICTIONARY => {
                let dictionary = dictionary.ok_or(Malformed("codes without a dictionary"))?;
                looked_up(dictionary, self.codes(ranks)?)
            }
            PLAIN => plain(self.form, &self.data, ranks.start, ranks.end),
            BYTE_STREAM_SPLIT => joined(self.form, &self.data, ranks),
            DELTA_BINARY_PACKED if self.form.physical == Type::INT64 => {
                let mut values = delta::decode(&self.data, ranks.end)?;
                values.drain(..ranks.start);
                Ok(Values::Int64(values))
            }
            RLE if self.form.physical == Type::BOOLEAN => {
                let mut bits = Vec::with_capacity(ranks.len());
                let packed = self.data.get(4..).ok_or(Malformed("a page without values"))?;
                hybrid::decode(packed, 1, ranks.start, ranks.end, &mut bits)?;
                Ok(Values::Bool(bits.into_iter().map(|bit| bit != 0).collect()))
            }
            _ => Err(Malformed("values encoded in a way unknown here")),
        }
    }
}

fn looked_up(dictionary: &Values, codes: Vec<u32>) -> Result<Values, Malformed> {
    const UNKNOWN: Malformed = Malformed("a code that the dictionary does not have");
    fn all<T: Copy>(values: &[T], codes: &[u32]) -> Result<Vec<T>, Malformed> {
        codes.iter().map(|&code| values.get(code as usize).copied().ok_or(UNKNOWN)).collect()
    }
    Ok(match dictionary {
        Values::Int32(values) => Values::Int32(all(values, &codes)?),
        Values::Int64(values) => Values::Int64(all(values, &codes)?),
        Values::Double(values) => Values::Double(all(values, &codes)?),
        Values::Bool(values) => Values::Bool(all(values, &codes)?),
        Values::Bytes(texts) => {
            let places = all(&texts.places, &codes)?;
            Values::Bytes(Texts { data: texts.data.clone(), places, codes: Some(codes) })
        }
    })
}

/// Values whose bytes lie apart: the first byte of all of them, then the second of all.
fn joined(form: ColumnForm, data: &[u8], ranks: Range<usize>) -> Result<Values, Malformed> {
    let width = match form.physical {
        Type::INT32 => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::FIXED_LEN_BYTE_ARRAY => form.fixed,
        _ => return Err(Malformed("values encoded in a way unknown here")),
    };
    let count = data.len().checked_div(width).unwrap_or(0);
    if ranks.end > count || data.len() != count * width {
        return Err(Malformed("values that end too early"));
    }
    let mut bytes = vec![0; ranks.len() * width];
    for (place, of_place) in data.chunks_exact(count).enumerate() {
        for (value, &byte) in bytes.chunks_exact_mut(width).zip(&of_place[ranks.clone()]) {
            value[place] = byte;
        }
    }
    plain(form, &bytes.into(), 0, ranks.len())
}

/// Plain values at `from..to`.
fn plain(form: ColumnForm, data: &Bytes, from: usize, to: usize) -> Result<Values, Malformed> {
    const SHORT: Malformed = Malformed("values that end too early");
    fn numbers<T, const N: usize>(
        data: &[u8],
        from: usize,
        to: usize,
        read: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Malformed> {
        let bytes = data.get(from * N..to * N).ok_or(SHORT)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|&bytes| read(bytes)).collect())
    }
    Ok(match form.physical {
        Type::INT32 => Values::Int32(numbers(data, from, to, i32::from_le_bytes)?),
        Type::INT64 => Values::Int64(numbers(data, from, to, i64::from_le_bytes)?),
        Type::DOUBLE => Values::Double(numbers(data, from, to, f64::from_le_bytes)?),
        Type::BOOLEAN => {
            if to.div_ceil(8) > data.len() {
                return Err(SHORT);
            }
            Values::Bool((from..to).map(|index| data[index / 8] >> (index % 8) & 1 == 1).collect())
        }
        Type::FIXED_LEN_BYTE_ARRAY => {
            if to.checked_mul(form.fixed).is_none_or(|end| end > data.len()) {
                return Err(SHORT);
            }
            let place = |index: usize| ((index * form.fixed) as u32, ((index + 1) * form.fixed) as u32);
            Values::Bytes(Texts { data: data.clone(), places: (from..to).map(place).collect(), codes: None })
        }
        Type::BYTE_ARRAY => {
            let mut places = Vec::with_capacity(to - from);
            let mut at = 0_usize;
            for index in 0..to {
                let length = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
                let start = at + 4;
                at = start.checked_add(length.ok_or(SHORT)? as usize).filter(|&end| end <= data.len()).ok_or(SHORT)?;
                if index >= from {
                    places.push((start as u32, at as u32));
                }
            }
            Values::Bytes(Texts { data: data.clone(), places, codes: None })
        }
        _ => return Err(Malformed("a column of a type unknown here")),
    })
}
