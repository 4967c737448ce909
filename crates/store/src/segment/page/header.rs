//! The header of a Parquet page: Thrift's compact protocol, read as far as our files use it.

use crate::encoding::{Decoder, Malformed};
use crate::limits::THRIFT_DEPTH_MAX;

/// What a page's header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageHeader {
    pub kind: i32,
    pub unpacked: usize,
    pub packed: usize,
    pub values: usize,
    pub encoding: i32,
    /// Bytes of the header itself.
    pub bytes: usize,
}

pub const DATA_PAGE: i32 = 0;
pub const DICTIONARY_PAGE: i32 = 2;

pub const PLAIN: i32 = 0;
pub const PLAIN_DICTIONARY: i32 = 2;
pub const RLE: i32 = 3;
pub const DELTA_BINARY_PACKED: i32 = 5;
pub const RLE_DICTIONARY: i32 = 8;
pub const BYTE_STREAM_SPLIT: i32 = 9;

impl PageHeader {
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Decoder::new(bytes);
        let mut header = Self::default();
        fields(&mut from, 0, &mut |field, kind, from| {
            match (field, kind) {
                (1, I32) => header.kind = number(from)?,
                (2, I32) => header.unpacked = size(from)?,
                (3, I32) => header.packed = size(from)?,
                // The headers of data pages and of dictionary pages begin alike.
                (5 | 7, STRUCT) => fields(from, 1, &mut |field, kind, from| match (field, kind) {
                    (1, I32) => size(from).map(|count| header.values = count),
                    (2, I32) => number(from).map(|encoding| header.encoding = encoding),
                    _ => skip(from, kind, 2),
                })?,
                _ => skip(from, kind, 1)?,
            }
            Ok(())
        })?;
        header.bytes = bytes.len() - from.left();
        Ok(header)
    }
}

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

type TakeField<'t> = dyn FnMut(i64, u8, &mut Decoder<'_>) -> Result<(), Malformed> + 't;

fn fields(from: &mut Decoder<'_>, depth: usize, take: &mut TakeField<'_>) -> Result<(), Malformed> {
    if depth > THRIFT_DEPTH_MAX {
        return Err(Malformed("a page header nested too deeply"));
    }
    let mut field = 0_i64;
    loop {
        let [byte] = from.array()?;
        if byte == STOP {
            return Ok(());
        }
        field = match i64::from(byte >> 4) {
            0 => from.signed()?,
            delta => field + delta,
        };
        take(field, byte & 15, from)?;
    }
}

fn number(from: &mut Decoder<'_>) -> Result<i32, Malformed> {
    i32::try_from(from.signed()?).map_err(|_| Malformed("a number too large in a page header"))
}

fn size(from: &mut Decoder<'_>) -> Result<usize, Malformed> {
    usize::try_from(number(from)?).map_err(|_| Malformed("a negative size in a page header"))
}

fn skip(from: &mut Decoder<'_>, kind: u8, depth: usize) -> Result<(), Malformed> {
    if depth > THRIFT_DEPTH_MAX {
        return Err(Malformed("a page header nested too deeply"));
    }
    match kind {
        TRUE | FALSE => {}
        BYTE => drop(from.raw(1)?),
        I16 | I32 | I64 => drop(from.unsigned()?),
        DOUBLE => drop(from.raw(8)?),
        BINARY => drop(from.blob()?),
        LIST | SET => {
            let [head] = from.array()?;
            let count = match usize::from(head >> 4) {
                15 => from.count()?,
                count => count,
            };
            // In a list, booleans take a byte each.
            let element = if matches!(head & 15, TRUE | FALSE) { BYTE } else { head & 15 };
            (0..count).try_for_each(|_| skip(from, element, depth + 1))?;
        }
        STRUCT => fields(from, depth, &mut |_, kind, from| skip(from, kind, depth + 1))?,
        _ => return Err(Malformed("an unknown type in a page header")),
    }
    Ok(())
}
