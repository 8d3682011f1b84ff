// SPDX-License-Identifier: MIT OR Apache-2.0
//! The USB stick: an empty disk that no folder ever names and that is gone
//! with its last user, or a file (or device) that the user gives. Such a file is
//! written to until the first mark, and from then on what is written is kept beside
//! it ([`super::overlay`]).

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::error::{VmError, VmResult};
use super::overlay::{Overlay, again};
use super::qmp::Qmp;
use super::room::Room;
use crate::kernel::api::StickFate;

/// Bytes of an empty stick.
pub const SIZE: u64 = 1 << 30;

/// What is behind the guest's USB stick. It keeps its contents while it is
/// pulled out and plugged in again, and over a reboot.
#[derive(Debug)]
pub struct Stick {
    /// The open file.
    pub file: File,
    /// Its name, if the user gave one.
    pub path: Option<PathBuf>,
    /// Is it a block device of the host?
    pub is_device: bool,
    /// Where the host needs room for it.
    pub room: Arc<Room>,
    /// What is written on top of a file that is the user's.
    overlay: OnceLock<Overlay>,
}

/// What QEMU gets of a stick.
pub(super) struct Files {
    /// The file or device; to be read only where there are `changes`.
    pub(super) file: File,
    /// What is written on top of it.
    pub(super) changes: Option<File>,
}

impl Stick {
    /// An empty one of [`SIZE`] bytes, which take room only as they are written:
    /// in `folder`, or where that can't be written to, in a folder for temporary files.
    ///
    /// # Errors
    /// None of the folders can be written to: the first one's error.
    pub fn empty(folder: &Path) -> VmResult<Self> {
        Self::empty_in_first(&[folder, &std::env::temp_dir(), Path::new("/var/tmp")])
    }

    fn empty_in_first(folders: &[&Path]) -> VmResult<Self> {
        let mut first = None;
        for folder in folders {
            match Self::empty_in(folder) {
                Ok(stick) => return Ok(stick),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| VmError::Unsupported("there is no folder for a stick".into())))
    }

    fn empty_in(folder: &Path) -> VmResult<Self> {
        let doing = || format!("make an empty USB stick in {}", folder.display());
        fs::create_dir_all(folder).map_err(VmError::io(doing()))?;
        // Without a name from the first moment on, or removed at once.
        let file = tempfile::tempfile_in(folder).map_err(VmError::io(doing()))?;
        file.set_len(SIZE).map_err(VmError::io(doing()))?;
        Ok(Self {
            file,
            path: None,
            is_device: false,
            room: room(folder),
            overlay: OnceLock::new(),
        })
    }

    /// Is it an empty one that nobody has written to yet?
    pub fn is_pristine(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.path.is_none()
            && self.file.metadata().is_ok_and(|meta| meta.blocks() == 0 && meta.len() == SIZE)
    }

