//! Which traces of a segment meet a condition on their spans: reads only the columns the condition is about.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use model::{Attributes, KeyValue, Value};

use super::checked_file::CheckedFile;
use super::columns::CellReader;
use super::directory::{DirectoryFile, Traces};
use super::key_counts::KeyCounts;
use super::reader::Footer;
use crate::encoding::{Decoder, Malformed};
use crate::{AttributeScope, Predicate, ValueType};

/// Reads the attributes out of an encoded cell.
type DecodeEntries = dyn Fn(&[u8]) -> Result<Vec<KeyValue>, Malformed>;

/// A set of traces of one segment, by their position in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSet(Vec<u64>);

impl TraceSet {
    pub fn none(traces: usize) -> Self {
        Self(vec![0; traces.div_ceil(64)])
    }

    pub fn insert(&mut self, position: usize) {
        self.0[position / 64] |= 1 << (position % 64);
    }

    pub fn contains(&self, position: usize) -> bool {
        self.0[position / 64] & 1 << (position % 64) != 0
    }

    pub fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }
}

/// What a search reads.
#[derive(Debug)]
pub struct Searched<'a> {
    footer: &'a Footer,
    file: &'a CheckedFile,
    traces: &'a Traces,
    directory: &'a DirectoryFile,
    /// Read once, and only where attributes are asked for.
    keys: OnceCell<KeyCounts>,
}

/// Traces with a span that meets `predicate`; none if that is decided by the directory alone.
pub fn matching(searched: &Searched<'_>, predicate: &Predicate) -> io::Result<Option<TraceSet>> {
    let mut found = TraceSet::none(searched.traces.entries.len());
    match predicate {
        Predicate::SpanName(name) => {
            searched.rows(&mut found, "name", &mut |column, row| column.as_string::<i32>().value(row) == &**name)?
        }
        Predicate::SpanKind(kind) => searched
            .rows(&mut found, "kind", &mut |column, row| column.as_primitive::<Int32Type>().value(row) == kind.0)?,
        Predicate::SpanStatus(code) => searched.rows(&mut found, "status_code", &mut |column, row| {
            column.as_primitive::<Int32Type>().value(row) == code.0
        })?,
        Predicate::SpanDuration { min, max } => searched.rows(&mut found, "duration", &mut |column, row| {
            (min.0..=max.0).contains(&column.as_primitive::<Int64Type>().value(row))
        })?,
        Predicate::Attribute { scope, key, value } => {
            for scope in scope.map_or(AttributeScope::ALL.to_vec(), |scope| vec![scope]) {
                searched.attribute(&mut found, scope, key, Some(value))?;
            }
        }
        Predicate::HasAttribute { scope, key } => {
            for scope in scope.map_or(AttributeScope::ALL.to_vec(), |scope| vec![scope]) {
                searched.attribute(&mut found, scope, key, None)?;
            }
        }
        Predicate::Service(_)
        | Predicate::RootService(_)
        | Predicate::RootName(_)
        | Predicate::TraceDuration { .. }
        | Predicate::HasError(_) => return Ok(None),
    }
    Ok(Some(found))
}

/// How often each value of an attribute occurs in the segment.
pub fn count_values(
    searched: &Searched<'_>,
    scope: AttributeScope,
    key: &str,
    limit: usize,
    counts: &mut HashMap<Value, u64>,
) -> io::Result<bool> {
    let mut complete = true;
    searched.each_value(scope, key, &mut |_, value| {
        if let Some(count) = counts.get_mut(value) {
            *count += 1;
        } else if counts.len() < limit {
            counts.insert(value.clone(), 1);
        } else {
            complete = false;
        }
    })?;
    Ok(complete)
}

impl<'a> Searched<'a> {
    pub fn new(footer: &'a Footer, file: &'a CheckedFile, traces: &'a Traces, directory: &'a DirectoryFile) -> Self {
        Self { footer, file, traces, directory, keys: OnceCell::new() }
    }

