//! Assertions from good traces: what held in all of them, written as a scenario's `assert`.
//!
//! One trace gives exact counts and generous times; several give ranges, and only what all of them share. From three
//! traces on, values that never changed are suggested too. What a name, a port or a process decides is left out.

mod insert;
mod write;

pub use insert::suggest_into;

use model::Trace;

use crate::facts::{Facts, of_the_system, shared};
use crate::limits::SUGGESTED_MAX;

/// Assertions, one line of YAML each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestion {
    /// Items of `assert`, without the leading dash.
    pub lines: Vec<String>,
    /// How many more there would have been.
    pub left_out: usize,
    /// From how many traces.
    pub traces: usize,
}

impl Suggestion {
    /// As YAML to stand under a scenario's `name`.
    #[must_use]
    pub fn yaml(&self) -> String {
        format!("assert:\n{}", self.items("  "))
    }

    fn items(&self, indent: &str) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text += &format!("{indent}- {line}\n");
        }
        if self.left_out > 0 {
            text += &format!("{indent}# and {} more were left out\n", self.left_out);
        }
        text
    }
}

/// Suggests assertions that all of `traces` meet. The runner's own spans are left out. Without a trace there is nothing
/// to suggest.
#[must_use]
pub fn suggest(traces: &[Trace]) -> Suggestion {
    let traces = of_the_system(traces);
    if traces.is_empty() {
        return Suggestion::default();
    }
    let facts = Facts::of(&traces);
    let mut lines: Vec<String> = status(&traces).into_iter().collect();
    lines.extend(write::lines(&facts));
    let left_out = lines.len().saturating_sub(SUGGESTED_MAX);
    lines.truncate(SUGGESTED_MAX);
    Suggestion { lines, left_out, traces: traces.len() }
}

/// The answer's status, as the first span tells it.
fn status(traces: &[Trace]) -> Option<String> {
    let status = shared(traces, |trace| {
        let root = trace.span(*trace.roots().first()?);
        root.attributes.get("http.response.status_code").and_then(model::Value::as_int)
    })??;
    Some(format!("status: {status}"))
}
