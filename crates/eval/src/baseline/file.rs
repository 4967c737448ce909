//! The file: YAML with one line for each time, call and span, so that a review shows what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use model::Duration;

use super::compare::{differences, words};
use super::{Band, Profile};
use crate::report::RunReport;
use crate::suite::{Entry, Node, parse_yaml};

/// The format of the file.
const VERSION: &str = "1";

/// The profiles of a suite's scenarios.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// By the scenario's name.
    pub scenarios: BTreeMap<String, Profile>,
}

impl Baseline {
    /// What a run with [`RunOptions::profile`](crate::RunOptions) measured, over what `earlier` said of scenarios that did
    /// not run or of which no attempt passed.
    #[must_use]
    pub fn of(report: &RunReport, earlier: Option<&Self>) -> Self {
        let mut baseline = earlier.cloned().unwrap_or_default();
        for scenario in &report.scenarios {
            if let Some(profile) = scenario.profile.as_ref().filter(|profile| profile.attempts > 0) {
                baseline.scenarios.insert(scenario.name.clone(), profile.clone());
            }
        }
        baseline
    }

    /// The file's text.
    #[must_use]
    pub fn print(&self, suite: &str) -> String {
        let mut text = format!(
            "# What the suite {suite:?} looked like, written by `headwater eval --baseline`. Changes are to be reviewed like code:\n\
             # `latency` has the median, its 95 % interval and the 95th percentile; `calls` and `spans` how many a trace has.\n\
             version: {VERSION}\nscenarios:\n"
        );
        for (name, profile) in &self.scenarios {
            let _ = writeln!(text, "  {}:\n    attempts: {}\n    latency:", quoted(name), profile.attempts);
            let times = profile.answer.iter().map(|band| ("answer", band));
            for (key, band) in times.chain(profile.times.iter().map(|(key, band)| (key.as_str(), band))) {
                let [median, low, high, p95] = [band.median, band.low, band.high, band.p95].map(micros);
                let _ = writeln!(
                    text,
                    "      {}: {{ median: {median}, low: {low}, high: {high}, p95: {p95} }}",
                    quoted(key)
                );
            }
            for (what, ranges) in [("calls", &profile.calls), ("spans", &profile.spans)] {
                let _ = writeln!(text, "    {what}:");
                for (key, range) in ranges {
                    let _ = writeln!(text, "      {}: {}", quoted(key), words(*range));
                }
            }
        }
        text
    }

    /// Reads [`Baseline::print`]'s text.
    ///
    /// # Errors
    /// What is wrong with it, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut problems = Vec::new();
        let root = parse_yaml(text, &mut problems);
        if let Some(problem) = problems.first() {
            return Err(format!("line {}: {}", problem.place.line, problem.message));
        }
        let root = root.ok_or("it is empty")?;
        if root.get("version").and_then(scalar) != Some(VERSION) {
            return Err(format!("it is no baseline of version {VERSION}"));
        }
        let mut baseline = Self::default();
        for scenario in entries(root.get("scenarios")) {
            let profile =
                profile(&scenario.value).map_err(|message| format!("scenario `{}`: {message}", scenario.key))?;
            baseline.scenarios.insert(scenario.key.clone(), profile);
        }
        Ok(baseline)
    }

    /// What is different in `new`, one line each, for people; empty when nothing is.
    #[must_use]
    pub fn difference(&self, new: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.scenarios.keys().chain(new.scenarios.keys()).collect();
        let mut lines = Vec::new();
        for name in names {
            match (self.scenarios.get(name), new.scenarios.get(name)) {
                (None, Some(profile)) => lines.push(format!("{name}: new, {} attempts", profile.attempts)),
                (Some(_), None) => lines.push(format!("{name}: gone")),
                (Some(then), Some(now)) => lines.extend(changes(then, now).map(|change| format!("{name}: {change}"))),
                (None, None) => {}
            }
        }
        lines
    }
}

