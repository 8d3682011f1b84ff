// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's first files: this very program as `/init`, with the loader and
//! the libraries it needs, and empty folders to mount things on.
//!
//! Archives are kept in the cache under a name made from what went into them,
//! so a start that changes nothing writes nothing. Identity is path, inode,
//! size and time of change of each file, as build tools do it: hashing the contents
//! would cost more than the resumed start it serves.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use super::archive::write;
use super::error::{VmError, VmResult};
use crate::lab::lock::is_at;
use crate::lab::{durable, sum};
use crate::text::bytes::hex;

/// Changes with the layout of the archive.
const LAYOUT: u32 = 2;
/// How many archives the cache keeps.
const KEPT: usize = 4;

/// How long to wait for another process that makes one. It may have been stopped:
/// making a second one then costs less than waiting for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// An archive on disk, which stays there for as long as this lasts.
#[derive(Debug)]
pub struct Initramfs {
    /// The file.
    pub path: PathBuf,
    /// Says what is in it, in hexadecimal.
    pub key: String,
    /// Who prunes the cache leaves alone what is locked.
    _used: Flock<File>,
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
    if let Some(found) = find(folder, &key) {
        return Ok(found);
    }
    let doing = || format!("write the initramfs {}", place(folder, &key).display());
    fs::create_dir_all(folder).map_err(VmError::io(doing()))?;
    let lock = alone(folder);
    if let Some(found) = find(folder, &key) {
        return Ok(found);
    }
    let made = make(folder, &key, program)?;
    if lock.is_some() {
        forget_old(folder);
    }
    Ok(made)
}

fn place(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.cpio"))
}

/// Where an archive's length and checksum are noted.
fn note_of(archive: &Path) -> PathBuf {
    archive.with_extension("sum")
}

/// The archive of this name, if it is there and whole. It counts as the newest from
/// now on.
fn find(folder: &Path, key: &str) -> Option<Initramfs> {
    let path = place(folder, key);
    let file = File::open(&path).ok()?;
    let used = Flock::lock(file, FlockArg::LockShared).ok()?;
    if !is_at(&used, &path) || !is_whole(&used, &note_of(&path)) {
        return None;
    }
    // In a cache that can't be written nothing is pruned.
    drop(used.set_modified(SystemTime::now()));
    Some(Initramfs { path, key: key.to_owned(), _used: used })
}

