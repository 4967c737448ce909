//! The compact binary encoding of what has no Parquet column of its own: the rest of the attributes, events, links,
//! resources, scopes, and the trace directory. FORMAT.md tells it in prose; the version is that of the segment.
//!
//! ```text
//! unsigned = LEB128      signed = zigzag, then LEB128      text, bytes = length, then the bytes
//! value = tag, then what the tag says      attributes = count, then (key, value) each
//! ```

use std::sync::Arc;

use model::{Attributes, EntityRef, Event, Instant, KeyValue, Link, Resource, Scope, SpanId, Text, TraceId, Value};

use crate::limits::VALUE_DEPTH_MAX;

const EMPTY: u8 = 0;
const STRING: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INT: u8 = 4;
const DOUBLE: u8 = 5;
const BYTES: u8 = 6;
const ARRAY: u8 = 7;
const MAP: u8 = 8;

/// Bytes that are not what this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Malformed> for std::io::Error {
    fn from(problem: Malformed) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, problem.0)
    }
}

/// Writes the encoding.
#[derive(Debug, Default)]
pub struct Encoder {
    pub bytes: Vec<u8>,
}

impl Encoder {
    pub fn unsigned(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub fn signed(&mut self, number: i64) {
        self.unsigned(((number << 1) ^ (number >> 63)) as u64);
    }

    pub fn count(&mut self, count: usize) {
        self.unsigned(count as u64);
    }

    pub fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn value(&mut self, value: &Value) {
        self.nested(value, 0);
    }

    /// A value that is a text.
    pub fn text_value(&mut self, text: &str) {
        self.bytes.push(STRING);
        self.text(text);
    }

    fn nested(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => {
                self.bytes.push(STRING);
                self.text(text);
            }
            Value::Bool(bool) => self.bytes.push(if *bool { TRUE } else { FALSE }),
            Value::Int(int) => {
                self.bytes.push(INT);
                self.signed(*int);
            }
            Value::Double(double) => {
                self.bytes.push(DOUBLE);
                self.raw(&double.to_bits().to_le_bytes());
            }
            Value::Bytes(bytes) => {
                self.bytes.push(BYTES);
                self.blob(bytes);
            }
            Value::Array(values) if depth < VALUE_DEPTH_MAX => {
                self.bytes.push(ARRAY);
                self.count(values.len());
                values.iter().for_each(|value| self.nested(value, depth + 1));
            }
            Value::Map(entries) if depth < VALUE_DEPTH_MAX => {
                self.bytes.push(MAP);
                self.count(entries.len());
                for entry in entries {
                    self.text(&entry.key);
                    self.nested(&entry.value, depth + 1);
                }
            }
            // Deeper than any decoder of ours lets in.
            Value::Empty | Value::Array(_) | Value::Map(_) => self.bytes.push(EMPTY),
        }
    }

    pub fn entries<'a>(&mut self, entries: impl ExactSizeIterator<Item = &'a KeyValue>) {
        self.count(entries.len());
        for entry in entries {
            self.text(&entry.key);
            self.value(&entry.value);
        }
    }

    pub fn attributes(&mut self, attributes: &Attributes) {
        self.entries(attributes.0.iter());
    }

    pub fn events(&mut self, events: &[Event]) {
        self.count(events.len());
        for event in events {
            self.unsigned(event.time.0);
            self.text(&event.name);
            self.attributes(&event.attributes);
            self.unsigned(event.dropped_attributes_count.into());
        }
    }

    pub fn links(&mut self, links: &[Link]) {
        self.count(links.len());
        for link in links {
            self.raw(&link.trace_id.0);
            self.raw(&link.span_id.0);
            self.text(&link.trace_state);
            self.attributes(&link.attributes);
            self.unsigned(link.dropped_attributes_count.into());
            self.unsigned(link.flags.into());
        }
    }

    pub fn resource(&mut self, resource: &Resource) {
        self.attributes(&resource.attributes);
        self.unsigned(resource.dropped_attributes_count.into());
        self.text(&resource.schema_url);
        self.count(resource.entity_refs.len());
        for entity in &resource.entity_refs {
            self.text(&entity.schema_url);
            self.text(&entity.entity_type);
            for keys in [&entity.id_keys, &entity.description_keys] {
                self.count(keys.len());
                keys.iter().for_each(|key| self.text(key));
            }
        }
    }

    pub fn scope(&mut self, scope: &Scope) {
        self.text(&scope.name);
        self.text(&scope.version);
        self.attributes(&scope.attributes);
        self.unsigned(scope.dropped_attributes_count.into());
        self.text(&scope.schema_url);
    }
}

