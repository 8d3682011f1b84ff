// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything the picture needs, taken from the sample that is shown: one
//! snapshot of the module's, whose numbers agree with each other.

use super::controls::value;
use super::past::Second;
use super::queue::Knob;
use super::ring;
use super::ring::{Kind, SLOT_SIZE, SNAPSHOT_SIZE, Slots, Snapshot, THREAD_SIZE, Thread};
use super::state::Producer;
use super::state::{MODULE, Pane};
use super::story::story;
use crate::dashboard::core::Shared;
use crate::kernel::api::TableBytes;

/// The table that the picture is made of.
pub(crate) const TABLE: &str = "snapshot";

/// The module as the sample shows it.
#[derive(Clone, Debug)]
pub(crate) struct Picture<'a> {
    /// The numbers.
    pub now: Snapshot,
    /// The second before, if all of it was watched.
    pub second: Option<Second>,
    /// Every thread that was read, producers first.
    pub threads: Vec<Thread>,
    /// The slots that were read.
    pub slots: Slots<'a>,
    /// Producers' delay in microseconds.
    pub producer_delay: Option<u64>,
    /// Consumers' delay in microseconds.
    pub consumer_delay: Option<u64>,
}

/// The numbers of the sample that is shown, once one has arrived that has a snapshot.
pub(crate) fn now(shared: &Shared) -> Option<Snapshot> {
    Snapshot::read(&shared.counters.table(MODULE, TABLE)?.bytes)
}

/// The picture, once a sample has arrived that has a snapshot.
pub(crate) fn picture<'a>(view: &Producer, shared: &'a Shared) -> Option<Picture<'a>> {
    let bytes = &shared.counters.table(MODULE, TABLE)?.bytes;
    let now = Snapshot::read(bytes)?;
    let records = bytes.get(SNAPSHOT_SIZE..).unwrap_or_default();
    let threads = (now.threads() * THREAD_SIZE).min(records.len());
    let (threads, slots) = records.split_at(threads);
    let slots = &slots[..(now.slots * SLOT_SIZE).min(slots.len())];
    Some(Picture {
        now,
        second: view.past.second(shared.counters.shown().at_ms),
        threads: ring::threads(threads),
        slots: Slots::new(slots),
        producer_delay: value(view, shared, Knob::ProducerDelay),
        consumer_delay: value(view, shared, Knob::ConsumerDelay),
    })
}

impl Picture<'_> {
    /// The threads of a kind, by their number.
    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(move |thread| thread.kind == kind)
    }

    /// One sentence on what goes on.
    pub(crate) fn story(&self) -> String {
        story(&self.now, self.second.as_ref())
    }

    /// The thread or slots under the cursor, in a sentence. A cell stands for
    /// `cell` slots.
    pub(crate) fn detail(&self, pane: Pane, cursor: usize, cell: usize) -> String {
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
        let capacity = self.now.capacity;
        if capacity == 0 {
            return "The ring has no slots".into();
        }
        let first = cursor / cell * cell;
        let slots = first..(first + cell).min(capacity);
        if cell > 1 {
            let filled = self.now.filled(slots.clone());
            let last = slots.end - 1;
            return format!("Slots {first} to {last}: {filled} of {} hold an item", slots.len());
        }
        let is = |end: Option<usize>| end == Some(first);
        let next = match (is(self.now.put()), is(self.now.take())) {
            (true, true) => "; next put and take here",
            (true, false) => "; the next item is put here",
            (false, true) => "; the next item is taken here",
            (false, false) => "",
        };
        match (self.slots.get(first), self.now.item(first)) {
            (Some(filled), _) => {
                format!("Slot {first}: item {} of Producer-{}{next}", filled.item, filled.producer)
            }
            (None, Some(item)) => format!("Slot {first}: item {item}{next}"),
            (None, None) => format!("Slot {first}: empty{next}"),
        }
    }

    /// A pane as text, for the clipboard.
    pub(crate) fn text(&self, pane: Pane) -> String {
        let kind = match pane {
            Pane::Producers => Kind::Producer,
            Pane::Consumers => Kind::Consumer,
            Pane::Ring => {
                let slots = (0..self.now.capacity).take_while(|slot| self.slots.holds(*slot));
                let lines = slots.map(|slot| match self.slots.get(slot) {
                    Some(filled) => {
                        format!("{slot}\t{}\tProducer-{}", filled.item, filled.producer)
                    }
                    None => format!("{slot}\t-\t-"),
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

/// Keeps what the newest sample says, for the sentence about a second.
pub(crate) fn sampled(view: &mut Producer, shared: &mut Shared) {
    let sample = shared.counters.latest();
    let table = |table: &&TableBytes| table.range.module == MODULE && table.range.table == TABLE;
    let Some(snapshot) = sample.tables.iter().find(table).map(|table| Snapshot::read(&table.bytes))
    else {
        return;
    };
    let loaded = sample.modules.iter().find(|module| module.module == MODULE);
    if let (Some(snapshot), Some(loaded), false) = (snapshot, loaded, shared.freeze.is_some()) {
        view.past.push(sample.at_ms, loaded.instance, snapshot);
    }
}
