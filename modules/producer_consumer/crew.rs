// SPDX-License-Identifier: GPL-2.0
//! The threads, and what sysfs shows and controls of them.

use super::{
    turn::{Staff, Turn},
    worker::{Kind, Worker},
    workshop::Workshop,
};
use crate::{
    support::{
        sysfs::{Rows, Shows, record},
        thread::Thread,
    },
    uapi::{
        describe::Module,
        producer_consumer::{self as abi, SlotRecord, ThreadRecord},
    },
};
use kernel::{
    current, new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

record!(ThreadRecord {
    kind: u8,
    state: u8,
    reserved: u16,
    index: u32,
    items: u64,
    waits: u64,
});
record!(SlotRecord {
    item: u64,
    producer: u32,
    reserved: u32,
});

/// The threads take what the rest of the system leaves. Without that a hundred
/// of them slow down a shell, and the dashboard, by a factor of fifty.
const NICE: i8 = 19;

/// The threads at work. Dropping it stops them.
#[pin_data(PinnedDrop)]
pub(crate) struct Crew {
    workshop: Arc<Workshop>,
    /// In the order of the workshop's workers.
    threads: Threads,
    /// One writer of the controls at a time.
    #[pin]
    turn: Mutex<Turn>,
}

/// Threads that all stop together when this is dropped: each would end by
/// itself too, but the others would work on meanwhile.
struct Threads {
    workshop: Arc<Workshop>,
    list: KVVec<Thread>,
}

impl Threads {
    fn wake_all(&self) {
        for thread in self.list.iter() {
            thread.wake();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.workshop.gate.stop();
        self.wake_all();
    }
}

#[pinned_drop]
impl PinnedDrop for Crew {
    fn drop(self: Pin<&mut Self>) {
        let ring = self.workshop.ring.lock();
        let (produced, consumed) = (ring.produced(), ring.consumed());
        drop(ring);
        pr_info!("{produced} items produced, {consumed} consumed; stopping the threads\n");
    }
}

impl Crew {
    /// Starts the threads of a workshop.
    ///
    /// # Errors
    ///
    /// As for [`Thread::start`]; the threads that did start are gone then.
    pub(crate) fn start(workshop: Arc<Workshop>) -> Result<Arc<Self>> {
        let staff = workshop.staff;
        let mut threads = Threads {
            workshop: workshop.clone(),
            list: KVVec::with_capacity(staff.all(), GFP_KERNEL)?,
        };
        for place in 0..staff.all() {
            let (kind, before) = staff.at(place);
            let body = {
                let workshop = workshop.clone();
                move |current: &_| workshop.work(place, current)
            };
            let thread = Thread::start(fmt!("{}-{}", kind.name(), before + 1), body).inspect_err(
                |error| {
                    pr_err!(
                        "cannot start thread {} of {} ({error:?})\n",
                        place + 1,
                        staff.all()
                    );
                },
            )?;
            thread.set_nice(NICE);
            threads.list.push(thread, GFP_KERNEL)?;
        }
        let crew = Arc::pin_init(
            pin_init!(Self {
                workshop,
                threads,
                turn <- new_mutex!(Turn::new(staff)),
            }),
            GFP_KERNEL,
        )?;
        // All are there: open the gate that they have parked behind.
        crew.resume();
        Ok(crew)
    }

    /// Lets the threads end as soon as they can, and whoever waits for them. Not
    /// the end of those that wait for a semaphore: only dropping ends these.
    pub(crate) fn stop(&self) {
        self.workshop.gate.stop();
        self.threads.wake_all();
    }

    fn staff(&self) -> Staff {
        self.workshop.staff
    }

    /// Parks all threads and returns when they are.
    ///
    /// A thread that waits for a semaphore gets one that stands for no slot and
    /// no item, finds the gate closed, and gives it back. When all are parked
    /// the additional ones are taken off again, and the semaphores say what the
    /// ring holds.
    fn pause(&self) {
        let workshop = &*self.workshop;
        let staff = self.staff();
        if !workshop.gate.is_open() {
            return;
        }
        workshop.gate.close();
        self.threads.wake_all();
        for _ in 0..staff.producers {
            workshop.empty.up();
        }
        for _ in 0..staff.consumers {
            workshop.full.up();
        }
        workshop.gate.wait_until_parked(staff.all());
        if workshop.gate.is_stopping() {
            return;
        }
        let mut missing = 0;
        for _ in 0..staff.producers {
            missing += u32::from(!workshop.empty.try_down());
        }
        for _ in 0..staff.consumers {
            missing += u32::from(!workshop.full.try_down());
        }
        if missing > 0 {
            pr_warn!("{missing} counts of the semaphores are lost: this is a bug\n");
        }
    }

    fn resume(&self) {
        self.workshop.gate.open();
        self.threads.wake_all();
    }

    /// Lets parked threads move `items` items, one after the other, or as many
    /// as the ring allows.
    fn step(&self, turn: &mut Turn, items: u64) -> Result {
        if !self.workshop.gate.is_closed() {
            pr_warn!("step refused (EINVAL): pause the threads first\n");
            return Err(EINVAL);
        }
        for done in 0..items {
            let Some(place) = turn.next(self.staff(), |kind| self.can_move(kind)) else {
                pr_info!("step: {done} of {items} items moved, and no thread can move another\n");
                break;
            };
            self.grant(place);
            if self.workshop.gate.is_stopping() || current!().signal_pending() {
                return Err(EINTR);
            }
        }
        Ok(())
    }

    /// Lets one parked thread move one item and waits until it has.
    fn grant(&self, place: usize) {
        if let (Some(worker), Some(thread)) = (self.worker(place), self.threads.list.get(place)) {
            self.workshop.gate.expect_move();
            worker.grant();
            thread.wake();
            self.workshop.gate.wait_until_moved();
        }
    }

    fn worker(&self, place: usize) -> Option<&Worker> {
        self.workshop.workers.get(place)
    }

    fn can_move(&self, kind: Kind) -> bool {
        let ring = self.workshop.ring.lock();
        match kind {
            Kind::Producer => ring.occupancy() < ring.capacity() as u64,
            Kind::Consumer => ring.occupancy() > 0,
        }
    }

    fn waits(&self, kind: Kind) -> u64 {
        self.workshop
            .workers
            .iter()
            .filter(|worker| worker.kind == kind)
            .map(Worker::waits)
            .sum()
    }
}

impl Shows for Crew {
    const MODULE: &'static Module = &abi::MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        let ring = || self.workshop.ring.lock();
        Some(match name {
            "capacity" => ring().capacity() as u64,
            "occupancy" => ring().occupancy(),
            "empty" => u64::from(self.workshop.empty.value()),
            "full" => u64::from(self.workshop.full.value()),
            "produced" => ring().produced(),
            "consumed" => ring().consumed(),
            "producer_waits" => self.waits(Kind::Producer),
            "consumer_waits" => self.waits(Kind::Consumer),
            _ => return None,
        })
    }

    fn control(&self, name: &str) -> Option<u64> {
        Some(match name {
            "producer_delay" => self.workshop.producer_delay.read(),
            "consumer_delay" => self.workshop.consumer_delay.read(),
            "paused" => u64::from(self.workshop.gate.is_closed()),
            // A step is over when the write returns.
            "step" => 0,
            _ => return None,
        })
    }

    fn set_control(&self, name: &str, value: u64) -> Result {
        let mut turn = self.turn.lock();
        match (name, value) {
            ("producer_delay", delay) => self.set_delay(Kind::Producer, delay),
            ("consumer_delay", delay) => self.set_delay(Kind::Consumer, delay),
            ("paused", 0) => self.resume(),
            ("paused", _) => self.pause(),
            ("step", items) => self.step(&mut turn, items)?,
            _ => return Err(ENOENT),
        }
        Ok(())
    }

    fn table(&self, name: &str) -> Option<usize> {
        match name {
            "threads" => Some(self.staff().all()),
            "slots" => Some(self.workshop.ring.lock().capacity()),
            _ => None,
        }
    }

    fn read_table(&self, name: &str, first: usize, rows: &mut Rows<'_>) {
        match name {
            "threads" => {
                for worker in self.workshop.workers.iter().skip(first).take(rows.room()) {
                    rows.push(&worker.record());
                }
            }
            "slots" => {
                // At most a page of them, so the lock is held for a moment only.
                let ring = self.workshop.ring.lock();
                for slot in ring.slots_from(first).iter().take(rows.room()) {
                    rows.push(slot);
                }
            }
            _ => {}
        }
    }
}

impl Crew {
    /// Changes a delay, also for the threads that rest just now.
    fn set_delay(&self, kind: Kind, microseconds: u64) {
        self.workshop.delay(kind).write(microseconds);
        self.threads.wake_all();
    }
}
