// SPDX-License-Identifier: MIT OR Apache-2.0
//! Saved machines: a guest just after its agent first answered, in a file that
//! later starts resume from.
//!
//! A file gets its name only when it is whole and on disk, and ends with its
//! own length and checksum, so that one that was cut short or damaged is not
//! taken for a machine; it is then removed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::{Flock, FlockArg};

use super::command::{Spec, shape};
use super::error::{VmError, VmResult};
use super::initramfs::{digest, prune};
use super::machine::Machine;
use crate::lab::{durable, sum};

/// Changes with the layout of the file and with what a guest is when saved.
const LAYOUT: u32 = 2;
/// Machines that are kept: both flavours in two sizes, with and without more for
/// the kernel to do.
const KEPT: usize = 8;
/// The end of a whole file, before its length and its checksum.
const MARK: [u8; 8] = *b"RSSAVED2";
/// The same of a machine whose clock is poor.
const POOR: [u8; 8] = *b"RSPOOR_2";
/// Bytes of the end.
const END: usize = 24;
/// How long a machine with a poor clock is good enough: a busy computer would
/// boot another one like it, but it may be less busy later.
const POOR_FOR: Duration = Duration::from_secs(600);
/// How long saving may take; a debug guest's gigabyte takes half a second.
const DEADLINE: Duration = Duration::from_secs(20);

/// The folder of saved machines.
#[derive(Clone, Debug)]
pub struct States {
    folder: PathBuf,
}

/// How soon after it was resumed a guest's death speaks against the machine that it
/// was resumed from.
const SOON: Duration = Duration::from_secs(10);
/// What a kernel says that somebody crashed on purpose.
const ASKED_FOR: &str = "sysrq triggered crash";
/// The end of the name of a note that a machine's last guest died so soon.
const DIED: &str = "died";

/// What a machine's clock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Precise timers.
    Good,
    /// Timers of 4 ms: the kernel was disturbed when it measured the others.
    Poor,
}

/// What a saved machine depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key of a guest: QEMU itself, its command line's shape, and what
    /// identifies kernel and initramfs.
    pub fn new(qemu: &str, spec: &Spec, kernel: &str, initramfs: &str) -> Self {
        let layout = format!("saved machine {LAYOUT}");
        Self(digest([layout.as_str(), qemu, &shape(spec), kernel, initramfs]))
    }

    /// It as a name.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl States {
    /// Kept in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.state", key.0))
    }

    /// The saved machine for `key`, if there is a whole one.
    pub fn open(&self, key: &Key) -> Option<File> {
        let path = self.path(key);
        let mut file = File::open(&path).ok()?;
        match check(&mut file) {
            Ok(Clock::Good) => {
                // Pruning removes what was not used for longest. Best effort:
                // it is only about which one goes first.
                drop(file.set_modified(SystemTime::now()));
                return Some(file);
            }
            Ok(Clock::Poor) if age(&file) < POOR_FOR => return Some(file),
            Ok(Clock::Poor) => {}
            Err(error) => tracing::warn!("{}: {error}; it is removed", path.display()),
        }
        self.discard(key);
        None
    }

    /// Removes the saved machine for `key`.
    pub fn discard(&self, key: &Key) {
        // It may be gone already.
        drop(fs::remove_file(self.path(key)));
        drop(fs::remove_file(self.note(key)));
    }

    /// The note that the last guest of a machine died soon.
    fn note(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.{DIED}", key.0))
    }

    /// A guest was resumed just now from the machine for `key`.
    pub(super) fn resumed(&self, key: &Key) -> Origin {
        Origin { states: self.clone(), key: key.clone(), at: Instant::now() }
    }

    /// Saves `machine` with such a clock under `key`; `false` where another process is at it.
    ///
    /// # Errors
    /// QEMU refuses, or the disk is full; nothing is left behind then.
    pub fn save(&self, key: &Key, machine: &Machine, clock: Clock) -> VmResult<bool> {
        let path = self.path(key);
        let doing = || format!("save the machine as {}", path.display());
        fs::create_dir_all(&self.folder).map_err(VmError::io(doing()))?;
        let folder = File::open(&self.folder).map_err(VmError::io(doing()))?;
        let Ok(_lock) = Flock::lock(folder, FlockArg::LockExclusiveNonblock) else {
            return Ok(false);
        };
        self.remove_drafts();
        let draft = self.folder.join(format!("{}.part", key.0));
        let result = write(&draft, machine, clock)
            .and_then(|()| durable::rename(&draft, &path).map_err(VmError::io(doing())));
        if result.is_err() {
            // It may not exist.
            drop(fs::remove_file(&draft));
        }
        prune(&self.folder, "state", KEPT);
        prune(&self.folder, DIED, KEPT);
        result.map(|()| true)
    }

    /// Removes what processes left that died while they saved. To be called
    /// under the lock.
    fn remove_drafts(&self) {
        prune(&self.folder, "part", 0);
    }
}

