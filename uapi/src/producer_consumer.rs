// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! producer_consumer: kernel threads that pass items through a ring of slots,
//! kept in step by two counting semaphores.

use super::describe::{Control, Counter, Module, Parameter, ParameterKind, Table, Unit};

/// The most threads of one kind.
pub const THREADS_MAX: i64 = 1000;
/// The most slots.
pub const SLOTS_MAX: i64 = 1_000_000;
/// The longest delay in microseconds: one minute.
pub const DELAY_MAX: u64 = 60_000_000;

/// [`ThreadRecord::kind`] of a producer.
pub const KIND_PRODUCER: u8 = 0;
/// [`ThreadRecord::kind`] of a consumer.
pub const KIND_CONSUMER: u8 = 1;

/// [`ThreadRecord::state`]: moving an item.
pub const STATE_RUNNING: u8 = 0;
/// [`ThreadRecord::state`]: a producer that waits for `empty`.
pub const STATE_WAITS_EMPTY: u8 = 1;
/// [`ThreadRecord::state`]: a consumer that waits for `full`.
pub const STATE_WAITS_FULL: u8 = 2;
/// [`ThreadRecord::state`]: sleeps its delay.
pub const STATE_DELAY: u8 = 3;
/// [`ThreadRecord::state`]: parked by `paused`.
pub const STATE_PARKED: u8 = 4;

/// One record of the table `threads`: producers first, then consumers, by index.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadRecord {
    /// `KIND_…`
    pub kind: u8,
    /// `STATE_…`
    pub state: u8,
    /// 0.
    pub reserved: u16,
    /// The number in the thread's name, from 1.
    pub index: u32,
    /// Items produced or consumed by this thread.
    pub items: u64,
    /// How often it had to wait for its semaphore.
    pub waits: u64,
}

/// One record of the table `slots`, by position in the ring.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotRecord {
    /// The item's number, from 1 in the order of production; 0: the slot is empty.
    pub item: u64,
    /// The index of the producer that made it, from 1; 0: the slot is empty.
    pub producer: u32,
    /// 0.
    pub reserved: u32,
}

const _: () = assert!(core::mem::size_of::<ThreadRecord>() == 24);
const _: () = assert!(core::mem::size_of::<SlotRecord>() == 16);
const _: () = assert!(core::mem::offset_of!(ThreadRecord, items) == 8);

const fn level(name: &'static str, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Count, monotonic: false, help }
}

const fn total(name: &'static str, help: &'static str) -> Counter {
    Counter { name, unit: Unit::Count, monotonic: true, help }
}

const fn integer(
    name: &'static str,
    max: i64,
    default: &'static str,
    help: &'static str,
) -> Parameter {
    Parameter { name, kind: ParameterKind::Integer { min: 0, max }, default, help }
}

const fn control(name: &'static str, unit: Unit, max: u64, help: &'static str) -> Control {
    Control { name, unit, min: 0, max, help }
}

/// What the module shows.
pub const MODULE: Module = Module {
    name: "producer_consumer",
    summary: "Producer and consumer threads over a bounded ring and two semaphores",
    device: None,
    parameters: &[
        integer("prod", THREADS_MAX, "1", "producer threads"),
        integer("cons", THREADS_MAX, "1", "consumer threads"),
        integer("size", SLOTS_MAX, "10", "slots of the ring: what the semaphore empty starts with"),
    ],
    counters: &[
        level("capacity", "slots of the ring"),
        level("occupancy", "slots that hold an item now"),
        level("empty", "what the semaphore empty holds: slots that nobody has claimed to fill"),
        level("full", "what the semaphore full holds: items that nobody has claimed to take"),
        total("produced", "items put into the ring"),
        total("consumed", "items taken out of the ring"),
        total("producer_waits", "times a producer waited for an empty slot"),
        total("consumer_waits", "times a consumer waited for a full slot"),
    ],
    controls: &[
        control(
            "producer_delay",
            Unit::Microseconds,
            DELAY_MAX,
            "pause of a producer after each item",
        ),
        control(
            "consumer_delay",
            Unit::Microseconds,
            DELAY_MAX,
            "pause of a consumer after each item",
        ),
        control("paused", Unit::Switch, 1, "1 parks every thread and returns when all are parked"),
        control(
            "step",
            Unit::Count,
            1_000_000,
            "while paused: lets this many items be produced or consumed",
        ),
    ],
    tables: &[
        Table {
            name: "threads",
            record: core::mem::size_of::<ThreadRecord>(),
            help: "one record per thread, producers first",
        },
        Table {
            name: "slots",
            record: core::mem::size_of::<SlotRecord>(),
            help: "one record per slot of the ring",
        },
    ],
};
