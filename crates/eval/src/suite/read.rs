//! The suite file, read from the outside inwards.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::net::SocketAddr;

use model::Text;
use sha2::{Digest, Sha256};

use super::fields::{NOWHERE, Reader};
use super::keys::{
    BASELINE, COMPLETE, FAULT, FIELD_OF, FORWARDING, HOOK, MODEL, MODELS, RECEIVE, RUN, SCENARIO, STEP, SUITE,
    TOLERANCE,
};
use super::nearest::{listed, nearest};
use super::problem::{Place, Problem, SuiteError};
use super::units;
use super::yaml::{self, Data, Node};
use super::{
    Complete, Fault, Forwarding, Model, Models, Output, Receive, RunSettings, Scenario, SpanOutput, Step, Suite,
    Target, Variables,
};
use crate::baseline::Tolerance;
use crate::limits::{CONCURRENCY_MAX, MODEL_TIMEOUT, REPEAT_MAX, SCENARIOS_MAX, STEPS_MAX, SUITE_BYTES_MAX};
use crate::secrets::{Secrets, is_too_short};

/// What a suite is read from.
#[derive(Clone, Copy)]
pub struct SuiteInput<'a> {
    /// The file as it was named, for messages.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Looks a variable of the environment up. This crate reads none itself.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file that the suite names, a path counting from the suite's folder; or says why it cannot.
    pub files: &'a dyn Fn(&str) -> Result<String, String>,
}

impl std::fmt::Debug for SuiteInput<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SuiteInput").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Suite {
    /// Reads and checks a suite.
    ///
    /// # Errors
    /// With every mistake in it, each with its place and what to do.
    pub fn read(input: SuiteInput<'_>) -> Result<Self, SuiteError> {
        let named = RefCell::new(Vec::new());
        let files = |name: &str| {
            named.borrow_mut().push(name.to_owned());
            (input.files)(name)
        };
        let mut reader = Reader {
            problems: Vec::new(),
            environment: input.environment,
            files: &files,
            is_sent: false,
            secrets: Vec::new(),
        };
        let suite = read(&mut reader, input);
        let suite = suite.map(|suite| Self { named_files: named.take(), ..suite });
        match suite {
            Some(suite) if reader.problems.is_empty() => Ok(suite),
            _ => {
                if reader.problems.is_empty() {
                    reader.problem(Problem::new(NOWHERE, "the file is empty").hint("`headwater init` writes one"));
                }
                Err(SuiteError::new(input.file, input.text, reader.problems))
            }
        }
    }
}

fn read(reader: &mut Reader<'_>, input: SuiteInput<'_>) -> Option<Suite> {
    if input.text.len() > SUITE_BYTES_MAX {
        let message = format!("the file has {} bytes; at most {SUITE_BYTES_MAX} are read", input.text.len());
        reader.problem(Problem::new(NOWHERE, message));
        return None;
    }
    let root = yaml::parse(input.text, &mut reader.problems)?;
    if root.is_null() {
        return None;
    }
    reader.map(&root, &[SUITE], "the suite")?;
    let run = root.get("run").map_or_else(RunSettings::default, |node| run(reader, node));
    let complete =
        root.get("complete").map_or_else(Complete::default, |node| complete(reader, node, Complete::default()));
    let targets = targets(reader, &root);
    let (baseline, tolerance) = root
        .get("baseline")
        .map_or((None, Tolerance::default()), |node| baseline(reader, node, BASELINE, Tolerance::default()));
    let models = root.get("models").map_or_else(Models::default, |node| models(reader, node));
    let against = root.get("run").and_then(|node| node.get("against")).and_then(|node| reader.text(node, "`against`"));
    let variables =
        root.get("vars").map_or_else(Variables::new, |node| reader.sent(|reader| reader.variables(node, "`vars`")));
    let services = root.get("services").map_or_else(Vec::new, |node| services(reader, node));
    // A target that is there but wrong was told once; not again for every scenario.
    let target_said = root.get("target").or_else(|| root.get("targets")).is_some();
    let setup = hooks(reader, root.get("setup"), "suite setup", &variables, &[]);
    let captured: Vec<String> = setup.iter().flat_map(Step::sets).map(str::to_owned).collect();
    let teardown = hooks(reader, root.get("teardown"), "suite teardown", &variables, &captured);
    let shared = Shared {
        target_said,
        targets: &targets,
        variables: &variables,
        services: &services,
        captured: &captured,
        complete,
        run,
        tolerance,
    };
    let mut scenarios = scenarios(reader, &root, &shared);
    let receive = receive(reader, &root)?;
    let forwarding = root.get("forwarding").map_or_else(Vec::new, |node| forwarding(reader, node));
    let short = reader.secrets.iter().filter(|(_, value)| is_too_short(value)).map(|(name, _)| name.clone());
    let too_short: BTreeSet<String> = short.collect();
    let secrets = Secrets::new(std::mem::take(&mut reader.secrets));
    scenarios.iter_mut().for_each(|scenario| secrets.hide_in(&mut scenario.name));
    Some(Suite {
        name: root.get("suite").and_then(|node| reader.text(node, "`suite`"))?,
        file: input.file.to_owned(),
        named_files: Vec::new(),
        configuration_hash: hex(&Sha256::digest(input.text.as_bytes())),
        secrets,
        too_short,
        receive,
        forwarding,
        services,
        variables,
        complete,
        models,
        baseline,
        against,
        run,
        setup,
        teardown,
        scenarios,
        proxies: root.get("proxies").map_or_else(Vec::new, |node| super::read_proxy::proxies(reader, node)),
        targets,
    })
}

