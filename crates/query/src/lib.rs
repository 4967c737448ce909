//! TraceQL: text to tree, tree to text, and a tree evaluated on a trace. No I/O, never a panic on input.
//!
//! ```
//! let mut span = model::Span::new(model::TraceId([1; 16]), model::SpanId([1; 8]), "GET /ask");
//! span.end = model::Instant(3_000_000_000);
//! let trace = model::Trace::assemble(model::TraceId([1; 16]), vec![span], Vec::new());
//! let query = query::parse(r#"{ name =~ "GET .*" && duration > 2s }"#).into_result().unwrap();
//! assert_eq!(query::select(&query, &query::View::new(&trace)), [0]);
//! ```
//!
//! The language is described in [`REFERENCE`]; its examples are tested.
//!
//! | file | what |
//! | --- | --- |
//! | `lexer.rs`, `parser.rs` | text to tokens to tree, with every mistake |
//! | `tree.rs`, `printer.rs` | the tree, and the tree as text |
//! | `problem.rs` | [`Problem`]: a mistake with its place |
//! | `view.rs` | [`View`]: a trace to evaluate on, with numbers computed elsewhere |
//! | `field.rs` | expressions on one span |
//! | `aggregate.rs` | spansets as numbers |
//! | `evaluate.rs` | spansets: selected, combined, staged |
//! | `metrics.rs` | spans counted and measured over time |
//! | `judged.rs` | [`each_judged`]: one walk over what decides what a query finds |
//! | `keys.rs` | which attributes a query speaks of, and whether a trace carries them |
//! | `mismatch.rs` | the nearest spans that did not match, and why |
//! | `cursor.rs` | what may stand at a place of an unfinished query |
//! | `limits.rs` | every bound |

mod aggregate;
mod cursor;
mod evaluate;
mod field;
mod judged;
mod keys;
mod lexer;
pub mod limits;
mod metrics;
mod mismatch;
mod parser;
mod printer;
mod problem;
mod tree;
mod view;

pub use aggregate::{Number, meets, number};
pub use cursor::{AtCursor, Expected, at_cursor};
pub use evaluate::{Spanset, evaluate, field_holds, field_texts, select};
pub use field::{FieldValue, field_meets};
pub use judged::{Judged, each_judged, each_judged_of_aggregate};
pub use keys::{
    ComparedType, KeyUse, Unknown, aggregate_asks_duration, field_asks_duration, keys_of_aggregate, keys_of_field,
    keys_of_query, unknown_in,
};
pub use metrics::{
    Exemplar, GroupOfSpans, Metrics, MetricsAnswer, MetricsFunction, MetricsQuery, MetricsRun, Series, SeriesQuery,
    SpanFinder, Window,
};
pub use mismatch::{Exclusion, NearMiss, exclusions, nearest};
pub use parser::{
    AnyQuery, Parsed, expand_search, parse, parse_aggregate, parse_any, parse_field, parse_metrics, parse_scalar,
};
pub use problem::Problem;
pub use tree::{
    AggregateFilter, AggregateFunction, AttributeField, Field, FieldExpression, Form, Hint, Intrinsic, Literal,
    Operator, Pattern, Query, Relation, Scalar, Scope, SpansetOperator, Spansets, Stage,
};
pub use view::{Computed, View};

/// The manual of the language, in Markdown.
pub const REFERENCE: &str = include_str!("reference.md");
