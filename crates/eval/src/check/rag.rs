//! Retrieval and generation: what was found, what reached the prompt, what the answer rests on.

use model::SpanIndex;
use serde_json::Value as Json;

use super::trace::Judged;
use super::value::cut;
use super::{Finding, State};
use crate::rag::{self, Share, Told};
use crate::suite::{GroundingCheck, Range, RetrievalCheck, ToolCallsCheck, percent, plain};

/// Names that are told of those that did not hold.
const TOLD_MAX: usize = 8;

fn number(number: f64) -> String {
    format!("{number:.3}")
}

fn listed(names: &[String]) -> String {
    let rest = names.len().saturating_sub(TOLD_MAX);
    let named = names.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    cut(&if rest > 0 { format!("{named} and {rest} more") } else { named })
}

/// A score against its bounds. More spans may change it.
fn scored(
    name: &str,
    range: &Range,
    value: f64,
    show: fn(f64) -> String,
    found: String,
    spans: &[SpanIndex],
) -> Finding {
    let state = if range.holds(value) { State::HeldSoFar } else { State::FailedSoFar };
    Finding::new(state, format!("{name} of {}", range.words(show)), format!("{name} is {}{found}", show(value)))
        .evidence(spans.iter().copied())
        .score(name, value)
}

fn share_scored(name: &str, range: &Range, share: &Share, spans: &[SpanIndex]) -> Finding {
    let Some(value) = share.value() else {
        return Finding::not_evaluable(
            format!("{name} of {}", range.words(percent)),
            format!("there is nothing to measure the {name} of"),
        );
    };
    let not = if share.not.is_empty() { String::new() } else { format!(", not {}", listed(&share.not)) };
    scored(name, range, value, percent, format!(" ({} of {}{not})", share.held, share.of), spans)
}

fn no_passages(expected: &str) -> Finding {
    Finding::not_evaluable(
        expected,
        "no span tells what was retrieved (gen_ai.retrieval.documents, retrieval.documents.…)",
    )
}

pub(super) fn retrieval(check: &RetrievalCheck, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    if told.passages.is_empty() {
        return no_passages("retrieved passages");
    }
    let gold = match check.gold.as_ref().map(|gold| gold.render(judged.variables)).transpose() {
        Ok(gold) => gold.map(|gold| ids(&gold)).unwrap_or_default(),
        Err(undefined) => {
            return Finding::not_evaluable("the right passages", format!("nothing sets `{}`", undefined.name));
        }
    };
    let k = check.k.map_or(usize::MAX, |k| k as usize);
    let spans = &told.retrievals;
    let passages = &told.passages;
    let mut findings = Vec::new();
    if let Some(range) = &check.recall {
        findings.push(share_scored("recall", range, &rag::recall(passages, &gold, k), spans));
    }
    if let Some(range) = &check.precision {
        findings.push(share_scored("precision", range, &rag::precision(passages, &gold, k), spans));
    }
    if let Some(range) = &check.mrr {
        findings.push(scored("MRR", range, rag::mrr(passages, &gold, k), number, String::new(), spans));
    }
    if let Some(range) = &check.ndcg {
        let ideal = k.min(passages.len().max(gold.len()));
        findings.push(scored("nDCG", range, rag::ndcg(passages, &gold, ideal), number, String::new(), spans));
    }
    if let Some(range) = &check.duplicates {
        let twice = rag::duplicates(passages);
        let found = if twice.is_empty() { String::new() } else { format!(": {}", listed(&twice)) };
        let whole = |count: f64| format!("{count:.0}");
        findings.push(scored("duplicates", range, twice.len() as f64, whole, found, spans));
    }
    if let Some(range) = &check.count {
        let whole = |count: f64| format!("{count:.0}");
        findings.push(scored("passages", range, passages.len() as f64, whole, String::new(), spans));
    }
    together(findings)
}

/// The finding that counts, with the scores of all.
fn together(findings: Vec<Finding>) -> Finding {
    let scores: Vec<(String, f64)> = findings.iter().flat_map(|finding| finding.scores.clone()).collect();
    let found: Vec<String> = findings.iter().map(|finding| finding.found.clone()).collect();
    let mut counts = Finding::all(findings);
    if matches!(counts.state, State::HeldSoFar | State::HeldForGood) {
        counts.found = found.join("; ");
    }
    counts.scores = scores;
    counts
}

fn ids(gold: &Json) -> Vec<String> {
    match gold {
        Json::Array(items) => items.iter().map(plain).collect(),
        other => vec![plain(other)],
    }
}

fn prompts(told: &Told) -> Vec<&str> {
    told.prompts.iter().map(|(_, text)| text.as_str()).collect()
}

fn spans_of(texts: &[(SpanIndex, String)]) -> Vec<SpanIndex> {
    texts.iter().map(|(span, _)| *span).collect()
}

