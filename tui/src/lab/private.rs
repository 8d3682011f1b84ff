// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lab for one program: its guest runs in this very process, without a lab
//! process and without a socket, and is gone with it.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{LabError, LabResult};
use super::options::LabOptions;
use super::vm::console::Console;
use super::vm::event::{MachineEvent, MachineEvents};
use super::vm::pulse::{Health, Pulse};
use super::vm::room::Room;
use super::vm::settle::sync;
use super::vm::start::{Abort, Connect, Guest, Hooks, StartStep, reach_agent, start};
use crate::kernel::api::{GuestState, Item, LabRequest, LabStatus};
use crate::kernel::{Call, Request, Sink, Target, TargetError, TargetResult};

/// How long a dead kernel may take to empty its console.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the end of a guest may take to be known after its connection's.
const KNOWN_WITHIN: Duration = Duration::from_millis(700);

/// A guest of one's own. Dropping it ends it.
pub struct PrivateLab {
    guest: Guest,
    /// Does its stick outlive it?
    keeps: bool,
    end: Arc<End>,
    health: Arc<Mutex<Health>>,
}

/// How the guest ended, once it has.
#[derive(Default)]
struct End {
    how: Mutex<Option<String>>,
    known: Condvar,
}

impl End {
    fn set(&self, how: String) {
        let mut known = self.how.lock().unwrap_or_else(PoisonError::into_inner);
        // The first cause counts: a panic, and not the end of QEMU after it.
        known.get_or_insert(how);
        self.known.notify_all();
    }

    /// Why a conversation with the guest has ended; `said` is what its connection
    /// says, which counts where the guest goes on.
    fn explain(&self, said: String) -> TargetError {
        let how = self.how.lock().unwrap_or_else(PoisonError::into_inner);
        let (how, _) = self
            .known
            .wait_timeout_while(how, KNOWN_WITHIN, |how| how.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        TargetError::Gone(match &*how {
            Some(how) => how.clone(),
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
        let stick = Arc::new(options.stick()?);
        let keeps = stick.path.is_some();
        let room = Arc::clone(&stick.room);
        let plan = options.plan(Some(stick));
        let console = Console::new();
        let port: Arc<Mutex<Option<UnixStream>>> = Arc::default();
        let slot = Arc::clone(&port);
        let connect: Connect = Arc::new(move |stream: UnixStream| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = stream.try_clone().ok();
            reach_agent(stream)
        });
        let end: Arc<Mutex<Arc<End>>> = Arc::default();
        let events = || -> MachineEvents {
            // What happened to an attempt that failed is no news of the next.
            let fresh = Arc::<End>::default();
            *end.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
            watch(fresh, Arc::clone(&console), Arc::clone(&port), Arc::clone(&room))
        };
        let abort = Abort::default();
        let hooks =
            Hooks { console: &console, events: &events, connect: &connect, steps, abort: &abort };
        let guest = start(&plan, &hooks)?;
        if let Some(why) = &guest.stick_trouble {
            return Err(LabError::Guest(format!("the guest has no USB stick: {why}")));
        }
        guest.settle().run()?;
        let end = Arc::clone(&end.lock().unwrap_or_else(PoisonError::into_inner));
        let health: Arc<Mutex<Health>> = Arc::default();
        let pulse = Pulse {
            pid: guest.machine.pid(),
            target: Arc::clone(&guest.target),
            console: Arc::clone(&console),
            room,
        };
        let known = Arc::clone(&health);
        pulse.start(move |health| {
            *known.lock().unwrap_or_else(PoisonError::into_inner) = health;
        })?;
        Ok(Self { guest, keeps, end, health })
    }

    /// The guest; good for as long as the lab.
    pub fn target(&self) -> Arc<dyn Target> {
        Arc::new(PrivateTarget {
            guest: Arc::clone(&self.guest.target),
            end: Arc::clone(&self.end),
            health: Arc::clone(&self.health),
        })
    }

    /// Ends the guest at once, whatever it does: what it has not written out to
    /// a stick that is kept is lost.
    pub fn kill(mut self) {
        self.keeps = false;
        self.guest.machine.kill();
    }

    /// The guest, as it was started.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }
}

impl Drop for PrivateLab {
    fn drop(&mut self) {
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
            MachineEvent::Exited { how } => return end.set(format!("QEMU ended ({how})")),
            MachineEvent::NoRoom => return room.failed(),
            MachineEvent::Panicked | MachineEvent::Shutdown { .. } => {}
        }
        let last_words = move || {
            thread::sleep(if panicked { LAST_WORDS } else { LAST_WORDS / 10 });
            end.set(match console.panic_reason() {
                Some(reason) => format!("the guest's kernel died: {reason}"),
                None if panicked => "the guest's kernel died without a word".into(),
                None => "the guest is powered off".into(),
            });
            if let Some(port) = port.lock().unwrap_or_else(PoisonError::into_inner).take() {
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
            let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
            sink(Item::Lab(LabStatus {
                guest: GuestState::Running,
                troubles: health.troubles(Instant::now()),
                ..LabStatus::default()
            }));
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
