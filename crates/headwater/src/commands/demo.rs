//! `headwater demo`: a real system of eight services, judged by four scenarios, with its page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use demo::{Export, Programs, System, SystemOptions};
use eval::report::RunReport;
use eval::suite::Suite;
use eval::{Plan, RunOptions};

use super::eval::{inside, suite_of};
use crate::access::{report_damage, resolve};
use crate::amounts;
use crate::cli::DemoArgs;
use crate::data_folder::Temporary;
use crate::destinations;
use crate::exit::{ExitCode, Failure};
use crate::outputs::Outputs;
use crate::server::{Server, ServerOptions, interrupted};
use crate::terminal::{Style, Terminal};
use crate::tree;

/// How long the demo's exporters hold spans.
const EXPORT_DELAY: Duration = Duration::from_millis(200);

pub async fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    if args.list_defects {
        for about in demo::DEFECTS {
            println!("{}\t{}\t{}", about.name, about.blame.join(","), about.what);
        }
        return Ok(ExitCode::OK);
    }
    let outputs = Outputs::parse(&args.output)?;
    check_defects(&args.defect)?;
    let exports = exports(args)?;
    let temporary = if args.temp { Some(Temporary::new().map_err(Failure::infrastructure)?) } else { None };
    let folder = match &temporary {
        Some(temporary) => temporary.path().to_owned(),
        None => resolve(&args.data)?,
    };
    let server = Server::start(ServerOptions {
        grpc: Some("127.0.0.1:0".to_owned()),
        page: args.page.clone(),
        destinations: destinations::checked(&destinations::from_environment())?,
        ..ServerOptions::quiet(&folder)
    })
    .await?;
    report_damage(&server);
    let outcome = tokio::select! {
        outcome = judged(args, &server, &folder, exports) => outcome,
        () = interrupted() => Ok(None),
    };
    let (system, report) = match outcome {
        Ok(Some(done)) => done,
        Ok(None) => {
            server.stop(|text| println!("{text}")).await;
            return Ok(ExitCode::INTERRUPTED);
        }
        Err(failure) => {
            server.stop(|text| println!("{text}")).await;
            return Err(failure);
        }
    };
    let written = match crate::access::connect(&server.page_url()).await {
        Ok(client) => outputs.write(&report, &client).await,
        Err(failure) => Err(failure),
    };
    show_one_trace(&server, &report);
    let code = ExitCode(report.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0));
    if !args.once && code != ExitCode::INTERRUPTED {
        invite(&server, &system, args.temp);
        interrupted().await;
        println!("stopping");
    }
    system.stop().await;
    server.stop(|text| println!("{text}")).await;
    written.map(|()| code)
}

/// Starts the system and runs the suite against it.
async fn judged(
    args: &DemoArgs,
    server: &Server,
    folder: &std::path::Path,
    exports: BTreeMap<String, Export>,
) -> Result<Option<(System, RunReport)>, Failure> {
    let otlp = server.grpc().ok_or_else(|| Failure::infrastructure("the receiver does not listen"))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::infrastructure(format!("cannot find this program: {error}")))?;
    println!(
        "starting eight services{}",
        if args.polyglot { ", the orchestrator in Python and the search in Node" } else { "" }
    );
    let options = SystemOptions {
        program: (program, vec!["demo-service".to_owned()]),
        otlp_endpoint: format!("http://{otlp}"),
        export: Export::After(EXPORT_DELAY),
        exports,
        faults: true,
        defects: args.defect.clone(),
        programs: if args.polyglot { polyglot(folder).await? } else { Programs::new() },
    };
    let system = System::start(&options).await.map_err(Failure::infrastructure)?;
    let suite = suite(args, &system)?;
    let plan = Plan::new(
        Arc::new(suite),
        RunOptions { version: env!("CARGO_PKG_VERSION").to_owned(), ..RunOptions::default() },
    );
    let plan = plan.map_err(|error| Failure::usage(error.message))?;
    let report = inside(&server.inside(), plan).await?;
    Ok(Some((system, report)))
}

/// The suite of the demo, or the one named, on the demo's own addresses.
fn suite(args: &DemoArgs, system: &System) -> Result<Suite, Failure> {
    let environment = |name: &str| match name {
        "GATEWAY_URL" => Some(system.gateway_url.clone()),
        "DEMO_TOKEN" => Some(system.token.clone()),
        other => std::env::var(other).ok(),
    };
    if let Some(path) = &args.suite {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read the suite {file}: {error}")))?;
        return suite_of(&file, &text, &environment);
    }
    let files = demo::init_files();
    let own = files.iter().find(|(path, _)| *path == "headwater.yaml").map(|(_, text)| *text).unwrap_or_default();
    suite_of("headwater.yaml", own, &environment)
}

/// Sets up what the orchestrator in Python and the search in Node need, once for each data folder.
async fn polyglot(folder: &std::path::Path) -> Result<Programs, Failure> {
    let say = |text: &str| println!("  {text}");
    demo::set_up_polyglot(&folder.join("polyglot"), &say).await.map_err(Failure::infrastructure)
}

fn check_defects(names: &[String]) -> Result<(), Failure> {
    let unknown = names.iter().find(|name| demo::DEFECTS.iter().all(|about| about.name != name.as_str()));
    let there = || demo::DEFECTS.iter().map(|about| about.name).collect::<Vec<_>>().join(", ");
    unknown.map_or(Ok(()), |name| Err(Failure::usage(format!("there is no defect {name:?}; there are {}", there()))))
}

fn exports(args: &DemoArgs) -> Result<BTreeMap<String, Export>, Failure> {
    let mut exports = BTreeMap::new();
    let mut problems = Vec::new();
    let mut check = |service: &str| {
        if !demo::SERVICES.contains(&service) {
            problems.push(format!("there is no service {service:?}; there are {}", demo::SERVICES.join(", ")));
        }
    };
    for text in &args.export_delay {
        let parsed = text.split_once('=').map(|(service, delay)| (service, amounts::age(delay)));
        match parsed {
            Some((service, Ok(delay))) => {
                check(service);
                exports.insert(service.to_owned(), Export::After(delay.to_std()));
            }
            _ => return Err(Failure::usage(format!("--export-delay {text:?}: write SERVICE=DELAY, such as llm=5s"))),
        }
    }
    for service in &args.export_off {
        check(service);
        exports.insert(service.clone(), Export::Off);
    }
    if problems.is_empty() { Ok(exports) } else { Err(Failure::usage(problems.join("\n"))) }
}

/// One trace as a tree: that of the first scenario.
fn show_one_trace(server: &Server, report: &RunReport) {
    use store::SpanStore as _;
    let first =
        report.scenarios.iter().flat_map(|scenario| &scenario.attempts).find_map(|attempt| attempt.trace_id.as_ref());
    let Some(id) = first.and_then(|id| id.parse().ok()) else { return };
    let Ok(Some(trace)) = server.store.trace(id).map(|answer| answer.value) else { return };
    println!("\n{}", tree::print(Arc::unwrap_or_clone(trace), Terminal::of_stdout()));
}

fn invite(server: &Server, system: &System, temporary: bool) {
    let terminal = Terminal::of_stdout();
    println!("page      {}", terminal.paint(Style::Bold, &server.page_url()));
    println!(
        "ask       curl -s {}/v1/ask -H 'authorization: Bearer {}' -d '{{\"question\": \"What is a span?\"}}'",
        system.gateway_url, system.token
    );
    if !temporary {
        println!("later     headwater view");
    }
    println!("Ctrl-C ends everything");
}
