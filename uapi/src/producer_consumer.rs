// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! producer_consumer: kernel threads that pass items through a ring of slots,
//! kept in step by two counting semaphores.

use super::describe::{
    Control, Counter, Module, Moment, Parameter, ParameterKind, Table, Unit, without_padding,
};

/// The largest number of threads that can be asked for; how many there can be is
/// decided by memory and process numbers.
const THREADS_MAX: i64 = i32::MAX as i64;
/// The most slots: what a semaphore can count to, less one for each thread that
/// a kernel can have, since a pause adds as many for a moment. How many there can
/// be is decided by memory.
const SLOTS_MAX: i64 = i32::MAX as i64 - (1 << 22);
/// The longest delay in microseconds: one minute.
pub const DELAY_MAX: u64 = 60_000_000;
/// The most slots that a [`Snapshot`] holds; of a larger ring it holds none.
pub const SNAPSHOT_SLOTS_MAX: usize = 1 << 15;

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

/// [`Snapshot::phase`]: the threads move items.
pub const PHASE_RUNNING: u32 = 0;
/// [`Snapshot::phase`]: the threads are being parked.
pub const PHASE_PAUSING: u32 = 1;
/// [`Snapshot::phase`]: every thread is parked.
pub const PHASE_PAUSED: u32 = 2;
/// [`Snapshot::phase`]: the module is being unloaded.
pub const PHASE_STOPPING: u32 = 3;

/// The beginning of the table `snapshot`: what holds at one moment, taken under
/// the lock of ring and threads.
///
/// Behind it come one [`ThreadRecord`] for each thread and one [`SlotRecord`] for
/// each slot, of the same moment; no slots where there are more than
/// [`SNAPSHOT_SLOTS_MAX`]. See [`Moment`] for how it is read.
///
/// A thread whose turn has come waits no longer, though it may not have run
/// since. So the numbers agree with each other: threads wait only where a
/// semaphore holds 0, and what it lacks beside the ring is in the hands of
/// threads that run.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Bytes of this struct.
    pub size: u32,
    /// `PHASE_…`
    pub phase: u32,
    /// How many snapshots were taken, this one included.
    pub sequence: u64,
    /// Slots of the ring.
    pub capacity: u64,
    /// Slots that hold an item.
    pub occupancy: u64,
    /// What the semaphore `empty` holds.
    pub empty: u64,
    /// What the semaphore `full` holds.
    pub full: u64,
    /// Items ever put into the ring.
    pub produced: u64,
    /// Items ever taken out of the ring.
    pub consumed: u64,
    /// How often a producer waited for an empty slot.
    pub producer_waits: u64,
    /// How often a consumer waited for a full slot.
    pub consumer_waits: u64,
    /// The control `producer_delay`.
    pub producer_delay: u64,
    /// The control `consumer_delay`.
    pub consumer_delay: u64,
    /// The control `paused`.
    pub paused: u64,
    /// The control `step`.
    pub step: u64,
    /// Producer threads.
    pub producers: u32,
    /// Consumer threads.
    pub consumers: u32,
    /// Producers that wait on `empty`.
    pub producers_waiting: u32,
    /// Consumers that wait on `full`.
    pub consumers_waiting: u32,
    /// The item that was moved last; 0: none was.
    pub last_item: u64,
    /// The slot it was put into or taken from.
    pub last_slot: u64,
    /// The index of the producer that made it.
    pub last_producer: u32,
    /// Who moved it: `KIND_…`
    pub last_kind: u32,
    /// The index of the thread that moved it.
    pub last_thread: u32,
    /// Slot records that follow.
    pub slots: u32,
}

without_padding!(ThreadRecord { kind, state, reserved, index, items, waits });
without_padding!(SlotRecord { item, producer, reserved });
without_padding!(Snapshot {
    size,
    phase,
    sequence,
    capacity,
    occupancy,
    empty,
    full,
    produced,
    consumed,
    producer_waits,
    consumer_waits,
    producer_delay,
    consumer_delay,
    paused,
    step,
    producers,
    consumers,
    producers_waiting,
    consumers_waiting,
    last_item,
    last_slot,
    last_producer,
    last_kind,
    last_thread,
    slots
});
const _: () = assert!(core::mem::size_of::<Snapshot>() == 160);
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

const fn delay(name: &'static str, help: &'static str) -> Parameter {
    Parameter { name, kind: ParameterKind::Microseconds { max: DELAY_MAX }, default: "0", help }
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
        delay(
            "producer_delay",
            "pause of a producer after each item, in microseconds; 0: full speed",
        ),
        delay(
            "consumer_delay",
            "pause of a consumer after each item, in microseconds; 0: full speed",
        ),
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
            moment: None,
        },
        Table {
            name: "slots",
            record: core::mem::size_of::<SlotRecord>(),
            help: "one record per slot of the ring",
            moment: None,
        },
        Table {
            name: "snapshot",
            // Bytes: a head and two kinds of records.
            record: 1,
            help: "counters, controls, threads and slots, all of one moment",
            moment: Some(Moment {
                sequence: core::mem::offset_of!(Snapshot, sequence),
                counters: core::mem::offset_of!(Snapshot, capacity),
                controls: core::mem::offset_of!(Snapshot, producer_delay),
            }),
        },
    ],
};
