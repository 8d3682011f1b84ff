// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copies of what was built, by build id. A folder that is built again, or whose
//! build fails, has no more the .ko file of the module that a guest has loaded; who
//! explains an oops, traces or debugs needs that one and no other.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::{Flock, FlockArg};
use object::Object;
use object::read::elf::ElfFile64;

use super::super::cache;
use crate::text::bytes::hex;

/// How many copies are kept: those that were used last.
const KEPT: usize = 64;

fn folder(root: &Path, release: &str) -> PathBuf {
    cache::modules(root).join(release).join("by-build-id")
}

/// The build id of a module's image, in hex.
pub(super) fn build_id(image: &[u8]) -> Option<String> {
    let file = ElfFile64::<object::Endianness>::parse(image).ok()?;
    file.build_id().ok()?.map(hex)
}

/// The copy with this build id.
pub(super) fn find(root: &Path, release: &str, build_id: &str) -> Option<PathBuf> {
    let place = folder(root, release).join(build_id);
    let copies = fs::read_dir(&place).ok()?;
    used_now(&place);
    copies
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "ko"))
}

/// Keeps a copy of a module that was just built.
///
/// # Errors
/// Those of the files. What has no build id is not kept.
pub(super) fn keep(root: &Path, release: &str, module: &Path) -> Result<()> {
    let (Some(id), Some(name)) = (build_id(&fs::read(module)?), module.file_name()) else {
        return Ok(());
    };
    let all = folder(root, release);
    let place = all.join(id);
    if place.join(name).exists() {
        used_now(&place);
        return Ok(());
    }
    fs::create_dir_all(&place)?;
    let draft = tempfile::NamedTempFile::new_in(&place)?;
    fs::copy(module, draft.path())?;
    draft.persist(place.join(name)).map_err(Error::from)?;
    forget_old(&all)
}

/// The copies that were used last are kept, and not those that were made last.
fn used_now(place: &Path) {
    if let Ok(folder) = fs::File::open(place) {
        // In a cache that can't be written nothing is forgotten.
        drop(folder.set_modified(SystemTime::now()));
    }
}

/// Leaves it to another build where that is at it: a copy that is being removed looks
/// as if it had been used just now.
fn forget_old(all: &Path) -> Result<()> {
    let Ok(_alone) = Flock::lock(fs::File::open(all)?, FlockArg::LockExclusiveNonblock) else {
        return Ok(());
    };
    let mut copies: Vec<_> = fs::read_dir(all)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    copies.sort();
    let extra = copies.len().saturating_sub(KEPT);
    copies.iter().take(extra).try_for_each(|(_, path)| match fs::remove_dir_all(path) {
        // The cache was cleaned meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_copies_the_newest_are_kept() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..KEPT + 3 {
            let place = root.path().join(format!("{number:04}"));
            fs::create_dir(&place).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            fs::File::open(&place).unwrap().set_modified(at).unwrap();
        }
        forget_old(root.path()).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), KEPT);
        assert!(!root.path().join("0002").exists() && root.path().join("0003").exists());
    }

    /// Copies of that many builds, the oldest first.
    fn copies(root: &Path, number: usize) -> PathBuf {
        let all = folder(root, "r");
        for number in 0..number {
            let place = all.join(format!("{number:04}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("m.ko"), "").unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            fs::File::open(&place).unwrap().set_modified(at).unwrap();
        }
        all
    }

    #[test]
    fn a_copy_that_was_used_just_now_is_kept_however_old_it_is() {
        let root = tempfile::tempdir().unwrap();
        let all = copies(root.path(), KEPT + 2);
        let found = find(root.path(), "r", "0000").unwrap();
        forget_old(&all).unwrap();
        assert!(found.exists());
        assert!(!all.join("0001").exists() && !all.join("0002").exists());
    }

    #[test]
    fn builds_that_end_at_once_do_not_fail_over_what_each_of_them_forgets() {
        let root = tempfile::tempdir().unwrap();
        let all = copies(root.path(), 8 * KEPT);
        std::thread::scope(|scope| {
            let ends: Vec<_> = (0..4).map(|_| scope.spawn(|| forget_old(&all))).collect();
            ends.into_iter().for_each(|end| end.join().unwrap().unwrap());
        });
        assert_eq!(fs::read_dir(&all).unwrap().count(), KEPT);
    }
}
