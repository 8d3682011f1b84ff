// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest that runs, and what its surroundings hear of its start.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::abort::Abort;
use crate::kernel::remote::Remote;
use crate::kernel::{Target, TargetResult};
use crate::lab::vm::accel::{Accelerator, Choice};
use crate::lab::vm::console::Console;
use crate::lab::vm::event::MachineEvents;
use crate::lab::vm::handshake::handshake;
use crate::lab::vm::hotplug::{Hotplug, Plugged};
use crate::lab::vm::machine::Machine;
use crate::lab::vm::saved::{Key, Origin};

/// A guest whose agent has answered and was told what it needs to know.
pub struct Guest {
    /// The QEMU it runs in.
    pub machine: Arc<Machine>,
    /// Its kernel.
    pub target: Arc<dyn Target>,
    /// Who runs it, and why.
    pub choice: Choice,
    /// Did it resume from a saved machine, or go on from a mark?
    pub resumed: bool,
    /// The saved machine that it was resumed from, if it was.
    pub origin: Option<Origin>,
    /// What kind of machine it is: one of the same kind can resume what this one saves.
    pub key: Key,
    /// From the start of QEMU to the agent's answer.
    pub started_in: Duration,
    /// Why the guest that booted does not see its stick, if it does not.
    pub stick_trouble: Option<String>,
    /// What is plugged in so far; [`Guest::hotplug`] makes it what it should be.
    pub(super) plugged: Plugged,
}

impl Guest {
    /// What is left to be done about the stick.
    pub fn hotplug(&self) -> Hotplug {
        Hotplug::new(Arc::clone(&self.machine), Arc::clone(&self.target), self.plugged.clone())
    }
}

/// Makes a target of the agent's port; blocks until the agent answers.
pub type Connect = Arc<dyn Fn(UnixStream) -> TargetResult<Arc<dyn Target>> + Send + Sync>;

/// The [`Connect`] of whoever has the agent's port for itself: waits for as
/// long as the guest boots.
///
/// # Errors
/// The port ends, or an agent of another version answers.
pub fn reach_agent(port: UnixStream) -> TargetResult<Arc<dyn Target>> {
    handshake(&port)?;
    Ok(Arc::new(Remote::over_socket(port)?))
}

/// What of a start is worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartStep {
    /// QEMU boots the kernel.
    Booting(Accelerator),
    /// QEMU resumes the saved machine.
    Resuming(Accelerator),
    /// The first guest was saved for the next start.
    Saved,
    /// Something went wrong that another way gets round: the sentence.
    Detour(String),
}

/// What a guest's surroundings hear of it.
pub struct Hooks<'a> {
    /// Gets what its serial line carries; emptied at each attempt.
    pub console: &'a Arc<Console>,
    /// Gets what happens to a machine. Each attempt asks for a new one.
    pub events: &'a dyn Fn() -> MachineEvents,
    /// Reaches the agent.
    pub connect: &'a Connect,
    /// Hears of the steps.
    pub steps: &'a dyn Fn(StartStep),
    /// Gives the start up.
    pub abort: &'a Abort,
}
