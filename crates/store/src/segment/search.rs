//! Which rows of a segment meet a filter, and which values an attribute has: reads only the columns it is about, of them
//! only the pages that can matter, and of pages only codes where a dictionary decides.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use model::{Attributes, Duration, KeyValue, SpanKind, StatusCode, Text, Value};

use super::columns::AttributeColumn;
use super::key_counts::KeyCounts;
use super::page::{Page, Texts, Values};
use super::reader::value_at;
use super::row_set::{RowSet, set_bits};
use super::source::{RowGroup, Source};
use crate::encoding::{Decoder, Malformed};
use crate::span_filter::{SpanFilter, Test, TextTest, ValueTest};
use crate::{AttributeScope, ValueType};

/// Reads the attributes out of an encoded cell.
type DecodeEntries = fn(&[u8]) -> Result<Vec<KeyValue>, Malformed>;

const OTHER_TYPE: Malformed = Malformed("a column is of another type");

/// Searches a segment. Every column that is read twice is read from memory the second time.
pub struct Search<'a> {
    pub source: Source<'a>,
    /// How often each key occurs; read once, and only where attributes are asked for.
    keys: OnceCell<Arc<KeyCounts>>,
    read_keys: &'a dyn Fn() -> io::Result<Arc<KeyCounts>>,
    /// Whether exactly the rows were found that are meant.
    is_exact: Cell<bool>,
}

/// Rows that meet a filter.
pub struct Found {
    /// By row group.
    pub groups: Vec<RowSet>,
    /// Whether these are exactly the rows that are meant, not some too many.
    pub is_exact: bool,
}

impl<'a> Search<'a> {
    pub fn new(source: Source<'a>, read_keys: &'a dyn Fn() -> io::Result<Arc<KeyCounts>>) -> Self {
        Self { source, keys: OnceCell::new(), read_keys, is_exact: Cell::new(true) }
    }

    /// The rows that meet the filter, of these (in order; of all if none are named).
    pub fn rows(&self, filter: &SpanFilter, within: Option<&[Range<usize>]>) -> io::Result<Found> {
        self.is_exact.set(true);
        let groups = self.source.footer.groups.iter().enumerate();
        let groups: io::Result<Vec<RowSet>> = groups
            .map(|(group, &place)| {
                let rows = within.map_or_else(|| RowSet::all(place.rows), |ranges| rows_in(place, ranges));
                if rows.is_empty() { Ok(rows) } else { self.filter(filter, group, &rows) }
            })
            .collect();
        Ok(Found { groups: groups?, is_exact: self.is_exact.get() })
    }

