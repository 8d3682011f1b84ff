// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one thread that decides what the lab's guest does next: it takes orders
//! and events one by one. What takes long (a start, the stick) runs beside it as
//! a job and reports back. A reboot, a power-off and the end of the lab never
//! wait for a job: they overtake it. Every job has a limit of its own here, so
//! that no order waits for a guest to answer.

mod end;
mod marks;
mod requests;
mod start;

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::JoinHandle;

use super::marks::{Kept, Marks, Reason};
use super::order::{Done, Order};
use super::status::Status;
use crate::kernel::api::{GuestState, Trouble};
use crate::kernel::{Target, TargetError, TargetResult};
use crate::lab::kept_marks;
use crate::lab::options::LabOptions;
use crate::lab::vm::console::Console;
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::machine::Machine;
use crate::lab::vm::saved::{Key, Origin};
use crate::lab::vm::start::Abort;
use crate::lab::vm::stick::Stick;

struct Running {
    attempt: u64,
    machine: Arc<Machine>,
    target: Arc<dyn Target>,
    /// To end the connection of a guest that is dead but still there.
    port: Option<UnixStream>,
    panicked: bool,
    /// Is there a way to it for gdb?
    gdb: bool,
    /// The saved machine it was resumed from; `None` once it is known how the guest
    /// ended.
    origin: Option<Origin>,
}

/// Something that takes its time.
struct Job {
    number: u64,
    /// Who waits for it.
    done: Vec<Done>,
    /// How to give it up, while it is a start.
    start: Option<(Arc<Abort>, JoinHandle<()>)>,
    /// Is it a start, or the stick that belongs to one?
    of_start: bool,
}

/// Runs a lab's guests.
pub(super) struct Supervisor {
    options: LabOptions,
    /// The lab's own folder.
    folder: PathBuf,
    status: Arc<Status>,
    console: Arc<Console>,
    marks: Arc<Marks>,
    /// What kind of machine the guests are, once one has run.
    kind: Option<Key>,
    /// The mark that this guest was started from.
    rewound: Option<Kept>,
    orders: Sender<Order>,
    attempts: Arc<AtomicU64>,
    stick: Arc<Stick>,
    /// Is it meant to be plugged in? Kept over a reboot.
    plugged: bool,
    running: Option<Running>,
    /// What is under way.
    job: Option<Job>,
    /// How many jobs there have been.
    jobs: u64,
    /// Orders that wait for its end.
    waiting: VecDeque<Order>,
    /// Events of a machine whose start has not been reported yet.
    early: Vec<(u64, MachineEvent)>,
    /// The marks that were taken up of an earlier lab.
    taken: Option<kept_marks::Stamp>,
}

impl Supervisor {
    pub(super) fn new(
        options: LabOptions,
        folder: PathBuf,
        stick: Stick,
        status: Arc<Status>,
        console: Arc<Console>,
        marks: Arc<Marks>,
        orders: Sender<Order>,
    ) -> Self {
        Self {
            options,
            folder,
            status,
            console,
            marks,
            kind: None,
            rewound: None,
            orders,
            attempts: Arc::default(),
            stick: Arc::new(stick),
            plugged: true,
            running: None,
            job: None,
            jobs: 0,
            waiting: VecDeque::new(),
            early: Vec::new(),
            taken: None,
        }
    }

    /// Starts the first guest and then obeys until the lab is to end; returns
    /// who wants to know once it has.
    pub(super) fn run(mut self, orders: &Receiver<Order>) -> Option<(Done, TargetResult<()>)> {
        self.start(self.options.cold, Vec::new(), None);
        loop {
            let next = if self.job.is_none() { self.waiting.pop_front() } else { None };
            // The listener holds a sender as long as this thread lives.
            let order = next.or_else(|| orders.recv().ok())?;
            if let Order::Down(done) = order {
                self.sync();
                self.overtake("the lab was ended");
                self.end(GuestState::Off);
                // Who asked for the end also says what becomes of the stick's changes.
                if let (None, Some(fate)) = (&done, self.options.disk_fate)
                    && let Err(error) = self.stick.resolve(fate)
                {
                    tracing::error!("the USB stick: {error}");
                }
                let kept = self.keep_marks();
                return done.map(|done| (done, kept));
            }
            self.handle(order);
        }
    }

