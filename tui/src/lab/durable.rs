// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that a loss of power leaves as they were or makes as they should be: their
//! contents are on the disk before they get their names, and so are the names.

use std::fs::{self, File};
use std::io::{Result, Write};
use std::path::Path;
use std::thread;

/// Writes a file in place of the one there is.
///
/// # Errors
/// It can't be written; the old one is untouched then, and nothing else is left.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    // Another thread may write the same file: a draft of its own for each.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{:?}.part", std::process::id(), thread::current().id()));
    let draft = path.with_file_name(name);
    let written = File::create(&draft)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| rename(&draft, path));
    if written.is_err() {
        // Half a file of no use only takes room, of which there may be none.
        drop(fs::remove_file(&draft));
    }
    written
}

/// Gives a file or a folder that is whole its name.
///
/// # Errors
/// It can't be renamed, or the disk fails.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    keep(from)?;
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), keep)
}

/// Sees to it that a file, or the names in a folder, are on the disk.
///
/// # Errors
/// It is not there, or the disk fails.
pub(crate) fn keep(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// The same for all that was written to the file system of `folder`.
///
/// # Errors
/// As [`keep`].
pub(crate) fn keep_all(folder: &Path) -> Result<()> {
    Ok(nix::unistd::syncfs(File::open(folder)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_not_be_replaced_is_untouched_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"old").unwrap();
        write(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("by a folder")).unwrap();
        write(&taken, b"new").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_many_write_at_once_is_always_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let texts = [[b'a'; 9000], [b'b'; 9000], [b'c'; 9000]];
        write(&file, &texts[0]).unwrap();
        thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| {
                    for _ in 0..50 {
                        write(&file, text).unwrap();
                        let found = fs::read(&file).unwrap();
                        assert!(texts.iter().any(|text| found == text));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
