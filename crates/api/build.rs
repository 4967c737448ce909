//! Embeds the built page (`ui/dist`), each file as it is and compressed. Without a build the list is empty and the
//! server answers a plain page that says so: `cargo build` never needs Node.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../ui/dist");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());

    let dist = dist.canonicalize().unwrap_or(dist);
    let mut paths = Vec::new();
    list(&dist, &mut paths);
    paths.sort();
    let mut table = String::from("&[\n");
    for (number, path) in paths.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.strip_prefix(&dist).expect("listed below it").to_string_lossy().replace('\\', "/");
        let content = fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        let zipped = out.join(format!("{number}.gz"));
        fs::write(&zipped, gzip(&content)).expect("the build folder can be written");
        writeln!(
            table,
            "    Embedded {{ name: {name:?}, bytes: include_bytes!({path:?}), gzip: include_bytes!({zipped:?}) }},"
        )
        .expect("text grows");
    }
    table.push(']');
    fs::write(out.join("page.rs"), table).expect("the build folder can be written");
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
