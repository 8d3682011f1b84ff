// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's first files: this very program as `/init`, with the loader and
//! the libraries it needs, and empty folders to mount things on.
//!
//! Archives are kept in the cache under a name made from what went into them,
//! so a start that changes nothing writes nothing. Identity is path, inode,
//! size and time of change of each file, as build tools do it: hashing the contents
//! would cost more than the resumed start it serves.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};
use sha2::{Digest, Sha256};

use super::elf;
use super::error::{VmError, VmResult};
use crate::lab::{durable, sum};
use crate::text::bytes::hex;

/// Changes with the layout of the archive.
const LAYOUT: u32 = 2;
/// How many archives the cache keeps.
const KEPT: usize = 4;
/// The folders of the guest's first file system; those of libraries come with them.
const FOLDERS: [&str; 9] = ["dev", "proc", "sys", "run", "tmp", "etc", "root", "host", "mnt"];

/// An archive on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initramfs {
    /// The file.
    pub path: PathBuf,
    /// Says what is in it, in hexadecimal.
    pub key: String,
}

/// What identifies a file's contents without reading them.
pub fn identity(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    Ok(format!(
        "{} {} {} {} {}.{}",
        path.display(),
        meta.dev(),
        meta.ino(),
        meta.size(),
        meta.mtime(),
        meta.mtime_nsec(),
    ))
}

/// The first 32 hexadecimal digits of the SHA-256 of `parts`.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

/// The archive whose `/init` is `program`, made in `folder` unless it is there.
///
/// # Errors
/// The program can't be read or packed, or the folder can't be written to.
pub fn ensure(folder: &Path, program: &Path) -> VmResult<Initramfs> {
    let name = identity(program)
        .map_err(VmError::io(format!("look at the program {}", program.display())))?;
    let key = digest([format!("initramfs {LAYOUT}").as_str(), &name]);
    let path = folder.join(format!("{key}.cpio"));
    let noted = folder.join(format!("{key}.sum"));
    if is_whole(&path, &noted) {
        return Ok(Initramfs { path, key });
    }
    let doing = || format!("write the initramfs {}", path.display());
    fs::create_dir_all(folder).map_err(VmError::io(doing()))?;
    let draft = folder.join(format!("{key}.{}.part", std::process::id()));
    // The note goes first and comes last: an archive without one is made again.
    drop(fs::remove_file(&noted));
    let written = write(&draft, program)
        .and_then(|()| durable::rename(&draft, &path).map_err(VmError::io(doing())))
        .and_then(|()| note(&path).map_err(VmError::io(doing())))
        .and_then(|text| durable::write(&noted, text.as_bytes()).map_err(VmError::io(doing())));
    if let Err(error) = written {
        // The draft may not exist; nobody would take it for an archive.
        drop(fs::remove_file(&draft));
        return Err(error);
    }
    prune(folder, "cpio", KEPT);
    prune(folder, "sum", KEPT);
    Ok(Initramfs { path, key })
}

/// What is noted of an archive: its length and its checksum.
fn note(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(format!("{length} {:08x}", sum::of(&file, length)?))
}

/// Is the archive as it was when it was noted?
fn is_whole(path: &Path, noted: &Path) -> bool {
    matches!((fs::read_to_string(noted), note(path)), (Ok(noted), Ok(found)) if noted == found)
}

/// Removes all but the newest `keep` files of `folder` that end in `.extension`.
pub fn prune(folder: &Path, extension: &str, keep: usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    files.sort();
    for (_, path) in files.iter().rev().skip(keep) {
        // Another process may have removed it first.
        drop(fs::remove_file(path));
    }
}

fn write(draft: &Path, program: &Path) -> VmResult<()> {
    let doing = || format!("pack {} into the initramfs", program.display());
    let mut image = fs::read(program).map_err(VmError::io(doing()))?;
    let needed = elf::needed_files(program, &image)?;
    elf::cut_unloaded(program, &mut image)?;
    let mut out = Archive {
        out: BufWriter::new(File::create(draft).map_err(VmError::io(doing()))?),
        inode: 0,
        folders: Vec::new(),
    };
    let mut fill = || -> VmResult<()> {
        for folder in FOLDERS {
            out.folder(folder).map_err(VmError::io(doing()))?;
        }
        // The kernel opens it before init runs.
        out.console().map_err(VmError::io(doing()))?;
        out.file("init", &image).map_err(VmError::io(doing()))?;
        for (inside, file) in &needed {
            let bytes = fs::read(file).map_err(VmError::io(format!("read {}", file.display())))?;
            let inside = inside.to_string_lossy();
            let inside = inside.trim_start_matches('/');
            out.parents(inside).map_err(VmError::io(doing()))?;
            out.file(inside, &bytes).map_err(VmError::io(doing()))?;
        }
        Ok(())
    };
    fill()?;
    trailer(out.out)
        .and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error))
        .map(drop)
        .map_err(VmError::io(doing()))
}

