//! The cells of one column of a row group, gathered from the parts: each page is unpacked once, each text of a dictionary
//! looked up once, and codes are copied.

use std::io;
use std::ops::Range;

use hashbrown::HashTable;
use model::bytes_hash;

use super::rows::{GroupRows, NOWHERE, PartRows};
use crate::encoding::Malformed;
use crate::limits::{MERGE_TEXTS_TRIED, SHARED_TEXT_BYTES_MAX};
use crate::segment::page::{Page, Values};
use crate::segment::source::Source;

pub const OTHER_TYPE: Malformed = Malformed("a column is of another type");

/// What a page has for the row group.
struct Wanted<'a> {
    page: &'a Page,
    /// The row group of the part.
    group: usize,
    /// Rows of the page of which some may go along, with where each goes.
    rows: Range<usize>,
    to: &'a [u32],
    /// The values of these rows.
    ranks: Range<usize>,
}

impl Wanted<'_> {
    /// Hands out each value that goes along: its place among those of `ranks`, and its row.
    #[inline]
    fn each(&self, mut take: impl FnMut(usize, u32)) {
        let Some(levels) = self.page.levels() else {
            return self.to.iter().enumerate().filter(|(_, to)| **to != NOWHERE).for_each(|(at, &to)| take(at, to));
        };
        let Range { start, end } = self.rows;
        let mut at = 0;
        for (number, &word) in levels.iter().enumerate().take(end.div_ceil(64)).skip(start / 64) {
            let mut word = word;
            if number == start / 64 {
                word &= u64::MAX << (start % 64);
            }
            if number == end / 64 {
                word &= (1 << (end % 64)) - 1;
            }
            while word != 0 {
                let row = number * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let to = self.to[row - start];
                if to != NOWHERE {
                    take(at, to);
                }
                at += 1;
            }
        }
    }
}