/// Each scenario's name, and the line, from 0, on which its first assertion stands.
///
/// # Errors
/// When the file is no YAML.
pub(crate) fn scenario_places(text: &str) -> Result<Vec<(String, usize)>, String> {
    let mut problems = Vec::new();
    let root = yaml::parse(text, &mut problems);
    let (Some(root), true) = (root, problems.is_empty()) else {
        return Err(problems.first().map_or_else(|| "it is empty".to_owned(), |problem| problem.message.clone()));
    };
    let Some(Data::List(scenarios)) = root.get("scenarios").map(|node| &node.data) else { return Ok(Vec::new()) };
    let place = |node: &Node| {
        let Data::List(items) = &node.get("assert")?.data else { return None };
        let line = items.first()?.place.line;
        Some((node.get("name")?.scalar()?.text.clone(), (line as usize).saturating_sub(1)))
    };
    Ok(scenarios.iter().filter_map(place).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What scenarios take from the suite.
pub(super) struct Shared<'a> {
    pub targets: &'a [(String, Target)],
    target_said: bool,
    variables: &'a Variables,
    pub services: &'a [Text],
    /// Variables that the suite's set-up sets.
    captured: &'a [String],
    complete: Complete,
    run: RunSettings,
    tolerance: Tolerance,
}

fn run(reader: &mut Reader<'_>, node: &Node) -> RunSettings {
    let mut run = RunSettings::default();
    for entry in reader.map(node, &[RUN], "`run`").unwrap_or_default() {
        let value = &entry.value;
        match entry.key.as_str() {
            "repeat" => run.repeat = reader.count(value, "`repeat`", 1, REPEAT_MAX).unwrap_or(1),
            "warmup" => run.warmup = reader.count(value, "`warmup`", 0, REPEAT_MAX).unwrap_or(0),
            "concurrency" => {
                run.concurrency = reader.count(value, "`concurrency`", 1, CONCURRENCY_MAX).unwrap_or(1);
            }
            "seed" => run.seed = reader.count(value, "`seed`", 0, u32::MAX).map(u64::from),
            _ => {}
        }
    }
    run
}

fn models(reader: &mut Reader<'_>, node: &Node) -> Models {
    reader.map(node, &[MODELS], "`models`");
    let mut of = |key: &str| node.get(key).and_then(|node| model(reader, node));
    Models { judge: of("judge"), embeddings: of("embeddings") }
}

fn model(reader: &mut Reader<'_>, node: &Node) -> Option<Model> {
    reader.map(node, &[MODEL], "a model")?;
    let mut text = |key: &str| node.get(key).and_then(|node| reader.text(node, &format!("`{key}`")));
    let (url, model) = (text("url"), text("model"));
    let key = node.get("key").and_then(|key| reader.sent(|reader| reader.text(key, "`key`")));
    let timeout = node.get("timeout").and_then(|node| reader.duration(node, "`timeout`"));
    let key = key.filter(|key| !key.is_empty());
    Some(Model { url: url?, model: model?, key, timeout: timeout.unwrap_or(MODEL_TIMEOUT) })
}

/// The file that is named, and how much may change.
fn baseline(
    reader: &mut Reader<'_>,
    node: &Node,
    keys: &'static [super::keys::Key],
    mut tolerance: Tolerance,
) -> (Option<String>, Tolerance) {
    let mut file = None;
    for entry in reader.map(node, &[keys], "`baseline`").unwrap_or_default() {
        let value = &entry.value;
        let Some(text) = reader.text(value, "this") else { continue };
        match entry.key.as_str() {
            "file" => file = Some(text),
            "tolerance" => tolerance.tolerated = reader.read(value, units::share(&text)).unwrap_or(tolerance.tolerated),
            "limit" => tolerance.limit = reader.read(value, units::factor(&text)).unwrap_or(tolerance.limit),
            _ => {}
        }
    }
    (file, tolerance)
}

fn complete(reader: &mut Reader<'_>, node: &Node, mut complete: Complete) -> Complete {
    for entry in reader.map(node, &[COMPLETE], "`complete`").unwrap_or_default() {
        match entry.key.as_str() {
            "deadline" => {
                complete.deadline = reader.duration(&entry.value, "`deadline`").unwrap_or(complete.deadline);
            }
            "quiet" => complete.quiet = reader.duration(&entry.value, "`quiet`"),
            _ => {}
        }
    }
    complete
}

fn receive(reader: &mut Reader<'_>, root: &Node) -> Option<Receive> {
    if let Some(node) = root.get("server") {
        if root.get("receive").is_some() {
            reader.problem(
                Problem::new(node.place, "`server` and `receive` exclude one another")
                    .label("spans come in at one place")
                    .hint("keep `server` to use a running server, `receive` for a receiver of the run's own"),
            );
        }
        return reader.text(node, "`server`").map(|url| Receive::Server { url });
    }
    let node = root.get("receive");
    if let Some(node) = node {
        reader.map(node, &[RECEIVE], "`receive`");
    }
    let mut address = |key: &str| -> Option<SocketAddr> {
        let node = node?.get(key)?;
        let text = reader.text(node, &format!("`{key}`"))?;
        let address = text
            .replace("localhost", "127.0.0.1")
            .parse()
            .map_err(|_| format!("`{text}` is not an address; write host and port, such as `127.0.0.1:4317`"));
        reader.read(node, address)
    };
    Some(Receive::Embedded { grpc: address("grpc"), http: address("http") })
}

fn services(reader: &mut Reader<'_>, node: &Node) -> Vec<Text> {
    reader
        .list(node, "`services`")
        .into_iter()
        .filter_map(|item| reader.text(item, "a service").map(Text::from))
        .collect()
}

fn targets(reader: &mut Reader<'_>, root: &Node) -> Vec<(String, Target)> {
    let mut targets = Vec::new();
    if let Some(node) = root.get("target")
        && let Some(target) = super::read_target::target(reader, node)
    {
        targets.push(("default".to_owned(), target));
    }
    if let Some(node) = root.get("targets") {
        match node.entries() {
            None => reader.expected(node, "`targets`", "a map of names and targets"),
            Some(entries) => {
                for entry in entries {
                    if let Some(target) = super::read_target::target(reader, &entry.value) {
                        targets.push((entry.key.clone(), target));
                    }
                }
            }
        }
    }
    targets
}

fn forwarding(reader: &mut Reader<'_>, node: &Node) -> Vec<Forwarding> {
    let mut destinations = Vec::new();
    for item in reader.items(node) {
        let Some(entries) = reader.map(item, &[FORWARDING], "`forwarding`") else { continue };
        let mut forwarding = Forwarding {
            name: format!("forward-{}", destinations.len() + 1),
            enabled: true,
            endpoint: String::new(),
            protocol: None,
            headers: Vec::new(),
            filter: None,
            certificate: None,
            client_certificate: None,
            client_key: None,
        };
        for entry in entries {
            let value = &entry.value;
            match entry.key.as_str() {
                "name" => forwarding.name = reader.text(value, "`name`").unwrap_or_default(),
                "enabled" => forwarding.enabled = reader.bool(value, "`enabled`").unwrap_or(true),
                "endpoint" => forwarding.endpoint = reader.text(value, "`endpoint`").unwrap_or_default(),
                "protocol" => {
                    let words = ["grpc", "http/protobuf", "http/json"].map(|word| (word, word));
                    forwarding.protocol = reader.word(value, "`protocol`", &words).map(str::to_owned);
                }
                "headers" => {
                    for header in value.entries().unwrap_or_default() {
                        if let Some(text) = reader.sent(|reader| reader.text(&header.value, "a header")) {
                            forwarding.headers.push((header.key.clone(), text));
                        }
                    }
                }
                "filter" => {
                    let none = Variables::new();
                    let scope =
                        super::read_assertion::Scope { variables: &none, steps: &[], services: &[], captured: &[] };
                    if let Some(selector) = super::read_assertion::selector(reader, value, &scope) {
                        let text = selector.template.render(&none);
                        let text = text.map_err(|undefined| format!("here nothing sets `{}`", undefined.name));
                        forwarding.filter = reader.read(value, text);
                    }
                }
                "certificate" => forwarding.certificate = reader.text(value, "`certificate`"),
                "client_certificate" => forwarding.client_certificate = reader.text(value, "`client_certificate`"),
                "client_key" => forwarding.client_key = reader.text(value, "`client_key`"),
                _ => {}
            }
        }
        destinations.push(forwarding);
    }
    destinations
}

fn scenarios(reader: &mut Reader<'_>, root: &Node, shared: &Shared<'_>) -> Vec<Scenario> {
    let Some(node) = root.get("scenarios") else { return Vec::new() };
    let items = reader.list(node, "`scenarios`");
    if items.len() > SCENARIOS_MAX {
        reader.problem(Problem::new(node.place, format!("more than {SCENARIOS_MAX} scenarios")));
        return Vec::new();
    }
    if items.is_empty() && matches!(node.data, Data::List(_)) {
        reader.problem(Problem::new(node.place, "a suite needs at least one scenario"));
    }
    let mut names = HashSet::new();
    let mut scenarios = Vec::new();
    for item in items {
        for scenario in scenario(reader, item, shared) {
            if !names.insert(scenario.name.clone()) {
                let place = item.get("name").map_or(item.place, |name| name.place);
                let message = format!("a second scenario is named `{}`", scenario.name);
                reader.problem(Problem::new(place, message).label("names tell scenarios apart"));
            }
            scenarios.push(scenario);
        }
        if scenarios.len() > SCENARIOS_MAX {
            let message = format!("more than {SCENARIOS_MAX} scenarios, every case of a table counted");
            reader.problem(Problem::new(item.place, message));
            return Vec::new();
        }
    }
    scenarios
}

/// A scenario; where it has a table of data, one for each case.
fn scenario(reader: &mut Reader<'_>, node: &Node, shared: &Shared<'_>) -> Vec<Scenario> {
    let mut variables = shared.variables.clone();
    if let Some(vars) = node.get("vars") {
        variables.extend(reader.sent(|reader| reader.variables(vars, "`vars`")));
    }
    let Some(data) = node.get("data") else {
        return one_scenario(reader, node, shared, variables).into_iter().collect();
    };
    let Some(cases) = super::read_data::cases(reader, data, &variables) else { return Vec::new() };
    // Read and checked once, with the first row's values; the cases differ in their variables alone.
    let first = cases.first().map(|case| case.variables.clone()).unwrap_or_default();
    let Some(scenario) = one_scenario(reader, node, shared, first) else { return Vec::new() };
    let case = |case: super::read_data::Case| Scenario {
        name: format!("{} [{}]", scenario.name, case.name),
        variables: case.variables,
        ..scenario.clone()
    };
    cases.into_iter().map(case).collect()
}

fn one_scenario(reader: &mut Reader<'_>, node: &Node, shared: &Shared<'_>, variables: Variables) -> Option<Scenario> {
    reader.map(node, &[SCENARIO], "a scenario")?;
    let name = node.get("name").and_then(|name| reader.text(name, "`name`"));
    let target = scenario_target(reader, node, shared);
    let steps = target.as_ref().map(|target| steps(reader, node, target, shared, &variables)).unwrap_or_default();
    let set: Vec<String> = steps
        .iter()
        .flat_map(Step::sets)
        .chain(shared.captured.iter().map(String::as_str))
        .map(str::to_owned)
        .collect();
    let teardown = hooks(reader, node.get("teardown"), "teardown", &variables, &set);
    let complete = node.get("complete").map_or(shared.complete, |node| complete(reader, node, shared.complete));
    let repeat =
        node.get("repeat").and_then(|node| reader.count(node, "`repeat`", 1, REPEAT_MAX)).unwrap_or(shared.run.repeat);
    let faults = node.get("fault").map_or_else(Vec::new, |node| faults(reader, node));
    let injections = node.get("faults").map_or_else(Vec::new, |node| super::read_proxy::injections(reader, node));
    if target.as_ref().is_some_and(Target::is_stored) {
        for key in ["setup", "fault", "faults", "teardown"] {
            if let Some(there) = node.get(key) {
                let message = format!("a stored trace is judged, nothing is sent: `{key}` can do nothing");
                reader.problem(Problem::new(there.place, message));
            }
        }
    }
    let scope = super::read_assertion::Scope {
        variables: &variables,
        steps: &steps,
        services: shared.services,
        captured: shared.captured,
    };
    let assertions =
        node.get("assert").map_or_else(Vec::new, |node| super::read_assertion::assertions(reader, node, &scope));
    let tolerance =
        node.get("baseline").map_or(shared.tolerance, |node| baseline(reader, node, TOLERANCE, shared.tolerance).1);
    let scenario = Scenario {
        name: name?,
        place: node.place,
        steps,
        teardown,
        faults,
        injections,
        complete,
        repeat,
        tolerance,
        assertions,
        variables,
    };
    check_variables(reader, &scenario, shared.captured);
    Some(scenario)
}

fn scenario_target(reader: &mut Reader<'_>, node: &Node, shared: &Shared<'_>) -> Option<Target> {
    let Some(chosen) = node.get("target") else {
        if shared.targets.is_empty() && !shared.target_said {
            reader.problem(
                Problem::new(node.place, "nothing says what this scenario drives")
                    .hint("give the suite a `target`, such as `target: { http: { url: ... } }`"),
            );
        }
        return shared.targets.first().map(|(_, target)| target.clone());
    };
    named_or_own_target(reader, chosen, shared)
}

fn named_or_own_target(reader: &mut Reader<'_>, node: &Node, shared: &Shared<'_>) -> Option<Target> {
    if node.entries().is_some() {
        return super::read_target::target(reader, node);
    }
    let name = reader.text(node, "`target`")?;
    let found = shared.targets.iter().find(|(target, _)| *target == name).map(|(_, target)| target.clone());
    if found.is_none() {
        let names = shared.targets.iter().map(|(name, _)| name.as_str());
        let problem = Problem::new(node.place, format!("there is no target `{name}`"));
        reader.problem(match nearest(&name, names.clone()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("there are {}", listed(names))),
        });
    }
    found
}

