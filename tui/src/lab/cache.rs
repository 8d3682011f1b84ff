// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's cache folder: where everything lies that the lab makes.
//!
//! ```text
//! downloads/        kernel archives as they were published
//! sources/<key>/    unpacked and patched kernel trees
//! build/<flavour>/  one incremental kernel build each
//! kernels/          a stamp for each kernel that is whole
//! modules/          what modules are built into, one folder for each source and kernel
//! tools/            programs that no package provides (bindgen)
//! ```
//!
//! A thing is made under a temporary name and renamed when it is whole, or has a
//! stamp that is written last: what was interrupted is never taken for done.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::build_error::{BuildError, BuildResult};
use super::flavour::Flavour;

/// The cache folder: `RINGSIDE_CACHE`, else `$XDG_CACHE_HOME/ringside`, else
/// `~/.cache/ringside`. Not made here.
///
/// # Errors
/// None of the three variables is set to an absolute path.
pub fn root() -> BuildResult<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("RINGSIDE_CACHE")
        .or_else(|| Some(absolute("XDG_CACHE_HOME")?.join("ringside")))
        .or_else(|| Some(absolute("HOME")?.join(".cache/ringside")))
        .ok_or_else(|| BuildError::Io {
            doing: "find the cache folder".into(),
            source: std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "neither RINGSIDE_CACHE, XDG_CACHE_HOME nor HOME is set to an absolute path",
            ),
        })
}

/// Where kernel archives lie as they were published.
pub(crate) fn downloads(root: &Path) -> PathBuf {
    root.join("downloads")
}

/// Where kernel trees lie.
pub(crate) fn sources(root: &Path) -> PathBuf {
    root.join("sources")
}

/// The folder a kernel is built in.
pub(crate) fn build(root: &Path, flavour: Flavour) -> PathBuf {
    root.join("build").join(flavour.name())
}

/// Where the programs lie that no package provides.
pub(crate) fn tools(root: &Path) -> PathBuf {
    root.join("tools")
}

/// Where modules are built.
pub(crate) fn modules(root: &Path) -> PathBuf {
    root.join("modules")
}

/// A new empty folder in `parent` for something that is not whole yet. Its
/// name begins with a dot, which no finished thing's does.
pub(crate) fn temporary_folder(parent: &Path) -> BuildResult<PathBuf> {
    fs::create_dir_all(parent).map_err(BuildError::on("make", parent))?;
    // Whoever calls this holds the lock: what others left behind is dead.
    for entry in fs::read_dir(parent)
        .map_err(BuildError::on("read", parent))?
        .flatten()
    {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY.as_bytes())
        {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(BuildError::on("remove", &path))?;
        }
    }
    let path = parent.join(format!("{TEMPORARY}{}", std::process::id()));
    fs::create_dir(&path).map_err(BuildError::on("make", &path))?;
    Ok(path)
}

const TEMPORARY: &str = ".new-";

/// Writes a file so that it is either the old one or the whole new one.
pub(crate) fn write(path: &Path, text: &str) -> BuildResult<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).map_err(BuildError::on("write", &new))?;
    fs::rename(&new, path).map_err(BuildError::on("rename", &new))
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

/// Makes sure that `needed` bytes are free where `folder` is or will be.
///
/// # Errors
/// They are not.
pub(crate) fn room(folder: &Path, needed: u64) -> BuildResult<()> {
    let free = free(folder)?;
    if free >= needed {
        return Ok(());
    }
    Err(BuildError::NoSpace {
        folder: folder.to_owned(),
        needed: amount(needed),
        free: amount(free),
    })
}

/// Bytes that are free where `folder` is or will be.
pub(crate) fn free(folder: &Path) -> BuildResult<u64> {
    let there = folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    let stat = nix::sys::statvfs::statvfs(there)
        .map_err(|errno| BuildError::on("look at", there)(errno.into()))?;
    Ok(stat.blocks_available() * stat.fragment_size())
}

/// Bytes for people: `1.8 GiB`.
pub fn amount(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            let digits = usize::from(unit != "B" && value < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        assert_eq!(amount(0), "0 B");
        assert_eq!(amount(1536), "1.5 KiB");
        assert_eq!(amount(166_780_612), "159 MiB");
        assert_eq!(amount(1_890_000_000), "1.8 GiB");
    }

    #[test]
    fn a_full_disk_is_noticed_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/there/yet");
        room(&missing, 1).unwrap();
        let error = room(&missing, 1 << 60).unwrap_err();
        assert!(error.to_string().contains("not enough room"), "{error}");
        assert!(error.remedy().unwrap().contains("RINGSIDE_CACHE"));
        assert!(!missing.exists());
    }

    #[test]
    fn what_was_left_half_made_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".new-1")).unwrap();
        let new = temporary_folder(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(new.exists());
    }
}
