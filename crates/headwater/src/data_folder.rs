//! Where traces are kept when nobody says otherwise: the platform's folder for application data.

use std::path::PathBuf;

/// The folder from `--data`, else `HEADWATER_DATA` (which clap reads), else the platform's convention.
pub fn resolve(given: Option<PathBuf>) -> Result<PathBuf, String> {
    match given {
        Some(folder) => Ok(folder),
        None => by_convention(&|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
            .ok_or_else(|| {
                "cannot tell where to keep data: neither HOME nor its equivalent is set; name a folder with --data DIR"
                    .to_owned()
            }),
    }
}

fn by_convention(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return variable("LOCALAPPDATA").map(|folder| folder.join("headwater"));
    }
    if cfg!(target_os = "macos") {
        return variable("HOME").map(|home| home.join("Library/Application Support/headwater"));
    }
    // The XDG base directory specification: a relative path there is invalid and to be ignored.
    variable("XDG_DATA_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".local/share")))
        .map(|folder| folder.join("headwater"))
}

/// A folder that is removed with its owner.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// A new folder in the system's place for temporary files.
    pub fn new() -> Result<Self, String> {
        let mut unique = [0; 8];
        getrandom::fill(&mut unique).map_err(|error| format!("no random name for a temporary folder: {error}"))?;
        let path = std::env::temp_dir().join(format!("headwater-{:016x}", u64::from_le_bytes(unique)));
        std::fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_platform_decides() {
        let with = |xdg: Option<&str>, home: Option<&str>| {
            by_convention(&|name| match name {
                "XDG_DATA_HOME" => xdg.map(PathBuf::from),
                "HOME" => home.map(PathBuf::from),
                _ => None,
            })
        };
        assert_eq!(with(None, Some("/home/a")), Some("/home/a/.local/share/headwater".into()));
        assert_eq!(with(Some("/x"), Some("/home/a")), Some("/x/headwater".into()));
        assert_eq!(with(Some("relative"), Some("/home/a")), Some("/home/a/.local/share/headwater".into()));
        assert_eq!(with(None, None), None);
    }
}
