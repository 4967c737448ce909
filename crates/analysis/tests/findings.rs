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
    let untold = explained.cannot_tell.iter().any(|one| one.kinds.contains(&FindingKind::SequentialCalls));
    assert_eq!(untold, traces < 50);
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
    check_sequential(&known, 60, &["evidence a:r -> b:x, c:y"]);
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
    check_sequential(&silent, 60, &["cannot-tell a:r -> b:x, c:y"]);
    // The second is not always made: the first's answer may decide.
    let decided = |n: u64| match n % 10 {
        0 => "a:r:server[0..100](a:x:client[1..40](b:x:server[2..39]))".to_owned(),
        _ => known(n),
    };
    check_sequential(&decided, 60, &["cannot-tell a:r -> b:x, c:y"]);
    // Steps within one service are no calls.
    check_sequential(&|_| "a:r:server[0..100](a:x[1..40] a:y[41..90])".into(), 60, &[]);
}

#[test]
fn equal_questions_are_told_with_what_a_cache_would_save() {
    let ask = |n: u64| {
        format!(
            "a:r:server[0..100](a:GET:client[10..60]{{http.request.method=GET,url.full=http://b/x?id={}}}(b:r:server[12..58]))",
            n % 4
        )
    };
    let texts: Vec<String> = (0..40).map(ask).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    check(&texts, 1, &["cacheable-calls a:GET"]);
    let found = explain(&texts, 1);
    let cacheable = found.iter().find(|one| one.kind == FindingKind::CacheableCalls).unwrap();
    assert!(
        cacheable.what.starts_with("of 40 calls a cache would answer 90 % if kept for a minute"),
        "{}",
        cacheable.what
    );
    assert_eq!(cacheable.traces, (36, 40));
    // Without arguments nobody knows whether the same was asked.
    check(&["a:r:server[0..100](a:GET:client[10..60](b:r:server[12..58]))"], 40, &[]);
    // What changes something is not kept.
    let post =
        "a:r:server[0..100](a:POST:client[10..60]{http.request.method=POST,url.full=http://b/x}(b:r:server[12..58]))";
    check(&[post], 40, &[]);
}

#[test]
fn a_cache_that_seldom_has_the_answer_is_told() {
    let asked = |hit: bool| format!("a:r:server[0..100](a:get[10..12]{{cache.hit={hit}}})");
    let (hit, miss) = (asked(true), asked(false));
    check(&[&hit, &miss, &miss], 10, &["cold-cache a:get"]);
    check(&[&hit, &hit, &miss], 10, &[]);
}

/// A trace of a retrieval and a chat whose prompt is `prompt`.
fn retrieval(number: u64, passages: &[&str], prompt: &str) -> model::Trace {
    let text = "a:r:server[0..900](a:search[0..9]{gen_ai.operation.name=retrieval} a:chat[10..800]{gen_ai.operation.name=chat})";
    let (mut spans, logs) = draw(text).into_parts();
    for (position, passage) in passages.iter().enumerate() {
        spans[1].attributes.push(format!("retrieval.documents.{position}.document.content"), *passage);
    }
    spans[2].attributes.push("gen_ai.input.messages", prompt);
    spans[2].attributes.push("gen_ai.request.model", "gpt-4o");
    spans[2].attributes.push("gen_ai.usage.input_tokens", 1_000_i64);
    let id = spans[0].trace_id;
    with_id(model::Trace::assemble(id, spans, logs), number)
}

#[test]
fn prompts_that_begin_alike_and_passages_that_reach_none_are_told() {
    let passages = ["the first passage speaks of rivers", "the second passage speaks of mountains"];
    let instructions = "Answer from the passages only. ".repeat(100);
    let mut explanation = Explanation::new(ExplainOptions::default());
    for number in 0..20 {
        let prompt = format!("{instructions} {}\nquestion {number}", passages[0]);
        explanation.add(&retrieval(number, &passages, &prompt));
    }
    let found = explanation.finish().findings;
    let of = |kind| found.iter().find(|one| one.kind == kind).expect("a finding of this kind");
    let unused = of(FindingKind::UnusedPassages);
    assert!(unused.what.starts_with("20 of 40 passages (50 %)"), "{}", unused.what);
    let prefix = of(FindingKind::PromptPrefix);
    let waste = prefix.waste.expect("tokens");
    // 19 of 20 prompts share all but the last block: about 900 of 1,000 tokens each.
    assert!((12_000..=19_000).contains(&waste.tokens), "{waste:?}");
    let usd = waste.usd.expect("a listed price");
    assert!((usd - waste.tokens as f64 * 1.25 / 1e6).abs() < 1e-9);
}

#[test]
fn clocks_that_differ_are_told_with_bounds() {
    let skewed = |number: u64| {
        let (mut spans, logs) = draw("a:r:server[0..50](a:c:client[10..30](b:r:server[15..25]))").into_parts();
        for span in &mut spans {
            let mut resource = (*span.resource).clone();
            let on_b = span.service_name() == "b";
            resource.attributes.push("host.name", if on_b { "h2" } else { "h1" });
            if on_b {
                (span.start.0, span.end.0) = (span.start.0 + 40_000_000, span.end.0 + 40_000_000);
            }
            span.resource = resource.into();
        }
        let id = spans[0].trace_id;
        with_id(model::Trace::assemble(id, spans, logs), number)
    };
    let mut explanation = Explanation::new(ExplainOptions::default());
    (0..40).for_each(|number| explanation.add(&skewed(number)));
    let found = explanation.finish().findings;
    let skew = found.iter().find(|one| one.kind == FindingKind::ClockSkew).expect("the clocks differ");
    assert_eq!(skew.place.to_string(), "h1 and h2");
    assert!(skew.what.starts_with("by 40.0 ms (between 35.0 ms and 45.0 ms)"), "{}", skew.what);
}

