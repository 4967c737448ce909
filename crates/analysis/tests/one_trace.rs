//! What one trace means: paths, calls, errors, retries, caches; each case is a drawing and what it should give.

mod drawing;

use analysis::{Peers, Timeline, attempts, cache_accesses, calls, critical_path, fault_path, self_time};
use drawing::draw;
use model::{Duration, SpanIndex, Trace};

/// Spans as `service:name` (or the service alone where the drawing gave no name).
fn label(trace: &Trace, index: SpanIndex) -> String {
    let span = trace.span(index);
    if span.name.is_empty() { span.service_name().to_owned() } else { format!("{}:{}", span.service_name(), span.name) }
}

#[track_caller]
fn check_path(text: &str, expected: &str) {
    let trace = draw(text);
    let path = critical_path(&trace);
    let ms = |instant: model::Instant| (instant.0 - 1_000_000_000) / 1_000_000;
    let shown: Vec<String> =
        path.segments.iter().map(|s| format!("{} {}..{}", label(&trace, s.span), ms(s.start), ms(s.end))).collect();
    assert_eq!(shown.join(", "), expected);
    assert_eq!(path.duration(), Timeline::of(&trace).duration(trace.roots()[0]), "conservation");
}

#[test]
fn the_path_follows_what_was_waited_for() {
    check_path("a[0..10]", "a 0..10");
    check_path("a[0..10](b[2..5])", "a 0..2, b 2..5, a 5..10");
    // Back to back at millisecond resolution: nothing is charged to the parent.
    check_path("a[0..10](b[0..5] c[5..10])", "b 0..5, c 5..10");
    // b is overlapped by c, which ended later.
    check_path("a[0..10](b[1..6] c[4..9])", "a 0..4, c 4..9, a 9..10");
    // Outlives its parent: truncated, still on the path.
    check_path("a[0..10](b[6..30])", "a 0..6, b 6..10");
    // Starts when the parent has ended: never waited for.
    check_path("a[0..10](b[10..30] c[40..50])", "a 0..10");
    // Outside before: clipped.
    check_path("a[5..10](b[0..7])", "b 5..7, a 7..10");
    check_path("a:send:producer[0..10](b:process:consumer[3..40])", "a:send 0..10");
    check_path("a[0..10](b[4..4])", "a 0..10");
}

#[track_caller]
fn check_self(text: &str, expected_ms: &[i64]) {
    let expected: Vec<Duration> = expected_ms.iter().map(|&ms| Duration::from_millis(ms)).collect();
    assert_eq!(self_time(&draw(text)), expected);
}

#[test]
fn self_time_is_what_no_child_covers() {
    check_self("a[0..10](b[1..4] c[3..6])", &[5, 3, 3]);
    check_self("a[5..10](b[0..20])", &[20, 0]); // spans come by start: b first
    check_self("a[0..10](b[2..3] c[2..3] d[12..14])", &[9, 1, 1, 2]);
}

#[track_caller]
fn check_fault(text: &str, expected: &str) {
    let trace = draw(text);
    let path = fault_path(&trace, &Peers::default());
    let shown: Vec<String> = path
        .origins
        .iter()
        .map(|origin| {
            let reaches = origin.reaches.as_deref().unwrap_or("nobody");
            let handled = if origin.absorbed { " handled" } else { "" };
            format!("{} {} reaches {reaches}{handled}", origin.place, origin.kind.name())
        })
        .collect();
    assert_eq!(shown.join("; "), expected);
}

#[test]
fn a_server_that_errs_first_is_the_origin() {
    check_fault("a:r:server[0..100](a:c:client[10..50](b:r:server[12..48]))", "");
    check_fault(
        "a:r:server[0..100]!(a:c:client[10..50]!{http.response.status_code=503}(b:r:server[12..48]!))",
        "b error reaches a",
    );
    // The span between request and call has no status of its own: the error went through it.
    check_fault("a:r:server[0..100]!(a:step[5..60](a:c:client[10..50]!(b:r:server[12..48]!)))", "b error reaches a");
    // An HTTP status without a span status is an error too.
    check_fault("a:r:server[0..9]{http.response.status_code=500}", "a error reaches a");
}

#[test]
fn a_caller_that_stopped_waiting_makes_the_edge_the_origin() {
    let waiting = "a:r:server[0..1010]!(a:c:client[0..1000]!{rpc.grpc.status_code=4}(b:r:server[1..5000]))";
    check_fault(waiting, "a -> b timeout reaches a");
    // The callee noticed later that nobody was listening: that explains nothing.
    let cancelled = "a:r:server[0..1010]!(a:c:client[0..1000]!{error.type=timeout}(b:r:server[1..1001]!))";
    check_fault(cancelled, "a -> b timeout reaches a");
    // Ended a little late after an answered error: the server's.
    let late = "a:r:server[0..60]!(a:c:client[0..50]!{http.response.status_code=500}(b:r:server[1..50.3]!))";
    check_fault(late, "b error reaches a");
    // A time-out further down makes the outer callers time out as well: one origin, reaching the outermost.
    let nested = "g:r:server[0..3001]!{http.response.status_code=504}(g:c:client[0..3000]!{error.type=timeout}(\
                  r:r:server[1..3002](r:c:client[2..2002]!{error.type=timeout}(l:r:server[3..5000]) \
                  r:c:client[2100..3002]!{error.type=cancelled}(l:r:server[2101..7000]))))";
    check_fault(nested, "r -> l timeout reaches g");
}

