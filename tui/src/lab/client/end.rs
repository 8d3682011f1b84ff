// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ending a lab: by asking it, by a signal, by force.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::attach_within;
use crate::kernel::api::LabRequest;
use crate::kernel::call::ask_within;
use crate::kernel::{Request, TargetError};
use crate::lab::error::{LabError, LabResult};
use crate::lab::runtime;

/// How long a lab may take to answer before it gets a signal.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// How long it may take to be gone after it was told to go: its guest has five
/// seconds to write out what belongs on a disk that is kept.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// The same for one that did not answer and got a signal.
const SIGNALLED_GONE_WITHIN: Duration = Duration::from_secs(3);
/// How long a killed one may take to be gone.
const KILLED_GONE_WITHIN: Duration = Duration::from_secs(5);

/// How a lab ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// In its own way.
    Orderly,
    /// It did not answer, and its process was killed.
    ByForce,
}

/// Ends the lab `id`, whatever version it speaks and whether it answers or not,
/// and waits until it is gone.
///
/// # Errors
/// There is no such lab, or its process can't be ended.
pub fn down(id: &str) -> LabResult<Ended> {
    down_in(&runtime::folder()?, id)
}

fn down_in(folder: &Path, id: &str) -> LabResult<Ended> {
    if !runtime::labs(folder).iter().any(|lab| lab == id) {
        return Err(LabError::NoSuchLab(id.into()));
    }
    let told = match attach_within(folder, Some(id), ANSWERS_WITHIN) {
        Ok(lab) => {
            let down = Request::Lab(LabRequest::Down);
            let answer = ask_within(&*lab.target, down, GONE_WITHIN, &format!("lab {id}"));
            // The answer may get lost in its end.
            matches!(answer, Ok(_) | Err(TargetError::Gone(_)))
        }
        // It has just ended by itself.
        Err(LabError::NoSuchLab(_)) => return Ok(Ended::Orderly),
        // It speaks another version, or hangs: it can still be told to end.
        Err(_) => false,
    };
    let gone = |within| gone(folder, id, within);
    if told && gone(GONE_WITHIN) {
        return Ok(Ended::Orderly);
    }
    let pid = runtime::unresponsive(folder, id).pid;
    let Some(pid) = pid.map(Pid::from_raw) else {
        // Without a process there is no lab.
        return if gone(GONE_WITHIN) { Ok(Ended::Orderly) } else { Err(endless(id)) };
    };
    // One that somebody has stopped hears it only when it goes on.
    for signal in [Signal::SIGTERM, Signal::SIGCONT] {
        send(pid, signal)?;
    }
    if gone(SIGNALLED_GONE_WITHIN) {
        return Ok(Ended::Orderly);
    }
    send(pid, Signal::SIGKILL)?;
    if gone(KILLED_GONE_WITHIN) { Ok(Ended::ByForce) } else { Err(endless(id)) }
}

fn send(pid: Pid, signal: Signal) -> LabResult<()> {
    match kill(pid, signal) {
        // It has just ended.
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(errno) => Err(LabError::io(format!("end the lab process {pid}"))(errno.into())),
    }
}

fn endless(id: &str) -> LabError {
    LabError::Guest(format!("lab {id} does not end: its process hangs in the host's kernel"))
}

/// Waits until the lab is gone.
fn gone(folder: &Path, id: &str, within: Duration) -> bool {
    let until = Instant::now() + within;
    while runtime::labs(folder).iter().any(|lab| lab == id) {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}
