// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the sources of Ringside's own modules are.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use crate::embedded;

/// The sources of Ringside's own modules: `RINGSIDE_MODULES`, else those of the
/// checkout that the program was built from, else a copy of what travels with
/// the program.
///
/// # Errors
/// The copy can't be written.
pub fn ours() -> BuildResult<PathBuf> {
    if let Some(folder) = std::env::var_os("RINGSIDE_MODULES").filter(|path| !path.is_empty()) {
        return Ok(folder.into());
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules");
    if checkout.join("Kbuild").is_file() && checkout.join("my_name").is_dir() {
        return checkout.canonicalize().map_err(BuildError::on("open", &checkout));
    }
    unpack(&cache::root()?.join("own"))
}

/// The folder that holds the published part of our modules' support code, which
/// modules of others take in: a copy of what travels with the program, at a path
/// that stays the same.
///
/// # Errors
/// The copy can't be written.
pub(super) fn support() -> BuildResult<PathBuf> {
    Ok(unpack(&cache::root()?.join("own"))?.join("published"))
}

/// Writes the sources that travel with the program below `folder`, and nothing
/// else stays there; returns where. Files that are the same keep their times.
fn unpack(folder: &Path) -> BuildResult<PathBuf> {
    for (below, files) in [("modules", embedded::MODULES), ("uapi/src", embedded::UAPI)] {
        for (name, text) in files {
            let path = folder.join(below).join(name);
            if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(BuildError::on("make", parent))?;
            }
            replace(&path, text, folder)?;
        }
        let folder = folder.join(below);
        let known: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
        remove_others(&folder, &known)?;
    }
    Ok(folder.join("modules"))
}

/// Writes a file in one go, by way of another in `folder`: another build may be
/// reading it, or writing it, too.
fn replace(path: &Path, text: &str, folder: &Path) -> BuildResult<()> {
    let (process, thread) = (std::process::id(), std::thread::current().id());
    let new = folder.join(format!("new-{process}-{thread:?}"));
    fs::write(&new, text).map_err(BuildError::on("write", &new))?;
    fs::rename(&new, path).map_err(BuildError::on("rename", &new))
}

/// Removes what an older program left below `folder`.
fn remove_others(folder: &Path, known: &[PathBuf]) -> BuildResult<()> {
    let entries = fs::read_dir(folder).map_err(BuildError::on("read", folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(&path, known)?;
        } else if !known.contains(&path) {
            match fs::remove_file(&path) {
                // Another build was quicker.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(BuildError::on("remove", &path))?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_that_travel_with_the_program_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let modules = unpack(folder.path()).unwrap();
        assert!(modules.join("Kbuild").is_file());
        assert!(folder.path().join("uapi/src/lib.rs").is_file());
        let time = || fs::metadata(modules.join("Kbuild")).unwrap().modified().unwrap();
        let before = time();
        unpack(folder.path()).unwrap();
        assert_eq!(time(), before);
    }

    #[test]
    fn sources_that_no_longer_travel_with_the_program_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let modules = unpack(folder.path()).unwrap();
        // A module that has become a folder is refused where its old file is, too.
        let old = modules.join("support/before/mod.rs");
        fs::create_dir(old.parent().unwrap()).unwrap();
        fs::write(&old, "").unwrap();
        unpack(folder.path()).unwrap();
        assert!(!old.exists());
        assert!(modules.join("support/device.rs").is_file());
    }
}
