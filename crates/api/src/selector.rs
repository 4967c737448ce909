//! Queries: from text to what the store is asked, and to spans of one trace.

use std::cell::OnceCell;
use std::sync::Arc;

use model::{Duration, SpanIndex, StatusCode, Trace};
use query::{AttributeField, Field, FieldExpression, Intrinsic, Literal, Operator, Query, Scope, Spansets, View};
use store::{AttributeScope, Predicate, Residual};
use wire::{Place, QueryProblem};

/// What the store is asked for a query.
pub struct Plan {
    /// Conditions that every matching trace meets: they only spare the store work.
    pub predicates: Vec<Predicate>,
    /// The query itself, asked of whole traces.
    pub residual: Option<Residual>,
    /// The query as it was understood.
    pub text: String,
    /// Remarks.
    pub remarks: Vec<QueryProblem>,
}

/// Plans a query; bare words search span names.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn plan(text: &str) -> Result<Plan, Vec<QueryProblem>> {
    let query = parse(text)?;
    let printed = query.to_string();
    let mut predicates = Vec::new();
    if let Spansets::Selector(Some(expression)) = &query.source {
        necessary(expression, &mut predicates);
    }
    let residual: Residual = Arc::new(move |trace: &Trace| {
        let found = matching(&query, trace).len();
        (found > 0).then(|| u32::try_from(found).unwrap_or(u32::MAX))
    });
    Ok(Plan { predicates, residual: Some(residual), text: printed, remarks: Vec::new() })
}

/// The spans of one trace that a query selects, and remarks.
///
/// # Errors
/// Every mistake, with its place in `text`.
pub fn select(trace: &Trace, text: &str) -> Result<(Vec<SpanIndex>, Vec<QueryProblem>), Vec<QueryProblem>> {
    Ok((matching(&parse(text)?, trace), Vec::new()))
}

fn parse(text: &str) -> Result<Query, Vec<QueryProblem>> {
    let expanded = query::expand_search(text);
    query::parse(&expanded).into_result().map_err(|problems| {
        // Bare words that were expanded cannot be wrong; if they are, their place means nothing in what was typed.
        let is_typed = *expanded == *text.trim();
        problems.iter().map(|problem| described(problem, text, is_typed)).collect()
    })
}

fn described(problem: &query::Problem, text: &str, is_typed: bool) -> QueryProblem {
    let expected = (!problem.expected.is_empty()).then(|| format!("expected {}", problem.expected));
    let hint = Some(problem.hint.clone()).filter(|hint| !hint.is_empty());
    QueryProblem {
        error: problem.message.clone(),
        hint: hint.or(expected),
        place: is_typed.then(|| place_in(text, problem)),
        is_warning: false,
    }
}

/// A place in bytes of the trimmed text becomes one in lines, characters and UTF-16 units of the text as typed.
fn place_in(text: &str, problem: &query::Problem) -> Place {
    let trimmed = text.len() - text.trim_start().len();
    let at = |byte: usize| text.floor_char_boundary((trimmed + byte).min(text.len()));
    let (from, to) = (at(problem.from), at(problem.to.max(problem.from)));
    let before = &text[..from];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let units = |text: &str| text.encode_utf16().count() as u32;
    Place {
        of: "q".to_owned(),
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
        offset: units(before),
        length: units(&text[from..to]),
    }
}

fn matching(query: &Query, trace: &Trace) -> Vec<SpanIndex> {
    let computed = Analysed { trace, self_times: OnceCell::new(), critical: OnceCell::new() };
    query::select(query, &View::with_computed(trace, &computed))
}

/// Numbers of `analysis`, computed when a query first asks for them.
struct Analysed<'a> {
    trace: &'a Trace,
    self_times: OnceCell<Vec<Duration>>,
    critical: OnceCell<Vec<Duration>>,
}

impl query::Computed for Analysed<'_> {
    fn self_time(&self, span: SpanIndex) -> Duration {
        self.self_times.get_or_init(|| analysis::self_time(self.trace))[span as usize]
    }

    fn critical(&self, span: SpanIndex) -> Duration {
        let times = self.critical.get_or_init(|| {
            let mut times = vec![Duration::ZERO; self.trace.spans().len()];
            for segment in analysis::critical_path(self.trace).segments {
                times[segment.span as usize] += segment.duration();
            }
            times
        });
        times[span as usize]
    }
}

