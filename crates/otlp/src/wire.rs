//! Protobuf's wire format (<https://protobuf.dev/programming-guides/encoding/>): a reader that knows where it is, and a
//! writer. Accepts and refuses exactly what prost does.

use crate::error::DecodeError;
use crate::limits::NESTING_MAX;

/// How a field's content is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint,
    Fixed64,
    Length,
    StartGroup,
    EndGroup,
    Fixed32,
}

/// Reads one message: a slice of the body with the place it began.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    body_length: usize,
    /// Where `rest` begins in the body.
    at: usize,
    rest: &'a [u8],
    /// How many more levels may be opened below this message.
    levels_left: u32,
}

pub(crate) type Result<T> = std::result::Result<T, Box<DecodeError>>;

impl<'a> Reader<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { body_length: body.len(), at: 0, rest: body, levels_left: NESTING_MAX }
    }

    #[cold]
    pub fn error(&self, problem: impl Into<String>) -> Box<DecodeError> {
        Box::new(DecodeError::new(format!("byte {} of {}", self.at, self.body_length), problem))
    }

    #[cold]
    fn cut_short(&self, length: usize, what: &str) -> Box<DecodeError> {
        self.error(format!("{what} of {length} bytes is cut short, {} are left", self.rest.len()))
    }

    #[inline]
    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else { return Err(self.cut_short(length, what)) };
        self.at += length;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64> {
        // Nearly all are of one byte.
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.at += 1;
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for position in 0..10 {
            let Some(&byte) = self.rest.get(position) else { return Err(self.error("a varint is cut short")) };
            // The tenth byte holds the last of 64 bits.
            if position == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (position * 7);
            if byte < 0x80 {
                self.at += position + 1;
                self.rest = &self.rest[position + 1..];
                return Ok(value);
            }
        }
        Err(self.error("a varint is longer than 64 bits"))
    }

    /// The bytes of the text, if the message is an `AnyValue` of exactly one text.
    #[inline]
    pub fn only_text_bytes(&self) -> Option<&'a [u8]> {
        const STRING_VALUE: u8 = 1 << 3 | 2;
        let (&[key, length], text) = self.rest.split_first_chunk::<2>()?;
        if key != STRING_VALUE {
            return None;
        }
        if length < 0x80 {
            return (text.len() == usize::from(length)).then_some(text);
        }
        let mut long = Self { rest: &self.rest[1..], ..*self };
        let length = long.varint().ok()?;
        (long.rest.len() as u64 == length).then_some(long.rest)
    }

    /// The next field's number and wire type; none at the end of the message.
    #[inline]
    pub fn field(&mut self) -> Result<Option<(u32, WireType)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let Ok(key) = u32::try_from(key) else { return Err(self.error(format!("field key {key} is out of range"))) };
        let wire_type = match key & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 => WireType::StartGroup,
            4 => WireType::EndGroup,
            5 => WireType::Fixed32,
            other => return Err(self.error(format!("wire type {other} does not exist"))),
        };
        let number = key >> 3;
        if number == 0 { Err(self.error("field number 0 does not exist")) } else { Ok(Some((number, wire_type))) }
    }

    #[inline]
    fn expect(&self, read: WireType, expected: WireType) -> Result<()> {
        if read == expected {
            Ok(())
        } else {
            Err(self.error(format!("expected wire type {expected:?}, read {read:?}")))
        }
    }

    #[inline]
    pub fn uint64(&mut self, wire_type: WireType) -> Result<u64> {
        self.expect(wire_type, WireType::Varint)?;
        self.varint()
    }

    #[inline]
    pub fn uint32(&mut self, wire_type: WireType) -> Result<u32> {
        // Protobuf truncates what does not fit.
        self.uint64(wire_type).map(|value| value as u32)
    }

    #[inline]
    pub fn int32(&mut self, wire_type: WireType) -> Result<i32> {
        self.uint64(wire_type).map(|value| value as i32)
    }

    #[inline]
    pub fn fixed64(&mut self, wire_type: WireType) -> Result<u64> {
        self.expect(wire_type, WireType::Fixed64)?;
        let bytes = self.take(8, "a fixed64")?;
        Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
    }

    #[inline]
    pub fn fixed32(&mut self, wire_type: WireType) -> Result<u32> {
        self.expect(wire_type, WireType::Fixed32)?;
        let bytes = self.take(4, "a fixed32")?;
        Ok(bytes.try_into().map_or(0, u32::from_le_bytes))
    }

    #[inline]
    pub fn bytes(&mut self, wire_type: WireType) -> Result<&'a [u8]> {
        self.expect(wire_type, WireType::Length)?;
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| self.error(format!("a field claims {length} bytes")))?;
        self.take(length, "a field")
    }

    #[inline]
    pub fn text(&mut self, wire_type: WireType) -> Result<&'a str> {
        let before = *self;
        let bytes = self.bytes(wire_type)?;
        std::str::from_utf8(bytes).map_err(|error| before.error(format!("a string is not UTF-8: {error}")))
    }

    /// The message in the next field.
    #[inline]
    pub fn message(&mut self, wire_type: WireType) -> Result<Reader<'a>> {
        let Some(levels_left) = self.levels_left.checked_sub(1) else {
            return Err(self.error(format!("messages are nested deeper than {NESTING_MAX}")));
        };
        let bytes = self.bytes(wire_type)?;
        Ok(Reader { body_length: self.body_length, at: self.at - bytes.len(), rest: bytes, levels_left })
    }

    /// Passes over a field that is not known here.
    pub fn skip(&mut self, number: u32, wire_type: WireType) -> Result<()> {
        // Groups nest; the numbers of those open, instead of recursion.
        let mut open: Vec<u32> = Vec::new();
        let (mut number, mut wire_type) = (number, wire_type);
        loop {
            if wire_type != WireType::EndGroup && open.len() as u32 >= self.levels_left {
                return Err(self.error(format!("groups are nested deeper than {NESTING_MAX}")));
            }
            match wire_type {
                WireType::Varint => drop(self.varint()?),
                WireType::Fixed64 => drop(self.take(8, "a fixed64")?),
                WireType::Fixed32 => drop(self.take(4, "a fixed32")?),
                WireType::Length => drop(self.bytes(wire_type)?),
                WireType::StartGroup => open.push(number),
                WireType::EndGroup => {
                    if open.pop() != Some(number) {
                        return Err(self.error("a group ends that did not begin"));
                    }
                }
            }
            if open.is_empty() {
                return Ok(());
            }
            (number, wire_type) = self.field()?.ok_or_else(|| self.error("a group does not end"))?;
        }
    }
}

