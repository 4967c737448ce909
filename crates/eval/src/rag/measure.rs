//! Measures of retrieval and generation that need no model.

use std::collections::HashSet;

use super::Passage;

/// So many of so many, and which not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub held: usize,
    pub of: usize,
    /// Those that did not, in words.
    pub not: Vec<String>,
}

impl Share {
    /// From 0 to 1; none of nothing.
    pub fn value(&self) -> Option<f64> {
        (self.of > 0).then(|| self.held as f64 / self.of as f64)
    }

    fn of<T>(things: impl Iterator<Item = T>, holds: impl Fn(&T) -> bool, words: impl Fn(&T) -> String) -> Self {
        let mut share = Self::default();
        for thing in things {
            share.of += 1;
            if holds(&thing) {
                share.held += 1;
            } else {
                share.not.push(words(&thing));
            }
        }
        share
    }
}

fn first(passages: &[Passage], k: usize) -> Vec<&str> {
    // A passage that two retrievals found has the better of its ranks.
    let mut seen = HashSet::new();
    passages.iter().map(|passage| passage.id.as_str()).filter(|id| seen.insert(*id)).take(k).collect()
}

/// Recall@k: of the right passages, those among the first k.
pub(crate) fn recall(passages: &[Passage], gold: &[String], k: usize) -> Share {
    let first = first(passages, k);
    Share::of(gold.iter(), |id| first.contains(&id.as_str()), |id| (*id).clone())
}

/// Precision@k: of the first k passages, those that are right.
pub(crate) fn precision(passages: &[Passage], gold: &[String], k: usize) -> Share {
    let is_right = |id: &&str| gold.iter().any(|gold| gold == id);
    Share::of(first(passages, k).into_iter(), is_right, |id| (*id).to_owned())
}

/// One over the rank of the first right passage; 0 where there is none (its mean over questions is the MRR).
pub(crate) fn mrr(passages: &[Passage], gold: &[String], k: usize) -> f64 {
    let rank = first(passages, k).iter().position(|id| gold.iter().any(|gold| gold == id));
    rank.map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
}

/// nDCG@k with a gain of 1 for each right passage (Järvelin and Kekäläinen, 2002).
pub(crate) fn ndcg(passages: &[Passage], gold: &[String], k: usize) -> f64 {
    let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let ids = first(passages, k);
    let is_right = |id: &&str| gold.iter().any(|gold| gold == id);
    let gained: f64 = ids.iter().enumerate().filter(|(_, id)| is_right(id)).map(|(rank, _)| discount(rank)).sum();
    let best: f64 = (0..gold.len().min(k)).map(discount).sum();
    if best > 0.0 { gained / best } else { 0.0 }
}

/// Passages that were retrieved more than once, by id, else by text.
pub(crate) fn duplicates(passages: &[Passage]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for passage in passages {
        let what = if passage.id.is_empty() { plain(&passage.text) } else { passage.id.clone() };
        if !seen.insert(what.clone()) && !twice.contains(&what) {
            twice.push(what);
        }
    }
    twice
}

/// Of the passages, those whose text, or, where it was not recorded, whose id stands in a prompt.
pub(crate) fn handed_over(passages: &[Passage], prompts: &[&str]) -> Share {
    let prompts: Vec<String> = prompts.iter().map(|prompt| plain(prompt)).collect();
    let mut seen = HashSet::new();
    let once = passages.iter().filter(|passage| seen.insert((&passage.id, &passage.text)));
    let stands =
        |passage: &&Passage| {
            let text = plain(&passage.text);
            prompts.iter().any(|prompt| {
                if text.is_empty() { has_word(prompt, &plain(&passage.id)) } else { prompt.contains(&text) }
            })
        };
    let name = |passage: &&Passage| {
        if passage.id.is_empty() { passage.text.chars().take(60).collect() } else { passage.id.clone() }
    };
    Share::of(once, stands, name)
}

/// Letters and digits in lower case, with single blanks: line breaks and case are no difference.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// An id as a whole word: `a1` does not stand in `a12`.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(part)
                && !text[at + word.len()..].chars().next().is_some_and(part)
        })
}

/// Of the numbers in an answer, those that stand in what the model was given.
pub(crate) fn grounded_numbers(answer: &str, sources: &[&str]) -> Share {
    let known: HashSet<String> = sources.iter().flat_map(|source| numbers(source)).collect();
    Share::of(numbers(answer).into_iter(), |number| known.contains(number), Clone::clone)
}

/// Numbers as they are written, without signs and thousands' commas; those within words and ids are none.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | '%');
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_matches(|c: char| matches!(c, '.' | ',' | '-')));
    let numbers = words.filter_map(|word| {
        let number = word.trim_end_matches('%').replace(',', "");
        let digits = number.chars().any(|c| c.is_ascii_digit());
        (digits && number.parse::<f64>().is_ok()).then_some(number)
    });
    numbers.collect()
}

/// Of the quotations in an answer (three words or more), those that stand word for word in what the model was given.
pub(crate) fn grounded_quotations(answer: &str, sources: &[&str]) -> Share {
    let sources: Vec<String> = sources.iter().map(|source| plain(source)).collect();
    let stands = |quotation: &String| sources.iter().any(|source| source.contains(&plain(quotation)));
    Share::of(quotations(answer).into_iter(), stands, Clone::clone)
}

