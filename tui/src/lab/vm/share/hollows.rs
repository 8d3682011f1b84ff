// SPDX-License-Identifier: MIT OR Apache-2.0
//! What QEMU does not show of the shared folders, so that the guest knows what is
//! missing there.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::candidate::Candidate;
use super::mounts::Mount;
use crate::kernel::api::{Hollow, HollowKind, ShareKind};
use crate::lab::vm::confine::Masks;

/// What QEMU does not show of what the shares' folders list: what is mounted in
/// them, and what it finds empty.
pub(super) fn hollows(candidates: &[Candidate], mounts: &[Mount], masks: &Masks) -> Vec<Hollow> {
    let share_of = |path: &Path| {
        let above = |candidate: &&Candidate| {
            path != candidate.source && path.starts_with(&candidate.source)
        };
        candidates
            .iter()
            .filter(above)
            .max_by_key(|candidate| candidate.source.components().count())
    };
    let mut hollows: Vec<Hollow> = Vec::new();
    let mut add = |path: &Path, kind| {
        let Some(share) = share_of(path).filter(|share| share.kind != ShareKind::Written) else {
            return;
        };
        let rest = path.strip_prefix(&share.source).unwrap_or(path);
        let path = share.place.join(rest).as_os_str().as_bytes().to_vec();
        if !hollows.iter().any(|hollow| hollow.path == path) {
            hollows.push(Hollow { path, kind });
        }
    };
    for mount in mounts {
        // In one that is not shared itself nothing can be reached.
        let within = mounts.iter().any(|other| {
            other.place != mount.place
                && mount.place.starts_with(&other.place)
                && share_of(&mount.place).is_some_and(|share| {
                    other.place.starts_with(&share.source) && other.place != share.source
                })
        });
        if !within {
            let kind = if mount.place.is_dir() { HollowKind::Folder } else { HollowKind::File };
            add(&mount.place, kind);
        }
    }
    for folder in &masks.folders {
        add(folder, HollowKind::Nothing);
    }
    hollows
}
