// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders of modules as people bring them, and building them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::surroundings::Surroundings;

/// Where the folders of this test lie.
const FOLDERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lab/folders");

/// A copy of a folder of ours that a test may change.
pub struct Brought {
    _top: tempfile::TempDir,
    pub folder: PathBuf,
}

impl Brought {
    pub fn new(name: &str) -> Self {
        Self::below(name, "brought")
    }

    /// The same below a folder of this name.
    pub fn below(name: &str, parent: &str) -> Self {
        let top = tempfile::tempdir().expect("a folder");
        let folder = top.path().join(parent).join(name);
        copy(&Path::new(FOLDERS).join(name), &folder);
        Self { _top: top, folder }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("our folders").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}

/// Every file below a folder with its content.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            true => all.extend(content(&path)),
            false => drop(all.insert(path.clone(), fs::read(&path).unwrap_or_default())),
        }
    }
    all
}

/// `ringside build FOLDERS…` from another folder; checks that nothing was
/// written into them.
pub fn build(folders: &[&Path]) -> (Output, Vec<PathBuf>) {
    let surroundings = Surroundings::new();
    let before: Vec<_> = folders.iter().map(|folder| content(folder)).collect();
    let mut command = surroundings.command(&["build"]);
    let output = command.args(folders).current_dir("/").output().expect("ringside runs");
    let after: Vec<_> = folders.iter().map(|folder| content(folder)).collect();
    assert!(before == after, "something was written into {folders:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text.lines().map(PathBuf::from).collect())
}

pub fn names(modules: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    modules.iter().map(name).collect()
}

pub fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