fn quotations(text: &str) -> Vec<String> {
    let text = text.replace(['“', '”', '„', '«', '»'], "\"");
    let between = text.split('"').skip(1).step_by(2);
    between.map(str::trim).filter(|part| part.split_whitespace().count() >= 3).map(str::to_owned).collect()
}

/// Of the citations in an answer, `[id]`, those that name a passage that was retrieved; `[1]` is the first of them.
pub(crate) fn grounded_citations(answer: &str, passages: &[Passage]) -> Share {
    let names = |cited: &String| {
        let by_number = cited.parse::<usize>().is_ok_and(|number| (1..=passages.len()).contains(&number));
        by_number || passages.iter().any(|passage| passage.id == *cited)
    };
    Share::of(citations(answer).into_iter(), names, Clone::clone)
}

fn citations(text: &str) -> Vec<String> {
    let inside = text.split('[').skip(1).filter_map(|rest| rest.split_once(']').map(|(inside, _)| inside));
    let ids = inside.flat_map(|inside| inside.split([',', ';'])).map(str::trim);
    // Prose in brackets is no citation.
    ids.filter(|id| !id.is_empty() && !id.contains(char::is_whitespace)).map(str::to_owned).collect()
}

/// Whether an answer says that it does not answer.
pub(crate) fn is_refusal(answer: &str) -> bool {
    const PHRASES: &[&str] = &[
        "i cannot answer",
        "i can't answer",
        "i cannot help",
        "i can't help",
        "i'm unable to",
        "i am unable to",
        "i don't know",
        "i do not know",
        "do not answer this question",
        "does not contain enough information",
        "not enough information",
        "no relevant information",
        "as an ai language model",
        "i'm sorry, but",
        "i am sorry, but",
    ];
    let answer = plain(&answer.replace('’', "'"));
    PHRASES.iter().any(|phrase| answer.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(ids: &[&str]) -> Vec<Passage> {
        ids.iter().map(|id| Passage { id: (*id).to_owned(), text: String::new() }).collect()
    }

    fn gold(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn ranks_are_measured_as_in_the_books() {
        let found = passages(&["x", "a", "y", "b"]);
        let right = gold(&["a", "b", "c"]);
        assert_eq!(recall(&found, &right, 4).value(), Some(2.0 / 3.0));
        assert_eq!(recall(&found, &right, 2).value(), Some(1.0 / 3.0));
        assert_eq!(recall(&found, &right, 4).not, ["c"]);
        assert_eq!(precision(&found, &right, 4).value(), Some(0.5));
        assert_eq!(mrr(&found, &right, 4), 0.5);
        assert_eq!(mrr(&found, &right, 1), 0.0);
        let expected = (1.0 / 3_f64.log2() + 1.0 / 5_f64.log2()) / (1.0 + 1.0 / 3_f64.log2() + 0.5);
        assert!((ndcg(&found, &right, 4) - expected).abs() < 1e-12);
        assert_eq!(ndcg(&passages(&["a"]), &gold(&["a"]), 5), 1.0);
        assert_eq!(duplicates(&passages(&["a", "b", "a", "a"])), ["a"]);
    }

    #[test]
    fn a_passage_is_handed_over_by_its_text_or_its_id() {
        let with_text = [Passage { id: "p".to_owned(), text: "The  sky\nis blue.".to_owned() }];
        assert_eq!(handed_over(&with_text, &["Context: the sky is blue. Answer!"]).value(), Some(1.0));
        assert_eq!(handed_over(&with_text, &["Context: the sky. [p]"]).value(), Some(0.0));
        let by_id = passages(&["span-id", "span"]);
        let share = handed_over(&by_id, &["[span-id] An id names a span-thing."]);
        assert_eq!((share.held, share.of, share.not.as_slice()), (1, 2, &["span".to_owned()][..]));
        assert_eq!(handed_over(&[], &["x"]).value(), None);
    }

    #[test]
    fn answers_are_held_to_their_sources() {
        let source = "The exporter waits 5,000 ms and sends 512 spans. It \"never drops a span\" in v2.";
        let numbers = grounded_numbers("It waits 5000 ms, sends 512 and keeps 99% of v2.", &[source]);
        assert_eq!((numbers.held, numbers.of, numbers.not.as_slice()), (2, 3, &["99".to_owned()][..]));
        let quotations = grounded_quotations("They say “never drops a span” and \"always drops a span\".", &[source]);
        assert_eq!((quotations.held, quotations.of), (1, 2));
        let cited = grounded_citations("So [a], and [b; 2] but [see above] and [9].", &passages(&["a", "b"]));
        assert_eq!((cited.held, cited.of, cited.not.as_slice()), (3, 4, &["9".to_owned()][..]));
    }

    #[test]
    fn refusals_are_recognised() {
        assert!(is_refusal("The passages at hand do not answer this question."));
        assert!(is_refusal("I’m sorry, but I can't."));
        assert!(!is_refusal("A span's parent is its caller."));
    }
}