struct Archive {
    out: BufWriter<File>,
    inode: u32,
    folders: Vec<String>,
}

impl Archive {
    fn entry(&mut self, name: &str, permissions: u32, kind: ModeFileType) -> Builder {
        self.inode += 1;
        Builder::new(name).ino(self.inode).mode(permissions).set_mode_file_type(kind)
    }

    fn folder(&mut self, name: &str) -> io::Result<()> {
        if self.folders.iter().any(|folder| folder == name) {
            return Ok(());
        }
        self.folders.push(name.to_owned());
        let entry = self.entry(name, 0o755, ModeFileType::Directory);
        entry.write(&mut self.out, 0).finish().map(drop)
    }

    fn parents(&mut self, name: &str) -> io::Result<()> {
        for (end, _) in name.match_indices('/') {
            self.folder(&name[..end])?;
        }
        Ok(())
    }

    fn console(&mut self) -> io::Result<()> {
        let entry =
            self.entry("dev/console", 0o600, ModeFileType::Char).rdev_major(5).rdev_minor(1);
        entry.write(&mut self.out, 0).finish().map(drop)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let size = u32::try_from(bytes.len()).map_err(|_| {
            io::Error::new(io::ErrorKind::FileTooLarge, "4 GiB is the archive's limit")
        })?;
        let entry = self.entry(name, 0o755, ModeFileType::Regular);
        let mut out = entry.write(&mut self.out, size);
        out.write_all(bytes)?;
        out.finish().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<(String, u32, u32)> {
        let mut input = io::BufReader::new(File::open(path).unwrap());
        let mut found = Vec::new();
        loop {
            let entry = cpio::newc::Reader::new(input).unwrap();
            if entry.entry().is_trailer() {
                return found;
            }
            let about = entry.entry();
            found.push((about.name().to_owned(), about.mode(), about.file_size()));
            input = entry.finish().unwrap();
        }
    }

    #[test]
    fn the_archive_holds_the_program_its_libraries_and_a_console() {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let made = ensure(folder.path(), &program).unwrap();
        let names = names(&made.path);
        let size = |wanted: &str| {
            names.iter().find(|(name, ..)| name == wanted).map(|(_, _, size)| u64::from(*size))
        };
        let whole = fs::metadata(&program).unwrap().len();
        assert!(size("init").is_some_and(|size| size > whole / 10 && size < whole));
        assert!(
            names
                .iter()
                .any(|(name, mode, _)| name == "dev/console" && mode & 0o170_000 == 0o020_000)
        );
        assert!(names.iter().any(|(name, ..)| name.contains("libc.so")));
        for (index, (name, ..)) in names.iter().enumerate() {
            if let Some((parent, _)) = name.rsplit_once('/') {
                assert!(
                    names[..index].iter().any(|(name, ..)| name == parent),
                    "{name} before its folder"
                );
            }
        }
    }

    #[test]
    fn the_same_program_is_packed_once_and_a_changed_one_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let first = ensure(folder.path(), &program).unwrap();
        assert_eq!(ensure(folder.path(), &program).unwrap(), first);
        fs::copy("/bin/true", &program).unwrap();
        assert_ne!(ensure(folder.path(), &program).unwrap().key, first.key);
        assert!(
            !fs::read_dir(folder.path())
                .unwrap()
                .flatten()
                .any(|entry| { entry.path().extension().is_some_and(|found| found == "part") })
        );
    }

    #[test]
    fn an_archive_that_was_cut_short_or_damaged_is_packed_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new("/bin/true");
        let made = ensure(folder.path(), program).unwrap();
        let whole = fs::read(&made.path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [&whole[..whole.len() / 2], &[], &flipped] {
            fs::write(&made.path, damaged).unwrap();
            assert_eq!(ensure(folder.path(), program).unwrap(), made);
            assert_eq!(fs::read(&made.path).unwrap().len(), whole.len());
            assert!(fs::read(&made.path).unwrap() != flipped);
        }
    }

    #[test]
    fn only_the_newest_archives_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..7 {
            fs::write(folder.path().join(format!("{number}.cpio")), b"x").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(15));
        }
        prune(folder.path(), "cpio", 3);
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["4.cpio", "5.cpio", "6.cpio"]);
    }
}
