// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's cache folder: where everything lies that the lab makes.
//!
//! ```text
//! downloads/        kernel archives as they were published
//! sources/<key>/    unpacked and patched kernel trees
//! build/<flavour>/  one incremental kernel build each
//! kernels/          a stamp for each kernel that is whole
//! marks/            marks of labs that were told to keep them
//! modules/          what modules are built into, one folder for each source and kernel
//! graded/           what submissions were built into, and their verdicts
//! tools/            programs that no package provides (bindgen)
//! own/              a copy of the modules that travel with the program
//! ringside.log      what was met with and has no place on the screen
//! ```
//!
//! A thing is made under a temporary name and renamed when it is whole, or has a
//! stamp that is written last: what was interrupted is never taken for done.

mod space;
pub mod usage;
mod whole;

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(crate) use self::space::{free, room};
pub(crate) use self::whole::{read_json, temporary_folder, write, write_json};
use super::build_error::{BuildError, BuildResult};
use super::flavour::Flavour;

/// Names the cache folder.
const VARIABLE: &str = "RINGSIDE_CACHE";

/// The cache folder: `RINGSIDE_CACHE`, else `$XDG_CACHE_HOME/ringside`, else
/// `~/.cache/ringside`. It is made where it is missing, and is this user's alone:
/// saved machines and builds tell what this user does.
///
/// # Errors
/// `RINGSIDE_CACHE` is set to a relative path, or none of the three variables is
/// set to an absolute one.
pub fn root() -> BuildResult<PathBuf> {
    let root = place()?;
    close(&root);
    Ok(root)
}

/// The same for whoever only looks: nothing is made or changed.
///
/// # Errors
/// As [`root`].
pub fn place() -> BuildResult<PathBuf> {
    root_by(|name| std::env::var_os(name))
}

/// What lies in the cache folder by our hands.
const OURS: [&str; 16] = [
    "build",
    "downloads",
    "graded",
    "initramfs",
    "installed",
    "kernels",
    "marks",
    "modules",
    "nothing",
    "own",
    "settings",
    "sources",
    "states",
    "tools",
    "verdicts",
    "ringside.log",
];

/// Closes the cache folder to others, and what lies in it from a time when it was
/// open. What can't be closed is another user's, who knows why it is open.
fn close(root: &Path) {
    // Whoever needs it says so when it can't be made.
    drop(DirBuilder::new().recursive(true).mode(0o700).create(root));
    let user = nix::unistd::geteuid().as_raw();
    let close = |path: &Path| {
        let Ok(meta) = path.symlink_metadata() else { return };
        let open = meta.mode() & 0o077 != 0 && !meta.is_symlink();
        // A folder like /tmp is meant for everybody, and only what is in it is ours.
        if open && meta.uid() == user && meta.mode() & 0o1000 == 0 {
            let mode = fs::Permissions::from_mode(meta.mode() & 0o7700);
            if let Err(error) = fs::set_permissions(path, mode) {
                tracing::debug!("close {}: {error}", path.display());
            }
        }
    };
    close(root);
    for name in OURS {
        close(&root.join(name));
    }
    for entry in fs::read_dir(root.join("states")).into_iter().flatten().flatten() {
        close(&entry.path());
    }
}

fn root_by(variable: impl Fn(&str) -> Option<OsString>) -> BuildResult<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // A relative one would be another folder for each working directory, and each
    // would fill with a kernel.
    match set(VARIABLE) {
        Some(path) if path.is_absolute() => return Ok(path),
        Some(path) => return Err(BuildError::RelativeCache { path }),
        None => {}
    }
    // Relative ones are to be ignored, says their specification.
    let absolute = |name| set(name).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .map(|folder| folder.join("ringside"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(set: &[(&str, &str)]) -> Result<PathBuf, String> {
        root_by(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_cache_is_where_the_first_variable_says() {
        let (own, home) = (("RINGSIDE_CACHE", "/own"), ("HOME", "/me"));
        assert_eq!(found(&[own, ("XDG_CACHE_HOME", "/x"), home]), Ok("/own".into()));
        assert_eq!(found(&[("XDG_CACHE_HOME", "/x"), home]), Ok("/x/ringside".into()));
        assert_eq!(found(&[("XDG_CACHE_HOME", "x"), home]), Ok("/me/.cache/ringside".into()));
        assert_eq!(found(&[("RINGSIDE_CACHE", ""), home]), Ok("/me/.cache/ringside".into()));
        assert!(found(&[]).unwrap_err().contains("HOME"));
    }

    #[test]
    fn the_cache_and_what_is_in_it_is_closed_to_others() {
        let above = tempfile::tempdir().unwrap();
        let root = above.path().join("a/cache");
        close(&root);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&root), 0o700);
        for folder in [root.join("states"), root.join("modules")] {
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let saved = root.join("states/a.state");
        fs::write(&saved, "").unwrap();
        for path in [&saved, &root] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        close(&root);
        for folder in [&root, &root.join("states"), &root.join("modules"), &saved] {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }

    #[test]
    fn a_folder_for_everybody_stays_one_though_a_cache_lies_in_it() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        close(root.path());
        assert_eq!(fs::metadata(root.path()).unwrap().mode() & 0o7777, 0o1777);
    }

    #[test]
    fn a_relative_cache_is_refused_and_not_ignored() {
        let error = found(&[("RINGSIDE_CACHE", "cache"), ("HOME", "/me")]).unwrap_err();
        assert!(error.contains("RINGSIDE_CACHE") && error.contains("\"cache\""), "{error}");
    }
}
