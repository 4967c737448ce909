//! `headwater serve`: the standing server.

use std::time::Instant;

use store::{KeepLonger, Retention};

use crate::access::{report_damage, resolve};
use crate::amounts;
use crate::cli::ServeArgs;
use crate::destinations;
use crate::exit::{ExitCode, Failure};
use crate::server::{Server, ServerOptions, interrupted};
use crate::suites::SuiteFile;

pub async fn run(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let options = options(args)?;
    let destinations: Vec<String> = options.destinations.iter().map(|destination| destination.name.clone()).collect();
    let suites = options.suites.clone();
    let server = Server::start(options).await?;
    report_damage(&server);
    println!("headwater {}", env!("CARGO_PKG_VERSION"));
    for (name, address) in [("OTLP gRPC", server.grpc()), ("OTLP HTTP", server.http())] {
        if let Some(address) = address {
            println!("  {name}  {address}");
        }
    }
    println!("  page       {}", server.page_url());
    println!("  data       {}", resolve(&args.data)?.display());
    if !destinations.is_empty() {
        println!("  sends on   to {}", destinations.join(", "));
    }
    for suite in &suites {
        println!("  suite      {} from {}, started from the page", suite.name, suite.path.display());
    }
    if server.found.spans_replayed > 0 {
        println!("  replayed   {} spans from the journal", server.found.spans_replayed);
    }
    println!("ready in {} ms", began.elapsed().as_millis());
    interrupted().await;
    println!("stopping");
    server.stop(|text| println!("  {text}")).await;
    println!("stopped");
    Ok(ExitCode::OK)
}

/// The policy of retention, if there is one.
fn keep_longer(args: &ServeArgs, problems: &mut Vec<String>) -> Option<KeepLonger> {
    // The command line asks for both or none.
    let (query, age) = (args.keep_query.as_deref()?, args.keep_age.as_deref()?);
    let age = amounts::age(age).map_err(|problem| problems.push(format!("--keep-age: {problem}"))).ok();
    let text = query::expand_search(query);
    let parsed = query::parse(&text);
    if parsed.tree.is_none() {
        problems.extend(parsed.problems.iter().map(|problem| format!("--keep-query: {}", problem.render(&text))));
    }
    Some(KeepLonger { age: age?, is_kept: engine::residual(parsed.tree?) })
}

/// The options of a standing server; all mistakes at once.
fn options(args: &ServeArgs) -> Result<ServerOptions, Failure> {
    let mut problems = Vec::new();
    let mut retention = Retention::default();
    match args.retain_age.as_deref().map(amounts::age) {
        Some(Ok(age)) => retention.age = Some(age),
        Some(Err(problem)) => problems.push(format!("--retain-age: {problem}")),
        None => {}
    }
    match args.retain_bytes.as_deref().map(amounts::bytes) {
        Some(Ok(bytes)) => retention.bytes = Some(bytes),
        Some(Err(problem)) => problems.push(format!("--retain-bytes: {problem}")),
        None => {}
    }
    let keep_longer = keep_longer(args, &mut problems);
    let mut texts = destinations::from_environment();
    if let Some(path) = &args.config {
        match super::eval::read_suite(path) {
            Ok(suite) => texts.extend(destinations::from_suite(&suite.forwarding)),
            Err(failure) => problems.push(failure.message),
        }
    }
    let checked = destinations::checked(&texts).unwrap_or_else(|failure| {
        problems.push(failure.message);
        Vec::new()
    });
    let suites = SuiteFile::read_all(&args.suite, &mut problems);
    if !problems.is_empty() {
        return Err(Failure::usage(problems.join("\n")));
    }
    Ok(ServerOptions {
        data: resolve(&args.data)?,
        grpc: Some(args.grpc.clone()),
        http: Some(args.http.clone()),
        page: args.page.clone(),
        page_may_move: false,
        token: args.token.clone(),
        retention,
        keep_longer,
        destinations: checked,
        secrets: eval::Secrets::default(),
        also: Vec::new(),
        suites,
        small: false,
    })
}