/// Hands out the pages of a column that have rows that go along.
fn each_page(
    part: &Source<'_>,
    leaf: usize,
    rows: &PartRows,
    take: &mut dyn FnMut(&Wanted<'_>) -> io::Result<()>,
) -> io::Result<()> {
    for (group, place) in part.footer.groups.iter().enumerate() {
        if !rows.touches(&(place.first..place.first + place.rows)) {
            continue;
        }
        let is_wanted = |within: Range<usize>| rows.touches(&(place.first + within.start..place.first + within.end));
        part.pages(group, leaf, &is_wanted, &mut |placed| {
            let first = place.first + placed.first;
            let (within, to) = rows.within(&(first..first + placed.rows));
            let of_page = within.start - first..within.end - first;
            let ranks = placed.page.rank(of_page.start)..placed.page.rank(of_page.end);
            if ranks.is_empty() {
                return Ok(());
            }
            take(&Wanted { page: &placed.page, group, rows: of_page, to, ranks })
        })?;
    }
    Ok(())
}

/// Values by row, and which rows have one.
#[derive(Debug)]
pub struct Cells<T> {
    present: Vec<u64>,
    values: Vec<T>,
}

impl<T: Copy + Default> Cells<T> {
    pub fn new(rows: usize) -> Self {
        Self { present: vec![0; rows.div_ceil(64)], values: vec![T::default(); rows] }
    }

    #[inline]
    pub fn put(&mut self, row: u32, value: T) {
        self.values[row as usize] = value;
        self.present[row as usize / 64] |= 1 << (row % 64);
    }

    pub fn take_away(&mut self, row: u32) {
        self.present[row as usize / 64] &= !(1 << (row % 64));
    }

    pub fn get(&self, row: u32) -> Option<T> {
        (self.present[row as usize / 64] >> (row % 64) & 1 == 1).then(|| self.values[row as usize])
    }

    /// The rows that have a value, in order, and their values.
    pub fn packed(&self) -> (Vec<u32>, Vec<T>) {
        let count: usize = self.present.iter().map(|word| word.count_ones() as usize).sum();
        let (mut rows, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for row in crate::segment::row_set::set_bits(&self.present) {
            rows.push(row as u32);
            values.push(self.values[row]);
        }
        (rows, values)
    }

    /// The values of a column that has one in every row.
    pub fn all(self) -> Result<Vec<T>, Malformed> {
        let count: usize = self.present.iter().map(|word| word.count_ones() as usize).sum();
        if count == self.values.len() { Ok(self.values) } else { Err(Malformed("a row without a value")) }
    }
}

/// Different byte strings by number.
#[derive(Debug, Default)]
pub struct Strings {
    data: Vec<u8>,
    places: Vec<Range<usize>>,
    known: HashTable<u32>,
    /// How many were looked up that no dictionary had.
    tried: usize,
}

impl Strings {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn get(&self, number: u32) -> &[u8] {
        &self.data[self.places[number as usize].clone()]
    }

    /// The number of this string.
    pub fn number(&mut self, bytes: &[u8]) -> u32 {
        let Self { data, places, known, .. } = self;
        let is_same = |&number: &u32| &data[places[number as usize].clone()] == bytes;
        let hash = bytes_hash(bytes);
        if let Some(&number) = known.find(hash, is_same) {
            return number;
        }
        let hash_of = |&number: &u32| bytes_hash(&data[places[number as usize].clone()]);
        let number = places.len() as u32;
        known.insert_unique(hash, number, hash_of);
        places.push(data.len()..data.len() + bytes.len());
        data.extend_from_slice(bytes);
        number
    }

    /// The number of a string that no dictionary had: where they hardly ever repeat they are not looked up any more.
    fn number_of_plain(&mut self, bytes: &[u8]) -> u32 {
        let hardly_repeat = self.tried >= MERGE_TEXTS_TRIED && self.places.len() * 2 > self.tried;
        if hardly_repeat || bytes.len() > SHARED_TEXT_BYTES_MAX {
            self.places.push(self.data.len()..self.data.len() + bytes.len());
            self.data.extend_from_slice(bytes);
            return self.places.len() as u32 - 1;
        }
        self.tried += 1;
        self.number(bytes)
    }
}

/// Gathers columns of one row group.
pub struct Gather<'a> {
    pub parts: &'a [Source<'a>],
    pub rows: &'a GroupRows,
}

