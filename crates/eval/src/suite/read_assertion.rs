//! Assertions: each item of `assert` is a map with one key that says its kind, keys beside it, and the common ones.

mod findings;

use model::Text;
use query::Scalar;
use serde_json::Value as Json;

use super::fields::{Reader, edge};
use super::keys::{
    CACHE, COMMON, CRITICAL_PATH, DATA_FLOW, FAULT_PATH, FIELD_OF, GROUNDING, GRPC_CODES, HEADER_TESTS, JSON_TESTS,
    JUDGED, KINDS, Kind, LOGS, RELATION, RETRIES, RETRIEVAL, SERVICE_TESTS, SEVERITIES, SIMILAR, TOKENS, TOOL_CALLS,
    VALUE_TESTS,
};
use super::nearest::{listed, nearest};
use super::problem::Problem;
use super::read::{OWN_VARIABLES, undefined};
use super::template::{JsonTemplate, Template};
use super::units::{self, Range};
use super::yaml::{Data, Node};
use super::{
    Assertion, CacheResult, Check, ErrorKind, FaultOrigin, FaultPathCheck, GroundingCheck, JudgedCheck, LogsCheck,
    MAIN_STEP, PassRate, Quantity, Relation, RetrievalCheck, Selector, ServicesCheck, SimilarCheck, SpansTest,
    StatusPattern, Step, ToolCallsCheck, ValueTest, Variables,
};
use crate::JsonPath;
use crate::limits::{JUDGE_TIMES_MAX, RAG_PASSAGES_MAX, REPEAT_MAX};
use crate::select::{self, TraceQl};

/// What assertions may refer to.
pub(super) struct Scope<'a> {
    pub variables: &'a Variables,
    pub steps: &'a [Step],
    pub services: &'a [Text],
    /// Variables that the suite's set-up sets.
    pub captured: &'a [String],
}

impl Scope<'_> {
    /// The variables that are set once the steps were sent.
    fn known(&self) -> Vec<&str> {
        let outputs = self.steps.iter().flat_map(Step::sets).chain(self.captured.iter().map(String::as_str));
        self.variables.keys().map(String::as_str).chain(outputs).chain(OWN_VARIABLES.iter().copied()).collect()
    }
}

pub(super) fn assertions(reader: &mut Reader<'_>, node: &Node, scope: &Scope<'_>) -> Vec<Assertion> {
    let items = reader.list(node, "`assert`");
    if items.is_empty() && matches!(node.data, Data::List(_)) {
        let problem = Problem::new(node.place, "this scenario asserts nothing");
        reader.problem(problem.hint("say what must hold, such as `- status: 200`"));
    }
    items.into_iter().filter_map(|item| assertion(reader, item, scope)).collect()
}

fn assertion(reader: &mut Reader<'_>, node: &Node, scope: &Scope<'_>) -> Option<Assertion> {
    let Some(entries) = node.entries() else {
        reader.expected(node, "an assertion", "a map such as `status: 200`");
        return None;
    };
    let mut kinds =
        entries.iter().filter_map(|entry| KINDS.iter().find(|kind| kind.name == entry.key).map(|kind| (kind, entry)));
    let Some((kind, entry)) = kinds.next() else {
        reader.problem(unknown_kind(node));
        return None;
    };
    if let Some((_, second)) = kinds.next() {
        let message = format!("one assertion says both `{}` and `{}`", kind.name, second.key);
        reader.problem(
            Problem::new(second.key_place, message)
                .label("a second assertion")
                .hint("begin a new list item with `- ` for it"),
        );
        return None;
    }
    beside(reader, node, kind);
    let when = node.get("when").and_then(|when| selector(reader, when, scope));
    let step = node.get("step").and_then(|step| self::step(reader, step, scope)).unwrap_or(MAIN_STEP.to_owned());
    let optional = node.get("optional").and_then(|optional| reader.bool(optional, "`optional`")).unwrap_or(false);
    let mut body = Body { reader, node, value: &entry.value, scope };
    let check = body.check(kind.name)?;
    Some(Assertion { place: entry.key_place, kind: kind.name, text: node.line(), step, optional, when, check })
}

fn unknown_kind(node: &Node) -> Problem {
    let names = || KINDS.iter().map(|kind| kind.name);
    let first =
        node.entries().and_then(|entries| entries.iter().find(|entry| COMMON.iter().all(|key| key.name != entry.key)));
    let Some(first) = first else {
        return Problem::new(node.place, "this assertion asserts nothing")
            .hint(format!("say one of {}", listed(names())));
    };
    let problem = Problem::new(first.key_place, format!("unknown assertion `{}`", first.key)).label("not an assertion");
    match nearest(&first.key, names()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(format!("there are {}", listed(names()))),
    }
}

