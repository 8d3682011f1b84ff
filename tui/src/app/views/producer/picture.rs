// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything the picture needs, taken from the sample that is shown.

use super::controls::value;
use super::queue::Knob;
use super::state::{MODULE, Pane};
use crate::app::model::Model;
use crate::app::ring::{self, Doing, Ends, Kind, Slots, Tally, Thread};

/// The module as the sample shows it.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// Every thread, producers first.
    pub threads: Vec<Thread>,
    /// The slots that were read.
    pub slots: Slots<'a>,
    /// Slots of the ring.
    pub capacity: usize,
    /// Slots that hold an item.
    pub occupancy: usize,
    /// What the semaphore `empty` holds.
    pub empty: usize,
    /// What the semaphore `full` holds.
    pub full: usize,
    /// Items ever produced.
    pub produced: u64,
    /// Items ever consumed.
    pub consumed: u64,
    /// Where the next item goes and comes from.
    pub ends: Option<Ends>,
    /// Are the threads parked?
    pub paused: bool,
    /// Producers' delay in microseconds.
    pub producer_delay: Option<u64>,
    /// Consumers' delay in microseconds.
    pub consumer_delay: Option<u64>,
}

/// The picture, once a sample has arrived in which the module has counters.
pub fn picture(model: &Model) -> Option<Picture<'_>> {
    let counters = &model.counters;
    let number = |name| counters.value(MODULE, name);
    let count = |name| number(name).and_then(|number| u64::try_from(number).ok());
    let capacity = usize::try_from(number("capacity")?).ok()?;
    let threads = counters.table(MODULE, "threads");
    let slots = match counters.table(MODULE, "slots") {
        Some(table) => Slots::new(table.range.offset as usize / ring::SLOT_SIZE, &table.bytes),
        None => Slots::new(0, &[]),
    };
    let (produced, consumed) = (count("produced")?, count("consumed")?);
    let occupancy = (count("occupancy").unwrap_or(0) as usize).min(capacity);
    // While all threads are being parked a semaphore holds more than the ring has slots for.
    let semaphore = |name| count(name).unwrap_or(0).min(capacity as u64) as usize;
    Some(Picture {
        threads: threads.map(|table| ring::threads(&table.bytes)).unwrap_or_default(),
        slots,
        capacity,
        occupancy,
        empty: semaphore("empty"),
        full: semaphore("full"),
        produced,
        consumed,
        ends: ring::ends(capacity, &slots, produced, consumed),
        paused: value(model, Knob::Paused) == Some(1),
        producer_delay: value(model, Knob::ProducerDelay),
        consumer_delay: value(model, Knob::ConsumerDelay),
    })
}

impl Picture<'_> {
    /// The threads of a kind, by their number.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(move |thread| thread.kind == kind)
    }

    /// How many threads of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.of(kind).count()
    }

    /// How many threads of a kind wait for their semaphore.
    pub fn waiting(&self, kind: Kind) -> usize {
        let doing = match kind {
            Kind::Producer => Doing::WaitsEmpty,
            Kind::Consumer => Doing::WaitsFull,
        };
        Tally::of(&self.threads, kind).doing(doing)
    }

    /// One sentence on what goes on.
    pub fn story(&self) -> &'static str {
        let producers = Tally::of(&self.threads, Kind::Producer);
        let consumers = Tally::of(&self.threads, Kind::Consumer);
        let all = |tally: Tally, doing| tally.total() > 0 && tally.doing(doing) == tally.total();
        if self.paused {
            "Paused: every thread is parked between two items."
        } else if producers.total() == 0 {
            "There are no producers: nothing is ever put into the ring."
        } else if consumers.total() == 0 {
            "There are no consumers: the ring fills and stays full."
        } else if self.capacity == 0 {
            "The ring has no slot: every producer waits for ever."
        } else if all(producers, Doing::WaitsEmpty) {
            "The ring is full: producers wait until a consumer frees a slot."
        } else if all(consumers, Doing::WaitsFull) {
            "The ring is empty: consumers wait until a producer brings an item."
        } else if producers.doing(Doing::WaitsEmpty) > consumers.doing(Doing::WaitsFull) {
            "Producers are faster: the ring is mostly full."
        } else if consumers.doing(Doing::WaitsFull) > producers.doing(Doing::WaitsEmpty) {
            "Consumers are faster: the ring is mostly empty."
        } else {
            "Both sides keep up with each other."
        }
    }

    /// The thread or slots under the cursor, in a sentence. A cell stands for
    /// `cell` slots.
    pub fn detail(&self, pane: Pane, cursor: usize, cell: usize) -> String {
        let kind = match pane {
            Pane::Producers => Kind::Producer,
            Pane::Consumers => Kind::Consumer,
            Pane::Ring => return self.slot_detail(cursor, cell),
        };
        match self.of(kind).nth(cursor) {
            Some(thread) => format!(
                "{} {}; moved {} items, waited {} times",
                thread.name(),
                thread.doing.meaning(),
                thread.items,
                thread.waits
            ),
            None => "No such thread".into(),
        }
    }

    fn slot_detail(&self, cursor: usize, cell: usize) -> String {
        if self.capacity == 0 {
            return "The ring has no slots".into();
        }
        let first = cursor / cell * cell;
        let slots = first..(first + cell).min(self.capacity);
        if !self.slots.holds(first) {
            return format!("Slot {first}: not read (only a part of so large a ring is)");
        }
        if cell > 1 {
            let filled = self.slots.filled(slots.clone());
            let last = slots.end - 1;
            return format!("Slots {first} to {last}: {filled} of {} hold an item", slots.len());
        }
        let next = match self.ends {
            Some(ends) if ends.put == first && ends.take == first => "; next put and take here",
            Some(ends) if ends.put == first => "; the next item is put here",
            Some(ends) if ends.take == first => "; the next item is taken here",
            _ => "",
        };
        match self.slots.get(first) {
            Some(filled) => {
                format!("Slot {first}: item {} of Producer-{}{next}", filled.item, filled.producer)
            }
            None => format!("Slot {first}: empty{next}"),
        }
    }

    /// A pane as text, for the clipboard.
    pub fn text(&self, pane: Pane) -> String {
        let kind = match pane {
            Pane::Producers => Kind::Producer,
            Pane::Consumers => Kind::Consumer,
            Pane::Ring => {
                let lines =
                    (self.slots.first()..self.slots.first() + self.slots.len()).map(|slot| {
                        match self.slots.get(slot) {
                            Some(filled) => {
                                format!("{slot}\t{}\tProducer-{}", filled.item, filled.producer)
                            }
                            None => format!("{slot}\t-\t-"),
                        }
                    });
                return lines.collect::<Vec<_>>().join("\n");
            }
        };
        let lines = self.of(kind).map(|thread| {
            let (name, doing) = (thread.name(), thread.doing.word());
            format!("{name}\t{doing}\t{}\t{}", thread.items, thread.waits)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
