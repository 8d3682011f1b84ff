// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lab for one program: its guest runs in this very process, without a lab
//! process and without a socket, and is gone with it.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::error::{LabError, LabResult};
use super::options::LabOptions;
use super::vm::console::Console;
use super::vm::event::{MachineEvent, MachineEvents};
use super::vm::heartbeat::{Health, Heartbeat};
use super::vm::hotplug::{plug, sync, unplug};
use super::vm::room::Room;
use super::vm::start::{Abort, Connect, Guest, Hooks, StartStep, reach_agent, start};
use super::vm::stick::Stick;
use crate::kernel::api::{GuestState, Item, LabRequest, LabStatus};
use crate::kernel::{Call, Request, Sink, Target, TargetError, TargetResult};

/// How long a dead kernel may take to empty its console.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the end of a guest may take to be known after its connection's.
const KNOWN_WITHIN: Duration = Duration::from_millis(700);

/// A guest of one's own. Dropping it ends it.
pub struct PrivateLab {
    guest: Guest,
    stick: Arc<Stick>,
    /// Does its stick outlive it, or a folder that it writes to?
    keeps: bool,
    end: Arc<End>,
    health: Arc<Mutex<Health>>,
    console: Arc<Console>,
}

/// How the guest ended, once it has.
#[derive(Default)]
struct End {
    how: Mutex<Option<How>>,
    known: Condvar,
}

/// A way to end.
enum How {
    /// Its kernel died for this reason.
    Panicked(String),
    /// QEMU ended in this way.
    Ended(String),
    /// It was powered off.
    Off,
}

impl std::fmt::Display for How {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panicked(reason) => write!(out, "the guest's kernel died: {reason}"),
            Self::Ended(how) => write!(out, "QEMU ended ({how})"),
            Self::Off => out.write_str("the guest is powered off"),
        }
    }
}

impl End {
    fn set(&self, how: How) {
        let mut known = self.how.lock();
        // The first cause counts: a panic, and not the end of QEMU after it.
        known.get_or_insert(how);
        self.known.notify_all();
    }

    /// Why a conversation with the guest has ended; `said` is what its connection
    /// says, which counts where the guest goes on.
    fn explain(&self, said: String) -> TargetError {
        let mut how = self.how.lock();
        self.known.wait_while_for(&mut how, |how| how.is_none(), KNOWN_WITHIN);
        TargetError::Gone(match &*how {
            Some(how) => how.to_string(),
            None => said,
        })
    }
}

impl PrivateLab {
    /// Starts the guest that `options` describe, USB stick and all; `steps`
    /// hears how it goes.
    ///
    /// # Errors
    /// It does not start: with the last lines of its console.
    pub fn start(options: &LabOptions, steps: &dyn Fn(StartStep)) -> LabResult<Self> {
        Self::start_unless(options, steps, &Abort::default())
    }

    /// The same, but given up where `abort` says so meanwhile.
    ///
    /// # Errors
    /// It does not start, or was given up.
    pub fn start_unless(
        options: &LabOptions,
        steps: &dyn Fn(StartStep),
        abort: &Abort,
    ) -> LabResult<Self> {
        let stick = Arc::new(options.stick()?);
        let keeps = stick.path.is_some() || !options.writable.is_empty();
        let room = Arc::clone(&stick.room);
        let plan = options.plan(Some(Arc::clone(&stick)));
        let console = Console::new();
        let port: Arc<Mutex<Option<UnixStream>>> = Arc::default();
        let slot = Arc::clone(&port);
        let connect: Connect = Arc::new(move |stream: UnixStream| {
            *slot.lock() = stream.try_clone().ok();
            reach_agent(stream)
        });
        let end: Arc<Mutex<Arc<End>>> = Arc::default();
        let events = || -> MachineEvents {
            // What happened to an attempt that failed is no news of the next.
            let fresh = Arc::<End>::default();
            *end.lock() = Arc::clone(&fresh);
            watch(fresh, Arc::clone(&console), Arc::clone(&port), Arc::clone(&room))
        };
        let hooks = Hooks { console: &console, events: &events, connect: &connect, steps, abort };
        let mut guest = start(&plan, &hooks)?;
        if let Some(origin) = guest.origin.clone()
            && let Err(error) = guest.hotplug().run()
        {
            if !origin.failed(&error, false) {
                return Err(error.into());
            }
            // It boots now.
            drop(guest);
            guest = start(&plan, &hooks)?;
        }
        if let Some(why) = &guest.stick_trouble {
            return Err(LabError::Guest(format!("the guest has no USB stick: {why}")));
        }
        if guest.origin.is_none() {
            guest.hotplug().run()?;
        }
        let end = Arc::clone(&end.lock());
        let health: Arc<Mutex<Health>> = Arc::default();
        let heartbeat = Heartbeat {
            pid: guest.machine.pid(),
            target: Arc::clone(&guest.target),
            console: Arc::clone(&console),
            room,
            halt: Arc::clone(guest.machine.halt()),
        };
        let known = Arc::clone(&health);
        heartbeat.start(move |health| {
            *known.lock() = health;
        })?;
        Ok(Self { guest, stick, keeps, end, health, console })
    }

