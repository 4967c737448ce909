//! What many traces mean, and what a change would do.

mod drawing;

use analysis::{
    AttributeProfile, Change, ClockOffsets, Edit, ExplainOptions, Explanation, FindingKind, LatencyProfile,
    OperationName, PathVerdict, RunProfile, SiblingOrders, SkewVerdict, StructureProfile, Timeline, Verdict,
    attribute_differences, compare_runs, compare_structure, edit_of, latency_root_cause, retime, saving,
    sequential_runs,
};
use drawing::draw;
use model::{Duration, Instant};

#[track_caller]
fn check_side_by_side(text: &str, least: usize, saved_ms: i64) {
    let trace = draw(text);
    let edit = Edit { side_by_side: sequential_runs(&trace, least), ..Edit::default() };
    assert_eq!(saving(&trace, &edit), Duration::from_millis(saved_ms));
}

#[test]
fn calls_side_by_side_save_all_but_the_longest() {
    check_side_by_side("a[0..10](b:x[0..3] b:x[3..5] b:x[6..9])", 2, 6); // 9 until the last ends, 3 for the longest
    // What began after them still does, as long after.
    check_side_by_side("a[0..20](b:x[0..3] b:x[3..6] c:y[7..19])", 2, 3);
    // Somebody else is waited for at the same time: nothing is saved.
    check_side_by_side("a[0..10](b:x[0..3] b:x[3..6] c:y[0..10])", 2, 0);
    // Deeper down it goes through every parent.
    check_side_by_side("r[0..30](a[5..15](b:x[5..9] b:x[9..13]) c[16..29])", 2, 4);
    // Overlapping calls are no run.
    check_side_by_side("a[0..10](b:x[0..5] b:x[4..9])", 2, 0);
}

#[test]
fn a_span_made_shorter_moves_what_waited_for_it() {
    let trace = draw("a[0..20](b[2..8] c[9..12] d[2..11])");
    let b = (0..4).find(|&span| trace.span(span).service_name() == "b").expect("drawn");
    let edit = |ms| Edit { durations: [(b, Duration::from_millis(ms))].into(), ..Edit::default() };
    // c follows b, but d still ends at 11 and the parent 8 ms after the last of its children.
    assert_eq!(saving(&trace, &edit(0)), Duration::from_millis(1));
    assert_eq!(saving(&trace, &edit(16)), Duration::from_millis(-10));
}

#[test]
fn an_order_needs_fifty_traces_and_no_counter_example() {
    let orders_of = |traces: u32, other: &str| {
        let mut orders = SiblingOrders::new();
        (1..traces).for_each(|_| orders.add(&draw("a:p[0..9](a:x[0..3] a:y[3..6])")));
        orders.add(&draw(other));
        orders.orders().into_iter().map(|order| format!("{} < {}", order.before, order.after)).collect::<Vec<_>>()
    };
    assert_eq!(orders_of(50, "a:p[0..9](a:x[0..3] a:y[3..6])"), ["a:x < a:y"]);
    assert!(orders_of(49, "a:p[0..9](a:x[0..3] a:y[3..6])").is_empty());
    assert!(orders_of(60, "a:p[0..9](a:x[0..3] a:y[2..6])").is_empty());
}

#[test]
fn repeated_calls_are_found_with_what_they_would_save() {
    let text = "a:list[0..50](a:get[0..9] a:get[10..19] a:get[20..29] a:get[30..39] a:get[40..49])";
    let mut explanation = Explanation::new(ExplainOptions::default());
    (0..50).for_each(|_| explanation.add(&draw(text)));
    let found = explanation.finish().findings;
    let of = |kind| found.iter().find(|one| one.kind == kind).expect("a finding of this kind");
    let repeated = of(FindingKind::RepeatedCalls);
    assert_eq!(repeated.place.to_string(), "a:list -> a:get");
    // Sketches are within 1 %.
    let saved = repeated.saving.map_or(0, |saving| saving.median.0);
    assert!((saved - 40_000_000).abs() <= 400_000, "{saved}");
    assert_eq!(of(FindingKind::Bottleneck).place.to_string(), "a:get");
}