pub(super) fn handover(range: &Range, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    let expected = format!("hand-over of {}", range.words(percent));
    if told.passages.is_empty() {
        return no_passages(&expected);
    }
    if told.prompts.is_empty() {
        return Finding::not_evaluable(
            expected,
            "no span tells the prompt (gen_ai.input.messages, llm.input_messages.…)",
        );
    }
    let share = rag::handed_over(&told.passages, &prompts(told));
    share_scored("hand-over", range, &share, &spans_of(&told.prompts))
}

fn no_answers(expected: &str) -> Finding {
    Finding::not_evaluable(
        expected,
        "no span tells what the model said (gen_ai.output.messages, llm.output_messages.…)",
    )
}

pub(super) fn grounding(check: &GroundingCheck, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    if told.answers.is_empty() {
        return no_answers("an answer that rests on what was given");
    }
    let answer: String = told.answers.iter().map(|(_, text)| text.as_str()).collect();
    let mut sources = prompts(told);
    sources.extend(told.passages.iter().map(|passage| passage.text.as_str()));
    let spans = spans_of(&told.answers);
    let measures = [
        ("grounding of numbers", &check.numbers, rag::grounded_numbers(&answer, &sources)),
        ("grounding of quotations", &check.quotations, rag::grounded_quotations(&answer, &sources)),
        ("grounding of citations", &check.citations, rag::grounded_citations(&answer, &told.passages)),
    ];
    let findings = measures.iter().filter_map(|(name, range, share)| {
        let range = range.as_ref()?;
        // An answer without numbers says nothing wrong about them.
        if share.of == 0 && *name != "grounding of citations" {
            return Some(Finding::new(State::HeldSoFar, "", format!("{name}: there are none")).evidence(spans.clone()));
        }
        Some(share_scored(name, range, share, &spans))
    });
    together(findings.collect())
}

pub(super) fn refusal(wanted: bool, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    let expected = if wanted { "an answer that refuses" } else { "an answer that does not refuse" };
    // The last answer is what the user gets; tools and sub-questions come before.
    let Some((span, answer)) = told.answers.last() else { return no_answers(expected) };
    let refuses = rag::is_refusal(answer);
    let state = if refuses == wanted { State::HeldSoFar } else { State::FailedSoFar };
    Finding::new(state, expected, cut(answer.trim())).evidence([*span]).score("refusal", f64::from(u8::from(refuses)))
}

pub(super) fn truncated(wanted: bool, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    let expected = if wanted { "an answer cut at the limit of tokens" } else { "an answer that ended by itself" };
    if told.finish_reasons.is_empty() {
        return Finding::not_evaluable(
            expected,
            "no span tells why the model stopped (gen_ai.response.finish_reasons)",
        );
    }
    let is_cut = |reason: &str| matches!(reason, "length" | "max_tokens" | "MAX_TOKENS" | "model_length");
    let cut: Vec<SpanIndex> =
        told.finish_reasons.iter().filter(|(_, reason)| is_cut(reason)).map(|(span, _)| *span).collect();
    let found = format!("{} of {} ended for length", cut.len(), told.finish_reasons.len());
    let state = match (wanted, cut.is_empty()) {
        (false, true) => State::HeldSoFar,
        (false, false) => State::FailedForGood,
        (true, false) => State::HeldForGood,
        (true, true) => State::Absent,
    };
    Finding::new(state, expected, found).evidence(cut)
}

pub(super) fn tool_calls(check: &ToolCallsCheck, judged: &Judged<'_>) -> Finding {
    let told = judged.told();
    let of = check.name.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
    let calls: Vec<_> =
        told.tool_calls.iter().filter(|call| check.name.as_ref().is_none_or(|name| **name == call.name)).collect();
    let mut findings = Vec::new();
    let some = Range::at_least(1.0);
    let count = check.count.as_ref().unwrap_or(&some);
    let names: Vec<String> = told.tool_calls.iter().map(|call| call.name.clone()).collect();
    let found = if names.is_empty() { "no tool was called".to_owned() } else { format!("called: {}", listed(&names)) };
    findings.push(
        Finding::new(State::of_sum(count, calls.len() as f64), format!("{count} calls{of}"), found)
            .evidence(calls.iter().map(|call| call.span)),
    );
    if let Some(schema) = &check.schema {
        let expected = format!("arguments{of} that meet the JSON Schema");
        let validator = match jsonschema::validator_for(schema) {
            Ok(validator) => validator,
            Err(error) => return Finding::not_evaluable(expected, format!("the schema cannot be read: {error}")),
        };
        let wrong: Vec<(SpanIndex, String)> = calls
            .iter()
            .filter_map(|call| {
                let Some(arguments) = &call.arguments else {
                    return Some((call.span, "its arguments are not there, or no JSON".to_owned()));
                };
                let error = validator.iter_errors(arguments).next()?;
                Some((call.span, cut(&format!("{error} at `{}`", error.instance_path()))))
            })
            .collect();
        let found = format!("{} of {} do not", wrong.len(), calls.len());
        let state = if wrong.is_empty() { State::HeldSoFar } else { State::FailedForGood };
        findings.push(Finding::new(state, expected, found).noted(wrong));
    }
    Finding::all(findings)
}
