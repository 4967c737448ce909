//! YAML as a tree whose every node knows its place in the file.
//!
//! Built from parser events rather than from a loaded document: duplicate keys are told, aliases are written out under a
//! bound, and scalars keep their text and style, so that a mistake inside a selector can be shown at its character.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::problem::{Place, Problem};
use crate::limits::{SUITE_DEPTH_MAX, SUITE_NODES_MAX};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub place: Place,
    pub data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub text: String,
    /// Quoted, or a block: always text, never a number.
    pub quoted: bool,
    /// Where each character of `text` stands, if they stand in the file one by one: line, and column of the first.
    pub inline: Option<(u32, u32)>,
}

impl Node {
    /// What this is, for messages.
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Scalar(scalar) if scalar.is_null() => "nothing",
            Data::Scalar(scalar) if scalar.as_bool().is_some() => "true or false",
            Data::Scalar(scalar) if scalar.as_f64().is_some() => "a number",
            Data::Scalar(_) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.data {
            Data::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// This value in one line, for reports.
    pub fn line(&self) -> String {
        let mut text = String::new();
        match &self.data {
            Data::Map(entries) => write_entries(entries, &mut text),
            _ => self.write(&mut text),
        }
        text
    }

    fn write(&self, text: &mut String) {
        match &self.data {
            Data::Scalar(scalar) => text.push_str(&scalar.text.replace(['\n', '\r'], " ")),
            Data::List(items) => {
                text.push('[');
                for (position, item) in items.iter().enumerate() {
                    text.push_str(if position > 0 { ", " } else { "" });
                    item.write(text);
                }
                text.push(']');
            }
            Data::Map(entries) => {
                text.push_str("{ ");
                write_entries(entries, text);
                text.push_str(" }");
            }
        }
    }

    /// The place of characters `from..to` of this scalar; the whole scalar where they do not stand in the file one by one.
    pub fn place_within(&self, from: usize, to: usize) -> Place {
        let Some(scalar) = self.scalar() else { return self.place };
        let Some((line, column)) = scalar.inline else { return self.place };
        Place { line, column: column + from as u32, width: to.saturating_sub(from).max(1) as u32 }
    }
}

// Recursion is bounded by SUITE_DEPTH_MAX.
fn write_entries(entries: &[Entry], text: &mut String) {
    for (position, entry) in entries.iter().enumerate() {
        text.push_str(if position > 0 { ", " } else { "" });
        text.push_str(&entry.key);
        text.push_str(": ");
        entry.value.write(text);
    }
}

impl Scalar {
    pub fn is_null(&self) -> bool {
        !self.quoted && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.text.as_str() {
            _ if self.quoted => None,
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        let digits = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        let plain = !self.quoted && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| self.text.parse().ok()).flatten()
    }

    pub fn as_f64(&self) -> Option<f64> {
        let looks = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
        let plain = !self.quoted
            && self.text.bytes().all(looks)
            && self.text.bytes().any(|byte| byte.is_ascii_digit())
            && self.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        plain.then(|| self.text.parse().ok()).flatten()
    }
}

/// Reads `source`. What cannot be read as YAML ends it with one problem; duplicate keys and the like are all told.
pub(crate) fn parse(source: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut builder = Builder { source_lines: source.lines().collect(), ..Builder::default() };
    for event in Parser::new_from_str(source) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let mark = error.marker();
                // A text that ends too early is told at its last line, not at one after it.
                let place = match builder.source_lines.last() {
                    Some(last) if mark.line() > builder.source_lines.len() => Place {
                        line: builder.source_lines.len() as u32,
                        column: last.chars().count() as u32 + 1,
                        width: 1,
                    },
                    _ => Place { line: mark.line() as u32, column: mark.col() as u32 + 1, width: 1 },
                };
                Err(Problem::new(place, format!("this is not YAML: {}", error.info()))
                    .label("the reader stopped here")
                    .hint("look at the indentation, brackets and quotes of this line and the one above"))
            }
        };
        if let Err(problem) = taken {
            problems.push(problem);
            return None;
        }
    }
    problems.append(&mut builder.problems);
    builder.document
}

/// A collection under construction.
enum Open {
    List { place: Place, anchor: usize, items: Vec<Node> },
    Map { place: Place, anchor: usize, entries: Vec<Entry>, key: Option<(String, Place)> },
}