    fn keys(&self) -> io::Result<&KeyCounts> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = (self.read_keys)()?;
        Ok(self.keys.get_or_init(|| keys))
    }

    fn leaf(&self, name: &str) -> Result<usize, Malformed> {
        self.source.footer.leaf(name).ok_or(Malformed("a column is missing"))
    }

    /// The rows of `within` that meet the filter. Nested as deep as the query's parser allowed.
    fn filter(&self, filter: &SpanFilter, group: usize, within: &RowSet) -> io::Result<RowSet> {
        match filter {
            SpanFilter::All(parts) => {
                let mut parts: Vec<&SpanFilter> = parts.iter().collect();
                parts.sort_by_key(|part| part.effort());
                let mut rows = within.clone();
                for part in parts {
                    if rows.is_empty() {
                        break;
                    }
                    rows = self.filter(part, group, &rows)?;
                }
                Ok(rows)
            }
            SpanFilter::Any(parts) => {
                let mut rows = self.none(group);
                for part in parts {
                    rows.unite(&self.filter(part, group, within)?);
                }
                Ok(rows)
            }
            SpanFilter::Name(test) => self.texts(group, self.leaf("name")?, within, &TextOf::Text(test)),
            SpanFilter::Kind(test) => self.numbers(group, self.leaf("kind")?, within, &|values, at| match values {
                Values::Int32(kinds) => Ok(test(&SpanKind(kinds[at]))),
                _ => Err(OTHER_TYPE),
            }),
            SpanFilter::Status(test) => {
                self.numbers(group, self.leaf("status_code")?, within, &|values, at| match values {
                    Values::Int32(codes) => Ok(test(&StatusCode(codes[at]))),
                    _ => Err(OTHER_TYPE),
                })
            }
            SpanFilter::Duration(test) => self.durations(group, within, test),
            SpanFilter::Attribute { scope, key, test } => self.attribute(group, within, *scope, key, test),
        }
    }

    fn none(&self, group: usize) -> RowSet {
        RowSet::none(self.source.footer.groups[group].rows)
    }

    fn durations(&self, group: usize, within: &RowSet, test: &Test<Duration>) -> io::Result<RowSet> {
        self.numbers(group, self.leaf("duration")?, within, &|values, at| match values {
            Values::Int64(durations) => {
                let duration = durations[at];
                let meets = test(&Duration(duration));
                if meets && duration < 0 {
                    self.is_exact.set(false);
                }
                Ok(meets)
            }
            _ => Err(OTHER_TYPE),
        })
    }

    fn attribute(
        &self,
        group: usize,
        within: &RowSet,
        scope: Option<AttributeScope>,
        key: &Text,
        test: &ValueTest,
    ) -> io::Result<RowSet> {
        let keys = self.keys()?;
        let occurs =
            |scope: &AttributeScope| ValueType::ALL.into_iter().any(|value_type| keys.of(*scope, value_type, key) > 0);
        let asked = scope.map_or(AttributeScope::ALL.to_vec(), |scope| vec![scope]);
        let scopes: Vec<AttributeScope> = asked.into_iter().filter(occurs).collect();
        if scopes.len() > 1 {
            // Which scope counts for a span depends on which others it has the key in.
            self.is_exact.set(false);
        }
        let mut rows = self.none(group);
        for scope in scopes {
            rows.unite(&self.attribute_in(group, within, scope, key, test)?);
        }
        Ok(rows)
    }

    fn attribute_in(
        &self,
        group: usize,
        within: &RowSet,
        scope: AttributeScope,
        key: &Text,
        test: &ValueTest,
    ) -> io::Result<RowSet> {
        let (column, decode) = column_of(scope);
        let mut rows = self.none(group);
        if scope != AttributeScope::Span {
            if matches!(scope, AttributeScope::Event | AttributeScope::Link) {
                self.is_exact.set(false);
            }
            return self.texts(group, self.leaf(column)?, within, &TextOf::Entries { key, test, decode });
        }
        let columns = self.columns(key);
        if columns.len() > 1 {
            // A span may have the key twice with two types; only its first value counts.
            self.is_exact.set(false);
        }
        for column in columns {
            let leaf = self.leaf(&column.name)?;
            rows.unite(&if column.value_type == ValueType::String {
                self.texts(group, leaf, within, &TextOf::Value(test))?
            } else {
                let of_value = |values: &Values, at: usize| value_at(values, at).map(|value| (test.meets)(&value));
                self.numbers(group, leaf, within, &of_value)?
            });
        }
        // Repeated keys, rare keys and nested values lie in the rest.
        let leaf = self.leaf(column)?;
        let any = ValueTest { equals: None, meets: Arc::new(|_| true) };
        let in_rest = self.texts(group, leaf, within, &TextOf::Entries { key, test: &any, decode })?;
        if !in_rest.is_empty() {
            self.is_exact.set(false);
            rows.unite(&self.texts(group, leaf, &in_rest, &TextOf::Entries { key, test, decode })?);
        }
        Ok(rows)
    }

    /// The columns of a span's attribute, one for each type.
    fn columns(&self, key: &str) -> Vec<&AttributeColumn> {
        let columns = self.source.footer.plan.columns.iter();
        columns.filter(|column| column.scope == AttributeScope::Span && &*column.key == key).collect()
    }

    /// The rows of `within` whose number meets the test; a number's dictionary is looked through once.
    fn numbers(
        &self,
        group: usize,
        leaf: usize,
        within: &RowSet,
        test: &dyn Fn(&Values, usize) -> Result<bool, Malformed>,
    ) -> io::Result<RowSet> {
        let mut rows = self.none(group);
        let hits = self.hits(group, leaf, test)?;
        if hits.as_ref().is_some_and(Hits::are_none) && self.source.footer.is_all_coded(group, leaf) {
            return Ok(rows);
        }
        self.source.pages(group, leaf, &|page| within.touches(&page), &mut |placed| {
            let count = placed.page.rank(placed.rows);
            if placed.page.is_coded() {
                let hits = hits.as_ref().ok_or(Malformed("codes without a dictionary"))?;
                return Ok(coded(&placed.page, count, placed.first, hits, &mut rows)?);
            }
            let values = placed.page.values(0..count, None)?;
            for (at, row) in present(&placed.page, placed.rows).enumerate() {
                // What earlier conditions left out need not be asked.
                if within.contains(placed.first + row) && test(&values, at)? {
                    rows.insert(placed.first + row);
                }
            }
            Ok(())
        })?;
        rows.intersect(within);
        Ok(rows)
    }

    fn hits(
        &self,
        group: usize,
        leaf: usize,
        test: &dyn Fn(&Values, usize) -> Result<bool, Malformed>,
    ) -> io::Result<Option<Hits>> {
        let Some(dictionary) = self.source.dictionary(group, leaf)? else { return Ok(None) };
        let tested: Result<Vec<bool>, Malformed> = (0..dictionary.len()).map(|at| test(&dictionary, at)).collect();
        Ok(Some(Hits::of(tested?)))
    }

    fn texts(&self, group: usize, leaf: usize, within: &RowSet, of: &TextOf<'_>) -> io::Result<RowSet> {
        self.numbers(group, leaf, within, &|values, at| match values {
            Values::Bytes(texts) => of.meets(texts, at),
            _ => Err(OTHER_TYPE),
        })
    }

    /// Hands out the values of an attribute with how often each occurs; the same value may come several times.
    pub fn count_values(&self, scope: AttributeScope, key: &str, take: &mut dyn FnMut(&Value, u64)) -> io::Result<()> {
        let (blobs, decode) = column_of(scope);
        for group in 0..self.source.footer.groups.len() {
            if scope == AttributeScope::Span {
                for column in self.columns(key) {
                    self.count_column(group, self.leaf(&column.name)?, &mut |values, at, times| {
                        take(&value_at(values, at)?, times);
                        Ok(())
                    })?;
                }
            }
            self.count_column(group, self.leaf(blobs)?, &mut |values, at, times| {
                let Values::Bytes(texts) = values else { return Err(OTHER_TYPE) };
                let entries = decode(texts.get(at))?;
                entries.iter().filter(|entry| &*entry.key == key).for_each(|entry| take(&entry.value, times));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn count_column(
        &self,
        group: usize,
        leaf: usize,
        take: &mut dyn FnMut(&Values, usize, u64) -> Result<(), Malformed>,
    ) -> io::Result<()> {
        let dictionary = self.source.dictionary(group, leaf)?;
        let mut counts = vec![0_u64; dictionary.as_ref().map_or(0, |dictionary| dictionary.len())];
        if counts.is_empty() && self.source.footer.is_all_coded(group, leaf) {
            return Ok(());
        }
        self.source.pages(group, leaf, &|_| true, &mut |placed| {
            let count = placed.page.rank(placed.rows);
            if placed.page.is_coded() {
                for code in placed.page.codes(0..count)? {
                    *counts.get_mut(code as usize).ok_or(Malformed("a code that the dictionary does not have"))? += 1;
                }
                return Ok(());
            }
            let values = placed.page.values(0..count, None)?;
            Ok((0..count).try_for_each(|at| take(&values, at, 1))?)
        })?;
        if let Some(dictionary) = dictionary {
            for (at, &times) in counts.iter().enumerate().filter(|(_, times)| **times > 0) {
                take(&dictionary, at, times)?;
            }
        }
        Ok(())
    }
}

/// Those of the ranges that are in the row group.
fn rows_in(place: RowGroup, ranges: &[Range<usize>]) -> RowSet {
    let mut rows = RowSet::none(place.rows);
    let end = place.first + place.rows;
    let first = ranges.partition_point(|range| range.end <= place.first);
    for range in ranges[first..].iter().take_while(|range| range.start < end) {
        rows.insert_all(range.start.max(place.first) - place.first..range.end.min(end) - place.first);
    }
    rows
}

/// The column of encoded attributes of a scope, and how it is decoded.
fn column_of(scope: AttributeScope) -> (&'static str, DecodeEntries) {
    match scope {
        AttributeScope::Span => ("rest", |bytes| Decoder::new(bytes).entries()),
        AttributeScope::Resource => ("resource", |bytes| Ok(Decoder::new(bytes).resource()?.attributes.0)),
        AttributeScope::Instrumentation => ("scope", |bytes| Ok(Decoder::new(bytes).scope()?.attributes.0)),
        AttributeScope::Event => {
            ("events", |bytes| Ok(joined(Decoder::new(bytes).events()?.into_iter().map(|event| event.attributes))))
        }
        AttributeScope::Link => {
            ("links", |bytes| Ok(joined(Decoder::new(bytes).links()?.into_iter().map(|link| link.attributes))))
        }
    }
}

fn joined(attributes: impl Iterator<Item = Attributes>) -> Vec<KeyValue> {
    attributes.flat_map(|attributes| attributes.0).collect()
}

/// What is asked of a byte string.
enum TextOf<'a> {
    Text(&'a TextTest),
    Value(&'a ValueTest),
    Entries { key: &'a str, test: &'a ValueTest, decode: DecodeEntries },
}

impl TextOf<'_> {
    fn meets(&self, texts: &Texts, at: usize) -> Result<bool, Malformed> {
        const NOT_UTF8: Malformed = Malformed("text that is not UTF-8");
        let bytes = texts.get(at);
        match self {
            Self::Text(TextTest { equals: Some(equals), .. }) | Self::Value(ValueTest { equals: Some(equals), .. }) => {
                Ok(bytes == equals.as_bytes())
            }
            Self::Text(test) => Ok((test.meets)(std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)?)),
            Self::Value(test) => {
                let text = std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)?;
                Ok((test.meets)(&Value::String(text.into())))
            }
            Self::Entries { key, test, decode } => {
                Ok(decode(bytes)?.iter().any(|entry| &*entry.key == *key && (test.meets)(&entry.value)))
            }
        }
    }
}

/// Which codes of a dictionary meet a test.
enum Hits {
    None,
    One(u32),
    Many(Vec<bool>),
}

impl Hits {
    fn of(tested: Vec<bool>) -> Self {
        let mut found = tested.iter().enumerate().filter(|(_, meets)| **meets).map(|(code, _)| code as u32);
        match (found.next(), found.next()) {
            (None, _) => Self::None,
            (Some(one), None) => Self::One(one),
            _ => Self::Many(tested),
        }
    }

    fn are_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Inserts the rows of a page whose code is a hit.
fn coded(page: &Page, count: usize, first: usize, hits: &Hits, rows: &mut RowSet) -> Result<(), Malformed> {
    let codes = page.codes(0..count)?;
    let is_hit = |code: u32| match hits {
        Hits::None => false,
        Hits::One(one) => code == *one,
        Hits::Many(many) => many.get(code as usize).copied().unwrap_or(false),
    };
    // Mostly a page has none: then which rows have a value need not be looked at.
    let any = match hits {
        Hits::One(one) => codes.contains(one),
        _ => codes.iter().any(|&code| is_hit(code)),
    };
    if !any {
        return Ok(());
    }
    match page.levels() {
        None => {
            codes.iter().enumerate().filter(|(_, code)| is_hit(**code)).for_each(|(row, _)| rows.insert(first + row))
        }
        Some(levels) => {
            for (row, code) in set_bits(levels).zip(codes) {
                if is_hit(code) {
                    rows.insert(first + row);
                }
            }
        }
    }
    Ok(())
}

/// The rows of a page that have a value.
fn present(page: &Page, rows: usize) -> Box<dyn Iterator<Item = usize> + '_> {
    match page.levels() {
        None => Box::new(0..rows),
        Some(levels) => Box::new(set_bits(levels)),
    }
}

/// How often each value of an attribute occurs in the segment; answers whether all were counted apart.
pub fn count_values(
    search: &Search<'_>,
    scope: AttributeScope,
    key: &str,
    limit: usize,
    counts: &mut HashMap<Value, u64>,
) -> io::Result<bool> {
    let mut complete = true;
    search.count_values(scope, key, &mut |value, times| {
        if let Some(count) = counts.get_mut(value) {
            *count += times;
        } else if counts.len() < limit {
            counts.insert(value.clone(), times);
        } else {
            complete = false;
        }
    })?;
    Ok(complete)
}
