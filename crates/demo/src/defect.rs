//! Deliberate defects of the services, each a switch (`headwater demo --defect NAME`): what a suite must find.
//!
//! A service reads the names of those that are on from `DEMO_DEFECTS`, separated by commas; each acts in one place.

use std::collections::BTreeSet;

/// Something that is wrong with one service, or with how it calls another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// The gateway sends no trace context to auth.
    ContextLostAuth,
    /// The orchestrator sends no trace context to rag.
    ContextLostRag,
    /// Search sends no trace context to the vector database.
    ContextLostVectorDb,
    /// The orchestrator tells search that the trace is not sampled.
    SampledFlagCleared,
    /// The language model begins a trace of its own.
    FreshRoot,
    /// Rag answers as if all were well when the language model failed.
    SwallowedError,
    /// Rag's failed calls carry no exception.
    ErrorWithoutException,
    /// Rag asks the language model once more than it should.
    ExtraRetry,
    /// Rag asks again without a pause.
    RetryWithoutBackoff,
    /// The cache finds nothing.
    CacheNeverHits,
    /// The orchestrator keeps no answer.
    CacheNeverWritten,
    /// The orchestrator takes answers that were kept for others.
    StaleCache,
    /// Search asks the vector database one thing after the other.
    SerialQueries,
    /// The language model takes three times as long.
    SlowLlm,
    /// The orchestrator asks search twice.
    DuplicateCall,
    /// Search asks the vector database once more for every passage.
    NPlusOne,
    /// Search hands on the passages that fit least.
    WrongPassages,
    /// Rag writes the prompt without the passages.
    PassagesLost,
    /// Rag cuts the prompt.
    PromptTruncated,
    /// Rag does not say how many tokens went in.
    MissingAttribute,
    /// Search calls its retrieval something else.
    RenamedSpan,
    /// The gateway hands on no baggage of its own.
    BaggageLost,
    /// The gateway answers 200 with the message of an error.
    StatusHidden,
    /// Rag's context is prepared by what its span calls a client.
    WrongKind,
    /// The language model's generation hangs below nothing of its own service.
    WrongParent,
    /// Search waits for the vector database longer than it should.
    DeadlineRaised,
    /// Another model answers.
    OtherModel,
    /// Rag tells twice the tokens.
    TokensDoubled,
    /// The orchestrator writes no log of what failed.
    LogMissing,
    /// The orchestrator generates first what search should have been asked for.
    OrderSwapped,
    /// Auth marks a good answer's span as failed.
    FalseError,
    /// Search asks for half of the passages that it says.
    RetrievalHalved,
    /// Rag asks the language model twice, the first time with another temperature.
    LlmAskedTwice,
    /// Search answers with no passages when the vector database is late.
    TimeoutSwallowed,
    /// Search answers 502 instead of 504.
    WrongStatus,
    /// Rag tells the size of the context in kilobytes.
    UnitChanged,
    /// Search ends the span of its retrieval before what is below it.
    EndedEarly,
    /// The gateway takes everyone for the same user.
    WrongUser,
    /// Rag asks with another temperature.
    TemperatureRaised,
}

/// A defect's name, the service or call to blame, and what is wrong.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The defect.
    pub defect: Defect,
    /// The name of its switch.
    pub name: &'static str,
    /// Services, any of which a finding may name.
    pub blame: &'static [&'static str],
    /// What is wrong, in words.
    pub what: &'static str,
}

