//! Metrics queries and hints.
//!
//! ```text
//! metrics  sum ( "|" topk(n) | comparison number )*
//! sum      term ( ("+" | "-") term )*          term  operand ( ("*" | "/") operand )*
//! operand  series | "(" metrics ")" | number
//! series   query "|" function by(…)?
//! hints    with( name = value, … )
//! ```

use model::Instant;

use super::{ARITHMETIC, COMPARISONS, Parsed, Parser, Read, TokenKind, literal_of, number_of, parse_with};
use crate::metrics::{Metrics, MetricsFunction, MetricsQuery, SeriesQuery};
use crate::problem::Problem;
use crate::tree::{FieldExpression, Hint, Literal, Operator, Query};

/// A query of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyQuery {
    /// Finds spans of traces.
    Traces(Query),
    /// Makes series of spans.
    Metrics(MetricsQuery),
}

/// Parses a query of either kind.
#[must_use]
pub fn parse_any(text: &str) -> Parsed<AnyQuery> {
    parse_with(text, |parser| {
        if (0..parser.tokens.len()).any(|at| parser.is_metrics_stage(at)) {
            return parser.metrics_query().map(AnyQuery::Metrics);
        }
        let mut query = parser.query()?;
        query.hints = parser.hints()?;
        Ok(AnyQuery::Traces(query))
    })
}

/// Parses a metrics query such as `{ status = error } | rate() by(resource.service.name)`.
#[must_use]
pub fn parse_metrics(text: &str) -> Parsed<MetricsQuery> {
    parse_with(text, Parser::metrics_query)
}

/// Functions that make series of spans.
pub(super) const FUNCTIONS: &[&str] = &[
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];

/// What `compare` keeps of each attribute unless told otherwise.
const COMPARE_TOP: u32 = 10;

impl Parser {
    /// Whether a function that makes series of spans stands at token `at`.
    pub(super) fn is_metrics_function(&self, at: usize) -> bool {
        matches!(self.tokens.get(at).map(|token| &token.kind), Some(TokenKind::Word(word)) if FUNCTIONS.contains(&word.as_str()))
    }

    /// Whether a metrics function follows the bar at token `at`.
    fn is_metrics_stage(&self, at: usize) -> bool {
        self.tokens[at].kind == TokenKind::Symbol("|") && self.is_metrics_function(at + 1)
    }

    /// In a query for traces, a metrics function is a mistake.
    pub(super) fn refuse_metrics(&mut self) -> Read<()> {
        if !self.is("|") {
            return Ok(());
        }
        self.advance();
        let problem = self.unexpected("an aggregate, select(…), by(…), coalesce() or a selector");
        Err(problem.hint("this function makes series of numbers, not a list of spans: ask it as a metrics query"))
    }

    fn metrics_query(&mut self) -> Read<MetricsQuery> {
        let expression = self.metrics()?;
        if expression.series_queries().is_empty() {
            return Err(self.unexpected("a metrics function").hint("for example { status = error } | rate()"));
        }
        Ok(MetricsQuery { expression, hints: self.hints()? })
    }

    /// Comparisons and choices bind loosest: `a / b > 0.1` compares the ratio.
    fn metrics(&mut self) -> Read<Metrics> {
        let mut metrics = self.computed(0)?;
        loop {
            let comparison = COMPARISONS.iter().find(|(symbol, _)| self.is(symbol));
            let of = Box::new(metrics);
            metrics = if let Some(&(_, operator)) = comparison {
                self.chain()?;
                self.advance();
                Metrics::Filter { of, operator, value: self.number_literal()? }
            } else if self.take("|") {
                self.chain()?;
                self.top(of)?
            } else {
                return Ok(*of);
            };
        }
    }

    /// Precedence climbing, as for fields.
    fn computed(&mut self, least: u8) -> Read<Metrics> {
        let mut left = self.metrics_operand()?;
        loop {
            let found = ARITHMETIC.iter().find(|(symbol, operator)| {
                self.is(symbol)
                    && !matches!(operator, Operator::Modulo | Operator::Power)
                    && operator.precedence() > least
            });
            let Some(&(_, operator)) = found else { return Ok(left) };
            self.chain()?;
            self.advance();
            let right = self.computed(operator.precedence())?;
            left = Metrics::Binary { operator, left: Box::new(left), right: Box::new(right) };
        }
    }

    fn metrics_operand(&mut self) -> Read<Metrics> {
        let negative = self.take("-");
        if let Some(literal) = number_of(&self.token().kind, negative) {
            self.advance();
            return Ok(Metrics::Constant(literal));
        }
        if self.is("(") && self.group_makes_series() {
            self.advance();
            let inner = self.deeper(Self::metrics)?;
            self.expect(")", "what is opened with ( is closed with )")?;
            return Ok(inner);
        }
        self.series_query().map(Box::new).map(Metrics::Series)
    }

