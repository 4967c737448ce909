//! `headwater import-suite`: a suite of Tracetest or promptfoo as a suite of ours.

use std::path::{Path, PathBuf};

use eval::suite::{Suite, SuiteInput};
use eval::{BringInput, bring};

use crate::cli_testing::ImportSuiteArgs;
use crate::exit::{ExitCode, Failure};

pub fn run(args: &ImportSuiteArgs) -> Result<ExitCode, Failure> {
    let file = args.file.display().to_string();
    let text =
        std::fs::read_to_string(&args.file).map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
    let folder = args.file.parent().map(Path::to_owned).unwrap_or_default();
    let load = |name: &str| read_beside(&folder, name);
    let brought = bring(BringInput { file: &file, text: &text, load: &load });
    let brought = brought.map_err(|error| Failure::usage(error.to_string()))?;
    match &args.output {
        Some(path) if path.as_os_str() != "-" => write(path, &brought.text, args.force)?,
        _ => print!("{}", brought.text),
    }
    eprintln!(
        "headwater: {} scenarios with {} assertions carried over from {}",
        brought.scenarios,
        brought.assertions,
        brought.kind.name()
    );
    for remark in &brought.remarks {
        eprintln!("headwater: {}:{}: {}: {}", remark.file, remark.line, remark.what, remark.why);
    }
    // What a person has to mend by hand is said now, not when it is run. Variables are set where it is run.
    let environment = |name: &str| Some(std::env::var(name).unwrap_or_else(|_| "http://unset.invalid".to_owned()));
    let named = args.output.as_ref().map_or_else(|| "headwater.yaml".to_owned(), |path| path.display().to_string());
    let files = super::eval::beside_suite(Path::new(&named));
    let input = SuiteInput { file: &named, text: &brought.text, environment: &environment, files: &files };
    if let Err(error) = Suite::read(input) {
        eprintln!("headwater: the suite needs a hand before it runs:\n{error}");
        return Ok(ExitCode(1));
    }
    Ok(ExitCode::OK)
}

/// A file that the imported one names, beside it or below; nothing above its folder is read.
fn read_beside(folder: &Path, name: &str) -> Result<String, String> {
    let path: PathBuf = Path::new(name).components().filter(|part| *part != std::path::Component::CurDir).collect();
    if path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir) {
        return Err("only files below the imported one's folder are read".to_owned());
    }
    std::fs::read_to_string(folder.join(path)).map_err(|error| error.to_string())
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    if path.exists() && !force {
        let help = "help: name another with -o, or replace it with --force";
        return Err(Failure::usage(format!("{} is there already\n{help}", path.display())));
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::infrastructure(format!("cannot write {}: {error}", path.display())))
}
