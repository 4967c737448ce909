//! A fault on an edge, and of which requests.

use crate::fault::Fault;

/// The caller of an edge whose proxy cannot tell who calls: `* -> llm`.
pub const ANY_CALLER: &str = "*";

/// A fault on an edge, and which of its requests it hits; all of them if nothing more is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The edge: `caller -> callee`.
    pub edge: String,
    /// What goes wrong.
    pub fault: Fault,
    /// A request is hit with this chance, from 0 to 1.
    pub share: Option<f64>,
    /// Only the first so many requests of a trace; of those without a trace, of all together.
    pub times: Option<u32>,
    /// Only this request of a trace, counted from 1: the second attempt of a call that is tried again.
    pub attempt: Option<u32>,
}

impl Rule {
    /// A fault for every request of an edge.
    #[must_use]
    pub fn always(edge: &str, fault: Fault) -> Self {
        Self { edge: tidy_edge(edge), fault, share: None, times: None, attempt: None }
    }

    /// Everything about it that cannot be meant.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.fault.mistakes();
        if self.share.is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
            mistakes.push("a share lies above 0 % and up to 100 %".to_owned());
        }
        if self.times == Some(0) || self.attempt == Some(0) {
            mistakes.push("requests are counted from 1".to_owned());
        }
        if self.times.is_some() && self.attempt.is_some() {
            mistakes.push("times and attempt exclude one another: the first so many, or the one".to_owned());
        }
        mistakes
    }
}

/// An edge as it is compared: `rag→llm` and `rag->llm` are `rag -> llm`.
#[must_use]
pub fn tidy_edge(edge: &str) -> String {
    match edge.split_once("->").or_else(|| edge.split_once('→')) {
        Some((caller, callee)) => format!("{} -> {}", caller.trim(), callee.trim()),
        None => edge.trim().to_owned(),
    }
}

/// Whether the proxy of `proxied` stands on `edge`: it is the same, or its caller is [`ANY_CALLER`].
#[must_use]
pub fn stands_on(proxied: &str, edge: &str) -> bool {
    let (proxied, edge) = (tidy_edge(proxied), tidy_edge(edge));
    let callee = |edge: &str| edge.split_once(" -> ").map(|(_, callee)| callee.to_owned());
    proxied == edge
        || (proxied.split_once(" -> ").is_some_and(|(caller, _)| caller == ANY_CALLER)
            && callee(&proxied) == callee(&edge))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_compared_however_they_are_written() {
        assert_eq!(tidy_edge("rag→llm"), "rag -> llm");
        assert!(stands_on("rag->llm", "rag ->  llm"));
        assert!(stands_on("* -> llm", "rag -> llm"));
        assert!(!stands_on("* -> llm", "rag -> cache"));
        assert!(!stands_on("rag -> llm", "search -> llm"));
    }
}
