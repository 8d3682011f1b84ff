// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks: a guest as it was at one moment, to which it can be wound back. A mark
//! holds processors, memory and devices (what QEMU migrates) and what is on the
//! USB stick.
//!
//! Its files have no name, so that nothing is left of it when its lab ends, however it
//! ends; a lab that keeps its marks gives them names at its end. A rewind resumes from it
//! as a start resumes from the saved machine, and can be repeated: nothing of a mark is
//! ever written to again.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;

use super::error::{VmError, VmResult};
use super::machine::Machine;
use super::overlay::Overlay;
use super::sparse::copy_sparse;
use super::stick::Stick;
use crate::plain_file;

/// How long a guest may stand still for a mark before it is given up.
const DEADLINE: Duration = Duration::from_secs(10);

/// A guest at one moment.
#[derive(Debug)]
pub struct Mark {
    state: File,
    /// What was on the stick, or on top of a file of the user's; `None`: nothing, and it
    /// was never written to.
    stick: Option<File>,
    /// Was the stick plugged in?
    pub plugged: bool,
    /// When the guest stood still for it.
    pub made: Instant,
    /// How long it stood still.
    pub stood: Duration,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
}

impl Mark {
    /// Marks `machine` and what is on `stick`, in files in `folder`. The guest
    /// stands still meanwhile.
    ///
    /// # Errors
    /// The stick is a device of the host, a share is mounted, or the disk is full.
    pub fn make(machine: &Machine, stick: &Stick, plugged: bool, folder: &Path) -> VmResult<Self> {
        stick.can_be_marked()?;
        machine.can_be_saved().map_err(mounted)?;
        let overlay = stick.prepare(machine.qmp())?;
        let state = tempfile::tempfile_in(folder).map_err(VmError::io(place(folder)))?;
        let made = Instant::now();
        let copied = machine.hold(|| {
            if let Some(overlay) = overlay {
                stick.cover(machine.qmp(), overlay, plugged)?;
            }
            machine.write_state(&state, DEADLINE).map_err(mounted)?;
            if stick.is_pristine() {
                return Ok(None);
            }
            let copy = tempfile::tempfile_in(folder).map_err(VmError::io(place(folder)))?;
            let written = stick.changes().map_or(&stick.file, Overlay::file);
            copy_sparse(written, &copy).map_err(VmError::io("copy what is on the stick"))?;
            Ok(Some(copy))
        })?;
        let stood = made.elapsed();
        let mut bytes = room_taken(&state);
        bytes += copied.as_ref().map_or(0, room_taken);
        Ok(Self { state, stick: copied, plugged, made, stood, bytes })
    }

    /// The machine, from its beginning, for one QEMU to resume from.
    ///
    /// # Errors
    /// The host is out of descriptors.
    pub fn state(&self) -> VmResult<File> {
        // A descriptor of its own, since each reader moves through the file.
        File::open(format!("/proc/self/fd/{}", self.state.as_raw_fd()))
            .map_err(VmError::io("open the mark"))
    }

    /// A stick with what was on it, for the guest that resumes; `now` is the one that
    /// the guest has that is wound back.
    ///
    /// # Errors
    /// The disk is full.
    pub fn stick(&self, now: &Stick, folder: &Path) -> VmResult<Stick> {
        if let (Some(_), Some(changes)) = (&now.path, &self.stick) {
            return now.wound_back(changes);
        }
        let stick = Stick::empty(folder)?;
        if let Some(content) = &self.stick {
            copy_sparse(content, &stick.file).map_err(VmError::io("copy what was on the stick"))?;
        }
        Ok(stick)
    }
}

impl Mark {
    /// Gives its files these names, or those of copies of them. Returns the bytes of the
    /// machine, and of what is on the stick where there is something.
    ///
    /// # Errors
    /// The disk is full, or the names are taken.
    pub fn store(&self, state: &Path, stick: &Path) -> VmResult<(u64, Option<u64>)> {
        let machine = name(&self.state, state)?;
        let content = self.stick.as_ref().map(|file| name(file, stick)).transpose()?;
        Ok((machine, content))
    }

    /// The mark of these files, which have so many bytes.
    ///
    /// # Errors
    /// One is not there, or is not whole.
    pub fn load(
        state: (&Path, u64),
        stick: Option<(PathBuf, u64)>,
        (plugged, made, bytes): (bool, Instant, u64),
        stood: Duration,
    ) -> VmResult<Self> {
        let state = whole(state.0, state.1)?;
        let stick = stick.map(|(path, size)| whole(&path, size)).transpose()?;
        Ok(Self { state, stick, plugged, made, stood, bytes })
    }
}

/// Gives a file without a name one, or makes a copy where the two are not on one disk.
fn name(file: &File, path: &Path) -> VmResult<u64> {
    let doing = || format!("keep a mark as {}", path.display());
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    let linked = linkat(AT_FDCWD, nameless.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW);
    if linked.is_err() {
        plain_file::create(path, |copy| copy_sparse(file, copy)).map_err(VmError::io(doing()))?;
    }
    Ok(file.metadata().map_err(VmError::io(doing()))?.len())
}

fn whole(path: &Path, size: u64) -> VmResult<File> {
    let doing = || format!("open the mark in {}", path.display());
    let file = File::open(path).map_err(VmError::io(doing()))?;
    match file.metadata().map_err(VmError::io(doing()))?.len() == size {
        true => Ok(file),
        false => Err(VmError::Unsupported(format!("{} is not whole", path.display()))),
    }
}

/// Says what QEMU's refusal to save a machine with a mounted share means here.
fn mounted(error: VmError) -> VmError {
    match error {
        VmError::Refused { why, .. } if why.contains("VirtFS") => VmError::Unsupported(
            "something in this guest still uses this computer's files, and with these mounted it \
             can't be saved; `ringside rewind` or `ringside vm reboot` makes a guest without"
                .into(),
        ),
        error => error,
    }
}

fn place(folder: &Path) -> String {
    format!("write a mark in {}", folder.display())
}

fn room_taken(file: &File) -> u64 {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map_or(0, |meta| meta.blocks() * 512)
}
