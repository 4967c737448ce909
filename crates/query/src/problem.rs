//! A mistake in a query: where, what, and what would be right.

use std::fmt;

/// A mistake in the characters `from..to` (bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the mistake begins, in bytes.
    pub from: usize,
    /// Where it ends; equal to `from` where something is missing.
    pub to: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected there; empty when that says nothing more.
    pub expected: String,
    /// The nearest valid thing, or what to do; empty when there is nothing to say.
    pub hint: String,
}

impl Problem {
    pub(crate) fn new(from: usize, to: usize, message: impl Into<String>) -> Self {
        Self { from, to, message: message.into(), expected: String::new(), hint: String::new() }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The mistake with its line and carets below it, readable without colour.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let from = text.floor_char_boundary(self.from);
        let line_start = text[..from].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[from..].find('\n').map_or(text.len(), |at| from + at);
        let before = text[line_start..from].chars().count();
        let marked = text[from..text.floor_char_boundary(self.to.clamp(from, line_end))].chars().count().max(1);
        let mut out =
            format!("{self}\n  {}\n  {}{}", &text[line_start..line_end], " ".repeat(before), "^".repeat(marked));
        if !self.expected.is_empty() {
            out += &format!(" expected {}", self.expected);
        }
        if !self.hint.is_empty() {
            out += &format!("\n  help: {}", self.hint);
        }
        out
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The candidate nearest to `word` by edit distance, if one is near enough to be meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let near = candidates.into_iter().map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate));
    near.min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= word.len() / 3 + 1)
        .map(|(_, name)| name)
}

/// Levenshtein distance, on at most 40 bytes of each.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<u8>, Vec<u8>) = (a.bytes().take(40).collect(), b.bytes().take(40).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
