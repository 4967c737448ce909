//! Commands: run to their end with `TRACEPARENT` (and `BAGGAGE`, for faults) in their environment.

use std::process::Stdio;

use model::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::{Answer, Send, fault_baggage};
use crate::limits::{COMMAND_ERRORS_BYTES_MAX, COMMAND_OUTPUT_BYTES_MAX};
use crate::suite::{ExecTarget, Template};

pub(super) async fn run(target: &ExecTarget, send: &Send<'_>) -> Result<Answer, String> {
    let render = |template: &Template| {
        template.render(send.variables).map_err(|undefined| format!("nothing sets the variable `{}`", undefined.name))
    };
    let words = target.command.iter().map(render).collect::<Result<Vec<_>, _>>()?;
    let Some((program, arguments)) = words.split_first() else { return Err("no command".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).env("TRACEPARENT", send.context.traceparent());
    if let Some(baggage) = fault_baggage(send.faults) {
        command.env("BAGGAGE", baggage);
    }
    for (name, value) in &target.env {
        command.env(name, render(value)?);
    }
    let input = target.stdin.as_ref().map(render).transpose()?;
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    // Whoever stops waiting must not leave the process behind.
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let started = tokio::time::Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cannot run `{program}`: {error}; is it installed?"))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        let write = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A program may end without reading all of its input; that is its own affair.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let read = async {
            let mut output = Vec::new();
            if let Some(mut stdout) = stdout {
                let mut kept = (&mut stdout).take(COMMAND_OUTPUT_BYTES_MAX as u64);
                kept.read_to_end(&mut output).await?;
                // The rest is read and forgotten: a full pipe would stop the program.
                let rest = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await?;
                return Ok::<_, std::io::Error>((output, rest > 0));
            }
            Ok((output, false))
        };
        let errors = async {
            Ok::<_, std::io::Error>(match stderr {
                Some(stderr) => last_of(stderr).await?,
                None => String::new(),
            })
        };
        let ((), output, errors) = tokio::join!(write, read, errors);
        let (body, cut) = output?;
        Ok::<_, std::io::Error>((child.wait().await?, body, cut, errors?))
    };
    match tokio::time::timeout(target.timeout.to_std(), work).await {
        Err(_) => Err(format!("`{program}` did not end within {}", target.timeout)),
        Ok(Err(error)) => Err(format!("`{program}` failed: {error}")),
        Ok(Ok((status, body, cut, errors))) => Ok(Answer {
            // A process ended by a signal has no code.
            status: status.code().unwrap_or(-1),
            headers: Vec::new(),
            body,
            errors,
            cut,
            duration: Duration::from_std(started.elapsed()),
        }),
    }
}

/// The end of what is read, as much as a message has room for.
async fn last_of(mut stream: impl tokio::io::AsyncRead + Unpin) -> std::io::Result<String> {
    let mut last: Vec<u8> = Vec::new();
    let mut chunk = vec![0; 8 * 1024];
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(String::from_utf8_lossy(&last).trim().to_owned());
        }
        last.extend_from_slice(&chunk[..read]);
        let too_many = last.len().saturating_sub(COMMAND_ERRORS_BYTES_MAX);
        last.drain(..too_many);
    }
}