const fn about(defect: Defect, name: &'static str, blame: &'static [&'static str], what: &'static str) -> About {
    About { defect, name, blame, what }
}

/// Every defect there is.
pub const DEFECTS: &[About] = &[
    about(Defect::ContextLostAuth, "context-lost-auth", &["auth"], "gateway -> auth without trace context"),
    about(Defect::ContextLostRag, "context-lost-rag", &["rag"], "orchestrator -> rag without trace context"),
    about(
        Defect::ContextLostVectorDb,
        "context-lost-vector-db",
        &["vector-db"],
        "search -> vector-db without trace context",
    ),
    about(
        Defect::SampledFlagCleared,
        "sampled-flag-cleared",
        &["search"],
        "orchestrator -> search with the sampled flag cleared",
    ),
    about(Defect::FreshRoot, "fresh-root", &["llm"], "llm begins a trace of its own, linked to its caller's"),
    about(Defect::SwallowedError, "swallowed-error", &["rag", "llm"], "rag answers 200 when the llm failed"),
    about(
        Defect::ErrorWithoutException,
        "error-without-exception",
        &["rag"],
        "rag's failed calls have an error status and no exception",
    ),
    about(Defect::ExtraRetry, "extra-retry", &["rag", "llm"], "rag tries the llm once too often"),
    about(Defect::RetryWithoutBackoff, "retry-without-backoff", &["rag", "llm"], "rag tries again without a pause"),
    about(Defect::CacheNeverHits, "cache-never-hits", &["cache"], "the cache finds nothing"),
    about(Defect::CacheNeverWritten, "cache-never-written", &["cache"], "the orchestrator keeps no answer"),
    about(Defect::StaleCache, "stale-cache", &["cache"], "the orchestrator takes answers that were kept for others"),
    about(Defect::SerialQueries, "serial-queries", &["search", "vector-db"], "search asks one thing after the other"),
    about(Defect::SlowLlm, "slow-llm", &["llm"], "the llm takes three times as long"),
    about(Defect::DuplicateCall, "duplicate-call", &["search", "orchestrator"], "the orchestrator asks search twice"),
    about(Defect::NPlusOne, "n-plus-one", &["search", "vector-db"], "search asks once more for every passage"),
    about(Defect::WrongPassages, "wrong-passages", &["search"], "search hands on the passages that fit least"),
    about(Defect::PassagesLost, "passages-lost", &["rag"], "rag writes the prompt without the passages"),
    about(Defect::PromptTruncated, "prompt-truncated", &["rag"], "rag cuts the prompt"),
    about(Defect::MissingAttribute, "missing-attribute", &["rag"], "rag does not say how many tokens went in"),
    about(Defect::RenamedSpan, "renamed-span", &["search"], "search calls its retrieval something else"),
    about(
        Defect::BaggageLost,
        "baggage-lost",
        &["gateway", "orchestrator"],
        "the gateway hands on no baggage of its own",
    ),
    about(Defect::StatusHidden, "status-hidden", &["gateway"], "the gateway answers 200 with the message of an error"),
    about(Defect::WrongKind, "wrong-kind", &["rag"], "the span that prepares the context says client"),
    about(Defect::WrongParent, "wrong-parent", &["llm"], "the generation's span hangs below the caller's"),
    about(Defect::DeadlineRaised, "deadline-raised", &["search", "vector-db"], "search waits twice as long"),
    about(Defect::OtherModel, "other-model", &["rag", "llm"], "another model answers"),
    about(Defect::TokensDoubled, "tokens-doubled", &["rag", "llm"], "rag tells twice the tokens"),
    about(Defect::LogMissing, "log-missing", &["orchestrator"], "the orchestrator writes no log of what failed"),
    about(Defect::OrderSwapped, "order-swapped", &["cache", "orchestrator"], "the cache is asked after the search"),
    about(Defect::FalseError, "false-error", &["auth"], "auth marks the span of a good answer as failed"),
    about(
        Defect::RetrievalHalved,
        "retrieval-halved",
        &["search", "vector-db"],
        "search asks for half of the passages",
    ),
    about(
        Defect::LlmAskedTwice,
        "llm-asked-twice",
        &["rag", "llm"],
        "rag asks the llm twice, with another temperature",
    ),
    about(
        Defect::TimeoutSwallowed,
        "timeout-swallowed",
        &["search", "vector-db"],
        "search answers with no passages when the vector database is late",
    ),
    about(Defect::WrongStatus, "wrong-status", &["search"], "search answers 502 where the vector database was late"),
    about(Defect::UnitChanged, "unit-changed", &["rag"], "rag tells the context's size in kilobytes"),
    about(Defect::EndedEarly, "ended-early", &["search"], "search ends its retrieval's span before what is below it"),
    about(Defect::WrongUser, "wrong-user", &["gateway"], "the gateway takes everyone for the same user"),
    about(Defect::TemperatureRaised, "temperature-raised", &["rag", "llm"], "rag asks with another temperature"),
];

/// The defects that are on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defects(BTreeSet<Defect>);

impl Defects {
    /// From names separated by commas.
    ///
    /// # Errors
    /// When a name is none of [`DEFECTS`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let find = |name: &str| {
            let found = DEFECTS.iter().find(|about| about.name == name);
            found.map(|about| about.defect).ok_or_else(|| format!("there is no defect {name:?}"))
        };
        names.map(find).collect::<Result<_, _>>().map(Self)
    }

    pub fn has(&self, defect: Defect) -> bool {
        self.0.contains(&defect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defects_are_switched_by_name() {
        let on = Defects::parse("slow-llm, n-plus-one").expect("both exist");
        assert!(on.has(Defect::SlowLlm) && on.has(Defect::NPlusOne) && !on.has(Defect::FreshRoot));
        assert!(Defects::parse("slow-lm").is_err());
        let names: BTreeSet<&str> = DEFECTS.iter().map(|about| about.name).collect();
        assert_eq!(names.len(), DEFECTS.len());
    }
}