    fn keys(&self) -> io::Result<&KeyCounts> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = self.directory.keys()?;
        Ok(self.keys.get_or_init(|| keys))
    }

    /// Inserts the traces of the rows where `test` holds for one column.
    fn rows(
        &self,
        found: &mut TraceSet,
        column: &str,
        test: &mut dyn FnMut(&ArrayRef, usize) -> bool,
    ) -> io::Result<()> {
        let mut first = 0;
        for batch in self.footer.read_columns(self.file, None, &|name| name == column)? {
            let batch = batch.map_err(io::Error::other)?;
            let array = batch.columns().first().ok_or(Malformed("a column is missing"))?;
            for row in 0..batch.num_rows() {
                if test(array, row) {
                    self.insert_row(found, first + row);
                }
            }
            first += batch.num_rows();
        }
        Ok(())
    }

    fn insert_row(&self, found: &mut TraceSet, row: usize) {
        if let Some(position) = self.traces.position_of_row(row as u32) {
            found.insert(position);
        }
    }

    fn attribute(
        &self,
        found: &mut TraceSet,
        scope: AttributeScope,
        key: &str,
        value: Option<&Value>,
    ) -> io::Result<()> {
        let keys = self.keys()?;
        let occurs = |value_type| keys.of(scope, value_type, key) > 0;
        // An absent key, or a key that never has this type, costs nothing.
        let possible =
            value.map_or_else(|| ValueType::ALL.into_iter().any(occurs), |value| occurs(ValueType::of(value)));
        if !possible {
            return Ok(());
        }
        self.each_value(scope, key, &mut |row, seen| {
            if value.is_none_or(|value| value == seen) {
                self.insert_row(found, row);
            }
        })
    }

    /// Hands out every value of an attribute with its row.
    fn each_value(&self, scope: AttributeScope, key: &str, take: &mut dyn FnMut(usize, &Value)) -> io::Result<()> {
        match scope {
            AttributeScope::Span => self.each_span_value(key, take),
            AttributeScope::Resource => {
                self.each_blob("resource", key, take, &|bytes| Ok(Decoder::new(bytes).resource()?.attributes.0))
            }
            AttributeScope::Instrumentation => {
                self.each_blob("scope", key, take, &|bytes| Ok(Decoder::new(bytes).scope()?.attributes.0))
            }
            AttributeScope::Event => self.each_blob("events", key, take, &|bytes| {
                Ok(joined(Decoder::new(bytes).events()?.into_iter().map(|event| event.attributes)))
            }),
            AttributeScope::Link => self.each_blob("links", key, take, &|bytes| {
                Ok(joined(Decoder::new(bytes).links()?.into_iter().map(|link| link.attributes)))
            }),
        }
    }

    fn each_span_value(&self, key: &str, take: &mut dyn FnMut(usize, &Value)) -> io::Result<()> {
        let of_key =
            |column: &&super::columns::AttributeColumn| column.scope == AttributeScope::Span && &*column.key == key;
        let columns: Vec<_> = self.footer.plan.columns.iter().filter(of_key).collect();
        let mut in_columns = 0;
        let mut first = 0;
        if !columns.is_empty() {
            let wanted = |name: &str| columns.iter().any(|column| column.name == name);
            for batch in self.footer.read_columns(self.file, None, &wanted)? {
                let batch = batch.map_err(io::Error::other)?;
                for column in &columns {
                    in_columns += each_cell(&batch, column, first, take);
                }
                first += batch.num_rows();
            }
        }
        // Repeated keys, rare keys and nested values lie in the rest.
        let keys = self.keys()?;
        let total: u64 =
            ValueType::ALL.into_iter().map(|value_type| keys.of(AttributeScope::Span, value_type, key)).sum();
        if total > in_columns {
            self.each_blob("rest", key, take, &|bytes| Decoder::new(bytes).entries())?;
        }
        Ok(())
    }

    /// Decodes a column of encoded attributes; what repeats from row to row is decoded once.
    fn each_blob(
        &self,
        column: &str,
        key: &str,
        take: &mut dyn FnMut(usize, &Value),
        decode: &DecodeEntries,
    ) -> io::Result<()> {
        let mut first = 0;
        let mut last: (Vec<u8>, Vec<Value>) = Default::default();
        for batch in self.footer.read_columns(self.file, None, &|name| name == column)? {
            let batch = batch.map_err(io::Error::other)?;
            let array: &BinaryArray = batch
                .columns()
                .first()
                .and_then(|array| array.as_binary_opt())
                .ok_or(Malformed("a column is missing"))?;
            for row in (0..array.len()).filter(|&row| array.is_valid(row)) {
                if array.value(row) != last.0 {
                    let entries = decode(array.value(row))?;
                    let values = entries.into_iter().filter(|entry| &*entry.key == key).map(|entry| entry.value);
                    last = (array.value(row).to_vec(), values.collect());
                }
                last.1.iter().for_each(|value| take(first + row, value));
            }
            first += array.len();
        }
        Ok(())
    }
}

/// Hands out the cells of a column that are not null; answers how many.
fn each_cell(
    batch: &RecordBatch,
    column: &super::columns::AttributeColumn,
    first: usize,
    take: &mut dyn FnMut(usize, &Value),
) -> u64 {
    let Some(mut cells) = CellReader::new(batch, column) else { return 0 };
    let mut seen = 0;
    for row in 0..batch.num_rows() {
        if let Some(value) = cells.value(row) {
            take(first + row, &value);
            seen += 1;
        }
    }
    seen
}

fn joined(attributes: impl Iterator<Item = Attributes>) -> Vec<KeyValue> {
    attributes.flat_map(|attributes| attributes.0).collect()
}
