//! JSON text (RFC 8259), read from left to right without building anything of it.
//!
//! ```text
//! {"kind":3,"events":[{"name":"retry"}]}
//!  enter key  peek     enter element …      every value is read or skipped before the next key or element is asked for
//! ```

use std::borrow::Cow;

use crate::limits::JSON_NESTING_MAX;

/// This is no JSON. What is wrong with it and where, [`serde_json`] tells better; so it is asked.
#[derive(Debug)]
pub(crate) struct Broken;

type Result<T> = std::result::Result<T, Broken>;

/// What begins at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    List,
    Text,
    Number,
    Bool,
    Null,
}

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Whether an object or a list was just entered: no comma then.
    is_fresh: bool,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, is_fresh: false }
    }

    /// What the next value is.
    pub fn peek(&mut self) -> Result<Kind> {
        match self.byte().ok_or(Broken)? {
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::List),
            b'"' => Ok(Kind::Text),
            b'-' | b'0'..=b'9' => Ok(Kind::Number),
            b't' | b'f' => Ok(Kind::Bool),
            b'n' => Ok(Kind::Null),
            _ => Err(Broken),
        }
    }

    /// Goes into the object or list that begins here.
    pub fn enter(&mut self) -> Result<()> {
        self.at += 1;
        self.depth += 1;
        self.is_fresh = true;
        if self.depth > JSON_NESTING_MAX { Err(Broken) } else { Ok(()) }
    }

    /// The next key of the object; none at its end, which is left then.
    pub fn key(&mut self) -> Result<Option<Cow<'a, str>>> {
        if !self.next(b'}')? {
            return Ok(None);
        }
        if self.byte() != Some(b'"') {
            return Err(Broken);
        }
        let key = self.text()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Whether the list has another element; at its end it is left.
    pub fn element(&mut self) -> Result<bool> {
        self.next(b']')
    }

    fn next(&mut self, end: u8) -> Result<bool> {
        let is_first = std::mem::take(&mut self.is_fresh);
        match self.byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.depth -= 1;
                return Ok(false);
            }
            Some(b',') if !is_first => self.at += 1,
            Some(_) if is_first => {}
            _ => return Err(Broken),
        }
        Ok(true)
    }

    /// The text that begins here.
    pub fn text(&mut self) -> Result<Cow<'a, str>> {
        let begin = self.at + 1;
        let end = special(self.text.as_bytes(), begin);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[begin..end]));
        }
        self.escaped_text(begin, end).map(Cow::Owned)
    }

    fn escaped_text(&mut self, begin: usize, mut end: usize) -> Result<String> {
        let bytes = self.text.as_bytes();
        let mut text = String::from(&self.text[begin..end]);
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => self.at = end + 1,
                _ => return Err(Broken),
            }
            text.push(self.escape()?);
            end = special(bytes, self.at);
            text.push_str(&self.text[self.at..end]);
        }
        self.at = end + 1;
        Ok(text)
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<char> {
        let byte = *self.text.as_bytes().get(self.at).ok_or(Broken)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(Broken),
        })
    }

    /// Four hex digits, or twice that for what does not fit into sixteen bits.
    fn code_point(&mut self) -> Result<char> {
        let first = self.code_unit()?;
        let units = if (0xd800..0xdc00).contains(&first) {
            if self.text.as_bytes().get(self.at..self.at + 2) != Some(b"\\u") {
                return Err(Broken);
            }
            self.at += 2;
            [Some(first), Some(self.code_unit()?)]
        } else {
            [Some(first), None]
        };
        let mut read = char::decode_utf16(units.into_iter().flatten());
        match (read.next(), read.next()) {
            (Some(Ok(char)), None) => Ok(char),
            _ => Err(Broken),
        }
    }

    fn code_unit(&mut self) -> Result<u16> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(Broken)?;
        self.at += 4;
        digits.iter().try_fold(0_u16, |number, &digit| {
            let digit = (digit as char).to_digit(16).ok_or(Broken)?;
            Ok(number << 4 | digit as u16)
        })
    }

    /// The number that begins here, as it is written.
    pub fn number(&mut self) -> Result<&'a str> {
        let begin = self.at;
        self.skip_byte(|byte| byte == b'-');
        match self.digits() {
            0 => return Err(Broken),
            1 => {}
            _ if self.text[begin..].trim_start_matches('-').starts_with('0') => return Err(Broken),
            _ => {}
        }
        if self.skip_byte(|byte| byte == b'.') && self.digits() == 0 {
            return Err(Broken);
        }
        let has_exponent = self.skip_byte(|byte| matches!(byte, b'e' | b'E'));
        if has_exponent {
            self.skip_byte(|byte| matches!(byte, b'-' | b'+'));
            if self.digits() == 0 {
                return Err(Broken);
            }
        }
        let number = &self.text[begin..self.at];
        // Only such ones can be too large for a double.
        let may_be_endless = has_exponent || number.len() > f64::MAX_10_EXP as usize;
        let is_endless = || number.parse::<f64>().is_ok_and(f64::is_infinite);
        if may_be_endless && is_endless() { Err(Broken) } else { Ok(number) }
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        count
    }

    fn skip_byte(&mut self, is_meant: impl Fn(u8) -> bool) -> bool {
        let is_there = self.text.as_bytes().get(self.at).is_some_and(|&byte| is_meant(byte));
        self.at += usize::from(is_there);
        is_there
    }

    /// The truth value that begins here.
    pub fn bool(&mut self) -> Result<bool> {
        match self.word("true") {
            Ok(()) => Ok(true),
            Err(Broken) => self.word("false").map(|()| false),
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if is_there { word.len() } else { 0 };
        is_there.then_some(()).ok_or(Broken)
    }

    /// Passes over the next value, whatever it is; answers with it as it is written. Recurses at most as deep as
    /// [`JSON_NESTING_MAX`].
    pub fn skip(&mut self) -> Result<&'a str> {
        let kind = self.peek()?;
        let begin = self.at;
        match kind {
            Kind::Object => {
                self.enter()?;
                while self.key()?.is_some() {
                    self.skip()?;
                }
            }
            Kind::List => {
                self.enter()?;
                while self.element()? {
                    self.skip()?;
                }
            }
            Kind::Text => drop(self.text()?),
            Kind::Number => drop(self.number()?),
            Kind::Bool => drop(self.bool()?),
            Kind::Null => self.word("null")?,
        }
        Ok(&self.text[begin..self.at])
    }

    /// What was read since the place `earlier`.
    pub fn since(&self, earlier: &Self) -> &'a str {
        &self.text[earlier.at..self.at]
    }

    /// Nothing but space may follow.
    pub fn end(mut self) -> Result<()> {
        if self.byte().is_none() { Ok(()) } else { Err(Broken) }
    }

    fn expect(&mut self, expected: u8) -> Result<()> {
        if self.byte() != Some(expected) {
            return Err(Broken);
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is no space.
    fn byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }
}

