// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every file of a folder in the cache, as it was when the folder was whole: what a
//! failing disk does to a source or an object shows in no name, size or time, and
//! would otherwise end up in every kernel and module that is built from it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::seen::Seen;

/// The files of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts(Vec<Seen>);

impl Parts {
    /// All plain files below `folder`, read now.
    pub(crate) fn of(folder: &Path) -> BuildResult<Self> {
        let mut parts = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(BuildError::on("read", &folder))? {
                let entry = entry.map_err(BuildError::on("read", &folder))?;
                let kind = entry.file_type().map_err(BuildError::on("look at", &entry.path()))?;
                match (kind.is_dir(), kind.is_file()) {
                    (true, _) => folders.push(entry.path()),
                    (_, true) => parts.extend(Seen::summed(&entry.path())),
                    _ => {}
                }
            }
        }
        Ok(Self(parts))
    }

    /// What was noted at `path`, if anything.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        cache::read_json(path)
    }

    /// Notes them at `path`.
    ///
    /// # Errors
    /// It can't be written.
    pub(crate) fn write(&self, path: &Path) -> BuildResult<()> {
        cache::write_json(path, self)
    }

    /// Reads those again that were changed on purpose, and those at `more`.
    pub(crate) fn renew(&mut self, more: impl Iterator<Item = PathBuf>) {
        let known: Vec<PathBuf> = more.filter(|path| !self.has(path)).collect();
        self.0.retain(|part| part.path.exists());
        for part in self.0.iter_mut().filter(|part| !part.unchanged()) {
            if let Some(now) = Seen::summed(&part.path) {
                *part = now;
            }
        }
        self.0.extend(known.iter().filter_map(|path| Seen::summed(path)));
    }

    fn has(&self, path: &Path) -> bool {
        self.0.iter().any(|part| part.path == path)
    }

    /// The first that is damaged, among those that are `wanted`.
    pub(crate) fn damaged(&self, wanted: impl Fn(&Path) -> bool) -> Option<&Path> {
        let mut wanted = self.0.iter().filter(|part| wanted(&part.path));
        wanted.find(|part| part.damaged()).map(|part| part.path.as_path())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Flips a bit of a file as a failing disk does: nothing else of it changes.
    pub(in super::super) fn flip(path: &Path) {
        let before = fs::metadata(path).unwrap().modified().unwrap();
        let mut bytes = fs::read(path).unwrap();
        bytes[0] ^= 1;
        fs::write(path, bytes).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
    }

    #[test]
    fn a_bit_that_flips_and_a_file_that_is_lost_are_damage_and_a_change_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("deep/one"), folder.path().join("two"));
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(&one, "one").unwrap();
        fs::write(&two, "two").unwrap();
        let note = folder.path().join("note");
        Parts::of(folder.path()).unwrap().write(&note).unwrap();
        let parts = Parts::read(&note).unwrap();
        assert_eq!(parts.damaged(|_| true), None);
        flip(&one);
        assert_eq!(parts.damaged(|_| true), Some(&*one));
        assert_eq!(parts.damaged(|path| path == two), None);
        flip(&one);
        // Somebody works on it.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
        fs::write(&two, "changed").unwrap();
        fs::File::options().write(true).open(&two).unwrap().set_modified(later).unwrap();
        assert_eq!(parts.damaged(|_| true), None);
        let mut renewed = parts.clone();
        renewed.renew(std::iter::empty());
        flip(&two);
        assert_eq!((parts.damaged(|_| true), renewed.damaged(|_| true)), (None, Some(&*two)));
        fs::remove_file(&one).unwrap();
        assert_eq!(parts.damaged(|_| true), Some(&*one));
    }
}