/// Tells keys that do not belong beside this kind.
fn beside(reader: &mut Reader<'_>, node: &Node, kind: &'static Kind) {
    for entry in node.entries().unwrap_or_default() {
        let known = || kind.beside.iter().chain(COMMON).map(|key| key.name);
        if entry.key == kind.name || known().any(|name| name == entry.key) {
            continue;
        }
        let message = format!("unknown key `{}` beside `{}`", entry.key, kind.name);
        let problem = Problem::new(entry.key_place, message).label(format!("not a key of `{}`", kind.name));
        reader.problem(match nearest(&entry.key, known()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("beside it may stand {}", listed(known()))),
        });
    }
}

fn step(reader: &mut Reader<'_>, node: &Node, scope: &Scope<'_>) -> Option<String> {
    let name = reader.text(node, "`step`")?;
    if scope.steps.iter().any(|step| step.name == name && !step.is_hook) {
        return Some(name);
    }
    let names = scope.steps.iter().filter(|step| !step.is_hook).map(|step| step.name.as_str());
    let problem = Problem::new(node.place, format!("there is no step `{name}` in this scenario"));
    reader.problem(match nearest(&name, names.clone()) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(format!("there are {}", listed(names))),
    });
    None
}

/// A selector, its TraceQL checked, its variables those of the scenario.
pub(super) fn selector(reader: &mut Reader<'_>, node: &Node, scope: &Scope<'_>) -> Option<Selector> {
    trace_ql(reader, node, TraceQl::Selector, scope).map(|template| Selector { template, place: node.place })
}

/// A field expression, checked likewise.
pub(super) fn field(reader: &mut Reader<'_>, node: &Node, scope: &Scope<'_>) -> Option<Template> {
    trace_ql(reader, node, TraceQl::Field, scope)
}

fn trace_ql(reader: &mut Reader<'_>, node: &Node, what: TraceQl, scope: &Scope<'_>) -> Option<Template> {
    if node.scalar().is_none() {
        reader.expected(node, what.name(), "TraceQL text");
        if node.entries().is_some()
            && let Some(problem) = reader.problems.last_mut()
        {
            problem.hint = "quote it: YAML reads `{ ... }` without quotes as a map".to_owned();
        }
        return None;
    }
    let template = reader.template(node, what.name())?;
    let known = scope.known();
    let mut sample = scope.variables.clone();
    for (name, place) in template.variables() {
        if !known.contains(&name) {
            reader.problem(undefined(name, place, "this one", &known));
        }
        // Stands for what is known only when it runs, so that the rest can be checked now.
        sample.entry(name.to_owned()).or_insert_with(|| Json::from("x"));
    }
    let text = select::render(&template, &sample).ok()?;
    let moved = node.scalar().is_none_or(|scalar| scalar.text != text);
    for mistake in select::mistakes(&text, what) {
        let place = if moved { node.place } else { node.place_within(mistake.from, mistake.to) };
        reader.problem(Problem::new(place, mistake.message).label(mistake.label).hint(mistake.hint));
    }
    Some(template)
}

pub(super) fn json_path(reader: &mut Reader<'_>, node: &Node) -> Option<JsonPath> {
    let text = reader.text(node, "a JSONPath")?;
    match JsonPath::parse(&text) {
        Ok(path) => Some(path),
        Err((at, message)) => {
            let problem = Problem::new(node.place_within(at, at + 1), format!("cannot read the JSONPath: {message}"));
            reader.problem(problem.hint("paths look like `$.answer.passages[0].id`"));
            None
        }
    }
}

/// One assertion's value and what stands beside it.
struct Body<'r, 'e, 'n> {
    reader: &'r mut Reader<'e>,
    node: &'n Node,
    value: &'n Node,
    scope: &'r Scope<'r>,
}

