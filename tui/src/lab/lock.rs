// SPDX-License-Identifier: MIT OR Apache-2.0
//! Locks between processes of one user, so that two of them never write to the
//! same folder of the cache. The kernel drops a lock with the last of its
//! holders, however that ends: this process, and what is started [`Lock::over`]
//! its work.

use std::fs::{self, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::build_error::{BuildError, BuildResult};
use super::progress::{Event, Progress, Stop};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    held: Flock<fs::File>,
}

/// Who else may hold it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Those who only read what it guards.
    Shared,
    /// Nobody.
    Exclusive,
}

impl Lock {
    /// Takes the lock on the file at `path`, which is made if need be. Waits
    /// while another process holds it, and says so: `what` is what that one does.
    ///
    /// # Errors
    /// The file can't be made or locked, or the caller wants to stop.
    pub(crate) fn take(
        path: &Path,
        mode: Mode,
        what: &str,
        progress: &mut dyn Progress,
    ) -> BuildResult<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(BuildError::on("make", folder))?;
        }
        let argument = match mode {
            Mode::Shared => FlockArg::LockSharedNonblock,
            Mode::Exclusive => FlockArg::LockExclusiveNonblock,
        };
        let mut told = false;
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            match Flock::lock(file.map_err(BuildError::on("open", path))?, argument) {
                // The cache may have been cleaned between opening and locking.
                Ok(held) if is_at(&held, path) => return Ok(Self { held }),
                Ok(_) => continue,
                Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => {}
                Err((_, errno)) => return Err(BuildError::on("lock", path)(errno.into())),
            }
            if !told {
                progress.note(format!("waiting for another ringside, which is {what}"));
                told = true;
            }
            if progress.stop() > Stop::No {
                return Err(BuildError::Stopped(format!(
                    "waiting for another ringside, which is {what}"
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Lock {
    /// The progress of work under this lock: the programs that it starts hold
    /// the lock as well.
    pub(crate) fn over<'a>(&'a self, progress: &'a mut dyn Progress) -> Locked<'a> {
        Self::all_over(std::slice::from_ref(self), progress)
    }

    /// The same of work under several locks.
    pub(crate) fn all_over<'a>(locks: &'a [Self], progress: &'a mut dyn Progress) -> Locked<'a> {
        Locked { held: locks, progress }
    }
}

/// Progress of work under a lock.
pub(crate) struct Locked<'a> {
    held: &'a [Lock],
    progress: &'a mut dyn Progress,
}

impl Progress for Locked<'_> {
    fn report(&mut self, event: Event) {
        self.progress.report(event);
    }

    fn tick(&mut self) {
        self.progress.tick();
    }

    fn stop(&self) -> Stop {
        self.progress.stop()
    }

    fn locks(&self) -> Vec<RawFd> {
        let mut locks = self.progress.locks();
        locks.extend(self.held.iter().map(|lock| lock.held.as_raw_fd()));
        locks
    }
}

/// Is the open file still the one at `path`?
pub(crate) fn is_at(file: &fs::File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(found)) => held.ino() == found.ino() && held.dev() == found.dev(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Impatient(Vec<Event>);
    impl Progress for Impatient {
        fn report(&mut self, event: Event) {
            self.0.push(event);
        }
        fn stop(&self) -> Stop {
            Stop::Gently
        }
    }

    #[test]
    fn a_second_writer_waits_and_can_be_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let first = Lock::take(&path, Mode::Exclusive, "building", &mut |_| {}).unwrap();
        let mut impatient = Impatient(Vec::new());
        let error = Lock::take(&path, Mode::Shared, "building", &mut impatient).unwrap_err();
        assert!(error.stopped());
        assert_eq!(impatient.0.len(), 1);
        drop(first);
        let _one = Lock::take(&path, Mode::Shared, "reading", &mut |_| {}).unwrap();
        let _two = Lock::take(&path, Mode::Shared, "reading", &mut |_| {}).unwrap();
    }
}
