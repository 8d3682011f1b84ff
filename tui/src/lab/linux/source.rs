// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the kernel's sources come from: what the user gave, else what is in
//! the cache, else Debian's archive or kernel.org.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::lock::{Lock, Mode};
use super::super::program::Program;
use super::super::progress::{Progress, Stop};
use super::tree::Tree;
use super::version::{self, SERIES};
use super::{debian, download, kernel_org};
use crate::plain_file;

/// What an archive, its content and the unpacked tree take, in bytes.
pub(crate) const ROOM: u64 = 2_400_000_000;

/// The tree that kernels are built from, until another is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Chosen {
    key: String,
}

fn chosen_file(root: &Path) -> PathBuf {
    cache::sources(root).join("chosen.json")
}

/// The key of the tree that kernels are built from; `None` when there is none.
pub(crate) fn chosen(root: &Path) -> Option<String> {
    cache::read_json::<Chosen>(&chosen_file(root)).map(|chosen| chosen.key)
}

/// The sources, patched and whole. With `given`, a tree or tarball of the
/// user's, which is then used until another is given.
///
/// # Errors
/// They can't be had, are of another version, the disk is full, or the caller
/// wants to stop.
pub(crate) fn ensure(
    root: &Path,
    given: Option<&Path>,
    progress: &mut dyn Progress,
) -> BuildResult<Tree> {
    let sources = cache::sources(root);
    let lock = Lock::take(
        &sources.join("lock"),
        Mode::Exclusive,
        "preparing the kernel's sources",
        progress,
    )?;
    let progress: &mut dyn Progress = &mut lock.over(progress);
    let present = chosen(root).map(|key| Tree::new(&sources, &key));
    let tree = match (given, present) {
        (Some(path), _) => from_user(&sources, path, progress)?,
        (None, Some(tree)) if tree.state().is_some() => tree,
        (None, _) => from_archive(root, progress)?,
    };
    tree.bring_up_to_date(progress)?;
    let key = tree.key.clone();
    if chosen(root).as_ref() != Some(&key) {
        cache::write_json(&chosen_file(root), &Chosen { key })?;
    }
    Ok(tree)
}

/// The same once every file of the tree that there is has been read again: where one is
/// damaged, the tree is unpacked or copied again.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn ensure_sound(
    root: &Path,
    given: Option<&Path>,
    progress: &mut dyn Progress,
) -> BuildResult<Tree> {
    let origin = mend(root, progress)?;
    ensure(root, given.or(origin.as_deref()), progress)
}

/// Removes the chosen tree where a file of it is damaged. Returns the user's own that
/// it was copied from, if that is still there.
fn mend(root: &Path, progress: &mut dyn Progress) -> BuildResult<Option<PathBuf>> {
    let sources = cache::sources(root);
    let what = "checking the kernel's sources";
    let lock = Lock::take(&sources.join("lock"), Mode::Exclusive, what, progress)?;
    let progress: &mut dyn Progress = &mut lock.over(progress);
    let Some(tree) = chosen(root).map(|key| Tree::new(&sources, &key)) else { return Ok(None) };
    let Some(state) = tree.state() else { return Ok(None) };
    progress.step("Check the kernel's sources");
    let Some(damaged) = tree.damaged() else { return Ok(None) };
    progress.note(format!("{} was damaged; the sources are made again", damaged.display()));
    tree.remove()?;
    let origin = PathBuf::from(state.origin);
    Ok((origin.is_absolute() && origin.exists()).then_some(origin))
}

/// From Debian's archive where this is a Debian, else from kernel.org.
fn from_archive(root: &Path, progress: &mut dyn Progress) -> BuildResult<Tree> {
    let (sources, downloads) = (cache::sources(root), cache::downloads(root));
    cache::room(root, ROOM)?;
    fs::create_dir_all(&downloads).map_err(BuildError::on("make", &downloads))?;
    let archive = match debian::archive() {
        Some(source) => debian::fetch(&source, &downloads, progress)?,
        None => kernel_org::fetch(&downloads, progress)?,
    };
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // What identifies a published archive is its name; it was verified.
    let tree = Tree::new(&sources, &key(&name, name.as_bytes()));
    if tree.state().is_none() {
        let inner = downloads.join("package");
        let tarball = match archive.extension().is_some_and(|kind| kind == "deb") {
            true => open_package(&archive, &inner, progress)?,
            false => archive.clone(),
        };
        let result = tree.unpack(&tarball, &name, progress);
        drop(fs::remove_dir_all(&inner));
        result?;
    }
    Ok(tree)
}

/// Opens a Debian package into `folder`; returns the tarball that it holds.
fn open_package(
    package: &Path,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<PathBuf> {
    drop(fs::remove_dir_all(folder));
    let mut command = Command::new("dpkg-deb");
    command.arg("--extract").arg(package).arg(folder);
    Program::new(command, format!("opening {}", package.display())).run(progress)?;
    let inside = folder.join("usr/src");
    let entries = fs::read_dir(&inside).map_err(BuildError::on("read", &inside))?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains(".tar"))
        .ok_or_else(|| BuildError::Fetch {
            why: format!("{} holds no tarball", package.display()),
            last: Vec::new(),
        })
}

