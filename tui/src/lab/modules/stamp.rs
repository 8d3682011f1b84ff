// SPDX-License-Identifier: MIT OR Apache-2.0
//! The note of what a folder's last build made and read, written last. Whoever
//! finds nothing changed since needs no make.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::build_error::BuildResult;
use super::super::cache;
use super::super::linux::Kernel;
use super::super::paths::exact;
use super::super::seen::Seen;
use super::stage::Stage;

/// Of a build's folder.
const FILE: &str = "built.json";

/// What a build made and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    /// The folder that was built.
    #[serde(with = "exact")]
    pub(crate) folder: PathBuf,
    /// Identifies the kernel.
    kernel: String,
    /// All that the folder builds was built; else only `modules`.
    whole: bool,
    sources: Vec<Seen>,
    /// What else the compilers read: headers outside of folder and kernel,
    /// symbols of other folders.
    outside: Vec<Seen>,
    /// The modules that were made.
    modules: Vec<Seen>,
    /// What was worth a word about the build.
    pub(crate) notes: Vec<String>,
}

impl Stamp {
    /// Of a build that just ended.
    pub(super) fn new(
        kernel: &Kernel,
        stage: &Stage,
        modules: &[PathBuf],
        whole: bool,
        symbols: &[PathBuf],
        notes: Vec<String>,
    ) -> Self {
        let mut outside = read_outside(kernel, stage);
        outside.extend(symbols.iter().cloned());
        Self {
            folder: stage.folder.clone(),
            kernel: identity(kernel),
            whole,
            sources: stage.sources.clone(),
            outside: outside.iter().filter_map(|path| Seen::now(path)).collect(),
            modules: modules.iter().filter_map(|path| Seen::made(path)).collect(),
            notes,
        }
    }

    /// Reads that of the build in `output`.
    pub(super) fn read(output: &Path) -> Option<Self> {
        cache::read_json(&output.join(FILE))
    }

    pub(super) fn write(&self, output: &Path) -> BuildResult<()> {
        cache::write_json(&output.join(FILE), self)
    }

    /// Removes it, before anything it speaks of is touched, and the modules that are
    /// damaged.
    pub(super) fn remove(output: &Path) {
        if let Some(stamp) = Self::read(output) {
            stamp.modules.iter().for_each(Seen::remove_damaged);
        }
        // If it can't be removed, what it says of the files no longer holds.
        drop(fs::remove_file(output.join(FILE)));
    }

    /// The modules that were made and are still there as they were.
    pub(super) fn modules(&self) -> impl Iterator<Item = &Path> {
        self.modules.iter().filter(|seen| seen.intact()).map(|seen| seen.path.as_path())
    }

    /// Would a build with these sources make the same again?
    pub(super) fn current(&self, kernel: &Kernel, sources: &[Seen]) -> bool {
        self.whole
            && self.kernel == identity(kernel)
            && self.sources == sources
            && self.outside.iter().all(Seen::unchanged)
            && self.modules.iter().all(Seen::intact)
    }
}

/// Two kernels of one release may come from different folders. Behind them, how
/// modules are built, in a word that is new whenever that changes.
fn identity(kernel: &Kernel) -> String {
    format!("{} {} {} -g", kernel.release, kernel.hash, kernel.build_dir.display())
}

/// The files outside of stage and kernel that the compilers say they read.
fn read_outside(kernel: &Kernel, stage: &Stage) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let known = [stage.tree(), &kernel.build_dir, &kernel.source_dir];
    let mut folders = vec![stage.tree().to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "cmd") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let words = text.split_whitespace().filter(|word| word.starts_with('/'));
                found.extend(words.map(PathBuf::from).filter(|path| {
                    !known.iter().any(|known| path.starts_with(known)) && path.is_file()
                }));
            }
        }
    }
    found
}
