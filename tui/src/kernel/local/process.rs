// SPDX-License-Identifier: MIT OR Apache-2.0
//! A child process that several threads wait for and send signals to, without
//! ever hitting another process that got its number.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::stat::Mode;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, read, write};
use parking_lot::Mutex;

use crate::kernel::api::ProgramEnd;

/// The `nice` value that a guest's agent has, the highest priority there is
/// among ordinary processes. What it runs for others has the usual one.
pub(crate) const AGENT_NICE: i32 = -20;

/// This very program, even if its file has been replaced meanwhile.
pub(super) const THIS_PROGRAM: &str = "/proc/self/exe";

/// Where a process says how soon it is to be killed for want of memory.
const OOM_SCORE: &std::ffi::CStr = c"/proc/self/oom_score_adj";
/// Never. A guest's agent says so.
const NEVER: &[u8] = b"-1000";

/// Keeps this process from being killed for want of memory. Makes system calls
/// only, as the next one, so that both can be called between fork and exec.
///
/// # Errors
/// Those of the kernel: only root may.
pub(crate) fn spare_from_oom() -> nix::Result<()> {
    let file = open(OOM_SCORE, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(&file, NEVER).map(drop)
}

/// Takes from a process what it has inherited of a guest's agent: it may be
/// killed for want of memory as any other.
///
/// # Errors
/// Those of the kernel.
pub(super) fn spare_no_more() -> nix::Result<()> {
    let file = open(OOM_SCORE, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut score = [0; 8];
    let length = read(&file, &mut score)?;
    if score[..length].trim_ascii_end() == NEVER {
        write(&file, b"0")?;
    }
    Ok(())
}

/// A child process.
pub(super) struct Process {
    pid: Pid,
    /// `None` once its end has been collected and its number may be another's.
    child: Mutex<Option<Child>>,
}

impl Process {
    pub(super) fn new(child: Child) -> Self {
        Self { pid: Pid::from_raw(child.id() as i32), child: Mutex::new(Some(child)) }
    }

    /// Its number.
    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Waits for its end. To be called by one thread.
    pub(super) fn wait(&self) -> ProgramEnd {
        let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(self.pid), ended) == Err(Errno::EINTR) {}
        let mut child = self.child.lock();
        let status = child.take().and_then(|mut child| child.wait().ok());
        status.map_or(ProgramEnd::Exited(0), end)
    }

    /// Sends a signal to it, and with `group` to every process of its group.
    pub(super) fn signal(&self, signal: Signal, group: bool) {
        let child = self.child.lock();
        if child.is_some() {
            // It fails only when the process has ended just now.
            let _ = if group { killpg(self.pid, signal) } else { kill(self.pid, signal) };
        }
    }
}

fn end(status: ExitStatus) -> ProgramEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ProgramEnd::Exited(code),
        (None, Some(signal)) => ProgramEnd::Signalled(signal),
        // Only a stopped process has neither, and those are not waited for.
        (None, None) => ProgramEnd::Exited(0),
    }
}
