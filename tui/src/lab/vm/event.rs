// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can happen to a machine.

use std::sync::Arc;

/// What happens to a machine by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineEvent {
    /// The guest's kernel is dead; it still empties its console.
    Panicked,
    /// The guest stopped for good; QEMU holds it.
    Shutdown {
        /// QEMU's word for why: `guest-shutdown`, `guest-reset`, …
        reason: String,
    },
    /// The host has no room for what the guest writes to its USB stick; the
    /// guest got an error.
    NoRoom,
    /// QEMU ended. The last event.
    Exited {
        /// `killed by signal 9 (SIGKILL)`, `exited with status 1: …`
        how: String,
    },
}

/// Hears of [`MachineEvent`]s, on the machine's threads; must not block.
pub type MachineEvents = Arc<dyn Fn(MachineEvent) + Send + Sync>;
