// SPDX-License-Identifier: MIT OR Apache-2.0
//! Process 1 of a lab's guest: mounts what every program needs, keeps an agent
//! running, collects what orphans leave, and switches the machine off.
//!
//! It mounts nothing of the host, so that the machine can be saved while the
//! agent waits for its first word.

use std::io::Error;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

use super::mounts;
use crate::kernel::local::{AGENT_NICE, spare_from_oom};

/// The program itself, in the initramfs.
const PROGRAM: &str = "/init";
/// How long programs have to end when the machine is switched off.
const GRACE: Duration = Duration::from_millis(200);

/// Is this process the first of a lab's guest?
pub fn is_guest_init() -> bool {
    if getpid().as_raw() != 1 {
        return false;
    }
    if !Path::new("/proc/cmdline").exists() {
        // Needed to tell; if it fails, this is no guest that we could run.
        drop(mounts::proc());
    }
    crate::kernel::local::is_guest()
}

/// Runs the guest; never returns while the machine runs.
pub fn run() -> ExitCode {
    if let Err(error) = mounts::all() {
        // To the console, which the lab keeps and shows.
        eprintln!("ringside: {error}");
    }
    drop(std::fs::write("/proc/sys/kernel/hostname", "ringside"));
    // From here on the console shows warnings and worse. Everything is in the
    // log; on the serial line each byte costs time, and a busy module would
    // slow the whole machine down.
    drop(std::fs::write("/proc/sys/kernel/printk", "5"));
    let _ = nix::unistd::sethostname("ringside");
    // From here on, these come by sigwait below and nowhere else.
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR2] {
        signals.add(signal);
    }
    if let Err(errno) = signals.thread_block() {
        eprintln!("ringside: block signals: {}", errno.desc());
    }
    // Ctrl-Alt-Del comes as SIGINT and does not reset the machine at once.
    let _ = set_cad_enabled(false);
    let mut agent = start_agent(false);
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {
                if collect(agent) {
                    // Not at once, should it end each time it starts.
                    std::thread::sleep(Duration::from_millis(50));
                    agent = start_agent(true);
                }
            }
            Ok(_) => power_off(),
            Err(errno) => eprintln!("ringside: wait for a signal: {}", errno.desc()),
        }
        if agent.is_none() {
            std::thread::sleep(Duration::from_secs(1));
            agent = start_agent(true);
        }
    }
}

/// Memory that was freed is used again, and not given back to the kernel each time: a stream
/// of bytes otherwise costs a page fault for every fourth page of it, and has half the speed
/// where the processor is emulated.
const KEEP_MEMORY: &str =
    "glibc.malloc.trim_threshold=67108864:glibc.malloc.mmap_threshold=33554432";

/// Starts the agent, with signals as any program has them; `again` tells it that
/// there was one before.
fn start_agent(again: bool) -> Option<Pid> {
    let mut command = Command::new(PROGRAM);
    command.args(["agent", "--port"]).env("GLIBC_TUNABLES", KEEP_MEMORY);
    if again {
        command.arg("--again");
    }
    // SAFETY: between fork and exec only system calls are made.
    unsafe {
        command.pre_exec(|| {
            // A module may run hundreds of threads that never sleep; whoever
            // watches them, and stops them, comes first. Where that is not
            // possible the agent works all the same.
            nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, AGENT_NICE);
            // Without the agent nobody could look at what took the memory.
            let _ = spare_from_oom();
            SigSet::empty().thread_set_mask().map_err(Error::from)
        });
    }
    match command.spawn() {
        Ok(child) => Some(Pid::from_raw(child.id() as i32)),
        Err(error) => {
            eprintln!("ringside: start the agent: {error}");
            None
        }
    }
}

/// Collects every process that has ended; was the agent among them?
fn collect(agent: Option<Pid>) -> bool {
    let mut ended = false;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ended,
            Ok(status) => {
                if status.pid() == agent {
                    eprintln!("ringside: the agent has ended ({status:?}) and is started again");
                    ended = true;
                }
            }
            Err(_) => {}
        }
    }
}

/// Ends every process, writes everything out and switches the machine off.
fn power_off() {
    let everyone = Pid::from_raw(-1);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        if kill(everyone, signal).is_ok() {
            std::thread::sleep(GRACE / 2);
        }
    }
    nix::unistd::sync();
    let _ = reboot(RebootMode::RB_POWER_OFF);
}