    /// The file or block device at `path`, for nobody else while it lasts; with what
    /// an earlier lab left beside it on top, or after that was dealt with as `fate`
    /// says.
    ///
    /// # Errors
    /// It is not there, not writable, in use by another lab, or no disk's size; or what
    /// was left beside it does not fit or can't be written to it.
    pub fn open(path: &Path, fate: Option<StickFate>) -> VmResult<Self> {
        let shown = path.display();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| {
                if error.kind() == std::io::ErrorKind::NotFound {
                    VmError::Unsupported(format!(
                        "there is no file {shown} for the USB stick; make one with: truncate -s 1G {shown}"
                    ))
                } else {
                    VmError::io(format!("open {shown} as the USB stick"))(error)
                }
            })?;
        let meta = file.metadata().map_err(VmError::io(format!("look at {shown}")))?;
        let is_device = meta.file_type().is_block_device();
        if !is_device && !meta.is_file() {
            return Err(VmError::Unsupported(format!(
                "{shown} is neither a file nor a block device, so it can't be the USB stick"
            )));
        }
        if !is_device && (meta.len() == 0 || meta.len() % 512 != 0) {
            return Err(VmError::Unsupported(format!(
                "{shown} has {} bytes, but a disk has a multiple of 512; set its size with: truncate -s 1G {shown}",
                meta.len()
            )));
        }
        match lock(&file) {
            Ok(()) => {}
            Err(nix::errno::Errno::EWOULDBLOCK) => {
                return Err(VmError::StickInUse(path.to_owned()));
            }
            Err(error) => return Err(VmError::io(format!("lock {shown}"))(error.into())),
        }
        let stick = Self {
            file,
            path: Some(path.to_owned()),
            is_device,
            room: room(path),
            overlay: OnceLock::new(),
        };
        if !is_device {
            stick.take_up(fate)?;
        }
        Ok(stick)
    }

    /// Deals with what an earlier lab left beside the file.
    fn take_up(&self, fate: Option<StickFate>) -> VmResult<()> {
        let real = self.real()?;
        let left = match fate {
            None => Overlay::left(&self.file, &real)?,
            Some(_) => Overlay::found(&real)?,
        };
        match (left, fate) {
            (None, _) => Ok(()),
            (Some(left), Some(StickFate::Keep)) => left.write_back(&self.file),
            (Some(left), Some(StickFate::Discard)) => left.discard(),
            (Some(left), None) => {
                self.put_on_top(left);
                Ok(())
            }
        }
    }

    /// The file's own path, whatever links lead to it.
    fn real(&self) -> VmResult<PathBuf> {
        let path = self.path.clone().unwrap_or_default();
        path.canonicalize().map_err(VmError::io(format!("find {}", path.display())))
    }

    fn put_on_top(&self, overlay: Overlay) {
        // Whoever makes marks makes one at a time.
        drop(self.overlay.set(overlay));
    }

    /// What is written on top of the user's file, if there was a mark.
    pub fn changes(&self) -> Option<&Overlay> {
        self.overlay.get()
    }

    /// Prepares for the first mark of a file of the user's: an empty image for what
    /// is written from then on.
    ///
    /// # Errors
    /// The file's folder can't be written to, the disk is full, or QEMU refuses.
    pub(super) fn prepare(&self, qmp: &Qmp) -> VmResult<Option<Overlay>> {
        if self.path.is_none() || self.overlay.get().is_some() {
            return Ok(None);
        }
        let length = self.file.metadata().map_err(VmError::io("look at the stick"))?.len();
        Overlay::create(qmp, &self.real()?, length).map(Some)
    }

    /// Has `overlay` take what is written from now on. The guest stands still.
    ///
    /// # Errors
    /// QEMU refuses.
    pub(super) fn cover(&self, qmp: &Qmp, overlay: Overlay, plugged: bool) -> VmResult<()> {
        if plugged {
            overlay.take_over(qmp)?;
        }
        // One without a name would be lost with the lab, but holds what is written.
        let named = overlay.adopt();
        self.put_on_top(overlay);
        named
    }

    /// The user's file again, with `copy` on top.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn wound_back(&self, copy: &File) -> VmResult<Self> {
        let overlay = Overlay::like(copy, &self.real()?)?;
        let file = self.file.try_clone().map_err(VmError::io("share the stick"))?;
        Ok(Self {
            file,
            path: self.path.clone(),
            is_device: self.is_device,
            room: Arc::clone(&self.room),
            overlay: OnceLock::from(overlay),
        })
    }

    /// Deals with what was written on top of the user's file, once no QEMU has it
    /// any more.
    ///
    /// # Errors
    /// It can't be written to the file, or not be removed. It stays then.
    pub fn resolve(&self, fate: StickFate) -> VmResult<()> {
        match (self.overlay.get(), fate) {
            (None, _) => Ok(()),
            (Some(changes), StickFate::Keep) => changes.write_back(&self.file),
            (Some(changes), StickFate::Discard) => changes.discard(),
        }
    }

    /// Can what is on it be wound back?
    ///
    /// # Errors
    /// It is a device of the host: there is no taking back what is written to that.
    pub(super) fn can_be_marked(&self) -> VmResult<()> {
        match (&self.path, self.is_device) {
            (Some(path), true) => Err(VmError::Unsupported(format!(
                "a rewind would undo what was written to {}, which is a device of this \
                 computer's: marks need a lab whose USB stick is empty or a file",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// The files for QEMU.
    ///
    /// # Errors
    /// The host is out of descriptors.
    pub(super) fn files(&self) -> VmResult<Files> {
        let shared = |file: &File| file.try_clone().map_err(VmError::io("share the stick"));
        Ok(match self.overlay.get() {
            None => Files { file: shared(&self.file)?, changes: None },
            Some(changes) => {
                Files { file: again(&self.file)?, changes: Some(shared(changes.file())?) }
            }
        })
    }
}

fn room(place: &Path) -> Arc<Room> {
    Arc::new(Room::at(place.to_owned()))
}

/// Locks the open file itself: the lock goes when its last descriptor does,
/// QEMU's copy of it included.
fn lock(file: &File) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    let how = nix::libc::LOCK_EX | nix::libc::LOCK_NB;
    // SAFETY: flock takes a descriptor, which `file` keeps open, and no memory.
    let result = unsafe { nix::libc::flock(file.as_raw_fd(), how) };
    nix::errno::Errno::result(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn an_empty_stick_has_its_size_no_name_and_takes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let stick = Stick::empty(folder.path()).unwrap();
        assert!(stick.is_pristine());
        let meta = stick.file.metadata().unwrap();
        assert_eq!((meta.len(), meta.blocks(), meta.nlink()), (SIZE, 0, 0));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        std::os::unix::fs::FileExt::write_at(&stick.file, b"x", 5_000).unwrap();
        assert!(!stick.is_pristine());
    }

    #[test]
    fn where_the_cache_can_not_be_written_the_stick_is_made_elsewhere() {
        // Not even root makes a file there.
        let closed = Path::new("/proc/self");
        let folder = tempfile::tempdir().unwrap();
        assert!(Stick::empty_in_first(&[closed, folder.path()]).unwrap().is_pristine());
        let error = Stick::empty_in_first(&[closed, Path::new("/proc/1")]).unwrap_err();
        assert!(error.to_string().contains("/proc/self"), "{error}");
    }

    #[test]
    fn a_disk_that_is_no_disk_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Stick::open(&folder.path().join("none"), None).unwrap_err().to_string();
        assert!(missing.contains("truncate -s 1G"), "{missing}");
        let odd = folder.path().join("odd");
        fs::write(&odd, b"abc").unwrap();
        let odd = Stick::open(&odd, None).unwrap_err().to_string();
        assert!(odd.contains("3 bytes"), "{odd}");
        let folder = Stick::open(folder.path(), None).unwrap_err().to_string();
        assert!(folder.contains("EISDIR") || folder.contains("directory"), "{folder}");
    }

    #[test]
    fn a_device_of_the_host_is_not_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::write(&path, [0; 1024]).unwrap();
        let file = Stick::open(&path, None).unwrap();
        file.can_be_marked().unwrap();
        let device = Stick { is_device: true, ..file };
        let refused = device.can_be_marked().unwrap_err().to_string();
        assert!(refused.contains("disk") && refused.contains("a device of this computer's"));
    }

    #[test]
    fn changes_that_no_longer_fit_their_file_are_refused_until_somebody_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::write(&path, [0; 1024]).unwrap();
        let changes = super::super::overlay::changes_of(&path.canonicalize().unwrap());
        fs::write(&changes, b"an image").unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        File::options().write(true).open(&changes).unwrap().set_modified(later).unwrap();
        assert!(Stick::open(&path, None).unwrap().changes().is_some());
        let later = later + std::time::Duration::from_secs(1);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let refused = Stick::open(&path, None).unwrap_err().to_string();
        assert!(
            refused.contains("--disk-discard") && refused.contains("disk.changes"),
            "{refused}"
        );
        assert!(Stick::open(&path, Some(StickFate::Discard)).unwrap().changes().is_none());
        assert!(!changes.exists());
    }

    #[test]
    fn two_labs_do_not_get_the_same_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::write(&path, [0; 1024]).unwrap();
        let first = Stick::open(&path, None).unwrap();
        assert!(Stick::open(&path, None).unwrap_err().to_string().contains("another lab"));
        drop(first);
        assert!(Stick::open(&path, None).is_ok());
    }
}
