//! What tokens cost: a table that its reader edits.

use crate::llm::LlmTokens;

/// Prices by model.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceTable {
    prices: Vec<Price>,
}

/// The price of one model, US dollars for a million tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The model's name or the beginning of it: `gpt-4o` is also `gpt-4o-2024-08-06`. The longest that fits counts.
    pub model: String,
    /// Tokens in.
    pub input: f64,
    /// Tokens out.
    pub output: f64,
    /// Tokens in that the provider had cached; the same as `input` where it makes no difference.
    pub cached_input: f64,
}

/// List prices of the middle of 2025. They change: a reader's own table comes first.
const LISTED: &str = "
gpt-4o 2.50 10.00 1.25
gpt-4o-mini 0.15 0.60 0.075
gpt-4.1 2.00 8.00 0.50
gpt-4.1-mini 0.40 1.60 0.10
gpt-4.1-nano 0.10 0.40 0.025
o3 2.00 8.00 0.50
o4-mini 1.10 4.40 0.275
claude-3-5-haiku 0.80 4.00 0.08
claude-3-5-sonnet 3.00 15.00 0.30
claude-3-7-sonnet 3.00 15.00 0.30
claude-sonnet-4 3.00 15.00 0.30
claude-opus-4 15.00 75.00 1.50
gemini-2.5-pro 1.25 10.00 0.31
gemini-2.5-flash 0.30 2.50 0.075
text-embedding-3-small 0.02 0 0.02
text-embedding-3-large 0.13 0 0.13
";

impl Default for PriceTable {
    fn default() -> Self {
        Self::parse(LISTED).unwrap_or_else(|_| Self { prices: Vec::new() })
    }
}

impl PriceTable {
    /// No price is known.
    #[must_use]
    pub fn empty() -> Self {
        Self { prices: Vec::new() }
    }

    /// Reads lines of `MODEL INPUT OUTPUT [CACHED]`, US dollars for a million tokens; `#` begins a remark.
    ///
    /// # Errors
    /// All lines that cannot be read, each with its number.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let (mut prices, mut problems) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            match price(line) {
                Some(price) => prices.push(price),
                None => problems.push(format!("line {number}: expected `MODEL INPUT OUTPUT [CACHED]`, found `{line}`")),
            }
        }
        if problems.is_empty() { Ok(Self { prices }) } else { Err(problems) }
    }

    /// Puts `first` before this table: its prices count where both name a model.
    #[must_use]
    pub fn preceded_by(self, first: Self) -> Self {
        let prices = first.prices.into_iter().chain(self.prices).collect();
        Self { prices }
    }

    /// The price of `model`; none where the table does not name it.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&Price> {
        let model = model.rsplit('/').next().unwrap_or(model);
        let fits = self.prices.iter().filter(|price| model.starts_with(&price.model));
        // Of equally long ones the first: a reader's own table comes before the listed one.
        fits.fold(None, |best: Option<&Price>, price| match best {
            Some(best) if best.model.len() >= price.model.len() => Some(best),
            _ => Some(price),
        })
    }

    /// What a call cost, US dollars; none where the price or the tokens are not known.
    #[must_use]
    pub fn cost(&self, model: &str, tokens: LlmTokens) -> Option<f64> {
        let price = self.of(model)?;
        let (input, output) = (tokens.input?, tokens.output.unwrap_or(0));
        let cached = tokens.cached_input.unwrap_or(0).min(input);
        let millionths =
            (input - cached) as f64 * price.input + cached as f64 * price.cached_input + output as f64 * price.output;
        Some(millionths / 1e6)
    }
}

fn price(line: &str) -> Option<Price> {
    let mut words = line.split_whitespace();
    let model = words.next()?.to_owned();
    let numbers: Vec<f64> = words.map(|word| word.parse::<f64>().ok()).collect::<Option<_>>()?;
    let sane = numbers.iter().all(|number| number.is_finite() && *number >= 0.0);
    match (numbers.as_slice(), sane) {
        (&[input, output], true) => Some(Price { model, input, output, cached_input: input }),
        (&[input, output, cached_input], true) => Some(Price { model, input, output, cached_input }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_and_the_own_table_count() {
        let listed = PriceTable::default();
        assert_eq!(listed.of("gpt-4o-mini-2024-07-18").map(|price| price.input), Some(0.15));
        assert_eq!(listed.of("openai/gpt-4o").map(|price| price.input), Some(2.5));
        assert_eq!(listed.of("unheard-of"), None);
        let own = PriceTable::parse("gpt-4o 1 2 # ours\n\nmine 4 8 1").unwrap();
        let both = listed.preceded_by(own);
        assert_eq!(both.of("gpt-4o").map(|price| price.input), Some(1.0));
        let tokens =
            LlmTokens { input: Some(1_000), output: Some(100), cached_input: Some(400), ..LlmTokens::default() };
        assert_eq!(both.cost("mine", tokens), Some((600.0 * 4.0 + 400.0 + 800.0) / 1e6));
        assert_eq!(both.cost("mine", LlmTokens::default()), None);
    }

    #[test]
    fn every_line_that_cannot_be_read_is_told() {
        let problems = PriceTable::parse("a 1 2\nb 1\nc x 2\nd 1 2 3 4\ne -1 2").unwrap_err();
        assert_eq!(problems.len(), 4);
        assert!(problems[0].starts_with("line 2:"), "{problems:?}");
    }
}
