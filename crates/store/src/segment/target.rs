//! Where the columns of a row group go, one after the other: each with a dictionary where that is shorter.

use std::io;

use hashbrown::HashMap;
use model::{TextId, Texts};
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{ChunkEncoder, EncodedChunk, Values, put_blob};
use super::texts::SharedThings;
use crate::limits::{DICTIONARY_BYTES_MAX, DICTIONARY_VALUES_MAX};

/// Where the columns go.
pub struct Target<'a> {
    encoder: &'a mut ChunkEncoder,
    columns: std::slice::Iter<'a, ColumnDescPtr>,
    append: &'a mut dyn FnMut(EncodedChunk) -> io::Result<()>,
    rows: usize,
    /// Codes by the segment's number of a text, while one dictionary is made.
    local: Vec<u32>,
}

const NO_CODE: u32 = u32::MAX;

impl<'a> Target<'a> {
    /// The next columns of a row group are these; `append` gets one chunk after the other.
    pub fn new(
        encoder: &'a mut ChunkEncoder,
        columns: &'a [ColumnDescPtr],
        rows: usize,
        append: &'a mut dyn FnMut(EncodedChunk) -> io::Result<()>,
    ) -> Self {
        Self { encoder, columns: columns.iter(), append, rows, local: Vec::new() }
    }

    /// Encodes the next column. Rows in `present` have a value; all have where it is absent.
    pub fn put(&mut self, present: Option<&[u32]>, values: &Values<'_>) -> io::Result<()> {
        let column = self.columns.next().ok_or_else(|| io::Error::other("more columns than the schema has"))?;
        let chunk = self.encoder.encode(column, self.rows, present, values)?;
        (self.append)(chunk)
    }

    /// Texts by number.
    pub fn texts(&mut self, present: Option<&[u32]>, ids: &[u32], texts: &Texts) -> io::Result<()> {
        self.blobs(present, ids, texts.len(), &|id| texts.text(TextId(id)).as_bytes())
    }

    /// Resources or scopes by number.
    pub fn shared<T>(&mut self, ids: &[u32], shared: &SharedThings<T>) -> io::Result<()> {
        self.blobs(None, ids, shared.things.len(), &|id| &shared.things[id as usize].0)
    }

    /// Texts or bytes, of which each has a number below `known`: with a dictionary where that is shorter.
    pub fn blobs<'b>(
        &mut self,
        present: Option<&[u32]>,
        ids: &[u32],
        known: usize,
        blob: &dyn Fn(u32) -> &'b [u8],
    ) -> io::Result<()> {
        if self.local.len() < known {
            self.local.resize(known, NO_CODE);
        }
        let mut distinct: Vec<u32> = Vec::new();
        for &id in ids {
            if std::mem::replace(&mut self.local[id as usize], 0) == NO_CODE {
                distinct.push(id);
            }
        }
        let bytes: usize = distinct.iter().map(|&id| blob(id).len() + 4).sum();
        let is_coded = is_worth_a_dictionary(distinct.len(), ids.len()) && bytes <= DICTIONARY_BYTES_MAX;
        let (mut codes, mut dictionary) = (Vec::new(), Vec::with_capacity(bytes));
        if is_coded {
            // Sorted, neighbours share their beginnings, which compresses better.
            distinct.sort_unstable_by(|&a, &b| blob(a).cmp(blob(b)));
            for (&id, code) in distinct.iter().zip(0..) {
                self.local[id as usize] = code;
                put_blob(blob(id), &mut dictionary);
            }
            codes = ids.iter().map(|&id| self.local[id as usize]).collect();
        }
        distinct.iter().for_each(|&id| self.local[id as usize] = NO_CODE);
        if is_coded {
            let values = Values::Coded { codes: &codes, dictionary: &dictionary, count: distinct.len() };
            return self.put(present, &values);
        }
        let at = |place: usize| blob(ids[place]);
        self.put(present, &Values::Blobs { count: ids.len(), blob: &at })
    }

    /// Numbers of `width` bytes: with a dictionary where that is shorter.
    pub fn numbers<T: Copy + Into<u64>>(
        &mut self,
        present: Option<&[u32]>,
        numbers: &[T],
        width: usize,
    ) -> io::Result<()> {
        let mut distinct: HashMap<u64, u32> = HashMap::new();
        let mut codes = Vec::with_capacity(numbers.len());
        let mut last: Option<(u64, u32)> = None;
        for &number in numbers {
            let number = number.into();
            let code = match last {
                Some((before, code)) if before == number => code,
                _ => {
                    let next = distinct.len() as u32;
                    *distinct.entry(number).or_insert(next)
                }
            };
            last = Some((number, code));
            codes.push(code);
            // What begins with a thousand different numbers goes on like that.
            if codes.len() == 1_024 && !is_worth_a_dictionary(distinct.len(), codes.len()) {
                break;
            }
        }
        if codes.len() == numbers.len() && is_worth_a_dictionary(distinct.len(), numbers.len()) {
            let mut in_order: Vec<(u32, u64)> = distinct.into_iter().map(|(number, code)| (code, number)).collect();
            in_order.sort_unstable();
            let dictionary: Vec<u8> =
                in_order.iter().flat_map(|(_, number)| number.to_le_bytes().into_iter().take(width)).collect();
            let values = Values::Coded { codes: &codes, dictionary: &dictionary, count: in_order.len() };
            return self.put(present, &values);
        }
        let bytes: Vec<u8> =
            numbers.iter().flat_map(|&number| number.into().to_le_bytes().into_iter().take(width)).collect();
        self.put(present, &Values::Fixed { bytes: &bytes, width })
    }
}

fn is_worth_a_dictionary(distinct: usize, values: usize) -> bool {
    distinct <= 1 || (distinct * 2 <= values && distinct <= DICTIONARY_VALUES_MAX)
}
