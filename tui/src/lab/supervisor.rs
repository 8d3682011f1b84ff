// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process between this one and a program that it starts: when this one dies,
//! however that happens, it ends the program with everything that the program
//! started, and until none of it is left it holds the locks of the work.
//!
//! `PR_SET_PDEATHSIG` alone reaches the program and not its children: a make
//! that is killed leaves its compilers behind. The supervisor is a copy of this
//! process that makes system calls only: it takes no lock and allocates nothing,
//! since what other threads held when it was copied stays held in it for ever.

use std::io::{Error, Result};
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::libc::{self, c_int, pid_t, sigset_t};

/// Tells the supervisor to end everything at once; also what it gets when its
/// parent dies.
pub(super) const END: nix::sys::signal::Signal = nix::sys::signal::Signal::SIGUSR1;
/// How often what is being killed is looked at.
static LOOK_EVERY: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// Puts a supervisor before `command`, which holds `locks` (descriptors that stay
/// open until the command was started). The child that is spawned is then the
/// supervisor: it ends as the program does, passes SIGINT, SIGTERM, SIGHUP and
/// SIGQUIT on to all that the program started, and ends it all at [`END`].
pub(super) fn put_before(command: &mut Command, mut locks: Vec<RawFd>) {
    locks.sort_unstable();
    let parent = std::process::id() as pid_t;
    // SAFETY: between fork and exec `split` makes system calls only.
    unsafe {
        command.pre_exec(move || split(parent, &locks));
    }
}

/// Becomes the supervisor, and returns in the program that is to be.
fn split(parent: pid_t, locks: &[RawFd]) -> Result<()> {
    let check = |result: c_int| if result < 0 { Err(Error::last_os_error()) } else { Ok(result) };
    // SAFETY: each is a system call with plain numbers, or with a set or a name
    // on this stack.
    unsafe {
        // From here on signals wait until they are asked for.
        let all = signals(None);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, END as c_int))?;
        // What the program leaves behind becomes ours.
        check(libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1))?;
        // The parent may have died just before.
        if libc::getppid() != parent {
            return Err(Error::from_raw_os_error(libc::ESRCH));
        }
        let supervisor = libc::getpid();
        // Not fork(), which would run what libraries want done in a child.
        let program = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as pid_t;
        if program == 0 {
            check(libc::setpgid(0, 0))?;
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if libc::getppid() != supervisor {
                return Err(Error::from_raw_os_error(libc::ESRCH));
            }
            let none = signals(Some(&[]));
            check(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()))?;
            return Ok(());
        }
        check(program)?;
        // Both do it, so that it is done whoever comes first.
        libc::setpgid(program, program);
        libc::prctl(libc::PR_SET_NAME, c"ringside-keeper".as_ptr());
        keep_open(locks);
        supervise(program)
    }
}

/// The set of these signals; `None`: of all.
fn signals(some: Option<&[c_int]>) -> sigset_t {
    // SAFETY: a set is plain bytes, which both functions fill.
    unsafe {
        let mut set: sigset_t = std::mem::zeroed();
        match some {
            None => {
                libc::sigfillset(&raw mut set);
            }
            Some(some) => {
                libc::sigemptyset(&raw mut set);
                for signal in some {
                    libc::sigaddset(&raw mut set, *signal);
                }
            }
        }
        set
    }
}

/// Closes every descriptor but these, which are in order: nobody else must wait
/// for the end of a pipe that this process happens to have.
fn keep_open(descriptors: &[RawFd]) {
    let close = |from: u32, to: u32| {
        // SAFETY: closes descriptors of a process in which nothing uses them.
        unsafe {
            if from <= to && libc::syscall(libc::SYS_close_range, from, to, 0) < 0 {
                // A kernel before 5.9.
                for descriptor in from..=to.min(65_536) {
                    libc::close(descriptor as RawFd);
                }
            }
        }
    };
    let mut next = 0;
    for descriptor in descriptors.iter().map(|descriptor| *descriptor as u32) {
        if descriptor > next {
            close(next, descriptor - 1);
        }
        next = descriptor + 1;
    }
    close(next, u32::MAX);
}

/// Waits until the program has ended, or ends it; then as it did.
fn supervise(program: pid_t) -> ! {
    let awaited = signals(Some(&[
        libc::SIGCHLD,
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGQUIT,
        END as c_int,
    ]));
    let mut ended = None;
    // SAFETY: system calls with plain numbers, and with sets and statuses on this
    // stack. The group is the program's own, and its number can't be another's
    // before the program has been waited for and none of the group is left.
    unsafe {
        loop {
            reap(program, &mut ended);
            if let Some(status) = ended {
                // The work is over, and so is the right to write there.
                if libc::kill(-program, libc::SIGKILL) < 0 {
                    end_as(status)
                }
                libc::sigtimedwait(&raw const awaited, std::ptr::null_mut(), &raw const LOOK_EVERY);
                continue;
            }
            match libc::sigwaitinfo(&raw const awaited, std::ptr::null_mut()) {
                libc::SIGCHLD | -1 => {}
                signal if signal == END as c_int => {
                    libc::kill(-program, libc::SIGKILL);
                }
                signal => {
                    libc::kill(-program, signal);
                }
            }
        }
    }
}

/// Collects every child that has ended, and notes how the program did.
fn reap(program: pid_t, ended: &mut Option<c_int>) {
    loop {
        let mut status = 0;
        // SAFETY: the status is on this stack.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid == program {
            *ended = Some(status);
        }
        if pid <= 0 {
            return;
        }
    }
}

/// Ends this process with a status of `waitpid`.
fn end_as(status: c_int) -> ! {
    // SAFETY: as in `supervise`; nothing is left to be tidied up.
    unsafe {
        if libc::WIFSIGNALED(status) {
            let signal = libc::WTERMSIG(status);
            let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
            libc::signal(signal, libc::SIG_DFL);
            let none = signals(Some(&[]));
            libc::kill(libc::getpid(), signal);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::_exit(128 + signal)
        }
        libc::_exit(libc::WEXITSTATUS(status))
    }
}