fn steps(reader: &mut Reader<'_>, node: &Node, main: &Target, shared: &Shared<'_>, variables: &Variables) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let items = node.get("setup").map_or_else(Vec::new, |setup| reader.list(setup, "`setup`"));
    if items.len() > STEPS_MAX {
        reader.problem(Problem::new(node.place, format!("more than {STEPS_MAX} steps")));
        return steps;
    }
    for (position, item) in items.into_iter().enumerate() {
        if reader.map(item, &[STEP], "a step").is_none() {
            continue;
        }
        let is_hook = item.get("http").or_else(|| item.get("exec")).is_some();
        if is_hook && item.get("send").is_some() {
            let problem = Problem::new(item.place, "a step sends, or is a hook, not both");
            reader.problem(problem.hint("keep `send`, or `http` or `exec`"));
        }
        let target = match item.get("send") {
            _ if is_hook => hook_target(reader, item),
            None => Some(main.clone()),
            Some(send) if send.scalar().is_some_and(|scalar| scalar.text == "same") => Some(main.clone()),
            Some(send) => named_or_own_target(reader, send, shared),
        };
        let Some(target) = target else { continue };
        let scope = super::read_assertion::Scope {
            variables,
            steps: &steps,
            services: shared.services,
            captured: shared.captured,
        };
        let step = step(reader, item, (&format!("setup[{position}]"), target, is_hook), &scope);
        steps.push(step);
    }
    let mut main = Step::main(main.clone());
    if let Some(node) = node.get("outputs") {
        let scope = super::read_assertion::Scope {
            variables,
            steps: &steps,
            services: shared.services,
            captured: shared.captured,
        };
        main.outputs = outputs(reader, node, &scope, true);
    }
    steps.push(main);
    steps
}

