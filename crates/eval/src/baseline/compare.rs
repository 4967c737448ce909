//! A profile against an earlier one.

use std::collections::{BTreeMap, BTreeSet};

use model::Duration;

use super::{Band, Profile, Tolerance};
use crate::report::Verdict;
use crate::run::ATTEMPTS_FOR_CONFIDENCE;
use crate::suite::percent;

/// A change of less than this is no change, whatever its share.
const LEAST_CHANGE: Duration = Duration::from_millis(2);
/// Differences told of one scenario.
const TOLD_MAX: usize = 12;

/// What came of comparing structure or latency.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    /// `structure` or `latency`.
    pub what: &'static str,
    pub verdict: Verdict,
    pub expected: String,
    pub found: String,
    pub reason: String,
}

impl Compared {
    /// Of a scenario that the baseline does not know.
    pub fn unknown() -> Self {
        Self {
            what: "structure and latency",
            verdict: Verdict::Pass,
            expected: String::new(),
            found: "the scenario is not in the baseline: --update-baseline adds it".to_owned(),
            reason: String::new(),
        }
    }
}

/// Structure and latency of `now` against `then`.
pub(crate) fn compare(then: &Profile, now: &Profile, tolerance: Tolerance) -> Vec<Compared> {
    if now.attempts == 0 || then.attempts == 0 {
        let reason = "on one side no attempt passed on a whole trace, so that there is nothing to compare".to_owned();
        let insufficient = |what| Compared {
            what,
            verdict: Verdict::Insufficient,
            expected: "as in the baseline".to_owned(),
            found: String::new(),
            reason: reason.clone(),
        };
        return vec![insufficient("structure"), insufficient("latency")];
    }
    vec![structure(then, now), latency(then, now, tolerance)]
}

fn structure(then: &Profile, now: &Profile) -> Compared {
    let mut changes = differences(&then.calls, &now.calls, "call");
    changes.extend(differences(&then.spans, &now.spans, "span"));
    let verdict = if changes.is_empty() { Verdict::Pass } else { Verdict::Regressed };
    let rest = changes.len().saturating_sub(TOLD_MAX);
    changes.truncate(TOLD_MAX);
    if rest > 0 {
        changes.push(format!("and {rest} more"));
    }
    let found = if changes.is_empty() { "the same".to_owned() } else { changes.join("; ") };
    Compared {
        what: "structure",
        verdict,
        expected: "the structure of the baseline".to_owned(),
        found,
        reason: String::new(),
    }
}

/// What is new, gone, or there in numbers that were not seen before.
pub(super) fn differences(
    then: &BTreeMap<String, (u32, u32)>,
    now: &BTreeMap<String, (u32, u32)>,
    what: &str,
) -> Vec<String> {
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let difference = |key: &&String| match (then.get(*key), now.get(*key)) {
        (Some(_), None) => Some(format!("the {what} `{key}` is gone")),
        (None, Some(range)) => Some(format!("the {what} `{key}` is new ({})", words(*range))),
        (Some(then), Some(now)) if now.0 < then.0 || now.1 > then.1 => {
            Some(format!("the {what} `{key}` is there {} times, was {}", words(*now), words(*then)))
        }
        _ => None,
    };
    keys.iter().filter_map(difference).collect()
}

pub(super) fn words((least, most): (u32, u32)) -> String {
    if least == most { least.to_string() } else { format!("{least}..{most}") }
}

#[derive(Clone, Copy, PartialEq)]
enum Change {
    Slower,
    Faster,
    Same,
    CannotTell,
}

fn latency(then: &Profile, now: &Profile, tolerance: Tolerance) -> Compared {
    let enough = [then, now].iter().all(|profile| profile.attempts as usize >= ATTEMPTS_FOR_CONFIDENCE);
    let answers = then.answer.as_ref().zip(now.answer.as_ref()).map(|(then, now)| ("the answer", then, now));
    let spans = then.times.iter().filter_map(|(key, then)| Some((key.as_str(), then, now.times.get(key)?)));
    let mut changes: Vec<(Change, String)> = answers
        .into_iter()
        .chain(spans)
        .map(|(what, then, now)| (change(then, now, enough, tolerance), told(what, then, now)))
        .collect();
    // The answer's time is what users wait for: told first, then what explains it, the rest left out.
    let has = |wanted: Change| changes.iter().any(|(change, _)| *change == wanted);
    let first = changes.first().map(|(change, _)| *change);
    let (verdict, reason) = if has(Change::Slower) {
        (Verdict::Regressed, String::new())
    } else if has(Change::CannotTell) || !enough {
        let reason =
            format!("{} and {} attempts, or intervals that touch, do not tell: make more", then.attempts, now.attempts);
        (Verdict::Insufficient, reason)
    } else if first == Some(Change::Faster) {
        (Verdict::Improved, String::new())
    } else {
        (Verdict::Pass, String::new())
    };
    changes.retain(|(change, _)| *change != Change::Same);
    changes.truncate(TOLD_MAX);
    let found: Vec<String> = changes.into_iter().map(|(_, told)| told).collect();
    let found = if found.is_empty() { "no time changed".to_owned() } else { found.join("; ") };
    let Tolerance { tolerated, limit } = tolerance;
    let expected = format!("times within {} of the baseline, never {limit} times as long", percent(tolerated));
    Compared { what: "latency", verdict, expected, found, reason }
}

