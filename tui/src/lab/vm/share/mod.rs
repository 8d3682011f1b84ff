// SPDX-License-Identifier: MIT OR Apache-2.0
//! What of the host's files a guest sees: which folders are shared, and how the
//! guest puts them together.
//!
//! A guest's root must not read what the host's kernel and running programs
//! show of themselves. So the host's `/` is not shared, but each real folder in
//! it, without `/proc`, `/sys`, `/dev` and `/run`; no share goes beyond its own
//! file system, so that none of these is met again where a container or a chroot
//! has mounted it; and where a folder must not be seen that lies in the middle of
//! a share, as Ringside's sockets may, QEMU itself finds it empty.

mod candidate;
mod hidden;
mod hollows;
mod mounts;
mod system;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::candidate::{Candidate, link, top};
use self::hollows::hollows;
use self::mounts::Mount;
use super::command::{SHARES, SharedFolder, share_tag};
use super::confine::{Cover, Masks};
use super::error::{VmError, VmResult};
use crate::kernel::api::{HostView, KernelView, Share, ShareKind};
use crate::lab::modules;

/// Never shared: what the kernel and running programs show of themselves.
const NEVER: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];
/// Where a working directory needs no share: the guest has its own.
const OWN: [&str; 2] = ["/proc", "/sys"];

/// How much of the host's files a guest sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostFiles {
    /// All that this user may read, but nothing of running programs.
    #[default]
    All,
    /// Programs and what they need, and the working directory.
    System,
    /// The working directory.
    None,
}

impl HostFiles {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::System, Self::None];

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::System => "system",
            Self::None => "none",
        }
    }
}

/// What a guest is to see.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// How much of the host's files.
    pub files: HostFiles,
    /// The working directory: changes that are made on the host are seen there.
    pub work: PathBuf,
    /// Folders that the guest may write to.
    pub writable: Vec<PathBuf>,
    /// Where the kernel was built.
    pub kernel: Option<KernelView>,
    /// Folders that no guest must see.
    pub hidden: Vec<PathBuf>,
}

/// What a guest gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// For QEMU, by number.
    pub folders: Vec<SharedFolder>,
    /// For the guest.
    pub view: HostView,
    /// What QEMU finds empty.
    pub masks: Masks,
}

/// The empty folder behind devices that share nothing.
pub(super) fn nothing(cache: &Path) -> VmResult<PathBuf> {
    let folder = cache.join("nothing");
    if fs::create_dir_all(&folder).is_ok() {
        return Ok(folder);
    }
    // A cache that can't be written to may hold a saved machine all the same.
    let folder = std::env::temp_dir().join("ringside-nothing");
    fs::create_dir_all(&folder).map_err(VmError::io(format!("make {}", folder.display())))?;
    Ok(folder)
}

impl Wanted {
    /// Looks at the host and decides; `cover` says how a folder in the middle of a
    /// share can be covered, and is asked only where one must be.
    ///
    /// # Errors
    /// The host's mounts can't be read; or a folder asked for by name can't be shared.
    pub(super) fn share(
        &self,
        cache: &Path,
        cover: impl FnOnce() -> Option<Cover>,
    ) -> VmResult<Shared> {
        let mounts = mounts::now()?;
        let mut view = HostView { kernel: self.kernel.clone(), ..HostView::default() };
        // What is named comes first: it must find room.
        let mut candidates: Vec<Candidate> = Vec::new();
        for folder in &self.writable {
            candidates.push(Candidate::new(folder, ShareKind::Written, true));
        }
        let own = self.work == Path::new("/") || OWN.iter().any(|own| self.work.starts_with(own));
        if !own {
            candidates.push(Candidate::new(&self.work, ShareKind::Fresh, true));
        }
        match self.files {
            HostFiles::All => self.everything(&mounts, &mut candidates, &mut view)?,
            HostFiles::System => {
                system::add(cache, self.kernel.as_ref(), &mut candidates, &mut view)?;
            }
            HostFiles::None => view.kernel = None,
        }
        if let Some(kernel) = &view.kernel {
            candidates.extend(installed(cache, kernel));
        }
        let mut seen: Vec<PathBuf> = Vec::new();
        candidates.retain(|candidate| {
            let new = !seen.contains(&candidate.place);
            seen.push(candidate.place.clone());
            new
        });
        let masks = self.hide(&mounts, &mut candidates, &mut view, cover)?;
        if candidates.len() > SHARES {
            if let Some(named) = candidates[SHARES..].iter().find(|folder| folder.named) {
                return Err(VmError::Unsupported(format!(
                    "share {}: a guest shares at most {SHARES} folders",
                    named.source.display()
                )));
            }
            let left: Vec<_> = candidates
                .drain(SHARES..)
                .map(|folder| folder.place.display().to_string())
                .collect();
            tracing::warn!("not shared with the guest for want of devices: {}", left.join(", "));
        }
        candidates.sort_by_key(|candidate| candidate.place.components().count());
        view.hollows = hollows(&candidates, &mounts, &masks);
        view.shares = candidates
            .iter()
            .enumerate()
            .map(|(number, folder)| Share {
                tag: share_tag(number),
                path: folder.place.as_os_str().as_bytes().to_vec(),
                kind: folder.kind,
            })
            .collect();
        let folders = candidates
            .into_iter()
            .map(|folder| SharedFolder {
                path: folder.source,
                writable: folder.kind == ShareKind::Written,
            })
            .collect();
        Ok(Shared { folders, view, masks })
    }

