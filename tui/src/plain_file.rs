// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a file that somebody named. What is no file (a FIFO would make the
//! reader wait, a device may never end) or is larger than what is wanted can be
//! is refused before it is read. And making one that somebody named, whole or not at all.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::kernel::error::io_text;
use crate::text::amount::amount;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("read {}: {}", .path.display(), io_text(source))]
    Io {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no file.
    #[error("{} is {kind}, not a file", .path.display())]
    Kind {
        /// The path as it was given.
        path: PathBuf,
        /// `a folder`, `a FIFO`, …
        kind: &'static str,
    },
    /// It is too large.
    #[error("{} has more than {}", .path.display(), amount(*.largest))]
    Large {
        /// The path as it was given.
        path: PathBuf,
        /// The most bytes that are taken.
        largest: u64,
    },
}

/// Reads the file at `path`, which may have `largest` bytes.
///
/// # Errors
/// It can't be read, is no file or has more.
pub(crate) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, FileError> {
    let large = || FileError::Large { path: path.to_owned(), largest };
    let (file, length) = open(path)?;
    if length > largest {
        return Err(large());
    }
    let bytes = beginning(path, file, largest + 1)?;
    if bytes.len() as u64 > largest {
        return Err(large());
    }
    Ok(bytes)
}

/// Reads the beginning of the file at `path`, `most` bytes or what it has.
///
/// # Errors
/// It can't be read or is no file.
pub(crate) fn read_start(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let (file, _) = open(path)?;
    beginning(path, file, most)
}

fn beginning(path: &Path, file: File, most: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Opens a file and says how long it claims to be.
fn open(path: &Path) -> Result<(File, u64), FileError> {
    let failed = |source| FileError::Io { path: path.to_owned(), source };
    // Before it is opened, since opening does something to some devices; and
    // after, since another may stand there by then.
    is_plain(path, &fs::metadata(path).map_err(failed)?)?;
    let file = File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    is_plain(path, &metadata)?;
    Ok((file, metadata.len()))
}

/// Makes sure that there is a file at `path`, for somebody else to read.
///
/// # Errors
/// There is none, or something else.
pub(crate) fn check(path: &Path) -> Result<(), FileError> {
    let metadata = fs::metadata(path);
    is_plain(path, &metadata.map_err(|source| FileError::Io { path: path.to_owned(), source })?)
}

fn is_plain(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    match kind(metadata.file_type()) {
        Some(kind) => Err(FileError::Kind { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// What it is, if it is no file.
fn kind(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a pipe (FIFO)")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Makes a new file and has it written. What can't be written to its end is removed: it
/// would be of no use, and in the way of the next one.
///
/// # Errors
/// There is such a file, or it can't be made or written.
pub fn create(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<File> {
    let mut file = File::create_new(path)?;
    match write(&mut file) {
        Ok(()) => Ok(file),
        Err(error) => {
            drop(fs::remove_file(path));
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_at_once_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| read(path, 10).unwrap_err().to_string();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(refused(&fifo).ends_with("fifo is a pipe (FIFO), not a file"));
        assert_eq!(refused(Path::new("/dev/zero")), "/dev/zero is a device, not a file");
        assert!(refused(folder.path()).ends_with(" is a folder, not a file"));
        let missing = refused(&folder.path().join("x"));
        assert!(missing.ends_with("No such file or directory (ENOENT)"), "{missing}");
    }

    #[test]
    fn of_a_long_file_the_beginning_can_be_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"0123456789").unwrap();
        assert_eq!(read_start(file.path(), 4).unwrap(), b"0123");
        assert_eq!(read_start(file.path(), 40).unwrap(), b"0123456789");
        assert!(read_start(Path::new("/dev/zero"), 4).is_err());
    }

    #[test]
    fn a_file_of_the_size_is_read_and_a_larger_one_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"0123456789").unwrap();
        assert_eq!(read(file.path(), 10).unwrap(), b"0123456789");
        let error = read(file.path(), 9).unwrap_err().to_string();
        assert!(error.ends_with("has more than 9 B"), "{error}");
        // One that says it is empty and is not, as those of /proc do.
        assert!(!read(Path::new("/proc/self/maps"), 1 << 20).unwrap().is_empty());
        assert!(read(Path::new("/proc/self/maps"), 10).is_err());
    }
}
