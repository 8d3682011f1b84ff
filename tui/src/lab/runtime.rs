// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where labs are found: one folder each, with a socket in it, below
//! `$XDG_RUNTIME_DIR/ringside` or `/tmp/ringside-<uid>`. In /tmp anybody can have
//! made that one first; then it is `/tmp/ringside-<uid>.1`, and so on.
//!
//! A lab process holds a lock on its folder while it lives. So whether a lab
//! lives is asked of the kernel and not of a number in a file, and what a
//! killed one left behind is removed by the next command that looks.

use std::fs::{self, DirBuilder, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use nix::unistd::Uid;

use super::error::{LabError, LabResult, Unresponsive};
use crate::kernel::error::io_text;

/// The socket's name in a lab's folder.
const SOCKET: &str = "socket";
/// The socket for gdb, while there is one.
pub(super) const GDB_SOCKET: &str = "gdb";
/// Labs that one user can run at once; more is a mistake in a loop.
const LABS: u32 = 1000;
/// How many names in /tmp are tried that others can have taken.
const SHARED: u32 = 100;

/// The folder of all labs of this user, made and checked.
///
/// # Errors
/// It can't be made, or is not this user's alone.
pub fn folder() -> LabResult<PathBuf> {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if Path::new(&folder).is_absolute() => {
            let folder = Path::new(&folder).join("ringside");
            check(&folder, Uid::effective())?;
            Ok(folder)
        }
        _ => shared(Path::new("/tmp"), Uid::effective()),
    }
}

/// A folder of `user` in one where everybody makes theirs. All of a user's
/// commands must find the same one, so one that is there already comes before
/// an earlier name that has become free.
fn shared(place: &Path, user: Uid) -> LabResult<PathBuf> {
    let first = place.join(format!("ringside-{user}"));
    let next = |number| place.join(format!("ringside-{user}.{number}"));
    let names: Vec<PathBuf> = std::iter::once(first.clone()).chain((1..SHARED).map(next)).collect();
    let there = names.iter().find(|name| look(name, user).is_ok());
    let found = there.or_else(|| names.iter().find(|name| check(name, user).is_ok()));
    match found {
        Some(found) => Ok(found.clone()),
        // What is wrong with the first says the most.
        None => check(&first, user).map(|()| first),
    }
}

/// Makes `folder` with mode 0700, or makes sure that it is there and private.
fn check(folder: &Path, user: Uid) -> LabResult<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            let why = format!("{}; set XDG_RUNTIME_DIR to a folder of your own", io_text(&error));
            Err(wrong(folder, why))
        }
        _ => look(folder, user),
    }
}

/// Is the folder there, this user's, and closed to everybody else?
fn look(folder: &Path, user: Uid) -> LabResult<()> {
    let meta = fs::symlink_metadata(folder).map_err(|error| wrong(folder, io_text(&error)))?;
    if !meta.is_dir() || meta.uid() != user.as_raw() || meta.mode() & 0o077 != 0 {
        let why = "is not a folder that only you can use (mode 0700, yours); \
                   remove it or set XDG_RUNTIME_DIR";
        return Err(wrong(folder, why.into()));
    }
    Ok(())
}

fn wrong(folder: &Path, why: String) -> LabError {
    LabError::RuntimeFolder { folder: folder.display().to_string(), why }
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

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens on the lab's socket.
    ///
    /// # Errors
    /// The socket can't be made.
    pub fn listen(&self) -> LabResult<UnixListener> {
        UnixListener::bind(short(&self.lock, SOCKET))
            .map_err(LabError::io(format!("make the socket {}", self.path.join(SOCKET).display())))
    }

    /// Removes folder and socket. Once they are gone another lab may have this one's number,
    /// and what then lies in their place is that one's.
    pub fn remove(&self) {
        if !is_at(&self.lock, &self.path) {
            return;
        }
        // Somebody else may have removed either; nothing is lost then.
        drop(fs::remove_file(self.path.join(SOCKET)));
        drop(fs::remove_file(self.path.join(GDB_SOCKET)));
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

/// Opens the folder at `path`. A lab's is never behind a link: what somebody else
/// put in its place is left alone.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// Takes the lock of the folder at `path`; `None` while somebody has it, or
/// where the folder has been removed meanwhile or is something else.
fn lock(path: &Path) -> Option<Flock<File>> {
    let folder = open(path).ok()?;
    let lock = Flock::lock(folder, FlockArg::LockExclusiveNonblock).ok()?;
    is_at(&lock, path).then_some(lock)
}

/// Is it this open folder that lies at `path`?
fn is_at(folder: &File, path: &Path) -> bool {
    match (folder.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(found)) => held.ino() == found.ino() && held.dev() == found.dev(),
        _ => false,
    }
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
                None => fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()),
            }
        })
        .collect();
    numbers.sort_unstable();
    numbers.iter().map(u32::to_string).collect()
}

