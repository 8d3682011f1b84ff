// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was handed in: a folder or an archive.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Why a submission can't be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// Something that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What reports call it: the name of the folder, or of the file without its ending.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The endings of archives.
const ARCHIVES: [&str; 12] = [
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz", ".tar.zst",
    ".tzst", ".tar.Z",
];

impl Submission {
    /// The one at `path`.
    pub fn new(path: &Path) -> Self {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending =
            ARCHIVES.iter().filter(|ending| name.ends_with(**ending)).max_by_key(|e| e.len());
        let name = match ending.filter(|_| !whole.is_dir()) {
            Some(ending) => name[..name.len() - ending.len()].to_owned(),
            None => name,
        };
        Self { name, path: path.to_owned() }
    }
}

/// Tells the files below `folder` from any others.
///
/// # Errors
/// They can't be read.
pub(super) fn digest(folder: &Path, into: &mut Sha256) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default();
        let name = name.as_encoded_bytes();
        into.update((name.len() as u64).to_le_bytes());
        into.update(name);
        if path.is_dir() {
            into.update(b"folder");
            digest(&path, into)?;
            into.update(b"end");
        } else {
            let bytes = fs::read(&path)?;
            into.update((bytes.len() as u64).to_le_bytes());
            into.update(&bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_called_what_its_file_is_called_without_the_ending() {
        for (file, name) in [
            ("/s/alice.tar.gz", "alice"),
            ("/s/bob.zip", "bob"),
            ("/s/c.d.tar", "c.d"),
            ("/s/dave", "dave"),
        ] {
            assert_eq!(Submission::new(Path::new(file)).name, name);
        }
    }
}
