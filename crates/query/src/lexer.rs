//! Text to tokens. An attribute is one token, dots and quotes included, because its key ends where an operator begins.

use model::{Duration, Text};

use crate::problem::Problem;
use crate::tree::{AttributeField, Scope};

/// A token and the bytes it stands at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub from: usize,
    pub to: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// Brackets, commas, bars and operators, as written.
    Symbol(&'static str),
    /// `duration`, `count`, `span:id`, `error`.
    Word(String),
    Attribute(AttributeField),
    String(Text),
    Int(i64),
    Float(f64),
    Duration(Duration),
    End,
}

impl TokenKind {
    pub fn describe(&self) -> String {
        match self {
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::Word(word) => format!("`{word}`"),
            Self::Attribute(attribute) => format!("the attribute `{attribute}`"),
            Self::String(_) => "a string".to_owned(),
            Self::Int(_) | Self::Float(_) => "a number".to_owned(),
            Self::Duration(_) => "a duration".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Longest first, so that `>>` is not read as two `>`.
const SYMBOLS: &[&str] = &[
    "!>>", "!<<", "&>>", "&<<", "!>", "!<", "!~", "!=", "&>", "&<", "&~", "&&", "||", ">>", ">=", "<<", "<=", "=~",
    "{", "}", "(", ")", ",", "|", "=", "<", ">", "~", "!", "+", "-", "*", "/", "%", "^",
];

/// What may stand in a key without quotes.
pub(crate) fn is_key_character(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '{' | '}' | '(' | ')' | '=' | '~' | '!' | '<' | '>' | '&' | '|' | '^' | ',' | '"')
}

/// All tokens, the last being [`TokenKind::End`], and what is wrong with the text.
pub(crate) fn tokens(text: &str) -> (Vec<Token>, Vec<Problem>) {
    let mut lexer = Lexer { text, at: 0, problems: Vec::new() };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let from = lexer.at;
        let Some(kind) = lexer.next() else { break };
        tokens.push(Token { kind, from, to: lexer.at });
    }
    tokens.push(Token { kind: TokenKind::End, from: text.len(), to: text.len() });
    (tokens, lexer.problems)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    problems: Vec<Problem>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over blanks and comments: `// …` to the end of the line, `/* … */`.
    fn skip_blank(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            let comment = if self.rest().starts_with("//") {
                self.rest().find('\n')
            } else if self.rest().starts_with("/*") {
                self.rest().find("*/").map(|at| at + 2)
            } else {
                return;
            };
            self.at += comment.unwrap_or(self.rest().len());
        }
    }