    fn handle(&mut self, order: Order) {
        match order {
            Order::Event(attempt, event) => self.event(attempt, event),
            Order::Health(attempt, health) => {
                let hangs = health.hangs_since();
                let known = self.running.as_ref().is_some_and(|now| now.attempt == attempt);
                let replaced = known
                    && hangs.is_some_and(|since| {
                        self.replaced(|origin, used| origin.hangs(since, used))
                    });
                if known && !replaced {
                    self.status.health(health);
                }
            }
            Order::LastWords(attempt) => self.last_words(attempt),
            Order::Started(job, result) => {
                // One that was overtaken has no guest to give: it goes here.
                if self.is_now(job) {
                    self.started(result);
                }
            }
            Order::StickDone(job, result) => {
                if self.is_now(job) {
                    self.stick_done(result);
                }
            }
            Order::Reboot { cold, done } => {
                self.sync();
                let before = self.overtake("a new guest was started instead");
                self.start(cold, vec![done], before);
            }
            Order::Rewind { name, done } => match self.marks.find(name.as_deref()) {
                Ok(kept) => self.rewind(kept, done),
                Err(error) => done(Err(error)),
            },
            Order::Marked(job, result) => {
                if self.is_now(job) {
                    self.marked(result);
                }
            }
            Order::Dumped(job, result) => {
                if self.is_now(job) {
                    self.finish(&result.map_err(|error| TargetError::Invalid(error.to_string())));
                }
            }
            Order::PowerOff(done) => {
                self.sync();
                self.overtake("the guest was powered off instead");
                self.end(GuestState::Off);
                done(Ok(()));
            }
            Order::Gdb(done) => self.gdb(done),
            // The next one comes soon enough.
            Order::MarkTime if self.job.is_some() => {}
            order if self.job.is_some() => self.waiting.push_back(order),
            Order::Mark { name, reason, done } => self.mark(name, reason, done),
            Order::MarkTime => {
                let hangs = self.status.now().troubles.iter().any(Trouble::blocks);
                if self.running.is_some() && !hangs {
                    // Where there can be no mark, nobody is waiting for one.
                    self.mark(None, Some(Reason::Time), Box::new(|_| ()));
                }
            }
            Order::Dump { path, compress, done } => self.dump(path, compress, done),
            Order::Plug(done) => self.plug(done),
            Order::Unplug(done) => self.unplug(done),
            Order::Down(_) => {}
        }
    }

    fn is_now(&self, job: u64) -> bool {
        self.job.as_ref().is_some_and(|now| now.number == job)
    }

    /// Ends what is under way and what waits for it, and says why. Returns the
    /// thread of a start that may not have ended yet.
    fn overtake(&mut self, why: &str) -> Option<JoinHandle<()>> {
        let refuse = |done: Done| done(Err(TargetError::Invalid(why.to_owned())));
        for order in self.waiting.drain(..) {
            match order {
                Order::Mark { done, .. }
                | Order::Dump { done, .. }
                | Order::Plug(done)
                | Order::Unplug(done) => refuse(done),
                // Nothing else is made to wait.
                _ => {}
            }
        }
        let job = self.job.take()?;
        job.done.into_iter().for_each(refuse);
        let (abort, thread) = job.start?;
        abort.now();
        Some(thread)
    }

    /// A new job, which [`Order::StickDone`] or a failure ends.
    fn begin(&mut self, done: Vec<Done>) -> u64 {
        self.jobs += 1;
        self.job = Some(Job { number: self.jobs, done, start: None, of_start: false });
        self.jobs
    }

    /// Ends the job there is, with this result for whoever waits for it.
    fn finish(&mut self, result: &TargetResult<()>) {
        for done in self.job.take().map(|job| job.done).unwrap_or_default() {
            done(result.clone());
        }
    }
}
