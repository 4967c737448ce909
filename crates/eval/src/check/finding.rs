//! What a check found.

use model::SpanIndex;

use crate::suite::Range;

/// Whether it holds, and whether spans that have not arrived could change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Holds, and more spans cannot change it: something that must be there is there.
    HeldForGood,
    /// Holds on what is here: something that must not be there is not there, a bound is kept.
    HeldSoFar,
    /// Does not hold, and more spans cannot change it: something that must not be there is there.
    FailedForGood,
    /// Something that must be there is not.
    Absent,
    /// A bound is broken on what is here; more spans could mend it.
    FailedSoFar,
    /// Cannot be said on this trace: nothing selected, a key that no span carries.
    NotEvaluable,
}

impl State {
    /// Of a number that more spans can only raise, such as a count, against its bounds.
    pub fn of_sum(range: &Range, sum: f64) -> Self {
        if range.above(sum) {
            Self::FailedForGood
        } else if range.below(sum) {
            Self::Absent
        } else if range.high.is_none() {
            Self::HeldForGood
        } else {
            Self::HeldSoFar
        }
    }
}

/// What a check found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub state: State,
    pub expected: String,
    pub found: String,
    /// Why it cannot be said.
    pub reason: String,
    /// Spans that prove it, each with a note.
    pub evidence: Vec<(SpanIndex, String)>,
    pub nearest: Option<(SpanIndex, String)>,
    pub selectors: Vec<String>,
    /// What was measured, by name, for evaluation results.
    pub scores: Vec<(String, f64)>,
}

impl Finding {
    pub fn new(state: State, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            state,
            expected: expected.into(),
            found: found.into(),
            reason: String::new(),
            evidence: Vec::new(),
            nearest: None,
            selectors: Vec::new(),
            scores: Vec::new(),
        }
    }

    pub fn not_evaluable(expected: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::new(State::NotEvaluable, expected, "") }
    }

    pub fn evidence(mut self, spans: impl IntoIterator<Item = SpanIndex>) -> Self {
        self.evidence.extend(spans.into_iter().map(|span| (span, String::new())));
        self
    }

    pub fn noted(mut self, spans: impl IntoIterator<Item = (SpanIndex, String)>) -> Self {
        self.evidence.extend(spans);
        self
    }

    pub fn nearest(mut self, nearest: Option<(SpanIndex, String)>) -> Self {
        self.nearest = nearest;
        self
    }

    pub fn selectors(mut self, selectors: impl IntoIterator<Item = String>) -> Self {
        self.selectors.extend(selectors);
        self
    }

    pub fn score(mut self, name: &str, value: f64) -> Self {
        self.scores.push((name.to_owned(), value));
        self
    }

    /// Of several findings about one assertion, one: the first that does not hold counts; if all do, the weakest.
    pub fn all(findings: Vec<Self>) -> Self {
        let rank = |finding: &Self| match finding.state {
            State::FailedForGood => 0,
            State::NotEvaluable => 1,
            State::Absent => 2,
            State::FailedSoFar => 3,
            State::HeldSoFar => 4,
            State::HeldForGood => 5,
        };
        let first = findings.into_iter().min_by_key(rank);
        first.unwrap_or_else(|| Self::new(State::HeldForGood, "", ""))
    }
}
