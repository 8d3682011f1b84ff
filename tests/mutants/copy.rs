// SPDX-License-Identifier: MIT OR Apache-2.0
//! A copy of the tree in which a fault does no harm.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;

use super::{git_files, mutant::Mutant};

/// A copy of all that belongs to the tree, in a folder that is used again: what was
/// built for one mutant need not be built for the next.
pub struct Copy(PathBuf);

impl Copy {
    /// One without any fault. Only what differs is written, so that cargo builds
    /// no more than that again.
    pub fn of(tree: &Path) -> Result<Self, Failed> {
        let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
        for file in git_files(tree)? {
            let (from, to) = (tree.join(&file), copy.join(&file));
            let Ok(wanted) = std::fs::read(&from) else {
                continue;
            };
            if std::fs::read(&to).is_ok_and(|found| found == wanted) {
                continue;
            }
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(&from, &to)?;
        }
        Ok(Self(copy))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Runs the tests that catch the mutant.
    pub fn cargo(&self, mutant: &Mutant, more: &[&str]) -> Output {
        Command::new(env!("CARGO"))
            .current_dir(&self.0)
            .args(["test", "--locked", "--package", "ringside"])
            .args(mutant.suite.arguments())
            .args(more)
            .arg("--")
            .args(&mutant.tests)
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env_remove("RINGSIDE_MUTANTS")
            .output()
            .expect("cargo can be started")
    }
}
