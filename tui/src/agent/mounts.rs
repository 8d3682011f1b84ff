// SPDX-License-Identifier: MIT OR Apache-2.0
//! What process 1 of a lab's guest mounts, and how much memory files may take.
//!
//! Nothing in a guest is on a disk, so a file is memory that nobody can take
//! back: were files to fill it, the kernel would have nobody left to kill and
//! panic. So all places where programs leave files are folders of one file
//! system with a limit, and those that have one of their own are made small.

use std::io::{Error, Result};
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::statvfs;

/// Files may take this much of the memory that the kernel has left over, in
/// percent. A compiler needs about 100 MiB of the rest.
const FILES_PERCENT: u64 = 60;
/// One inode for this many bytes: an empty file takes memory, too.
const BYTES_PER_INODE: u64 = 16 * 1024;
/// What more may be written to file systems that are not for files.
const SLACK: u64 = 1 << 20;
/// The same in inodes; a driver may make many device nodes.
const SLACK_INODES: u64 = 8192;

/// Mounts what this process has to look at to know where it runs.
///
/// # Errors
/// The kernel refuses.
pub(super) fn proc() -> Result<()> {
    mount_one("proc", "/proc", "")
}

/// Mounts everything that programs expect. Everything is tried; the first error
/// is told.
///
/// # Errors
/// The kernel refuses.
pub(super) fn all() -> Result<()> {
    let mut result = Ok(());
    for (kind, place, options) in [
        ("proc", "/proc", ""),
        ("sysfs", "/sys", ""),
        ("devtmpfs", "/dev", "mode=755"),
        ("devpts", "/dev/pts", "mode=620,gid=5,ptmxmode=666"),
    ] {
        result = result.and(mount_one(kind, place, options));
    }
    let (bytes, inodes) = room();
    let limits = format!("mode=755,size={bytes},nr_inodes={inodes}");
    result = result.and(mount_one("tmpfs", "/run", &limits));
    for (folder, place) in [("/run/shm", "/dev/shm"), ("/run/tmp", "/tmp")] {
        result = result.and(for_everybody(folder, place));
    }
    for (place, flags) in
        [("/", MsFlags::empty()), ("/dev", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC)]
    {
        result = result.and(bound(place, flags));
    }
    for (link, target) in [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        if !Path::new(link).exists() {
            drop(std::os::unix::fs::symlink(target, link));
        }
    }
    result
}

/// How many bytes and inodes files may take.
fn room() -> (u64, u64) {
    // Without the file the guess is a small guest.
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = available(&text).unwrap_or(64 << 20) * FILES_PERCENT / 100;
    (bytes, bytes / BYTES_PER_INODE)
}

/// The memory that is left over, in bytes, as `/proc/meminfo` says.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn mount_one(kind: &str, place: &str, options: &str) -> Result<()> {
    std::fs::create_dir_all(place)?;
    let flags = match kind {
        "devtmpfs" | "devpts" => MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        _ => MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
    };
    match mount(Some(kind), place, Some(kind), flags, Some(options)) {
        // The kernel may have mounted it already.
        Ok(()) | Err(Errno::EBUSY) => Ok(()),
        Err(errno) => Err(failed(errno, format!("mount {kind} on {place}"))),
    }
}

/// Makes `folder` one that everybody may write to, and shows it at `place`.
fn for_everybody(folder: &str, place: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o1777))?;
    std::fs::create_dir_all(place)?;
    mount(Some(folder), place, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|errno| failed(errno, format!("mount {folder} on {place}")))
}

/// Lets a file system in memory grow by a little beyond what is in it.
fn bound(place: &str, flags: MsFlags) -> Result<()> {
    let doing = || format!("bound the file system at {place}");
    let stat = statvfs(place).map_err(|errno| failed(errno, doing()))?;
    let bytes = (stat.blocks() - stat.blocks_free()) * stat.fragment_size() + SLACK;
    let inodes = stat.files() - stat.files_free() + SLACK_INODES;
    let options = format!("size={bytes},nr_inodes={inodes}");
    mount(None::<&str>, place, None::<&str>, MsFlags::MS_REMOUNT | flags, Some(options.as_str()))
        .map_err(|errno| failed(errno, doing()))
}

fn failed(errno: Errno, doing: String) -> Error {
    Error::other(format!("{doing}: {}", errno.desc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_left_over_is_read_from_the_kernels_table() {
        let text = "MemTotal:         499404 kB\nMemFree:   1 kB\nMemAvailable:     457620 kB\n";
        assert_eq!(available(text), Some(457_620 * 1024));
        assert_eq!(available("MemTotal: 3 kB\n"), None);
    }
}
