// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a guest ends: what its machine reports of it, the last words of its kernel,
//! and what is left to do.

use std::net::Shutdown;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Supervisor;
use crate::kernel::api::{GuestState, LabStatus, Trouble};
use crate::lab::process::order::Order;
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::hotplug::{quiesce, sync};
use crate::lab::vm::saved::Origin;

/// How long a dead kernel may take to empty its console.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the bytes of a console may be on their way to us.
const ON_THE_WAY: Duration = Duration::from_millis(30);

impl Supervisor {
    pub(super) fn event(&mut self, attempt: u64, event: MachineEvent) {
        let Some(running) = self.running.as_mut().filter(|running| running.attempt == attempt)
        else {
            if self.job.is_some() {
                self.early.push((attempt, event));
            }
            return;
        };
        match event {
            MachineEvent::Panicked => {
                running.panicked = true;
                self.schedule_last_words(attempt, LAST_WORDS);
            }
            MachineEvent::Shutdown { .. } => self.schedule_last_words(attempt, ON_THE_WAY),
            MachineEvent::NoRoom => self.stick.room.failed(),
            MachineEvent::Exited { how } => {
                if !self.replaced(|origin, used| origin.ended(&how, used)) {
                    self.end(GuestState::Killed { how });
                }
            }
        }
    }

    pub(super) fn schedule_last_words(&mut self, attempt: u64, delay: Duration) {
        let orders = self.orders.clone();
        let spawned = thread::Builder::new().name("last-words".into()).spawn(move || {
            thread::sleep(delay);
            drop(orders.send(Order::LastWords(attempt)));
        });
        if spawned.is_err() {
            self.last_words(attempt);
        }
    }

    /// The guest has stopped, and its console is complete: what was it?
    pub(super) fn last_words(&mut self, attempt: u64) {
        let Some(running) = self.running.as_mut().filter(|running| running.attempt == attempt)
        else {
            return;
        };
        let reason = self.console.panic_reason();
        if !running.panicked && reason.is_none() {
            return self.end(GuestState::Off);
        }
        let reason = reason.unwrap_or_else(|| "it wrote no reason to its console".into());
        if self.replaced(|origin, used| origin.panicked(&reason, used)) {
            return;
        }
        let Some(running) = &mut self.running else {
            return;
        };
        // A kernel that hangs in its panic must not burn a processor.
        if let Err(error) = running.machine.stop() {
            tracing::debug!("{error}");
        }
        if let Some(port) = running.port.take() {
            drop(port.shutdown(Shutdown::Both));
        }
        if self.status.now().guest == GuestState::Running {
            self.status.update(|status| status.guest = GuestState::Panicked { reason });
        }
    }

    /// The guest has died or hangs by itself. Is the saved machine at fault, as `removed` finds
    /// out, and has nobody used the guest yet? Then another is started in its place,
    /// which boots, and whoever waits for the one waits for the other.
    pub(super) fn replaced(&mut self, removed: impl FnOnce(&Origin, bool) -> bool) -> bool {
        let Some(origin) = self.running.as_mut().and_then(|running| running.origin.take()) else {
            return false;
        };
        let used = self.status.used();
        if !removed(&origin, used) || used {
            return false;
        }
        let done = self.job.take().map(|job| job.done).unwrap_or_default();
        self.start(false, done, None);
        true
    }

    /// Ends the guest there is and says in which state that leaves the lab.
    pub(super) fn end(&mut self, state: GuestState) {
        self.end_guest(|status| status.guest = state);
    }

    pub(super) fn end_guest(&mut self, change: impl FnOnce(&mut LabStatus)) {
        let running = self.running.take();
        if let (Some(running), Some(_)) = (&running, self.stick.changes()) {
            quiesce(Arc::clone(&running.machine));
        }
        self.status.update(|status| {
            change(status);
            status.qemu_pid = None;
            status.stick_plugged = false;
            status.stick_trouble = None;
        });
        if let Some(running) = running {
            if let Some(origin) = running.origin {
                origin.lasted();
            }
            if let Some(port) = running.port {
                drop(port.shutdown(Shutdown::Both));
            }
            running.machine.kill();
        }
    }

    /// Lets the guest write its caches to a stick or a folder that outlives it, unless it is
    /// known not to answer.
    pub(super) fn sync(&self) {
        let status = self.status.now();
        let hangs = status.troubles.iter().any(Trouble::blocks);
        let stick = self.stick.path.is_some() && status.stick_plugged;
        let keeps = stick || !self.options.writable.is_empty();
        if let Some(target) = self.status.guest().filter(|_| keeps && !hangs) {
            sync(target);
        }
    }
}
