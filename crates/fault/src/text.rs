//! Rules on one line: `EDGE: key=value …`, as flags and the control API take them.
//!
//! ```text
//! rag -> llm: status=503 body="{\"error\": \"overloaded\"}" times=2
//! search -> vector-db: delay=500ms jitter=200ms share=20%
//! gateway -> auth: drop=request            before the callee sees it; drop=answer after; drop=512 after so many bytes
//! orchestrator -> rag: truncate=100
//! rag -> llm: bandwidth=2KB
//! orchestrator -> search: strip=traceparent,tracestate,baggage
//! ```

use std::fmt;
use std::str::FromStr;

use model::Duration;

use crate::fault::{Drop, Fault, InjectedAnswer};
use crate::rule::{Rule, tidy_edge};

/// A rule that cannot be read, or cannot be meant: everything wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// What is wrong, each with what to do.
    pub mistakes: Vec<String>,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mistakes.join("; "))
    }
}

impl std::error::Error for RuleError {}

const KEYS: &str = "delay, jitter, bandwidth, status, body, grpc_status, drop, truncate, strip, share, times, attempt";

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let Some((edge, rest)) = text.split_once(": ").filter(|(edge, _)| !edge.trim().is_empty()) else {
            let mistake = format!("{text:?} is no rule: write `rag -> llm: status=503`");
            return Err(RuleError { mistakes: vec![mistake] });
        };
        let mut rule = Self::always(edge, Fault::default());
        rule.edge = tidy_edge(edge);
        let mut answer = InjectedAnswer { status: 0, body: None, grpc_status: None };
        let (mut has_status, mut has_answer) = (false, false);
        let mut mistakes = Vec::new();
        let pairs = pairs(rest, &mut mistakes);
        for (position, (key, value)) in pairs.iter().enumerate() {
            if pairs[..position].iter().any(|(other, _)| other == key) {
                mistakes.push(format!("{key:?} is said twice"));
                continue;
            }
            let value = value.clone();
            let read = match *key {
                "delay" => duration(&value).map(|time| rule.fault.delay = Some(time)),
                "jitter" => duration(&value).map(|time| rule.fault.jitter = Some(time)),
                "bandwidth" => bandwidth(&value).map(|bytes| rule.fault.bandwidth = Some(bytes)),
                "status" => {
                    (has_status, has_answer) = (true, true);
                    number(&value).map(|status| answer.status = status)
                }
                "body" => {
                    has_answer = true;
                    answer.body = Some(value);
                    Ok(())
                }
                "grpc_status" => {
                    has_answer = true;
                    number(&value).map(|status| answer.grpc_status = Some(status))
                }
                "drop" => drop_at(&value).map(|drop| rule.fault.drop = Some(drop)),
                "truncate" => number(&value).map(|bytes| rule.fault.truncate = Some(bytes)),
                "strip" => {
                    let names = value.split(',').map(|name| name.trim().to_lowercase());
                    rule.fault.strip = names.filter(|name| !name.is_empty()).collect();
                    Ok(())
                }
                "share" => share(&value).map(|share| rule.share = Some(share)),
                "times" => number(&value).map(|times| rule.times = Some(times)),
                "attempt" => number(&value).map(|attempt| rule.attempt = Some(attempt)),
                _ => Err(format!("there is no {key:?} in a fault; there are {KEYS}")),
            };
            mistakes.extend(read.err());
        }
        if has_answer && !has_status {
            mistakes.push("body and grpc_status go with a status".to_owned());
        } else if has_answer {
            rule.fault.answer = Some(answer);
        }
        if mistakes.is_empty() {
            mistakes = rule.mistakes();
        }
        if mistakes.is_empty() { Ok(rule) } else { Err(RuleError { mistakes }) }
    }
}

/// `key=value` pairs; a value in quotation marks is read as JSON reads a string.
fn pairs<'a>(text: &'a str, mistakes: &mut Vec<String>) -> Vec<(&'a str, String)> {
    let mut rest = text.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let Some((key, after)) = rest.split_once('=') else {
            mistakes.push(format!("{rest:?}: write key=value"));
            break;
        };
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<String>();
        let value = if after.starts_with('"') {
            match values.next() {
                Some(Ok(value)) => {
                    rest = &after[values.byte_offset()..];
                    value
                }
                _ => {
                    mistakes.push(format!(
                        "the quotation of {:?} does not end, or has an escape that JSON has not",
                        key.trim()
                    ));
                    break;
                }
            }
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            rest = &after[end..];
            after[..end].to_owned()
        };
        pairs.push((key.trim(), value));
        rest = rest.trim_start();
    }
    pairs
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number, or too large"))
}

fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.parse::<f64>().ok().filter(|share| share.is_finite());
    share.map(|share| share / scale).ok_or_else(|| format!("{text:?} is no share: write `20%` or `0.2`"))
}

fn drop_at(text: &str) -> Result<Drop, String> {
    match text {
        "request" => Ok(Drop::Request),
        "answer" => Ok(Drop::Answer),
        bytes => bytes.parse().map(Drop::After).map_err(|_| {
            format!("{text:?} is no place to drop at: write `request`, `answer`, or a number of the answer's bytes")
        }),
    }
}

