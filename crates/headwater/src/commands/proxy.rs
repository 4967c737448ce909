//! `headwater proxy`: proxies that stand until Ctrl-C, with a control API for runners.

use std::path::Path;
use std::sync::Arc;

use eval::report::proxies_told;
use fault::Rule;
use proxy::{Control, EdgeSpec, Proxies};

use super::eval::read_suite;
use crate::cli_faults::ProxyArgs;
use crate::exit::{ExitCode, Failure};
use crate::fault_proxies::{proxied, specs_of, stand};
use crate::server::interrupted;

pub async fn run(args: &ProxyArgs) -> Result<ExitCode, Failure> {
    let (specs, rules) = read(args)?;
    let control = EdgeSpec::listen_address(&args.control);
    let control = control.map_err(|error| Failure::usage(format!("--control {error}")))?;
    let proxies = Arc::new(stand(specs, args.seed)?);
    proxies.inject(&rules, None, None).map_err(|error| Failure::usage(error.to_string()))?;
    for rule in &rules {
        println!("fault  {rule}");
    }
    let serving = Control::serve(Arc::clone(&proxies), control)
        .map_err(|error| Failure::infrastructure(format!("{error}\nhelp: another address: `--control 127.0.0.1:0`")))?;
    println!("control  http://{}", serving.address());
    println!("ready; Ctrl-C ends it");
    interrupted().await;
    tell(args, &proxies);
    Ok(ExitCode::OK)
}

/// Edges and rules; all mistakes at once.
type Read = (Vec<(EdgeSpec, Option<String>)>, Vec<Rule>);

fn read(args: &ProxyArgs) -> Result<Read, Failure> {
    let mut problems = Vec::new();
    let mut specs = match args.suite.as_deref().map(|path: &Path| read_suite(path)).transpose()? {
        Some(suite) => specs_of(&suite.proxies, &mut problems),
        None => Vec::new(),
    };
    for text in &args.edge {
        match text.parse() {
            Ok(spec) => specs.push((spec, None)),
            Err(error) => problems.push(format!("--edge {error}")),
        }
    }
    let mut rules = Vec::new();
    for text in &args.fault {
        match text.parse::<Rule>() {
            Ok(rule) => rules.push(rule),
            Err(error) => problems.push(format!("--fault {text:?}: {error}")),
        }
    }
    if specs.is_empty() && problems.is_empty() {
        problems
            .push("no call to stand on; name one: --edge 'rag -> llm=127.0.0.1:9104=http://127.0.0.1:8004'".to_owned());
    }
    if problems.is_empty() { Ok((specs, rules)) } else { Err(Failure::usage(problems.join("\n"))) }
}

fn tell(args: &ProxyArgs, proxies: &Proxies) {
    let told = proxies.told();
    if args.json {
        println!("{}", serde_json::json!({ "edges": told }));
    } else {
        let told: Vec<_> = told.into_iter().map(proxied).collect();
        print!("{}", proxies_told(&told));
    }
}
