//! What a change would do, what two selections differ in, and which hop loses the context: on traces drawn as text.

#[path = "../../analysis/tests/drawing/mod.rs"]
mod drawing;

use std::sync::Arc;

use analysis::{Change, OperationName, Peers};
use drawing::{draw, with_id};
use engine::{AilmentKind, Doctor, Half, Side, WhatIf, compare, without_runner};
use model::Duration;

fn millis(durations: &[Duration]) -> Vec<i64> {
    durations.iter().map(|duration| duration.0 / 1_000_000).collect()
}

/// The duration of the root with all changes, and the savings of each alone.
fn check(trace: &str, changes: Vec<Change>, expected: i64, alone: &[&[i64]]) {
    let mut what_if = WhatIf::new(changes);
    what_if.add(&draw(trace));
    let predicted = what_if.finish();
    assert_eq!(millis(&predicted.after), [expected], "{trace}");
    let savings: Vec<Vec<i64>> = predicted.effects.iter().map(|effect| millis(&effect.savings)).collect();
    assert_eq!(savings, alone, "{trace}");
}

fn named(name: &str) -> OperationName {
    OperationName::new(name)
}

const GATEWAY: &str = "gateway:ask:server[0..100](gateway:POST:client[0..40](auth:verify:server[5..35]) \
                       gateway:POST:client[40..100](rag:answer:server[45..95]))";

#[test]
fn calls_are_named_by_what_they_call_and_meet_below_their_caller() {
    // Both client spans are called POST; side by side the longer decides.
    check(GATEWAY, vec![Change::Parallel(vec![named("verify"), named("rag:answer")])], 60, &[&[40]]);
    // A cache spares the way there and back as well.
    let cache = |name| Change::Cache { operation: named(name), hit_share: 1.0, hit: Duration::ZERO };
    check(GATEWAY, vec![cache("verify")], 60, &[&[40]]);
    // Only the server's part becomes faster.
    check(GATEWAY, vec![Change::SpeedUp { operation: named("auth"), factor: 2.0 }], 85, &[&[15]]);
    // Together they do not add up: in parallel with what takes longer, auth costs nothing.
    let both = vec![Change::Parallel(vec![named("verify"), named("answer")]), cache("verify")];
    check(GATEWAY, both, 60, &[&[40], &[40]]);
}

#[test]
fn repetitions_of_one_call_run_side_by_side() {
    let trace =
        "a:ask:server[0..90](a:shop/Convert:client[0..30] a:shop/Convert:client[30..60] a:shop/Convert:client[60..90])";
    check(trace, vec![Change::Parallel(vec![named("Convert")])], 30, &[&[60]]);
}

#[test]
fn retries_that_are_dropped_take_their_pauses_with_them() {
    let to_b = "{server.address=b-host}";
    let trace = format!(
        "a:ask:server[0..100](a:POST:client[0..10]!{to_b} a:POST:client[50..60]!{to_b} \
         a:POST:client[80..100]{to_b}(b:POST:server[81..99]))"
    );
    check(&trace, vec![Change::DropRetries(Vec::new())], 20, &[&[80]]);
    // Named by the callee's span, which only the last attempt has; and of another operation, nothing.
    check(&trace, vec![Change::DropRetries(vec![named("b")])], 20, &[&[80]]);
    check(&trace, vec![Change::DropRetries(vec![named("ask")])], 100, &[&[]]);
}

#[test]
fn an_operation_that_is_not_there_is_told_with_names_that_come_near() {
    let mut what_if = WhatIf::new(vec![Change::SpeedUp { operation: named("Verfy answer"), factor: 2.0 }]);
    what_if.add(&draw(GATEWAY));
    let missing = what_if.finish().missing;
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].1, ["rag:answer"]);
}

#[test]
fn the_runners_own_spans_are_no_part_of_a_trace() {
    let trace = draw("headwater.eval:attempt:client[0..500](gateway:ask:server[10..110](gateway:work[20..60]))");
    let trace = without_runner(Arc::new(trace));
    assert_eq!(trace.spans().len(), 2);
    assert_eq!(trace.roots().len(), 1);
    assert!(trace.oddities().is_empty(), "{:?}", trace.oddities());
    // A trace of the runner alone stays, so that it can be looked at.
    let own = without_runner(Arc::new(draw("headwater.eval:attempt:client[0..500]")));
    assert_eq!(own.spans().len(), 1);
}

fn side(trace: &str, count: u64) -> Side {
    let mut side = Side::default();
    for number in 0..count {
        let half = if number < count / 2 { Half::Newer } else { Half::Older };
        side.add(&with_id(draw(trace), number), half);
    }
    side
}

#[test]
fn what_changed_with_its_caller_is_told_once() {
    let before = side("a:ask:server[0..50](a:x:client[0..20](b:x:server[1..19](b:db:client[2..9])))", 40);
    let after = side("a:ask:server[0..50](a:y:client[0..20](c:y:server[1..19]))", 40);
    let compared = compare(&before, &after);
    let told: Vec<(String, (u64, u64))> = compared
        .structure
        .iter()
        .map(|place| (place.path.last().map(ToString::to_string).unwrap_or_default(), place.calls))
        .collect();
    assert_eq!(told, [("a:x".to_owned(), (40, 0)), ("a:y".to_owned(), (0, 40))]);
}