/// Writes messages; leaves out what has its default, as proto3 does.
#[derive(Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, number: u32, wire_type: u32) {
        self.varint(u64::from(number << 3 | wire_type));
    }

    /// A varint, also when it is zero: members of a `oneof` are written even with their default.
    pub fn present_varint(&mut self, number: u32, value: u64) {
        self.key(number, 0);
        self.varint(value);
    }

    pub fn uint64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.present_varint(number, value);
        }
    }

    pub fn int32(&mut self, number: u32, value: i32) {
        // A negative int32 takes ten bytes, sign-extended.
        self.uint64(number, i64::from(value) as u64);
    }

    pub fn present_fixed64(&mut self, number: u32, value: u64) {
        self.key(number, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.present_fixed64(number, value);
        }
    }

    pub fn fixed32(&mut self, number: u32, value: u32) {
        if value != 0 {
            self.key(number, 5);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// Bytes or text, also when empty.
    pub fn present_bytes(&mut self, number: u32, bytes: &[u8]) {
        self.key(number, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub fn bytes(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.present_bytes(number, bytes);
        }
    }

    /// A message, also when empty. Its length is known only afterwards: written behind, then turned to the front.
    pub fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        self.key(number, 2);
        let start = self.bytes.len();
        write(self);
        let end = self.bytes.len();
        self.varint((end - start) as u64);
        let length_bytes = self.bytes.len() - end;
        self.bytes[start..].rotate_right(length_bytes);
    }
}
