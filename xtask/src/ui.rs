//! Building and testing the page. Its build is committed, so that `cargo build` needs no Node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::process::{root, run as run_program};

/// Builds the page; with `check`, fails if the committed build differs.
pub fn run(check: bool) -> Result<(), String> {
    let ui = root().join("ui");
    install(&ui)?;
    let before = if check { files(&ui.join("dist"))? } else { BTreeMap::new() };
    run_program(&ui, "npm", &["run", "build"])?;
    if check && before != files(&ui.join("dist"))? {
        return Err("ui/dist differs from a fresh build: run `cargo xtask ui` and commit it".into());
    }
    Ok(())
}

/// Types, lints, unit tests, the committed build, sizes, and the page in a real browser where there is one.
pub fn test() -> Result<(), String> {
    let ui = root().join("ui");
    run(true)?;
    for script in ["check", "test", "size"] {
        run_program(&ui, "npm", &["run", script])?;
    }
    if browser().is_none() {
        println!("SKIPPED: the page in a real browser, because no chromium was found (set CHROMIUM to its path)");
        return Ok(());
    }
    run_program(&ui, "npm", &["run", "e2e"])
}

fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.or_else(|| Some("/usr/bin/chromium".into())).filter(|path| path.exists())
}

fn install(ui: &Path) -> Result<(), String> {
    run_program(ui, "npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"])
}

fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|error| error.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content =
                    std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                found.insert(path, content);
            }
        }
    }
    Ok(found)
}
