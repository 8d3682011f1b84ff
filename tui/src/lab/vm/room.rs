// SPDX-License-Identifier: MIT OR Apache-2.0
//! The room that the host has for the USB stick, which takes it only as it is
//! written to.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::statvfs::statvfs;

/// So many free bytes, and what failed for want of room works again: a guest
/// writes at most half of them at one time.
const ENOUGH: u64 = 2 << 20;

/// Where a stick is written, and whether a write has failed there.
#[derive(Debug)]
pub struct Room {
    place: PathBuf,
    full: AtomicBool,
}

impl Room {
    /// For a stick that is this file, or has no name and lies in this folder.
    pub fn at(place: PathBuf) -> Self {
        Self { place, full: AtomicBool::new(false) }
    }

    /// The file or folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// A write has failed for want of room.
    pub fn failed(&self) {
        self.full.store(true, Ordering::Relaxed);
    }

    /// Where there is no room since a write failed.
    pub(super) fn missing(&self) -> Option<String> {
        if !self.full.load(Ordering::Relaxed) {
            return None;
        }
        let free = statvfs(&self.place)
            .map_or(0, |system| system.blocks_available().saturating_mul(system.fragment_size()));
        if free >= ENOUGH {
            self.full.store(false, Ordering::Relaxed);
            return None;
        }
        Some(self.place.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_missing_from_a_failed_write_until_there_is_some() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::at(folder.path().to_owned());
        assert_eq!(room.missing(), None);
        room.failed();
        // This machine has room there.
        assert_eq!(room.missing(), None);
        let gone = Room::at(folder.path().join("none"));
        gone.failed();
        assert_eq!(gone.missing(), Some(gone.place().display().to_string()));
    }
}
