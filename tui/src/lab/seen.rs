// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that something was made with, to notice when they are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{durable, sum};

/// A file as it was when it was used: when it is another, what was made with
/// it is made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Where it is.
    #[serde(with = "path_text")]
    pub(crate) path: PathBuf,
    size: u64,
    /// Nanoseconds since 1970.
    modified: i128,
    /// The checksum of something of ours, which a disk may damage in silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<u32>,
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
            sum: None,
        })
    }

    /// A file that was made just now, with its checksum; it is on the disk
    /// afterwards. `None` when it isn't there.
    pub(crate) fn made(path: &Path) -> Option<Self> {
        durable::keep(path).ok()?;
        Self::summed(path)
    }

    /// The same for one of many files, which are brought to the disk all at once.
    pub(crate) fn summed(path: &Path) -> Option<Self> {
        Some(Self { sum: Some(sum::of_file(path).ok()?), ..Self::now(path)? })
    }

    fn is(&self, now: &Self) -> bool {
        (&now.path, now.size, now.modified) == (&self.path, self.size, self.modified)
    }

    /// Is it still the same, as far as that shows without reading it?
    pub(crate) fn unchanged(&self) -> bool {
        Self::now(&self.path).is_some_and(|now| self.is(&now))
    }

    /// Is it still the same, byte for byte where its checksum is known?
    pub(crate) fn intact(&self) -> bool {
        let sound = |sum| sum::of_file(&self.path).is_ok_and(|found| found == sum);
        self.unchanged() && self.sum.is_none_or(sound)
    }

    /// Is it lost, or another although nobody has written to it since?
    pub(crate) fn damaged(&self) -> bool {
        let sound = |sum| sum::of_file(&self.path).is_ok_and(|found| found == sum);
        Self::now(&self.path).is_none_or(|now| {
            now.modified == self.modified && (now.size != self.size || !self.sum.is_none_or(sound))
        })
    }

    /// Removes it if it is damaged: whoever made it can't tell by its time that it
    /// has to be made again.
    pub(crate) fn remove_damaged(&self) {
        if self.unchanged() && !self.intact() {
            tracing::warn!("{} is damaged and made again", self.path.display());
            // What can't be removed can't be made again either, which is told then.
            drop(fs::remove_file(&self.path));
        }
    }

    /// Is it there and another?
    pub(crate) fn replaced(&self) -> bool {
        Self::now(&self.path).is_some_and(|now| !self.is(&now))
    }
}

/// A path as text where it is UTF-8, else as its bytes.
mod path_text {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Bytes(OsString),
    }

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => path.as_os_str().serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PathBuf, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => text.into(),
            Form::Bytes(bytes) => bytes.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_kept_as_text_or_as_its_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::ffi::OsStr::from_bytes(b"/caf\xe9");
        for path in [Path::new("/plain"), Path::new(odd)] {
            let seen = Seen { path: path.into(), size: 1, modified: 2, sum: None };
            let text = serde_json::to_string(&seen).unwrap();
            assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
        }
        let plain = Seen { path: "/plain".into(), size: 1, modified: 2, sum: None };
        let text = serde_json::to_string(&plain).unwrap();
        assert_eq!(text, r#"{"path":"/plain","size":1,"modified":2}"#);
    }

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