#[test]
fn clocks_are_compared_by_calls_between_hosts() {
    // Services are drawn without hosts, so there is nothing to compare.
    let mut offsets = ClockOffsets::new();
    offsets.add(&draw("a:c:client[0..9](b:r:server[1..8])"));
    assert!(offsets.offsets().is_empty());

    let skewed = |shift: u64| {
        let (mut spans, logs) = draw("a:c:client[0..9](b:r:server[1..8])").into_parts();
        for span in &mut spans {
            let mut resource = (*span.resource).clone();
            let host = if span.service_name() == "a" { "h1" } else { "h2" };
            resource.attributes.push("host.name", host);
            if host == "h2" {
                (span.start.0, span.end.0) = (span.start.0 + shift, span.end.0 + shift);
            }
            span.resource = resource.into();
        }
        model::Trace::assemble(spans[0].trace_id, spans, logs)
    };
    let offset_of = |shift, calls| {
        let mut offsets = ClockOffsets::new();
        (0..calls).for_each(|_| offsets.add(&skewed(shift)));
        let all = offsets.offsets();
        (all[0].offset, all[0].verdict)
    };
    assert_eq!(offset_of(5_000_000, 40), (Duration::from_millis(5), SkewVerdict::Skewed));
    assert_eq!(offset_of(0, 40), (Duration::ZERO, SkewVerdict::NotProven));
    assert_eq!(offset_of(5_000_000, 5).1, SkewVerdict::NotEnoughCalls);
}

#[test]
fn the_slow_service_is_named_and_a_healthy_one_is_not() {
    let window = |self_ms: u64, first: u64| {
        let mut profile = LatencyProfile::new();
        for n in first..first + 40 {
            let end = 60 + self_ms + n % 3;
            profile.add(
                &draw(&format!("a:r[0..{}](a:c[5..{}](b:r[10..{}]))", end + 30, end + 10, end)),
                Instant(0),
                Instant(u64::MAX),
            );
        }
        profile
    };
    let normal = window(0, 0);
    assert_eq!(latency_root_cause(&normal, &window(90, 0), 5.0).answer.as_deref(), Some("b"));
    assert_eq!(latency_root_cause(&normal, &window(0, 1), 5.0).answer, None);
}

#[test]
fn runs_differ_where_it_matters() {
    let run = |duration: &dyn Fn(u64) -> u64| {
        let mut profile = RunProfile::new();
        (0..400).for_each(|n| profile.add(&draw(&format!("a:r[{n}..{}]", n + duration(n)))));
        profile
    };
    let base = |n: u64| 100 + n * 7 % 20;
    let verdict = |after: &dyn Fn(u64) -> u64| compare_runs(&run(&base), &run(after))[0].verdict;
    assert_eq!(verdict(&|n| base(n + 3)), Verdict::Same);
    assert_eq!(verdict(&|n| base(n) + 30), Verdict::Slower);
    assert_eq!(verdict(&|n| if n % 10 == 0 { 300 } else { base(n) }), Verdict::SlowerTail);
    assert_eq!(compare_runs(&run(&base), &RunProfile::new())[0].verdict, Verdict::Removed);
}

/// How long the root would take, and the spans of each change.
#[track_caller]
fn check_changes(text: &str, changes: &[Change], after_ms: i64, spans: &[u64]) {
    let trace = draw(text);
    let (edit, counts) = edit_of(&trace, &Timeline::of(&trace), changes);
    let after = retime(&trace, &edit)[trace.roots()[0] as usize];
    assert_eq!(after, Duration::from_millis(after_ms));
    assert_eq!(counts, spans);
}

#[test]
fn changes_are_predicted_together_and_not_counted_twice() {
    let text = "a:r[0..100](a:x[0..40] a:y[40..90](b:y[45..85]))";
    let name = OperationName::new;
    let speed_up = |operation: &str, factor| Change::SpeedUp { operation: name(operation), factor };
    let cached =
        |operation: &str| Change::Cache { operation: name(operation), hit_share: 1.0, hit: Duration::from_millis(1) };
    check_changes(text, &[speed_up("a:y", 2.0)], 75, &[1]);
    check_changes(text, &[speed_up("b", 2.0)], 80, &[1]);
    check_changes(text, &[speed_up("b", 2.0), speed_up("b:y", 2.0)], 70, &[1, 1]);
    check_changes(text, &[cached("x")], 61, &[1]);
    check_changes(text, &[Change::Parallel(vec![name("a:x"), name("a:y")])], 60, &[2]);
    // Side by side, the shorter one no longer matters.
    check_changes(text, &[Change::Parallel(vec![name("x"), name("a:y")]), cached("x")], 60, &[2, 1]);
    check_changes(text, &[speed_up("nobody", 2.0), speed_up("x", 0.0)], 100, &[0, 0]);
    let b = "{service.peer.name=b}";
    let retried = format!("a:r[0..100](a:c:client[0..20]!{b} a:c:client[50..80]{b})");
    check_changes(&retried, &[Change::DropRetries(Vec::new())], 50, &[1]);
}