#[test]
fn nobody_there_is_refused() {
    check_fault(
        "a:r:server[0..9]!(a:c:client[1..2]!{error.type=connection refused,service.peer.name=b})",
        "a -> b refused reaches a",
    );
}

#[test]
fn handled_errors_are_shown_but_reach_nobody() {
    check_fault("a:r:server[0..100](a:c:client[10..50]!(b:r:server[12..48]!))", "b error reaches b handled");
    // Recovered by a retry; the request failed for another reason, which is its own origin.
    check_fault(
        "a:r:server[0..100]!(a:c:client[1..5]!{service.peer.name=b} a:c:client[6..9]{service.peer.name=b})",
        "a error reaches a; a -> b error reaches nobody handled",
    );
    // Whoever sent the request does not handle: a client root only receives the answer.
    check_fault("t:send:client[0..100](a:r:server[1..99]!)", "a error reaches a");
}

#[track_caller]
fn check_attempts(text: &str, expected: &str) {
    let trace = draw(text);
    let shown: Vec<String> = attempts(&trace, &Peers::default())
        .iter()
        .map(|call| {
            format!("{} -> {} {} {:?} {:?}", call.caller, call.callee, call.attempts, call.backoff(), call.outcome)
        })
        .collect();
    assert_eq!(shown.join("; "), expected);
}

#[test]
fn attempts_of_one_call_are_counted() {
    let b = "{service.peer.name=b}";
    check_attempts(&format!("a[0..99](a:c:client[1..2]{b})"), "a -> b 1 Unknown Succeeded");
    let growing = format!("a[0..999](a:c:client[1..2]!{b} a:c:client[52..53]!{b} a:c:client[153..154]!{b})");
    check_attempts(&growing, "a -> b 3 Growing Failed");
    let constant = format!("a[0..999](a:c:client[1..2]!{b} a:c:client[52..53]!{b} a:c:client[103..104]{b})");
    check_attempts(&constant, "a -> b 3 Constant Recovered");
    let at_once = format!("a[0..999](a:c:client[1..2]!{b} a:c:client[2..3]{b})");
    check_attempts(&at_once, "a -> b 2 None Recovered");
    // After a success comes a repeat, not a retry.
    let repeat = format!("a[0..99](a:c:client[1..2]{b} a:c:client[3..4]{b})");
    check_attempts(&repeat, "a -> b 1 Unknown Succeeded; a -> b 1 Unknown Succeeded");
    // Each attempt wrapped in a span of its own.
    let wrapped = format!("r[0..999](a[0..999](a:try[0..5](a:c:client[1..2]!{b}) a:try[8..20](a:c:client[9..10]{b})))");
    check_attempts(&wrapped, "a -> b 2 Unknown Recovered");
}

#[test]
fn calls_have_both_sides() {
    let trace = draw(
        "a:r:server[0..100](a:chat:client[1..50]{gen_ai.provider.name=openai}(a:POST:client[2..49]{server.address=h}) \
         a:c:client[50..60](b:r:server[52..58](b:q:client[53..54]{db.system.name=redis})))",
    );
    let shown: Vec<String> = calls(&trace, &Peers::default())
        .iter()
        .map(|call| format!("{} -> {} {:?}", call.caller, call.callee, call.edge_time))
        .collect();
    let edge = Duration::from_millis(4);
    assert_eq!(shown, ["a -> openai None", &format!("a -> b {:?}", Some(edge)), "b -> redis None"]);
}

#[test]
fn caches_say_what_came_of_it() {
    let trace = draw("c:get:server[0..1]{cache.hit=true} c:get:server[2..3]{cache.result=miss} c:set:server[4..5]");
    let shown: Vec<String> = cache_accesses(&trace, &[])
        .iter()
        .map(|access| format!("{:?} by {}", access.result, access.evidence))
        .collect();
    assert_eq!(shown, ["Hit by cache.hit", "Miss by cache.result"]);
}

#[test]
fn a_message_is_joined_by_its_link() {
    let (mut spans, logs) =
        draw("a:r:server[0..100](a:send:producer[10..12]{messaging.system=kafka}) b:poll[20..90](b:process:consumer[30..40])")
            .into_parts();
    let (producer, id) = (spans[1].span_id, spans[0].trace_id);
    let before = model::Trace::assemble(id, spans.clone(), Vec::new());
    let shown = |trace: &Trace| -> Vec<String> {
        calls(trace, &Peers::default())
            .iter()
            .map(|call| format!("{} -> {} {:?}", call.caller, call.callee, call.kind))
            .collect()
    };
    assert_eq!(shown(&before), ["a -> kafka Message"]);
    spans[3].links.push(model::Link { trace_id: id, span_id: producer, ..model::Link::default() });
    assert_eq!(shown(&model::Trace::assemble(id, spans, logs)), ["a -> b Message"]);
}
