// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room on the disk.

use std::path::Path;

use crate::lab::build_error::{BuildError, BuildResult};

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

/// Bytes for people: `1.8 GiB`.
pub fn amount(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            let digits = usize::from(unit != "B" && value < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        assert_eq!(amount(0), "0 B");
        assert_eq!(amount(1536), "1.5 KiB");
        assert_eq!(amount(166_780_612), "159 MiB");
        assert_eq!(amount(1_890_000_000), "1.8 GiB");
    }

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
