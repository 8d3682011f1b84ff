// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where labs are found: one folder each, with a socket in it, below
//! `$XDG_RUNTIME_DIR/ringside` or `/tmp/ringside-<uid>`.
//!
//! A lab process holds a lock on its folder while it lives. So whether a lab
//! lives is asked of the kernel and not of a number in a file, and what a
//! killed one left behind is removed by the next command that looks.

use std::fs::{self, DirBuilder, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use super::error::{LabError, LabResult};

/// The socket's name in a lab's folder.
const SOCKET: &str = "socket";
/// Labs that one user can run at once; more is a mistake in a loop.
const LABS: u32 = 1000;

/// The folder of all labs of this user, made and checked.
///
/// # Errors
/// It can't be made, or is not this user's alone.
pub fn folder() -> LabResult<PathBuf> {
    let folder = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if Path::new(&folder).is_absolute() => Path::new(&folder).join("ringside"),
        _ => PathBuf::from(format!("/tmp/ringside-{}", Uid::effective())),
    };
    check(&folder)?;
    Ok(folder)
}

/// Makes `folder` with mode 0700, or makes sure that it has it and is ours: in
/// /tmp anybody could have made it first.
fn check(folder: &Path) -> LabResult<()> {
    let wrong = |why: String| LabError::RuntimeFolder { folder: folder.display().to_string(), why };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(wrong(format!("{error}; set XDG_RUNTIME_DIR to a folder of your own")));
        }
        _ => {}
    }
    let meta = fs::symlink_metadata(folder).map_err(|error| wrong(error.to_string()))?;
    if !meta.is_dir() || meta.uid() != Uid::effective().as_raw() || meta.mode() & 0o077 != 0 {
        return Err(wrong(
            "is not a folder that only you can use (mode 0700, yours); \
             remove it or set XDG_RUNTIME_DIR"
                .into(),
        ));
    }
    Ok(())
}

/// A lab's own folder, held by its lab process. Dropping it removes it.
#[derive(Debug)]
pub struct LabFolder {
    id: String,
    path: PathBuf,
    lock: Flock<File>,
}

impl LabFolder {
    /// Takes the first number that is free below `folder`.
    ///
    /// # Errors
    /// Nothing can be made there.
    pub fn create(folder: &Path) -> LabResult<Self> {
        for number in 1..=LABS {
            let id = number.to_string();
            let path = folder.join(&id);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(LabError::io(format!("make {}", path.display()))(error));
                }
                _ => {}
            }
            if let Some(lock) = lock(&path) {
                // A killed lab's socket may still be there.
                drop(fs::remove_file(path.join(SOCKET)));
                return Ok(Self { id, path, lock });
            }
        }
        Err(LabError::NotStarted(format!("{LABS} labs are running")))
    }

    /// The lab's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Listens on the lab's socket.
    ///
    /// # Errors
    /// The socket can't be made.
    pub fn listen(&self) -> LabResult<UnixListener> {
        UnixListener::bind(short(&self.lock, SOCKET))
            .map_err(LabError::io(format!("make the socket {}", self.path.join(SOCKET).display())))
    }

    /// Removes folder and socket.
    pub fn remove(&self) {
        // Somebody else may have removed either; nothing is lost then.
        drop(fs::remove_file(self.path.join(SOCKET)));
        drop(fs::remove_dir(&self.path));
    }
}

impl Drop for LabFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A path to `name` in an open folder that is never too long for a socket.
fn short(folder: &File, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

/// Takes the lock of the folder at `path`; `None` while somebody has it, or
/// where the folder has been removed meanwhile.
fn lock(path: &Path) -> Option<Flock<File>> {
    let folder = File::open(path).ok()?;
    let lock = Flock::lock(folder, FlockArg::LockExclusiveNonblock).ok()?;
    let (held, found) = (lock.metadata().ok()?, fs::metadata(path).ok()?);
    (held.ino() == found.ino() && held.dev() == found.dev()).then_some(lock)
}

/// The names of the labs that live below `folder`, in order; removes what dead
/// ones left.
pub fn labs(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number: &u32| {
            let path = folder.join(number.to_string());
            match lock(&path) {
                Some(lock) => {
                    drop(fs::remove_file(path.join(SOCKET)));
                    drop(fs::remove_dir(&path));
                    drop(lock);
                    false
                }
                None => path.exists(),
            }
        })
        .collect();
    numbers.sort_unstable();
    numbers.iter().map(u32::to_string).collect()
}

/// Connects to the lab `id` below `folder`.
///
/// # Errors
/// No such lab lives.
pub fn connect(folder: &Path, id: &str) -> LabResult<UnixStream> {
    // The name is the user's, and must not lead elsewhere.
    if id.parse::<u32>().is_err() {
        return Err(LabError::NoSuchLab(id.into()));
    }
    let path = folder.join(id);
    let open = File::open(&path).map_err(|_| LabError::NoSuchLab(id.into()))?;
    UnixStream::connect(short(&open, SOCKET)).map_err(|_| LabError::NoSuchLab(id.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn runtime() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn labs_get_the_lowest_free_numbers_and_leave_nothing() {
        let folder = runtime();
        let one = LabFolder::create(folder.path()).unwrap();
        let two = LabFolder::create(folder.path()).unwrap();
        assert_eq!(labs(folder.path()), ["1", "2"]);
        let _listener = one.listen().unwrap();
        drop(one);
        assert_eq!(LabFolder::create(folder.path()).unwrap().id(), "1");
        assert_eq!(labs(folder.path()), ["2"]);
        drop(two);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_lab_left_is_removed_and_its_number_used_again() {
        let folder = runtime();
        let dead = folder.path().join("1");
        fs::create_dir(&dead).unwrap();
        drop(UnixListener::bind(dead.join(SOCKET)).unwrap());
        assert!(dead.join(SOCKET).exists());
        assert!(labs(folder.path()).is_empty());
        assert!(!dead.exists());
    }

    #[test]
    fn a_socket_works_below_a_folder_whose_path_is_too_long_for_one() {
        let folder = runtime();
        let long = folder.path().join("x".repeat(200));
        fs::create_dir(&long).unwrap();
        let lab = LabFolder::create(&long).unwrap();
        let _listener = lab.listen().unwrap();
        connect(&long, "1").unwrap();
        assert!(matches!(connect(&long, "2"), Err(LabError::NoSuchLab(_))));
        assert!(matches!(connect(&long, "../1"), Err(LabError::NoSuchLab(_))));
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let folder = runtime();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(check(&open).unwrap_err().to_string().contains("mode 0700"));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(check(&link).is_err());
        check(&folder.path().join("new")).unwrap();
    }
}
