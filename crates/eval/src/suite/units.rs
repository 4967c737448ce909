//! Quantities as people write them: `5s`, `1.2x`, `40%`, `>= 2`, `5%..95%`.

use std::fmt;

use model::Duration;

/// A share in whole percent, as reports say it.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Reads `200ms`, `1.5s`, `2m`, `1h`, `250us`, `10ns`, `1m30s`. A bare number is refused: which unit?
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("expected a duration such as `200ms` or `5s`".to_owned());
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 =
            rest[..digits].parse().map_err(|_| format!("`{text}` is not a duration; write `200ms` or `5s`"))?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(rest.len());
        let nanos = match &rest[..letters] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3_600e9,
            "" => return Err(format!("`{text}` has no unit; write `{text}ms` or `{text}s`")),
            unit => return Err(format!("`{unit}` is not a unit of time; there are ns, us, ms, s, m, h")),
        };
        total += number * nanos;
        rest = rest[letters..].trim_start();
    }
    if total > i64::MAX as f64 { Err(format!("`{text}` is too long")) } else { Ok(Duration(total.round() as i64)) }
}

/// Reads `40%` as 0.4, and `0.4`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    number
        .trim()
        .parse::<f64>()
        .map(|number| number / scale)
        .map_err(|_| format!("`{text}` is not a share; write `40%` or `0.4`"))
}

/// Reads `1.2x` or `1.2`.
pub(crate) fn factor(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches(['x', '×']);
    number
        .parse::<f64>()
        .ok()
        .filter(|factor| factor.is_finite() && *factor > 0.0)
        .ok_or_else(|| format!("`{text}` is not a factor; write `1.2x`"))
}

/// Reads a whole number.
pub(crate) fn whole(text: &str) -> Result<f64, String> {
    text.trim().parse::<u32>().map(f64::from).map_err(|_| format!("`{text}` is not a whole number"))
}

/// Reads a number.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    text.trim().parse::<f64>().map_err(|_| format!("`{text}` is not a number"))
}

/// What a number may be: from, to, each end inside or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Whether the lower end itself is outside (`> 2`).
    pub low_open: bool,
    /// Whether the upper end itself is outside (`< 2`).
    pub high_open: bool,
}

impl Range {
    /// `value` and more.
    #[must_use]
    pub fn at_least(value: f64) -> Self {
        Self { low: Some(value), high: None, low_open: false, high_open: false }
    }

    /// This value alone.
    #[must_use]
    pub fn exactly(value: f64) -> Self {
        Self { low: Some(value), high: Some(value), low_open: false, high_open: false }
    }

    /// Whether `value` lies within.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        !self.below(value) && !self.above(value)
    }

    /// Whether `value` is too small.
    #[must_use]
    pub fn below(&self, value: f64) -> bool {
        self.low.is_some_and(|low| value < low || (self.low_open && value <= low))
    }

    /// Whether `value` is too great.
    #[must_use]
    pub fn above(&self, value: f64) -> bool {
        self.high.is_some_and(|high| value > high || (self.high_open && value >= high))
    }

    /// This range in words, each end written by `unit`.
    pub(crate) fn words(&self, unit: impl Fn(f64) -> String) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low == high => unit(low),
            (Some(low), Some(high)) if !self.low_open && !self.high_open => {
                format!("{} to {}", unit(low), unit(high))
            }
            (low, high) => {
                let low =
                    low.map(|low| format!("{} {}", if self.low_open { "more than" } else { "at least" }, unit(low)));
                let high =
                    high.map(|high| format!("{} {}", if self.high_open { "less than" } else { "at most" }, unit(high)));
                [low, high].into_iter().flatten().collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(|value| value.to_string()))
    }
}

/// Reads `3`, `2..5`, `..5`, `2..`, `>= 2`, `< 5`, each end read by `unit`. Both ends of `..` are included.
pub(crate) fn range(text: &str, unit: impl Fn(&str) -> Result<f64, String>) -> Result<Range, String> {
    let text = text.trim();
    for (sign, upper, open) in [
        (">=", false, false),
        ("<=", true, false),
        ("==", true, false),
        (">", false, true),
        ("<", true, true),
        ("=", true, false),
    ] {
        let Some(rest) = text.strip_prefix(sign) else { continue };
        let value = unit(rest.trim())?;
        return Ok(match (sign, upper) {
            ("==" | "=", _) => Range::exactly(value),
            (_, true) => Range { low: None, high: Some(value), low_open: false, high_open: open },
            (_, false) => Range { low: Some(value), high: None, low_open: open, high_open: false },
        });
    }
    let Some((low, high)) = text.split_once("..") else { return unit(text).map(Range::exactly) };
    let end = |text: &str| if text.trim().is_empty() { Ok(None) } else { unit(text.trim()).map(Some) };
    let (low, high) = (end(low)?, end(high)?);
    match (low, high) {
        (None, None) => Err("a range needs at least one end".to_owned()),
        (Some(low), Some(high)) if low > high => Err(format!("`{text}` runs backwards")),
        _ => Ok(Range { low, high, low_open: false, high_open: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, nanos: i64| assert_eq!(duration(text), Ok(Duration(nanos)), "{text}");
        check("200ms", 200_000_000);
        check("1.5s", 1_500_000_000);
        check("1m30s", 90_000_000_000);
        check("10ns", 10);
        assert!(duration("10").is_err_and(|error| error.contains("no unit")));
        assert!(duration("10 parsecs").is_err());
        assert!(duration("").is_err());
    }

    #[test]
    fn ranges() {
        let check = |text: &str, inside: f64, outside: f64| {
            let range = range(text, share).expect(text);
            assert!(range.holds(inside) && !range.holds(outside), "{text}");
        };
        check("5%..95%", 0.05, 0.96);
        check(">= 2", 2.0, 1.9);
        check("< 2", 1.9, 2.0);
        check("..3", 3.0, 3.1);
        check("4", 4.0, 5.0);
        assert!(range("5..2", number).is_err());
        assert!(range("..", number).is_err());
    }
}
