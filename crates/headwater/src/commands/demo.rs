//! `headwater demo`: a real system of eight services, judged by four scenarios, with its page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use demo::{Export, Programs, System, SystemOptions, Via};
use eval::report::RunReport;
use eval::suite::Suite;
use eval::{FaultInjector, Host, Plan, RunOptions};
use proxy::{Control, EdgeSpec, Proxies};

use super::eval::{host, inside, suite_of};
use crate::access::{report_damage, resolve};
use crate::amounts;
use crate::cli::DemoArgs;
use crate::data_folder::Temporary;
use crate::destinations;
use crate::exit::{ExitCode, Failure};
use crate::fault_proxies::{self, FaultProxies};
use crate::outputs::Outputs;
use crate::server::{Server, ServerOptions, clock, interrupted};
use crate::sweeping::Sweep;
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
    let sweep = Sweep::parse(&args.sweep, &args.output)?;
    // A sweep has formats of its own.
    let outputs = Outputs::parse(if sweep.is_some() { &[] } else { &args.output })?;
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
        outcome = judged(args, &server, &folder, exports, sweep.as_ref()) => outcome,
        () = interrupted() => Ok(None),
    };
    let Judged { system, report, code, control } = match outcome {
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
    if !args.once && code != ExitCode::INTERRUPTED {
        invite(&server, &system, control.as_ref(), args.temp);
        interrupted().await;
        println!("stopping");
    }
    system.stop().await;
    server.stop(|text| println!("{text}")).await;
    written.map(|()| code)
}

/// The running system, and what came of it.
struct Judged {
    system: System,
    /// Of a sweep, without scenarios.
    report: RunReport,
    code: ExitCode,
    control: Option<Control>,
}

/// Starts the system and runs the suite against it, or sweeps it.
async fn judged(
    args: &DemoArgs,
    server: &Server,
    folder: &std::path::Path,
    exports: BTreeMap<String, Export>,
    sweep: Option<&Sweep>,
) -> Result<Option<Judged>, Failure> {
    let otlp = server.grpc().ok_or_else(|| Failure::infrastructure("the receiver does not listen"))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::infrastructure(format!("cannot find this program: {error}")))?;
    let known = suite(args, "http://127.0.0.1:0", "")?;
    let has_faults = known.scenarios.iter().any(|scenario| !scenario.injections.is_empty());
    let proxies = if args.proxies || sweep.is_some() || has_faults { Some(proxies(&known)?) } else { None };
    println!(
        "starting eight services{}{}",
        if args.polyglot { ", the orchestrator in Python and the search in Node" } else { "" },
        if proxies.is_some() { ", a proxy on each of their calls" } else { "" }
    );
    let options = SystemOptions {
        program: (program, vec!["demo-service".to_owned()]),
        otlp_endpoint: format!("http://{otlp}"),
        export: Export::After(EXPORT_DELAY),
        exports,
        faults: true,
        defects: args.defect.clone(),
        programs: if args.polyglot { polyglot(folder).await? } else { Programs::new() },
        via: proxies.clone().map(via),
    };
    let system = System::start(&options).await.map_err(Failure::infrastructure)?;
    let suite = suite(args, &system.gateway_url, &system.token)?;
    let plan = Plan::new(
        Arc::new(suite.clone()),
        RunOptions {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            filter: Sweep::filter(&args.sweep).into_iter().collect(),
            ..RunOptions::default()
        },
    );
    let plan = plan.map_err(|error| Failure::usage(error.message))?;
    // Others may put faults in as long as the system goes on.
    let control = proxies
        .as_ref()
        .filter(|_| !args.once)
        .map(|proxies| Control::serve(Arc::clone(proxies), std::net::SocketAddr::from(([127, 0, 0, 1], 0))));
    let control = control.transpose().map_err(|error| Failure::infrastructure(error.to_string()))?;
    let injector = proxies.map(FaultProxies::here);
    if let Some(sweep) = sweep {
        let injector = injector.map(|injector| Arc::new(injector) as Arc<dyn FaultInjector>);
        let code = sweep.run(plan, Host { injector, ..host(&server.inside())? }).await?;
        return Ok(Some(Judged { system, report: RunReport::default(), code, control }));
    }
    fault_proxies::check(&suite, &plan.names(), injector.as_ref())?;
    let injector = injector.map(|injector| Arc::new(injector) as Arc<dyn FaultInjector>);
    let report = inside(&server.inside(), plan, injector).await?;
    print!("{}", eval::report::proxies_told(&report.proxies));
    let code = ExitCode(report.exit_code.unwrap_or(ExitCode::INFRASTRUCTURE.0));
    Ok(Some(Judged { system, report, code, control }))
}

/// A proxy on each call of the demo; where the callees are is said when they have started.
fn proxies(suite: &Suite) -> Result<Arc<Proxies>, Failure> {
    let failed = |error: proxy::StandError| Failure::infrastructure(error.to_string());
    let proxies = Proxies::new(clock(), suite.run.seed.unwrap_or_default()).map_err(failed)?;
    for (caller, callee) in demo::CALLS {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        proxies.stand(EdgeSpec { edge: format!("{caller} -> {callee}"), listen, callee: None }).map_err(failed)?;
    }
    Ok(Arc::new(proxies))
}

/// Sends a service's calls through their proxies, and tells these where the callee is.
fn via(proxies: Arc<Proxies>) -> Via {
    Via(Arc::new(move |caller, callee, address| {
        let name = format!("{caller} -> {callee}");
        let edge = proxies.edges().into_iter().find(|edge| edge.name() == name)?;
        edge.call(address.parse().ok()?);
        Some(edge.address().to_string())
    }))
}

/// The suite of the demo, or the one named, on the demo's own addresses.
fn suite(args: &DemoArgs, gateway_url: &str, token: &str) -> Result<Suite, Failure> {
    let environment = |name: &str| match name {
        "GATEWAY_URL" => Some(gateway_url.to_owned()),
        "DEMO_TOKEN" => Some(token.to_owned()),
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

fn invite(server: &Server, system: &System, control: Option<&Control>, temporary: bool) {
    let terminal = Terminal::of_stdout();
    println!("page      {}", terminal.paint(Style::Bold, &server.page_url()));
    println!(
        "ask       curl -s {}/v1/ask -H 'authorization: Bearer {}' -d '{{\"question\": \"What is a span?\"}}'",
        system.gateway_url, system.token
    );
    if let Some(control) = control {
        println!(
            "faults    GATEWAY_URL={} DEMO_TOKEN={} headwater eval SUITE --server {} --via http://{}",
            system.gateway_url,
            system.token,
            server.page_url(),
            control.address()
        );
    }
    if !temporary {
        println!("later     headwater view");
    }
    println!("Ctrl-C ends everything");
}
