//! `headwater capture -- COMMAND`: a receiver around any test command; its traces are kept and, if asked, judged.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use eval::Plan;
use eval::report::RunReport;
use eval::suite::Suite;

use super::eval::{read_suite, told};
use super::judge::{host, of_this_version};
use crate::access::{connect, report_damage, resolve};
use crate::captured::{Captured, Seen};
use crate::cli_testing::CaptureArgs;
use crate::data_folder::Temporary;
use crate::exit::{ExitCode, Failure};
use crate::outputs::Outputs;
use crate::server::{Server, ServerOptions, clock};
use crate::stored_traces::{LookedUp, answer_queries};
use crate::{amounts, runs};

/// However often something still arrives, after this long the command's traces are judged as they are.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// How often is looked whether something arrived.
const LOOK: Duration = Duration::from_millis(20);

pub async fn run(args: &CaptureArgs) -> Result<ExitCode, Failure> {
    let outputs = Outputs::parse(&args.output)?;
    let suite = args.suite.as_deref().map(read_suite).transpose()?;
    let settle = amounts::age(&args.settle).map_err(|problem| Failure::usage(format!("--settle: {problem}")))?;
    let temporary = if args.temp { Some(Temporary::new().map_err(Failure::infrastructure)?) } else { None };
    let folder = match &temporary {
        Some(temporary) => temporary.path().to_owned(),
        None => resolve(&args.data)?,
    };
    let captured = Arc::new(Captured::new(clock()));
    let server = Server::start(ServerOptions {
        http: Some(args.receive.clone()),
        also: vec![Arc::clone(&captured) as _],
        secrets: suite.as_ref().map(|suite| suite.secrets.clone()).unwrap_or_default(),
        small: true,
        ..ServerOptions::quiet(&folder)
    })
    .await?;
    report_damage(&server);
    let outcome = captured_and_judged(args, suite, settle.to_std(), &server, &captured, &outputs).await;
    server.stop(|text| eprintln!("headwater: {text}")).await;
    outcome
}

async fn captured_and_judged(
    args: &CaptureArgs,
    suite: Option<Suite>,
    settle: Duration,
    server: &Server,
    captured: &Captured,
    outputs: &Outputs,
) -> Result<ExitCode, Failure> {
    let command = exit_code(driven(&args.command, server).await?);
    settled(captured, settle).await;
    let seen = captured.seen();
    say(&seen, args.temp);
    let Some(suite) = suite else { return Ok(command) };
    let report = judged(args, suite, &seen, server, outputs).await?;
    if command != ExitCode::OK {
        eprintln!("headwater: the command exited with {}, which is passed on", command.0);
        return Ok(command);
    }
    Ok(ExitCode(report.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0)))
}

/// Runs the command to its end. Ctrl-C reaches it as it reaches us; SIGTERM is handed on.
async fn driven(command: &[std::ffi::OsString], server: &Server) -> Result<ExitStatus, Failure> {
    let Some((program, arguments)) = command.split_first() else { return Err(Failure::usage("no command")) };
    let otlp = server.http().ok_or_else(|| Failure::infrastructure("the receiver does not listen"))?;
    let mut child = tokio::process::Command::new(program);
    child.args(arguments);
    // Addresses of one signal go over the one we set.
    for signal in ["TRACES", "LOGS", "METRICS"] {
        child.env_remove(format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"));
        child.env_remove(format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"));
    }
    child.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{otlp}"));
    child.env("HEADWATER_SERVER", server.page_url());
    let unset = |name: &&(&str, &str)| std::env::var_os(name.0).is_none();
    let defaults = [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ];
    child.envs(defaults.iter().filter(unset).copied());
    let name = program.to_string_lossy();
    let mut child =
        child.spawn().map_err(|error| Failure::usage(format!("cannot run `{name}`: {error}; is it installed?")))?;
    loop {
        tokio::select! {
            ended = child.wait() => {
                return ended.map_err(|error| Failure::infrastructure(format!("cannot wait for `{name}`: {error}")));
            }
            () = terminated() => hand_on(child.id()),
        }
    }
}

/// Resolves at SIGTERM; Ctrl-C is caught as well, since the command decides what comes of it.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            () = async { loop { interrupt.recv().await; } } => {}
        }
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library sends no signal but SIGKILL")]
fn hand_on(child: Option<u32>) {
    if let Some(pid) = child.and_then(|pid| i32::try_from(pid).ok()) {
        // SAFETY: kill takes plain numbers; the child has not been waited for, so its id is still its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

#[cfg(not(unix))]
fn hand_on(_child: Option<u32>) {}

/// As a shell has it: 128 and the signal for what a signal ended.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return ExitCode(u8::try_from(128 + signal).unwrap_or(255));
        }
    }
    ExitCode(status.code().and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(255))
}

/// Waits until nothing has come for `settle`.
async fn settled(captured: &Captured, settle: Duration) {
    let began = tokio::time::Instant::now();
    loop {
        let since_end = began.elapsed();
        let silent = captured.silent_for().map_or(since_end, Duration::from_nanos).min(since_end);
        if silent >= settle || since_end >= SETTLE_MAX {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn say(seen: &Seen, temporary: bool) {
    if seen.spans == 0 {
        eprintln!(
            "headwater: no span arrived: does what the command tests export to OTEL_EXPORTER_OTLP_ENDPOINT, and before it ends?"
        );
        return;
    }
    let services: Vec<String> = seen.services.iter().map(|(service, spans)| format!("{service} {spans}")).collect();
    let later = if temporary { "" } else { "; later: headwater view" };
    eprintln!(
        "headwater: captured {} {}, {} spans ({}){later}",
        seen.traces.len(),
        if seen.traces.len() == 1 { "trace" } else { "traces" },
        seen.spans,
        services.join(", ")
    );
    if seen.spans_not_remembered > 0 {
        eprintln!(
            "headwater: {} spans are of traces past the first {}: stored, not judged",
            seen.spans_not_remembered,
            seen.traces.len()
        );
    }
}

async fn judged(
    args: &CaptureArgs,
    mut suite: Suite,
    seen: &Seen,
    server: &Server,
    outputs: &Outputs,
) -> Result<RunReport, Failure> {
    let client = Arc::new(connect(&server.page_url()).await?);
    answer_queries(&mut suite, &client).await?;
    suite.judge_only(&seen.traces);
    let options = eval::RunOptions {
        filter: args.filter.clone(),
        commit: super::eval::commit(),
        branch: super::eval::branch(),
        ..of_this_version(None)
    };
    let plan = Plan::new(Arc::new(suite), options).map_err(|error| Failure::usage(error.message))?;
    let report = told(plan, host(Arc::new(LookedUp(Arc::clone(&client))))?, |_| {}).await;
    if let Err(error) = client.submit_run(&runs::as_wire(&report)).await {
        eprintln!("headwater: the run was not kept: {error}");
    }
    outputs.write(&report, &client).await?;
    Ok(report)
}
