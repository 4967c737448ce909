//! What may stand at a place of an unfinished query, for completion.

use crate::lexer::{Token, TokenKind, tokens};
use crate::limits::QUERY_BYTES_MAX;
use crate::tree::{Field, Intrinsic};

/// What is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtCursor {
    /// What may stand there.
    pub expected: Expected,
    /// Where that begins, in bytes: what is typed of it already is replaced.
    pub from: usize,
    /// What is typed of it already, without quotes.
    pub typed: String,
}

/// What may stand at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A selector.
    Selector,
    /// A field or a constant, within braces or a function's parentheses.
    Field,
    /// A value to compare this field with.
    Value(Field),
    /// An operator.
    Operator,
    /// A stage, after a bar.
    Stage,
}

const COMPARISONS: &[&str] = &["=", "!=", "<", "<=", ">", ">=", "=~", "!~"];

/// What may stand at byte `cursor` of `text`, judged by what stands before it.
#[must_use]
pub fn at_cursor(text: &str, cursor: usize) -> AtCursor {
    let end = text.floor_char_boundary(cursor.min(QUERY_BYTES_MAX));
    let (mut tokens, problems) = tokens(&text[..end]);
    tokens.pop();
    let is_open_string = problems.iter().any(|problem| problem.message == "the string does not end");
    let is_typing = |token: &Token| {
        token.to == end && (is_open_string || matches!(token.kind, TokenKind::Word(_) | TokenKind::Attribute(_)))
    };
    let (from, typed) = match tokens.last() {
        Some(token) if is_typing(token) => {
            let typed = text[token.from..end].trim_start_matches(['"', '`']).to_owned();
            let from = token.from;
            tokens.pop();
            (from, typed)
        }
        _ => (end, String::new()),
    };
    AtCursor { expected: expected(&tokens), from, typed }
}

fn expected(before: &[Token]) -> Expected {
    let symbol = |token: &Token| match token.kind {
        TokenKind::Symbol(symbol) => Some(symbol),
        _ => None,
    };
    let Some(last) = before.last() else { return Expected::Selector };
    let Some(last) = symbol(last) else { return Expected::Operator };
    if COMPARISONS.contains(&last)
        && let Some(field) = before.len().checked_sub(2).and_then(|at| field_of(&before[at].kind))
    {
        return Expected::Value(field);
    }
    match last {
        "|" => Expected::Stage,
        "}" | ")" => Expected::Operator,
        "{" | "," => Expected::Field,
        // Behind a word, parentheses hold arguments.
        "(" if before.len() > 1 && matches!(before[before.len() - 2].kind, TokenKind::Word(_)) => Expected::Field,
        _ if is_within_braces(before) => Expected::Field,
        _ => Expected::Selector,
    }
}

fn is_within_braces(tokens: &[Token]) -> bool {
    let last_brace = tokens.iter().rev().find_map(|token| match token.kind {
        TokenKind::Symbol(brace @ ("{" | "}")) => Some(brace),
        _ => None,
    });
    last_brace == Some("{")
}

fn field_of(kind: &TokenKind) -> Option<Field> {
    match kind {
        TokenKind::Attribute(attribute) => Some(Field::Attribute(attribute.clone())),
        TokenKind::Word(word) => {
            let known = Intrinsic::NAMES.iter().find(|(name, _)| name == word);
            known.map(|&(_, intrinsic)| Field::Intrinsic(intrinsic))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `¦` marks the cursor.
    fn check(text: &str, expected: &str, typed: &str) {
        let cursor = text.find('¦').expect("a cursor");
        let at = at_cursor(&text.replace('¦', ""), cursor);
        let name = match &at.expected {
            Expected::Value(field) => format!("value of {field}"),
            other => format!("{other:?}").to_lowercase(),
        };
        assert_eq!((name.as_str(), at.typed.as_str()), (expected, typed), "{text}");
    }

    #[test]
    fn what_may_stand_there_is_known_from_what_stands_before() {
        check("¦", "selector", "");
        check("{¦", "field", "");
        check("{ res¦", "field", "res");
        check("{ resource.serv¦ice", "field", "resource.serv");
        check("{ status ¦", "operator", "");
        check("{ status = ¦", "value of status", "");
        check("{ resource.service.name = \"ra¦", "value of resource.service.name", "ra");
        check("{ kind = cl¦ }", "value of kind", "cl");
        check("{ kind = client && ¦", "field", "");
        check("{ } ¦", "operator", "");
        check("{ } | ra¦", "stage", "ra");
        check("{ } | avg(¦", "field", "");
        check("{ } | by(name, ¦", "field", "");
        check("{ } >> ¦", "selector", "");
        check("{ .é = ¦", "value of .é", "");
        assert_eq!(at_cursor("é", 1).from, 0);
    }
}