fn step(
    reader: &mut Reader<'_>,
    node: &Node,
    (named, target, is_hook): (&str, Target, bool),
    scope: &super::read_assertion::Scope<'_>,
) -> Step {
    let name = node.get("name").and_then(|name| reader.text(name, "`name`"));
    let variables =
        node.get("vars").map_or_else(Variables::new, |vars| reader.sent(|reader| reader.variables(vars, "`vars`")));
    let outputs = node.get("outputs").map_or_else(Vec::new, |outputs| self::outputs(reader, outputs, scope, !is_hook));
    let capture = node.get("capture").and_then(|capture| reader.text(capture, "`capture`"));
    Step { name: name.unwrap_or_else(|| named.to_owned()), target, variables, outputs, capture, is_hook }
}

/// The one target of a hook.
fn hook_target(reader: &mut Reader<'_>, node: &Node) -> Option<Target> {
    match (node.get("http"), node.get("exec")) {
        (Some(http), None) => super::read_target::http(reader, http).map(Target::Http),
        (None, Some(exec)) => super::read_target::exec(reader, exec).map(Target::Exec),
        (Some(_), Some(second)) => {
            reader.problem(Problem::new(second.place, "a hook is one of `http` and `exec`, not both"));
            None
        }
        (None, None) => {
            reader.problem(Problem::new(node.place, "a hook needs `http` or `exec`").label("does nothing"));
            None
        }
    }
}

