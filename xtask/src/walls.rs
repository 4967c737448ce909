//! The walls of `ARCHITECTURE.md`, held against manifests and sources.
//!
//! A crate may know only crates of lower floors, and only those named here; certain words may not stand in certain
//! crates at all.

use std::path::{Path, PathBuf};

/// Each crate with the crates of ours it may know. What is not listed may not be known.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("stdx", &[]),
    ("model", &["stdx"]),
    ("otlp", &["model", "stdx"]),
    ("interchange", &["model", "stdx"]),
    ("query", &["model", "stdx"]),
    ("analysis", &["model", "stdx"]),
    ("fault", &["model", "stdx"]),
    ("wire", &["model", "stdx"]),
    ("journal", &["stdx"]),
    ("store", &["model", "stdx", "journal"]),
    ("forward", &["model", "stdx", "otlp", "journal", "query"]),
    ("ingest", &["model", "stdx", "otlp"]),
    ("proxy", &["model", "stdx", "fault"]),
    ("eval", &["model", "stdx", "query", "analysis", "fault"]),
    ("client", &["model", "stdx", "otlp", "wire"]),
    ("engine", &["model", "stdx", "query", "store", "analysis"]),
    ("validate", &["model", "stdx", "otlp", "interchange", "analysis"]),
    ("api", &["model", "stdx", "otlp", "query", "store", "analysis", "wire", "engine"]),
    ("demo", &[]),
    ("acceptance", &[]),
];

/// Every crate but the binary, the demo's programs and the chores.
const LIBRARIES: &[&str] = &[
    "model",
    "stdx",
    "otlp",
    "interchange",
    "query",
    "analysis",
    "fault",
    "wire",
    "journal",
    "store",
    "forward",
    "ingest",
    "engine",
    "eval",
    "proxy",
    "api",
    "client",
];

/// Crates that open no socket.
const SOCKETLESS: &[&str] =
    &["model", "stdx", "otlp", "interchange", "query", "analysis", "fault", "wire", "journal", "store", "engine"];

/// Word, the folders where it may not stand, and what to do instead. Test modules and test folders are left out.
const NEVER: &[(&str, &[&str], &str)] = &[
    (
        "std::fs",
        &["model", "stdx", "otlp", "interchange", "query", "analysis", "fault", "wire", "ingest", "engine", "proxy"],
        "disk belongs to journal, store, forward, eval's reports and headwater",
    ),
    ("std::net", SOCKETLESS, "sockets belong to ingest, forward, api, client, proxy and eval's trigger"),
    ("tokio::net", SOCKETLESS, "sockets belong to ingest, forward, api, client, proxy and eval's trigger"),
    (
        "SystemTime::now",
        &[
            "model",
            "otlp",
            "interchange",
            "query",
            "analysis",
            "fault",
            "proxy",
            "wire",
            "journal",
            "store",
            "forward",
            "ingest",
            "engine",
            "eval",
            "api",
            "client",
        ],
        "take a stdx::Clock",
    ),
    ("std::env::var", LIBRARIES, "only headwater reads the environment; take a look-up"),
    ("process::exit", LIBRARIES, "only headwater exits"),
    ("serde_json", &["model", "journal", "store"], "the store speaks no JSON"),
];

/// Crates whose loops and buffers over outside data are bounded by names in `limits.rs`.
const HAS_LIMITS: &[&str] = &[
    "fault",
    "proxy",
    "otlp",
    "interchange",
    "query",
    "analysis",
    "journal",
    "store",
    "forward",
    "ingest",
    "engine",
    "eval",
    "api",
    "client",
];

/// Every breach, as a sentence with its place.
pub fn breaches(root: &Path) -> Vec<String> {
    let mut breaches = Vec::new();
    for (name, allowed) in MAY_KNOW {
        if let Some(folder) = folder_of(root, name) {
            breaches.extend(manifest_breaches(&folder, name, allowed));
        }
    }
    for folder in crate_folders(root) {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name != "headwater" && !MAY_KNOW.iter().any(|(known, _)| *known == name) {
            breaches.push(format!("crates/{name}: not on the map; add it to ARCHITECTURE.md and to xtask's walls"));
        }
        breaches.extend(word_breaches(&folder, &name));
    }
    for name in HAS_LIMITS {
        if !root.join("crates").join(name).join("src/limits.rs").exists() {
            breaches.push(format!("crates/{name}: has no limits.rs"));
        }
    }
    breaches
}

fn folder_of(root: &Path, name: &str) -> Option<PathBuf> {
    [root.join("crates").join(name), root.join("tests").join(name)].into_iter().find(|folder| folder.exists())
}

fn crate_folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root.join("crates")) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("Cargo.toml").exists())
        .collect()
}

fn manifest_breaches(folder: &Path, name: &str, allowed: &[&str]) -> Vec<String> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    // Dev-dependencies may point anywhere: a test may know more than the code it tests.
    let mut in_dependencies = false;
    let mut breaches = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.trim() == "[dependencies]";
            continue;
        }
        let dependency = line.split(['.', '=', ' ']).next().unwrap_or_default();
        let ours = MAY_KNOW.iter().any(|(known, _)| *known == dependency) || dependency == "headwater";
        if in_dependencies && ours && !allowed.contains(&dependency) {
            breaches.push(format!("{name} must not know {dependency}"));
        }
    }
    breaches
}

fn word_breaches(folder: &Path, name: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    for path in sources(&folder.join("src")) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (word, forbidden, instead) in NEVER {
                if forbidden.contains(&name) && code.contains(word) {
                    breaches.push(format!("{}:{}: {word} in {name}: {instead}", path.display(), number + 1));
                }
            }
        }
    }
    breaches
}

/// The part of a file before the test module that is written out in it; `mod tests;` names another file and ends nothing.
fn without_tests(text: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        let line = text[*at..].lines().nth(1).unwrap_or_default();
        line.starts_with("mod ") && line.ends_with('{')
    };
    text.match_indices("#[cfg(test)]\n").find(begins).map_or(text, |(at, _)| &text[..at])
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if stem == "tests" || stem.ends_with("_tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walls_stand() {
        let breaches = breaches(&crate::process::root());
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    }

    #[test]
    fn a_breach_is_seen() {
        let folder = std::env::temp_dir().join(format!("walls-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("src")).expect("can write to the temporary folder");
        std::fs::write(
            folder.join("Cargo.toml"),
            "[dependencies]\nstore.workspace = true\n[dev-dependencies]\napi.workspace = true\n",
        )
        .expect("written");
        std::fs::write(folder.join("src/lib.rs"), "// std::net is fine in a comment\n#[cfg(test)]\nmod other;\nuse std::fs;\n#[cfg(test)]\nmod tests {\nuse std::net;\n}\n").expect("written");
        assert_eq!(manifest_breaches(&folder, "query", &["model"]), ["query must not know store"]);
        assert_eq!(word_breaches(&folder, "query").len(), 1);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
