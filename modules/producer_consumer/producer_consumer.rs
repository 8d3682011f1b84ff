// SPDX-License-Identifier: GPL-2.0
//! producer_consumer: kernel threads that pass items through a bounded ring.
//!
//! The textbook problem, live: producers wait for an empty slot, consumers for
//! a full one, and two counting semaphores, `empty` and `full`, say who may go
//! on. Everything can be watched (how full the ring is, who waits for what,
//! what lies in each slot) and slowed down, paused and stepped while it runs.
//!
//! Try it, as root:
//!
//! ```text
//! # insmod producer_consumer.ko prod=5 cons=3 size=10
//! # ps -e | grep -E 'Producer|Consumer'
//! # cd /sys/module/producer_consumer
//! # cat counters/produced counters/producer_waits
//! # echo 100000 > controls/consumer_delay        # a tenth of a second each
//! # cat counters/occupancy                       # the ring fills
//! # echo 1 > controls/paused                     # returns when all are parked
//! # echo 2 > controls/step                       # two items, then parked again
//! # od -A d -t u8 counters/slots                 # item and producer of each slot
//! # dmesg | tail
//! # rmmod producer_consumer                      # all threads are gone
//! ```
//!
//! What a thread does is told in `buffer.rs`; how a thread that waits is paused,
//! in `control.rs`; how everything is seen at one moment, in `snapshot.rs`.

use attributes::Attributes;
use buffer::Buffer;
use control::Control;
use kernel::{prelude::*, sync::Arc};
use kind::{PerKind, ThreadCounts};
use snapshot::Picture;
use state::State;
use support::{memory::Budget, params::params, sysfs::Folders};
use threads::Threads;

mod attributes;
mod buffer;
mod control;
mod kind;
mod ring;
mod round_robin;
mod snapshot;
mod state;
mod threads;

#[path = "../support/mod.rs"]
mod support;

#[path = "../../uapi/src"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "a crate elsewhere, whole; not all of it is used here"
)]
mod uapi {
    pub(crate) mod describe;
    pub(crate) mod producer_consumer;
}

module! {
    type: ProducerConsumer,
    name: "producer_consumer",
    authors: ["The Ringside authors"],
    description: "Producer and consumer threads over a bounded ring and two semaphores",
    license: "GPL",
}

params! { uapi::producer_consumer::MODULE:
    static PROD: Integer = "prod";
    static CONS: Integer = "cons";
    static SIZE: Integer = "size";
    static PRODUCER_DELAY: Integer = "producer_delay";
    static CONSUMER_DELAY: Integer = "consumer_delay";
}

/// The module while it is loaded. The folders go before the threads do: who is
/// inside a file may look at them.
struct ProducerConsumer {
    _folders: Folders<Attributes>,
    control: Arc<Control>,
}

impl kernel::Module for ProducerConsumer {
    fn init(module: &'static ThisModule) -> Result<Self> {
        // The parameters were checked against the contract's ranges.
        let counts = ThreadCounts {
            producer: usize::try_from(PROD.value())?,
            consumer: usize::try_from(CONS.value())?,
        };
        let slots = usize::try_from(SIZE.value())?;
        let delays = PerKind {
            producer: u64::try_from(PRODUCER_DELAY.value())?,
            consumer: u64::try_from(CONSUMER_DELAY.value())?,
        };
        let budget = Budget::new();
        let no_memory = |error: Error| {
            pr_err!(
                "{slots} slots and {} threads refused ({error:?}): their tables take {} KiB, \
                 and {} KiB of memory are to be had\n",
                counts.all(),
                tables(counts, slots) / 1024,
                budget.bytes() / 1024
            );
            error
        };
        if tables(counts, slots) > budget.bytes() {
            return Err(no_memory(ENOMEM));
        }
        let picture = Picture::new(counts, slots).map_err(no_memory)?;
        let buffer = Buffer::new(counts, slots, delays).map_err(no_memory)?;
        let buffer = Arc::pin_init(buffer, GFP_KERNEL)?;
        let mut threads = Threads::new(buffer.clone()).map_err(no_memory)?;
        threads.start(&budget)?;
        let control = Control::new(buffer, threads)?;
        let attributes = Attributes::new(control.clone(), picture)?;
        let folders = Folders::new(module, &attributes)?;
        pr_info!(
            "{} producers and {} consumers at a ring of {slots} slots\n",
            counts.producer,
            counts.consumer
        );
        Ok(Self { _folders: folders, control })
    }
}

/// Bytes that the tables of so many threads and slots take.
fn tables(counts: ThreadCounts, slots: usize) -> usize {
    State::memory(counts, slots)
        .saturating_add(Picture::memory(counts, slots))
        .saturating_add(Threads::memory(counts))
}

impl Drop for ProducerConsumer {
    fn drop(&mut self) {
        // So that a writer who waits for the threads lets go of its file.
        self.control.stop();
    }
}
