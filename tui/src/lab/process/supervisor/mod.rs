// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one thread that decides what the lab's guest does next: it takes orders
//! and events one by one. What takes long (a start, the stick) runs beside it as
//! a job and reports back. A reboot, a power-off and the end of the lab never
//! wait for a job: they overtake it. Every job has a limit of its own here, so
//! that no order depends on a guest that answers.

mod requests;

use std::collections::VecDeque;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::marks::{Kept, Marks, Reason};
use super::order::{Done, Order, Started};
use super::starting::Start;
use super::status::Status;
use crate::kernel::api::{GuestState, LabStatus, Trouble};
use crate::kernel::{Target, TargetError, TargetResult};
use crate::lab::kept_marks;
use crate::lab::options::LabOptions;
use crate::lab::vm::console::Console;
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::event::MachineEvent;
use crate::lab::vm::hotplug::{quiesce, sync};
use crate::lab::vm::machine::Machine;
use crate::lab::vm::mark::Mark;
use crate::lab::vm::overlay::Overlay;
use crate::lab::vm::pulse::Pulse;
use crate::lab::vm::saved::{Key, Origin};
use crate::lab::vm::start::{Abort, Guest, Plan};
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
                    && let Err(error) = self.stick.settle(fate)
                {
                    tracing::error!("the USB stick: {error}");
                }
                let kept = self.keep_marks();
                return done.map(|done| (done, kept));
            }
            self.obey(order);
        }
    }

    /// Keeps the marks for the next lab like this one, where that is wanted.
    fn keep_marks(&self) -> TargetResult<()> {
        let Some(key) = self.kind.as_ref().filter(|_| self.options.keep_marks) else {
            return Ok(());
        };
        let all = self.marks.all();
        let marks = all.iter().map(|kept| (&*kept.mark, kept.info(), kept.is_named(), kept.up));
        kept_marks::write(&self.options.cache, key, self.taken, marks).map_err(|error| {
            tracing::error!("{error}");
            TargetError::Invalid(format!("the lab has ended, and its marks are lost: {error}"))
        })
    }

    /// Takes up the marks that were kept of such a machine, once it is known which it is.
    fn take_up_marks(&mut self, key: &Key) {
        if self.kind.replace(key.clone()).is_some() || !self.options.keep_marks {
            return;
        }
        match kept_marks::read(&self.options.cache, key) {
            Ok((kept, stamp)) => {
                self.taken = stamp;
                self.marks.take_up(kept);
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }

    fn obey(&mut self, order: Order) {
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

    /// Ends the job there is, and tells who waits for it.
    fn finish(&mut self, result: &TargetResult<()>) {
        for done in self.job.take().map(|job| job.done).unwrap_or_default() {
            done(result.clone());
        }
    }

    /// Starts a guest on a thread of its own, in place of the one there is;
    /// `before` is the thread of a start that was given up for it.
    fn start(&mut self, cold: bool, done: Vec<Done>, before: Option<JoinHandle<()>>) {
        self.rewound = None;
        self.start_from(None, cold, done, before);
    }

    /// The same, from `mark` where there is one.
    fn start_from(
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

    fn failed(&mut self, why: String) {
        self.status.update(|status| status.guest = GuestState::Failed { why: why.clone() });
        self.finish(&Err(TargetError::Gone(why)));
    }

    fn started(&mut self, result: VmResult<Started>) {
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
        self.feel_pulse(attempt, &guest);
        for (attempt, event) in std::mem::take(&mut self.early) {
            self.event(attempt, event);
        }
        if hotplug.is_done() {
            return self.finish(&Ok(()));
        }
        self.beside(move || hotplug.run());
    }

    /// From now on [`Order::Health`] says when the guest stops answering.
    fn feel_pulse(&self, attempt: u64, guest: &Guest) {
        let pulse = Pulse {
            pid: guest.machine.pid(),
            target: Arc::clone(&guest.target),
            console: Arc::clone(&self.console),
            room: Arc::clone(&self.stick.room),
            halt: Arc::clone(guest.machine.halt()),
        };
        let orders = self.orders.clone();
        let tell = move |health| drop(orders.send(Order::Health(attempt, health)));
        if let Err(error) = pulse.start(tell) {
            tracing::warn!("the guest's pulse is not felt: {error}");
        }
    }

    /// Works on the stick on a thread of its own; [`Order::StickDone`] comes back.
    fn beside(&mut self, work: impl FnOnce() -> VmResult<()> + Send + 'static) {
        let (orders, job) = (self.orders.clone(), self.jobs);
        let spawned = thread::Builder::new().name("stick".into()).spawn(move || {
            // Without a supervisor the lab is over.
            drop(orders.send(Order::StickDone(job, work())));
        });
        if let Err(error) = spawned {
            self.stick_done(Err(VmError::io("start a thread")(error)));
        }
    }

    fn stick_done(&mut self, result: VmResult<()>) {
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

    fn event(&mut self, attempt: u64, event: MachineEvent) {
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

    fn schedule_last_words(&mut self, attempt: u64, delay: Duration) {
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
    fn replaced(&mut self, removed: impl FnOnce(&Origin, bool) -> bool) -> bool {
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
    fn end(&mut self, state: GuestState) {
        self.end_guest(|status| status.guest = state);
    }

    fn end_guest(&mut self, change: impl FnOnce(&mut LabStatus)) {
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
    fn sync(&self) {
        let status = self.status.now();
        let hangs = status.troubles.iter().any(Trouble::blocks);
        let stick = self.stick.path.is_some() && status.stick_plugged;
        let keeps = stick || !self.options.writable.is_empty();
        if let Some(target) = self.status.guest().filter(|_| keeps && !hangs) {
            sync(target);
        }
    }
}
