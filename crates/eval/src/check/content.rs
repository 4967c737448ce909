//! What spans carry: cache answers, values that reach each other, tokens and cost, log records.

use model::{Duration, Span, SpanIndex, Text, Value};
use query::{Field, FieldExpression};

use super::trace::Judged;
use super::value::cut;
use super::{Finding, State};
use crate::facts;
use crate::limits::EVIDENCE_MAX;
use crate::select;
use crate::suite::{CacheResult, LogsCheck, Quantity, Range, Selector, Template};

pub(super) fn cache(service: Option<&Text>, result: CacheResult, judged: &Judged<'_>) -> Finding {
    let word = |hit: bool| if hit { "hit" } else { "miss" };
    let hit_asked = result == CacheResult::Hit;
    let of = service.map(|service| format!(" of {service}")).unwrap_or_default();
    let expected = format!("the cache{of} to {}", word(hit_asked));
    let accesses: Vec<_> = analysis::cache_accesses(judged.trace, &[])
        .into_iter()
        .filter(|access| service.is_none_or(|service| *service == access.service))
        .collect();
    if accesses.is_empty() {
        let keys = analysis::CACHE_HIT_KEYS[..3].join(", ");
        return Finding::not_evaluable(expected, format!("no span{of} says what the cache answered ({keys}, …)"));
    }
    let is_hit = |access: &analysis::CacheAccess| access.result == analysis::CacheResult::Hit;
    let against: Vec<_> = accesses.iter().filter(|access| is_hit(access) != hit_asked).collect();
    let noted =
        |access: &analysis::CacheAccess| (access.span, format!("{} says {}", access.evidence, word(is_hit(access))));
    if against.is_empty() {
        let found = format!("{} of {} asked", word(hit_asked), accesses.len());
        return Finding::new(State::HeldSoFar, expected, found).noted(accesses.iter().map(noted));
    }
    let found = format!("a {} in {} of {} accesses", word(!hit_asked), against.len(), accesses.len());
    Finding::new(State::FailedForGood, expected, found).noted(against.into_iter().map(noted))
}

pub(super) fn data_flow(from: &(Selector, Template), to: &(Selector, Template), judged: &Judged<'_>) -> Finding {
    let (source, target) = match (judged.select(&from.0), judged.select(&to.0)) {
        (Ok(source), Ok(target)) => (source, target),
        (Err(finding), _) | (_, Err(finding)) => return *finding,
    };
    let texts = [source.text.clone(), target.text.clone()];
    let ((out, from), (into, to)) = match (field(&from.1, judged), field(&to.1, judged)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(reason), _) | (_, Err(reason)) => {
            return Finding::not_evaluable("a value that reaches another span", reason).selectors(texts);
        }
    };
    let expected = format!("every `{from}` of `{}` within `{to}` of `{}`", source.text, target.text);
    let values: Vec<(SpanIndex, String)> = source
        .spans
        .iter()
        .flat_map(|&span| query::field_texts(&out, &judged.view, span).into_iter().map(move |text| (span, text)))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    if values.is_empty() {
        return Finding::not_evaluable(expected, format!("no span of `{}` carries `{from}`", source.text))
            .nearest(source.nearest)
            .selectors(texts);
    }
    let reached: Vec<String> =
        target.spans.iter().flat_map(|&span| query::field_texts(&into, &judged.view, span)).collect();
    if reached.is_empty() {
        let found = format!("no span of `{}` carries `{to}`", target.text);
        return Finding::new(State::Absent, expected, found).nearest(target.nearest).selectors(texts);
    }
    let lost: Vec<(SpanIndex, String)> = values
        .iter()
        .filter(|(_, value)| !reached.iter().any(|text| text.contains(value.as_str())))
        .map(|(span, value)| (*span, format!("did not arrive: {}", cut(value))))
        .collect();
    if lost.is_empty() {
        let found = format!("all {} values arrived", values.len());
        return Finding::new(State::HeldSoFar, expected, found).evidence(target.spans).selectors(texts);
    }
    let found = format!("{} of {} values did not arrive", lost.len(), values.len());
    Finding::new(State::Absent, expected, found).noted(lost).selectors(texts)
}

/// The one field that a text names, and the text with its variables put in.
fn field(template: &Template, judged: &Judged<'_>) -> Result<(Field, String), String> {
    match select::field(template, judged.variables)? {
        (FieldExpression::Field(field), text) => Ok((field, text)),
        (_, text) => Err(format!("`field` must name one field, such as `span.gen_ai.input.messages`, not `{text}`")),
    }
}

