//! Format, lints and walls.

use crate::process::root;
use crate::walls;

pub fn run_walls() -> Result<(), String> {
    let breaches = walls::breaches(&root());
    if breaches.is_empty() { Ok(()) } else { Err(format!("walls are broken:\n  {}", breaches.join("\n  "))) }
}

pub fn run() -> Result<(), String> {
    run_walls()?;
    crate::process::run(&root(), "cargo", &["fmt", "--all", "--check"])?;
    crate::process::run(
        &root(),
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
    )
}