/// Collects what must hold for some span wherever `expression` does: the parts joined by `&&` that compare a field with a
/// constant.
fn necessary(expression: &FieldExpression, predicates: &mut Vec<Predicate>) {
    let mut stack = vec![expression];
    while let Some(expression) = stack.pop() {
        let FieldExpression::Binary { operator, left, right } = expression else { continue };
        match (operator, &**left, &**right) {
            (Operator::And, left, right) => stack.extend([left, right]),
            (Operator::Equal, FieldExpression::Field(field), FieldExpression::Literal(literal)) => {
                predicates.extend(equals(field, literal));
            }
            (operator, FieldExpression::Field(Field::Intrinsic(intrinsic)), FieldExpression::Literal(literal)) => {
                predicates.extend(lasts(*intrinsic, *operator, literal));
            }
            _ => {}
        }
    }
}

fn equals(field: &Field, literal: &Literal) -> Option<Predicate> {
    match (field, literal) {
        (Field::Intrinsic(Intrinsic::Name), Literal::String(name)) => Some(Predicate::SpanName(name.clone())),
        (Field::Intrinsic(Intrinsic::RootName), Literal::String(name)) => Some(Predicate::RootName(name.clone())),
        (Field::Intrinsic(Intrinsic::RootServiceName), Literal::String(name)) => {
            Some(Predicate::RootService(name.clone()))
        }
        (Field::Intrinsic(Intrinsic::Status), Literal::Status(StatusCode::ERROR)) => Some(Predicate::HasError(true)),
        (Field::Intrinsic(Intrinsic::Kind), Literal::Kind(kind)) => Some(Predicate::SpanKind(*kind)),
        (Field::Attribute(attribute), Literal::String(service)) if is_service(attribute) => {
            Some(Predicate::Service(service.clone()))
        }
        // Only that the key is there: a value may compare equal across types and within lists.
        (Field::Attribute(AttributeField { of_parent: false, scope, key }), literal) if *literal != Literal::Nil => {
            Some(Predicate::HasAttribute { scope: scope_of(*scope), key: key.clone() })
        }
        _ => None,
    }
}

fn is_service(attribute: &AttributeField) -> bool {
    !attribute.of_parent && attribute.scope == Scope::Resource && &*attribute.key == "service.name"
}

fn scope_of(scope: Scope) -> Option<AttributeScope> {
    match scope {
        Scope::Any => None,
        Scope::Span => Some(AttributeScope::Span),
        Scope::Resource => Some(AttributeScope::Resource),
        Scope::Instrumentation => Some(AttributeScope::Instrumentation),
        Scope::Event => Some(AttributeScope::Event),
        Scope::Link => Some(AttributeScope::Link),
    }
}

/// Bounds on durations, both ends included, so that strict comparisons are covered too.
fn lasts(intrinsic: Intrinsic, operator: Operator, literal: &Literal) -> Option<Predicate> {
    let Literal::Duration(bound) = *literal else { return None };
    let (min, max) = match operator {
        Operator::Greater | Operator::GreaterOrEqual => (bound, Duration::MAX),
        Operator::Less | Operator::LessOrEqual => (Duration(i64::MIN), bound),
        _ => return None,
    };
    match intrinsic {
        Intrinsic::Duration => Some(Predicate::SpanDuration { min, max }),
        Intrinsic::TraceDuration => Some(Predicate::TraceDuration { min, max }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str, predicates: &[&str]) {
        let plan = plan(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        let read: Vec<String> = plan.predicates.iter().map(|predicate| format!("{predicate:?}")).collect();
        let names: Vec<&str> = read.iter().map(|text| text.split([' ', '(']).next().unwrap_or_default()).collect();
        assert_eq!((plan.text.as_str(), names.as_slice()), (printed, predicates));
    }

    #[test]
    fn what_every_match_must_have_is_asked_of_the_store() {
        check("{ status = error }", "{ status = error }", &["HasError"]);
        check(
            "{ resource.service.name = \"rag\" && duration > 1s }",
            "{ resource.service.name = \"rag\" && duration > 1s }",
            &["SpanDuration", "Service"],
        );
        check("{ span.a = 1 || status = error }", "{ span.a = 1 || status = error }", &[]);
        check("{ span.a = nil }", "{ span.a = nil }", &[]);
        check("{ status != error }", "{ status != error }", &[]);
        check("chat", "{ name =~ \"(?i).*chat.*\" }", &[]);
    }

    #[test]
    fn mistakes_keep_their_place_in_what_was_typed() {
        let problems = plan("  {\n ü = \"é\" && status = }").err().expect("a mistake");
        let place = problems.last().and_then(|problem| problem.place.clone()).expect("has a place");
        assert_eq!((place.of.as_str(), place.line), ("q", 2));
        assert!(problems.iter().all(|problem| !problem.error.is_empty()));
    }
}