/// The saved machine that a guest was resumed from. Its checksum says that it is as
/// it was saved, and not that it was in order then.
#[derive(Clone, Debug)]
pub struct Origin {
    states: States,
    key: Key,
    at: Instant,
}

impl Origin {
    /// The guest's kernel has panicked for `reason`. Soon after it was resumed that
    /// speaks against the saved machine: at once where nobody had `used` the guest,
    /// else when it happens twice in a row. It is removed then, which the result
    /// says.
    pub fn panicked(&self, reason: &str, used: bool) -> bool {
        !reason.contains(ASKED_FOR) && self.died(used)
    }

    /// QEMU has ended; the same holds.
    pub fn ended(&self, how: &str, used: bool) -> bool {
        VmError::Ended { how: how.to_owned() }.blames_the_saved_machine() && self.died(used)
    }

    /// What every guest is asked first has ended with `error`, however long that
    /// took; the same holds.
    pub fn failed(&self, error: &VmError, used: bool) -> bool {
        error.blames_the_saved_machine() && self.died_at(self.at, used)
    }

    /// The guest has not answered since `since`, although it had the processor; the
    /// same holds.
    pub fn hangs(&self, since: Instant, used: bool) -> bool {
        self.died_at(since, used)
    }

    fn died(&self, used: bool) -> bool {
        self.died_at(Instant::now(), used)
    }

    fn died_at(&self, when: Instant, used: bool) -> bool {
        if when.saturating_duration_since(self.at) > SOON {
            self.lasted();
            return false;
        }
        let note = self.states.note(&self.key);
        if used && !note.exists() {
            // Without the note the next death is the first.
            drop(File::create(note));
            return false;
        }
        tracing::warn!("guests die soon after they were resumed: the saved machine is removed");
        self.states.discard(&self.key);
        true
    }

    /// The guest has come to a good end.
    pub fn lasted(&self) {
        // There is one only after a death.
        drop(fs::remove_file(self.states.note(&self.key)));
    }
}

fn write(draft: &Path, machine: &Machine, clock: Clock) -> VmResult<()> {
    let doing = || format!("write {}", draft.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(draft)
        .map_err(VmError::io(doing()))?;
    machine.save(&file, DEADLINE)?;
    seal(&mut file, clock).map_err(VmError::io(doing()))
}

/// Appends mark, length and checksum.
fn seal(file: &mut File, clock: Clock) -> std::io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let sum = sum::of(file, length)?;
    file.write_all(match clock {
        Clock::Good => &MARK,
        Clock::Poor => &POOR,
    })?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&u64::from(sum).to_le_bytes())
}

/// How long ago the file was written.
fn age(file: &File) -> Duration {
    let written = file.metadata().and_then(|meta| meta.modified());
    written.ok().and_then(|written| written.elapsed().ok()).unwrap_or_default()
}

