// SPDX-License-Identifier: MIT OR Apache-2.0
//! A program that runs: how it is ended, and what it may do.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::Pid;

use crate::lab::progress::Stop;
use crate::lab::supervisor;

/// How long an interrupted program may take to tidy up.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How often one that was ended is looked after.
const REAP: Duration = Duration::from_millis(5);

/// A program that runs. Dropping it ends it.
pub(super) struct Running {
    pub(super) child: Child,
    /// Is it the supervisor of the program, and not the program itself?
    pub(super) supervised: bool,
}

impl Running {
    /// Asks the program and all that it started to end, or ends them.
    pub(super) fn stop(&self, how: Stop) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let signal = match (self.supervised, how) {
            (_, Stop::No) => return,
            // It got the terminal's own Ctrl-C.
            (false, Stop::Gently) => return,
            (false, Stop::AtOnce) => Signal::SIGKILL,
            (true, Stop::Gently) => Signal::SIGINT,
            (true, Stop::AtOnce) => supervisor::END,
        };
        // It may have ended meanwhile, which is what we want.
        let _ = nix::sys::signal::kill(pid, signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One whose end was not waited for: the work failed in another way.
        let until = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            self.stop(Stop::AtOnce);
            std::thread::sleep(REAP);
        }
    }
}

/// Has a program that stays on our terminal end when this process is killed.
pub(super) fn die_with_us(command: &mut Command) {
    // SAFETY: between fork and exec only the system call prctl is made, which
    // is async-signal-safe and touches no memory.
    unsafe {
        command.pre_exec(|| set_pdeathsig(Signal::SIGTERM).map_err(std::io::Error::from));
    }
}

/// Has the kernel refuse to write more than `bytes` to one file. Who tries gets an
/// error and no signal: make would die of it, and what it had to say with it.
pub(super) fn limit_files(command: &mut Command, bytes: u64) {
    let limit = move || {
        setrlimit(Resource::RLIMIT_FSIZE, bytes, bytes)?;
        // SAFETY: to ignore a signal runs nothing of ours when it comes.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made, which are
    // async-signal-safe and touch no memory.
    unsafe {
        command.pre_exec(limit);
    }
}
