// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room on the disk.

use std::path::Path;

use crate::lab::build_error::{BuildError, BuildResult};
use crate::text::amount::amount;

/// Makes sure that `needed` bytes are free where `folder` is or will be.
///
/// # Errors
/// They are not.
pub(crate) fn room(folder: &Path, needed: u64) -> BuildResult<()> {
    let free = free(folder)?;
    if free >= needed {
        return Ok(());
    }
    Err(BuildError::NoSpace {
        folder: folder.to_owned(),
        needed: amount(needed),
        free: amount(free),
    })
}

/// Bytes that are free where `folder` is or will be.
pub(crate) fn free(folder: &Path) -> BuildResult<u64> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let stat = nix::sys::statvfs::statvfs(there)
        .map_err(|errno| BuildError::on("look at", there)(errno.into()))?;
    Ok(stat.blocks_available() * stat.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_noticed_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/there/yet");
        room(&missing, 1).unwrap();
        let error = room(&missing, 1 << 60).unwrap_err();
        assert!(error.to_string().contains("not enough room"), "{error}");
        assert!(error.remedy().unwrap().contains("RINGSIDE_CACHE"));
        assert!(!missing.exists());
    }
}
