// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel's source tree in the cache: unpacking it, and laying our changes
//! over it (`patches`).
//!
//! The tree stays in one place for good, and only the files that a changed
//! patch touches are written again: the next build is as small as the change.

mod patches;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::durable;
use super::super::program::Program;
use super::super::progress::{Amount, Event, Progress, Unit};
use super::parts::Parts;
use super::version::{SERIES, fits, version};

/// What a tree of it takes on disk, unpacked, in bytes (7.3.4).
const UNPACKED: u64 = 1_830_000_000;
/// What tar counts in.
const RECORD: u64 = 10_240;

/// What has been done to a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) version: String,
    /// Where it came from, for people.
    pub(crate) origin: String,
    /// Patches in the order they were applied: name and text.
    patches: Vec<(String, String)>,
    /// Files that were added: path in the tree and text.
    added: BTreeMap<String, String>,
    /// Changes are under way: after an interruption nobody knows how far.
    changing: bool,
}

/// A tree in the cache and the file that says what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) folder: PathBuf,
    /// What identifies where it came from.
    pub(crate) key: String,
}

/// How many records tar has read: `tar: 12000`.
fn records(line: &str) -> Option<u64> {
    line.rsplit(' ').next()?.parse().ok()
}

impl Tree {
    /// The tree with this key, which may not be there yet.
    pub(crate) fn new(sources: &Path, key: &str) -> Self {
        Self { folder: sources.join(key), key: key.to_owned() }
    }

    fn state_file(&self) -> PathBuf {
        self.folder.with_file_name(format!("{}.json", self.key))
    }

    /// The note of all its files.
    fn parts_file(&self) -> PathBuf {
        self.folder.with_file_name(format!("{}.parts.json", self.key))
    }

    /// A file of it that is damaged, if one is.
    pub(crate) fn damaged(&self) -> Option<PathBuf> {
        Parts::read(&self.parts_file())?.damaged(|_| true).map(Path::to_owned)
    }

    /// What it holds; `None` when it isn't whole.
    pub(crate) fn state(&self) -> Option<State> {
        let text = fs::read_to_string(self.state_file()).ok()?;
        let state: State = serde_json::from_str(&text).ok()?;
        (!state.changing && self.folder.join("Makefile").exists()).then_some(state)
    }

    fn save(&self, state: &State) -> BuildResult<()> {
        cache::write_json(&self.state_file(), state)
    }

    /// Unpacks a tarball as this tree.
    ///
    /// # Errors
    /// It is damaged, holds another version, the disk is full, or the caller
    /// wants to stop. Nothing of it stays.
    pub(crate) fn unpack(
        &self,
        tarball: &Path,
        origin: &str,
        progress: &mut dyn Progress,
    ) -> BuildResult<()> {
        progress.step("Unpack the kernel's sources");
        self.make(origin, |folder| {
            let mut command = Command::new("tar");
            command.args(["--extract", "--strip-components=1", "--checkpoint=2000"]);
            command.args(["--checkpoint-action=echo=%u", "--no-same-owner"]);
            // xz uses all processors where the file lets it.
            command.env("XZ_OPT", "-T0").env("LC_ALL", "C");
            command.arg("--file").arg(tarball).arg("--directory").arg(folder);
            Program::new(command, format!("unpacking {}", tarball.display()))
                .listen(|line, progress| match records(line) {
                    Some(records) => {
                        progress.report(Event::Advance(Amount {
                            done: records * RECORD,
                            total: Some(UNPACKED.max(records * RECORD)),
                            about: true,
                            unit: Unit::Bytes,
                        }));
                        false
                    }
                    None => true,
                })
                .run(progress)
        })
    }

    /// Copies somebody's tree as this one, without what a build left in it.
    ///
    /// # Errors
    /// It can't be read, the disk is full, or the caller wants to stop.
    /// Nothing of it stays.
    pub(crate) fn copy(&self, from: &Path, progress: &mut dyn Progress) -> BuildResult<()> {
        progress.step(format!("Copy the kernel's sources from {}", from.display()));
        self.make(&from.display().to_string(), |folder| {
            let entries = fs::read_dir(from).map_err(BuildError::on("read", from))?;
            let mut command = Command::new("cp");
            command.args(["--archive", "--reflink=auto", "--no-preserve=ownership"]);
            command.arg("--target-directory").arg(folder).arg("--");
            let wanted = entries.flatten().filter(|entry| entry.file_name() != ".git");
            command.args(wanted.map(|entry| entry.path()));
            Program::new(command, format!("copying {}", from.display())).run(progress)?;
            if folder.join(".config").exists() || folder.join("include/config").exists() {
                let mut clean = Command::new("make");
                clean.arg("-C").arg(folder).arg("mrproper");
                Program::new(clean, "make mrproper").run(progress)?;
            }
            Ok(())
        })
    }

