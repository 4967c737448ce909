//! TraceQL in a suite: checked when the file is read, run when a trace is judged. The one place that reads its text.

use model::{Duration, SpanIndex, Trace};
use query::{AggregateFilter, FieldExpression, KeyUse, Query, Unknown, View};

use crate::suite::{Template, Undefined, Variables};

/// What kind of TraceQL text stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceQl {
    Selector,
    Field,
    Aggregate,
}

impl TraceQl {
    pub fn name(self) -> &'static str {
        match self {
            Self::Selector => "a selector",
            Self::Field => "a field expression",
            Self::Aggregate => "an aggregate",
        }
    }
}

/// A string as TraceQL writes it.
pub(crate) fn traceql_text(text: &str) -> String {
    query::Literal::String(text.into()).to_string()
}

/// A mistake in TraceQL text: characters `from..to`.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub from: usize,
    pub to: usize,
    pub message: String,
    pub label: String,
    pub hint: String,
}

/// The text with its variables put in, made safe for standing inside quotes.
pub(crate) fn render(template: &Template, variables: &Variables) -> Result<String, Undefined> {
    template.render_with(variables, |value| value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What is wrong with `text`.
pub(crate) fn mistakes(text: &str, what: TraceQl) -> Vec<Mistake> {
    let problems = match what {
        TraceQl::Selector => query::parse(text).problems,
        TraceQl::Field => query::parse_field(text).problems,
        TraceQl::Aggregate => query::parse_aggregate(text).problems,
    };
    let characters = |bytes: usize| text.char_indices().take_while(|(at, _)| *at < bytes).count();
    problems
        .into_iter()
        .map(|problem| Mistake {
            from: characters(problem.from),
            to: characters(problem.to),
            label: if problem.expected.is_empty() { String::new() } else { format!("expected {}", problem.expected) },
            message: format!("TraceQL: {}", problem.message),
            hint: problem.hint,
        })
        .collect()
}

/// A selector, ready to run.
pub(crate) fn selector(template: &Template, variables: &Variables) -> Result<(Query, String), String> {
    let text = render(template, variables).map_err(|undefined| format!("nothing sets `{}`", undefined.name))?;
    let tree = query::parse(&text).into_result().map_err(|problems| told(&text, &problems))?;
    Ok((tree, text))
}

/// A field expression, ready to run.
pub(crate) fn field(template: &Template, variables: &Variables) -> Result<(FieldExpression, String), String> {
    let text = render(template, variables).map_err(|undefined| format!("nothing sets `{}`", undefined.name))?;
    let tree = query::parse_field(&text).into_result().map_err(|problems| told(&text, &problems))?;
    Ok((tree, text))
}

/// An aggregate, ready to run.
pub(crate) fn aggregate(template: &Template, variables: &Variables) -> Result<(AggregateFilter, String), String> {
    let text = render(template, variables).map_err(|undefined| format!("nothing sets `{}`", undefined.name))?;
    let tree = query::parse_aggregate(&text).into_result().map_err(|problems| told(&text, &problems))?;
    Ok((tree, text))
}

fn told(text: &str, problems: &[query::Problem]) -> String {
    problems.first().map_or_else(|| format!("cannot read `{text}`"), |problem| format!("`{text}`: {problem}"))
}

/// Of the keys that TraceQL text names, what no span carries, in words. A typing mistake must not pass `count: 0`.
pub(crate) fn unknown(keys: &[KeyUse], trace: &Trace) -> Option<String> {
    keys.iter().find_map(|key| match query::unknown_in(key, trace, &|_| true)? {
        Unknown::Key => Some(format!("no span of the trace carries `{}`", key.field)),
        Unknown::Type(found) => {
            let compared: Vec<&str> = key.types.iter().map(|compared| compared.name()).collect();
            let compared = compared.join(" and ");
            Some(format!("`{}` is compared as a {compared}, but spans carry it as {found}", key.field))
        }
    })
}

/// Of the spans that a selector does not find, the one that came nearest, and why it was left out.
pub(crate) fn nearest(query: &Query, view: &View<'_>) -> Option<(SpanIndex, String)> {
    let miss = query::nearest(query, view, 1, &|_| true).into_iter().next()?;
    let clauses: Vec<String> = miss
        .excluded_by
        .iter()
        .map(|exclusion| match exclusion.found.as_str() {
            "" => format!("does not meet `{}`", exclusion.clause),
            found => format!("does not meet `{}`: {found}", exclusion.clause),
        })
        .collect();
    Some((miss.span, clauses.join("; ")))
}

/// Self times and times on the critical path, computed once a trace is judged.
pub(crate) struct Numbers {
    self_times: Vec<Duration>,
    critical: Vec<Duration>,
}

impl Numbers {
    pub fn of(trace: &Trace) -> Self {
        let critical = analysis::critical_path(trace).times(trace.spans().len());
        Self { self_times: analysis::self_time(trace), critical }
    }
}

impl query::Computed for Numbers {
    fn self_time(&self, span: SpanIndex) -> Duration {
        self.self_times.get(span as usize).copied().unwrap_or_default()
    }

    fn critical(&self, span: SpanIndex) -> Duration {
        self.critical.get(span as usize).copied().unwrap_or_default()
    }
}
