// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that something was made with, to notice when they are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::paths::exact;

/// A file as it was when it was used: when it is another, what was made with
/// it is made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Where it is.
    #[serde(with = "exact")]
    pub(crate) path: PathBuf,
    size: u64,
    /// Nanoseconds since 1970.
    modified: i128,
}

impl Seen {
    /// A file as it is now; `None` when it isn't there.
    pub(crate) fn now(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::metadata(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            size: meta.size(),
            modified: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
        })
    }

    /// Is it still the same?
    pub(crate) fn unchanged(&self) -> bool {
        Self::now(&self.path).as_ref() == Some(self)
    }

    /// Is it there and another?
    pub(crate) fn replaced(&self) -> bool {
        Self::now(&self.path).is_some_and(|now| now != *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        fs::write(&file, "1").unwrap();
        let seen = Seen::now(&file).unwrap();
        assert!(seen.unchanged() && !seen.replaced());
        fs::write(&file, "22").unwrap();
        assert!(!seen.unchanged() && seen.replaced());
        fs::remove_file(&file).unwrap();
        assert!(!seen.unchanged() && !seen.replaced());
    }
}
