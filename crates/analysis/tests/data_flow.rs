//! Values of answers that reach later calls.

mod drawing;

use analysis::{ExplainOptions, Explanation, data_flows};
use drawing::{draw, with_id};

/// Each flow as `service key -> service key: values example`.
fn flows(text: &str) -> Vec<String> {
    let trace = draw(text);
    let service = |span| trace.span(span).service_name().to_owned();
    let told = data_flows(&trace);
    assert_eq!(told.left_out, 0);
    let of = |flow: &analysis::DataFlow| {
        let (from, to) = (service(flow.from), service(flow.to));
        format!("{from} {} -> {to} {}: {} {}", flow.from_key, flow.to_key, flow.values, flow.example)
    };
    told.flows.iter().map(of).collect()
}

#[test]
fn a_value_flows_from_the_answer_that_had_it_first_to_the_outermost_that_was_given_it() {
    let trace = "a:ask[0..100](s:find[0..30]{db.response.ids=doc-0042,found=doc-0042} \
                 r:answer[35..90]{prompt=doc-0042}(m:chat[40..80]{gen_ai.input.messages=doc-0042}))";
    assert_eq!(flows(trace), ["s db.response.ids -> r prompt: 1 doc-0042"]);
}

#[test]
fn what_came_before_the_answer_or_is_no_answer_is_no_flow() {
    // Given before the answer was there.
    assert!(flows("a:ask[0..100](s:find[0..30]{result=doc-0042} r:answer[20..90]{prompt=doc-0042})").is_empty());
    // Both were given it from above.
    assert!(flows("a:ask[0..100]{id=doc-0042}(s:find[0..30]{id=doc-0042} r:answer[35..90]{id=doc-0042})").is_empty());
    // Words that everybody uses tell nothing.
    assert!(flows("a:ask[0..100](s:find[0..30]{result=found} r:answer[35..90]{prompt=found})").is_empty());
}

#[test]
fn two_branches_are_two_receivers() {
    let trace = "a:ask[0..100](s:find[0..30]{result=doc-0042} r:one[35..50]{q=doc-0042}(m:x[36..40]{q=doc-0042}) \
                 t:two[60..70]{q=doc-0042})";
    assert_eq!(flows(trace), ["s result -> r q: 1 doc-0042", "s result -> t q: 1 doc-0042"]);
}

#[test]
fn over_many_traces_flows_are_counted_whatever_the_order_and_the_parts() {
    let traces: Vec<_> = (0..40_u64)
        .map(|n| {
            let text = format!("a:ask[0..100](s:find[0..30]{{result=doc-{n}42}} r:answer[35..90]{{q=doc-{n}42}})");
            with_id(draw(&text), n)
        })
        .collect();
    let explained = |parts: &[&[model::Trace]]| {
        let mut whole = Explanation::new(ExplainOptions::default());
        for part in parts {
            let mut one = Explanation::new(ExplainOptions::default());
            part.iter().for_each(|trace| one.add(trace));
            whole.merge(one);
        }
        whole.finish().data_flow
    };
    let together = explained(&[&traces]);
    assert_eq!(together.len(), 1);
    let flow = &together[0];
    assert_eq!((&*flow.from.0, &*flow.to.0, flow.traces, flow.values), ("s", "r", (40, 40), 40));
    assert_eq!(flow.evidence[0].spans.len(), 2);
    assert_eq!(explained(&[&traces[20..], &traces[..20]]), together);
}
