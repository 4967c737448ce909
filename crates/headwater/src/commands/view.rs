//! `headwater view`: opens the page on what is stored.

use std::process::{Command, Stdio};

use crate::access::{owner_of, report_damage, resolve};
use crate::cli::ViewArgs;
use crate::exit::{ExitCode, Failure};
use crate::server::{Server, ServerOptions, interrupted};

pub async fn run(args: &ViewArgs) -> Result<ExitCode, Failure> {
    let folder = resolve(&args.data)?;
    let path = args.trace.as_ref().map_or_else(|| "/traces".to_owned(), |trace| format!("/trace/{trace}"));
    if let Some(owner) = owner_of(&folder)? {
        show(&format!("{owner}{path}"), args.no_open);
        return Ok(ExitCode::OK);
    }
    let options = ServerOptions { page: args.page.clone(), ..ServerOptions::quiet(&folder) };
    let server = Server::start(options).await?;
    report_damage(&server);
    show(&format!("{}{path}", server.page_url()), args.no_open);
    println!("Ctrl-C ends it");
    interrupted().await;
    server.stop(|text| println!("{text}")).await;
    Ok(ExitCode::OK)
}

fn show(url: &str, only_print: bool) {
    println!("{url}");
    if only_print {
        return;
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started =
        Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if started.is_err() {
        println!("(no browser could be started: open the address yourself)");
    }
}
