//! Starts the eight services as processes of their own, hands their addresses on, ends them.
//!
//! Every service binds a free port itself and says its address in one line of JSON on standard output, so no port can be
//! taken in between. Its standard input is a pipe that we hold: when we die, however we die, it reads the end and stops.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::limits::{START_TIMEOUT, STOP_TIMEOUT};
use crate::token::{Claims, mint_token};

/// The services, in the order in which they are started: each after those that it calls.
pub const SERVICES: [&str; 8] = ["auth", "cache", "llm", "vector-db", "rag", "search", "orchestrator", "gateway"];

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
    /// Further work that single services pretend to do.
    pub work: BTreeMap<String, Duration>,
    /// Whether faults in baggage are honoured.
    pub faults: bool,
    /// Programs that run single services instead (the polyglot ones).
    pub programs: BTreeMap<String, (PathBuf, Vec<String>)>,
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
    children: Vec<(String, Child)>,
}

impl System {
    /// Starts all services and waits until each answers.
    ///
    /// # Errors
    /// Which service did not start, and what it said.
    pub async fn start(options: &SystemOptions) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Good for this machine and this run: the secret never leaves the processes' environment.
        let secret = format!("{:x}-{:x}", now.as_nanos(), std::process::id());
        let claims = Claims { user: "demo".into(), tier: "pro".into(), expires: now.as_secs() + 86_400 };
        let mut system = Self {
            gateway_url: String::new(),
            token: mint_token(&secret, &claims),
            addresses: BTreeMap::new(),
            children: Vec::new(),
        };
        for service in SERVICES {
            system.start_service(service, options, &secret).await?;
        }
        system.gateway_url = format!("http://{}", system.addresses["gateway"]);
        Ok(system)
    }

    async fn start_service(&mut self, service: &str, options: &SystemOptions, secret: &str) -> Result<(), String> {
        let (program, arguments) = options.programs.get(service).unwrap_or(&options.program);
        let mut command = Command::new(program);
        command.args(arguments);
        if !options.programs.contains_key(service) {
            command.arg(service);
        }
        command
            .envs(self.environment(service, options, secret))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        // Ctrl-C in a terminal reaches a whole process group; the services end when we say so, after the last flush.
        #[cfg(unix)]
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {service} ({}): {error}", program.display()))?;
        let output = child.stdout.take().ok_or_else(|| format!("{service} has no output"))?;
        let mut lines = BufReader::new(output).lines();
        let said = tokio::time::timeout(START_TIMEOUT, async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = address_in(&line) {
                    return Some(address);
                }
            }
            None
        })
        .await;
        let address = match said {
            Ok(Some(address)) => address,
            Ok(None) => return Err(format!("{service} ended before it said its address")),
            Err(_) => return Err(format!("{service} did not say its address within {START_TIMEOUT:?}")),
        };
        // Go on reading, so that the service never blocks on its output.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.addresses.insert(service.to_owned(), address);
        self.children.push((service.to_owned(), child));
        Ok(())
    }

    fn environment(&self, service: &str, options: &SystemOptions, secret: &str) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = vec![
            ("LISTEN".into(), "127.0.0.1:0".into()),
            ("OTEL_SERVICE_NAME".into(), service.into()),
            ("DEMO_SECRET".into(), secret.into()),
            ("DEMO_FAULTS".into(), if options.faults { "on" } else { "off" }.into()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT".into(), options.otlp_endpoint.clone()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL".into(), "grpc".into()),
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
        if let Some(work) = options.work.get(service) {
            variables.push(("DEMO_WORK_MS".into(), work.as_millis().to_string()));
        }
        for (known, address) in &self.addresses {
            let name = format!("{}_URL", known.to_uppercase().replace('-', "_"));
            variables.push((name, format!("http://{address}")));
        }
        variables
    }

    /// Ends all services, the gateway first; each flushes what it holds. What does not end in time is killed.
    pub async fn stop(mut self) {
        for (_, child) in self.children.iter_mut().rev() {
            // The end of its input tells it to stop.
            drop(child.stdin.take());
        }
        let deadline = tokio::time::Instant::now() + STOP_TIMEOUT;
        for (_, child) in &mut self.children {
            if tokio::time::timeout_at(deadline, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
    }
}

fn address_in(line: &str) -> Option<String> {
    let said: Value = serde_json::from_str(line).ok()?;
    said["address"].as_str().map(str::to_owned)
}
