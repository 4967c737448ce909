//! Answers by selecting sentences from the given passages: what stands in for a language model where none is configured.
//! It invents nothing: every sentence is a quotation with its passage named.

use crate::embedding::embed;

/// Says in `gen_ai.response.model` what answered.
pub(crate) const MODEL: &str = "headwater-extractive-1";

const SENTENCES_MAX: usize = 3;

/// What was answered, and from which passages.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub text: String,
    /// Ids of the passages quoted, in order.
    pub citations: Vec<String>,
}

/// Answers `question` from a prompt whose passages stand as `[id] text` lines.
pub(crate) fn answer(question: &str, prompt: &str) -> Answer {
    let asked = embed(question);
    let mut ranked: Vec<(f32, usize, &str, &str)> = Vec::new();
    for (id, text) in passages_of(prompt) {
        for sentence in sentences(text) {
            let near: f32 = embed(sentence).iter().zip(&asked).map(|(a, b)| a * b).sum();
            ranked.push((near, ranked.len(), id, sentence));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let best = ranked.first().map_or(0.0, |(near, ..)| *near);
    if best < 0.05 {
        let text = "The passages at hand do not answer this question.".to_owned();
        return Answer { text, citations: Vec::new() };
    }
    let mut chosen: Vec<_> = ranked.into_iter().take(SENTENCES_MAX).filter(|(near, ..)| *near >= best * 0.5).collect();
    // In the order of the passages they read better than by rank.
    chosen.sort_by_key(|(_, position, ..)| *position);
    let mut answer = Answer { text: String::new(), citations: Vec::new() };
    for (_, _, id, sentence) in chosen {
        let space = if answer.text.is_empty() { "" } else { " " };
        answer.text += &format!("{space}{sentence} [{id}]");
        if !answer.citations.iter().any(|cited| cited == id) {
            answer.citations.push(id.to_owned());
        }
    }
    answer
}

fn passages_of(prompt: &str) -> impl Iterator<Item = (&str, &str)> {
    prompt.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "))
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ").map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// Tokens as a rough model counts them: four characters each, at least one a word.
pub(crate) fn count_tokens(text: &str) -> i64 {
    let words = text.split_whitespace().map(|word| word.chars().count().div_ceil(4));
    i64::try_from(words.sum::<usize>()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_quote_and_cite() {
        let prompt = "Passages:\n[span-parent] A parent id names the span that caused this one. Roots have none.\n[cats] Cats sleep a lot.\n";
        let answer = answer("What is the parent id of a span?", prompt);
        assert!(
            answer.text.starts_with("A parent id names the span that caused this one. [span-parent]"),
            "{answer:?}"
        );
        assert_eq!(answer.citations, ["span-parent"]);
        assert!(super::answer("zebra xylophone", "no passages").citations.is_empty());
    }

    #[test]
    fn tokens_are_counted() {
        assert_eq!(count_tokens(""), 0);
        assert_eq!(count_tokens("a long sentence"), 1 + 1 + 2);
    }
}