    /// The next token; what cannot be read becomes a problem and is passed over.
    fn next(&mut self) -> Option<TokenKind> {
        loop {
            self.skip_blank();
            let c = self.peek()?;
            let starts_number =
                c.is_ascii_digit() || (c == '.' && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()));
            if starts_number {
                return Some(self.number());
            }
            if c == '"' || c == '`' {
                return Some(TokenKind::String(self.string().into()));
            }
            if c == '.' {
                return Some(self.attribute(Scope::Any, false));
            }
            if c.is_alphabetic() || c == '_' {
                return Some(self.word());
            }
            if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
                self.at += symbol.len();
                return Some(TokenKind::Symbol(symbol));
            }
            let to = self.at + c.len_utf8();
            self.problems.push(Problem::new(self.at, to, format!("{c:?} means nothing here")));
            self.at = to;
        }
    }

    fn word(&mut self) -> TokenKind {
        let end =
            self.rest().find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_owned();
        let scope = match word.as_str() {
            "span" => Scope::Span,
            "resource" => Scope::Resource,
            "instrumentation" => Scope::Instrumentation,
            "event" => Scope::Event,
            "link" => Scope::Link,
            "parent" => Scope::Any,
            _ => {
                self.at += end;
                return TokenKind::Word(word);
            }
        };
        self.at += end;
        if !self.rest().starts_with('.') {
            return TokenKind::Word(word);
        }
        if word != "parent" {
            return self.attribute(scope, false);
        }
        for scope in [Scope::Span, Scope::Resource] {
            let prefix = format!(".{}.", scope.text());
            if self.rest().starts_with(&prefix) {
                self.at += prefix.len() - 1;
                return self.attribute(scope, true);
            }
        }
        self.attribute(Scope::Any, true)
    }

    /// The key after the dot that we stand at; parts of it may be quoted.
    fn attribute(&mut self, scope: Scope, of_parent: bool) -> TokenKind {
        let from = self.at;
        self.at += 1;
        let mut key = String::new();
        while let Some(c) = self.peek() {
            if c == '"' {
                key += &self.string();
            } else if is_key_character(c) {
                key.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        if self.at == from + 1 {
            let problem = Problem::new(from, self.at, "an attribute's key is missing after the dot");
            self.problems.push(problem.expected("a key, such as .http.route"));
        }
        TokenKind::Attribute(AttributeField { of_parent, scope, key: key.into() })
    }

    /// A text in double quotes with escapes, or in backticks as it stands.
    fn string(&mut self) -> String {
        let from = self.at;
        let quote = self.peek().unwrap_or('"');
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            if c == quote {
                return text;
            }
            if c != '\\' || quote == '`' {
                text.push(c);
                continue;
            }
            let escaped = self.peek();
            self.at += escaped.map_or(0, char::len_utf8);
            match escaped {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(c @ ('"' | '\\' | '\'' | '`')) => text.push(c),
                // Regular expressions are full of backslashes: what is no escape stands for itself.
                Some(other) => text.extend(['\\', other]),
                None => {}
            }
        }
        self.problems
            .push(Problem::new(from, self.at, "the string does not end").expected(format!("a closing {quote}")));
        text
    }

    fn number(&mut self) -> TokenKind {
        let from = self.at;
        let end = self
            .rest()
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == 'µ'))
            .unwrap_or(self.rest().len());
        let mut text = self.rest()[..end].to_owned();
        self.at += end;
        // `1e-3`, `1e+3`
        if text.ends_with(['e', 'E'])
            && text[..text.len() - 1].parse::<f64>().is_ok()
            && self.rest().starts_with(['-', '+'])
        {
            let digits = self.rest()[1..].find(|c: char| !c.is_ascii_digit()).map_or(self.rest().len(), |end| end + 1);
            text += &self.rest()[..digits];
            self.at += digits;
        }
        let number = number_of(&text);
        number.unwrap_or_else(|| {
            let problem = Problem::new(from, self.at, format!("`{text}` is no number"));
            self.problems.push(problem.expected("a number, or a duration such as 150ms, 1.5s, 1h30m"));
            TokenKind::Int(0)
        })
    }
}

fn number_of(text: &str) -> Option<TokenKind> {
    if let Ok(int) = text.parse() {
        return Some(TokenKind::Int(int));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && let Ok(float) = text.parse::<f64>()
        && float.is_finite()
    {
        return Some(TokenKind::Float(float));
    }
    duration_of(text).map(TokenKind::Duration)
}

/// `1h30m`, `1.5s`, `100ms`.
pub(crate) fn duration_of(text: &str) -> Option<Duration> {
    let mut nanos: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let size: i64 = match &rest[digits..unit_end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        nanos = nanos.checked_add(scaled(&rest[..digits], size)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(Duration(nanos))
}

/// `digits` (perhaps with a fraction) times `size`, in integers: a float would lose nanoseconds.
fn scaled(digits: &str, size: i64) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut part: i128 = 0;
    for digit in fraction.chars() {
        part = part * 10 + i128::from(digit.to_digit(10)?);
        if part > i128::from(i64::MAX) {
            return None;
        }
    }
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction = i64::try_from(part * i128::from(size) / divisor).ok()?;
    whole.checked_mul(size)?.checked_add(fraction)
}
