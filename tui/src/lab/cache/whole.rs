// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and folders that are whole or not there at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::durable;

pub(super) const TEMPORARY: &str = ".new-";

/// A new empty folder in `parent` for something that is not whole yet. Its
/// name begins with a dot, which no finished thing's does.
pub(crate) fn temporary_folder(parent: &Path) -> BuildResult<PathBuf> {
    fs::create_dir_all(parent).map_err(BuildError::on("make", parent))?;
    // Whoever calls this holds the lock: what others left behind is dead.
    for entry in fs::read_dir(parent).map_err(BuildError::on("read", parent))?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(BuildError::on("remove", &path))?;
        }
    }
    let path = parent.join(format!("{TEMPORARY}{}", std::process::id()));
    fs::create_dir(&path).map_err(BuildError::on("make", &path))?;
    Ok(path)
}

/// Writes a file so that it is either the old one or the whole new one.
pub(crate) fn write(path: &Path, text: &str) -> BuildResult<()> {
    durable::write(path, text.as_bytes()).map_err(BuildError::on("write", path))
}

/// The same for a value as JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> BuildResult<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| BuildError::on("write", path)(error.into()))?;
    write(path, &text)
}

/// A value that [`write_json`] wrote; `None` when there is none that can be read.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_half_made_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".new-1")).unwrap();
        let new = temporary_folder(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(new.exists());
    }
}
