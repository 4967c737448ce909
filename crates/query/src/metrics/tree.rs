//! The tree of a metrics query: spans become series of numbers over time.

use std::fmt::{Display, Formatter, Result};

use model::Instant;

use crate::printer::{hints, list};
use crate::tree::{FieldExpression, Hint, Literal, Operator, Query};

/// A metrics query such as `{ status = error } | rate() by(resource.service.name)`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsQuery {
    /// What is computed.
    pub expression: Metrics,
    /// `with(…)`; `exemplars=N` bounds the example spans.
    pub hints: Vec<Hint>,
}

/// An expression that yields series.
#[derive(Clone, Debug, PartialEq)]
pub enum Metrics {
    /// A number; a duration counts seconds.
    Constant(Literal),
    /// Series made of spans.
    Series(Box<SeriesQuery>),
    /// Two sets of series, point by point; series of the same labels meet.
    Binary {
        /// `+ - * /`.
        operator: Operator,
        /// Left.
        left: Box<Metrics>,
        /// Right.
        right: Box<Metrics>,
    },
    /// `… > 10`: only the points for which it holds.
    Filter {
        /// Of what.
        of: Box<Metrics>,
        /// One of the comparisons.
        operator: Operator,
        /// A number; a duration counts seconds.
        value: Literal,
    },
    /// `… | topk(n)`, `… | bottomk(n)`: at each point the n largest (or smallest).
    Top {
        /// Of what.
        of: Box<Metrics>,
        /// How many.
        count: u32,
        /// Whether the smallest are kept.
        smallest: bool,
    },
}

/// Spans and what is made of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesQuery {
    /// Where the spans come from.
    pub spans: Query,
    /// What is made of the spans of each step.
    pub function: MetricsFunction,
    /// One series for each combination of these values.
    pub by: Vec<FieldExpression>,
}

/// How the spans of one step become a number.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsFunction {
    /// `rate()`: spans per second.
    Rate,
    /// `count_over_time()`.
    Count,
    /// `min_over_time(x)`.
    Min(FieldExpression),
    /// `max_over_time(x)`.
    Max(FieldExpression),
    /// `avg_over_time(x)`.
    Avg(FieldExpression),
    /// `sum_over_time(x)`.
    Sum(FieldExpression),
    /// `quantile_over_time(x, 0.5, 0.99)`: a series for each quantile.
    Quantiles(FieldExpression, Vec<f64>),
    /// `histogram_over_time(x)`: a series for each bucket; bounds are powers of two.
    Histogram(FieldExpression),
    /// `compare({ … }, n, from, to)`: how often each attribute value occurs within and outside the selection.
    Compare {
        /// What belongs to the selection; none for all spans.
        selection: Option<FieldExpression>,
        /// Values kept of each attribute.
        top: u32,
        /// When a span must start to belong to the selection.
        window: Option<(Instant, Instant)>,
    },
}

impl MetricsFunction {
    /// As it is written.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Count => "count_over_time",
            Self::Min(_) => "min_over_time",
            Self::Max(_) => "max_over_time",
            Self::Avg(_) => "avg_over_time",
            Self::Sum(_) => "sum_over_time",
            Self::Quantiles(..) => "quantile_over_time",
            Self::Histogram(_) => "histogram_over_time",
            Self::Compare { .. } => "compare",
        }
    }

    /// The field it computes with.
    #[must_use]
    pub fn of(&self) -> Option<&FieldExpression> {
        match self {
            Self::Rate | Self::Count | Self::Compare { .. } => None,
            Self::Min(of)
            | Self::Max(of)
            | Self::Avg(of)
            | Self::Sum(of)
            | Self::Histogram(of)
            | Self::Quantiles(of, _) => Some(of),
        }
    }
}

impl Metrics {
    /// Every series query within, left to right.
    #[must_use]
    pub fn series_queries(&self) -> Vec<&SeriesQuery> {
        let (mut found, mut stack) = (Vec::new(), vec![self]);
        while let Some(metrics) = stack.pop() {
            match metrics {
                Self::Constant(_) => {}
                Self::Series(series) => found.push(&**series),
                Self::Binary { left, right, .. } => stack.extend([&**right, &**left]),
                Self::Filter { of, .. } | Self::Top { of, .. } => stack.push(of),
            }
        }
        found
    }
}

impl Display for MetricsQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.expression)?;
        hints(f, &self.hints)
    }
}

impl Display for Metrics {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Constant(literal) => write!(f, "{literal}"),
            Self::Series(series) => write!(f, "{series}"),
            Self::Binary { operator, left, right } => {
                side(f, left)?;
                write!(f, " {} ", operator.text())?;
                side(f, right)
            }
            Self::Filter { of, operator, value } => {
                operand(f, of)?;
                write!(f, " {} {value}", operator.text())
            }
            Self::Top { of, count, smallest } => {
                operand(f, of)?;
                write!(f, " | {}({count})", if *smallest { "bottomk" } else { "topk" })
            }
        }
    }
}

fn side(f: &mut Formatter<'_>, metrics: &Metrics) -> Result {
    if matches!(metrics, Metrics::Constant(_)) { write!(f, "{metrics}") } else { write!(f, "({metrics})") }
}

fn operand(f: &mut Formatter<'_>, metrics: &Metrics) -> Result {
    if matches!(metrics, Metrics::Binary { .. }) { write!(f, "({metrics})") } else { write!(f, "{metrics}") }
}

impl Display for SeriesQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} | {}", self.spans, self.function)?;
        if self.by.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        list(f, "by", &self.by)
    }
}

impl Display for MetricsFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let name = self.name();
        match self {
            Self::Rate | Self::Count => write!(f, "{name}()"),
            Self::Min(of) | Self::Max(of) | Self::Avg(of) | Self::Sum(of) | Self::Histogram(of) => {
                write!(f, "{name}({of})")
            }
            Self::Quantiles(of, quantiles) => {
                write!(f, "{name}({of}")?;
                quantiles.iter().try_for_each(|quantile| write!(f, ", {quantile:?}"))?;
                f.write_str(")")
            }
            Self::Compare { selection, top, window } => {
                f.write_str(name)?;
                match selection {
                    Some(selection) => write!(f, "({{ {selection} }}, {top}")?,
                    None => write!(f, "({{ }}, {top}")?,
                }
                window.map_or(Ok(()), |(from, to)| write!(f, ", {}, {}", from.0, to.0))?;
                f.write_str(")")
            }
        }
    }
}
