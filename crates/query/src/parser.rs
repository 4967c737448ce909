//! Tokens to the tree: recursive descent with a named bound on nesting.
//!
//! ```text
//! query     spansets ( "|" stage )*
//! spansets  || over && over structural operators, each grouping to the left
//! operand   "{" field? "}"  |  "(" query ")"
//! stage     spansets | aggregate comparison | select(…) | by(…) | coalesce()
//! field     || over && over comparisons over + - over * / % over ^ over ! and -
//! ```

use model::{SpanKind, StatusCode, Text};
use regex::RegexBuilder;

use crate::lexer::{Token, TokenKind, tokens};
use crate::limits::{CHAINED_MAX, NESTING_MAX, PROBLEMS_MAX, QUERY_BYTES_MAX, REGEX_BYTES_MAX};
use crate::problem::{Problem, nearest};

mod metrics;

pub use metrics::{AnyQuery, parse_any, parse_metrics};

use crate::tree::{
    AggregateFilter, AggregateFunction, AttributeField, Field, FieldExpression, Form, Intrinsic, Literal, Operator,
    Pattern, Query, Relation, Scalar, Scope, SpansetOperator, Spansets, Stage,
};

/// What came of parsing: a query if the text could be understood, and every mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The tree; none if there are mistakes.
    pub tree: Option<T>,
    /// The mistakes, by place.
    pub problems: Vec<Problem>,
}

impl<T> Parsed<T> {
    /// The tree, or the mistakes.
    ///
    /// # Errors
    /// The mistakes, at least one.
    pub fn into_result(self) -> Result<T, Vec<Problem>> {
        self.tree.ok_or(self.problems)
    }
}

/// Parses a query such as `{ status = error } | count() > 2`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Query> {
    parse_with(text, |parser| {
        let mut query = parser.query()?;
        parser.refuse_metrics()?;
        query.hints = parser.hints()?;
        Ok(query)
    })
}

/// Parses what may stand within `{ }`, such as `duration < 2s && span.retries = nil`.
#[must_use]
pub fn parse_field(text: &str) -> Parsed<FieldExpression> {
    parse_with(text, Parser::field_expression)
}

/// Parses a comparison of aggregates, such as `max(duration) < 4s`.
#[must_use]
pub fn parse_aggregate(text: &str) -> Parsed<AggregateFilter> {
    parse_with(text, Parser::aggregate_filter)
}

/// Parses a number made of a spanset, such as `avg(duration)`.
#[must_use]
pub fn parse_scalar(text: &str) -> Parsed<Scalar> {
    parse_with(text, |parser| parser.scalar(0))
}

fn parse_with<T>(text: &str, read: impl FnOnce(&mut Parser) -> Read<T>) -> Parsed<T> {
    if text.len() > QUERY_BYTES_MAX {
        let problem =
            Problem::new(0, text.len(), format!("the query has {} bytes, {QUERY_BYTES_MAX} are allowed", text.len()));
        return Parsed { tree: None, problems: vec![problem] };
    }
    let (tokens, problems) = tokens(text);
    let mut parser = Parser { tokens, at: 0, depth: 0, chained: 0, problems };
    let tree = read(&mut parser).and_then(|tree| parser.end().map(|()| tree));
    let mut problems = parser.problems;
    let tree = match tree {
        Ok(tree) => Some(tree).filter(|_| problems.is_empty()),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    problems.sort_by_key(|problem| problem.from);
    problems.truncate(PROBLEMS_MAX);
    Parsed { tree, problems }
}

/// A syntax mistake ends the reading; other mistakes are noted and reading goes on.
type Read<T> = Result<T, Problem>;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    chained: u32,
    problems: Vec<Problem>,
}

const COMPARISONS: &[(&str, Operator)] = &[
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
];

const ARITHMETIC: &[(&str, Operator)] = &[
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Modulo),
    ("^", Operator::Power),
];

const STRUCTURAL: &[(&str, Relation, Form)] = &[
    (">", Relation::Child, Form::Plain),
    (">>", Relation::Descendant, Form::Plain),
    ("<", Relation::Parent, Form::Plain),
    ("<<", Relation::Ancestor, Form::Plain),
    ("~", Relation::Sibling, Form::Plain),
    ("!>", Relation::Child, Form::Negated),
    ("!>>", Relation::Descendant, Form::Negated),
    ("!<", Relation::Parent, Form::Negated),
    ("!<<", Relation::Ancestor, Form::Negated),
    ("!~", Relation::Sibling, Form::Negated),
    ("&>", Relation::Child, Form::Union),
    ("&>>", Relation::Descendant, Form::Union),
    ("&<", Relation::Parent, Form::Union),
    ("&<<", Relation::Ancestor, Form::Union),
    ("&~", Relation::Sibling, Form::Union),
];

