// SPDX-License-Identifier: MIT OR Apache-2.0
//! The orders and events that reach the supervisor.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use super::marks::{Marked, Reason};
use crate::kernel::TargetResult;
use crate::lab::vm::error::VmResult;
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::heartbeat::Health;
use crate::lab::vm::mark::Mark;
use crate::lab::vm::start::Guest;
use crate::lab::vm::stick::Stick;

/// Told how an order ended.
pub(super) type Done = Box<dyn FnOnce(TargetResult<()>) + Send>;

/// Something for the supervisor.
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
    /// Mark the guest.
    Mark {
        /// What to call the mark.
        name: Option<String>,
        /// Why, where nobody asked for it.
        reason: Option<Reason>,
        /// Told once it is kept.
        done: Done,
    },
    /// End this guest and go on from a mark.
    Rewind {
        /// Which; `None`: the newest.
        name: Option<String>,
        /// Told when its agent answers.
        done: Done,
    },
    /// Open a way to the guest for gdb.
    Gdb(Done),
    /// Dump the guest's memory.
    Dump {
        /// The file, which exists.
        path: PathBuf,
        /// Compressed?
        compress: bool,
        /// Told once it is whole.
        done: Done,
    },
    /// Plug the stick in.
    Plug(Done),
    /// Pull it out.
    Unplug(Done),
    /// End the lab.
    Down(Option<Done>),
    /// Something happened to the machine of this attempt.
    Event(u64, MachineEvent),
    /// The health of the guest of this attempt has changed.
    Health(u64, Health),
    /// Time for a mark, if counters have moved since the last.
    MarkTime,
    /// A dead kernel has had its time for last words.
    LastWords(u64),
    /// A guest was started by this job, or was not.
    Started(u64, VmResult<Started>),
    /// This job is over: the guest was marked, or was not.
    Marked(u64, VmResult<Option<(Mark, Marked)>>),
    /// This job is over: the guest was dumped, or was not.
    Dumped(u64, VmResult<()>),
    /// This job is over: the stick is plugged in, or was not.
    StickDone(u64, VmResult<()>),
}

/// A guest that runs.
pub(super) struct Started {
    pub(super) attempt: u64,
    pub(super) guest: Guest,
    pub(super) port: Option<UnixStream>,
    /// The lab's stick from now on, where the guest was wound back with it.
    pub(super) stick: Option<Arc<Stick>>,
}