#[derive(Default)]
struct Builder<'a> {
    source_lines: Vec<&'a str>,
    open: Vec<Open>,
    document: Option<Node>,
    anchors: HashMap<usize, Node>,
    node_count: usize,
    problems: Vec<Problem>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let place = place_of(span);
        match event {
            Event::SequenceStart(anchor, _) => self.begin(Open::List { place, anchor, items: Vec::new() }, place),
            Event::MappingStart(anchor, _) => {
                self.begin(Open::Map { place, anchor, entries: Vec::new(), key: None }, place)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Scalar(text, style, anchor, _) => {
                let scalar = self.scalar(text, style, span);
                let mut place = place;
                if let Some((line, column)) = scalar.inline {
                    let width = scalar.text.chars().count().max(1) as u32;
                    place = Place { line, column, width };
                }
                self.put(Node { place, data: Data::Scalar(scalar) }, anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::new(place, "this alias stands inside what it refers to")
                        .hint("an alias may only name a finished value above it"));
                };
                self.node_count += count(&node);
                self.put(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open, place: Place) -> Result<(), Problem> {
        if self.open.len() >= SUITE_DEPTH_MAX {
            return Err(Problem::new(place, format!("nested more than {SUITE_DEPTH_MAX} deep")));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let (node, anchor) = match self.open.pop() {
            Some(Open::List { place, anchor, items }) => (Node { place, data: Data::List(items) }, anchor),
            Some(Open::Map { place, anchor, entries, .. }) => {
                (Node { place, data: Data::Map(merged(entries)) }, anchor)
            }
            None => return Ok(()),
        };
        self.put(node, anchor)
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.node_count += 1;
        if self.node_count > SUITE_NODES_MAX {
            return Err(Problem::new(node.place, format!("more than {SUITE_NODES_MAX} values, aliases written out")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None if self.document.is_none() => self.document = Some(node),
            None => {
                return Err(Problem::new(node.place, "a second document begins here")
                    .hint("a suite file holds one document; remove the `---`"));
            }
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => {
                    let Some(scalar) = node.scalar() else {
                        return Err(Problem::new(node.place, "a key must be a single word or text")
                            .hint("text that begins with { or [ must be quoted, and so must {{variables}}"));
                    };
                    if let Some(first) = entries.iter().find(|entry| entry.key == scalar.text && entry.key != "<<") {
                        let message = format!("key `{}` is here twice", scalar.text);
                        self.problems.push(
                            Problem::new(node.place, message)
                                .label(format!("first on line {}", first.key_place.line))
                                .hint("remove one of them"),
                        );
                    }
                    *key = Some((scalar.text.clone(), node.place));
                }
                Some((key, key_place)) => entries.push(Entry { key, key_place, value: node }),
            },
        }
        Ok(())
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, span: Span) -> Scalar {
        let quoted = style != ScalarStyle::Plain;
        let quotes = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let (line, column) = (span.start.line() as u32, span.start.col() as u32 + 1 + u32::from(quotes));
        // Escapes, folds and blocks break the one-by-one correspondence; then only the start is known.
        let stands = self.source_lines.get(line as usize - 1).is_some_and(|source| {
            let mut rest = source.chars().skip(column as usize - 1);
            text.chars().all(|character| rest.next() == Some(character))
        });
        Scalar { inline: stands.then_some((line, column)), text: text.into_owned(), quoted }
    }
}

fn place_of(span: Span) -> Place {
    let same_line = span.start.line() == span.end.line();
    let width = if same_line { span.end.col().saturating_sub(span.start.col()).max(1) } else { 1 };
    Place { line: span.start.line() as u32, column: span.start.col() as u32 + 1, width: width as u32 }
}

fn count(node: &Node) -> usize {
    let mut total = 0;
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        total += 1;
        match &node.data {
            Data::Scalar(_) => {}
            Data::List(items) => stack.extend(items),
            Data::Map(entries) => stack.extend(entries.iter().map(|entry| &entry.value)),
        }
    }
    total
}

/// Writes `<<: *defaults` out: what stands in the map itself wins.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().all(|entry| entry.key != "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == "<<");
    for merge in merges {
        let sources = match merge.value.data {
            Data::List(items) => items,
            data => vec![Node { place: merge.value.place, data }],
        };
        for source in sources {
            let Data::Map(defaults) = source.data else { continue };
            for default in defaults {
                if own.iter().all(|entry| entry.key != default.key) {
                    own.push(default);
                }
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_problem(source: &str) -> String {
        let mut problems = Vec::new();
        parse(source, &mut problems);
        problems.first().map(|p| format!("{}:{} {}", p.place.line, p.place.column, p.message)).unwrap_or_default()
    }

    #[test]
    fn places_point_into_quoted_text() {
        let mut problems = Vec::new();
        let root = parse("a:\n  - 'select { x }'\n", &mut problems).expect("parses");
        let Some(Data::List(items)) = root.get("a").map(|node| &node.data) else { panic!("a list") };
        assert_eq!(items[0].place_within(7, 8), Place { line: 2, column: 13, width: 1 });
    }

    #[test]
    fn mistakes_are_told() {
        assert_eq!(first_problem("a: 1\nb: 2\na: 3\n"), "3:1 key `a` is here twice");
        assert!(first_problem("a: [1\nb: 2").contains("this is not YAML"));
        assert!(first_problem("suite: [\n").starts_with("1:9 this is not YAML"), "{}", first_problem("suite: [\n"));
        assert!(first_problem(&"[".repeat(100)).contains("nested more than 64 deep"));
        assert!(first_problem("a: 1\n---\nb: 2\n").contains("second document"));
    }

    #[test]
    fn aliases_are_written_out_under_a_bound() {
        let mut source = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            source += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 10].join(","));
        }
        assert!(first_problem(&source).contains("aliases written out"));
    }

    #[test]
    fn merge_keys_fill_what_is_absent() {
        let mut problems = Vec::new();
        let root = parse("d: &d {x: 1, y: 2}\nm: {<<: *d, y: 3}\n", &mut problems).expect("parses");
        let m = root.get("m").expect("there");
        assert_eq!(m.get("x").and_then(Node::scalar).map(|s| s.text.as_str()), Some("1"));
        assert_eq!(m.get("y").and_then(Node::scalar).map(|s| s.text.as_str()), Some("3"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_told(source in ".{0,200}") {
            let mut problems = Vec::new();
            let _ = parse(&source, &mut problems);
        }
    }
}