    /// Whether the parentheses opened here hold a metrics query rather than spansets. Looking ahead instead of trying both
    /// keeps reading linear.
    fn group_makes_series(&self) -> bool {
        let mut open = 0_u32;
        for at in self.at..self.tokens.len() {
            match self.tokens[at].kind {
                TokenKind::Symbol("(") => open += 1,
                TokenKind::Symbol(")") => open -= 1,
                _ if self.is_metrics_stage(at) => return true,
                _ => {}
            }
            if open == 0 {
                return false;
            }
        }
        false
    }

    fn top(&mut self, of: Box<Metrics>) -> Read<Metrics> {
        let smallest = match &self.token().kind {
            TokenKind::Word(word) if word == "topk" => false,
            TokenKind::Word(word) if word == "bottomk" => true,
            _ => {
                let problem = self.unexpected("topk(n) or bottomk(n)");
                return Err(
                    problem.hint("of series, only the largest or smallest are chosen, or points compared: > 10")
                );
            }
        };
        self.advance();
        self.expect("(", "how many stands in parentheses: topk(5)")?;
        let count = self.whole_number()?;
        self.expect(")", "topk and bottomk take one number")?;
        Ok(Metrics::Top { of, count, smallest })
    }

    fn series_query(&mut self) -> Read<SeriesQuery> {
        let spans = self.query()?;
        if !self.is("|") {
            let expected = format!("`|` and one of {}", FUNCTIONS.join(", "));
            return Err(self.unexpected(&expected).hint("for example { status = error } | rate()"));
        }
        self.advance();
        let function = self.metrics_function()?;
        let by = if self.is_word("by") {
            self.advance();
            self.arguments(Self::field_expression)?
        } else {
            Vec::new()
        };
        Ok(SeriesQuery { spans, function, by })
    }

    fn metrics_function(&mut self) -> Read<MetricsFunction> {
        let TokenKind::Word(name) = self.advance().kind else {
            return Err(self.unexpected("a metrics function"));
        };
        self.expect("(", "a function's arguments stand in parentheses")?;
        let function = match name.as_str() {
            "rate" => MetricsFunction::Rate,
            "count_over_time" => MetricsFunction::Count,
            "min_over_time" => MetricsFunction::Min(self.field_expression()?),
            "max_over_time" => MetricsFunction::Max(self.field_expression()?),
            "avg_over_time" => MetricsFunction::Avg(self.field_expression()?),
            "sum_over_time" => MetricsFunction::Sum(self.field_expression()?),
            "histogram_over_time" => MetricsFunction::Histogram(self.field_expression()?),
            "quantile_over_time" => {
                let of = self.field_expression()?;
                let mut quantiles = vec![self.quantile()?];
                while self.is(",") {
                    quantiles.push(self.quantile()?);
                }
                MetricsFunction::Quantiles(of, quantiles)
            }
            _ => self.compare()?,
        };
        self.expect(")", "a function's arguments end with )")?;
        Ok(function)
    }

    /// The arguments of `compare`.
    fn compare(&mut self) -> Read<MetricsFunction> {
        self.expect("{", "compare takes a selector first: compare({ status = error })")?;
        let selection: Option<FieldExpression> = if self.is("}") { None } else { Some(self.field_expression()?) };
        self.expect("}", "a selector is closed with }")?;
        let top = if self.take(",") { self.whole_number()? } else { COMPARE_TOP };
        let window = if self.take(",") {
            let from = self.instant()?;
            self.expect(",", "start and end are given together, in nanoseconds since 1970")?;
            Some((from, self.instant()?))
        } else {
            None
        };
        Ok(MetricsFunction::Compare { selection, top, window })
    }

    fn instant(&mut self) -> Read<Instant> {
        let TokenKind::Int(nanos) = self.token().kind else {
            return Err(self.unexpected("nanoseconds since 1970"));
        };
        self.advance();
        Ok(Instant(nanos.unsigned_abs()))
    }

    fn whole_number(&mut self) -> Read<u32> {
        let number = match self.token().kind {
            TokenKind::Int(int) => u32::try_from(int).ok().filter(|count| *count > 0),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected("a whole number above 0"))?;
        self.advance();
        Ok(number)
    }

    fn number_literal(&mut self) -> Read<Literal> {
        let negative = self.take("-");
        let literal = number_of(&self.token().kind, negative);
        let literal = literal.ok_or_else(|| self.unexpected("a number or a duration"))?;
        self.advance();
        Ok(literal)
    }

    /// `with(most_recent=true)`, if it is there.
    pub(super) fn hints(&mut self) -> Read<Vec<Hint>> {
        if !self.is_word("with") {
            return Ok(Vec::new());
        }
        self.advance();
        self.arguments(Self::hint)
    }

    fn hint(&mut self) -> Read<Hint> {
        let TokenKind::Word(name) = self.token().kind.clone() else {
            return Err(self.unexpected("a hint such as most_recent=true"));
        };
        self.advance();
        self.expect("=", "a hint has a value: most_recent=true")?;
        let token = self.token().clone();
        let value = literal_of(&token.kind)
            .ok_or_else(|| Problem::new(token.from, token.to, "a hint's value is missing").expected("a constant"))?;
        self.advance();
        Ok(Hint { name: name.into(), value })
    }
}