#[test]
fn a_cache_that_sometimes_hits_does_so_by_share() {
    let half = Change::Cache { operation: OperationName::new("x"), hit_share: 0.5, hit: Duration::ZERO };
    let text: String = (0..1_000).map(|n| format!("a:x[{}..{}] ", n * 10, n * 10 + 10)).collect();
    let trace = draw(&format!("a:r[0..10000]({text})"));
    let (_, counts) = edit_of(&trace, &Timeline::of(&trace), &[half]);
    assert!((450..=550).contains(&counts[0]), "{}", counts[0]);
}

/// `verdict path` of every call path that is not the same.
#[track_caller]
fn check_structure(before: &[&str], after: &[&str], expected: &[&str]) {
    let profile = |texts: &[&str]| {
        let mut profile = StructureProfile::new();
        texts.iter().for_each(|text| profile.add(&draw(text)));
        profile
    };
    let found = compare_structure(&profile(before), &profile(after));
    let shown: Vec<String> = found
        .iter()
        .filter(|one| one.verdict != PathVerdict::Same)
        .map(|one| format!("{} {}", one.verdict.name(), one.path.join(" > ")))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn two_traces_are_compared_by_what_they_call() {
    check_structure(&["a:r[0..9](b:q[1..2] c:g[3..4])"], &["a:r[0..9](b:q[1..2] c:g[3..4])"], &[]);
    check_structure(
        &["a:r[0..9](b:q[1..2] c:g[3..4])"],
        &["a:r[0..9](b:q[1..2](d:f[1..2]) b:q[3..4])"],
        &["more a:r > b:q", "added a:r > b:q > d:f", "removed a:r > c:g"],
    );
    // Ids in names are no structure.
    check_structure(&["a:user-17[0..9]"], &["a:user-18[0..9]"], &[]);
}

#[test]
fn two_sets_are_compared_against_chance() {
    let (with, without) = ("a:r[0..9](b:q[1..2])", "a:r[0..9]");
    let mix = |with_of_hundred: usize| -> Vec<&str> {
        (0..100).map(|n| if n < with_of_hundred { with } else { without }).collect()
    };
    check_structure(&mix(50), &mix(54), &[]);
    check_structure(&mix(50), &mix(90), &["more a:r > b:q"]);
    check_structure(&mix(0), &mix(90), &["added a:r > b:q"]);
    check_structure(&mix(50)[45..55], &mix(100)[..10], &["not-enough-data a:r > b:q"]);
}

#[test]
fn a_selection_is_told_from_the_rest_by_its_attributes() {
    let profile = |texts: &mut dyn Iterator<Item = String>| {
        let mut profile = AttributeProfile::new();
        texts.for_each(|text| profile.add(&draw(&text)));
        profile
    };
    // Version 2 runs in zone x only, and half of the slow ones are of one tenant besides.
    let slow = |n: u64| {
        let (version, zone) = if n.is_multiple_of(2) { (2, "x") } else { (1, "y") };
        format!(
            "a:r[0..9]{{version={version},zone={zone},tenant=t{},id=i{n}}}",
            if n.is_multiple_of(2) { n % 5 } else { 7 }
        )
    };
    let usual = |n: u64| {
        format!("a:r[0..9]{{version=1,zone={},tenant=t{},id=j{n}}}", if n.is_multiple_of(2) { "z" } else { "y" }, n % 5)
    };
    let found = attribute_differences(&profile(&mut (0..200).map(slow)), &profile(&mut (0..200).map(usual)));
    let shown: Vec<(String, usize)> =
        found.iter().map(|one| (format!("{} = {}", one.key, one.value), one.together_with.len())).collect();
    assert!(shown[0].0 == "tenant = t7" || shown[0].0 == "version = 1" || shown[0].0 == "version = 2", "{shown:?}");
    assert!(found.len() >= 2, "{shown:?}");
    assert!(shown.iter().all(|(name, _)| !name.starts_with("id")), "{shown:?}");
    let same = attribute_differences(&profile(&mut (0..200).map(usual)), &profile(&mut (200..400).map(usual)));
    assert_eq!(same, []);
}
