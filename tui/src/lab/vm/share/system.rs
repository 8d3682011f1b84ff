// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's programs and what they need, without what belongs to people: for a
//! guest that runs strangers' code.
//!
//! `/etc` holds secrets among much that every program reads. What of it everybody
//! may read is copied, and the copy is shared.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::candidate::{Candidate, link, top};
use crate::kernel::api::{HostView, KernelView, ShareKind};
use crate::lab::durable;
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::initramfs::digest;

/// What holds programs, beside folders whose names begin with `lib`.
const PROGRAMS: [&str; 6] = ["/usr", "/bin", "/sbin", "/opt", "/nix", "/gnu"];
const SETTINGS: &str = "/etc";
/// A larger file is no setting.
const SETTING_MAX: u64 = 4 << 20;
/// More of them is not what is looked for.
const SETTINGS_MAX: usize = 20_000;
/// How deep folders are looked into.
const DEPTH: usize = 12;

/// Is it a folder that programs need?
pub(super) fn is_known(path: &Path) -> bool {
    holds_programs(path)
        || [SETTINGS, "/home", "/root", "/var", "/tmp"].iter().any(|p| path == Path::new(p))
}

fn holds_programs(path: &Path) -> bool {
    PROGRAMS.iter().any(|known| Path::new(known) == path)
        || path.as_os_str().as_bytes().starts_with(b"/lib")
}

/// Adds them.
pub(super) fn add(
    cache: &Path,
    kernel: Option<&KernelView>,
    candidates: &mut Vec<Candidate>,
    view: &mut HostView,
) -> VmResult<()> {
    for entry in top()? {
        let path = entry.path();
        if !holds_programs(&path) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => view.links.extend(link(&path)),
            Ok(kind) if kind.is_dir() => {
                candidates.push(Candidate::new(&path, ShareKind::Kept, false));
            }
            _ => {}
        }
    }
    candidates.push(Candidate {
        source: settings(cache)?,
        place: SETTINGS.into(),
        kind: ShareKind::Kept,
        named: false,
    });
    if let Some(kernel) = kernel {
        let tools = cache.join("tools").as_os_str().as_bytes().to_vec();
        for folder in [&kernel.build, &kernel.source, &tools] {
            let folder = PathBuf::from(std::ffi::OsStr::from_bytes(folder));
            if folder.is_dir() {
                candidates.push(Candidate::new(&folder, ShareKind::Kept, false));
            }
        }
    }
    Ok(())
}

/// A file or folder that everybody may read, by its path below [`SETTINGS`].
struct Setting {
    path: PathBuf,
    meta: fs::Metadata,
}

