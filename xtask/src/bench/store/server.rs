//! The real binary as a process: start it, ask the kernel what it used, stop it or kill it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The kernel counts processor time in hundredths of a second (`getconf CLK_TCK`).
const TICK_NANOS: u64 = 10_000_000;
/// How often memory is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);
/// A stop that takes longer is a failure.
const STOP_MAX: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    /// Page and API.
    pub page: SocketAddr,
    /// From starting the process to its word `ready`.
    pub started_in: Duration,
    /// Spans it said it replayed.
    pub replayed: u64,
}

impl Server {
    /// Starts `binary` on the data folder `data`.
    pub fn start(binary: &Path, data: &Path) -> Result<Self, String> {
        let began = Instant::now();
        let mut child = Command::new(binary)
            .args(["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--page", "127.0.0.1:0"])
            .args(["--retain-age", "1000d", "--retain-bytes", "1000GB", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let output = child.stdout.take().ok_or("the server's output is not piped")?;
        let (mut grpc, mut http, mut page, mut replayed) = (None, None, None, 0);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut is_ready = false;
        for line in lines.by_ref() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("OTLP"), Some("gRPC"), Some(address)) => grpc = address.parse().ok(),
                (Some("OTLP"), Some("HTTP"), Some(address)) => http = address.parse().ok(),
                (Some("page"), Some(url), _) => page = url.trim_start_matches("http://").parse().ok(),
                (Some("replayed"), Some(spans), _) => replayed = spans.parse().unwrap_or(0),
                (Some("ready"), ..) => is_ready = true,
                _ => {}
            }
            if is_ready {
                break;
            }
        }
        let started_in = began.elapsed();
        // Read on, so that the server can say what it likes while it stops.
        std::thread::spawn(move || lines.for_each(drop));
        match (is_ready, grpc, http, page) {
            (true, Some(grpc), Some(http), Some(page)) => Ok(Self { child, grpc, http, page, started_in, replayed }),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err("the server did not say where it listens".to_owned())
            }
        }
    }

    /// Processor time used so far, user's and system's.
    pub fn cpu(&self) -> Result<Duration, String> {
        let stat = self.read("stat")?;
        // The name in brackets may hold anything; the fields behind it are numbers.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
        match (ticks(11), ticks(12)) {
            (Some(user), Some(system)) => Ok(Duration::from_nanos((user + system) * TICK_NANOS)),
            _ => Err(format!("cannot read its processor time: {stat:?}")),
        }
    }

    /// Anonymous memory it holds, in bytes.
    pub fn anonymous_memory(&self) -> Result<u64, String> {
        anonymous_memory(self.child.id())
    }

    fn read(&self, file: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))
    }

    /// Stops it as a person would, and answers with the processor time it used in its whole life.
    pub fn stop(mut self) -> Result<Duration, String> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        if !told.is_ok_and(|status| status.success()) {
            return Err("cannot tell the server to stop".to_owned());
        }
        let began = Instant::now();
        // As a zombie it can still be asked what it used.
        while !self.is_zombie()? {
            if began.elapsed() > STOP_MAX {
                return Err(format!("the server did not stop within {STOP_MAX:?}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let cpu = self.cpu();
        self.child.wait().map_err(|error| error.to_string())?;
        cpu
    }

    fn is_zombie(&self) -> Result<bool, String> {
        let stat = self.read("stat")?;
        Ok(stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Watches its memory until the answer is dropped or asked.
    pub fn watch_memory(&self) -> MemoryWatch {
        let (peak, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (pid, seen, end) = (self.child.id(), Arc::clone(&peak), Arc::clone(&done));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                seen.fetch_max(anonymous_memory(pid).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(MEMORY_INTERVAL);
            }
        });
        MemoryWatch { peak, done, thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks at a process's memory again and again.
#[derive(Debug)]
pub struct MemoryWatch {
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// The most anonymous memory it held meanwhile, in bytes.
    pub fn peak(mut self) -> u64 {
        self.end();
        self.peak.load(Ordering::Relaxed)
    }

    fn end(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.end();
    }
}

fn anonymous_memory(pid: u32) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|error| format!("cannot read its memory: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("cannot read {line:?}"))?;
    Ok(kibibytes * 1_024)
}

/// Bytes of all files below `folder`, the journal's left out.
pub fn stored_bytes(folder: &Path) -> Result<u64, String> {
    let mut bytes = 0;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() && entry.file_name() != "journal" {
                folders.push(entry.path());
            } else if about.is_file() {
                bytes += about.len();
            }
        }
    }
    Ok(bytes)
}