/// What is done before or after, with what of it is not set told.
fn hooks(reader: &mut Reader<'_>, node: Option<&Node>, what: &str, variables: &Variables, set: &[String]) -> Vec<Step> {
    let Some(node) = node else { return Vec::new() };
    let items = reader.list(node, &format!("`{what}`"));
    if items.len() > STEPS_MAX {
        reader.problem(Problem::new(node.place, format!("more than {STEPS_MAX} hooks")));
        return Vec::new();
    }
    let mut hooks: Vec<Step> = Vec::new();
    let own = if what == "teardown" { OWN_VARIABLES } else { SUITE_VARIABLES };
    for (position, item) in items.into_iter().enumerate() {
        if reader.map(item, &[HOOK], "a hook").is_none() {
            continue;
        }
        let Some(target) = hook_target(reader, item) else { continue };
        let scope = super::read_assertion::Scope { variables, steps: &hooks, services: &[], captured: set };
        let hook = step(reader, item, (&format!("{what}[{position}]"), target, true), &scope);
        let known: Vec<&str> = variables
            .keys()
            .chain(hook.variables.keys())
            .chain(set)
            .map(String::as_str)
            .chain(hooks.iter().flat_map(Step::sets))
            .chain(own.iter().copied())
            .collect();
        for (name, place) in super::read_target::variables(&hook.target) {
            if !known.contains(&name) {
                reader.problem(undefined(name, place, what, &known));
            }
        }
        hooks.push(hook);
    }
    hooks
}

