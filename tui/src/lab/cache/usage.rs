// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the cache takes, part by part, and cleaning it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::whole::TEMPORARY;
use super::{downloads, modules, sources, tools};
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::flavour::Flavour;
use crate::lab::linux;
use crate::lab::lock::{Lock, Mode};
use crate::lab::paths::lossy;
use crate::lab::progress::Progress;

/// A part of the cache that can be looked at and cleaned by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Kernel archives.
    Downloads,
    /// Kernel trees.
    Sources,
    /// Kernels.
    Build,
    Modules,
    /// Programs.
    Tools,
    /// What guests start from.
    Guests,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Downloads, Self::Sources, Self::Build, Self::Modules, Self::Tools, Self::Guests];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Downloads => "downloads",
            Self::Sources => "sources",
            Self::Build => "build",
            Self::Modules => "modules",
            Self::Tools => "tools",
            Self::Guests => "guests",
        }
    }

    /// What it holds.
    pub fn what(self) -> &'static str {
        match self {
            Self::Downloads => "the kernel's archive as it was published",
            Self::Sources => "the kernel's sources, unpacked and patched",
            Self::Build => "built kernels",
            Self::Modules => "built modules",
            Self::Tools => "bindgen, where no package has it",
            Self::Guests => "saved machines and what else guests start from",
        }
    }

    /// Its folders; for the guests, all that no other part has.
    fn folders(self, root: &Path) -> Vec<PathBuf> {
        match self {
            Self::Downloads => vec![downloads(root)],
            Self::Sources => vec![sources(root)],
            Self::Build => vec![root.join("build"), root.join("kernels")],
            Self::Modules => vec![modules(root), root.join("own")],
            Self::Tools => vec![tools(root)],
            Self::Guests => {
                let others: Vec<PathBuf> =
                    Self::ALL[..5].iter().flat_map(|part| part.folders(root)).collect();
                let entries = fs::read_dir(root).into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).filter(|path| !others.contains(path)).collect()
            }
        }
    }
}

/// What one part takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartUsage {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it holds.
    pub what: &'static str,
    /// Bytes on disk.
    pub bytes: u64,
}

/// What the cache takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The cache folder.
    #[serde(serialize_with = "lossy")]
    pub root: PathBuf,
    pub parts: Vec<PartUsage>,
}

/// What each part of the cache takes.
pub fn usage(root: &Path) -> Usage {
    let bytes = |part: Part| part.folders(root).iter().map(|path| size(path)).sum();
    Usage {
        root: root.to_owned(),
        parts: Part::ALL
            .into_iter()
            .map(|part| PartUsage { name: part.name(), what: part.what(), bytes: bytes(part) })
            .collect(),
    }
}

/// Removes a part; what is removed is made again when it is needed. Waits for
/// those who are using it. Returns the bytes that it took.
///
/// # Errors
/// Something can't be removed, or the caller wants to stop.
pub fn clean(root: &Path, part: Part, progress: &mut dyn Progress) -> BuildResult<u64> {
    // Whoever writes there holds one of these, and they are taken in the
    // order in which a build takes them.
    let mut locks = Vec::new();
    if matches!(part, Part::Build | Part::Modules | Part::Sources) && root.join("build").exists() {
        for flavour in Flavour::ALL {
            locks.push(linux::lock(root, flavour, Mode::Exclusive, progress)?);
        }
    }
    if matches!(part, Part::Sources | Part::Downloads) && sources(root).exists() {
        let (lock, what) = (sources(root).join("lock"), "preparing the kernel's sources");
        locks.push(Lock::take(&lock, Mode::Exclusive, what, progress)?);
    }
    let mut freed = 0;
    for path in part.folders(root).into_iter().filter(|path| path.exists()) {
        freed += size(&path);
        let meta = fs::symlink_metadata(&path).map_err(BuildError::on("look at", &path))?;
        let removed = match meta.is_dir() {
            // Under another name first: half of it is never taken for whole.
            true => {
                let dying = root.join(format!("{TEMPORARY}{}", std::process::id()));
                fs::rename(&path, &dying).and_then(|()| fs::remove_dir_all(&dying))
            }
            false => fs::remove_file(&path),
        };
        removed.map_err(BuildError::on("remove", &path))?;
    }
    Ok(freed)
}

/// Bytes that a file or folder takes on disk.
fn size(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return 0;
    };
    let inside: u64 = match meta.is_dir() {
        true => fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| size(&entry.path()))
            .sum(),
        false => 0,
    };
    meta.blocks() * 512 + inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_cleaned_without_touching_another() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![0; 10_000]).unwrap();
        };
        for path in [
            "downloads/a.deb",
            "sources/k/Makefile",
            "build/lab/vmlinux",
            "saved/state",
            "modules/m.ko",
        ] {
            write(path);
        }
        let bytes = |name: &str| {
            let usage = usage(root.path());
            usage.parts.iter().find(|part| part.name == name).unwrap().bytes
        };
        assert!(bytes("guests") >= 10_000 && bytes("build") >= 10_000);
        assert!(clean(root.path(), Part::Build, &mut |_| {}).unwrap() >= 10_000);
        assert_eq!(bytes("build"), 0);
        assert!(clean(root.path(), Part::Guests, &mut |_| {}).unwrap() >= 10_000);
        assert_eq!(bytes("guests"), 0);
        assert!(
            bytes("downloads") >= 10_000
                && bytes("sources") >= 10_000
                && bytes("modules") >= 10_000
        );
        for part in Part::ALL {
            clean(root.path(), part, &mut |_| {}).unwrap();
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
