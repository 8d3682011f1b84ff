// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recording what happens in a test's guest. How that is done is not known here:
//! whoever asks for verdicts brings it along.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kernel::Target;

/// A recording under way.
pub trait Recording {
    /// The guest, for whatever is to be in the recording.
    fn target(&self) -> Arc<dyn Target>;

    /// Ends it.
    ///
    /// # Errors
    /// Not all of it could be written.
    fn finish(self: Box<Self>) -> Result<(), String>;
}

/// Begins a recording of a guest in a new file, or says why it can't.
pub type Record = dyn Fn(Arc<dyn Target>, &Path) -> Result<Box<dyn Recording>, String> + Sync;

/// Where recordings go, and how they are made.
pub struct Recordings<'a> {
    /// The folder.
    pub folder: PathBuf,
    /// Begins one.
    pub record: &'a Record,
}

impl Recordings<'_> {
    /// The recording of a test on a submission.
    pub(super) fn place(&self, submission: &str, test: &str) -> PathBuf {
        self.folder.join(file_name(submission)).join(format!("{test}.ringside"))
    }
}

/// A submission's name as a file's: no path, nothing hidden, nothing that a terminal
/// takes for a command.
pub fn file_name(name: &str) -> String {
    let plain = |one: char| if one == '/' || one.is_control() { '_' } else { one };
    let plain: String = name.chars().map(plain).collect();
    match plain.starts_with('.') || plain.is_empty() {
        true => format!("_{plain}"),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_out_of_no_folder_and_writes_nothing_on_a_terminal() {
        for (name, file) in
            [("alice", "alice"), ("..", "_.."), ("", "_"), ("a/b", "a_b"), ("\u{1b}[2J", "_[2J")]
        {
            assert_eq!(file_name(name), file);
        }
    }
}