/// Nobody else makes or prunes archives in `folder` for as long as this lasts; `None`
/// where somebody else keeps doing that.
fn alone(folder: &Path) -> Option<Flock<File>> {
    let begun = Instant::now();
    let mut file = File::open(folder).ok()?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((unlocked, _)) if begun.elapsed() < PATIENCE => file = unlocked,
            Err(_) => return None,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn make(folder: &Path, key: &str, program: &Path) -> VmResult<Initramfs> {
    let path = place(folder, key);
    let io = || VmError::io(format!("write the initramfs {}", path.display()));
    let mut name = tempfile::Builder::new();
    let draft = name.prefix(key).suffix(".part").tempfile_in(folder).map_err(io())?;
    let file = draft.reopen().map_err(io())?;
    let used = Flock::lock(file, FlockArg::LockShared).map_err(|(_, errno)| io()(errno.into()))?;
    write(draft.as_file(), program)?;
    let noted = note(&used).map_err(io())?;
    // The note goes first and comes last: an archive without one is made again.
    drop(fs::remove_file(note_of(&path)));
    durable::rename(draft.path(), &path).map_err(io())?;
    durable::write(&note_of(&path), noted.as_bytes()).map_err(io())?;
    Ok(Initramfs { path, key: key.to_owned(), _used: used })
}

/// What is noted of an archive: its length and its checksum.
fn note(archive: &File) -> io::Result<String> {
    let length = archive.metadata()?.len();
    Ok(format!("{length} {:08x}", sum::of(archive, length)?))
}

/// Is the archive as it was when it was noted?
fn is_whole(archive: &File, noted: &Path) -> bool {
    matches!((fs::read_to_string(noted), note(archive)), (Ok(noted), Ok(found)) if noted == found)
}

/// Removes what processes left that died while they made one, and the archives that were
/// used longest ago, but none that is in use.
fn forget_old(folder: &Path) {
    let old = newest_first(folder, "cpio").into_iter().skip(KEPT);
    for path in old.chain(newest_first(folder, "part")) {
        let unused =
            File::open(&path).map(|file| Flock::lock(file, FlockArg::LockExclusiveNonblock));
        if let Ok(Ok(_unused)) = unused {
            drop(fs::remove_file(note_of(&path)));
            drop(fs::remove_file(&path));
        }
    }
    // Notes of archives that are gone.
    for note in newest_first(folder, "sum") {
        if !note.with_extension("cpio").exists() {
            drop(fs::remove_file(note));
        }
    }
}

/// Removes all but the newest `keep` files of `folder` that end in `.extension`.
pub fn prune(folder: &Path, extension: &str, keep: usize) {
    for path in newest_first(folder, extension).into_iter().skip(keep) {
        // Another process may have removed it first.
        drop(fs::remove_file(path));
    }
}

/// The files of `folder` that end in `.extension`.
fn newest_first(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    files.sort();
    files.into_iter().rev().map(|(_, path)| path).collect()
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
        assert_eq!(ensure(folder.path(), &program).unwrap().path, first.path);
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
            assert_eq!(ensure(folder.path(), program).unwrap().path, made.path);
            assert_eq!(fs::read(&made.path).unwrap().len(), whole.len());
            assert!(fs::read(&made.path).unwrap() != flipped);
        }
    }

    /// The `number`th of some programs.
    fn program(folder: &Path, number: u64) -> PathBuf {
        let path = folder.join(format!("program{number}"));
        if !path.exists() {
            fs::copy("/bin/true", &path).unwrap();
        }
        path
    }

    /// An archive of it that was last used `number` seconds after the first.
    fn used_at(folder: &Path, number: u64) -> Initramfs {
        let made = ensure(folder, &program(folder, number)).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(number);
        File::open(&made.path).unwrap().set_modified(at).unwrap();
        made
    }

    fn archives(folder: &Path) -> usize {
        let (packed, noted) = (newest_first(folder, "cpio"), newest_first(folder, "sum"));
        assert_eq!(packed.len(), noted.len());
        packed.len()
    }

    #[test]
    fn an_archive_that_a_guest_is_started_from_is_not_removed_however_many_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let in_use = used_at(folder.path(), 0);
        for number in 1..=2 * KEPT as u64 {
            drop(used_at(folder.path(), number));
        }
        assert!(in_use.path.exists() && note_of(&in_use.path).exists());
        assert_eq!(archives(folder.path()), KEPT + 1);
        let path = in_use.path.clone();
        drop(in_use);
        drop(used_at(folder.path(), 3 * KEPT as u64));
        assert!(!path.exists());
        assert_eq!(archives(folder.path()), KEPT);
    }

    #[test]
    fn what_a_process_left_that_died_is_removed_and_what_another_makes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (left, made) = (folder.path().join("left.part"), folder.path().join("made.part"));
        File::create(&left).unwrap();
        let lock = Flock::lock(File::create(&made).unwrap(), FlockArg::LockShared).unwrap();
        forget_old(folder.path());
        assert!(!left.exists() && made.exists());
        drop(lock);
    }

    #[test]
    fn an_archive_that_is_used_again_and_again_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> =
            (0..KEPT as u64).map(|number| used_at(folder.path(), number).path).collect();
        drop(ensure(folder.path(), &program(folder.path(), 0)).unwrap());
        drop(used_at(folder.path(), KEPT as u64));
        let left: Vec<_> = paths.iter().map(|path| path.exists()).collect();
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn many_that_start_at_once_with_few_places_all_find_their_archives() {
        let folder = tempfile::tempdir().unwrap();
        let programs: Vec<_> =
            (0..2 * KEPT as u64).map(|number| program(folder.path(), number)).collect();
        std::thread::scope(|scope| {
            for program in programs.iter().chain(&programs) {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let made = ensure(folder.path(), program).unwrap();
                        assert!(names(&made.path).iter().any(|(name, ..)| name == "init"));
                    }
                });
            }
        });
        assert!(newest_first(folder.path(), "part").is_empty());
    }

    #[test]
    fn only_the_newest_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..7 {
            let file = File::create(folder.path().join(format!("{number}.cpio"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(number)).unwrap();
        }
        prune(folder.path(), "cpio", 3);
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["4.cpio", "5.cpio", "6.cpio"]);
    }
}
