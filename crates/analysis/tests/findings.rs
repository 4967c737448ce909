//! What is found over many traces: each case is drawings and the findings that they must, and must not, give.

mod drawing;

use analysis::{ExplainOptions, Explanation, Finding, FindingKind};
use drawing::{draw, with_id};

/// Explains `count` copies of each text, under ids of their own.
fn explain(texts: &[&str], count: u64) -> Vec<Finding> {
    let mut explanation = Explanation::new(ExplainOptions::default());
    for number in 0..count {
        for (position, text) in (0_u64..).zip(texts) {
            explanation.add(&with_id(draw(text), number * 100 + position));
        }
    }
    explanation.finish().findings
}

/// `found` lists `kind place` of every finding that is not a bottleneck.
#[track_caller]
fn check(texts: &[&str], count: u64, found: &[&str]) {
    let about_time = |kind| matches!(kind, FindingKind::Bottleneck | FindingKind::TailBottleneck);
    let mut shown: Vec<String> = explain(texts, count)
        .iter()
        .filter(|one| !about_time(one.kind))
        .map(|one| format!("{} {}", one.kind.name(), one.place))
        .collect();
    shown.sort();
    assert_eq!(shown, found);
}

#[test]
fn a_healthy_system_has_only_places_where_time_is_spent() {
    check(&["a:r:server[0..100](a:c:client[10..50](b:r:server[12..48]))"], 60, &[]);
}

#[test]
fn errors_are_told_by_where_they_began() {
    let failing = "a:r:server[0..100]!(a:c:client[10..50]!(b:r:server[12..48]!))";
    check(&[failing], 3, &["error b"]);
    let waiting = "a:r:server[0..1010]!(a:c:client[0..1000]!{error.type=timeout}(b:r:server[1..5000]))";
    check(&[waiting], 2, &["timeout a -> b"]);
    check(&["a:r:server[0..100](a:c:client[10..50]!(b:r:server[12..48]!))"], 2, &["handled-error b"]);
}

#[test]
fn messages_are_grouped_without_their_numbers() {
    let of = |user: &str| format!("a:r:server[0..9]!{{error.type=no user {user}}}");
    let texts = [of("71f3"), of("9911")];
    let found = explain(&texts.each_ref().map(String::as_str), 2);
    let errors: Vec<&Finding> = found.iter().filter(|one| one.kind == FindingKind::Error).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].traces, (4, 4));
}

#[test]
fn attempts_and_their_pauses_are_told() {
    let b = "{service.peer.name=b}";
    let text = format!("a:r:server[0..999](a:c:client[1..2]!{b} a:c:client[52..53]!{b} a:c:client[153..154]{b})");
    check(&[&text], 3, &["handled-error a -> b", "retry-storm a -> b:c"]);
    let healthy = format!("a:r:server[0..999](a:c:client[1..2]{b})");
    // Among many healthy calls, the same is no storm.
    let texts: Vec<&str> = std::iter::once(&*text).chain(std::iter::repeat_n(&*healthy, 9)).collect();
    check(&texts, 2, &["handled-error a -> b", "retries a -> b:c"]);
}

#[test]
fn the_context_is_lost_where_a_callee_begins_a_trace() {
    let whole = "a:r:server[0..100](a:c:client[10..50](b:r:server[12..48]))";
    let lost = "b:r:server[12..48]";
    let mut texts = vec![whole; 40];
    texts.push(lost);
    check(&texts, 1, &["lost-context a -> b:r"]);
    // Without a rule nothing is claimed: b may be asked from outside.
    check(&[whole, lost], 10, &[]);
}

#[test]
fn a_callee_that_never_joins_is_told() {
    check(
        &["a:r:server[0..100](a:c:client[10..50]{server.address=b})", "b:r:server[12..48]"],
        10,
        &["lost-context a -> b"],
    );
}

#[test]
fn spans_that_did_not_come_are_told_with_what_should_have_been_there() {
    let whole = "a:r:server[0..100](a:c:client[10..50](b:r:server[12..48](b:q[13..14])))";
    let mut texts = vec![whole; 60];
    texts.push("a:r:server[0..100](a:c:client[10..50])");
    check(&texts, 1, &["missing-spans a:c -> b:r"]);
    let mut texts = vec![whole; 60];
    texts.push("a:r:server[0..100](a:c:client[10..50](b:r:server[12..48]-(b:q[13..14])))");
    check(&texts, 1, &["missing-spans a:c -> b:r", "missing-spans b:r -> b:q"]);
}

