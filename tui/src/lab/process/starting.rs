// SPDX-License-Identifier: MIT OR Apache-2.0
//! One start of a guest, on a thread of its own; the supervisor gets its result.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::order::{Order, Started};
use super::status::Status;
use crate::lab::vm::console::Console;
use crate::lab::vm::event::MachineEvents;
use crate::lab::vm::start::{Abort, Connect, Hooks, Plan, StartStep, reach_agent, start};
use crate::lab::vm::stick::Stick;

/// One start, on its own thread.
pub(super) struct Start {
    pub(super) plan: Plan,
    /// The lab's stick before this start.
    pub(super) stick: Arc<Stick>,
    pub(super) status: Arc<Status>,
    pub(super) console: Arc<Console>,
    pub(super) orders: Sender<Order>,
    pub(super) attempts: Arc<AtomicU64>,
    /// The number under which the supervisor knows it.
    pub(super) job: u64,
    pub(super) abort: Arc<Abort>,
    /// A start that was given up for this one, and may not have ended yet.
    pub(super) before: Option<JoinHandle<()>>,
}

impl Start {
    pub(super) fn run(mut self) {
        if let Some(before) = self.before.take() {
            // Console and stick are no two guests' at the same time. That one
            // has said itself how it ended.
            drop(before.join());
        }
        let attempt = Arc::<AtomicU64>::default();
        let current = Arc::clone(&attempt);
        let events = || -> MachineEvents {
            let attempt = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
            current.store(attempt, Ordering::Relaxed);
            let orders = Mutex::new(self.orders.clone());
            Arc::new(move |event| {
                let orders = orders.lock();
                drop(orders.send(Order::Event(attempt, event)));
            })
        };
        // What was on the stick belongs to the moment that the guest goes back to.
        let rewound = self.plan.mark.clone();
        let (cache, now) = (&self.plan.cache, &self.stick);
        let stick = match rewound.map(|mark| Ok((mark.stick(now, cache)?, mark.plugged))) {
            Some(Err(error)) => {
                drop(self.orders.send(Order::Started(self.job, Err(error))));
                return;
            }
            Some(Ok((stick, plugged))) => {
                let stick = Arc::new(stick);
                self.plan.stick = plugged.then(|| Arc::clone(&stick));
                Some(stick)
            }
            None => None,
        };
        let port = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&port);
        let connect: Connect = Arc::new(move |stream: UnixStream| {
            *slot.lock() = stream.try_clone().ok();
            reach_agent(stream)
        });
        let steps = |step| match step {
            StartStep::Booting(accelerator) | StartStep::Resuming(accelerator) => {
                self.status.update(|status| status.accelerator = accelerator.name().into());
            }
            StartStep::Detour(why) => tracing::warn!("{why}"),
            StartStep::Saved => {}
        };
        let hooks = Hooks {
            console: &self.console,
            events: &events,
            connect: &connect,
            steps: &steps,
            abort: &self.abort,
        };
        let started = start(&self.plan, &hooks).map(|guest| Started {
            attempt: attempt.load(Ordering::Relaxed),
            guest,
            stick,
            port: port.lock().take(),
        });
        drop(self.orders.send(Order::Started(self.job, started)));
    }
}