const AGGREGATES: &[(&str, AggregateFunction)] = &[
    ("count", AggregateFunction::Count),
    ("min", AggregateFunction::Min),
    ("max", AggregateFunction::Max),
    ("avg", AggregateFunction::Avg),
    ("sum", AggregateFunction::Sum),
    ("quantile", AggregateFunction::Quantile),
];

impl Parser {
    fn token(&self) -> &Token {
        // The last token is the end and is never passed.
        &self.tokens[self.at]
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(&self.token().kind, TokenKind::Symbol(read) if *read == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token().kind, TokenKind::Word(read) if read == word)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let there = self.is(symbol);
        if there {
            self.advance();
        }
        there
    }

    fn expect(&mut self, symbol: &str, after: &str) -> Read<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`")).hint(after)) }
    }

    fn unexpected(&self, expected: &str) -> Problem {
        let token = self.token();
        Problem::new(token.from, token.to, format!("unexpected {}", token.kind.describe())).expected(expected)
    }

    fn end(&mut self) -> Read<()> {
        if self.token().kind == TokenKind::End {
            return Ok(());
        }
        Err(self.unexpected("`|`, an operator, or the end"))
    }

    /// Runs `read` one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            let token = self.token();
            return Err(Problem::new(token.from, token.to, format!("nested deeper than {NESTING_MAX} levels")));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// One more operator. Each may make the tree one level deeper, and whoever walks the tree recurses so far.
    fn chain(&mut self) -> Read<()> {
        self.chained += 1;
        if self.chained <= CHAINED_MAX {
            return Ok(());
        }
        let token = self.token();
        let problem = Problem::new(token.from, token.to, format!("more than {CHAINED_MAX} operators in one query"));
        Err(problem.hint("many values of one field are asked for at once with a regular expression: .x =~ \"a|b|c\""))
    }

    /// Spansets and stages, up to a metrics function.
    fn query(&mut self) -> Read<Query> {
        let mut stages = Vec::new();
        let source = if self.starts_with_stage() {
            stages.push(self.stage()?);
            Spansets::Selector(None)
        } else {
            self.spansets()?
        };
        while self.is("|") && !self.is_metrics_function(self.at + 1) {
            self.chain()?;
            self.advance();
            stages.push(self.stage()?);
        }
        Ok(Query { source, stages, hints: Vec::new() })
    }

    /// Whether it goes on as `count() > 2` does: a stage over all spans.
    fn starts_with_stage(&self) -> bool {
        let TokenKind::Word(word) = &self.token().kind else { return false };
        let known = AGGREGATES.iter().any(|(name, _)| name == word)
            || percentile_of(word).is_some()
            || ["by", "select", "coalesce"].contains(&word.as_str());
        known && self.tokens.get(self.at + 1).is_some_and(|next| next.kind == TokenKind::Symbol("("))
    }

    fn spansets(&mut self) -> Read<Spansets> {
        let mut left = self.spansets_and()?;
        while self.take("||") {
            self.chain()?;
            left = combined(SpansetOperator::Or, left, self.spansets_and()?);
        }
        Ok(left)
    }

    fn spansets_and(&mut self) -> Read<Spansets> {
        let mut left = self.spansets_structural()?;
        while self.take("&&") {
            self.chain()?;
            left = combined(SpansetOperator::And, left, self.spansets_structural()?);
        }
        Ok(left)
    }

    fn spansets_structural(&mut self) -> Read<Spansets> {
        let mut left = self.spansets_operand()?;
        loop {
            let found = STRUCTURAL.iter().find(|(symbol, ..)| self.is(symbol));
            let Some(&(_, relation, form)) = found else { return Ok(left) };
            self.chain()?;
            self.advance();
            left = combined(SpansetOperator::Structural(relation, form), left, self.spansets_operand()?);
        }
    }

    fn spansets_operand(&mut self) -> Read<Spansets> {
        if self.take("{") {
            if self.take("}") {
                return Ok(Spansets::Selector(None));
            }
            let expression = self.field_expression()?;
            self.expect("}", "a selector is closed with }")?;
            return Ok(Spansets::Selector(Some(expression)));
        }
        if self.take("(") {
            let query = self.deeper(Self::query)?;
            self.expect(")", "what is opened with ( is closed with )")?;
            return Ok(if query.stages.is_empty() { query.source } else { Spansets::Pipeline(Box::new(query)) });
        }
        let problem = self.unexpected("a selector such as { status = error }");
        Err(problem.hint("put conditions in braces: { resource.service.name = \"rag\" && duration > 500ms }"))
    }

    fn stage(&mut self) -> Read<Stage> {
        if self.is("{") {
            return self.spansets().map(Stage::Filter);
        }
        if self.is_word("select") {
            self.advance();
            return self.arguments(Self::selected_field).map(Stage::Select);
        }
        if self.is_word("by") {
            self.advance();
            return self.arguments(Self::field_expression).map(Stage::By);
        }
        if self.is_word("coalesce") {
            self.advance();
            self.expect("(", "write coalesce()")?;
            self.expect(")", "coalesce takes nothing")?;
            return Ok(Stage::Coalesce);
        }
        self.aggregate_filter().map(Stage::Aggregate)
    }

    fn arguments<T>(&mut self, read: fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.expect("(", "arguments stand in parentheses")?;
        let mut arguments = vec![read(self)?];
        while self.take(",") {
            arguments.push(read(self)?);
        }
        self.expect(")", "arguments end with )")?;
        Ok(arguments)
    }

    fn selected_field(&mut self) -> Read<Field> {
        let (from, expression) = (self.token().clone(), self.operand()?);
        match expression {
            FieldExpression::Field(field) => Ok(field),
            _ => Err(Problem::new(from.from, from.to, "select takes fields, not expressions")
                .expected("a field such as span.http.route")),
        }
    }

    fn aggregate_filter(&mut self) -> Read<AggregateFilter> {
        let left = self.scalar(0)?;
        let found = COMPARISONS.iter().find(|(symbol, _)| self.is(symbol));
        let Some(&(_, operator)) = found else {
            return Err(self
                .unexpected("a comparison")
                .hint("an aggregate is compared with something: count() > 2, max(duration) < 4s"));
        };
        self.advance();
        Ok(AggregateFilter { left, operator, right: self.scalar(0)? })
    }

    fn scalar(&mut self, least: u8) -> Read<Scalar> {
        let mut left = self.scalar_operand()?;
        loop {
            let found = ARITHMETIC.iter().find(|(symbol, operator)| self.is(symbol) && operator.precedence() > least);
            let Some(&(_, operator)) = found else { return Ok(left) };
            self.chain()?;
            self.advance();
            let right = self.scalar(operator.precedence())?;
            left = Scalar::Binary { operator, left: Box::new(left), right: Box::new(right) };
        }
    }

    fn scalar_operand(&mut self) -> Read<Scalar> {
        if self.take("(") {
            let scalar = self.deeper(|parser| parser.scalar(0))?;
            self.expect(")", "what is opened with ( is closed with )")?;
            return Ok(scalar);
        }
        let negative = self.take("-");
        let token = self.token().clone();
        if let Some(literal) = number_of(&token.kind, negative) {
            self.advance();
            return Ok(Scalar::Literal(literal));
        }
        let TokenKind::Word(word) = &token.kind else {
            return Err(self.unexpected("an aggregate such as count(), or a number"));
        };
        let percentile = percentile_of(word);
        let function = match percentile {
            Some(_) => AggregateFunction::Quantile,
            None => match AGGREGATES.iter().find(|(name, _)| name == word) {
                Some(&(_, function)) => function,
                None => {
                    let names = AGGREGATES.iter().map(|(name, _)| *name).chain(["select", "by", "coalesce"]);
                    let names = names.chain(metrics::FUNCTIONS.iter().copied());
                    let hint = nearest(word, names).map(|name| format!("did you mean {name}?")).unwrap_or_default();
                    let problem = Problem::new(token.from, token.to, format!("there is no function `{word}`"));
                    return Err(problem.expected("count, min, max, avg, sum, quantile or p95").hint(hint));
                }
            },
        };
        self.advance();
        self.expect("(", "a function's argument stands in parentheses")?;
        let of = if function == AggregateFunction::Count { None } else { Some(Box::new(self.field_expression()?)) };
        let quantile = match (function, percentile) {
            (AggregateFunction::Quantile, None) => Some(self.quantile()?),
            (_, percentile) => percentile.map(|percentile| percentile / 100.0),
        };
        self.expect(")", "a function's argument ends with )")?;
        Ok(Scalar::Aggregate { function, of, quantile })
    }

    fn quantile(&mut self) -> Read<f64> {
        self.expect(",", "quantile takes a field and a number from 0 to 1: quantile(duration, 0.95)")?;
        let quantile = match self.token().kind {
            TokenKind::Float(quantile) => quantile,
            TokenKind::Int(quantile) => quantile as f64,
            _ => return Err(self.unexpected("a number from 0 to 1")),
        };
        if !(0.0..=1.0).contains(&quantile) {
            return Err(self.unexpected("a number from 0 to 1"));
        }
        self.advance();
        Ok(quantile)
    }

    fn field_expression(&mut self) -> Read<FieldExpression> {
        self.deeper(|parser| parser.binary(0))
    }

    /// Precedence climbing: operators that bind tighter than `least`.
    fn binary(&mut self, least: u8) -> Read<FieldExpression> {
        let from = self.token().from;
        let mut left = self.unary()?;
        loop {
            let negated = self.is("!~");
            if (negated || self.is("=~")) && Operator::Equal.precedence() > least {
                self.chain()?;
                self.advance();
                left = FieldExpression::Matches { of: Box::new(left), pattern: self.pattern()?, negated };
                continue;
            }
            let Some(operator) = self.binary_operator().filter(|operator| operator.precedence() > least) else {
                return Ok(left);
            };
            self.chain()?;
            self.advance();
            let right = self.binary(operator.precedence())?;
            let to = self.tokens[self.at.saturating_sub(1)].to;
            self.check_types(operator, &left, &right, from, to);
            left = FieldExpression::Binary { operator, left: Box::new(left), right: Box::new(right) };
        }
    }

    fn binary_operator(&self) -> Option<Operator> {
        let logical = [("&&", Operator::And), ("||", Operator::Or)];
        let all = logical.iter().chain(COMPARISONS).chain(ARITHMETIC);
        all.copied().find(|(symbol, _)| self.is(symbol)).map(|(_, operator)| operator)
    }

    fn unary(&mut self) -> Read<FieldExpression> {
        if self.take("!") {
            let of = Box::new(self.deeper(Self::unary)?);
            return Ok(FieldExpression::Unary { operator: Operator::Not, of });
        }
        if self.take("-") {
            if let Some(literal) = number_of(&self.token().kind, true) {
                self.advance();
                return Ok(FieldExpression::Literal(literal));
            }
            let of = Box::new(self.deeper(Self::unary)?);
            return Ok(FieldExpression::Unary { operator: Operator::Subtract, of });
        }
        self.operand()
    }

    fn operand(&mut self) -> Read<FieldExpression> {
        if self.take("(") {
            let inner = self.field_expression()?;
            self.expect(")", "what is opened with ( is closed with )")?;
            return Ok(inner);
        }
        let token = self.token().clone();
        let literal = literal_of(&token.kind);
        if let Some(literal) = literal {
            self.advance();
            return Ok(FieldExpression::Literal(literal));
        }
        match token.kind {
            TokenKind::Attribute(attribute) => {
                self.advance();
                Ok(FieldExpression::Field(Field::Attribute(attribute)))
            }
            TokenKind::Word(word) => {
                self.advance();
                Ok(FieldExpression::Field(self.intrinsic(&word, token.from, token.to)))
            }
            _ => Err(self.unexpected("a field such as span.http.route, duration or status, or a value")),
        }
    }

    fn intrinsic(&mut self, word: &str, from: usize, to: usize) -> Field {
        if let Some(&(_, intrinsic)) = Intrinsic::NAMES.iter().find(|(name, _)| *name == word) {
            return Field::Intrinsic(intrinsic);
        }
        let words =
            ["true", "false", "nil", "error", "ok", "unset", "server", "client", "producer", "consumer", "internal"];
        let names = Intrinsic::NAMES.iter().map(|(name, _)| *name).chain(words);
        let hint = match nearest(word, names) {
            Some(name) => format!(
                "did you mean {name}? An attribute begins with a dot or its scope: .{word}, span.{word}, resource.{word}"
            ),
            None => format!(
                "an attribute begins with a dot or its scope: .{word}, span.{word}, resource.{word}; text stands in quotes"
            ),
        };
        self.problems.push(Problem::new(from, to, format!("there is no field `{word}`")).hint(hint));
        Field::Attribute(AttributeField { of_parent: false, scope: Scope::Any, key: word.into() })
    }

    fn pattern(&mut self) -> Read<Pattern> {
        let token = self.token().clone();
        let TokenKind::String(text) = &token.kind else {
            return Err(self.unexpected("a regular expression in quotes"));
        };
        self.advance();
        let compile = |text: &str| RegexBuilder::new(&format!("^(?:{text})$")).size_limit(REGEX_BYTES_MAX).build();
        let compiled = compile(text).or_else(|error| {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.problems.push(Problem::new(token.from, token.to, format!("this is no regular expression: {reason}")));
            compile("")
        });
        let compiled = compiled.map_err(|error| Problem::new(token.from, token.to, error.to_string()))?;
        Ok(Pattern { text: text.clone(), compiled })
    }

    /// Notes comparisons that can never hold.
    fn check_types(
        &mut self,
        operator: Operator,
        left: &FieldExpression,
        right: &FieldExpression,
        from: usize,
        to: usize,
    ) {
        if !operator.is_comparison() {
            return;
        }
        let (field, literal) = match (left, right) {
            (FieldExpression::Field(Field::Intrinsic(field)), FieldExpression::Literal(literal))
            | (FieldExpression::Literal(literal), FieldExpression::Field(Field::Intrinsic(field))) => (*field, literal),
            _ => return,
        };
        let (expected, hint) = match field {
            Intrinsic::Status => {
                ("ok, error or unset, without quotes", matches!(literal, Literal::Status(_) | Literal::Nil))
            }
            Intrinsic::Kind => (
                "server, client, internal, producer, consumer or unspecified, without quotes",
                matches!(literal, Literal::Kind(_) | Literal::Nil),
            ),
            Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::SelfTime | Intrinsic::Critical => (
                "a duration such as 150ms",
                matches!(literal, Literal::Duration(_) | Literal::Int(_) | Literal::Float(_) | Literal::Nil),
            ),
            Intrinsic::Name
            | Intrinsic::RootName
            | Intrinsic::RootServiceName
            | Intrinsic::StatusMessage
            | Intrinsic::TraceId
            | Intrinsic::SpanId
            | Intrinsic::EventName => ("text in quotes", matches!(literal, Literal::String(_) | Literal::Nil)),
            _ => return,
        };
        if !hint {
            let message = format!("{} is never equal to, less or more than {literal}", field.name());
            self.problems.push(Problem::new(from, to, message).expected(expected));
        }
    }
}

fn combined(operator: SpansetOperator, left: Spansets, right: Spansets) -> Spansets {
    Spansets::Combined { operator, left: Box::new(left), right: Box::new(right) }
}

fn number_of(kind: &TokenKind, negative: bool) -> Option<Literal> {
    Some(match kind {
        TokenKind::Int(int) => Literal::Int(if negative { -int } else { *int }),
        TokenKind::Float(float) => Literal::Float(if negative { -float } else { *float }),
        TokenKind::Duration(duration) => Literal::Duration(if negative { -*duration } else { *duration }),
        _ => return None,
    })
}

/// 99.9 of `p99.9`.
fn percentile_of(word: &str) -> Option<f64> {
    word.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok()).filter(|p| (0.0..=100.0).contains(p))
}

/// The constant that a token is, if it is one.
fn literal_of(token: &TokenKind) -> Option<Literal> {
    match token {
        TokenKind::String(text) => Some(Literal::String(text.clone())),
        TokenKind::Word(word) => word_literal(word),
        kind => number_of(kind, false),
    }
}

fn word_literal(word: &str) -> Option<Literal> {
    Some(match word {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        "nil" => Literal::Nil,
        "minInt" => Literal::Int(i64::MIN),
        "maxInt" => Literal::Int(i64::MAX),
        "ok" => Literal::Status(StatusCode::OK),
        "error" => Literal::Status(StatusCode::ERROR),
        "unset" => Literal::Status(StatusCode::UNSET),
        "unspecified" => Literal::Kind(SpanKind::UNSPECIFIED),
        "internal" => Literal::Kind(SpanKind::INTERNAL),
        "server" => Literal::Kind(SpanKind::SERVER),
        "client" => Literal::Kind(SpanKind::CLIENT),
        "producer" => Literal::Kind(SpanKind::PRODUCER),
        "consumer" => Literal::Kind(SpanKind::CONSUMER),
        _ => return None,
    })
}

/// Bare words as people type them into a search box become a selector on span names; a query stays as it is. Answers with
/// the text to parse.
#[must_use]
pub fn expand_search(text: &str) -> Text {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with(['{', '(']) || is_stage(trimmed) {
        return trimmed.into();
    }
    let words: Vec<String> =
        trimmed.split_whitespace().map(|word| format!("name =~ \"(?i).*{}.*\"", escaped(word))).collect();
    format!("{{ {} }}", words.join(" && ")).into()
}

/// Whether the text begins as a stage does, such as `count() > 10`.
fn is_stage(text: &str) -> bool {
    let (tokens, problems) = tokens(text);
    Parser { tokens, at: 0, depth: 0, chained: 0, problems }.starts_with_stage()
}

fn escaped(word: &str) -> String {
    regex::escape(word).replace('\\', "\\\\").replace('"', "\\\"")
}
