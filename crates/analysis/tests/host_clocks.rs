//! The clocks of hosts, solved from calls between them.

use std::sync::Arc;

use analysis::{ClockOffsets, HostClocks, SkewVerdict};
use model::{Attributes, Duration, Instant, LogRecord, Resource, Span, SpanId, SpanKind, Trace, TraceId};
use proptest::prelude::*;

const MS: i64 = 1_000_000;

/// What a clock shows at a true time: ahead by `offset`, gaining `drift` ns each second after `START`.
#[derive(Clone, Copy, Debug)]
struct Clock {
    offset: i64,
    drift: i64,
}

const START: i64 = 1_000_000_000_000;

impl Clock {
    fn at(self, time: i64) -> Instant {
        Instant(
            (time + self.offset + (i128::from(self.drift) * i128::from(time - START) / 1_000_000_000) as i64) as u64,
        )
    }
}

fn resource(host: usize) -> Arc<Resource> {
    let attributes = Attributes::from_iter([
        ("service.name".to_owned(), format!("s{host}")),
        ("host.name".to_owned(), format!("h{host}")),
    ]);
    Arc::new(Resource { attributes, ..Resource::default() })
}

/// A call from one host to another, from a true time on, `there` and `back` on the way.
fn call(hosts: (usize, usize), clocks: &[Clock], time: i64, there: i64, back: i64) -> Trace {
    let id = TraceId(u128::from(time as u64).to_be_bytes());
    let span = |number: u8, host: usize, kind, from: i64, to: i64| {
        let mut span = Span::new(id, SpanId([number; 8]), "call");
        span.kind = kind;
        span.resource = resource(host);
        (span.start, span.end) = (clocks[host].at(from), clocks[host].at(to));
        span
    };
    let end = time + there + MS + back;
    let client = span(1, hosts.0, SpanKind::CLIENT, time, end);
    let mut server = span(2, hosts.1, SpanKind::SERVER, time + there, end - back);
    server.parent_span_id = Some(client.span_id);
    Trace::assemble(id, vec![client, server], Vec::new())
}

/// Forty calls along each edge, a second apart, with ways of 100 to 500 µs.
fn calls(edges: &[(usize, usize)], clocks: &[Clock]) -> Vec<Trace> {
    let mut traces = Vec::new();
    for (number, &edge) in edges.iter().enumerate() {
        for nth in 0..160_i64 {
            let way = |seed: i64| 100_000 + (seed * 7_919 + number as i64 * 31) % 400_000;
            let time = START + nth * 1_000_000_000 + number as i64;
            traces.push(call(edge, clocks, time, way(nth), way(nth + 17)));
        }
    }
    traces
}

fn solved(traces: &[Trace]) -> HostClocks {
    let (mut one, mut other) = (ClockOffsets::new(), ClockOffsets::new());
    traces.iter().enumerate().for_each(|(n, trace)| if n % 2 == 0 { one.add(trace) } else { other.add(trace) });
    one.merge(other);
    one.hosts()
}

const STILL: Clock = Clock { offset: 0, drift: 0 };

#[test]
fn every_host_gets_one_offset_with_bounds_whatever_the_way_to_it() {
    let clocks = [STILL, Clock { offset: 5 * MS, drift: 0 }, Clock { offset: -3 * MS, drift: 0 }, STILL];
    let traces = calls(&[(0, 1), (1, 2), (0, 2), (0, 3)], &clocks);
    let found = solved(&traces);
    let told: Vec<(&str, SkewVerdict)> = found.hosts.iter().map(|one| (&*one.host, one.verdict)).collect();
    use SkewVerdict::{NotProven, Skewed};
    assert_eq!(told, [("h0", NotProven), ("h1", Skewed), ("h2", Skewed), ("h3", NotProven)]);
    for (one, clock) in found.hosts.iter().zip(clocks) {
        assert_eq!(&*one.reference, "h0");
        let error = (one.offset.0 - clock.offset).abs();
        assert!(error <= MS / 5 && one.drift.is_none(), "{one:?}");
        assert!(one.bounds.0.0 <= clock.offset && clock.offset <= one.bounds.1.0, "{one:?}");
    }
    // Adjusted, every call fits into its caller; as received, those to the two skewed hosts do not.
    let fits = |trace: &Trace| {
        let (client, server) = (trace.span(0), trace.span(1));
        let (client, server) = if client.kind == SpanKind::CLIENT { (client, server) } else { (server, client) };
        client.start <= server.start && server.end <= client.end
    };
    assert!(traces.iter().filter(|trace| !fits(trace)).count() >= 480);
    assert!(traces.iter().all(|trace| fits(&found.adjusted(trace))));
    // Log records go with their span; those without one, with their host.
    let trace = traces.iter().find(|trace| !fits(trace)).expect("a skewed one");
    for server in trace.spans().iter().filter(|span| span.kind == SpanKind::SERVER) {
        let log = |span_id| LogRecord {
            time: Instant(server.start.0 + 1),
            trace_id: Some(trace.id()),
            span_id,
            resource: Arc::clone(&server.resource),
            ..LogRecord::default()
        };
        let logs = vec![log(Some(server.span_id)), log(None)];
        let moved = found.adjusted(&Trace::assemble(trace.id(), trace.spans().to_vec(), logs));
        let here = moved.find(server.span_id).expect("it is still there");
        let start = moved.span(here).start;
        assert!(start != server.start && moved.logs().iter().all(|log| log.time == Instant(start.0 + 1)));
        assert!(moved.logs().iter().all(|log| log.observed_time == Instant(0)), "what is not known stays so");
    }
    // What is not proven to differ is not moved.
    assert!(found.shifts(traces.last().expect("calls to h3")).iter().all(|shift| *shift == 0));
}

