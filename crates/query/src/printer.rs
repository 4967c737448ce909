//! The tree as text. Parentheses stand where the parser needs them, so that the text parses to the same tree.

use std::fmt::{Display, Formatter, Result, Write as _};

use crate::tree::{
    AggregateFilter, AggregateFunction, AttributeField, Field, FieldExpression, Form, Hint, Literal, Operator, Query,
    Relation, Scalar, Scope, SpansetOperator, Spansets, Stage,
};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.source)?;
        self.stages.iter().try_for_each(|stage| write!(f, " | {stage}"))?;
        hints(f, &self.hints)
    }
}

pub(crate) fn hints(f: &mut Formatter<'_>, hints: &[Hint]) -> Result {
    if hints.is_empty() {
        return Ok(());
    }
    let hints: Vec<String> = hints.iter().map(|hint| format!("{}={}", hint.name, hint.value)).collect();
    write!(f, " with({})", hints.join(", "))
}

impl Display for Spansets {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Selector(None) => f.write_str("{ }"),
            Self::Selector(Some(expression)) => write!(f, "{{ {expression} }}"),
            Self::Combined { operator, left, right } => {
                side(f, left)?;
                write!(f, " {operator} ")?;
                side(f, right)
            }
            Self::Pipeline(query) => write!(f, "({query})"),
        }
    }
}

/// One side of a combination; combinations within get parentheses, which the parser takes away again.
fn side(f: &mut Formatter<'_>, spansets: &Spansets) -> Result {
    if matches!(spansets, Spansets::Combined { .. }) { write!(f, "({spansets})") } else { write!(f, "{spansets}") }
}

impl Display for SpansetOperator {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (relation, form) = match self {
            Self::And => return f.write_str("&&"),
            Self::Or => return f.write_str("||"),
            Self::Structural(relation, form) => (relation, form),
        };
        f.write_str(match form {
            Form::Plain => "",
            Form::Negated => "!",
            Form::Union => "&",
        })?;
        f.write_str(match relation {
            Relation::Child => ">",
            Relation::Descendant => ">>",
            Relation::Parent => "<",
            Relation::Ancestor => "<<",
            Relation::Sibling => "~",
        })
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Filter(spansets) => write!(f, "{spansets}"),
            Self::Aggregate(filter) => write!(f, "{filter}"),
            Self::Select(fields) => list(f, "select", fields),
            Self::By(expressions) => list(f, "by", expressions),
            Self::Coalesce => f.write_str("coalesce()"),
        }
    }
}

pub(crate) fn list(f: &mut Formatter<'_>, name: &str, items: &[impl Display]) -> Result {
    write!(f, "{name}(")?;
    for (position, item) in items.iter().enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        write!(f, "{comma}{item}")?;
    }
    f.write_char(')')
}

impl Display for AggregateFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {} {}", self.left, self.operator.text(), self.right)
    }
}

impl Display for Scalar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Aggregate { function, of: None, .. } => write!(f, "{}()", function.name()),
            Self::Aggregate { function, of: Some(of), quantile: None } => write!(f, "{}({of})", function.name()),
            Self::Aggregate { function, of: Some(of), quantile: Some(quantile) } => {
                write!(f, "{}({of}, {quantile:?})", function.name())
            }
            Self::Binary { operator, left, right } => {
                scalar_side(f, left)?;
                write!(f, " {} ", operator.text())?;
                scalar_side(f, right)
            }
        }
    }
}

fn scalar_side(f: &mut Formatter<'_>, scalar: &Scalar) -> Result {
    if matches!(scalar, Scalar::Binary { .. }) { write!(f, "({scalar})") } else { write!(f, "{scalar}") }
}

impl AggregateFunction {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::Sum => "sum",
            Self::Quantile => "quantile",
        }
    }
}

impl Display for FieldExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Unary { operator, of } => {
                f.write_str(operator.text())?;
                // A minus before a number would be read as part of the number.
                let plain =
                    matches!(**of, Self::Field(_)) || (*operator == Operator::Not && matches!(**of, Self::Literal(_)));
                if plain { write!(f, "{of}") } else { write!(f, "({of})") }
            }
            Self::Binary { operator, left, right } => {
                operand(f, left, operator.precedence(), false)?;
                write!(f, " {} ", operator.text())?;
                operand(f, right, operator.precedence(), true)
            }
            Self::Matches { of, pattern, negated } => {
                operand(f, of, Operator::Equal.precedence(), false)?;
                let operator = if *negated { "!~" } else { "=~" };
                write!(f, " {operator} {}", quoted(&pattern.text))
            }
        }
    }
}

/// One side of an operator that binds as tight as `precedence`; operators of one precedence group to the left.
fn operand(f: &mut Formatter<'_>, expression: &FieldExpression, precedence: u8, right: bool) -> Result {
    let own = match expression {
        FieldExpression::Binary { operator, .. } => operator.precedence(),
        FieldExpression::Matches { .. } => Operator::Equal.precedence(),
        _ => u8::MAX,
    };
    if own < precedence || (right && own == precedence) {
        write!(f, "({expression})")
    } else {
        write!(f, "{expression}")
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Attribute(attribute) => write!(f, "{attribute}"),
            Self::Intrinsic(intrinsic) => f.write_str(intrinsic.name()),
        }
    }
}

impl Display for AttributeField {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.of_parent {
            f.write_str("parent")?;
            if self.scope != Scope::Any {
                f.write_char('.')?;
            }
        }
        write!(f, "{}.", self.scope.text())?;
        let plain =
            !self.key.is_empty() && self.key.chars().all(crate::lexer::is_key_character) && !self.key.contains('"');
        // `parent.span.x` would be read as scope and key.
        let ambiguous = self.of_parent && self.scope == Scope::Any && self.key.contains('.');
        // `.2x` would be read as a number.
        let number = !self.of_parent && self.scope == Scope::Any && self.key.starts_with(|c: char| c.is_ascii_digit());
        if plain && !ambiguous && !number { f.write_str(&self.key) } else { f.write_str(&quoted(&self.key)) }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::String(text) => f.write_str(&quoted(text)),
            Self::Int(i64::MIN) => f.write_str("minInt"),
            Self::Int(int) => write!(f, "{int}"),
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Duration(duration) => f.write_str(&duration_text(duration.0)),
            Self::Status(status) => f.write_str(status.name()),
            Self::Kind(kind) => f.write_str(kind.name()),
        }
    }
}

/// The shortest single unit that says it exactly.
fn duration_text(nanos: i64) -> String {
    let units =
        [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let exact = units.iter().find(|(_, size)| nanos != 0 && nanos % size == 0);
    exact.map_or_else(|| format!("{nanos}ns"), |(unit, size)| format!("{}{unit}", nanos / size))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
