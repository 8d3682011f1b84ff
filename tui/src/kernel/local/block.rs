// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block I/O through `/dev/kmod`, and past it for comparison.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use ringside_uapi::kmod::{
    BREAD, BREADOFFSET, BWRITE, BWRITEOFFSET, BlockInfo, BlockIo, BlockRwOffsetOps, BlockRwOps,
    DEVICE, FLAG_GONE, FLAG_READ_ONLY, INFO, READ64, SYNC, WRITE64,
};

use super::{files, sysfs};
use crate::kernel::api::{BLOCK_MAX, BlockAction, BlockDevice, BlockDeviceInfo, BlockOutcome};
use crate::kernel::error::{TargetError, TargetResult};

/// Opens the module's node.
fn open(doing: &str) -> TargetResult<File> {
    File::options().read(true).write(true).open(DEVICE).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "load the module first: ringside load kmod",
            ErrorKind::PermissionDenied => "only root may open it",
            _ => "",
        };
        TargetError::io(&error, format!("open {DEVICE} to {doing}")).with_hint(hint)
    })
}

/// Calls an operation of the module; the result is a number of bytes.
///
/// # Safety
/// `argument` must be what `request` takes, and the buffer it names must be
/// valid for what the operation does with it.
unsafe fn ioctl<T>(request: u32, argument: *mut T, doing: &str) -> TargetResult<usize> {
    let file = open(doing)?;
    // SAFETY: as the caller promises.
    let result = unsafe {
        nix::libc::ioctl(file.as_raw_fd(), nix::libc::c_ulong::from(request) as _, argument)
    };
    if result >= 0 {
        return Ok(result as usize);
    }
    let error = std::io::Error::last_os_error();
    let hint = match error.raw_os_error() {
        Some(nix::libc::ENODEV | nix::libc::ENXIO | nix::libc::EIO) => {
            "the device behind it may be gone: plug it in again and reload kmod"
        }
        Some(nix::libc::ENOSPC) => "that is beyond the end of the device",
        Some(nix::libc::EROFS) => "the device is read-only: `blockdev --setrw` may change that",
        _ => "",
    };
    Err(TargetError::io(&error, format!("{doing} by {DEVICE}")).with_hint(hint))
}

fn bounded(size: usize) -> TargetResult<u32> {
    if size > BLOCK_MAX as usize {
        return Err(TargetError::Invalid(format!(
            "{size} bytes at one time; at most {BLOCK_MAX} are moved"
        )));
    }
    Ok(size as u32)
}

/// What a module that only bears the name kmod can do of an action: it has the
/// operations of the old contract, which leave the position behind what they moved.
fn for_any_kmod(action: BlockAction) -> TargetResult<BlockAction> {
    let name = ringside_uapi::kmod::MODULE.name;
    if !sysfs::folder(name).exists() || sysfs::is_ours(name) {
        return Ok(action);
    }
    let lacks = |what: &str| sysfs::not_ours(name, what, "`ringside block read` and `write` work");
    let near = |offset: u64| {
        u32::try_from(offset).map_err(|_| lacks("operation that reaches beyond 4 GiB"))
    };
    Ok(match action {
        BlockAction::Info => return Err(lacks("INFO")),
        BlockAction::Sync => return Err(lacks("SYNC")),
        BlockAction::ReadAt { offset, size } => {
            BlockAction::SeekRead { offset: near(offset)?, size }
        }
        BlockAction::WriteAt { offset, data } => {
            BlockAction::SeekWrite { offset: near(offset)?, data }
        }
        action => action,
    })
}