impl Body<'_, '_, '_> {
    fn check(&mut self, kind: &str) -> Option<Check> {
        let value = self.value;
        match kind {
            "status" => self.status(),
            "grpc_status" => self.grpc_status(),
            "json" => self.json(),
            "text" | "body" => self.body_text(kind),
            "regex" => {
                let tests = vec![ValueTest::Matches(self.regex(value)?)];
                self.not_vacuous(&tests)?;
                Some(Check::Body(tests))
            }
            "header" => self.header(),
            "json_schema" => self.json_schema(),
            "latency" => Some(Check::Latency(self.upper(value, nanos)?)),
            "services" => self.services(),
            "edges" => self.edges(),
            "spans" => self.spans(),
            "fault_path" => self.fault_path(),
            "retries" => self.retries(),
            "order" => Some(Check::Order(self.selectors(2)?)),
            "parallel" => Some(Check::Parallel(self.selectors(2)?)),
            "relation" => self.relation(),
            "data_flow" => self.data_flow(),
            "critical_path" => self.critical_path(),
            "cache" => self.cache(),
            "tokens" => self.tokens(),
            "cost" => self.quantity(Quantity::Cost, value, units::number),
            "time_to_first_token" => self.quantity(Quantity::TimeToFirstToken, value, nanos),
            "logs" => self.logs(),
            "retrieval" => self.retrieval(),
            "handover" => Some(Check::Handover(self.lower(value, units::share)?)),
            "grounding" => self.grounding(),
            "refusal" => Some(Check::Refusal(self.reader.bool(value, "`refusal`")?)),
            "truncated" => Some(Check::Truncated(self.reader.bool(value, "`truncated`")?)),
            "similar" => self.similar(),
            "judged" => self.judged(),
            "tool_calls" => self.tool_calls(),
            "findings" => findings::read(self),
            "runs" => self.runs(),
            "pass_rate" => self.pass_rate(),
            "faster_than" => self.faster_than(),
            _ => None,
        }
    }

    fn map(&mut self, node: &Node, keys: &[super::keys::Key], what: &str) -> Option<()> {
        self.reader.map(node, &[keys], what).map(|_| ())
    }

    /// A map of tests must hold one: without any it would pass whatever comes.
    fn tests(&mut self, node: &Node, keys: &[super::keys::Key], what: &str) -> Option<()> {
        self.map(node, keys, what)?;
        if node.entries().is_some_and(|entries| !entries.is_empty()) {
            return Some(());
        }
        self.vacuous(node, what, &format!("say at least one of {}", listed(keys.iter().map(|key| key.name))))
    }

    fn vacuous<T>(&mut self, node: &Node, what: &str, hint: &str) -> Option<T> {
        self.reader.problem(Problem::new(node.place, format!("{what} asks for nothing")).hint(hint));
        None
    }

    /// Every answer is there and holds the empty text.
    fn not_vacuous(&mut self, tests: &[ValueTest]) -> Option<()> {
        let holds_always = |test: &ValueTest| match test {
            ValueTest::Contains(JsonTemplate::Text(text)) => text.is_empty(),
            ValueTest::Matches(regex) => regex.as_str().is_empty(),
            ValueTest::Exists(exists) => *exists,
            _ => false,
        };
        if !tests.iter().any(holds_always) {
            return Some(());
        }
        self.reader.problem(
            Problem::new(self.value.place, "this holds of every answer").hint("say what the answer must contain"),
        );
        None
    }

    fn selector(&mut self, node: &Node) -> Option<Selector> {
        selector(self.reader, node, self.scope)
    }

    fn trace_ql(&mut self, node: &Node, what: TraceQl) -> Option<Template> {
        trace_ql(self.reader, node, what, self.scope)
    }

    fn service(&mut self, node: &Node) -> Option<Text> {
        let name = self.reader.text(node, "a service")?;
        self.known_service(node, &name);
        Some(name.into())
    }

    /// Where the suite says who exists, a name that is not among them is a typing mistake.
    fn known_service(&mut self, node: &Node, name: &str) {
        let services = self.scope.services;
        if services.is_empty() || services.iter().any(|service| &**service == name) {
            return;
        }
        let names = services.iter().map(|service| &**service);
        let problem = Problem::new(node.place, format!("`services` does not name `{name}`"));
        self.reader.problem(match nearest(name, names.clone()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("there are {}; add it there if it exists", listed(names))),
        });
    }

    fn edge(&mut self, node: &Node) -> Option<super::Edge> {
        let edge = self.reader.edge(node, "an edge")?;
        self.known_service(node, &edge.caller);
        self.known_service(node, &edge.callee);
        Some(edge)
    }

    fn regex(&mut self, node: &Node) -> Option<regex::Regex> {
        let text = self.reader.text(node, "a regular expression")?;
        let regex = regex::RegexBuilder::new(&text).size_limit(1 << 20).build();
        self.reader.read(
            node,
            regex.map_err(|error| {
                let last = error.to_string();
                format!("cannot read the regular expression: {}", last.lines().last().unwrap_or_default().trim())
            }),
        )
    }

    /// A lone value is the upper bound.
    fn upper(&mut self, node: &Node, unit: impl Fn(&str) -> Result<f64, String>) -> Option<Range> {
        let range = self.reader.range(node, "a bound", unit)?;
        let says_equal = node.scalar().is_some_and(|scalar| scalar.text.contains('=') || scalar.text.contains(".."));
        Some(if range.low == range.high && !says_equal { Range { low: None, ..range } } else { range })
    }

    /// A bound whose bare number means at least.
    fn lower(&mut self, node: &Node, unit: impl Fn(&str) -> Result<f64, String>) -> Option<Range> {
        let range = self.reader.range(node, "a bound", unit)?;
        let says_equal = node.scalar().is_some_and(|scalar| scalar.text.contains('=') || scalar.text.contains(".."));
        Some(if range.low == range.high && !says_equal { Range { high: None, ..range } } else { range })
    }

    fn retrieval(&mut self) -> Option<Check> {
        self.tests(self.value, RETRIEVAL, "`retrieval`")?;
        let mut check = RetrievalCheck::default();
        let mut needs_gold = None;
        let mut asks = false;
        for entry in self.value.entries().unwrap_or_default() {
            let value = &entry.value;
            match entry.key.as_str() {
                "gold" => check.gold = Some(self.checked_json(value)?),
                "k" => check.k = self.reader.count(value, "`k`", 1, RAG_PASSAGES_MAX as u32),
                "duplicates" => check.duplicates = self.reader.range(value, "`duplicates`", units::whole),
                "count" => check.count = self.reader.range(value, "`count`", units::whole),
                "recall" => check.recall = self.lower(value, units::share),
                "precision" => check.precision = self.lower(value, units::share),
                "mrr" => check.mrr = self.lower(value, units::share),
                "ndcg" => check.ndcg = self.lower(value, units::share),
                _ => {}
            }
            if matches!(entry.key.as_str(), "recall" | "precision" | "mrr" | "ndcg") {
                needs_gold = Some(entry.key_place);
            }
            asks |= !matches!(entry.key.as_str(), "gold" | "k");
        }
        if let (Some(place), None) = (needs_gold, &check.gold) {
            let problem = Problem::new(place, "this needs `gold`, the ids of the right passages");
            self.reader.problem(problem.hint("such as `gold: [span-parent]`"));
            return None;
        }
        if !asks {
            return self.vacuous(
                self.value,
                "`retrieval`",
                "say at least one of recall, precision, mrr, ndcg, duplicates, count",
            );
        }
        Some(Check::Retrieval(check))
    }

    fn grounding(&mut self) -> Option<Check> {
        self.tests(self.value, GROUNDING, "`grounding`")?;
        let mut of = |key: &str| match self.value.get(key) {
            Some(node) => self.lower(node, units::share),
            None => None,
        };
        Some(Check::Grounding(GroundingCheck {
            numbers: of("numbers"),
            quotations: of("quotations"),
            citations: of("citations"),
        }))
    }

    /// The part of the answer that is meant.
    fn part(&mut self) -> Option<crate::JsonPath> {
        self.value.get("path").and_then(|path| json_path(self.reader, path))
    }

    fn score(&mut self, otherwise: f64) -> Option<Range> {
        match self.value.get("score") {
            Some(node) => self.lower(node, units::share),
            None => Some(Range::at_least(otherwise)),
        }
    }

    fn similar(&mut self) -> Option<Check> {
        self.map(self.value, SIMILAR, "`similar`")?;
        let to = self.value.get("to").and_then(|node| self.checked_template(node))?;
        Some(Check::Similar(SimilarCheck { to, path: self.part(), range: self.score(0.8)? }))
    }

    fn judged(&mut self) -> Option<Check> {
        self.map(self.value, JUDGED, "`judged`")?;
        let criterion = self.value.get("criterion").and_then(|node| self.checked_template(node))?;
        let times = self.value.get("times").and_then(|node| self.reader.count(node, "`times`", 1, JUDGE_TIMES_MAX));
        let (path, range) = (self.part(), self.score(0.7)?);
        Some(Check::Judged(JudgedCheck { criterion, path, range, times: times.unwrap_or(3) }))
    }

    fn tool_calls(&mut self) -> Option<Check> {
        self.tests(self.value, TOOL_CALLS, "`tool_calls`")?;
        let mut check = ToolCallsCheck::default();
        for entry in self.value.entries().unwrap_or_default() {
            let value = &entry.value;
            match entry.key.as_str() {
                "name" => check.name = self.reader.text(value, "`name`").map(Text::from),
                "count" => check.count = self.reader.range(value, "`count`", units::whole),
                "schema" => check.schema = self.schema(value),
                _ => {}
            }
        }
        Some(Check::ToolCalls(check))
    }

    fn schema(&mut self, node: &Node) -> Option<Json> {
        let schema = self.reader.json(node, "`schema`")?;
        let built = jsonschema::validator_for(&schema).map_err(|error| format!("this is not a JSON Schema: {error}"));
        self.reader.read(node, built)?;
        Some(schema)
    }

    fn grpc_status(&mut self) -> Option<Check> {
        let mut codes = Vec::new();
        for item in self.reader.items(self.value) {
            let text = self.reader.text(item, "`grpc_status`")?;
            let by_name = GRPC_CODES.iter().position(|name| *name == text.to_uppercase());
            let by_number = text.parse().ok().filter(|number| *number < GRPC_CODES.len());
            let Some(code) = by_name.or(by_number) else {
                let problem = Problem::new(item.place, format!("`{text}` is no status of gRPC"));
                let meant = nearest(&text.to_uppercase(), GRPC_CODES.iter().copied());
                let hint = meant.map_or_else(
                    || format!("there are {}", listed(GRPC_CODES.iter().copied())),
                    |meant| format!("did you mean `{meant}`?"),
                );
                self.reader.problem(problem.hint(hint));
                return None;
            };
            codes.push(code as i32);
        }
        if codes.is_empty() {
            self.reader.problem(Problem::new(self.value.place, "`grpc_status` asks for nothing"));
            return None;
        }
        Some(Check::GrpcStatus(codes))
    }

    fn status(&mut self) -> Option<Check> {
        let mut patterns = Vec::new();
        for item in self.reader.items(self.value) {
            let text = self.reader.text(item, "`status`")?;
            let pattern = match text.to_lowercase().strip_suffix("xx") {
                Some(hundred) => hundred.parse().map(StatusPattern::Hundred).ok(),
                None => text.parse().map(StatusPattern::Exactly).ok(),
            };
            let pattern = pattern.ok_or_else(|| format!("`{text}` is not a status; write `200`, `2xx`, or a list"));
            patterns.push(self.reader.read(item, pattern)?);
        }
        Some(Check::Status(patterns))
    }

    fn json(&mut self) -> Option<Check> {
        self.map(self.value, JSON_TESTS, "`json`")?;
        let path = self.value.get("path").and_then(|path| json_path(self.reader, path))?;
        let tests = self.value_tests(self.value)?;
        // A path alone says: it is there.
        Some(Check::Json { path, tests: if tests.is_empty() { vec![ValueTest::Exists(true)] } else { tests } })
    }

    fn body_text(&mut self, kind: &str) -> Option<Check> {
        let value = self.value;
        let tests = if value.entries().is_some() {
            self.tests(value, VALUE_TESTS, &format!("`{kind}`"))?;
            self.value_tests(value)?
        } else {
            let text = JsonTemplate::Text(self.checked_template(value)?);
            vec![if kind == "body" { ValueTest::Equals(text) } else { ValueTest::Contains(text) }]
        };
        self.not_vacuous(&tests)?;
        Some(Check::Body(tests))
    }

    fn header(&mut self) -> Option<Check> {
        self.map(self.value, HEADER_TESTS, "`header`")?;
        let name = self.value.get("name").and_then(|name| self.reader.text(name, "`name`"))?.to_lowercase();
        let tests = self.value_tests(self.value)?;
        Some(Check::Header { name, tests: if tests.is_empty() { vec![ValueTest::Exists(true)] } else { tests } })
    }

    fn json_schema(&mut self) -> Option<Check> {
        self.schema(self.value).map(Check::JsonSchema)
    }

    fn checked_template(&mut self, node: &Node) -> Option<Template> {
        let template = self.reader.template(node, "a text")?;
        self.check_variables(template.variables().collect());
        Some(template)
    }

    fn checked_json(&mut self, node: &Node) -> Option<JsonTemplate> {
        let template = self.reader.json_template(node, "a value")?;
        self.check_variables(template.variables());
        Some(template)
    }

    fn check_variables(&mut self, used: Vec<(&str, super::Place)>) {
        let known = self.scope.known();
        for (name, place) in used {
            if !known.contains(&name) {
                self.reader.problem(undefined(name, place, "this one", &known));
            }
        }
    }

    fn value_tests(&mut self, node: &Node) -> Option<Vec<ValueTest>> {
        let mut tests = Vec::new();
        for entry in node.entries().unwrap_or_default() {
            let value = &entry.value;
            tests.push(match entry.key.as_str() {
                "equals" => ValueTest::Equals(self.checked_json(value)?),
                "not_equals" => ValueTest::NotEquals(self.checked_json(value)?),
                "contains" => ValueTest::Contains(self.checked_json(value)?),
                "not_contains" => ValueTest::NotContains(self.checked_json(value)?),
                "matches" => ValueTest::Matches(self.regex(value)?),
                "not_matches" => ValueTest::NotMatches(self.regex(value)?),
                "exists" => ValueTest::Exists(self.reader.bool(value, "`exists`")?),
                "number" => ValueTest::Number(self.reader.range(value, "`number`", units::number)?),
                "length" => ValueTest::Length(self.reader.range(value, "`length`", units::whole)?),
                "type" => {
                    let names = ["string", "number", "boolean", "array", "object", "null"].map(|name| (name, name));
                    ValueTest::Type(self.reader.word(value, "`type`", &names)?.to_owned())
                }
                _ => continue,
            });
        }
        Some(tests)
    }

    fn services(&mut self) -> Option<Check> {
        let value = self.value;
        if let Some(entries) = value.entries() {
            self.tests(value, SERVICE_TESTS, "`services`")?;
            let mut checks = Vec::new();
            for entry in entries {
                let list = &entry.value;
                checks.push(match entry.key.as_str() {
                    "include" => ServicesCheck::Include(self.some_services(list)?),
                    "exclude" => ServicesCheck::Exclude(self.some_services(list)?),
                    "exactly" => ServicesCheck::Exactly(self.service_names(list)?),
                    _ => continue,
                });
            }
            return Some(Check::Services(checks));
        }
        if matches!(value.data, Data::List(_)) {
            return Some(Check::Services(vec![if self.flag("exactly") {
                ServicesCheck::Exactly(self.service_names(value)?)
            } else {
                ServicesCheck::Include(self.some_services(value)?)
            }]));
        }
        self.reader.word(value, "`services`", &[("all", ())])?;
        if self.scope.services.is_empty() {
            self.reader.problem(
                Problem::new(value.place, "`services: all` needs the suite to say who exists")
                    .hint("add `services: [gateway, ...]` to the suite"),
            );
        }
        Some(Check::Services(vec![if self.flag("exactly") {
            ServicesCheck::Exactly(self.scope.services.to_vec())
        } else {
            ServicesCheck::All
        }]))
    }

    fn service_names(&mut self, list: &Node) -> Option<Vec<Text>> {
        let items = self.reader.list(list, "a list of services");
        Some(items.into_iter().filter_map(|item| self.service(item)).collect())
    }

    fn some_services(&mut self, list: &Node) -> Option<Vec<Text>> {
        if matches!(&list.data, Data::List(items) if items.is_empty()) {
            return self.vacuous(list, "a list of no services", "name at least one");
        }
        self.service_names(list)
    }

    fn flag(&mut self, key: &str) -> bool {
        self.node.get(key).and_then(|node| self.reader.bool(node, &format!("`{key}`"))).unwrap_or(false)
    }

    fn edges(&mut self) -> Option<Check> {
        let items = self.reader.list(self.value, "`edges`");
        let exactly = self.flag("exactly");
        if matches!(&self.value.data, Data::List(items) if items.is_empty()) && !exactly {
            return self.vacuous(self.value, "a list of no calls", "name at least one, or say `exactly: true`");
        }
        let edges = items.into_iter().filter_map(|item| self.edge(item)).collect();
        Some(Check::Edges { edges, exactly })
    }

    fn spans(&mut self) -> Option<Check> {
        let selector = self.selector(self.value);
        let mut tests = Vec::new();
        for entry in self.node.entries().unwrap_or_default() {
            let value = &entry.value;
            tests.push(match entry.key.as_str() {
                "count" => SpansTest::Count(self.reader.range(value, "`count`", units::whole)?),
                "each" => SpansTest::Each(self.trace_ql(value, TraceQl::Field)?),
                "any" => SpansTest::Any(self.trace_ql(value, TraceQl::Field)?),
                "none" => SpansTest::None(self.trace_ql(value, TraceQl::Field)?),
                "where" => SpansTest::Where(self.trace_ql(value, TraceQl::Aggregate)?),
                _ => continue,
            });
        }
        // A selector alone says: there are some.
        if tests.is_empty() {
            tests.push(SpansTest::Count(Range { low: Some(1.0), high: None, low_open: false, high_open: false }));
        }
        Some(Check::Spans { selector: selector?, tests })
    }

    fn fault_path(&mut self) -> Option<Check> {
        let value = self.value;
        if value.entries().is_none() {
            self.reader.word(value, "`fault_path`", &[("none", ())])?;
            return Some(Check::FaultPath(FaultPathCheck::None));
        }
        self.map(value, FAULT_PATH, "`fault_path`")?;
        let origin = match value.get("origin") {
            Some(origin) => {
                let text = self.reader.text(origin, "`origin`")?;
                Some(match edge(&text) {
                    Some(_) => FaultOrigin::Edge(self.edge(origin)?),
                    None => FaultOrigin::Service(self.service(origin)?),
                })
            }
            None => None,
        };
        let kind = match value.get("kind") {
            Some(kind) => {
                let words =
                    [("timeout", ErrorKind::Timeout), ("refused", ErrorKind::Refused), ("error", ErrorKind::Error)];
                Some(self.reader.word(kind, "`kind`", &words)?)
            }
            None => None,
        };
        let reaches = value.get("reaches").and_then(|reaches| self.service(reaches));
        let handled = value.get("handled").and_then(|handled| self.reader.bool(handled, "`handled`"));
        Some(Check::FaultPath(FaultPathCheck::Some { origin, kind, reaches, handled }))
    }

    fn retries(&mut self) -> Option<Check> {
        self.map(self.value, RETRIES, "`retries`")?;
        let edge = self.value.get("edge").and_then(|edge| self.edge(edge))?;
        let attempts = self.value.get("attempts").and_then(|n| self.reader.range(n, "`attempts`", units::whole));
        let backoff = self.value.get("backoff");
        let growing = backoff.and_then(|node| self.reader.word(node, "`backoff`", &[("growing", ())])).is_some();
        Some(Check::Retries { edge, attempts, backoff_growing: growing })
    }

    fn selectors(&mut self, least: usize) -> Option<Vec<Selector>> {
        let items = self.reader.list(self.value, "this");
        if items.len() < least && matches!(self.value.data, Data::List(_)) {
            self.reader.problem(Problem::new(self.value.place, format!("needs at least {least} selectors")));
            return None;
        }
        let count = items.len();
        let selectors: Vec<Selector> = items.into_iter().filter_map(|item| self.selector(item)).collect();
        (selectors.len() == count && count > 0).then_some(selectors)
    }

    fn relation(&mut self) -> Option<Check> {
        self.map(self.value, RELATION, "`relation`")?;
        let left = self.value.get("spans").and_then(|node| self.selector(node))?;
        let mut said =
            Relation::ALL.into_iter().filter_map(|(key, relation)| self.value.get(key).map(|node| (relation, node)));
        let (first, second) = (said.next(), said.next());
        let (Some((relation, node)), None) = (first, second) else {
            let names = Relation::ALL.iter().map(|(key, _)| *key);
            let problem = Problem::new(self.value.place, "`relation` needs one relation");
            self.reader.problem(problem.hint(format!("say one of {}", listed(names))));
            return None;
        };
        Some(Check::Relation { left, relation, right: self.selector(node)? })
    }

    fn data_flow(&mut self) -> Option<Check> {
        self.map(self.value, DATA_FLOW, "`data_flow`")?;
        let from = self.value.get("from").and_then(|node| self.field_of(node))?;
        let to = self.value.get("to").and_then(|node| self.field_of(node))?;
        Some(Check::DataFlow { from, to })
    }

    fn field_of(&mut self, node: &Node) -> Option<(Selector, Template)> {
        self.map(node, FIELD_OF, "`data_flow`")?;
        let selector = node.get("spans").and_then(|node| self.selector(node))?;
        let field = node.get("field").and_then(|node| self.trace_ql(node, TraceQl::Field))?;
        Some((selector, field))
    }

    fn critical_path(&mut self) -> Option<Check> {
        self.map(self.value, CRITICAL_PATH, "`critical_path`")?;
        let service = self.value.get("service").and_then(|node| self.service(node))?;
        let share = self.value.get("share").and_then(|node| self.reader.range(node, "`share`", units::share))?;
        Some(Check::CriticalPath { service, share })
    }

    fn cache(&mut self) -> Option<Check> {
        self.map(self.value, CACHE, "`cache`")?;
        let service = self.value.get("service").and_then(|node| self.service(node));
        let words = [("hit", CacheResult::Hit), ("miss", CacheResult::Miss)];
        let result = self.value.get("result").and_then(|node| self.reader.word(node, "`result`", &words))?;
        Some(Check::Cache { service, result })
    }

    fn tokens(&mut self) -> Option<Check> {
        let value = self.value;
        if value.entries().is_none() {
            return self.quantity(Quantity::Tokens, value, units::number);
        }
        self.tests(value, TOKENS, "`tokens`")?;
        let entry = value.entries()?.first()?;
        let quantity = match entry.key.as_str() {
            "input" => Quantity::InputTokens,
            "output" => Quantity::OutputTokens,
            _ => Quantity::Tokens,
        };
        if value.entries().is_some_and(|entries| entries.len() > 1) {
            self.reader.problem(Problem::new(value.place, "`tokens` takes one bound").hint("use several assertions"));
        }
        self.quantity(quantity, &entry.value, units::number)
    }

    fn quantity(
        &mut self,
        quantity: Quantity,
        node: &Node,
        unit: impl Fn(&str) -> Result<f64, String>,
    ) -> Option<Check> {
        Some(Check::Quantity { quantity, range: self.upper(node, unit)? })
    }

    fn logs(&mut self) -> Option<Check> {
        self.tests(self.value, LOGS, "`logs`")?;
        let contains = match self.value.get("contains") {
            Some(node) => Some(self.checked_template(node)?),
            None => None,
        };
        let service = self.value.get("service").and_then(|node| self.service(node));
        let words = SEVERITIES.map(|word| (word, word));
        let severity = match self.value.get("severity") {
            Some(node) => Some(self.reader.word(node, "`severity`", &words)?),
            None => None,
        };
        let some = Range { low: Some(1.0), high: None, low_open: false, high_open: false };
        let count = match self.value.get("count") {
            Some(node) => self.reader.range(node, "`count`", units::whole)?,
            None => some,
        };
        Some(Check::Logs(LogsCheck { contains, service, severity, count }))
    }

    fn runs(&mut self) -> Option<Check> {
        let aggregate = self.trace_ql(self.value, TraceQl::Aggregate)?;
        let spans = match self.node.get("of") {
            Some(node) => Some(self.selector(node)?),
            None => None,
        };
        let sample = select::aggregate(&aggregate, self.scope.variables).ok();
        let of = sample.and_then(|(filter, _)| match (filter.left, filter.right) {
            (Scalar::Aggregate { of, .. }, Scalar::Literal(_)) => Some(of.map(|of| of.to_string())),
            _ => None,
        });
        let problem = match of {
            None => Some("`runs` compares one aggregate with one number, such as `p95(duration) < 500ms`"),
            Some(of) if spans.is_none() && of.as_deref() != Some("duration") => {
                Some("of answers there is only `duration`; name spans by `of` to measure something else")
            }
            Some(_) => None,
        };
        if let Some(problem) = problem {
            self.reader.problem(Problem::new(self.value.place, problem));
            return None;
        }
        Some(Check::Runs { aggregate, spans })
    }

    fn pass_rate(&mut self) -> Option<Check> {
        let range = self.reader.range(self.value, "`pass_rate`", units::share)?;
        let mut of = |key: &str| match self.node.get(key) {
            Some(node) => self.reader.count(node, &format!("`{key}`"), 1, REPEAT_MAX),
            None => None,
        };
        Some(Check::PassRate(PassRate { range, any_of: of("any_of"), all_of: of("all_of") }))
    }

    fn faster_than(&mut self) -> Option<Check> {
        let step = step(self.reader, self.value, self.scope)?;
        let own = self.node.get("step").and_then(Node::scalar).map_or(MAIN_STEP, |scalar| scalar.text.as_str());
        if step == own {
            let problem = Problem::new(self.value.place, format!("`{step}` is compared with itself"));
            self.reader.problem(problem.hint("name another step of `setup`"));
            return None;
        }
        let by = match self.node.get("by") {
            Some(node) => {
                let text = self.reader.text(node, "`by`")?;
                self.reader.read(node, units::factor(&text))?
            }
            None => 1.0,
        };
        Some(Check::FasterThan { step, by })
    }
}

fn nanos(text: &str) -> Result<f64, String> {
    units::duration(text).map(|duration| duration.nanos() as f64)
}
