//! Running other programs and saying what is run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_owned()
}

/// Runs `program` with `arguments` in `folder`, its output on ours.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    println!("$ {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} ended with {status}", arguments.join(" "))) }
}

/// Whether `program` can be run at all.
pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .status()
        .is_ok()
}

/// The released binary: one that is built already can be named by `HEADWATER_BIN`, else it is built.
pub fn binary() -> Result<PathBuf, String> {
    match std::env::var_os("HEADWATER_BIN") {
        Some(path) => Ok(path.into()),
        None => {
            run(&root(), "cargo", &["build", "--release", "--package", "headwater"])?;
            let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
            Ok(target.join("release/headwater"))
        }
    }
}
