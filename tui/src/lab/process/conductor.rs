// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one thread that decides what the lab's guest does next: it takes orders
//! and events one by one. What takes long (a start) runs beside it and reports
//! back, so that an end of the lab never waits.

use std::collections::VecDeque;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::Duration;

use super::board::Board;
use super::order::{Done, Order, Started};
use super::starting::Start;
use crate::kernel::api::{GuestState, LabStatus};
use crate::kernel::{Target, TargetError};
use crate::lab::options::LabOptions;
use crate::lab::vm::console::Console;
use crate::lab::vm::error::VmResult;
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::machine::Machine;
use crate::lab::vm::settle::{plug, sync, unplug};
use crate::lab::vm::start::Plan;
use crate::lab::vm::stick::Stick;

/// How long a dead kernel may take to empty its console.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the bytes of a console may be on their way to us.
const ON_THE_WAY: Duration = Duration::from_millis(30);

struct Running {
    attempt: u64,
    machine: Arc<Machine>,
    target: Arc<dyn Target>,
    /// To end the connection of a guest that is dead but still there.
    port: Option<UnixStream>,
    panicked: bool,
}

/// Runs a lab's guests.
pub(super) struct Conductor {
    options: LabOptions,
    board: Arc<Board>,
    console: Arc<Console>,
    orders: Sender<Order>,
    attempts: Arc<AtomicU64>,
    stick: Arc<Stick>,
    /// Is it meant to be plugged in? Kept over a reboot.
    plugged: bool,
    running: Option<Running>,
    /// Who waits for the start under way, while there is one.
    starting: Option<Vec<Done>>,
    /// Orders that wait for its end.
    waiting: VecDeque<Order>,
    /// Events of a machine whose start has not been reported yet.
    early: Vec<(u64, MachineEvent)>,
}

impl Conductor {
    pub(super) fn new(
        options: LabOptions,
        stick: Stick,
        board: Arc<Board>,
        console: Arc<Console>,
        orders: Sender<Order>,
    ) -> Self {
        Self {
            options,
            board,
            console,
            orders,
            attempts: Arc::default(),
            stick: Arc::new(stick),
            plugged: true,
            running: None,
            starting: None,
            waiting: VecDeque::new(),
            early: Vec::new(),
        }
    }

    /// Starts the first guest and then obeys until the lab is to end; returns
    /// who wants to know once it has.
    pub(super) fn run(mut self, orders: &Receiver<Order>) -> Option<Done> {
        self.start(self.options.cold, Vec::new());
        loop {
            let next = if self.starting.is_none() { self.waiting.pop_front() } else { None };
            // The listener holds a sender as long as this thread lives.
            let order = next.or_else(|| orders.recv().ok())?;
            if let Order::Down(done) = order {
                if self.starting.is_none() {
                    self.sync();
                }
                self.end(GuestState::Off);
                return done;
            }
            self.obey(order);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Event(attempt, event) => self.event(attempt, event),
            Order::LastWords(attempt) => self.last_words(attempt),
            Order::Started(result) => self.started(result),
            Order::Settled(result) => self.settled(&result),
            order if self.starting.is_some() => self.waiting.push_back(order),
            Order::Reboot { cold, done } => {
                self.sync();
                self.start(cold, vec![done]);
            }
            Order::PowerOff(done) => {
                self.sync();
                self.end(GuestState::Off);
                done(Ok(()));
            }
            Order::Plug(done) => self.plug(done),
            Order::Unplug(done) => self.unplug(done),
            Order::Down(_) => {}
        }
    }

    /// Starts a guest on a thread of its own, in place of the one there is.
    fn start(&mut self, cold: bool, done: Vec<Done>) {
        self.end_guest(|status| {
            status.guest = GuestState::Starting;
            status.generation += 1;
            status.resumed = false;
            status.started_in_ms = 0;
        });
        self.early.clear();
        self.starting = Some(done);
        let stick = self.plugged.then(|| Arc::clone(&self.stick));
        let plan = Plan { cold, ..self.options.plan(stick) };
        let start = Start {
            plan,
            board: Arc::clone(&self.board),
            console: Arc::clone(&self.console),
            orders: self.orders.clone(),
            attempts: Arc::clone(&self.attempts),
        };
        let spawned = thread::Builder::new().name("start".into()).spawn(move || start.run());
        if let Err(error) = spawned {
            self.failed(format!("start a thread: {error}"));
        }
    }

    fn failed(&mut self, why: String) {
        self.board.update(|status| status.guest = GuestState::Failed { why: why.clone() });
        for done in self.starting.take().unwrap_or_default() {
            done(Err(TargetError::Gone(why.clone())));
        }
    }