fn outputs(
    reader: &mut Reader<'_>,
    node: &Node,
    scope: &super::read_assertion::Scope<'_>,
    has_trace: bool,
) -> Vec<(String, Output)> {
    let Some(entries) = node.entries() else {
        reader.expected(node, "`outputs`", "a map of names and JSONPaths");
        return Vec::new();
    };
    let mut outputs = Vec::new();
    for entry in entries {
        let value = &entry.value;
        if value.entries().is_none() {
            let path = super::read_assertion::json_path(reader, value);
            outputs.extend(path.map(|path| (entry.key.clone(), Output::Answer(path))));
            continue;
        }
        if !has_trace {
            let problem = Problem::new(value.place, "no spans are waited for after a hook");
            reader.problem(problem.hint("write a JSONPath into its answer, or make it a step with `send`"));
            continue;
        }
        if reader.map(value, &[FIELD_OF], "an output").is_none() {
            continue;
        }
        let spans = value.get("spans").and_then(|spans| super::read_assertion::selector(reader, spans, scope));
        let field = value.get("field").and_then(|field| super::read_assertion::field(reader, field, scope));
        if let (Some(spans), Some(field)) = (spans, field) {
            outputs.push((entry.key.clone(), Output::Span(SpanOutput { spans, field })));
        }
    }
    outputs
}