/// Performs an operation of `/dev/kmod`.
pub(super) fn act(action: BlockAction) -> TargetResult<BlockOutcome> {
    match for_any_kmod(action)? {
        BlockAction::Info => {
            let mut info = BlockInfo::default();
            // SAFETY: INFO fills in a BlockInfo.
            unsafe { ioctl(INFO, &raw mut info, "ask about the device") }?;
            Ok(BlockOutcome::Info(BlockDeviceInfo {
                size: info.size,
                position: info.position,
                logical_block_size: info.logical_block_size,
                read_only: info.flags & FLAG_READ_ONLY != 0,
                gone: info.flags & FLAG_GONE != 0,
            }))
        }
        BlockAction::Sync => {
            // SAFETY: SYNC takes no argument.
            unsafe { ioctl(SYNC, std::ptr::null_mut::<u8>(), "sync the device") }?;
            Ok(BlockOutcome::Synced)
        }
        BlockAction::Read { size } => read(size, |data, size| {
            let mut ops = BlockRwOps { data, size, padding: 0 };
            let doing = format!("read {size} bytes");
            // SAFETY: `data` is a buffer of `size` bytes.
            unsafe { ioctl(BREAD, &raw mut ops, &doing) }
        }),
        BlockAction::SeekRead { offset, size } => read(size, |data, size| {
            let mut ops = BlockRwOffsetOps { data, size, offset };
            let doing = format!("read {size} bytes at {offset}");
            // SAFETY: `data` is a buffer of `size` bytes.
            unsafe { ioctl(BREADOFFSET, &raw mut ops, &doing) }
        }),
        BlockAction::ReadAt { offset, size } => read(size, |data, size| {
            let mut ops = BlockIo { data, offset, size, reserved: 0 };
            let doing = format!("read {size} bytes at {offset}");
            // SAFETY: `data` is a buffer of `size` bytes.
            unsafe { ioctl(READ64, &raw mut ops, &doing) }
        }),
        BlockAction::Write { data } => write(&data, |data, size| {
            let mut ops = BlockRwOps { data, size, padding: 0 };
            let doing = format!("write {size} bytes");
            // SAFETY: `data` is `size` bytes, which are only read.
            unsafe { ioctl(BWRITE, &raw mut ops, &doing) }
        }),
        BlockAction::SeekWrite { offset, data } => write(&data, |data, size| {
            let mut ops = BlockRwOffsetOps { data, size, offset };
            let doing = format!("write {size} bytes at {offset}");
            // SAFETY: `data` is `size` bytes, which are only read.
            unsafe { ioctl(BWRITEOFFSET, &raw mut ops, &doing) }
        }),
        BlockAction::WriteAt { offset, data } => write(&data, |data, size| {
            let mut ops = BlockIo { data, offset, size, reserved: 0 };
            let doing = format!("write {size} bytes at {offset}");
            // SAFETY: `data` is `size` bytes, which are only read.
            unsafe { ioctl(WRITE64, &raw mut ops, &doing) }
        }),
    }
}

fn read(
    size: u32,
    operation: impl FnOnce(u64, u32) -> TargetResult<usize>,
) -> TargetResult<BlockOutcome> {
    let mut buffer = vec![0; bounded(size as usize)? as usize];
    let moved = operation(buffer.as_mut_ptr() as u64, size)?;
    buffer.truncate(moved);
    Ok(BlockOutcome::Bytes(buffer))
}

fn write(
    data: &[u8],
    operation: impl FnOnce(u64, u32) -> TargetResult<usize>,
) -> TargetResult<BlockOutcome> {
    let size = bounded(data.len())?;
    let moved = operation(data.as_ptr() as u64, size)?;
    Ok(BlockOutcome::Written(moved as u32))
}

/// Bytes of a device or file by `pread`.
pub(super) fn peek(path: &str, offset: u64, size: u32) -> TargetResult<Vec<u8>> {
    let doing = || format!("read {size} bytes at {offset} of {path}");
    let mut buffer = vec![0; bounded(size as usize)? as usize];
    let file = File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| TargetError::io(&error, doing()))?;
    let mut held = 0;
    while held < buffer.len() {
        match file.read_at(&mut buffer[held..], offset + held as u64) {
            Ok(0) => break,
            Ok(read) => held += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(TargetError::io(&error, doing())),
        }
    }
    buffer.truncate(held);
    Ok(buffer)
}

/// The block devices that hold anything.
pub(super) fn devices() -> TargetResult<Vec<BlockDevice>> {
    let entries = Path::new("/sys/block")
        .read_dir()
        .map_err(|error| TargetError::io(&error, "list /sys/block"))?;
    let mut devices: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let folder = entry.path();
            // The kernel counts in sectors of 512 bytes, whatever the device does.
            let size = files::number::<u64>(folder.join("size"))? * 512;
            let word = |file: &str| files::text(folder.join("device").join(file)).ok();
            let model = [word("vendor"), word("model")];
            let model: Vec<_> = model.iter().flatten().map(|word| word.trim()).collect();
            (size > 0).then(|| BlockDevice {
                path: format!("/dev/{}", entry.file_name().to_string_lossy()),
                size,
                model: model.join(" ").trim().to_owned(),
                removable: files::number::<u8>(folder.join("removable")) == Some(1)
                    || is_usb(&folder),
            })
        })
        .collect();
    devices.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(devices)
}

/// Is the device whose folder in `/sys/block` this is on USB?
pub(super) fn is_usb(folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|path| {
        path.components().any(|part| {
            let part = part.as_os_str().as_encoded_bytes();
            part.strip_prefix(b"usb")
                .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peeking_beyond_the_end_of_a_file_is_short_and_no_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"0123456789").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(peek(path, 6, 100).unwrap(), b"6789");
        assert_eq!(peek(path, 60, 100).unwrap(), b"");
        assert!(peek(path, 0, BLOCK_MAX + 1).is_err());
        assert!(peek("/nonexistent", 0, 1).is_err());
    }
}