    fn started(&mut self, result: VmResult<Started>) {
        let Started { attempt, guest, port } = match result {
            Ok(started) => started,
            Err(error) => return self.failed(error.to_string()),
        };
        let settle = guest.settle();
        self.running = Some(Running {
            attempt,
            machine: Arc::clone(&guest.machine),
            target: Arc::clone(&guest.target),
            port,
            panicked: false,
        });
        self.board.running(Arc::clone(&guest.target), |status| {
            status.accelerator = guest.choice.accelerator.name().into();
            status.accelerator_reason = guest.choice.reason.clone();
            status.resumed = guest.resumed;
            status.started_in_ms = guest.started_in.as_millis() as u64;
            status.qemu_pid = Some(guest.machine.pid());
            status.stick_plugged = self.plugged && settle.is_done();
        });
        for (attempt, event) in std::mem::take(&mut self.early) {
            self.event(attempt, event);
        }
        if settle.is_done() {
            return self.settled(&Ok(()));
        }
        self.beside(move || settle.run());
    }

    /// Works on the stick on a thread of its own; [`Order::Settled`] comes back.
    fn beside(&mut self, work: impl FnOnce() -> VmResult<()> + Send + 'static) {
        let orders = self.orders.clone();
        let spawned = thread::Builder::new().name("stick".into()).spawn(move || {
            let result = work().map_err(|error| error.to_string());
            // Without a conductor the lab is over.
            drop(orders.send(Order::Settled(result)));
        });
        if let Err(error) = spawned {
            self.settled(&Err(format!("start a thread: {error}")));
        }
    }

    fn settled(&mut self, result: &Result<(), String>) {
        let plugged = self.plugged && result.is_ok() && self.running.is_some();
        let trouble = result.as_ref().err().filter(|_| self.running.is_some()).cloned();
        let before = self.board.status();
        if (plugged, &trouble) != (before.stick_plugged, &before.stick_trouble) {
            self.board.update(|status| {
                status.stick_plugged = plugged;
                status.stick_trouble = trouble;
            });
        }
        if let Err(error) = result {
            tracing::warn!("the USB stick: {error}");
        }
        for done in self.starting.take().unwrap_or_default() {
            done(match result {
                Ok(()) => Ok(()),
                Err(error) => Err(TargetError::Gone(error.clone())),
            });
        }
    }

    fn plug(&mut self, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.board.why_gone())));
        };
        if self.plugged && self.board.status().stick_plugged {
            return done(Err(TargetError::Invalid("the USB stick is plugged in already".into())));
        }
        let (machine, target) = (Arc::clone(&running.machine), Arc::clone(&running.target));
        self.plugged = true;
        self.starting = Some(vec![done]);
        let stick = Arc::clone(&self.stick);
        self.beside(move || plug(&machine, &*target, &stick));
    }

    fn unplug(&mut self, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.board.why_gone())));
        };
        if !self.board.status().stick_plugged {
            return done(Err(TargetError::Invalid("the USB stick is not plugged in".into())));
        }
        let (machine, target) = (Arc::clone(&running.machine), Arc::clone(&running.target));
        self.plugged = false;
        self.starting = Some(vec![done]);
        self.beside(move || unplug(&machine, &*target));
    }

    fn event(&mut self, attempt: u64, event: MachineEvent) {
        let Some(running) = self.running.as_mut().filter(|running| running.attempt == attempt)
        else {
            if self.starting.is_some() {
                self.early.push((attempt, event));
            }
            return;
        };
        match event {
            MachineEvent::Panicked => {
                running.panicked = true;
                self.soon(attempt, LAST_WORDS);
            }
            MachineEvent::Shutdown { .. } => self.soon(attempt, ON_THE_WAY),
            MachineEvent::Exited { how } => self.end(GuestState::Killed { how }),
        }
    }

    fn soon(&mut self, attempt: u64, delay: Duration) {
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
    fn last_words(&mut self, attempt: u64) {
        let Some(running) = self.running.as_mut().filter(|running| running.attempt == attempt)
        else {
            return;
        };
        let reason = self.console.panic_reason();
        if !running.panicked && reason.is_none() {
            return self.end(GuestState::Off);
        }
        let reason = reason.unwrap_or_else(|| "it wrote no reason to its console".into());
        // A kernel that hangs in its panic must not burn a processor.
        if let Err(error) = running.machine.stop() {
            tracing::debug!("{error}");
        }
        if let Some(port) = running.port.take() {
            drop(port.shutdown(Shutdown::Both));
        }
        if self.board.status().guest == GuestState::Running {
            self.board.update(|status| status.guest = GuestState::Panicked { reason });
        }
    }

    /// Ends the guest there is and says in which state that leaves the lab.
    fn end(&mut self, state: GuestState) {
        self.end_guest(|status| status.guest = state);
    }

    fn end_guest(&mut self, change: impl FnOnce(&mut LabStatus)) {
        let running = self.running.take();
        self.board.update(|status| {
            change(status);
            status.qemu_pid = None;
            status.stick_plugged = false;
            status.stick_trouble = None;
        });
        if let Some(running) = running {
            if let Some(port) = running.port {
                drop(port.shutdown(Shutdown::Both));
            }
            running.machine.kill();
        }
    }

    /// Lets the guest write its caches to a stick that outlives it.
    fn sync(&self) {
        let keeps = self.stick.path.is_some() && self.board.status().stick_plugged;
        if let Some(target) = self.board.guest().filter(|_| keeps) {
            sync(target);
        }
    }
}
