//! Assertions on an answer.

use std::collections::BTreeMap;

use model::Duration;
use serde_json::Value as Json;

use super::value::{cut, show, value_test};
use super::{Finding, State};
use crate::JsonPath;
use crate::suite::{Assertion, Check, GRPC_CODES, Range, StatusPattern, ValueTest, Variables};
use crate::trigger::Answer;

/// Checks `assertion` against the answer of its step; none if it is about a trace. `durations` are those of all steps.
pub(crate) fn check_answer(
    assertion: &Assertion,
    answer: &Answer,
    durations: &BTreeMap<String, Duration>,
    variables: &Variables,
) -> Option<Finding> {
    let finding = match &assertion.check {
        Check::Status(patterns) => status(patterns, answer),
        Check::GrpcStatus(codes) => grpc_status(codes, answer),
        Check::Json { path, tests } => json(path, tests, answer, variables),
        Check::Body(tests) => tested(tests, Some(&Json::String(answer.text())), "the answer", variables),
        Check::Header { name, tests } => {
            let value = answer.header(name).map(|value| Json::String(value.to_owned()));
            tested(tests, value.as_ref(), &format!("the header `{name}`"), variables)
        }
        Check::JsonSchema(schema) => json_schema(schema, answer),
        Check::Latency(range) => latency(range, answer.duration),
        Check::FasterThan { step, by } => faster(durations.get(step).copied(), answer.duration, step, *by),
        _ => return None,
    };
    Some(if answer.cut { of_cut_answer(finding, &assertion.check) } else { finding })
}

/// Of a body that was cut, what is found in it is there; that something is not there, or how it is as a whole, cannot be
/// said.
fn of_cut_answer(finding: Finding, check: &Check) -> Finding {
    let tests = match check {
        Check::Body(tests) | Check::Json { tests, .. } => tests.as_slice(),
        Check::JsonSchema(_) => &[],
        _ => return finding,
    };
    // A regular expression may ask for the end of the answer.
    let found_in_it = |test: &ValueTest| matches!(test, ValueTest::Contains(_));
    if finding.state == State::HeldForGood && !tests.is_empty() && tests.iter().all(found_in_it) {
        return finding;
    }
    let reason = "the answer is longer than what is kept of it and was cut";
    let expected = if finding.expected.is_empty() { "a whole answer" } else { finding.expected.as_str() };
    Finding { found: finding.found.clone(), ..Finding::not_evaluable(expected, reason) }
}

fn state(holds: bool) -> State {
    if holds { State::HeldForGood } else { State::FailedForGood }
}

fn status(patterns: &[StatusPattern], answer: &Answer) -> Finding {
    let expected: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    let holds = patterns.iter().any(|pattern| pattern.matches(answer.status));
    let found =
        if holds { answer.status.to_string() } else { format!("{}, answering {}", answer.status, cut(&answer.text())) };
    Finding::new(state(holds), format!("status {}", expected.join(" or ")), found)
}

fn grpc_status(codes: &[i32], answer: &Answer) -> Finding {
    let name =
        |code: i32| usize::try_from(code).ok().and_then(|code| GRPC_CODES.get(code)).copied().unwrap_or("UNKNOWN");
    let expected: Vec<&str> = codes.iter().map(|code| name(*code)).collect();
    let expected = format!("gRPC status {}", expected.join(" or "));
    if answer.header("grpc-status").is_none() {
        return Finding::not_evaluable(expected, "the answer is not one of gRPC");
    }
    let holds = codes.contains(&answer.status);
    let found = name(answer.status);
    let found = if holds { found.to_owned() } else { format!("{found}, answering {}", cut(&answer.text())) };
    Finding::new(state(holds), expected, found)
}