/// Is the file whole? Leaves it at its beginning.
fn check(file: &mut File) -> Result<Clock, String> {
    let mut read = || -> std::io::Result<Option<Clock>> {
        let mut end = [0; END];
        let length = file.seek(SeekFrom::End(-(END as i64)))?;
        file.read_exact(&mut end)?;
        file.rewind()?;
        if end[8..16] != length.to_le_bytes()
            || end[16..] != u64::from(sum::of(file, length)?).to_le_bytes()
        {
            return Ok(None);
        }
        Ok(match &end[..8] {
            mark if *mark == MARK => Some(Clock::Good),
            mark if *mark == POOR => Some(Clock::Poor),
            _ => None,
        })
    };
    match read() {
        Ok(Some(clock)) => Ok(clock),
        Ok(None) => Err("a saved machine that is damaged or not whole".into()),
        Err(error) => Err(format!("a saved machine that can't be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::vm::accel::Accelerator;

    fn key() -> Key {
        Key("0123".into())
    }

    fn folder_with(bytes: &[u8], sealed: bool) -> (tempfile::TempDir, States) {
        let folder = tempfile::tempdir().unwrap();
        let states = States::new(folder.path());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(states.path(&key()))
            .unwrap();
        file.write_all(bytes).unwrap();
        if sealed {
            seal(&mut file, Clock::Good).unwrap();
        }
        (folder, states)
    }

    #[test]
    fn a_whole_machine_is_opened_at_its_beginning() {
        let (_folder, states) = folder_with(b"QEVM and so on", true);
        let mut bytes = Vec::new();
        states.open(&key()).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(bytes.starts_with(b"QEVM and so on"));
    }

    #[test]
    fn a_machine_that_was_cut_short_is_removed_and_not_resumed() {
        for bytes in [&b""[..], b"QEVM", b"QEVM and enough bytes to hold an end"] {
            let (_folder, states) = folder_with(bytes, false);
            assert!(states.open(&key()).is_none());
            assert!(!states.path(&key()).exists());
        }
        let (_folder, states) = folder_with(b"QEVM and so on", true);
        let whole = fs::read(states.path(&key())).unwrap();
        fs::write(states.path(&key()), &whole[1..]).unwrap();
        assert!(states.open(&key()).is_none());
    }

    #[test]
    fn a_machine_with_one_flipped_bit_is_removed_and_not_resumed() {
        let machine = vec![0x5a; 3 << 20];
        let (_folder, states) = folder_with(&machine, true);
        let path = states.path(&key());
        let whole = fs::read(&path).unwrap();
        for at in [0, 4096, 1 << 20, machine.len() - 1, machine.len() + 9, machine.len() + 17] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            fs::write(&path, &damaged).unwrap();
            assert!(states.open(&key()).is_none(), "byte {at}");
            assert!(!path.exists());
        }
        fs::write(&path, &whole).unwrap();
        assert!(states.open(&key()).is_some());
    }

    #[test]
    fn a_machine_with_a_poor_clock_is_good_for_ten_minutes() {
        let (_folder, states) = folder_with(b"QEVM and so on", false);
        let path = states.path(&key());
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        seal(&mut file, Clock::Poor).unwrap();
        assert!(states.open(&key()).is_some());
        file.set_modified(SystemTime::now() - POOR_FOR).unwrap();
        assert!(states.open(&key()).is_none());
        assert!(!path.exists());
    }

    #[test]
    fn a_key_changes_with_each_thing_it_depends_on() {
        let spec = Spec {
            accelerator: Accelerator::Tcg,
            memory_mib: 512,
            processors: 2,
            kernel: "/k".into(),
            initramfs: "/i".into(),
            kernel_arguments: String::new(),
            shares: Vec::new(),
            nothing: "/n".into(),
        };
        let key = Key::new("q", &spec, "k", "i");
        assert_eq!(key, Key::new("q", &Spec { nothing: "/v".into(), ..spec.clone() }, "k", "i"));
        assert_ne!(key, Key::new("r", &spec, "k", "i"));
        assert_ne!(key, Key::new("q", &spec, "l", "i"));
        assert_ne!(key, Key::new("q", &spec, "k", "j"));
        assert_ne!(key, Key::new("q", &Spec { memory_mib: 256, ..spec }, "k", "i"));
    }
}
