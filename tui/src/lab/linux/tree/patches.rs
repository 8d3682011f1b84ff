// SPDX-License-Identifier: MIT OR Apache-2.0
//! Laying our changes over a tree: only the files that a changed patch touches
//! are written again.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::super::parts::Parts;
use super::Tree;
use crate::embedded;
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::program::Program;
use crate::lab::progress::Progress;

/// The files that are added to the kernel: path in the tree, text.
fn additions() -> BTreeMap<String, String> {
    embedded::MODULES
        .iter()
        .filter(|(path, _)| *path == "my_syscall/my_syscall.rs")
        .map(|(_, text)| ("kernel/my_syscall.rs".to_owned(), (*text).to_owned()))
        .collect()
}

impl Tree {
    /// Makes our patches and files, as they are now, part of the tree.
    ///
    /// # Errors
    /// A patch does not apply, or the disk is full.
    pub(crate) fn bring_up_to_date(&self, progress: &mut dyn Progress) -> BuildResult<()> {
        let patches = embedded::KERNEL_PATCHES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        self.change(patches, additions(), progress)
    }

    fn change(
        &self,
        patches: Vec<(String, String)>,
        added: BTreeMap<String, String>,
        progress: &mut dyn Progress,
    ) -> BuildResult<()> {
        let Some(mut state) = self.state() else {
            return Err(BuildError::Source {
                path: self.folder.clone(),
                why: "it is not whole".into(),
            });
        };
        if state.patches == patches && state.added == added {
            return Ok(());
        }
        progress.step("Patch the kernel's sources");
        let same = state.patches.iter().zip(&patches).take_while(|(old, new)| old == new).count();
        state.changing = true;
        self.save(&state)?;
        while state.patches.len() > same {
            if let Some((name, text)) = state.patches.pop() {
                self.patch(&name, &text, true)?;
            }
        }
        for (name, text) in &patches[same..] {
            if let Err(error) = self.patch(name, text, false) {
                // The ones before it are whole, so the tree is too.
                state.changing = false;
                self.save(&state)?;
                return Err(error);
            }
            state.patches.push((name.clone(), text.clone()));
        }
        for path in state.added.keys().filter(|path| !added.contains_key(*path)) {
            let path = self.folder.join(path);
            fs::remove_file(&path).map_err(BuildError::on("remove", &path))?;
        }
        for (path, text) in
            added.iter().filter(|(path, text)| state.added.get(*path) != Some(*text))
        {
            let path = self.folder.join(path);
            fs::write(&path, text).map_err(BuildError::on("write", &path))?;
        }
        if let Some(mut parts) = Parts::read(&self.parts_file()) {
            parts.renew(added.keys().map(|path| self.folder.join(path)));
            parts.write(&self.parts_file())?;
        }
        state.added = added;
        state.changing = false;
        self.save(&state)
    }

    /// Applies one patch or takes it back; all of it or nothing.
    fn patch(&self, name: &str, text: &str, reverse: bool) -> BuildResult<()> {
        let file = self.folder.with_file_name(format!("{}.patch", self.key));
        fs::write(&file, text).map_err(BuildError::on("write", &file))?;
        let run = |trial: bool| {
            let mut command = Command::new("patch");
            command.args(["--strip=1", "--batch", "--forward", "--no-backup-if-mismatch"]);
            command.args(["--reject-file=-", "--silent"]);
            command.args(reverse.then_some("--reverse"));
            command.args(trial.then_some("--dry-run"));
            command.arg("--directory").arg(&self.folder).arg("--input").arg(&file);
            let what = match reverse {
                false => format!("applying {name} to {}", self.folder.display()),
                true => format!("taking {name} back from {}", self.folder.display()),
            };
            // Too short to be interrupted, and better not.
            Program::new(command, what).run(&mut |_| {})
        };
        let result = run(true).and_then(|()| run(false));
        drop(fs::remove_file(&file));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    fn patch(from: &str, to: &str) -> String {
        format!("--- a/kernel/a\n+++ b/kernel/a\n@@ -1,3 +1,3 @@\n one\n-{from}\n+{to}\n three\n")
    }

    #[test]
    fn a_changed_patch_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree(folder.path());
        let text = || fs::read_to_string(tree.folder.join("kernel/a")).unwrap();
        let change = |patches: &[(&str, String)]| {
            let patches =
                patches.iter().map(|(name, text)| ((*name).into(), text.clone())).collect();
            tree.change(patches, BTreeMap::new(), &mut |_| {})
        };
        change(&[("1", patch("two", "2"))]).unwrap();
        assert_eq!(text(), "one\n2\nthree\n");
        change(&[("1", patch("two", "2")), ("2", patch("2", "zwei"))]).unwrap();
        assert_eq!(text(), "one\nzwei\nthree\n");
        change(&[("1", patch("two", "deux"))]).unwrap();
        assert_eq!(text(), "one\ndeux\nthree\n");
        let error = change(&[("bad", patch("seven", "7"))]).unwrap_err().to_string();
        assert!(error.contains("applying bad"), "{error}");
        assert_eq!(text(), "one\ntwo\nthree\n");
        assert!(tree.state().is_some(), "a patch that does not apply leaves a whole tree");
    }
}
