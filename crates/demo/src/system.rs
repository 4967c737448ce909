//! Starts the eight services as processes of their own, hands their addresses on, ends them.
//!
//! Every service binds a free port itself and says its address in one line of JSON on standard output, so no port can be
//! taken in between. Its standard input is a pipe that we hold: when we die, however we die, it reads the end and stops.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::limits::{LAST_WORDS_TIMEOUT, LOG_LINE_BYTES_MAX, LOG_LINES_MAX, START_TIMEOUT, STOP_TIMEOUT};
use crate::polyglot::Programs;
use crate::token::{Claims, mint_token};

/// The services, each after those that it calls.
pub const SERVICES: [&str; 8] = ["auth", "cache", "llm", "vector-db", "rag", "search", "orchestrator", "gateway"];

/// The services again, in groups that start at the same time: each calls only services of earlier groups.
const WAVES: [&[&str]; 4] =
    [&["auth", "cache", "llm", "vector-db"], &["rag", "search"], &["orchestrator"], &["gateway"]];

/// The calls between the services: caller and callee.
pub const CALLS: [(&str, &str); 7] = [
    ("gateway", "auth"),
    ("gateway", "orchestrator"),
    ("orchestrator", "cache"),
    ("orchestrator", "search"),
    ("orchestrator", "rag"),
    ("search", "vector-db"),
    ("rag", "llm"),
];

/// How a service exports its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Spans are held this long.
    After(Duration),
    /// Nothing is exported.
    Off,
}

/// How to start the system.
#[derive(Clone, Debug)]
pub struct SystemOptions {
    /// The program that runs a service, and its arguments before the service's name.
    pub program: (PathBuf, Vec<String>),
    /// Where spans go: OTLP over gRPC.
    pub otlp_endpoint: String,
    /// How all services export.
    pub export: Export,
    /// How single services export instead.
    pub exports: BTreeMap<String, Export>,
    /// Whether faults in baggage are honoured.
    pub faults: bool,
    /// Names of the [`DEFECTS`](crate::DEFECTS) that are on.
    pub defects: Vec<String>,
    /// Programs that run single services instead (the polyglot ones).
    pub programs: Programs,
    /// Who stands between a service and another.
    pub via: Option<Via>,
}

/// Gives the address at which a service is to call another: `(caller, callee, the callee's own address)`, both as
/// `127.0.0.1:PORT`; none to call it directly.
#[derive(Clone)]
pub struct Via(pub Arc<ViaFunction>);

type ViaFunction = dyn Fn(&str, &str, &str) -> Option<String> + Send + Sync;

impl std::fmt::Debug for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Via")
    }
}

/// The running system. Dropping it kills what still runs.
#[derive(Debug)]
pub struct System {
    /// Where questions go: `http://127.0.0.1:PORT`.
    pub gateway_url: String,
    /// A token that the gateway takes for a day.
    pub token: String,
    /// Each service's address, `127.0.0.1:PORT`.
    pub addresses: BTreeMap<String, String>,
    services: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    name: &'static str,
    address: String,
    child: Child,
}

impl System {
    /// Starts all services and waits until each answers.
    ///
    /// # Errors
    /// Which service did not start, and what it said.
    pub async fn start(options: &SystemOptions) -> Result<Self, String> {
        let secret = new_secret()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = Claims { user: "demo".into(), tier: "pro".into(), expires: now.as_secs() + 86_400 };
        let mut system = Self {
            gateway_url: String::new(),
            token: mint_token(&secret, &claims),
            addresses: BTreeMap::new(),
            services: Vec::new(),
        };
        for wave in WAVES {
            let starting = wave
                .iter()
                .map(|service| start_service(service, options, system.environment(service, options, &secret)));
            for started in futures_util::future::join_all(starting).await {
                let started = started?;
                system.addresses.insert(started.name.to_owned(), started.address.clone());
                system.services.push(started);
            }
        }
        system.gateway_url = format!("http://{}", system.addresses["gateway"]);
        Ok(system)
    }