fn faults(reader: &mut Reader<'_>, node: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    for item in reader.items(node) {
        if reader.map(item, &[FAULT], "`fault`").is_none() {
            continue;
        }
        let edge = item.get("edge").and_then(|edge| reader.edge(edge, "`edge`"));
        let status = item.get("status").and_then(|status| reader.count(status, "`status`", 100, 599));
        let delay = item.get("delay").and_then(|delay| reader.duration(delay, "`delay`"));
        let times = item.get("times").and_then(|times| reader.count(times, "`times`", 1, u32::MAX));
        if status.is_none() && delay.is_none() && item.get("status").is_none() && item.get("delay").is_none() {
            let problem = Problem::new(item.place, "this fault does nothing");
            reader.problem(problem.hint("say a `status` to answer with, a `delay`, or both"));
        }
        if let Some(edge) = edge {
            faults.push(Fault { edge, status: status.map(|status| status as u16), delay, times });
        }
    }
    faults
}

/// Variables that the runner itself sets.
pub(crate) const OWN_VARIABLES: &[&str] = &["attempt.id", "attempt.number", "scenario.name", "suite.name"];

/// Those of them that hooks of the suite know.
const SUITE_VARIABLES: &[&str] = &["suite.name"];

/// Tells every `{{variable}}` that nothing sets, in what the steps send. (Those of assertions were told when read.)
fn check_variables(reader: &mut Reader<'_>, scenario: &Scenario, captured: &[String]) {
    let mut outputs: Vec<&str> = captured.iter().map(String::as_str).collect();
    for step in &scenario.steps {
        let known: Vec<&str> = scenario
            .variables
            .keys()
            .chain(step.variables.keys())
            .map(String::as_str)
            .chain(outputs.iter().copied())
            .chain(OWN_VARIABLES.iter().copied())
            .collect();
        for (name, place) in super::read_target::variables(&step.target) {
            if !known.contains(&name) {
                reader.problem(undefined(name, place, &scenario.name, &known));
            }
        }
        outputs.extend(step.sets());
    }
}

pub(super) fn undefined(name: &str, place: Place, scenario: &str, known: &[&str]) -> Problem {
    let problem = Problem::new(place, format!("nothing sets the variable `{name}` in scenario `{scenario}`"))
        .label("undefined variable");
    match nearest(name, known.iter().copied()) {
        Some(meant) => problem.hint(format!("did you mean `{{{{{meant}}}}}`?")),
        None => problem.hint(format!("add it to the scenario's `vars`; there are {}", listed(known.iter().copied()))),
    }
}
