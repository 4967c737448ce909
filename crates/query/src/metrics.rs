//! Metrics: spans counted and measured over time.
//!
//! | file | what |
//! | --- | --- |
//! | `metrics/tree.rs` | [`MetricsQuery`] and the tree as text |
//! | `metrics/window.rs` | [`Window`]: from when to when, in which steps |
//! | `metrics/run.rs` | [`MetricsRun`]: is shown every trace once and gives series |
//! | `metrics/collect.rs` | the spans of one series query |
//! | `metrics/compare.rs` | attribute values within and outside a selection |
//! | `metrics/histogram.rs` | log-linear buckets for quantiles |
//! | `metrics/series.rs` | [`Series`], and arithmetic, filters and choice on them |

mod collect;
mod compare;
mod histogram;
mod run;
mod series;
mod tree;
mod window;

pub use run::{GroupOfSpans, MetricsAnswer, MetricsRun, SpanFinder};
pub use series::{Exemplar, Series};
pub use tree::{Metrics, MetricsFunction, MetricsQuery, SeriesQuery};
pub use window::Window;