#[test]
fn a_clock_that_drifts_is_told_from_one_that_jumps() {
    let drifting = [STILL, Clock { offset: 2 * MS, drift: 50_000 }];
    let traces = calls(&[(0, 1)], &drifting);
    let found = solved(&traces);
    let drift = found.hosts[1].drift.expect("it drifts");
    assert!((drift - 50_000).abs() < 2_500, "{found:?}");
    // In the middle of 160 seconds it is 80 times 50 µs farther.
    assert!((found.hosts[1].offset - Duration(6 * MS)).0.abs() < MS / 5, "{found:?}");
    let off = |trace: &Trace| {
        let adjusted = found.adjusted(trace);
        let end = adjusted.spans().iter().find(|span| span.kind == SpanKind::SERVER).expect("a server").end.0;
        let client = trace.spans().iter().find(|span| span.kind == SpanKind::CLIENT).expect("a client").end.0;
        client as i64 - end as i64
    };
    assert!(traces.iter().all(|trace| (-300_000..900_000).contains(&off(trace))));

    let mut jumped = calls(&[(0, 1)], &[STILL, STILL])[..80].to_vec();
    jumped.extend(calls(&[(0, 1)], &[STILL, Clock { offset: 40 * MS, drift: 0 }]).into_iter().skip(80));
    let found = solved(&jumped);
    assert_eq!(found.pairs[0].verdict, SkewVerdict::Contradictory, "{found:?}");
    assert!(found.hosts.is_empty() && found.shifts(&jumped[100]).iter().all(|shift| *shift == 0));
}

#[test]
fn a_span_that_ends_late_is_no_clock() {
    let mut traces = calls(&[(0, 1)], &[STILL, Clock { offset: 5 * MS, drift: 0 }]);
    let (mut spans, logs) = traces[3].clone().into_parts();
    spans.iter_mut().filter(|span| span.kind == SpanKind::SERVER).for_each(|span| span.end.0 += 20 * MS as u64);
    traces[3] = Trace::assemble(spans[0].trace_id, spans, logs);
    let found = solved(&traces);
    assert_eq!(found.pairs[0].verdict, SkewVerdict::Skewed, "{found:?}");
    assert!(found.hosts[1].bounds.0.0 <= 5 * MS && 5 * MS <= found.hosts[1].bounds.1.0, "{found:?}");
}

#[test]
fn few_calls_say_nothing() {
    let found = solved(&calls(&[(0, 1)], &[STILL, Clock { offset: MS, drift: 0 }])[..20]);
    assert_eq!(found.pairs[0].verdict, SkewVerdict::NotEnoughCalls);
    assert!(found.hosts.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Where every call lies inside its caller, the bounds hold the truth, through any network of hosts.
    #[test]
    fn the_bounds_hold_the_truth(
        offsets in proptest::collection::vec(-50 * MS..50 * MS, 2..7),
        edges in proptest::collection::vec((0_usize..7, 0_usize..7), 1..9),
    ) {
        let clocks: Vec<Clock> = offsets.iter().map(|&offset| Clock { offset, drift: 0 }).collect();
        let edges: Vec<(usize, usize)> =
            edges.iter().map(|(a, b)| (a % clocks.len(), b % clocks.len())).filter(|(a, b)| a != b).collect();
        let found = solved(&calls(&edges, &clocks));
        let offset = |name: &str| clocks[name[1..].parse::<usize>().expect("hN")].offset;
        for one in &found.hosts {
            let truth = offset(&one.host) - offset(&one.reference);
            prop_assert!(one.bounds.0.0 <= truth && truth <= one.bounds.1.0, "{one:?}, really {truth}");
            prop_assert!(one.bounds.0 <= one.offset && one.offset <= one.bounds.1);
            prop_assert_eq!(one.verdict == SkewVerdict::Skewed, one.bounds.0.0 > 0 || one.bounds.1.0 < 0);
        }
    }
}