fn change(then: &Band, now: &Band, enough: bool, tolerance: Tolerance) -> Change {
    let (before, after) = (then.median.max(1) as f64, now.median.max(1) as f64);
    if (now.median - then.median).abs() < LEAST_CHANGE.nanos() {
        return Change::Same;
    }
    if after >= before * tolerance.limit {
        return Change::Slower;
    }
    let slower = after > before * (1.0 + tolerance.tolerated);
    let faster = after * (1.0 + tolerance.tolerated) < before;
    match (slower, faster) {
        (false, false) => Change::Same,
        _ if !enough => Change::CannotTell,
        (true, _) if now.low > then.high => Change::Slower,
        (_, true) if now.high < then.low => Change::Faster,
        _ => Change::CannotTell,
    }
}

fn told(what: &str, then: &Band, now: &Band) -> String {
    let ratio = now.median.max(1) as f64 / then.median.max(1) as f64;
    let band = |band: &Band| format!("{} ({} to {})", Duration(band.median), Duration(band.low), Duration(band.high));
    format!("{what} takes {ratio:.2} times as long: {} now, {} then", band(now), band(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(attempts: u32, median_ms: i64, spread_ms: i64) -> Profile {
        let ms = |ms: i64| ms * 1_000_000;
        let answer = Band {
            median: ms(median_ms),
            low: ms(median_ms - spread_ms),
            high: ms(median_ms + spread_ms),
            p95: ms(median_ms * 2),
        };
        let spans = [("a: x (server)".to_owned(), (1, 2))].into();
        Profile { attempts, answer: Some(answer), spans, ..Profile::default() }
    }

    fn verdicts(then: &Profile, now: &Profile) -> (Verdict, Verdict) {
        let compared = compare(then, now, Tolerance::default());
        (compared[0].verdict, compared[1].verdict)
    }

    #[test]
    fn two_guards_hold_a_regression_back_and_a_hard_limit_does_not_wait_for_them() {
        use Verdict::{Improved, Insufficient, Pass, Regressed};
        let then = profile(10, 100, 5);
        // Significant, and more than is tolerated.
        assert_eq!(verdicts(&then, &profile(10, 150, 5)), (Pass, Regressed));
        // Significant, and tolerated.
        assert_eq!(verdicts(&then, &profile(10, 115, 5)), (Pass, Pass));
        // More than is tolerated, and not significant.
        assert_eq!(verdicts(&then, &profile(10, 150, 60)), (Pass, Insufficient));
        // Past the limit, with a single attempt.
        assert_eq!(verdicts(&then, &profile(1, 320, 0)), (Pass, Regressed));
        assert_eq!(verdicts(&then, &profile(1, 101, 0)), (Pass, Insufficient));
        assert_eq!(verdicts(&then, &profile(10, 50, 5)), (Pass, Improved));
        assert_eq!(verdicts(&then, &Profile::default()), (Insufficient, Insufficient));
    }

    #[test]
    fn structure_is_tolerant_of_counts_that_were_seen_and_of_no_others() {
        let then = profile(10, 100, 5);
        let with = |spans: &[(&str, (u32, u32))]| {
            let spans = spans.iter().map(|(key, range)| ((*key).to_owned(), *range)).collect();
            compare(&then, &Profile { spans, ..then.clone() }, Tolerance::default()).swap_remove(0)
        };
        assert_eq!(with(&[("a: x (server)", (2, 2))]).verdict, Verdict::Pass);
        assert!(with(&[("a: x (server)", (1, 3))]).found.contains("is there 1..3 times, was 1..2"));
        let renamed = with(&[("a: y (server)", (1, 1))]);
        assert_eq!(renamed.verdict, Verdict::Regressed);
        assert!(renamed.found.contains("`a: x (server)` is gone") && renamed.found.contains("`a: y (server)` is new"));
    }
}
