// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notices when something in a folder changes (inotify), and waits until whoever
//! changes it is done: an editor writes a new file, renames it over the old one
//! and sets its times, within a few milliseconds.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// So long nothing may change before a change is reported.
const QUIET: Duration = Duration::from_millis(25);
/// So long it may go on changing.
const AT_MOST: Duration = Duration::from_millis(500);
/// Folders deeper than this are left out.
const DEPTH_MAX: usize = 16;

/// Calls `tell` after each change below `folder`, on a thread of its own that
/// ends once `tell` says `false`.
///
/// # Errors
/// The folder can't be watched.
pub(super) fn hear(
    folder: &Path,
    mut tell: impl FnMut() -> bool + Send + 'static,
) -> std::io::Result<()> {
    let mut watched = Watched {
        inotify: Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?,
        folders: HashMap::new(),
    };
    watched.add(folder, 0)?;
    thread::Builder::new()
        .name("changes".into())
        .spawn(move || while watched.wait_for_change() && tell() {})?;
    Ok(())
}

struct Watched {
    inotify: Inotify,
    folders: HashMap<WatchDescriptor, (PathBuf, usize)>,
}

impl Watched {
    fn add(&mut self, folder: &Path, depth: usize) -> Result<(), Errno> {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        let number = self.inotify.add_watch(folder, flags)?;
        self.folders.insert(number, (folder.to_owned(), depth));
        if depth >= DEPTH_MAX {
            return Ok(());
        }
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && is_source(&entry.file_name()) {
                // Gone again, or not ours to read: nothing is built from it.
                let _ = self.add(&entry.path(), depth + 1);
            }
        }
        Ok(())
    }

    /// Waits for a change and then for quiet; `false`: there is nothing to watch
    /// any more.
    fn wait_for_change(&mut self) -> bool {
        let mut changed = false;
        while !changed {
            if !self.readable(None) {
                return false;
            }
            changed = self.take();
        }
        let until = Instant::now() + AT_MOST;
        while Instant::now() < until && self.readable(Some(QUIET)) {
            self.take();
        }
        true
    }

    /// Waits until there is something to read, at most so long.
    fn readable(&self, within: Option<Duration>) -> bool {
        let timeout = match within {
            None => PollTimeout::NONE,
            Some(within) => PollTimeout::try_from(within).unwrap_or(PollTimeout::ZERO),
        };
        loop {
            let mut fds = [PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => {}
                Err(_) | Ok(0) => return false,
                Ok(_) => return true,
            }
        }
    }

    /// Takes what there is to read; was a source among it?
    fn take(&mut self) -> bool {
        let mut changed = false;
        for event in self.inotify.read_events().unwrap_or_default() {
            let name = event.name.unwrap_or_default();
            let is_folder = event.mask.contains(AddWatchFlags::IN_ISDIR);
            let came = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
            if is_folder && event.mask.intersects(came) && is_source(&name) {
                if let Some((above, depth)) = self.folders.get(&event.wd).cloned() {
                    let _ = self.add(&above.join(&name), depth + 1);
                }
                changed = true;
            }
            // A file that was only made is written next, and reported then.
            let written = !event.mask.contains(AddWatchFlags::IN_CREATE);
            changed |= written && !name.is_empty() && is_source(&name);
        }
        changed
    }
}

/// Not what editors and version control systems keep beside sources.
fn is_source(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let kept = name.starts_with('.')
        || name.ends_with('~')
        || name.ends_with(".swp")
        || name.ends_with(".tmp")
        || (name.starts_with('#') && name.ends_with('#'))
        // Vim tries with it whether it may write here.
        || name == "4913";
    !kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::mpsc::{Receiver, channel};

    fn heard(folder: &Path) -> Receiver<()> {
        let (send, receive) = channel();
        hear(folder, move || send.send(()).is_ok()).unwrap();
        receive
    }

    #[test]
    fn a_file_written_or_replaced_or_in_a_new_folder_is_one_change_each() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_owned();
        let heard = heard(&at);
        let change = || heard.recv_timeout(Duration::from_secs(60)).unwrap();
        fs::write(at.join("a.c"), "1").unwrap();
        change();
        fs::write(at.join("a.tmp"), "2").unwrap();
        fs::rename(at.join("a.tmp"), at.join("a.c")).unwrap();
        change();
        fs::create_dir(at.join("sub")).unwrap();
        change();
        fs::write(at.join("sub/b.c"), "1").unwrap();
        change();
        for kept in [".a.c.swp", "a.c~", "4913", "#a.c#"] {
            fs::write(at.join(kept), "x").unwrap();
        }
        fs::remove_file(at.join("sub/b.c")).unwrap();
        change();
        assert!(heard.recv_timeout(QUIET * 2).is_err());
    }
}