/// The process that holds the lock of the lab's folder at `path`.
pub(super) fn holder(path: &Path) -> Option<i32> {
    let folder = fs::metadata(path).ok()?;
    let (device, inode) = (folder.dev(), folder.ino());
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    // `1: FLOCK  ADVISORY  WRITE 5362 fe:00:5423498 0 EOF`
    let place = format!("{major:02x}:{minor:02x}:{inode}");
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let held = words.next()? == "FLOCK";
        let pid = words.nth(2)?.parse().ok()?;
        (held && words.next()? == place).then_some(pid)
    })
}

/// The lab `id` below `folder`, which does not answer.
pub(super) fn unresponsive(folder: &Path, id: &str) -> Unresponsive {
    Unresponsive { id: id.to_owned(), pid: holder(&folder.join(id)) }
}

/// Connects to the lab `id` below `folder`, without waiting for it.
///
/// # Errors
/// No such lab lives, or its process has not taken a connection for long.
pub fn connect(folder: &Path, id: &str) -> LabResult<UnixStream> {
    // The name is the user's, and must not lead elsewhere.
    if id.parse::<u32>().is_err() {
        return Err(LabError::NoSuchLab(id.into()));
    }
    let path = folder.join(id);
    let open = open(&path).map_err(|_| LabError::NoSuchLab(id.into()))?;
    let socket = socket::socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        None,
    )
    .map_err(|errno| LabError::io("make a socket")(errno.into()))?;
    let connected = UnixAddr::new(&short(&open, SOCKET))
        .and_then(|address| socket::connect(socket.as_raw_fd(), &address));
    match connected {
        Ok(()) => {}
        // Nobody has taken those who came before, and no more may wait.
        Err(Errno::EAGAIN) => return Err(LabError::Unresponsive(unresponsive(folder, id))),
        Err(_) => return Err(LabError::NoSuchLab(id.into())),
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false).map_err(LabError::io("use a socket"))?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn runtime() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_lab_that_is_gone_leaves_the_one_with_its_number_alone() {
        let top = tempfile::tempdir().unwrap();
        let first = LabFolder::create(top.path()).unwrap();
        // It goes while its process still has things to do.
        first.remove();
        let second = LabFolder::create(top.path()).unwrap();
        assert_eq!(second.id(), first.id());
        let _listener = second.listen().unwrap();
        drop(first);
        assert!(second.path().join(SOCKET).exists());
        drop(second);
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 0);
    }

    #[test]
    fn labs_get_the_lowest_free_numbers_and_leave_nothing() {
        let folder = runtime();
        let one = LabFolder::create(folder.path()).unwrap();
        let two = LabFolder::create(folder.path()).unwrap();
        assert_eq!(labs(folder.path()), ["1", "2"]);
        let mode = fs::metadata(folder.path().join("1")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else can enter it");
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
    fn the_process_that_holds_a_lab_is_known_by_its_lock() {
        let folder = runtime();
        let lab = LabFolder::create(folder.path()).unwrap();
        let path = folder.path().join("1");
        assert_eq!(holder(&path), Some(std::process::id() as i32));
        drop(lab);
        fs::create_dir(&path).unwrap();
        assert_eq!(holder(&path), None);
    }

    #[test]
    fn a_lab_that_takes_no_connection_for_long_is_not_waited_for() {
        let folder = runtime();
        let lab = LabFolder::create(folder.path()).unwrap();
        let listener = lab.listen().unwrap();
        // As few as there can be: the room for those who wait.
        socket::listen(&listener, socket::Backlog::new(1).unwrap()).unwrap();
        let mut waiting = Vec::new();
        let error = loop {
            match connect(folder.path(), "1") {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 10);
        };
        let pid = std::process::id();
        assert_eq!(error.to_string(), format!("lab 1 does not answer (pid {pid})"));
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let folder = runtime();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let user = Uid::effective();
        assert!(check(&open, user).unwrap_err().to_string().contains("mode 0700"));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(check(&link, user).is_err());
        check(&folder.path().join("new"), user).unwrap();
    }

    #[test]
    fn a_folder_that_another_user_made_first_is_left_to_them_and_a_private_one_made() {
        let place = runtime();
        let user = Uid::effective();
        // For whoever is not the user of this test, all that it makes is another's.
        let name = |user: Uid, end: &str| place.path().join(format!("ringside-{user}{end}"));
        let other = Uid::from_raw(user.as_raw() + 1);
        fs::create_dir(name(other, "")).unwrap();
        fs::set_permissions(name(other, ""), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(shared(place.path(), other).unwrap_err().to_string().contains("mode 0700"));

        std::os::unix::fs::symlink("/", name(user, "")).unwrap();
        fs::create_dir(name(user, ".1")).unwrap();
        fs::set_permissions(name(user, ".1"), fs::Permissions::from_mode(0o755)).unwrap();
        let second = name(user, ".2");
        assert_eq!(shared(place.path(), user).unwrap(), second);
        assert_eq!(fs::metadata(&second).unwrap().mode() & 0o777, 0o700);
        // Once used it stays the one, whatever becomes free.
        fs::remove_file(name(user, "")).unwrap();
        assert_eq!(shared(place.path(), user).unwrap(), second);
    }
}
