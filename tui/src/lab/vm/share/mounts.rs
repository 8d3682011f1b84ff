// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host has mounted, as `/proc/self/mountinfo` says.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::lab::vm::error::{VmError, VmResult};

/// File systems that keep people's files; others show what runs, or are images
/// of programs.
const KEEP_FILES: [&str; 26] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs", "jfs", "reiserfs", "nilfs2",
    "vfat", "exfat", "ntfs3", "fuseblk", "iso9660", "udf", "nfs", "nfs4", "cifs", "smb3", "9p",
    "virtiofs", "overlay", "ceph", "gfs2",
];

/// Something that is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where.
    pub(super) place: PathBuf,
    /// Which folder of its file system.
    pub(super) root: PathBuf,
    /// Which file system.
    device: String,
    /// The kind of file system.
    kind: String,
}

impl Mount {
    /// Does it show, once more, what `path` is in the file system of `other`, or
    /// what that lies in?
    pub(super) fn repeats(&self, other: &Self, path: &Path) -> bool {
        let below = path.strip_prefix(&other.place).unwrap_or(path);
        let there = other.root.join(below);
        self.place != other.place
            && self.device == other.device
            && (self.root.starts_with(&there) || there.starts_with(&self.root))
    }

    /// Does it keep files?
    pub(super) fn keeps_files(&self) -> bool {
        KEEP_FILES.contains(&self.kind.as_str())
    }
}

pub(super) fn now() -> VmResult<Vec<Mount>> {
    let path = "/proc/self/mountinfo";
    let bytes = fs::read(path).map_err(VmError::io(format!("read {path}")))?;
    Ok(parse(&bytes))
}

/// At each place only what was mounted last is seen.
fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for line in mountinfo.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let (Some(device), Some(root), Some(place)) = (fields.nth(2), fields.next(), fields.next())
        else {
            continue;
        };
        // As many fields as there are end in a dash; the kind is behind it.
        let Some(kind) = fields.skip_while(|field| *field != b"-").nth(1) else { continue };
        let path = |field| PathBuf::from(OsString::from_vec(unescape(field)));
        let text = |field| String::from_utf8_lossy(field).into_owned();
        let place = path(place);
        mounts.retain(|mount| mount.place != place);
        mounts.push(Mount { place, root: path(root), device: text(device), kind: text(kind) });
    }
    mounts
}

/// Blanks and the like stand there as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let Some((first, others)) = rest.split_first() {
        let octal = others.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let octal = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal.filter(|_| *first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[3..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_mountinfo_holds_is_read() {
        crate::fuzz::bytes("lines", |bytes| {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(parse(bytes).len() <= lines);
        });
    }

    #[test]
    fn mounts_are_read_with_their_places_and_kinds() {
        let text = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                     28 27 0:25 /a /home/my\\040disk ro,nosuid shared:3 master:1 - nfs4 host:/a rw\n\
                     29 27 0:26 / /tmp rw - ext4 /dev/vdb rw\n\
                     30 27 0:27 / /tmp rw - tmpfs tmpfs rw\n";
        let mounts = parse(text);
        let seen: Vec<_> = mounts
            .iter()
            .map(|mount| (mount.place.to_str().unwrap(), mount.kind.as_str()))
            .collect();
        assert_eq!(seen, [("/", "ext4"), ("/home/my disk", "nfs4"), ("/tmp", "tmpfs")]);
        assert!(mounts[1].keeps_files() && !mounts[2].keeps_files());
    }

    #[test]
    fn a_folder_that_is_mounted_a_second_time_is_noticed() {
        let text = b"27 1 254:0 / / rw - ext4 /dev/vda rw\n\
                     28 27 254:0 /run /srv/jail/run rw - ext4 /dev/vda rw\n\
                     29 27 254:0 / /srv/all rw - ext4 /dev/vda rw\n\
                     30 27 254:0 /opt /srv/opt rw - ext4 /dev/vda rw\n\
                     31 27 0:9 / /srv/run rw - tmpfs tmpfs rw\n";
        let mounts = parse(text);
        let repeats = mounts.iter().map(|mount| mount.repeats(&mounts[0], Path::new("/run")));
        assert_eq!(repeats.collect::<Vec<_>>(), [false, true, true, false, false]);
    }
}