    /// The process id of each service that runs.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<String, u32> {
        self.services.iter().filter_map(|service| Some((service.name.to_owned(), service.child.id()?))).collect()
    }

    /// Ends all services, the gateway first; each flushes what it holds. What does not end in time is killed.
    pub async fn stop(mut self) {
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        for wave in WAVES.iter().rev() {
            let stopping = self
                .services
                .iter_mut()
                .filter(|service| wave.contains(&service.name))
                .map(|service| service.stop(deadline));
            futures_util::future::join_all(stopping).await;
        }
    }

    fn environment(&self, service: &str, options: &SystemOptions, secret: &str) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = vec![
            ("LISTEN".into(), "127.0.0.1:0".into()),
            ("OTEL_SERVICE_NAME".into(), service.into()),
            ("DEMO_SECRET".into(), secret.into()),
            ("DEMO_FAULTS".into(), if options.faults { "on" } else { "off" }.into()),
            ("DEMO_DEFECTS".into(), options.defects.join(",")),
            ("OTEL_EXPORTER_OTLP_ENDPOINT".into(), options.otlp_endpoint.clone()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL".into(), "grpc".into()),
            // All hops are on loopback: a proxy of the surroundings must not see them.
            ("NO_PROXY".into(), no_proxy()),
            ("no_proxy".into(), no_proxy()),
        ];
        match options.exports.get(service).unwrap_or(&options.export) {
            Export::Off => variables.push(("OTEL_TRACES_EXPORTER".into(), "none".into())),
            Export::After(delay) => {
                variables.push(("OTEL_TRACES_EXPORTER".into(), "otlp".into()));
                for name in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY"] {
                    variables.push((name.into(), delay.as_millis().to_string()));
                }
            }
        }
        for (known, address) in &self.addresses {
            let name = format!("{}_URL", known.to_uppercase().replace('-', "_"));
            let via = options.via.as_ref().and_then(|via| (via.0)(service, known, address));
            variables.push((name, format!("http://{}", via.as_ref().unwrap_or(address))));
        }
        variables
    }
}

impl Running {
    async fn stop(&mut self, deadline: tokio::time::Instant) {
        // The end of its input tells it to stop.
        drop(self.child.stdin.take());
        if tokio::time::timeout_at(deadline, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

async fn start_service(
    service: &'static str,
    options: &SystemOptions,
    environment: Vec<(String, String)>,
) -> Result<Running, String> {
    let (program, arguments) = options.programs.get(service).unwrap_or(&options.program);
    let mut command = Command::new(program);
    command.args(arguments);
    if !options.programs.contains_key(service) {
        command.arg(service);
    }
    // Settings of the surroundings for *their* telemetry (a sampler, another endpoint, …) must not reach the services.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.envs(environment).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // Ctrl-C in a terminal reaches a whole process group; the services end when we say so, after the last flush.
    #[cfg(unix)]
    command.process_group(0);
    let mut child =
        command.spawn().map_err(|error| format!("cannot start {service} ({}): {error}", program.display()))?;
    let log = Log::default();
    let errors = child.stderr.take().ok_or_else(|| format!("{service} has no error output"))?;
    let following = tokio::spawn(log.clone().follow(errors));
    let output = child.stdout.take().ok_or_else(|| format!("{service} has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let said = tokio::time::timeout(START_TIMEOUT, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = address_in(&line) {
                return Some(address);
            }
        }
        None
    });
    let address = match said.await {
        Ok(Some(address)) => address,
        Ok(None) => {
            // Its last words may still be on their way: read to their end, which comes with its own. A child of its own may
            // hold them open.
            let _ = tokio::time::timeout(LAST_WORDS_TIMEOUT, following).await;
            return Err(format!("{service} ended before it said its address{}", log.told()));
        }
        Err(_) => return Err(format!("{service} did not say its address within {START_TIMEOUT:?}{}", log.told())),
    };
    // Go on reading, so that the service never blocks on its output.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(Running { name: service, address, child })
}

/// The last lines of a service's standard error.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    async fn follow(self, errors: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(mut line)) = lines.next_line().await {
            line.truncate(line.floor_char_boundary(LOG_LINE_BYTES_MAX));
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= LOG_LINES_MAX {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }

    /// What to add to a message about a service that did not start.
    fn told(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = String::new();
        for line in lines.iter() {
            let _ = write!(told, "\n  | {line}");
        }
        if told.is_empty() { String::new() } else { format!("; it wrote:{told}") }
    }
}

/// Good for this run: it never leaves this process and the services' environment.
fn new_secret() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| format!("cannot read random numbers for the demo's secret: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn no_proxy() -> String {
    let around = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    if around.is_empty() { "127.0.0.1,localhost".to_owned() } else { format!("{around},127.0.0.1,localhost") }
}

fn address_in(line: &str) -> Option<String> {
    let said: Value = serde_json::from_str(line).ok()?;
    said["address"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_starts_in_one_wave() {
        assert_eq!(WAVES.concat(), SERVICES);
    }
}