/// From a tree or tarball of the user's, which is not changed.
fn from_user(sources: &Path, given: &Path, progress: &mut dyn Progress) -> BuildResult<Tree> {
    let wrong = |why: String| BuildError::Source { path: given.to_owned(), why };
    let path = given.canonicalize().map_err(|error| wrong(error.to_string()))?;
    if !path.is_dir() {
        plain_file::check(&path).map_err(|error| wrong(error.to_string()))?;
    }
    let version = match path.is_dir() {
        true => {
            fs::read_to_string(path.join("Makefile")).ok().and_then(|text| version::version(&text))
        }
        false => version::version_in(&path),
    };
    match version {
        Some(version) if version::fits(&version) => {}
        Some(version) => {
            return Err(wrong(format!(
                "it is Linux {version}, and Ringside's modules and patches are made for {SERIES}"
            )));
        }
        None => {
            return Err(wrong("it is neither a kernel's tree nor a tarball of one".into()));
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let identity = match path.is_dir() {
        true => identity(&path, progress)?,
        false => download::sha256(&path, progress)?,
    };
    let tree = Tree::new(sources, &key(&name, identity.as_bytes()));
    if tree.state().is_none() {
        cache::room(sources, ROOM)?;
        match path.is_dir() {
            true => tree.copy(&path, progress)?,
            false => {
                tree.unpack(&path, &path.display().to_string(), progress).map_err(|error| {
                    match error {
                        BuildError::Command { last, .. } => wrong(last.join("; ")),
                        other => other,
                    }
                })?
            }
        }
    }
    Ok(tree)
}

/// A name for a folder: readable, and unique to the content.
fn key(name: &str, identity: &[u8]) -> String {
    let stem = name.split(".tar").next().unwrap_or(name).trim_end_matches(".deb");
    let plain: String = stem
        .chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => character,
            _ => '-',
        })
        .collect();
    let digest = crate::text::bytes::hex(&Sha256::digest(identity)[..4]);
    format!("{}-{digest}", plain.trim_start_matches('.'))
}

/// Identifies a folder by the names, sizes and times of all files in it.
fn identity(folder: &Path, progress: &mut dyn Progress) -> BuildResult<String> {
    let mut hash = Sha256::new();
    hash.update(folder.as_os_str().as_encoded_bytes());
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        if progress.stop() > Stop::No {
            return Err(BuildError::Stopped(format!("reading {}", folder.display())));
        }
        let entries = fs::read_dir(&next).map_err(BuildError::on("read", &next))?;
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let meta = entry.metadata().map_err(BuildError::on("look at", &path))?;
            if entry.file_name() == ".git" {
                continue;
            }
            hash.update(path.as_os_str().as_encoded_bytes());
            if meta.is_dir() {
                open.push(path);
            } else {
                hash.update(meta.size().to_le_bytes());
                hash.update(meta.mtime().to_le_bytes());
                hash.update(meta.mtime_nsec().to_le_bytes());
            }
        }
    }
    Ok(crate::text::bytes::hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("linux-6.12");
        fs::create_dir(&given).unwrap();
        fs::write(
            given.join("Makefile"),
            "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n",
        )
        .unwrap();
        let root = folder.path().join("cache");
        let refused =
            |given: &Path| ensure(&root, Some(given), &mut |_| {}).unwrap_err().to_string();
        assert!(refused(&given).contains("it is Linux 6.12.1, and"), "{}", refused(&given));
        fs::write(given.join("Makefile"), "all:\n").unwrap();
        assert!(refused(&given).contains("neither a kernel's tree nor a tarball"));
        assert!(refused(&given.join("Makefile")).contains("neither a kernel's tree nor a tarball"));
        assert!(refused(&folder.path().join("nothing")).contains("No such file"));
        assert_eq!(chosen(&root), None);
    }

    #[test]
    fn a_damaged_tree_is_removed_and_its_origin_named() {
        let folder = tempfile::tempdir().unwrap();
        let given = folder.path().join("linux-7.3");
        fs::create_dir_all(given.join("kernel")).unwrap();
        let makefile = "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n";
        fs::write(given.join("Makefile"), makefile).unwrap();
        fs::write(given.join("kernel/fork.c"), "int one;\n").unwrap();
        let root = folder.path().join("cache");
        let sources = cache::sources(&root);
        fs::create_dir_all(&sources).unwrap();
        let tree = from_user(&sources, &given, &mut |_| {}).unwrap();
        cache::write_json(&chosen_file(&root), &Chosen { key: tree.key.clone() }).unwrap();
        assert_eq!(mend(&root, &mut |_| {}).unwrap(), None);
        assert!(tree.state().is_some());
        super::super::parts::tests::flip(&tree.folder.join("kernel/fork.c"));
        assert_eq!(mend(&root, &mut |_| {}).unwrap(), Some(given.clone()));
        assert_eq!(tree.state(), None);
        let again = from_user(&sources, &given, &mut |_| {}).unwrap();
        let text = fs::read_to_string(again.folder.join("kernel/fork.c")).unwrap();
        assert_eq!((again.key, text.as_str()), (tree.key, "int one;\n"));
    }

    #[test]
    fn a_changed_tree_has_another_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let one = identity(folder.path(), &mut |_| {}).unwrap();
        assert_eq!(identity(folder.path(), &mut |_| {}).unwrap(), one);
        fs::write(folder.path().join("a"), "22").unwrap();
        assert_ne!(identity(folder.path(), &mut |_| {}).unwrap(), one);
        assert!(
            key("linux-source-7.3_7.3.4-1~bpo13+1_all.deb", b"")
                .starts_with("linux-source-7.3-7.3.4-1-bpo13-1-all-")
        );
    }
}
