//! A deterministic embedding without a model: hashed word stems and character trigrams.
//!
//! Each word (lower case, without common words and plural endings) and each trigram of it is hashed (FNV-1a, 64 bits) to
//! one of [`DIMENSIONS`] places with a sign; words weigh 1, trigrams 0.25, longer words more. The sum is scaled to length 1,
//! so that the cosine counts shared words and word parts. It knows no synonyms: a real model does better, and is used when
//! one is configured.

/// How many numbers an embedding has.
pub(crate) const DIMENSIONS: usize = 512;

const COMMON: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how", "i",
    "if", "in", "is", "it", "its", "mean", "means", "my", "not", "of", "on", "or", "so", "that", "the", "then",
    "there", "they", "this", "to", "was", "what", "when", "where", "which", "who", "why", "with", "you", "your",
    "should", "will", "one", "many", "much", "get", "use", "used",
];

/// Embeds a text; all zero for a text without words.
pub(crate) fn embed(text: &str) -> Vec<f32> {
    let mut sums = vec![0.0_f32; DIMENSIONS];
    for word in words(text) {
        let weight = 1.0 + (word.chars().count().min(12) as f32) / 12.0;
        add(&mut sums, word.as_bytes(), weight);
        let padded: Vec<char> = format!("^{word}$").chars().collect();
        for trigram in padded.windows(3) {
            let trigram: String = trigram.iter().collect();
            add(&mut sums, format!("#{trigram}").as_bytes(), 0.25);
        }
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f32>().sqrt();
    if length > 0.0 {
        sums.iter_mut().for_each(|sum| *sum /= length);
    }
    sums
}

/// Lower-case words without common ones, cut to their stem.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !COMMON.contains(&word.as_str()))
        .map(|word| stem(&word).to_owned())
}

fn stem(word: &str) -> &str {
    for ending in ["ies", "es", "s", "ing", "ed"] {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() >= 4) {
            return stem;
        }
    }
    word
}

fn add(sums: &mut [f32], bytes: &[u8], weight: f32) {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
    sums[(hash % DIMENSIONS as u64) as usize] += sign * weight;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        embed(a).iter().zip(embed(b)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn shared_words_bring_texts_near() {
        assert!(
            cosine("exporting spans in batches", "the batch exporter sends spans")
                > cosine("exporting spans in batches", "a service map")
        );
        assert!((cosine("span", "span") - 1.0).abs() < 1e-5);
        assert_eq!(embed("the of and").iter().filter(|x| **x != 0.0).count(), 0);
    }

    /// The right passage of each question must mostly be among the five that search hands on.
    #[test]
    fn questions_find_their_passages() {
        let passages = crate::corpus::passages();
        let vectors: Vec<Vec<f32>> =
            passages.iter().map(|passage| embed(&format!("{} {}", passage.title, passage.text))).collect();
        let questions = crate::corpus::questions();
        let found = questions.iter().filter(|question| {
            let asked = embed(&question.text);
            let mut ranked: Vec<(f32, &str)> = vectors
                .iter()
                .zip(&passages)
                .map(|(vector, passage)| (vector.iter().zip(&asked).map(|(a, b)| a * b).sum(), passage.id.as_str()))
                .collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            ranked[..5].iter().any(|(_, id)| question.passages.iter().any(|right| right == id))
        });
        let found = found.count();
        assert!(found * 10 >= questions.len() * 9, "{found} of {} questions find a right passage", questions.len());
    }
}
