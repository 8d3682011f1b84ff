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
//! own/              a copy of the modules that travel with the program
//! ```
//!
//! A thing is made under a temporary name and renamed when it is whole, or has a
//! stamp that is written last: what was interrupted is never taken for done.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::build_error::{BuildError, BuildResult};
use super::flavour::Flavour;
use super::lock::{Lock, Mode};
use super::progress::Progress;

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

/// A part of the cache that can be looked at and cleaned by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Kernel archives.
    Downloads,
    /// Kernel trees.
    Sources,
    /// Kernels.
    Build,
    /// Modules.
    Modules,
    /// Programs.
    Tools,
    /// What guests start from.
    Guests,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Downloads,
        Self::Sources,
        Self::Build,
        Self::Modules,
        Self::Tools,
        Self::Guests,
    ];

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
                let others: Vec<PathBuf> = Self::ALL[..5]
                    .iter()
                    .flat_map(|part| part.folders(root))
                    .collect();
                let entries = fs::read_dir(root).into_iter().flatten().flatten();
                entries
                    .map(|entry| entry.path())
                    .filter(|path| !others.contains(path))
                    .collect()
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
    pub root: PathBuf,
    /// Its parts.
    pub parts: Vec<PartUsage>,
}

/// What each part of the cache takes.
pub fn usage(root: &Path) -> Usage {
    let bytes = |part: Part| part.folders(root).iter().map(|path| size(path)).sum();
    Usage {
        root: root.to_owned(),
        parts: Part::ALL
            .into_iter()
            .map(|part| PartUsage {
                name: part.name(),
                what: part.what(),
                bytes: bytes(part),
            })
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
            locks.push(super::kernel::lock(
                root,
                flavour,
                Mode::Exclusive,
                progress,
            )?);
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
            usage
                .parts
                .iter()
                .find(|part| part.name == name)
                .unwrap()
                .bytes
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

    #[test]
    fn what_was_left_half_made_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".new-1")).unwrap();
        let new = temporary_folder(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(new.exists());
    }
}
