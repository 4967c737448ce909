//! `headwater init`: writes a project that works.

use std::path::{Path, PathBuf};

use crate::cli::InitArgs;
use crate::exit::{ExitCode, Failure};

pub fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let files = demo::init_files();
    let there: Vec<PathBuf> = files.iter().map(|(path, _)| args.dir.join(path)).filter(|path| path.exists()).collect();
    if !there.is_empty() && !args.force {
        return Err(Failure::usage(refusal(&there)));
    }
    for (path, contents) in files {
        write(&args.dir.join(path), contents)?;
        println!("wrote {}", args.dir.join(path).display());
    }
    println!("\nNext:\n  headwater demo        see it run on the demo system");
    println!(
        "  cd {} && headwater eval   once GATEWAY_URL and DEMO_TOKEN point at yours (README.md)",
        args.dir.display()
    );
    Ok(ExitCode::OK)
}

fn refusal(there: &[PathBuf]) -> String {
    let list: Vec<String> = there.iter().map(|path| format!("  {}", path.display())).collect();
    format!(
        "nothing was written, because these files are there already:\n{}\nhelp: name another folder, or replace them with --force",
        list.join("\n")
    )
}

fn write(path: &Path, contents: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::infrastructure(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, contents).map_err(failed)
}
