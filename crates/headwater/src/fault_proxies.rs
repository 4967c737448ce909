//! The proxies of a run: those of its suite, those of `--via`, in this process and in others.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eval::report::ProxiedEdge;
use eval::suite::{ProxySpec, Suite};
use eval::{FaultInjector, InjectedFault, InjectionError};
use fault::{Kind, Rule, stands_on};
use futures_util::future::BoxFuture;
use model::TraceId;
use proxy::{EdgeReport, EdgeSpec, InjectedRule, Lease, Proxies, RemoteProxies};

use crate::exit::Failure;
use crate::server::clock;

/// Faults of an attempt end by themselves after so long, should the runner not end them.
const LASTING: Duration = Duration::from_secs(3_600);

/// Proxies in this process and in others, as one.
#[derive(Debug)]
pub struct FaultProxies {
    places: Vec<Place>,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Vec<Part>>>,
}

/// A set of proxies, and the edges on which they stand.
#[derive(Debug)]
struct Place {
    proxies: Where,
    edges: Vec<String>,
}

#[derive(Debug)]
enum Where {
    Here(Arc<Proxies>),
    There(Box<RemoteProxies>),
}

/// What of an attempt's faults a place has: which of them, in their order.
#[derive(Debug)]
struct Part {
    place: usize,
    lease: Lease,
    positions: Vec<usize>,
}

impl FaultProxies {
    /// Those of `here` alone.
    pub fn here(here: Arc<Proxies>) -> Self {
        let edges = here.edges().iter().map(|edge| edge.name().to_owned()).collect();
        Self::at(vec![Place { proxies: Where::Here(here), edges }])
    }

    fn at(places: Vec<Place>) -> Self {
        Self { places, next: AtomicU64::new(0), open: Mutex::default() }
    }

    /// Starts those of the suite and of `--via`, and asks those that run elsewhere; none if nobody names any. All mistakes at
    /// once.
    pub async fn of(suite: &Suite, via: &[String]) -> Result<Option<Arc<Self>>, Failure> {
        let (urls, specs): (Vec<&String>, Vec<&String>) = via.iter().partition(|text| !text.contains('='));
        let mut problems = Vec::new();
        let mut wanted = specs_of(&suite.proxies, &mut problems);
        for text in specs {
            match text.parse::<EdgeSpec>() {
                Ok(spec) => wanted.push((spec, None)),
                Err(error) => problems.push(format!("--via {error}")),
            }
        }
        if !problems.is_empty() {
            return Err(Failure::usage(problems.join("\n")));
        }
        let mut places = Vec::new();
        if !wanted.is_empty() {
            let here = Arc::new(stand(wanted, suite.run.seed.unwrap_or_default())?);
            places.extend(Self::here(here).places);
        }
        for url in urls {
            let remote = RemoteProxies::at(url);
            let edges = remote.edges().await.map_err(|error| Failure::infrastructure(error.message))?;
            let edges = edges.into_iter().map(|edge| edge.edge).collect();
            places.push(Place { proxies: Where::There(Box::new(remote)), edges });
        }
        Ok((!places.is_empty()).then(|| Arc::new(Self::at(places))))
    }

    /// The place of a rule's edge; one that is named exactly goes first.
    fn place_of(&self, edge: &str) -> Option<usize> {
        let exact = self.places.iter().position(|place| place.edges.iter().any(|there| there == edge));
        exact.or_else(|| self.places.iter().position(|place| place.edges.iter().any(|there| stands_on(there, edge))))
    }

    async fn put_in(&self, trace: TraceId, rules: Vec<Rule>) -> Result<u64, InjectionError> {
        let mut by_place: HashMap<usize, (Vec<usize>, Vec<Rule>)> = HashMap::new();
        for (position, rule) in rules.into_iter().enumerate() {
            let Some(place) = self.place_of(&rule.edge) else {
                return Err(InjectionError { message: missing(&rule.edge, &self.edges()) });
            };
            let (positions, rules) = by_place.entry(place).or_default();
            positions.push(position);
            rules.push(rule);
        }
        let mut parts = Vec::new();
        for (place, (positions, rules)) in by_place {
            let lease = match &self.places[place].proxies {
                Where::Here(proxies) => {
                    proxies.inject(&rules, Some(trace), Some(LASTING)).map_err(|error| error.to_string())
                }
                Where::There(remote) => {
                    remote.inject(&rules, Some(trace), LASTING).await.map_err(|error| error.message)
                }
            };
            match lease {
                Ok(lease) => parts.push(Part { place, lease, positions }),
                Err(message) => {
                    // What was put in elsewhere must not go on; that it could not be ended changes nothing here.
                    let _ = self.take_out(parts).await;
                    return Err(InjectionError { message });
                }
            }
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id, parts);
        Ok(id)
    }

