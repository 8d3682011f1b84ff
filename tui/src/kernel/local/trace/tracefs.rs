// SPDX-License-Identifier: MIT OR Apache-2.0
//! tracefs, mounted for this process alone: no path leads to it, and it is gone with
//! the last file that is open in it. And what takes a trace away again.

use std::fs;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;

use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::local::files;

/// The hidden command that is the keeper of a trace.
pub(super) const KEEPER: &str = "trace-keeper";
/// What the groups of our events, and the instances that record them, begin with.
/// The number of the process that removes them follows.
const PREFIX: &str = "ringside_";
/// How long the files of a process that was killed may stay open.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file system of the kernel's that hangs nowhere.
#[derive(Debug)]
pub(super) struct Mounted(OwnedFd);

impl Mounted {
    /// Mounts a file system of this kind.
    ///
    /// # Errors
    /// `ENODEV`: the kernel has none; `EPERM`: only root may.
    pub(super) fn new(kind: &std::ffi::CStr) -> Result<Self> {
        let opened = |fd: libc::c_long| -> Result<OwnedFd> {
            let fd = Errno::result(fd)? as i32;
            // SAFETY: The kernel has just made it for us.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        // SAFETY: The name is a C string, and the flags are defined.
        let context = opened(unsafe {
            libc::syscall(libc::SYS_fsopen, kind.as_ptr(), libc::FSOPEN_CLOEXEC)
        })?;
        let null = std::ptr::null::<libc::c_char>();
        let create = libc::FSCONFIG_CMD_CREATE;
        // SAFETY: This command takes neither key nor value.
        let made = unsafe {
            libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), create, null, null, 0)
        };
        Errno::result(made)?;
        // SAFETY: It takes no pointers.
        let mounted = unsafe {
            libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), libc::FSMOUNT_CLOEXEC, 0)
        };
        Ok(Self(opened(mounted)?))
    }

    /// The path of a file in it, for this process.
    pub(super) fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string()).join(inside)
    }
}

/// The kernel's tracing files.
///
/// # Errors
/// The kernel has none with events of our own, or we may not.
pub(super) fn tracefs() -> TargetResult<Mounted> {
    let lacks = || {
        TargetError::Unsupported(
            "this kernel was built without kprobe events (CONFIG_KPROBE_EVENTS), which a trace needs"
                .into(),
        )
    };
    let mounted = match Mounted::new(c"tracefs") {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Err(lacks()),
        other => other.map_err(|error| {
            TargetError::io(&error, "mount tracefs").with_hint("tracing a module takes root")
        })?,
    };
    if mounted.path("kprobe_events").exists() { Ok(mounted) } else { Err(lacks()) }
}

/// The name of the trace that the process with this number removes.
pub(super) fn name(keeper: u32) -> String {
    format!("{PREFIX}{keeper}")
}

/// Takes the trace of this name away: its instance and all of its events.
fn remove(tracefs: &Mounted, name: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let _expedited = Expedited::new();
    // Whoever traced has files open in it until it is dead.
    patient(until, || match fs::remove_dir(tracefs.path("instances").join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    })?;
    let group = tracefs.path("events").join(name);
    patient(until, || {
        if !group.exists() {
            return Ok(());
        }
        let mut events = fs::OpenOptions::new().append(true).open(tracefs.path("kprobe_events"))?;
        events.write_all(format!("-:{name}/\n").as_bytes())
    })
}

/// The kernel waits for a grace period with each probe that it removes, hundreds of
/// them. In a guest, whose other settings are ours too, its grace periods are expedited meanwhile.
struct Expedited;

impl Expedited {
    const SWITCH: &str = "/sys/kernel/rcu_expedited";

    fn new() -> Option<Self> {
        (files::guest() && fs::write(Self::SWITCH, "1").is_ok()).then_some(Self)
    }
}

impl Drop for Expedited {
    fn drop(&mut self) {
        drop(fs::write(Self::SWITCH, "0"));
    }
}

/// Tries again while something is busy.
fn patient(until: Instant, mut action: impl FnMut() -> Result<()>) -> Result<()> {
    loop {
        match action() {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// Takes away what a trace left whose keeper was killed together with it.
pub(super) fn sweep(tracefs: &Mounted) {
    let places = ["instances", "events"].into_iter().filter_map(|folder| {
        let entries = fs::read_dir(tracefs.path(folder)).ok()?;
        Some(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()))
    });
    let dead = places.flatten().filter(|name| {
        let keeper = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<u32>().ok());
        keeper.is_some_and(|pid| {
            let line = files::text(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            !line.split('\0').any(|word| word == KEEPER)
        })
    });
    for name in dead.collect::<std::collections::BTreeSet<_>>() {
        if let Err(error) = remove(tracefs, &name) {
            tracing::warn!("remove what the trace {name} left: {error}");
        }
    }
}

/// The keeper of a trace, which is another process: waits until whoever traces
/// closes its standard input, or dies, and takes the trace away.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn keep() -> Result<()> {
    let tracefs = Mounted::new(c"tracefs")?;
    let mut silence = [0; 64];
    loop {
        match std::io::Read::read(&mut std::io::stdin(), &mut silence) {
            Ok(0) => break,
            Err(error) if error.kind() != ErrorKind::Interrupted => break,
            _ => {}
        }
    }
    remove(&tracefs, &name(std::process::id()))
        .map_err(|error: Error| Error::new(error.kind(), format!("take the probes away: {error}")))
}
