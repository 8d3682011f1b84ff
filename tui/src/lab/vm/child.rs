// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU as a child process: bound to the thread that starts it, waited for, and
//! its end put into words.
//!
//! Each QEMU has a thread that starts it and stays until it has ended. The
//! kernel's promise to kill it with its parent (PR_SET_PDEATHSIG) is bound to
//! the thread that started it, so that thread must last as long.

use std::io::Read;
use std::os::fd::RawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::Sender;

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::command::QEMU;
use super::confine::Confinement;
use super::error::{VmError, VmResult};
use super::event::{MachineEvent, MachineEvents};
use crate::lab::inherit;

/// How much of what QEMU says about its own end is kept.
const WORDS: u64 = 4096;

/// How long after its control channel QEMU's end may be noticed on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// What the threads around one QEMU share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    child: Option<Child>,
    /// How it ended, once it has.
    pub(super) ended: Option<String>,
    /// The devices that are gone, by id.
    pub(super) deleted: Vec<String>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Waits until `ready` gives something, at most until `until`.
    pub(super) fn wait<T>(
        &self,
        until: Instant,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(found) = ready(&mut state) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            self.changed.wait_for(&mut state, left);
        }
    }

    /// Kills QEMU, if it has not ended.
    pub(super) fn kill(&self) {
        if let Some(child) = &mut self.state().child {
            // It may have ended by itself already.
            drop(child.kill());
        }
    }
}

/// Makes `command` die with the thread that starts it, out of reach of the
/// terminal's signals, with the `inherited` descriptors and no others open.
pub(super) fn bind(command: &mut Command, inherited: Vec<RawFd>, confined: Confinement) {
    let parent = Pid::this();
    command.process_group(0);
    let prepare = move || {
        confined.enter()?;
        // Behind what else would clear it.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // QEMU aborts where KVM is broken; a guest's memory is no use as a core file.
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        // The parent may have died just before.
        if Pid::parent() != parent {
            return Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH));
        }
        // They are open: whoever built this command holds them until it was started.
        inherit::only(&inherited)
    };
    // SAFETY: between fork and exec `prepare` makes system calls only: it takes
    // no lock and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// Reports the start, then stays until QEMU has ended and says how.
pub(super) fn keep(
    spawned: std::io::Result<Child>,
    started: &Sender<VmResult<i32>>,
    shared: &Shared,
    events: &MachineEvents,
) {
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let error = if error.kind() == std::io::ErrorKind::NotFound {
                VmError::NoQemu
            } else {
                VmError::io(format!("start {QEMU}"))(error)
            };
            // Whoever asked waits for this.
            drop(started.send(Err(error)));
            return;
        }
    };
    let pid = child.id() as i32;
    let words = child.stderr.take();
    shared.state().child = Some(child);
    drop(started.send(Ok(pid)));

    let mut said = Vec::new();
    if let Some(mut words) = words {
        // What can't be read is missing from a message, no more.
        drop((&mut words).take(WORDS).read_to_end(&mut said));
        drop(std::io::copy(&mut words, &mut std::io::sink()));
    }
    // Wait without reaping, so that the number stays QEMU's until the lock is
    // held and nobody can kill a stranger.
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid)), flags) == Err(nix::errno::Errno::EINTR) {}
    let mut state = shared.state();
    let status = state.child.take().map(|mut child| child.wait());
    let how = describe(status.and_then(Result::ok), &String::from_utf8_lossy(&said));
    state.ended = Some(how.clone());
    drop(state);
    shared.changed.notify_all();
    events(MachineEvent::Exited { how });
}

fn describe(status: Option<ExitStatus>, said: &str) -> String {
    let mut how = match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => match Signal::try_from(signal) {
            Ok(name) => format!("killed by signal {signal} ({name})"),
            Err(_) => format!("killed by signal {signal}"),
        },
        Some((None, Some(code))) => format!("exited with status {code}"),
        _ => "ended in an unknown way".into(),
    };
    let words: Vec<&str> = said
        .lines()
        .map(|line| line.trim().trim_start_matches("qemu-system-x86_64: "))
        // That a share crosses no mount is as it should be.
        .filter(|line| !line.is_empty() && !line.contains("Multiple devices detected"))
        .collect();
    if !words.is_empty() {
        how.push_str(": ");
        how.push_str(&words.join("; "));
    }
    how
}

/// An error on the control channel of a QEMU that has ended is reported as its end.
pub(super) fn explain(shared: &Shared, error: VmError) -> VmError {
    if matches!(error, VmError::Refused { .. } | VmError::Silent { .. }) {
        return error;
    }
    let soon = Instant::now() + ENDS_WITHIN;
    let ended = shared.wait(soon, |state| state.ended.clone());
    shared.kill();
    match ended {
        Some(how) => VmError::Ended { how },
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_qemu_is_told_with_its_own_words() {
        let killed = ExitStatus::from_raw(9);
        assert_eq!(describe(Some(killed), ""), "killed by signal 9 (SIGKILL)");
        let refused = ExitStatus::from_raw(1 << 8);
        assert_eq!(
            describe(Some(refused), "qemu-system-x86_64: no such kernel\n"),
            "exited with status 1: no such kernel"
        );
    }
}
