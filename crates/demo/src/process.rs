//! A service as a process of its own: what `headwater demo` starts eight times.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::limits::STOP_TIMEOUT;
use crate::services::run_service;

/// Runs the service `name` from the environment until it is told to stop: by the end of its standard input, SIGTERM or
/// SIGINT. It says its address in one line of JSON on standard output once it answers:
///
/// ```text
/// {"service":"gateway","address":"127.0.0.1:40123"}
/// ```
///
/// Its standard input is a pipe that the launcher holds. However the launcher dies, `kill -9` included, the system closes
/// that pipe, so no service outlives it. (`PR_SET_PDEATHSIG` would not do: it follows the *thread* that forked.)
///
/// # Errors
/// What keeps it from running, in words.
pub async fn service_main(name: &str) -> Result<(), String> {
    let (told, input_ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || watch_input(told))
        .map_err(|error| format!("cannot watch the standard input: {error}"))?;
    let service = name.to_owned();
    let ready = move |address| say_ready(&service, address);
    run_service(name, |variable| std::env::var(variable).ok(), ready, stop_asked(input_ended)).await
}

/// Waits for the end of the input, says so, and ends the process the hard way if it does not end by itself in time.
fn watch_input(told: oneshot::Sender<()>) {
    let mut ignored = [0_u8; 256];
    let mut input = std::io::stdin().lock();
    while matches!(input.read(&mut ignored), Ok(1..)) {}
    let _ = told.send(());
    std::thread::sleep(STOP_TIMEOUT + Duration::from_secs(1));
    #[expect(clippy::exit, reason = "a process of its own, whose launcher may be gone: it must end")]
    std::process::exit(1);
}

async fn stop_asked(input_ended: oneshot::Receiver<()>) {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = input_ended => {}
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn say_ready(service: &str, address: SocketAddr) {
    let line = serde_json::json!({ "service": service, "address": address.to_string() });
    let mut output = std::io::stdout().lock();
    // Nobody reads any more: then the end of the input follows.
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}