    async fn take_out(&self, parts: Vec<Part>) -> Result<Vec<InjectedFault>, InjectionError> {
        let mut told = Vec::new();
        let mut problem = None;
        for part in parts {
            let ended = match &self.places[part.place].proxies {
                Where::Here(proxies) => {
                    proxies.end(part.lease).ok_or_else(|| "the faults expired before the run ended them".to_owned())
                }
                Where::There(remote) => remote.end(part.lease).await.map_err(|error| error.message),
            };
            match ended {
                Ok(rules) if rules.len() == part.positions.len() => told.extend(part.positions.into_iter().zip(rules)),
                Ok(_) => problem = Some("faults expired before the run ended them".to_owned()),
                Err(message) => problem = Some(message),
            }
        }
        if let Some(message) = problem {
            return Err(InjectionError { message });
        }
        told.sort_by_key(|(position, _)| *position);
        Ok(told.into_iter().map(|(_, rule)| injected(rule)).collect())
    }
}

impl FaultInjector for FaultProxies {
    fn edges(&self) -> Vec<String> {
        self.places.iter().flat_map(|place| place.edges.clone()).collect()
    }

    fn begin(&self, trace: TraceId, rules: Vec<Rule>) -> BoxFuture<'_, Result<u64, InjectionError>> {
        Box::pin(self.put_in(trace, rules))
    }

    fn end(&self, lease: u64) -> BoxFuture<'_, Result<Vec<InjectedFault>, InjectionError>> {
        let parts = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&lease).unwrap_or_default();
        Box::pin(self.take_out(parts))
    }

    fn told(&self) -> BoxFuture<'_, Vec<ProxiedEdge>> {
        Box::pin(async {
            let mut edges = Vec::new();
            for place in &self.places {
                edges.extend(match &place.proxies {
                    Where::Here(proxies) => proxies.told(),
                    Where::There(remote) => remote.edges().await.unwrap_or_default(),
                });
            }
            edges.into_iter().map(proxied).collect()
        })
    }
}

fn injected(rule: InjectedRule) -> InjectedFault {
    InjectedFault {
        edge: rule.edge,
        rule: rule.rule,
        seen: rule.seen,
        hits: rule.hits,
        requests: rule.requests,
        without_context: rule.without_context,
    }
}

/// What a report says of an edge.
pub fn proxied(edge: EdgeReport) -> ProxiedEdge {
    let counters = edge.counters;
    let faults = Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), counters.faults.of(kind)));
    ProxiedEdge {
        edge: edge.edge,
        requests: counters.requests,
        without_context: counters.without_context,
        hit: counters.hit,
        faults: faults.filter(|(_, count)| *count > 0).collect(),
        unreachable: counters.unreachable,
        broken: counters.broken,
    }
}

/// The proxies that a suite names, each with the variable by which its caller is told; what cannot be read is told.
pub fn specs_of(proxies: &[ProxySpec], problems: &mut Vec<String>) -> Vec<(EdgeSpec, Option<String>)> {
    let read = |spec: &ProxySpec| {
        let listen = EdgeSpec::listen_address(&spec.listen)?;
        let callee = spec.upstream.parse()?;
        Ok::<_, proxy::SpecError>(EdgeSpec { edge: spec.edge.clone(), listen, callee: Some(callee) })
    };
    let mut specs = Vec::new();
    for spec in proxies {
        match read(spec) {
            Ok(read) => specs.push((read, spec.variable.clone())),
            Err(error) => problems.push(format!("the proxy on `{}`: {error}", spec.edge)),
        }
    }
    specs
}