    /// The guest; good for as long as the lab.
    pub fn target(&self) -> Arc<dyn Target> {
        Arc::new(PrivateTarget {
            guest: Arc::clone(&self.guest.target),
            end: Arc::clone(&self.end),
            health: Arc::clone(&self.health),
        })
    }

    /// From here on its end says nothing about the machine that it was resumed
    /// from: what runs in it may well kill it.
    pub fn may_die(&mut self) {
        if let Some(origin) = self.guest.origin.take() {
            origin.lasted();
        }
    }

    /// Ends the guest at once, whatever it does: what it has not written out to
    /// a stick that is kept is lost.
    pub fn kill(mut self) {
        self.keeps = false;
        self.guest.machine.kill();
    }

    /// Plugs its USB stick in.
    ///
    /// # Errors
    /// It is plugged in already, or the guest does not see it.
    pub fn plug(&self) -> LabResult<()> {
        Ok(plug(&self.guest.machine, &*self.guest.target, &self.stick)?)
    }

    /// Pulls its USB stick out.
    ///
    /// # Errors
    /// None is plugged in, or the guest does not notice.
    pub fn unplug(&self) -> LabResult<()> {
        Ok(unplug(&self.guest.machine, &*self.guest.target)?)
    }

    /// What its kernel writes to the serial line.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// The guest, as it was started.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }
}

impl Drop for PrivateLab {
    fn drop(&mut self) {
        let how = self.end.how.lock().take();
        if let Some(origin) = &self.guest.origin {
            // What is removed is missed by the next start, which boots.
            match how {
                Some(How::Panicked(reason)) => drop(origin.panicked(&reason, true)),
                Some(How::Ended(how)) => drop(origin.ended(&how, true)),
                Some(How::Off) => origin.lasted(),
                None => match self.health.lock().hangs_since() {
                    Some(since) => drop(origin.hangs(since, true)),
                    None => origin.lasted(),
                },
            }
        }
        if self.keeps {
            sync(Arc::clone(&self.guest.target));
        }
    }
}

/// Notes how the guest ends, and then ends its connection: QEMU keeps a dead
/// guest, which would never say another word.
fn watch(
    end: Arc<End>,
    console: Arc<Console>,
    port: Arc<Mutex<Option<UnixStream>>>,
    room: Arc<Room>,
) -> MachineEvents {
    Arc::new(move |event| {
        let (end, console, port) = (Arc::clone(&end), Arc::clone(&console), Arc::clone(&port));
        let panicked = event == MachineEvent::Panicked;
        match event {
            MachineEvent::Exited { how } => return end.set(How::Ended(how)),
            MachineEvent::NoRoom => return room.failed(),
            MachineEvent::Panicked | MachineEvent::Shutdown { .. } => {}
        }
        let last_words = move || {
            thread::sleep(if panicked { LAST_WORDS } else { LAST_WORDS / 10 });
            end.set(match console.panic_reason() {
                Some(reason) => How::Panicked(reason),
                None if panicked => How::Panicked("it did not say why".into()),
                None => How::Off,
            });
            if let Some(port) = port.lock().take() {
                drop(port.shutdown(Shutdown::Both));
            }
        };
        if let Err(error) = thread::Builder::new().name("last-words".into()).spawn(last_words) {
            tracing::warn!("start a thread: {error}");
        }
    })
}

/// The guest as a target whose calls say how it ended. Of a lab it has only what
/// is wrong with the guest.
struct PrivateTarget {
    guest: Arc<dyn Target>,
    end: Arc<End>,
    health: Arc<Mutex<Health>>,
}

impl Target for PrivateTarget {
    fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
        if request == Request::Lab(LabRequest::Status) {
            let health = self.health.lock().clone();
            sink(Item::Lab(Box::new(LabStatus {
                guest: GuestState::Running,
                troubles: health.troubles(Instant::now()),
                ..LabStatus::default()
            })));
            sink(Item::Done(Ok(())));
            return Ok(Call::over());
        }
        let end = Arc::clone(&self.end);
        let explaining = Box::new(move |item| {
            sink(match item {
                Item::Done(Err(TargetError::Gone(said))) => Item::Done(Err(end.explain(said))),
                item => item,
            });
        });
        match self.guest.start(request, explaining) {
            Err(TargetError::Gone(said)) => Err(self.end.explain(said)),
            started => started,
        }
    }
}