const UNITS: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Bytes a second: `500`, `2KB`, `1MB`, in powers of ten.
///
/// # Errors
/// With what to write.
pub fn bandwidth(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no bandwidth: write bytes a second, such as `2KB`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let size: u64 = match unit.trim().trim_end_matches("/s") {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        _ => return Err(wrong()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(size)).ok_or_else(wrong)
}

/// `500ms`, `1.5s`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time: write `500ms` or `2s`");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    if let Ok(whole) = number.parse::<i64>() {
        return Ok(Duration(whole.saturating_mul(*nanos)));
    }
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(Duration((number * *nanos as f64).round() as i64))
}

/// A time with the largest unit up to seconds that loses nothing.
fn exact(time: Duration) -> String {
    let nanos = time.nanos();
    let (unit, size) = UNITS.iter().rev().skip(2).find(|(_, size)| nanos % size == 0).copied().unwrap_or(("ns", 1));
    format!("{}{unit}", nanos / size)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.edge, self.fault)?;
        if let Some(share) = self.share {
            write!(f, " share={share}")?;
        }
        if let Some(times) = self.times {
            write!(f, " times={times}")?;
        }
        if let Some(attempt) = self.attempt {
            write!(f, " attempt={attempt}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.delay.map(|time| format!("delay={}", exact(time))));
        parts.extend(self.jitter.map(|time| format!("jitter={}", exact(time))));
        parts.extend(self.bandwidth.map(|bytes| format!("bandwidth={bytes}")));
        if let Some(answer) = &self.answer {
            parts.push(format!("status={}", answer.status));
            parts.extend(answer.body.as_ref().map(|body| format!("body={}", serde_json::Value::from(body.as_str()))));
            parts.extend(answer.grpc_status.map(|status| format!("grpc_status={status}")));
        }
        parts.extend(self.drop.map(|drop| match drop {
            Drop::Request => "drop=request".to_owned(),
            Drop::Answer => "drop=answer".to_owned(),
            Drop::After(bytes) => format!("drop={bytes}"),
        }));
        parts.extend(self.truncate.map(|bytes| format!("truncate={bytes}")));
        if !self.strip.is_empty() {
            parts.push(format!("strip={}", self.strip.join(",")));
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults() -> impl Strategy<Value = Fault> {
        let time = || proptest::option::of((0_i64..3_600_000_000_000).prop_map(Duration));
        let answer = (200_u16..600, proptest::option::of(".*"), proptest::option::of(0_u8..=16));
        let answer = answer.prop_map(|(status, body, grpc_status)| InjectedAnswer { status, body, grpc_status });
        let drop = prop_oneof![Just(Drop::Request), Just(Drop::Answer), any::<u64>().prop_map(Drop::After)];
        let end = prop_oneof![
            answer.prop_map(|answer| Fault { answer: Some(answer), ..Fault::default() }),
            drop.prop_map(|drop| Fault { drop: Some(drop), ..Fault::default() }),
            any::<u64>().prop_map(|bytes| Fault { truncate: Some(bytes), ..Fault::default() }),
            Just(Fault::default()),
        ];
        (end, time(), time(), proptest::option::of(1_u64..), proptest::collection::vec("[a-z][a-z0-9-]{0,8}", 0..4))
            .prop_map(|(end, delay, jitter, bandwidth, strip)| Fault { delay, jitter, bandwidth, strip, ..end })
            .prop_filter("meant", |fault| fault.mistakes().is_empty())
    }

    proptest! {
        #[test]
        fn a_rule_is_read_as_it_was_written(
            fault in faults(),
            share in proptest::option::of(0.001_f64..=1.0),
            times in proptest::option::of(1_u32..),
        ) {
            let rule = Rule { share, times, ..Rule::always("rag -> llm", fault) };
            prop_assert_eq!(rule.to_string().parse::<Rule>().expect("reads"), rule);
        }

        #[test]
        fn nothing_written_panics(text in ".*") {
            let _ = text.parse::<Rule>();
            let _ = format!("a -> b: {text}").parse::<Rule>();
        }
    }

    #[test]
    fn every_mistake_is_told() {
        let check = |text: &str, told: &[&str]| {
            let error = text.parse::<Rule>().expect_err(text);
            assert_eq!(error.mistakes.len(), told.len(), "{error}");
            for (mistake, part) in error.mistakes.iter().zip(told) {
                assert!(mistake.contains(part), "{mistake}");
            }
        };
        check("status=503", &["is no rule"]);
        check("a -> b: ", &["does nothing"]);
        check("a -> b: delay=5 staus=503 drop=often", &["is no time", "there is no \"staus\"", "no place to drop at"]);
        check("a -> b: status=503 drop=request", &["status and drop exclude one another"]);
        check("a -> b: body=\"x\"", &["go with a status"]);
        check("a -> b: body=\"x", &["does not end"]);
        check("a -> b: delay=1s status=0", &["no status of an answer"]);
        check("a -> b: status=99 share=120%", &["no status of an answer", "a share lies"]);
        check("a -> b: truncate=1 times=1 attempt=2", &["times and attempt exclude"]);
        check("a -> b: status=503 strip=traceparent", &["strip can do nothing"]);
        check("a -> b: bandwidth=fast", &["is no bandwidth"]);
        check("a -> b: bandwidth=2KB drop=answer", &["bandwidth can do nothing"]);
        check("a -> b: bandwidth=0", &["at least a byte a second"]);
        check("a -> b: status=503 status=500", &["\"status\" is said twice"]);
        check("a -> b: strip=trace_parent,x:y,(a", &["\"x:y\"", "\"(a\" is no name of a header"]);
    }
}
