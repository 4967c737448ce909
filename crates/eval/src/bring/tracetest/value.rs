//! Values of Tracetest's expressions.

use crate::select::traceql_text;

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// In quotes; `${…}` is already `{{…}}`.
    Text(String),
    /// A number as it stands.
    Number(String),
    /// A number with a unit of time, as it stands.
    Duration(String),
    /// `true` or `false`.
    Bool(bool),
    /// `var:NAME` or `env:NAME`.
    Variable(String),
}

impl Value {
    /// As text.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Duration(text) => text.clone(),
            Self::Bool(bool) => bool.to_string(),
            Self::Variable(name) => format!("{{{{{name}}}}}"),
        }
    }

    /// As a value of TraceQL.
    pub fn traceql(&self) -> Result<String, String> {
        Ok(match self {
            Self::Text(text) => traceql_text(text),
            Self::Number(text) | Self::Duration(text) => text.clone(),
            Self::Bool(bool) => bool.to_string(),
            Self::Variable(name) => format!("\"{{{{{name}}}}}\""),
        })
    }
}

/// Reads a value at the start of `text`; answers what comes after it.
pub(super) fn read_value(text: &str) -> Result<(Value, &str), String> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let mut inner = String::new();
        let mut characters = text.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => inner.extend(characters.next().map(|(_, c)| c)),
                c if c == quote => return Ok((Value::Text(interpolated(&inner)?), &text[at + 1..])),
                c => inner.push(c),
            }
        }
        return Err(format!("`{text}` has a quote that nothing closes"));
    }
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ']' | ',' | '|' | ')')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word.is_empty() {
        return Err("a value is missing".to_owned());
    }
    let value = if let Some(name) = word.strip_prefix("var:").or_else(|| word.strip_prefix("env:")) {
        Value::Variable(name.to_owned())
    } else if word == "true" || word == "false" {
        Value::Bool(word == "true")
    } else if word.parse::<f64>().is_ok() {
        Value::Number(word.to_owned())
    } else if is_duration(word) {
        Value::Duration(word.to_owned())
    } else {
        return Err(format!("`{word}` is neither text in quotes, a number, a duration nor `var:NAME`"));
    };
    Ok((value, rest))
}

fn is_duration(word: &str) -> bool {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    word[..digits].parse::<f64>().is_ok() && matches!(&word[digits..], "ns" | "us" | "µs" | "ms" | "s" | "m" | "h")
}

/// `${var:NAME}`, `${env:NAME}` and `${NAME}` as `{{NAME}}`; other `${` keeps its characters.
///
/// # Errors
/// With an expression that is more than a variable, such as a generator.
pub(super) fn interpolated(text: &str) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        let Some(close) = rest[open..].find('}').map(|close| open + close) else { break };
        let inside = rest[open + 2..close].trim();
        let name = inside.strip_prefix("var:").or_else(|| inside.strip_prefix("env:")).unwrap_or(inside).trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            return Err(format!("`${{{inside}}}` is computed by Tracetest; here only variables are put in"));
        }
        whole.push_str(&rest[..open]);
        whole.push_str(&format!("{{{{{name}}}}}"));
        rest = &rest[close + 1..];
    }
    whole.push_str(rest);
    Ok(whole)
}
