// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a lab's guest is asked to do while it runs: the stick, gdb, a dump.
//! Each is a job beside the supervisor, or refused because no guest runs.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use super::Supervisor;
use crate::kernel::TargetError;
use crate::lab::process::gdb;
use crate::lab::process::order::{Done, Order};
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::hotplug::{plug, unplug};

impl Supervisor {
    /// Opens the way for gdb, if it is not open yet.
    pub(super) fn gdb(&mut self, done: Done) {
        let Some(running) = &mut self.running else {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        };
        if !running.gdb {
            let image = &self.options.kernel.image;
            if let Err(error) = gdb::serve(&running.machine, &self.folder, image) {
                return done(Err(TargetError::Unsupported(error.to_string())));
            }
            running.gdb = true;
        }
        done(Ok(()));
    }

    /// Dumps the guest, dead or alive, on a thread of its own.
    pub(super) fn dump(&mut self, path: PathBuf, compress: bool, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        };
        let machine = Arc::clone(&running.machine);
        let job = self.begin(vec![done]);
        let orders = self.orders.clone();
        let spawned = thread::Builder::new().name("dump".into()).spawn(move || {
            let file = File::options().read(true).write(true).open(&path);
            let result = file
                .map_err(VmError::io(format!("open {}", path.display())))
                .and_then(|file| machine.dump(&file, compress));
            drop(orders.send(Order::Dumped(job, result)));
        });
        if let Err(error) = spawned {
            self.finish(&Err(TargetError::io(&error, "start a thread")));
        }
    }

    pub(super) fn plug(&mut self, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        };
        if self.plugged && self.status.now().stick_plugged {
            return done(Err(TargetError::Invalid("the USB stick is plugged in already".into())));
        }
        let (machine, target) = (Arc::clone(&running.machine), Arc::clone(&running.target));
        self.plugged = true;
        self.begin(vec![done]);
        let stick = Arc::clone(&self.stick);
        self.beside(move || plug(&machine, &*target, &stick));
    }

    pub(super) fn unplug(&mut self, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        };
        if !self.status.now().stick_plugged {
            return done(Err(TargetError::Invalid("the USB stick is not plugged in".into())));
        }
        let (machine, target) = (Arc::clone(&running.machine), Arc::clone(&running.target));
        self.plugged = false;
        self.begin(vec![done]);
        self.beside(move || unplug(&machine, &*target));
    }

    /// Works on the stick on a thread of its own; [`Order::StickDone`] comes back.
    pub(super) fn beside(&mut self, work: impl FnOnce() -> VmResult<()> + Send + 'static) {
        let (orders, job) = (self.orders.clone(), self.jobs);
        let spawned = thread::Builder::new().name("stick".into()).spawn(move || {
            // Without a supervisor the lab is over.
            drop(orders.send(Order::StickDone(job, work())));
        });
        if let Err(error) = spawned {
            self.stick_done(Err(VmError::io("start a thread")(error)));
        }
    }

    pub(super) fn stick_done(&mut self, result: VmResult<()>) {
        let of_start = self.job.as_ref().is_some_and(|job| job.of_start);
        if of_start
            && let Err(error) = &result
            // Of a guest that is dead its last words tell more.
            && !matches!(error, VmError::Agent(TargetError::Gone(_)))
            && self.replaced(|origin, used| origin.failed(error, used))
        {
            return;
        }
        let runs = self.status.guest().is_some();
        let trouble = result.as_ref().err().filter(|_| runs).map(ToString::to_string);
        self.status.update(|status| {
            status.stick_plugged = self.plugged && runs && result.is_ok();
            status.stick_trouble = trouble;
        });
        if let Err(error) = &result {
            tracing::warn!("the USB stick: {error}");
        }
        self.finish(&result.map_err(|error| match error {
            VmError::Agent(error) => error,
            error => TargetError::Unsupported(format!("the USB stick: {error}")),
        }));
    }

    /// Says where what is written to the stick is kept, once it is no longer in the
    /// user's file.
    pub(super) fn tell_changes(&self) {
        let changes = self.stick.changes().map(|changes| changes.path().display().to_string());
        if self.status.now().stick_changes != changes {
            self.status.update(|status| status.stick_changes = changes);
        }
    }
}