#[test]
fn work_after_the_answer_is_told_and_a_late_end_is_not() {
    check(&["a:r:server[0..100](b:job[90..400])"], 10, &["async-tail b:job"]);
    check(&["a:r:server[0..100](b:job[90..100.4])"], 10, &[]);
}

#[test]
fn broken_spans_are_told_by_service() {
    check(&["a:r[10..5]"], 2, &["broken-spans a"]);
    check(&["a:r[0..9] a:s[1..2]"], 2, &["broken-spans a"]);
}

#[test]
fn ids_stay_and_the_order_of_adding_and_merging_does_not_matter() {
    let texts = [
        "a:r:server[0..100]!(a:c:client[10..50]!(b:r:server[12..48]!))",
        "c:r:server[0..50](c:q[0..9] c:q[10..19] c:q[20..29] c:q[30..39] c:q[40..49])",
        "b:r:server[12..48]",
    ];
    let traces: Vec<model::Trace> =
        (0..60).map(|number| with_id(draw(texts[number as usize % texts.len()]), number)).collect();
    let mut forwards = Explanation::new(ExplainOptions::default());
    traces.iter().for_each(|trace| forwards.add(trace));
    let mut halves = [Explanation::new(ExplainOptions::default()), Explanation::new(ExplainOptions::default())];
    for (position, trace) in traces.iter().rev().enumerate() {
        halves[position % 2].add(trace);
    }
    let [mut one, other] = halves;
    one.merge(other);
    assert!(!forwards.finish().findings.is_empty());
    assert_eq!(forwards.finish(), one.finish());
}

/// Sequential calls found, as `confidence place`.
#[track_caller]
fn check_sequential(draw: &dyn Fn(u64) -> String, traces: u64, found: &[&str]) {
    let mut explanation = Explanation::new(ExplainOptions::default());
    (0..traces).for_each(|number| explanation.add(&with_id(drawing::draw(&draw(number)), number)));
    let explained = explanation.finish();
    let sequential = explained.findings.iter().filter(|one| one.kind == FindingKind::SequentialCalls);
    let shown: Vec<String> = sequential.map(|one| format!("{} {}", one.confidence.name(), one.place)).collect();
    assert_eq!(shown, found);
    assert_eq!(explained.cannot_tell.is_empty(), traces >= 50);
}

#[test]
fn calls_in_sequence_are_independent_dependent_or_unknown() {
    // All that the second is given was known to the request.
    let known = |n: u64| {
        format!(
            "a:r:server[0..100]{{user=u{n}7001}}(a:x:client[1..40]{{url.path=/x}}(b:x:server[2..39]) \
             a:y:client[41..90]{{url.path=/y/u{n}7001}}(c:y:server[42..89]))"
        )
    };
    check_sequential(&known, 60, &["evidence a:r -> a:x, a:y"]);
    // Fewer traces prove nothing.
    check_sequential(&known, 49, &[]);
    // The second is given what the first answered.
    let carried = |n: u64| {
        format!(
            "a:r:server[0..100](a:x:client[1..40](b:x:server[2..39]{{result=h{n}7001}}) \
             a:y:client[41..90]{{url.path=/y/h{n}7001}}(c:y:server[42..89]))"
        )
    };
    check_sequential(&carried, 60, &[]);
    // The second is never made when the first failed.
    let gated = |n: u64| match n % 10 {
        0 => "a:r:server[0..100](a:x:client[1..40]!(b:x:server[2..39]!))".to_owned(),
        _ => known(n),
    };
    check_sequential(&gated, 60, &[]);
    // Nothing is said of what it was given.
    let silent =
        |_| "a:r:server[0..100](a:x:client[1..40](b:x:server[2..39]) a:y:client[41..90](c:y:server[42..89]))".into();
    check_sequential(&silent, 60, &["cannot-tell a:r -> a:x, a:y"]);
    // Steps within one service are no calls.
    check_sequential(&|_| "a:r:server[0..100](a:x[1..40] a:y[41..90])".into(), 60, &[]);
}