/// Starts proxies and says how to start their callers.
pub fn stand(specs: Vec<(EdgeSpec, Option<String>)>, seed: u64) -> Result<Proxies, Failure> {
    let proxies = Proxies::new(clock(), seed).map_err(|error| Failure::infrastructure(error.to_string()))?;
    let mut problems = Vec::new();
    for (spec, variable) in specs {
        match proxies.stand(spec) {
            Ok(edge) => println!("{}", standing(&edge, variable.as_deref())),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() { Ok(proxies) } else { Err(Failure::infrastructure(problems.join("\n"))) }
}

/// `proxy  rag -> llm  127.0.0.1:9104 -> http://127.0.0.1:8004; start rag with LLM_URL=http://127.0.0.1:9104`.
fn standing(edge: &proxy::Edge, variable: Option<&str>) -> String {
    let callee = edge.told().callee.unwrap_or_default();
    let caller =
        edge.name().split(" -> ").next().filter(|caller| *caller != fault::ANY_CALLER).unwrap_or("its callers");
    let start = match variable {
        Some(variable) => format!("start {caller} with {variable}=http://{}", edge.address()),
        None => format!("{caller} must call http://{}", edge.address()),
    };
    format!("proxy  {}  {} -> {callee}; {start}", edge.name(), edge.address())
}

fn missing(edge: &str, there: &[String]) -> String {
    let there =
        if there.is_empty() { "there are none at all".to_owned() } else { format!("there are {}", there.join(", ")) };
    format!("no proxy stands on `{edge}`; {there}")
}

/// Whether every fault of the scenarios that run has a proxy; all that have none at once.
pub fn check(suite: &Suite, names: &[&str], proxies: Option<&FaultProxies>) -> Result<(), Failure> {
    let edges = proxies.map(FaultProxies::edges).unwrap_or_default();
    let mut problems = BTreeSet::new();
    for scenario in suite.scenarios.iter().filter(|scenario| names.contains(&scenario.name.as_str())) {
        for injection in &scenario.injections {
            let edge = &injection.rule.edge;
            if !edges.iter().any(|there| stands_on(there, edge)) {
                let place = injection.place.line;
                problems.insert((place, format!("{}:{place}: {}", suite.file, missing(edge, &edges))));
            }
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let problems: Vec<String> = problems.into_iter().map(|(_, problem)| problem).collect();
    let help = "help: name it under `proxies` in the suite, or start one: `--via 'rag -> llm=127.0.0.1:9104=http://127.0.0.1:8004'`, or `headwater proxy` and `--via http://127.0.0.1:4320`";
    Err(Failure::usage(format!("{}\n{help}", problems.join("\n"))))
}

#[cfg(test)]
mod tests {
    use proxy::Control;

    use super::*;

    fn standing(edges: &[&str]) -> Arc<Proxies> {
        let proxies = Proxies::new(clock(), 1).expect("certificates");
        for edge in edges {
            let spec = format!("{edge}=127.0.0.1:0=http://127.0.0.1:1").parse().expect("a spec");
            proxies.stand(spec).expect("a free port");
        }
        Arc::new(proxies)
    }

    #[tokio::test]
    async fn faults_here_and_elsewhere_begin_and_end_as_one() {
        let (here, there) = (standing(&["a -> b", "* -> d"]), standing(&["c -> d"]));
        let control = Control::serve(Arc::clone(&there), std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
        let control = control.expect("a free port");
        let suite =
            "suite: s\ntarget: { http: { url: 'http://h/x' } }\nscenarios: [{ name: a, assert: [{ status: 200 }] }]";
        let suite = crate::commands::eval::suite_of("s.yaml", suite, &|_| None).expect("a suite");
        let via = [format!("http://{}", control.address())];
        let elsewhere = FaultProxies::of(&suite, &via).await.expect("it answers").expect("one place");
        let elsewhere = Arc::into_inner(elsewhere).expect("ours alone");
        let both = FaultProxies::at(FaultProxies::here(here).places.into_iter().chain(elsewhere.places).collect());
        let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a rule")).collect::<Vec<Rule>>();
        let trace = TraceId([7; 16]);
        // Named exactly goes before any caller, wherever it stands; any caller takes the rest.
        let texts = ["c -> d: status=500", "a -> b: drop=answer", "e -> d: truncate=3", "c -> d: delay=1s"];
        let lease = both.begin(trace, rules(&texts)).await.expect("put in");
        let ended = both.end(lease).await.expect("ended");
        let told: Vec<(&str, &str)> = ended.iter().map(|fault| (fault.edge.as_str(), fault.rule.as_str())).collect();
        let places = ["c -> d", "a -> b", "* -> d", "c -> d"];
        assert_eq!(told, places.into_iter().zip(texts).collect::<Vec<_>>());
        let error =
            both.begin(trace, rules(&["a -> b: status=500", "a -> z: status=500"])).await.expect_err("no proxy");
        assert!(error.message.contains("no proxy stands on `a -> z`; there are a -> b, * -> d, c -> d"), "{error}");
        assert!(both.told().await.iter().all(|edge| edge.requests == 0));
        drop(control);
        let gone = both.begin(trace, rules(&["a -> b: status=500", "c -> d: status=500"])).await;
        assert!(gone.expect_err("it is gone").message.contains("does `headwater proxy` run?"));
    }
}