    /// Each real folder at the top, and each file system that is mounted in one.
    fn everything(
        &self,
        mounts: &[Mount],
        candidates: &mut Vec<Candidate>,
        view: &mut HostView,
    ) -> VmResult<()> {
        let mut folders = Vec::new();
        for entry in top()? {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if NEVER.iter().any(|never| Path::new(never) == path) {
                continue;
            }
            if kind.is_symlink() {
                view.links.extend(link(&path));
            } else if kind.is_dir() {
                match fs::read_dir(&path).map(|mut entries| entries.next().is_none()) {
                    // Nobody can look into it either way.
                    Err(_) | Ok(true) => view.folders.push(path.as_os_str().as_bytes().to_vec()),
                    Ok(false) => folders.push(path),
                }
            }
        }
        // Where there is no room for all, what programs need comes first.
        folders.sort_by_key(|path| (!system::is_known(path), path.clone()));
        candidates.extend(folders.iter().map(|path| Candidate::new(path, ShareKind::Kept, false)));
        for mount in mounts.iter().filter(|mount| mount.keeps_files()) {
            if NEVER.iter().any(|never| mount.place.starts_with(never))
                || mount.place == Path::new("/")
                || !mount.place.is_dir()
            {
                continue;
            }
            candidates.push(Candidate::new(&mount.place, ShareKind::Kept, false));
        }
        Ok(())
    }
}

/// What the guest has in `/lib/modules/$(uname -r)`. Without it all else works.
fn installed(cache: &Path, kernel: &KernelView) -> Option<Candidate> {
    let mut source = modules::installed::folder(cache, &kernel.release);
    if !source.is_dir() {
        let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
        let (build, sources) = (path(&kernel.build), path(&kernel.source));
        source = modules::installed::refresh(cache, &kernel.release, &build, &sources)
            .inspect_err(|error| tracing::warn!("/lib/modules: {error}"))
            .ok()?;
    }
    let lib = Path::new("/lib").canonicalize().ok()?;
    let place = lib.join("modules").join(&kernel.release);
    Some(Candidate { source, place, kind: ShareKind::Fresh, named: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(work: &Path) -> Wanted {
        Wanted { work: work.into(), ..Wanted::default() }
    }

    fn paths(shared: &Shared) -> Vec<String> {
        shared.folders.iter().map(|folder| folder.path.display().to_string()).collect()
    }

    #[test]
    fn no_share_is_or_holds_what_the_kernel_and_running_programs_show() {
        let work = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        for files in HostFiles::ALL {
            let wanted = Wanted { files, ..wanted(work.path()) };
            let shared = wanted.share(cache.path(), || None).unwrap();
            for path in paths(&shared) {
                assert_ne!(path, "/");
                for never in NEVER {
                    assert!(!Path::new(&path).starts_with(never), "{path}");
                    assert!(!Path::new(never).starts_with(&path), "{path}");
                }
            }
            assert_eq!(shared.view.shares.len(), shared.folders.len());
            assert!(shared.folders.len() <= SHARES);
        }
    }

    #[test]
    fn the_working_directory_is_always_shared_and_seen_as_it_is_on_the_host() {
        let work = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        for files in HostFiles::ALL {
            let wanted = Wanted { files, ..wanted(work.path()) };
            let shared = wanted.share(cache.path(), || None).unwrap();
            let path = work.path().as_os_str().as_bytes();
            let share = shared.view.shares.iter().find(|share| share.path == path).unwrap();
            assert_eq!(share.kind, ShareKind::Fresh);
        }
    }

    #[test]
    fn a_hidden_folder_in_a_share_is_covered_or_the_share_is_left_out() {
        let (work, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = tempfile::tempdir().unwrap();
        let hidden = other.path().join("ringside");
        fs::create_dir(&hidden).unwrap();
        let wanted = Wanted { hidden: vec![hidden.clone()], ..wanted(work.path()) };
        let covered = wanted.share(cache.path(), || Some(Cover::Mounts)).unwrap();
        assert_eq!(covered.masks.folders, [hidden.canonicalize().unwrap()]);
        let left = wanted.share(cache.path(), || None).unwrap();
        assert!(left.folders.iter().all(|folder| !hidden.starts_with(&folder.path)));
        let inside = Wanted { work: other.path().into(), ..wanted };
        let error = inside.share(cache.path(), || None).unwrap_err().to_string();
        assert!(error.contains("XDG_RUNTIME_DIR"), "{error}");
    }

    #[test]
    fn a_folder_that_is_asked_for_twice_is_shared_once_and_writable() {
        let work = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let wanted = Wanted { writable: vec![work.path().into()], ..wanted(work.path()) };
        let shared = wanted.share(cache.path(), || None).unwrap();
        let path = work.path().to_owned();
        let found: Vec<_> = shared.folders.iter().filter(|folder| folder.path == path).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].writable);
    }
}
