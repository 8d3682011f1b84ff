// SPDX-License-Identifier: MIT OR Apache-2.0
//! The USB stick: an empty disk that no folder ever names and that is gone
//! with its last user, or a file (or device) that the user gives.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{VmError, VmResult};
use super::room::Room;

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
        Ok(Self { file, path: None, is_device: false, room: room(folder) })
    }

    /// Is it an empty one that nobody has written to yet?
    pub fn is_pristine(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.path.is_none()
            && self.file.metadata().is_ok_and(|meta| meta.blocks() == 0 && meta.len() == SIZE)
    }

    /// The file or block device at `path`, for nobody else while it lasts.
    ///
    /// # Errors
    /// It is not there, not writable, in use by another lab, or no disk's size.
    pub fn open(path: &Path) -> VmResult<Self> {
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
            Ok(()) => Ok(Self { file, path: Some(path.to_owned()), is_device, room: room(path) }),
            Err(nix::errno::Errno::EWOULDBLOCK) => Err(VmError::Unsupported(format!(
                "{shown} is the USB stick of another lab; `ringside labs` lists them"
            ))),
            Err(error) => Err(VmError::io(format!("lock {shown}"))(error.into())),
        }
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
        let missing = Stick::open(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("truncate -s 1G"), "{missing}");
        let odd = folder.path().join("odd");
        fs::write(&odd, b"abc").unwrap();
        let odd = Stick::open(&odd).unwrap_err().to_string();
        assert!(odd.contains("3 bytes"), "{odd}");
        let folder = Stick::open(folder.path()).unwrap_err().to_string();
        assert!(folder.contains("EISDIR") || folder.contains("directory"), "{folder}");
    }

    #[test]
    fn two_labs_do_not_get_the_same_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::write(&path, [0; 1024]).unwrap();
        let first = Stick::open(&path).unwrap();
        assert!(Stick::open(&path).unwrap_err().to_string().contains("another lab"));
        drop(first);
        assert!(Stick::open(&path).is_ok());
    }
}