#[test]
fn the_differences_of_the_critical_path_add_up_to_that_of_the_means() {
    let before = side("a:ask:server[0..50](a:x:client[0..20](b:x:server[1..19]))", 40);
    let after = side("a:ask:server[0..90](a:x:client[0..70](b:x:server[1..69]))", 40);
    let compared = compare(&before, &after);
    let sum: i64 = compared.critical.iter().map(|(_, before, after)| (*after - *before).0).sum();
    assert_eq!(Duration(sum), Duration::from_millis(40));
    assert_eq!(compared.critical[0].0, ("b".into(), "x".into()));
}

#[test]
fn too_few_traces_name_no_root_cause() {
    let one = side("a:ask:server[0..50]", 29);
    assert!(compare(&one, &one).root_cause.is_err());
    let many = side("a:ask:server[0..50]", 40);
    let cause = compare(&many, &many).root_cause.expect("enough traces");
    assert_eq!(cause.answer, None);
}

fn ailments(traces: &[&str]) -> Vec<(AilmentKind, String, Option<String>)> {
    let (mut doctor, mut peers) = (Doctor::new(), Peers::default());
    for (number, trace) in traces.iter().enumerate() {
        let trace = with_id(draw(trace), number as u64);
        peers.learn(&trace);
        doctor.add(&trace, &peers);
    }
    let found = doctor.diagnose().ailments.into_iter();
    found
        .map(|ailment| (ailment.kind, ailment.service.to_string(), ailment.caller.map(|caller| caller.to_string())))
        .collect()
}

#[test]
fn whole_traces_are_healthy() {
    assert_eq!(ailments(&[GATEWAY; 5]), []);
}

#[test]
fn a_lost_context_names_the_hop() {
    let whole =
        "gateway:ask:server[0..100](gateway:POST:client[0..40]{server.address=rag-host}(rag:answer:server[5..35]))";
    let caller = "gateway:ask:server[0..100](gateway:POST:client[0..40]{server.address=rag-host})";
    let callee = "rag:answer:server[5..35]";
    // One request in three loses it.
    let found = ailments(&[whole, whole, caller, callee]);
    assert_eq!(found, [(AilmentKind::ContextLost, "rag".into(), Some("gateway".into()))]);
    // Every request does: the caller names its peer, and the peer begins all its traces itself.
    let caller = "gateway:ask:server[0..100](gateway:POST:client[0..40]{peer.service=rag})";
    let found = ailments(&[caller, callee, caller, callee]);
    assert_eq!(found, [(AilmentKind::ContextLost, "rag".into(), Some("gateway".into()))]);
}

#[test]
fn a_silent_service_an_orphan_and_a_missing_callee_are_told_apart() {
    let silent = "gateway:ask:server[0..100](gateway:POST:client[0..40]{peer.service=mailer})";
    assert_eq!(ailments(&[silent]), [(AilmentKind::NoSpans, "mailer".into(), Some("gateway".into()))]);
    // Nobody expects spans of a database.
    let database = "gateway:ask:server[0..100](gateway:POST:client[0..40]{peer.service=orders-mysql})";
    assert_eq!(ailments(&[database]), []);
    let orphan = "gateway:ask:server[0..100](gateway:POST:client[0..40]-(rag:answer:server[5..35]))";
    let found = ailments(&[GATEWAY, orphan]);
    assert_eq!(found, [(AilmentKind::MissingParent, "rag".into(), Some("gateway".into()))]);
    let whole = "gateway:ask:server[0..100](gateway:POST:client[0..40]{peer.service=rag}(rag:answer:server[5..35]))";
    let without = "gateway:ask:server[0..100](gateway:POST:client[0..40]{peer.service=rag})";
    assert_eq!(
        ailments(&[whole, whole, without]),
        [(AilmentKind::CalleeMissing, "rag".into(), Some("gateway".into()))]
    );
    // A call that failed may never have reached anybody.
    let refused = "gateway:ask:server[0..100](gateway:POST:client[0..40]!{peer.service=rag})";
    assert_eq!(ailments(&[whole, whole, refused]), []);
}

#[test]
fn a_trace_under_64_and_under_128_bits_is_told_as_one_that_fell_apart() {
    let under = |text: &str, front: u8, back: u64| {
        let mut id = [0; 16];
        id[0] = front;
        id[8..].copy_from_slice(&back.to_be_bytes());
        let (mut spans, logs) = draw(text).into_parts();
        spans.iter_mut().for_each(|span| span.trace_id = model::TraceId(id));
        model::Trace::assemble(model::TraceId(id), spans, logs)
    };
    let diagnose = |number: fn(u64) -> u64| {
        let mut doctor = Doctor::new();
        for n in 1..=3 {
            doctor.add(&under("shop:ask:server[0..90]", 7, n), &Peers::default());
            doctor.add(&under("cart:add:server[10..80]", 0, number(n)), &Peers::default());
        }
        doctor.diagnose().ailments
    };
    let found = diagnose(|n| n);
    let split = found.iter().find(|one| one.kind == AilmentKind::SplitIds).expect("it fell apart");
    assert_eq!((split.caller.as_deref(), &*split.service, split.traces), (Some("shop"), "cart", 6));
    assert!(split.what.starts_with("3 traces came in two parts"), "{}", split.what);
    assert!(diagnose(|n| n + 100).iter().all(|one| one.kind != AilmentKind::SplitIds));
}
