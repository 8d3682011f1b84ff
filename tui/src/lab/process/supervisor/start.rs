// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest is started on a thread of its own, and taken over once it runs.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{Running, Supervisor};
use crate::kernel::TargetError;
use crate::kernel::api::GuestState;
use crate::lab::process::order::{Done, Order, Started};
use crate::lab::process::starting::Start;
use crate::lab::vm::error::VmResult;
use crate::lab::vm::heartbeat::Heartbeat;
use crate::lab::vm::mark::Mark;
use crate::lab::vm::overlay::Overlay;
use crate::lab::vm::start::{Abort, Guest, Plan};

impl Supervisor {
    /// Starts a guest on a thread of its own, in place of the one there is;
    /// `before` is the thread of a start that was given up for it.
    pub(super) fn start(&mut self, cold: bool, done: Vec<Done>, before: Option<JoinHandle<()>>) {
        self.rewound = None;
        self.start_from(None, cold, done, before);
    }

    /// The same, from `mark` where there is one.
    pub(super) fn start_from(
        &mut self,
        mark: Option<Arc<Mark>>,
        cold: bool,
        done: Vec<Done>,
        before: Option<JoinHandle<()>>,
    ) {
        let back = self.rewound.as_ref().map(|kept| kept.mark.made.elapsed());
        self.end_guest(|status| {
            status.guest = GuestState::Starting;
            status.rewound_ms =
                back.map(|back| u64::try_from(back.as_millis()).unwrap_or(u64::MAX));
            status.generation += 1;
            status.resumed = false;
            status.started_in_ms = 0;
        });
        self.early.clear();
        self.marks.new_guest();
        let job = self.begin(done);
        let stick = self.plugged.then(|| Arc::clone(&self.stick));
        let plan = Plan { cold, mark, ..self.options.plan(stick) };
        let abort = Abort::new();
        let start = Start {
            plan,
            stick: Arc::clone(&self.stick),
            status: Arc::clone(&self.status),
            console: Arc::clone(&self.console),
            orders: self.orders.clone(),
            attempts: Arc::clone(&self.attempts),
            job,
            abort: Arc::clone(&abort),
            before,
        };
        let spawned = thread::Builder::new().name("start".into()).spawn(move || start.run());
        match (spawned, &mut self.job) {
            (Ok(thread), Some(job)) => {
                job.start = Some((abort, thread));
                job.of_start = true;
            }
            (Ok(_), None) => {}
            (Err(error), _) => self.failed(format!("start a thread: {error}")),
        }
    }

    pub(super) fn failed(&mut self, why: String) {
        self.status.update(|status| status.guest = GuestState::Failed { why: why.clone() });
        self.finish(&Err(TargetError::Gone(why)));
    }

    pub(super) fn started(&mut self, result: VmResult<Started>) {
        let Started { attempt, guest, port, stick } = match result {
            Ok(started) => started,
            Err(error) => return self.failed(error.report()),
        };
        self.take_up_marks(&guest.key);
        let hotplug = guest.hotplug();
        if let Some(job) = &mut self.job {
            // From here on it is about the stick.
            job.start = None;
        }
        self.running = Some(Running {
            attempt,
            machine: Arc::clone(&guest.machine),
            target: Arc::clone(&guest.target),
            port,
            panicked: false,
            gdb: false,
            origin: guest.origin.clone(),
        });
        if let Some(stick) = stick {
            if let Some(Err(error)) = stick.changes().map(Overlay::adopt) {
                tracing::warn!("{error}");
            }
            self.stick = stick;
        }
        let up = self.rewound.as_ref().map_or(Duration::ZERO, |kept| kept.up);
        self.status.running(Arc::clone(&guest.target), up, |status| {
            status.accelerator = guest.choice.accelerator.name().into();
            status.accelerator_reason = guest.choice.reason.clone();
            status.resumed = guest.resumed;
            status.started_in_ms = guest.started_in.as_millis() as u64;
            status.qemu_pid = Some(guest.machine.pid());
            status.stick_plugged =
                self.plugged && hotplug.is_done() && guest.stick_trouble.is_none();
            status.stick_trouble = guest.stick_trouble.clone();
        });
        self.start_heartbeat(attempt, &guest);
        for (attempt, event) in std::mem::take(&mut self.early) {
            self.event(attempt, event);
        }
        if hotplug.is_done() {
            return self.finish(&Ok(()));
        }
        self.beside(move || hotplug.run());
    }

    /// From now on [`Order::Health`] says when the guest stops answering.
    pub(super) fn start_heartbeat(&self, attempt: u64, guest: &Guest) {
        let heartbeat = Heartbeat {
            pid: guest.machine.pid(),
            target: Arc::clone(&guest.target),
            console: Arc::clone(&self.console),
            room: Arc::clone(&self.stick.room),
            halt: Arc::clone(guest.machine.halt()),
        };
        let orders = self.orders.clone();
        let tell = move |health| drop(orders.send(Order::Health(attempt, health)));
        if let Err(error) = heartbeat.start(tell) {
            tracing::warn!("the guest's health is not watched: {error}");
        }
    }
}
