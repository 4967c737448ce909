//! `headwater completions SHELL`, `headwater man [COMMAND]`, `headwater help [TOPIC]`: all from one definition.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsArgs, HelpArgs, ManArgs};
use crate::exit::{ExitCode, Failure};

pub fn completions(args: &CompletionsArgs) -> ExitCode {
    clap_complete::generate(args.shell, &mut Cli::command(), "headwater", &mut std::io::stdout());
    ExitCode::OK
}

pub fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(definition(args.command.as_deref())?)
        .render(&mut page)
        .and_then(|()| std::io::stdout().write_all(&page))
        .map_err(|error| Failure::infrastructure(format!("cannot print the man page: {error}")))?;
    Ok(ExitCode::OK)
}

pub fn help(args: &HelpArgs) -> Result<ExitCode, Failure> {
    match args.topic.as_deref() {
        Some("query" | "traceql") => print!("{}", query::REFERENCE),
        Some("suite") => print!("{}", include_str!("../../../../docs/suite.md")),
        topic => print!("{}", definition(topic)?.render_long_help()),
    }
    Ok(ExitCode::OK)
}

fn definition(command: Option<&str>) -> Result<clap::Command, Failure> {
    let mut all = Cli::command();
    all.build();
    let Some(name) = command else { return Ok(all) };
    let found = all.get_subcommands().find(|command| command.get_name() == name && !command.is_hide_set());
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> =
            all.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
        Failure::usage(format!("there is no command or topic {name:?}; there are: {}, query, suite", names.join(", ")))
    })
}
