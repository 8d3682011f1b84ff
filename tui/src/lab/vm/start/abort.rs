// SPDX-License-Identifier: MIT OR Apache-2.0
//! Giving up a start that is under way.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::machine::{Killer, Machine};

/// Ends a start that nobody wants any more: its QEMU is killed, and no other
/// one is started for it.
#[derive(Default)]
pub struct Abort {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    aborted: bool,
    machine: Option<Killer>,
}

impl Abort {
    /// For a start that is under way or about to begin.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Gives the start up.
    pub fn now(&self) {
        let machine = {
            let mut state = self.state();
            state.aborted = true;
            state.machine.take()
        };
        if let Some(machine) = machine {
            machine.kill();
        }
    }

    /// # Errors
    /// The start was given up.
    pub(super) fn check(&self) -> VmResult<()> {
        if self.state().aborted { Err(VmError::Aborted) } else { Ok(()) }
    }

    /// From now on this is the machine to end.
    ///
    /// # Errors
    /// The start was given up meanwhile.
    pub(super) fn watch(&self, machine: &Machine) -> VmResult<()> {
        let mut state = self.state();
        if state.aborted {
            return Err(VmError::Aborted);
        }
        state.machine = Some(machine.killer());
        Ok(())
    }
}
