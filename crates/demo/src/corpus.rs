//! The passages that the demo answers from, and questions with their right passages. Written for Headwater.

/// A passage of documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Its id, such as `span-parent`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its text: a few sentences.
    pub text: String,
}

/// All passages, in order.
///
/// The file holds `## id: title` lines with the text below each.
pub(crate) fn passages() -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for line in include_str!("../corpus/passages.md").lines() {
        if let Some((id, title)) = line.strip_prefix("## ").and_then(|head| head.split_once(": ")) {
            passages.push(Passage { id: id.to_owned(), title: title.to_owned(), text: String::new() });
        } else if let Some(passage) = passages.last_mut().filter(|_| !line.is_empty()) {
            if !passage.text.is_empty() {
                passage.text.push(' ');
            }
            passage.text.push_str(line);
        }
    }
    passages
}

/// A question and the passages that answer it: what the search is measured by.
#[cfg(test)]
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Question {
    /// The question.
    pub text: String,
    /// Ids of the right passages.
    pub passages: Vec<String>,
}

/// All questions, in order.
#[cfg(test)]
pub(crate) fn questions() -> Vec<Question> {
    serde_json::from_str(include_str!("../corpus/questions.json")).expect("a list of questions")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_question_has_passages_that_exist() {
        let passages = passages();
        let ids: HashSet<&str> = passages.iter().map(|passage| passage.id.as_str()).collect();
        assert!(passages.len() >= 60 && ids.len() == passages.len(), "{} passages, {} ids", passages.len(), ids.len());
        assert!(passages.iter().all(|passage| passage.text.len() > 80), "a passage is empty");
        let questions = questions();
        assert!(questions.len() >= 40, "{}", questions.len());
        for question in questions {
            assert!(
                !question.passages.is_empty() && question.passages.iter().all(|id| ids.contains(id.as_str())),
                "{question:?}"
            );
        }
    }
}
