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
//! How a thread that waits is paused is told in `crew.rs`; what a thread does,
//! in `workshop.rs`.

use crew::Crew;
use kernel::{prelude::*, sync::Arc};
use support::{params::params, sysfs::Folders};
use turn::Staff;
use workshop::Workshop;

mod crew;
mod gate;
mod ring;
mod turn;
mod worker;
mod workshop;

#[path = "../support"]
mod support {
    #[allow(dead_code, reason = "the other modules' helpers are listed there too")]
    mod helpers;
    mod layout;
    pub(crate) mod once;
    pub(crate) mod pace;
    #[allow(dead_code, reason = "this module has no text parameters")]
    pub(crate) mod params;
    pub(crate) mod semaphore;
    pub(crate) mod spinlock;
    pub(crate) mod sysfs;
    #[allow(dead_code, reason = "some of it is for other modules")]
    pub(crate) mod text;
    pub(crate) mod thread;
}

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
}

/// The module while it is loaded. The folders go before the threads do: who is
/// inside a file may look at them.
struct ProducerConsumer {
    _folders: Folders<Crew>,
    crew: Arc<Crew>,
}

impl kernel::Module for ProducerConsumer {
    fn init(module: &'static ThisModule) -> Result<Self> {
        // The parameters were checked against the contract's ranges.
        let staff = Staff {
            producers: usize::try_from(PROD.value())?,
            consumers: usize::try_from(CONS.value())?,
        };
        let slots = usize::try_from(SIZE.value())?;
        let workshop = Workshop::new(staff, slots).inspect_err(|error| {
            pr_err!(
                "no memory for {slots} slots and {} threads ({error:?})\n",
                staff.all()
            );
        })?;
        let crew = Crew::start(Arc::pin_init(workshop, GFP_KERNEL)?)?;
        let folders = Folders::new(module, &crew)?;
        pr_info!(
            "{} producers and {} consumers at a ring of {slots} slots\n",
            staff.producers,
            staff.consumers
        );
        Ok(Self {
            _folders: folders,
            crew,
        })
    }
}

impl Drop for ProducerConsumer {
    fn drop(&mut self) {
        // So that a writer who waits for the threads lets go of its file.
        self.crew.stop();
    }
}