    /// Has `fill` fill a folder, which then becomes this tree.
    fn make(&self, origin: &str, fill: impl FnOnce(&Path) -> BuildResult<()>) -> BuildResult<()> {
        self.remove()?;
        let parent = self.folder.parent().unwrap_or(Path::new("/"));
        let new = cache::temporary_folder(parent)?;
        let result = fill(&new).and_then(|()| {
            let makefile = fs::read_to_string(new.join("Makefile")).unwrap_or_default();
            let version = version(&makefile).filter(|version| fits(version));
            let version = version.ok_or_else(|| BuildError::Source {
                path: origin.into(),
                why: format!("it holds no Linux {SERIES}"),
            })?;
            // Many small files: all at once is quicker than one by one.
            durable::keep_all(&new).map_err(BuildError::on("write", &new))?;
            durable::rename(&new, &self.folder).map_err(BuildError::on("rename", &new))?;
            Parts::of(&self.folder)?.write(&self.parts_file())?;
            self.save(&State { version, origin: origin.into(), ..State::default() })
        });
        if result.is_err() {
            // Best effort: the next run removes what is left of it.
            drop(fs::remove_dir_all(&new));
        }
        result
    }

    /// Removes it.
    pub(crate) fn remove(&self) -> BuildResult<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        for file in [self.state_file(), self.parts_file()] {
            gone(fs::remove_file(&file)).map_err(BuildError::on("remove", &file))?;
        }
        gone(fs::remove_dir_all(&self.folder)).map_err(BuildError::on("remove", &self.folder))
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::version_in;
    use super::*;

    const MAKEFILE: &str =
        "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\nNAME = X\n";

    pub(super) fn tree(folder: &Path) -> Tree {
        let tree = Tree::new(folder, "k");
        let from = folder.join("from");
        fs::create_dir_all(from.join("kernel")).unwrap();
        fs::write(from.join("Makefile"), MAKEFILE).unwrap();
        fs::write(from.join("kernel/a"), "one\ntwo\nthree\n").unwrap();
        tree.copy(&from, &mut |_| {}).unwrap();
        tree
    }

    #[test]
    fn a_tree_that_was_left_while_it_changed_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree(folder.path());
        let state = tree.state().unwrap();
        assert_eq!(state.version, "7.3.4");
        tree.save(&State { changing: true, ..state }).unwrap();
        assert_eq!(tree.state(), None);
    }

    #[test]
    fn a_truncated_tarball_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("linux-7.3.4");
        fs::create_dir(&from).unwrap();
        fs::write(from.join("Makefile"), MAKEFILE).unwrap();
        fs::write(
            from.join("noise"),
            (0..100_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect::<Vec<_>>(),
        )
        .unwrap();
        let tarball = folder.path().join("linux.tar.gz");
        let tar = Command::new("tar")
            .arg("-C")
            .arg(folder.path())
            .arg("-czf")
            .arg(&tarball)
            .arg("linux-7.3.4")
            .status();
        assert!(tar.unwrap().success());
        assert_eq!(version_in(&tarball).as_deref(), Some("7.3.4"));
        let sources = folder.path().join("sources");
        fs::create_dir(&sources).unwrap();
        let tree = Tree::new(&sources, "k");
        let whole = fs::read(&tarball).unwrap();
        fs::write(&tarball, &whole[..whole.len() / 2]).unwrap();
        let error = tree.unpack(&tarball, "x", &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("unpacking"), "{error}");
        assert_eq!(fs::read_dir(&sources).unwrap().count(), 0);
        fs::write(&tarball, &whole).unwrap();
        tree.unpack(&tarball, "x", &mut |_| {}).unwrap();
        assert_eq!(tree.state().unwrap().version, "7.3.4");
    }
}