#[test]
fn a_hedge_is_told_without_a_word_of_it_and_a_fan_out_is_none() {
    let get = |key: &str| format!("{{service.peer.name=b,http.request.method=GET,url.full=http://b/{key}}}");
    let kinds = |text: &str| -> Vec<&str> {
        let found = explain(&[text], 5);
        let told = found
            .iter()
            .filter(|one| matches!(one.kind, FindingKind::Hedging | FindingKind::Retries | FindingKind::RetryStorm));
        told.map(|one| one.kind.name()).collect()
    };
    // The second is sent while the first is under way, answers first, and the caller goes on.
    let (a, b) = (get("x"), get("y"));
    assert_eq!(
        kinds(&format!("a:r:server[0..90](a:c:client[0..80]{a} a:c:client[20..40]{a} a:w[41..60])")),
        ["hedging"]
    );
    assert_eq!(kinds(&format!("a:r:server[0..50](a:c:client[0..80]{a} a:c:client[20..40]{a})")), ["hedging"]);
    // Both are waited for; both begin at once; they ask for different things; nobody says what they ask for.
    assert!(kinds(&format!("a:r:server[0..90](a:c:client[0..80]{a} a:c:client[20..40]{a} a:w[81..85])")).is_empty());
    assert!(kinds(&format!("a:r:server[0..90](a:c:client[0..80]{a} a:c:client[0..40]{a} a:w[41..60])")).is_empty());
    assert!(kinds(&format!("a:r:server[0..90](a:c:client[0..80]{a} a:c:client[20..40]{b} a:w[41..60])")).is_empty());
    let silent = "{service.peer.name=b}";
    assert!(
        kinds(&format!("a:r:server[0..90](a:c:client[0..80]{silent} a:c:client[20..40]{silent} a:w[41..60])"))
            .is_empty()
    );
}

#[test]
fn a_cache_that_is_filled_after_most_questions_is_cold_though_nothing_says_so() {
    let redis = "{db.system.name=redis}";
    let miss = format!("a:r:server[0..90](a:GET:client[0..5]{redis} a:work[6..50] a:SET:client[60..65]{redis})");
    let hit = format!("a:r:server[0..90](a:GET:client[0..5]{redis} a:other[6..50])");
    let cold = |texts: &[&str]| -> Vec<String> {
        let found = explain(texts, 20).into_iter().filter(|one| one.kind == FindingKind::ColdCache);
        found.map(|one| format!("{}: {} ({})", one.place, one.what, one.reason)).collect()
    };
    let told = "told by what follows: a miss is one after which the same caller fills the cache";
    assert_eq!(cold(&[&miss, &miss, &hit]), [format!("a:GET: 20 of 60 times it had (33 %) ({told})")]);
    assert!(cold(&[&miss, &hit, &hit]).is_empty(), "two of three it had");
    // Where nothing ever fills it, nothing can be told.
    assert!(cold(&[&hit]).is_empty());
}

#[test]
fn an_operation_too_rare_for_a_rule_is_held_against_its_service() {
    let usual = "a:r:server[0..100](a:c:client[10..50](b:often:server[12..48]))";
    let (lost, also) = ("b:rare:server[0..9]", "a:r:server[0..100](a:c:client[10..50](b:rare:server[12..48]))");
    let found = |texts: &[&str], usual_count: u64| -> Vec<String> {
        let mut explanation = Explanation::new(ExplainOptions::default());
        (0..usual_count).for_each(|number| explanation.add(&with_id(draw(usual), number)));
        (0..).zip(texts).for_each(|(number, text)| explanation.add(&with_id(draw(text), 9_000 + number)));
        let lost = explanation.finish().findings.into_iter().filter(|one| one.kind == FindingKind::LostContext);
        lost.map(|one| format!("{} {} {}", one.place, one.confidence.name(), one.traces.0)).collect()
    };
    assert_eq!(found(&[lost, also], 60), ["a -> b:rare hint 1"]);
    // Never seen called, it may be an entry of its own: many spans of the service must speak against that.
    assert_eq!(found(&[lost], 60), [" -> b:rare hint 1".replace(" ->", "(unknown) ->")]);
    assert!(found(&[lost, lost, lost], 60).is_empty(), "one in twenty of its spans begins a trace");
    assert!(found(&[lost, also], 20).is_empty(), "too few spans of the service");
}

#[test]
fn what_a_bottleneck_would_save_is_re_timed() {
    // Half of b's 60 ms is 30, but c, which runs beside it until 50, limits that to 20: b ends at 40 ms, c at 50.
    let text = "a:r[0..100](b:x[10..70] c:y[10..50])";
    let found = explain(&[text], 60);
    let saved = |place: &str| {
        let one = found.iter().find(|one| one.kind == FindingKind::Bottleneck && one.place.to_string() == place);
        one.and_then(|one| one.saving).map_or(-1, |saving| (saving.median.0 as f64 / 1e6).round() as i64)
    };
    assert_eq!((saved("b:x"), saved("a:r")), (20, 20));
}
