// SPDX-License-Identifier: MIT OR Apache-2.0
//! What no guest must see where it lies in a share: it is covered, or the share is
//! left out.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::candidate::Candidate;
use super::mounts::Mount;
use super::{NEVER, Wanted};
use crate::kernel::api::HostView;
use crate::lab::vm::confine::{Cover, Masks};
use crate::lab::vm::error::{VmError, VmResult};

/// An older name of `/run`, where it is no link to it.
const OLD_RUN: &str = "/var/run";

impl Wanted {
    /// Covers what no guest must see where it lies in a share; a share that holds
    /// what can't be covered is left out.
    pub(super) fn hide(
        &self,
        mounts: &[Mount],
        candidates: &mut Vec<Candidate>,
        view: &mut HostView,
        cover: impl FnOnce() -> Option<Cover>,
    ) -> VmResult<Masks> {
        let inside = |candidate: &Candidate, hidden: &Path| hidden.starts_with(&candidate.source);
        let reached = |hidden: &&PathBuf| {
            candidates.iter().any(|candidate| {
                inside(candidate, hidden) && device(&candidate.source) == device(hidden)
            })
        };
        let hidden = self.hidden.iter().filter_map(|folder| folder.canonicalize().ok());
        let mut hidden: Vec<PathBuf> = hidden.collect();
        hidden.extend(
            Some(PathBuf::from(OLD_RUN))
                .filter(|path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir())),
        );
        // A share's own file system may show again what is left out at the top.
        let root = mounts.iter().find(|mount| mount.place == Path::new("/"));
        hidden.extend(
            mounts
                .iter()
                .filter(|mount| {
                    root.is_some_and(|root| {
                        NEVER.iter().any(|path| mount.repeats(root, Path::new(path)))
                    })
                })
                .map(|mount| mount.place.clone()),
        );
        let folders: Vec<PathBuf> = hidden.iter().filter(reached).cloned().collect();
        if folders.is_empty() {
            return Ok(Masks::default());
        }
        let cover = cover();
        if cover.is_some() {
            return Ok(Masks { folders, cover });
        }
        let holds = |candidate: &Candidate| folders.iter().any(|folder| inside(candidate, folder));
        if let Some(named) = candidates.iter().find(|folder| folder.named && holds(folder)) {
            return Err(VmError::Unsupported(format!(
                "share {}: it holds {}, which no guest must see, and this user may make no \
                 mount namespace to cover it; work in another folder, or set XDG_RUNTIME_DIR to \
                 one that is elsewhere",
                named.source.display(),
                folders[0].display(),
            )));
        }
        for left in candidates.iter().filter(|candidate| holds(candidate)) {
            tracing::warn!(
                "{} is not shared with the guest: it holds {}, which can't be covered here",
                left.source.display(),
                folders[0].display()
            );
            if left.place.parent() == Some(Path::new("/")) && left.place != Path::new("/tmp") {
                view.folders.push(left.place.as_os_str().as_bytes().to_vec());
            }
        }
        candidates.retain(|candidate| !holds(candidate));
        Ok(Masks::default())
    }
}

fn device(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|meta| meta.dev())
}