fn entries(node: Option<&Node>) -> &[Entry] {
    node.and_then(Node::entries).unwrap_or_default()
}

fn scalar(node: &Node) -> Option<&str> {
    node.scalar().map(|scalar| scalar.text.as_str())
}

fn profile(node: &Node) -> Result<Profile, String> {
    let attempts = node.get("attempts").and_then(scalar).and_then(|text| text.parse().ok());
    let mut profile = Profile { attempts: attempts.ok_or("needs a number of `attempts`")?, ..Profile::default() };
    for entry in entries(node.get("latency")) {
        let band = band(&entry.value).ok_or_else(|| format!("`{}` is no time with its band", entry.key))?;
        if entry.key == "answer" {
            profile.answer = Some(band);
        } else {
            profile.times.insert(entry.key.clone(), band);
        }
    }
    for (what, ranges) in [("calls", &mut profile.calls), ("spans", &mut profile.spans)] {
        for entry in entries(node.get(what)) {
            let range = scalar(&entry.value).and_then(range);
            let range = range.ok_or_else(|| format!("`{}` needs a count or a range", entry.key))?;
            ranges.insert(entry.key.clone(), range);
        }
    }
    Ok(profile)
}

fn changes(then: &Profile, now: &Profile) -> impl Iterator<Item = String> {
    let mut changes = differences(&then.calls, &now.calls, "call");
    changes.extend(differences(&then.spans, &now.spans, "span"));
    let answers = then.answer.as_ref().zip(now.answer.as_ref()).map(|(then, now)| ("the answer", then, now));
    let times = then.times.iter().filter_map(|(key, then)| Some((key.as_str(), then, now.times.get(key)?)));
    for (key, then, now) in answers.into_iter().chain(times) {
        // Less than a tenth is noise that nobody reviews.
        if (now.median - then.median).abs() * 10 > then.median {
            let (now, then) = (Duration(now.median), Duration(then.median));
            changes.push(format!("the median of `{key}` is {now}, was {then}"));
        }
    }
    changes.into_iter()
}

/// Microseconds are fine enough to review, and read back the same.
fn micros(nanos: i64) -> String {
    format!("{}us", nanos / 1_000)
}

fn band(node: &Node) -> Option<Band> {
    let time = |key: &str| scalar(node.get(key)?)?.strip_suffix("us")?.parse::<i64>().ok()?.checked_mul(1_000);
    Some(Band { median: time("median")?, low: time("low")?, high: time("high")?, p95: time("p95")? })
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    Some((least.parse().ok()?, most.parse().ok()?))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn band() -> impl Strategy<Value = Band> {
        let time = || (0_i64..10_000_000).prop_map(|micros| micros * 1_000);
        (time(), time(), time(), time()).prop_map(|(median, low, high, p95)| Band { median, low, high, p95 })
    }

    fn ranges() -> impl Strategy<Value = BTreeMap<String, (u32, u32)>> {
        proptest::collection::btree_map("[ -~äß→]{1,20}", (0_u32..9, 9_u32..20), 0..4)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            name in "[ -~äß→]{1,20}",
            attempts in 0_u32..1_000,
            answer in proptest::option::of(band()),
            times in proptest::collection::btree_map("[a-z:# ]{1,10}", band(), 0..3),
            calls in ranges(),
            spans in ranges(),
        ) {
            prop_assume!(!times.contains_key("answer"));
            let profile = Profile { attempts, answer, times, calls, spans };
            let baseline = Baseline { scenarios: [(name, profile)].into() };
            prop_assert_eq!(Baseline::parse(&baseline.print("s")), Ok(baseline));
        }
    }

    #[test]
    fn a_file_that_is_no_baseline_says_so() {
        assert!(Baseline::parse("suite: x").is_err());
        assert!(Baseline::parse("version: 1\nscenarios:\n  a: { latency: { answer: fast } }").is_err());
        assert!(Baseline::parse("version: [").is_err());
    }
}