/// Attributes that carry each quantity, the current convention first; of one span the first that is there counts.
fn keys(quantity: Quantity) -> &'static [&'static str] {
    match quantity {
        Quantity::InputTokens => &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"],
        Quantity::OutputTokens => {
            &["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"]
        }
        Quantity::Tokens => &["gen_ai.usage.total_tokens", "llm.token_count.total"],
        Quantity::Cost => &["llm.cost.total", "gen_ai.usage.cost", "gen_ai.cost.total"],
        Quantity::TimeToFirstToken => &["gen_ai.response.time_to_first_chunk"],
    }
}

fn amount(span: &Span, quantity: Quantity) -> Option<f64> {
    let of = |quantity| keys(quantity).iter().find_map(|key| span.attributes.get(key)).and_then(Value::as_double);
    match quantity {
        Quantity::Tokens => match (of(Quantity::InputTokens), of(Quantity::OutputTokens)) {
            (None, None) => of(Quantity::Tokens),
            (input, output) => Some(input.unwrap_or_default() + output.unwrap_or_default()),
        },
        // The convention is in seconds.
        Quantity::TimeToFirstToken => of(quantity).map(|seconds| seconds * 1e9),
        other => of(other),
    }
}

pub(super) fn quantity(quantity: Quantity, range: &Range, judged: &Judged<'_>) -> Finding {
    let (name, show): (&str, fn(f64) -> String) = match quantity {
        Quantity::Tokens => ("tokens", |n| n.to_string()),
        Quantity::InputTokens => ("input tokens", |n| n.to_string()),
        Quantity::OutputTokens => ("output tokens", |n| n.to_string()),
        Quantity::Cost => ("US dollars", |n| format!("{n:.6}")),
        Quantity::TimeToFirstToken => ("to the first token", |n| Duration(n as i64).to_string()),
    };
    let expected = format!("{} {name}", range.words(show));
    let trace = judged.trace;
    // A client span and its server span may both tell of one call: the outermost that tells counts.
    let tells = |index: SpanIndex| amount(trace.span(index), quantity);
    let mut spans: Vec<(SpanIndex, f64)> = Vec::new();
    let mut told_above = vec![false; trace.spans().len()];
    for (index, _) in trace.depth_first() {
        let above = trace.parent(index).is_some_and(|parent| told_above[parent as usize]);
        let amount = tells(index);
        told_above[index as usize] = above || amount.is_some();
        if let (Some(amount), false) = (amount, above) {
            spans.push((index, amount));
        }
    }
    if spans.is_empty() {
        return Finding::not_evaluable(expected, format!("no span carries {}", keys(quantity)[0]));
    }
    let total = match quantity {
        Quantity::TimeToFirstToken => spans.iter().map(|(_, amount)| *amount).fold(0.0, f64::max),
        _ => spans.iter().map(|(_, amount)| amount).sum(),
    };
    let state = State::of_sum(range, total);
    let noted = spans.iter().map(|&(span, amount)| (span, show(amount)));
    Finding::new(state, expected, format!("{} in {} calls", show(total), spans.len())).noted(noted.collect::<Vec<_>>())
}

pub(super) fn logs(check: &LogsCheck, judged: &Judged<'_>) -> Finding {
    let text = match check.contains.as_ref().map(|contains| contains.render(judged.variables)).transpose() {
        Ok(text) => text,
        Err(undefined) => return Finding::not_evaluable("log records", format!("nothing sets `{}`", undefined.name)),
    };
    let of = check.service.as_ref().map(|service| format!(" of {service}")).unwrap_or_default();
    let severity = check.severity.map(|severity| format!("{severity} ")).unwrap_or_default();
    let with = text.as_ref().map(|text| format!(" with {text:?}")).unwrap_or_default();
    let count = &check.count;
    let expected = format!("{count} {severity}log records{of}{with}");
    let holds = |log: &&model::LogRecord| {
        let has = |text: &String| {
            log.body.to_string().contains(text)
                || log.attributes.iter().any(|(_, value)| value.to_string().contains(text))
        };
        text.as_ref().is_none_or(has)
            && check.service.as_ref().is_none_or(|service| log.resource.service_name() == &**service)
            && check.severity.is_none_or(|severity| facts::severity(log.severity_number) == severity)
    };
    let found: Vec<&model::LogRecord> = judged.trace.logs().iter().filter(holds).collect();
    let number = found.len() as f64;
    let state = State::of_sum(count, number);
    let spans = found.iter().filter_map(|log| judged.trace.find(log.span_id?)).take(EVIDENCE_MAX);
    let words = format!("{} of {} log records", found.len(), judged.trace.logs().len());
    Finding::new(state, expected, words).evidence(spans.collect::<Vec<_>>())
}