/// Reads the encoding. Counts are never trusted: nothing is reserved beyond what the bytes can hold.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that are still to be read.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.raw(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number of more than 64 bits"))
    }

    #[inline]
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.unsigned()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    pub fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.unsigned()?).map_err(|_| Malformed("a number of more than 32 bits"))
    }

    /// A count of things of at least one byte each.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        let count = self.unsigned()?;
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= self.bytes.len())
            .ok_or(Malformed("a count beyond the end"))
    }

    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed("it ends too early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    pub fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let count = self.count()?;
        self.raw(count)
    }

    pub fn str(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.blob()?).map_err(|_| Malformed("text that is not UTF-8"))
    }

    pub fn text(&mut self) -> Result<Text, Malformed> {
        self.str().map(Text::from)
    }

    pub fn value(&mut self) -> Result<Value, Malformed> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value, Malformed> {
        if depth > VALUE_DEPTH_MAX {
            return Err(Malformed("values nested too deeply"));
        }
        Ok(match self.raw(1)?[0] {
            EMPTY => Value::Empty,
            STRING => Value::String(self.text()?),
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(self.signed()?),
            DOUBLE => Value::Double(f64::from_bits(u64::from_le_bytes(self.array()?))),
            BYTES => Value::Bytes(self.blob()?.into()),
            ARRAY => {
                let count = self.count()?;
                Value::Array((0..count).map(|_| self.nested(depth + 1)).collect::<Result<_, _>>()?)
            }
            MAP => {
                let count = self.count()?;
                let entry = |_| Ok(KeyValue { key: self.text()?, value: self.nested(depth + 1)? });
                Value::Map((0..count).map(entry).collect::<Result<_, _>>()?)
            }
            _ => return Err(Malformed("a value of an unknown type")),
        })
    }

    pub fn entries(&mut self) -> Result<Vec<KeyValue>, Malformed> {
        let count = self.count()?;
        (0..count).map(|_| Ok(KeyValue { key: self.text()?, value: self.value()? })).collect()
    }

    pub fn attributes(&mut self) -> Result<Attributes, Malformed> {
        self.entries().map(Attributes)
    }

    pub fn events(&mut self) -> Result<Vec<Event>, Malformed> {
        let count = self.count()?;
        let event = |_| {
            Ok(Event {
                time: Instant(self.unsigned()?),
                name: self.text()?,
                attributes: self.attributes()?,
                dropped_attributes_count: self.small()?,
            })
        };
        (0..count).map(event).collect()
    }

    pub fn links(&mut self) -> Result<Vec<Link>, Malformed> {
        let count = self.count()?;
        let link = |_| {
            Ok(Link {
                trace_id: TraceId(self.array()?),
                span_id: SpanId(self.array()?),
                trace_state: self.text()?,
                attributes: self.attributes()?,
                dropped_attributes_count: self.small()?,
                flags: self.small()?,
            })
        };
        (0..count).map(link).collect()
    }

    pub fn resource(&mut self) -> Result<Resource, Malformed> {
        Ok(Resource {
            attributes: self.attributes()?,
            dropped_attributes_count: self.small()?,
            schema_url: self.text()?,
            entity_refs: {
                let count = self.count()?;
                (0..count).map(|_| self.entity_ref()).collect::<Result<_, _>>()?
            },
        })
    }

    fn entity_ref(&mut self) -> Result<EntityRef, Malformed> {
        Ok(EntityRef {
            schema_url: self.text()?,
            entity_type: self.text()?,
            id_keys: self.texts()?,
            description_keys: self.texts()?,
        })
    }

    fn texts(&mut self) -> Result<Vec<Text>, Malformed> {
        let count = self.count()?;
        (0..count).map(|_| self.text()).collect()
    }

    pub fn scope(&mut self) -> Result<Scope, Malformed> {
        Ok(Scope {
            name: self.text()?,
            version: self.text()?,
            attributes: self.attributes()?,
            dropped_attributes_count: self.small()?,
            schema_url: self.text()?,
        })
    }
}

/// Encodes with one call: `encoded(|to| to.events(&span.events))`.
pub fn encoded(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::default();
    write(&mut encoder);
    encoder.bytes
}

/// Decodes resources or scopes that repeat from row to row, each distinct one once.
#[derive(Debug)]
pub struct Shared<T> {
    known: std::collections::HashMap<Vec<u8>, Arc<T>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { known: std::collections::HashMap::new() }
    }
}

impl<T> Shared<T> {
    pub fn decode(
        &mut self,
        bytes: &[u8],
        read: impl FnOnce(&mut Decoder<'_>) -> Result<T, Malformed>,
    ) -> Result<Arc<T>, Malformed> {
        if let Some(known) = self.known.get(bytes) {
            return Ok(Arc::clone(known));
        }
        let decoded = Arc::new(read(&mut Decoder::new(bytes))?);
        self.known.insert(bytes.to_vec(), Arc::clone(&decoded));
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_data;

    proptest! {
        #[test]
        fn spans_parts_read_back(span in test_data::span()) {
            let events = encoded(|to| to.events(&span.events));
            prop_assert_eq!(Decoder::new(&events).events(), Ok(span.events));
            let links = encoded(|to| to.links(&span.links));
            prop_assert_eq!(Decoder::new(&links).links(), Ok(span.links));
            let attributes = encoded(|to| to.attributes(&span.attributes));
            prop_assert_eq!(Decoder::new(&attributes).attributes(), Ok(span.attributes));
            let resource = encoded(|to| to.resource(&span.resource));
            prop_assert_eq!(Decoder::new(&resource).resource(), Ok((*span.resource).clone()));
            let scope = encoded(|to| to.scope(&span.scope));
            prop_assert_eq!(Decoder::new(&scope).scope(), Ok((*span.scope).clone()));
        }

        #[test]
        fn numbers_read_back(unsigned in any::<u64>(), signed in any::<i64>()) {
            let bytes = encoded(|to| { to.unsigned(unsigned); to.signed(signed) });
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!((decoder.unsigned(), decoder.signed(), decoder.is_empty()), (Ok(unsigned), Ok(signed), true));
        }

        /// Neither a panic nor a large reservation, whatever the bytes.
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Decoder::new(&bytes).value();
            let _ = Decoder::new(&bytes).events();
            let _ = Decoder::new(&bytes).links();
            let _ = Decoder::new(&bytes).resource();
            let _ = Decoder::new(&bytes).scope();
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let mut bytes = [ARRAY, 1].repeat(100_000);
        bytes.push(EMPTY);
        assert!(Decoder::new(&bytes).value().is_err());
    }
}