/// The copy of what everybody may read of the settings, made again where anything
/// has changed.
fn settings(cache: &Path) -> VmResult<PathBuf> {
    let mut found = Vec::new();
    collect(Path::new(SETTINGS), Path::new(""), DEPTH, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let lines = found.iter().map(|setting| {
        let meta = &setting.meta;
        format!(
            "{:?} {} {} {}.{} {}",
            setting.path,
            meta.mode(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ino()
        )
    });
    let lines: Vec<String> = lines.collect();
    let key = digest(lines.iter().map(String::as_str));
    let folder = cache.join("settings");
    let place = folder.join(&key);
    if place.is_dir() {
        if is_whole(&found, &place) {
            return Ok(place);
        }
        // A guest that has it goes on with what is left of it.
        drop(fs::remove_dir_all(&place));
    }
    let doing = || VmError::io(format!("copy {SETTINGS} to {}", place.display()));
    fs::create_dir_all(&folder).map_err(doing())?;
    // Older ones may still be shared with a guest: they go with the next but one.
    let mut name = tempfile::Builder::new();
    let draft = name.prefix(&key).suffix(".part").tempdir_in(&folder).map_err(doing())?;
    let copied = copy(&found, draft.path()).and_then(|()| durable::keep_all(draft.path()));
    let copied = copied.and_then(|()| match fs::rename(draft.path(), &place) {
        // Another start was faster.
        Err(_) if place.is_dir() => Ok(()),
        renamed => renamed,
    });
    copied.map_err(doing())?;
    Ok(place)
}

fn collect(top: &Path, below: &Path, depth: usize, found: &mut Vec<Setting>) {
    let Ok(entries) = fs::read_dir(top.join(below)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = below.join(entry.file_name());
        let Ok(meta) = fs::symlink_metadata(top.join(&path)) else { continue };
        if found.len() >= SETTINGS_MAX {
            return;
        }
        if meta.is_dir() && meta.mode() & 0o005 == 0o005 && depth > 0 {
            found.push(Setting { path: path.clone(), meta });
            collect(top, &path, depth - 1, found);
        } else if meta.is_symlink()
            || meta.is_file() && meta.mode() & 0o004 != 0 && meta.len() <= SETTING_MAX
        {
            found.push(Setting { path, meta });
        }
    }
}

/// Does the copy have every file, each in its whole length?
fn is_whole(found: &[Setting], place: &Path) -> bool {
    found.iter().all(|setting| {
        let copy = fs::symlink_metadata(place.join(&setting.path));
        copy.is_ok_and(|copy| {
            copy.file_type() == setting.meta.file_type()
                && (!copy.is_file() || copy.len() == setting.meta.len())
        })
    })
}

fn copy(found: &[Setting], draft: &Path) -> io::Result<()> {
    fs::set_permissions(draft, fs::Permissions::from_mode(0o755))?;
    for setting in found {
        let (from, to) = (Path::new(SETTINGS).join(&setting.path), draft.join(&setting.path));
        if setting.meta.is_dir() {
            fs::create_dir(&to)?;
        } else if setting.meta.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else {
            match fs::copy(&from, &to) {
                // Removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                copied => drop(copied?),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_of_the_settings_holds_only_what_everybody_may_read() {
        let cache = tempfile::tempdir().unwrap();
        let copy = settings(cache.path()).unwrap();
        assert!(copy.join("passwd").is_file());
        assert!(!copy.join("shadow").exists());
        assert!(!copy.join("ssl/private").exists());
        assert_eq!(settings(cache.path()).unwrap(), copy);
    }

    #[test]
    fn a_copy_of_the_settings_that_was_cut_short_is_made_again() {
        let cache = tempfile::tempdir().unwrap();
        let copy = settings(cache.path()).unwrap();
        let whole = fs::read(copy.join("passwd")).unwrap();
        for spoil in [
            |file: &Path| fs::File::options().write(true).open(file)?.set_len(1),
            |file: &Path| fs::remove_file(file),
        ] {
            spoil(&copy.join("passwd")).unwrap();
            assert_eq!(settings(cache.path()).unwrap(), copy);
            assert_eq!(fs::read(copy.join("passwd")).unwrap(), whole);
        }
    }

    #[test]
    fn many_that_start_at_once_share_one_copy_of_the_settings() {
        let cache = tempfile::tempdir().unwrap();
        let copies = std::thread::scope(|scope| {
            let copies: Vec<_> = (0..4).map(|_| scope.spawn(|| settings(cache.path()))).collect();
            copies.into_iter().map(|copy| copy.join().unwrap().unwrap()).collect::<Vec<_>>()
        });
        assert!(copies.iter().all(|copy| *copy == copies[0]));
        let left = fs::read_dir(cache.path().join("settings")).unwrap();
        assert_eq!(left.count(), 1);
    }

    #[test]
    fn a_folder_closed_to_others_is_not_looked_into() {
        let top = tempfile::tempdir().unwrap();
        for (folder, mode) in [("open", 0o755), ("closed", 0o700)] {
            let folder = top.path().join(folder);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("file"), "x").unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut found = Vec::new();
        collect(top.path(), Path::new(""), DEPTH, &mut found);
        let mut paths: Vec<_> = found.iter().map(|s| s.path.display().to_string()).collect();
        paths.sort();
        assert_eq!(paths, ["open", "open/file"]);
    }
}
