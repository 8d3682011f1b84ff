// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the conductor is told.

use std::os::unix::net::UnixStream;

use crate::kernel::TargetResult;
use crate::lab::vm::error::VmResult;
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::start::Guest;

/// Told how an order ended.
pub(super) type Done = Box<dyn FnOnce(TargetResult<()>) + Send>;

/// Something for the conductor.
pub(super) enum Order {
    /// End this guest and start a new one.
    Reboot {
        /// From nothing?
        cold: bool,
        /// Told when its agent answers.
        done: Done,
    },
    /// End the guest.
    PowerOff(Done),
    /// Plug the stick in.
    Plug(Done),
    /// Pull it out.
    Unplug(Done),
    /// End the lab.
    Down(Option<Done>),
    /// Something happened to the machine of this attempt.
    Event(u64, MachineEvent),
    /// A dead kernel has had its time for last words.
    LastWords(u64),
    /// A guest was started, or was not.
    Started(VmResult<Started>),
    /// The start is over: the stick is plugged in, or was not.
    Settled(Result<(), String>),
}

/// A guest that runs.
pub(super) struct Started {
    pub(super) attempt: u64,
    pub(super) guest: Guest,
    pub(super) port: Option<UnixStream>,
}