fn json(path: &JsonPath, tests: &[ValueTest], answer: &Answer, variables: &Variables) -> Finding {
    let body: Json = match serde_json::from_slice(&answer.body) {
        Ok(body) => body,
        Err(error) => {
            let found = format!("no JSON ({error}): {}", cut(&answer.text()));
            return Finding::new(State::FailedForGood, "an answer in JSON", found);
        }
    };
    let found = path.find(&body);
    if path.is_plural() {
        // A path that can lead to many is tested as the list of what it leads to.
        let list = Json::Array(found.into_iter().cloned().collect());
        return tested(tests, Some(&list), &format!("`{path}`"), variables);
    }
    tested(tests, found.first().copied(), &format!("`{path}`"), variables)
}

fn tested(tests: &[ValueTest], value: Option<&Json>, what: &str, variables: &Variables) -> Finding {
    let found = value.map_or_else(|| format!("{what} is not there"), |value| format!("{what} is {}", show(value)));
    for test in tests {
        if let Err(expected) = value_test(test, value, variables) {
            return Finding::new(State::FailedForGood, format!("of {what}: {expected}"), found);
        }
    }
    Finding::new(State::HeldForGood, "", found)
}

fn json_schema(schema: &Json, answer: &Answer) -> Finding {
    let expected = "an answer that meets the JSON Schema";
    let Ok(body) = serde_json::from_slice::<Json>(&answer.body) else {
        return Finding::new(State::FailedForGood, expected, format!("no JSON: {}", cut(&answer.text())));
    };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Finding::not_evaluable(expected, format!("the schema cannot be read: {error}")),
    };
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .take(5)
        .map(|error| cut(&format!("{error} at `{}`", error.instance_path())))
        .collect();
    Finding::new(
        state(errors.is_empty()),
        expected,
        if errors.is_empty() { "it does".to_owned() } else { errors.join("; ") },
    )
}

fn latency(range: &Range, duration: Duration) -> Finding {
    let expected = range.words(|nanos| Duration(nanos as i64).to_string());
    Finding::new(state(range.holds(duration.nanos() as f64)), format!("an answer in {expected}"), duration.to_string())
}

fn faster(other: Option<Duration>, own: Duration, step: &str, by: f64) -> Finding {
    let expected = format!("at least {by} times as fast as {step}");
    let Some(other) = other else { return Finding::not_evaluable(expected, format!("{step} was not sent")) };
    let ratio = ratio(other, own);
    let found = format!("{ratio:.2} times as fast ({other} before, {own} now)");
    Finding::new(state(ratio >= by), expected, found)
}

/// How many times as fast `own` is as `other`.
pub(crate) fn ratio(other: Duration, own: Duration) -> f64 {
    other.nanos() as f64 / own.nanos().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{JsonTemplate, MAIN_STEP, Place};

    /// Of an answer that holds `x`, cut or not.
    fn checked(check: Check, cut: bool) -> Finding {
        let assertion = Assertion {
            place: Place::default(),
            kind: "text",
            text: String::new(),
            step: MAIN_STEP.to_owned(),
            optional: false,
            when: None,
            check,
        };
        let answer = Answer { status: 200, body: b"x".to_vec(), cut, ..Answer::default() };
        check_answer(&assertion, &answer, &BTreeMap::new(), &Variables::new()).expect("about the answer")
    }

    #[test]
    fn what_a_cut_answer_does_not_hold_cannot_be_said() {
        let plain = |text: &str| JsonTemplate::Plain(text.into());
        let body = |test: ValueTest| Check::Body(vec![test]);
        let cut = |check: Check| checked(check, true);
        assert_eq!(cut(body(ValueTest::Contains(plain("x")))).state, State::HeldForGood);
        assert_eq!(cut(Check::Status(vec![StatusPattern::Exactly(200)])).state, State::HeldForGood);
        for check in [
            body(ValueTest::NotContains(plain("y"))),
            body(ValueTest::Contains(plain("y"))),
            body(ValueTest::Equals(plain("x"))),
            Check::JsonSchema(Json::Bool(true)),
        ] {
            let finding = cut(check);
            assert_eq!(finding.state, State::NotEvaluable);
            assert!(finding.reason.contains("was cut"), "{}", finding.reason);
        }
        assert_eq!(checked(body(ValueTest::NotContains(plain("y"))), false).state, State::HeldForGood);
    }
}