impl Gather<'_> {
    /// The place of a column that every part has.
    pub fn leaf(&self, part: usize, name: &str) -> Result<usize, Malformed> {
        self.parts[part].footer.leaf(name).ok_or(Malformed("a column is missing"))
    }

    /// A column of texts or bytes that every part has.
    pub fn strings(&self, name: &str, strings: &mut Strings) -> io::Result<Cells<u32>> {
        let mut cells = Cells::new(self.rows.rows);
        for (part, rows) in self.rows.parts.iter().enumerate() {
            self.strings_of(part, self.leaf(part, name)?, rows, strings, &mut |row, number| cells.put(row, number))?;
        }
        Ok(cells)
    }

    /// What one part has for a column of texts or bytes.
    pub fn strings_of(
        &self,
        part: usize,
        leaf: usize,
        rows: &PartRows,
        strings: &mut Strings,
        put: &mut dyn FnMut(u32, u32),
    ) -> io::Result<()> {
        let part = &self.parts[part];
        // By row group of the part: its dictionary, and the numbers of its texts where they are known.
        let mut coded: Option<(usize, std::sync::Arc<Values>, Vec<u32>)> = None;
        each_page(part, leaf, rows, &mut |wanted| {
            if !wanted.page.is_coded() {
                let Values::Bytes(texts) = wanted.page.values(wanted.ranks.clone(), None)? else {
                    return Err(OTHER_TYPE.into());
                };
                wanted.each(|at, row| put(row, strings.number_of_plain(texts.get(at))));
                return Ok(());
            }
            if coded.as_ref().is_none_or(|(group, ..)| *group != wanted.group) {
                let dictionary = part.dictionary(wanted.group, leaf)?;
                let dictionary = dictionary.ok_or(Malformed("codes without a dictionary"))?;
                let numbers = vec![NOWHERE; dictionary.len()];
                coded = Some((wanted.group, dictionary, numbers));
            }
            let Some((_, dictionary, numbers)) = &mut coded else { return Ok(()) };
            let Values::Bytes(texts) = &**dictionary else { return Err(OTHER_TYPE.into()) };
            let codes = wanted.page.codes(wanted.ranks.clone())?;
            if codes.iter().any(|&code| code as usize >= numbers.len()) {
                return Err(Malformed("a code that the dictionary does not have").into());
            }
            wanted.each(|at, row| {
                let code = codes[at] as usize;
                if numbers[code] == NOWHERE {
                    numbers[code] = strings.number(texts.get(code));
                }
                put(row, numbers[code]);
            });
            Ok(())
        })
    }

    /// The rows in which one part has a value for a column.
    pub fn rows_of(&self, part: usize, leaf: usize, rows: &PartRows, take: &mut dyn FnMut(u32)) -> io::Result<()> {
        each_page(&self.parts[part], leaf, rows, &mut |wanted| {
            wanted.each(|_, row| take(row));
            Ok(())
        })
    }

    /// A column of 32-bit integers that every part has.
    pub fn ints(&self, name: &str) -> io::Result<Cells<u32>> {
        self.values(name, |values, at| match values {
            Values::Int32(numbers) => Some(numbers[at] as u32),
            _ => None,
        })
    }

    /// A column of 64-bit integers that every part has.
    pub fn longs(&self, name: &str) -> io::Result<Cells<u64>> {
        self.values(name, |values, at| match values {
            Values::Int64(numbers) => Some(numbers[at] as u64),
            _ => None,
        })
    }

    /// A column of ids of spans that every part has.
    pub fn ids(&self, name: &str) -> io::Result<Cells<[u8; 8]>> {
        self.values(name, |values, at| match values {
            Values::Bytes(ids) => ids.get(at).try_into().ok(),
            _ => None,
        })
    }

    fn values<T: Copy + Default>(
        &self,
        name: &str,
        value: impl Fn(&Values, usize) -> Option<T> + Copy,
    ) -> io::Result<Cells<T>> {
        let mut cells = Cells::new(self.rows.rows);
        for (part, rows) in self.rows.parts.iter().enumerate() {
            self.values_of(part, self.leaf(part, name)?, rows, value, &mut |row, value| cells.put(row, value))?;
        }
        Ok(cells)
    }

    /// What one part has for a column of truth values or numbers, as bits.
    pub fn bits_of(&self, part: usize, leaf: usize, rows: &PartRows, put: &mut dyn FnMut(u32, u64)) -> io::Result<()> {
        let bits = |values: &Values, at: usize| match values {
            Values::Int64(numbers) => Some(numbers[at] as u64),
            Values::Double(numbers) => Some(numbers[at].to_bits()),
            Values::Bool(bools) => Some(u64::from(bools[at])),
            Values::Int32(_) | Values::Bytes(_) => None,
        };
        self.values_of(part, leaf, rows, bits, put)
    }

    fn values_of<T>(
        &self,
        part: usize,
        leaf: usize,
        rows: &PartRows,
        value: impl Fn(&Values, usize) -> Option<T> + Copy,
        put: &mut dyn FnMut(u32, T),
    ) -> io::Result<()> {
        let part = &self.parts[part];
        each_page(part, leaf, rows, &mut |wanted| {
            let dictionary = match wanted.page.is_coded() {
                true => part.dictionary(wanted.group, leaf)?,
                false => None,
            };
            let values = wanted.page.values(wanted.ranks.clone(), dictionary.as_deref())?;
            if values.len() < wanted.ranks.len() {
                return Err(Malformed("fewer values than rows").into());
            }
            let mut is_other = false;
            wanted.each(|at, row| match value(&values, at) {
                Some(value) => put(row, value),
                None => is_other = true,
            });
            if is_other { Err(OTHER_TYPE.into()) } else { Ok(()) }
        })
    }
}
