// SPDX-License-Identifier: MIT OR Apache-2.0
//! A copy of the tree in which a fault does no harm.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;

use super::{git_files, mutant::Mutant, repository};

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

    /// Runs the tests that catch the mutant. Those of the modules build what they load
    /// from the copy, and need not be built with it.
    pub fn cargo(&self, mutant: &Mutant, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--locked", "--package", "ringside"]).args(mutant.suite.arguments());
        command.args(more).arg("--").args(&mutant.tests).env_remove("RINGSIDE_MUTANTS");
        if mutant.of_modules {
            command
                .current_dir(repository())
                .env("RINGSIDE_TEST_MODULE_SOURCES", self.0.join("modules"));
        } else {
            command.current_dir(&self.0).env("CARGO_TARGET_DIR", self.0.join("target"));
        }
        command.output().expect("cargo can be started")
    }
}
