#![expect(clippy::print_stderr, reason = "a skipped test says so on standard error")]
//! Starts the real binary and speaks to it from outside: over OTLP, over its HTTP API, over its command line.
//!
//! Nothing of ours is linked in here but this; what the tests know of Headwater they know by the wire.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take to say its addresses before a test gives up.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may take to stop before a test gives up.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The path of the binary `headwater`: `HEADWATER_BIN`, or the one beside this test, built if it is missing.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("HEADWATER_BIN") {
            return path.into();
        }
        let test = std::env::current_exe().expect("a running test has a path");
        let folder = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps").to_owned();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "headwater"]);
        build.arg("--target-dir").arg(folder.parent().expect("target/PROFILE lies in target"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo can be run");
        assert!(status.success(), "headwater does not build");
        folder.join("headwater")
    })
}

/// `headwater` with these arguments and an environment without ours.
pub fn command<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OTEL_")
            || text.starts_with("OTLP_")
            || text.starts_with("HEADWATER_")
            || text.starts_with("OPENAI_")
        {
            command.env_remove(&name);
        }
    }
    command.env("NO_COLOR", "1").env("COLUMNS", "120");
    command
}

/// Runs `headwater` to its end.
pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    command(arguments).output().expect("headwater can be run")
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `headwater serve` on free ports with a data folder of its own.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT` for OTLP over gRPC.
    pub grpc: String,
    /// `http://127.0.0.1:PORT` for OTLP over HTTP.
    pub http: String,
    /// `http://127.0.0.1:PORT` of the page and the API.
    pub page: String,
    /// The data folder.
    pub data: PathBuf,
    /// Kept so that the folder lives as long as the server.
    folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts on an empty folder that goes with the server.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::start_on(folder.path(), &[], &[]);
        server.folder = Some(folder);
        server
    }

    /// Starts on `data` with further arguments and variables.
    pub fn start_on(data: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--page", "127.0.0.1:0"]);
        command.arg("--data").arg(data).args(arguments).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("headwater can be run");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    // Nobody listens any more; go on reading, so that the server never blocks on its output.
                }
            }
        });
        let deadline = Instant::now() + START_TIMEOUT;
        let (mut grpc, mut http, mut page) = (None, None, None);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = receiver.recv_timeout(left).expect("headwater serve says its addresses and that it is ready");
            let address = || line.split_whitespace().last().unwrap_or_default().to_owned();
            match line.trim_start() {
                text if text.starts_with("OTLP gRPC") => grpc = Some(format!("http://{}", address())),
                text if text.starts_with("OTLP HTTP") => http = Some(format!("http://{}", address())),
                text if text.starts_with("page") => page = Some(address().trim_end_matches('/').to_owned()),
                text if text.starts_with("ready") => break,
                _ => {}
            }
        }
        let said = |address: Option<String>| address.expect("every address is said before `ready`");
        Self { child, grpc: said(grpc), http: said(http), page: said(page), data: data.to_owned(), folder: None }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills without warning, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server can be waited for");
    }

    /// Asks to stop and waits; answers with the exit code.
    pub fn stop(mut self) -> Option<i32> {
        terminate(&self.child);
        wait(&mut self.child, STOP_TIMEOUT)
    }

    /// GET from the API, as JSON.
    pub async fn json(&self, path: &str) -> Value {
        let response = http_client().get(format!("{}{path}", self.page)).send().await.expect("the API answers");
        let status = response.status();
        let text = response.text().await.expect("the API answers with text");
        assert!(status.is_success(), "GET {path}: {status}: {text}");
        serde_json::from_str(&text).expect("the API answers with JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `headwater demo --once` on free ports with a JSON report; one at a time in this process: eight services and a receiver
/// fill a small machine, and times are judged.
pub fn demo(folder: &Path, suite: Option<&str>, arguments: &[&str]) -> (Output, Value) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let report = folder.join("report.json");
    let mut command = command(["demo", "--once", "--page", "127.0.0.1:0", "--output", "json"]);
    command.arg(&report).arg("--data").arg(folder.join("data")).args(arguments);
    if let Some(text) = suite {
        let path = folder.join("suite.yaml");
        std::fs::write(&path, text).expect("written");
        command.arg("--suite").arg(&path);
    }
    let output = command.output().expect("headwater can be run");
    let report = std::fs::read_to_string(&report).unwrap_or_default();
    (output, serde_json::from_str(&report).unwrap_or(Value::Null))
}

/// An HTTP client.
pub fn http_client() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // A second installation fails harmlessly.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// Sends SIGTERM.
#[expect(unsafe_code, reason = "the standard library sends no signal but SIGKILL")]
pub fn terminate(child: &Child) {
    let pid = i32::try_from(child.id()).expect("process ids fit");
    // SAFETY: kill takes plain numbers; the child has not been waited for, so its id is still its own.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// Waits for the end of `child`; kills it and panics after `timeout`.
pub fn wait(child: &mut Child, timeout: Duration) -> Option<i32> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the process did not end within {timeout:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Says loudly that a test did not run, and why.
pub fn skip(test: &str, because: &str) {
    eprintln!("\n=== SKIPPED {test}: {because} ===\n");
}