/// The first place from `at` on of a byte that ends a text, begins an escape or must not stand in a text. Eight bytes are
/// looked at at once (<https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>); of their hits the first is right.
fn special(bytes: &[u8], mut at: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let below = |word: u64, bound: u8| word.wrapping_sub(u64::from(bound) * EACH) & !word & HIGH;
    while let Some(eight) = bytes[at.min(bytes.len())..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let equal = |byte: u8| below(word ^ (u64::from(byte) * EACH), 1);
        let hits = below(word, b' ') | equal(b'"') | equal(b'\\');
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that a document holds, put together from what the cursor reads.
    fn read(from: &mut Cursor<'_>) -> Result<serde_json::Value> {
        Ok(match from.peek()? {
            Kind::Object => {
                from.enter()?;
                let mut map = serde_json::Map::new();
                while let Some(key) = from.key()? {
                    map.insert(key.into_owned(), read(from)?);
                }
                map.into()
            }
            Kind::List => {
                from.enter()?;
                let mut list = Vec::new();
                while from.element()? {
                    list.push(read(from)?);
                }
                list.into()
            }
            Kind::Text => from.text()?.into(),
            Kind::Number => serde_json::from_str(from.number()?).map_err(|_| Broken)?,
            Kind::Bool => from.bool()?.into(),
            Kind::Null => {
                from.skip()?;
                serde_json::Value::Null
            }
        })
    }

    fn as_serde_reads(text: &str) {
        let mut from = Cursor::new(text);
        let ours = read(&mut from).and_then(|value| from.end().map(|()| value)).ok();
        let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
        assert_eq!(ours, theirs, "{text}");
        let mut from = Cursor::new(text);
        let skipped = from.skip().and_then(|_| from.end());
        assert_eq!(skipped.is_ok(), theirs.is_some(), "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_as_serde_reads_it(text in r#"([ \n{}\[\],:"\\/.+eE0-9-]|true|false|null|u0041|\\ud83d\\ude00|é|😀|[a-z]{1,20}){0,24}"#) {
            as_serde_reads(&text);
        }

        #[test]
        fn texts_are_read_as_serde_reads_them(text in r#"([ -~é\n]|\\[bfnrtu"/\\x]|u00e9|\\ud83d|\\ude00){0,30}"#) {
            as_serde_reads(&format!("\"{text}\""));
        }

        #[test]
        fn damaged_documents_are_read_as_serde_reads_them(
            at in any::<prop::sample::Index>(), byte in 0_u8..128, insert in any::<bool>(),
        ) {
            let mut text = String::from(r#"{"a" : [1, -2.5e3, "x\u00e9\ud83d\ude00\n", {"b":{}, "c": [] }, true,false,null ], "d":0.10}"#).into_bytes();
            let at = at.index(text.len());
            if insert { text.insert(at, byte) } else { text[at] = byte }
            if let Ok(text) = std::str::from_utf8(&text) { as_serde_reads(text) }
        }
    }

    #[test]
    fn nesting_is_bounded_as_serde_bounds_it() {
        for depth in [1, 126, 127, 128, 129, 100_000] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            let is_read = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(Cursor::new(&text).skip().is_ok(), is_read, "{depth}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for text in [
            "1e308",
            "1e309",
            "-1e999",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "0",
            "-0",
            "0.0e-5",
            "123456789012345678901234567890",
        ] {
            as_serde_reads(text);
        }
        as_serde_reads(&"9".repeat(400));
    }
}
