// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ring of producer_consumer as the kernel shows it: threads and slots read
//! from the records of its tables, and what is worth telling about them.

use ringside_uapi::producer_consumer::{
    KIND_CONSUMER, KIND_PRODUCER, STATE_DELAY, STATE_PARKED, STATE_RUNNING, STATE_WAITS_EMPTY,
    STATE_WAITS_FULL, SlotRecord, ThreadRecord,
};

/// Bytes of a record of the table `threads`.
pub const THREAD_SIZE: usize = size_of::<ThreadRecord>();
/// Bytes of a record of the table `slots`.
pub const SLOT_SIZE: usize = size_of::<SlotRecord>();

/// What a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It makes items.
    Producer,
    /// It takes them.
    Consumer,
}

impl Kind {
    /// The name of its threads, before the number.
    pub fn thread_name(self) -> &'static str {
        match self {
            Self::Producer => "Producer",
            Self::Consumer => "Consumer",
        }
    }
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It moves an item.
    Running,
    /// A producer that waits on the semaphore `empty`: the ring is full.
    WaitsEmpty,
    /// A consumer that waits on the semaphore `full`: the ring is empty.
    WaitsFull,
    /// It sleeps its delay after an item.
    Delay,
    /// `paused` keeps it.
    Parked,
    /// A state this program does not know.
    Unknown(u8),
}

impl Doing {
    /// Those that are known, in the order in which they are told.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::WaitsEmpty,
        Self::WaitsFull,
        Self::Delay,
        Self::Parked,
    ];

    /// In one or two words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "runs",
            Self::WaitsEmpty => "waits: empty",
            Self::WaitsFull => "waits: full",
            Self::Delay => "sleeps",
            Self::Parked => "parked",
            Self::Unknown(_) => "unknown state",
        }
    }

    /// One letter, for a picture of many threads.
    pub fn letter(self) -> char {
        match self {
            Self::Running => 'R',
            Self::WaitsEmpty => 'e',
            Self::WaitsFull => 'f',
            Self::Delay => 'z',
            Self::Parked => 'p',
            Self::Unknown(_) => '?',
        }
    }

    /// In a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Running => "moves an item",
            Self::WaitsEmpty => "waits on the semaphore `empty`: every slot is taken",
            Self::WaitsFull => "waits on the semaphore `full`: there is no item",
            Self::Delay => "sleeps its delay after an item",
            Self::Parked => "parked by `paused`",
            Self::Unknown(_) => "is in a state this program does not know",
        }
    }
}

/// A thread of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// What it is for.
    pub kind: Kind,
    /// The number in its name, from 1.
    pub index: u32,
    /// What it does.
    pub doing: Doing,
    /// Items it moved.
    pub items: u64,
    /// How often it waited for its semaphore.
    pub waits: u64,
}

impl Thread {
    /// Its name in a process list, which ends at 15 characters.
    pub fn name(&self) -> String {
        let mut name = format!("{}-{}", self.kind.thread_name(), self.index);
        name.truncate(15);
        name
    }
}

/// A slot that holds an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The item's number, from 1 in the order of production.
    pub item: u64,
    /// Which producer made it, from 1.
    pub producer: u32,
}

/// Reads the table `threads`. Records of a kind nobody knows and a cut-off last
/// record are left out.
pub fn threads(bytes: &[u8]) -> Vec<Thread> {
    let (records, _) = bytes.as_chunks::<THREAD_SIZE>();
    records.iter().filter_map(thread).collect()
}

fn thread(record: &[u8; THREAD_SIZE]) -> Option<Thread> {
    let kind = match record[0] {
        KIND_PRODUCER => Kind::Producer,
        KIND_CONSUMER => Kind::Consumer,
        _ => return None,
    };
    let doing = match record[1] {
        STATE_RUNNING => Doing::Running,
        STATE_WAITS_EMPTY => Doing::WaitsEmpty,
        STATE_WAITS_FULL => Doing::WaitsFull,
        STATE_DELAY => Doing::Delay,
        STATE_PARKED => Doing::Parked,
        other => Doing::Unknown(other),
    };
    Some(Thread {
        kind,
        index: number(record, 4, 4) as u32,
        doing,
        items: number(record, 8, 8),
        waits: number(record, 16, 8),
    })
}

/// A little-endian number of `size` bytes at `at`, both within the record.
fn number(record: &[u8], at: usize, size: usize) -> u64 {
    let bytes = record.iter().skip(at).take(size).rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// How many threads of a kind do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [usize; Doing::ALL.len()],
    unknown: usize,
}

impl Tally {
    /// Counts the threads of `kind`.
    pub fn of(threads: &[Thread], kind: Kind) -> Self {
        let mut tally = Self::default();
        for thread in threads.iter().filter(|thread| thread.kind == kind) {
            match Doing::ALL.iter().position(|doing| *doing == thread.doing) {
                Some(at) => tally.counts[at] += 1,
                None => tally.unknown += 1,
            }
        }
        tally
    }

    /// How many do this.
    pub fn doing(&self, doing: Doing) -> usize {
        match Doing::ALL.iter().position(|known| *known == doing) {
            Some(at) => self.counts[at],
            None => self.unknown,
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.counts.iter().sum::<usize>() + self.unknown
    }
}

/// A stretch of the table `slots`, read where it lies in a sample.
#[derive(Clone, Copy, Debug)]
pub struct Slots<'a> {
    first: usize,
    records: &'a [[u8; SLOT_SIZE]],
}

impl<'a> Slots<'a> {
    /// The slots from `first` on, whose records are `bytes`.
    pub fn new(first: usize, bytes: &'a [u8]) -> Self {
        let (records, _) = bytes.as_chunks::<SLOT_SIZE>();
        Self { first, records }
    }

    /// The position in the ring of the first one read.
    pub fn first(&self) -> usize {
        self.first
    }

    /// How many were read.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Was none read?
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Is this slot among those that were read?
    pub fn holds(&self, slot: usize) -> bool {
        (self.first..self.first + self.len()).contains(&slot)
    }

    /// What a slot holds; `None` when it is empty or was not read.
    pub fn get(&self, slot: usize) -> Option<Filled> {
        let record = self.records.get(slot.checked_sub(self.first)?)?;
        let item = number(record, 0, 8);
        (item != 0).then(|| Filled {
            item,
            producer: number(record, 8, 4) as u32,
        })
    }

    /// How many of these slots hold an item.
    pub fn filled(&self, slots: std::ops::Range<usize>) -> usize {
        slots.filter(|slot| self.get(*slot).is_some()).count()
    }
}

/// Where the next item goes and where the next one is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The slot that the next item is put into.
    pub put: usize,
    /// The slot that the next item is taken from.
    pub take: usize,
}

/// The ends of a ring of `capacity` slots: from the slots themselves when all
/// were read (one consistent picture), else from the two totals.
pub fn ends(capacity: usize, slots: &Slots<'_>, produced: u64, consumed: u64) -> Option<Ends> {
    if capacity == 0 {
        return None;
    }
    let whole = slots.first() == 0 && slots.len() >= capacity;
    let (mut oldest, mut newest) = (None, None);
    if whole {
        for slot in 0..capacity {
            let Some(filled) = slots.get(slot) else {
                continue;
            };
            if oldest.is_none_or(|(item, _)| filled.item < item) {
                oldest = Some((filled.item, slot));
            }
            if newest.is_none_or(|(item, _)| filled.item > item) {
                newest = Some((filled.item, slot));
            }
        }
    }
    match (oldest, newest) {
        (Some((_, take)), Some((_, newest))) => Some(Ends {
            put: (newest + 1) % capacity,
            take,
        }),
        _ => Some(Ends {
            put: (produced % capacity as u64) as usize,
            take: (consumed % capacity as u64) as usize,
        }),
    }
}

/// The places of `count` cells on the edge of a rectangle of `width` × `height`
/// cells, clockwise from the top left corner; `None` when they don't fit.
pub fn around(count: usize, width: usize, height: usize) -> Option<Vec<(usize, usize)>> {
    let (width, height) = rectangle(count, width, height)?;
    if height == 1 {
        return Some((0..count).map(|x| (x, 0)).collect());
    }
    let top = (0..width).map(|x| (x, 0));
    let right = (1..height - 1).map(|y| (width - 1, y));
    let bottom = (0..width).rev().map(|x| (x, height - 1));
    let left = (1..height - 1).rev().map(|y| (0, y));
    let edge = top.chain(right).chain(bottom).chain(left);
    Some(edge.take(count).collect())
}

/// The rectangle within `width` × `height` whose edge has `count` cells or a
/// few more, as near to the shape of the space as can be.
fn rectangle(count: usize, width: usize, height: usize) -> Option<(usize, usize)> {
    if count == 0 || width == 0 || height == 0 {
        return None;
    }
    if count < 4 || height == 1 {
        return (count <= width).then_some((count, 1));
    }
    let candidates = (2..=height).filter_map(|tall| {
        let sides = 2 * (tall - 2);
        let wide = count.saturating_sub(sides).div_ceil(2).max(2);
        let spare = 2 * wide + sides - count;
        (wide <= width && spare <= 1).then_some((wide, tall, spare))
    });
    // As wide as the space in proportion, and without a gap if possible.
    candidates
        .min_by_key(|(wide, tall, spare)| (wide * height).abs_diff(tall * width) * 4 + spare)
        .map(|(wide, tall, _)| (wide, tall))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread_bytes(kind: u8, state: u8, index: u32, items: u64, waits: u64) -> Vec<u8> {
        let mut bytes = vec![kind, state, 0, 0];
        bytes.extend(index.to_le_bytes());
        bytes.extend(items.to_le_bytes());
        bytes.extend(waits.to_le_bytes());
        bytes
    }

    fn slot_bytes(slots: &[(u64, u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (item, producer) in slots {
            bytes.extend(item.to_le_bytes());
            bytes.extend(producer.to_le_bytes());
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn threads_are_read_from_their_records() {
        let mut bytes = thread_bytes(KIND_PRODUCER, STATE_WAITS_EMPTY, 3, 1 << 40, 9);
        bytes.extend(thread_bytes(KIND_CONSUMER, STATE_DELAY, 1, 5, 0));
        bytes.extend([0; 5]);
        let threads = threads(&bytes);
        assert_eq!(threads.len(), 2);
        assert_eq!(threads[0].name(), "Producer-3");
        assert_eq!(threads[0].doing, Doing::WaitsEmpty);
        assert_eq!((threads[0].items, threads[0].waits), (1 << 40, 9));
        assert_eq!(threads[1].kind, Kind::Consumer);
    }

    #[test]
    fn a_state_from_the_future_is_shown_as_unknown() {
        let bytes = thread_bytes(KIND_PRODUCER, 77, 1, 0, 0);
        let threads = threads(&bytes);
        assert_eq!(threads[0].doing, Doing::Unknown(77));
        let tally = Tally::of(&threads, Kind::Producer);
        assert_eq!((tally.total(), tally.doing(Doing::Unknown(0))), (1, 1));
    }

    #[test]
    fn a_tally_counts_one_kind_only() {
        let mut bytes = Vec::new();
        for index in 1..=100 {
            bytes.extend(thread_bytes(KIND_PRODUCER, STATE_WAITS_EMPTY, index, 0, 0));
            bytes.extend(thread_bytes(KIND_CONSUMER, STATE_RUNNING, index, 0, 0));
        }
        let threads = threads(&bytes);
        let producers = Tally::of(&threads, Kind::Producer);
        assert_eq!(producers.doing(Doing::WaitsEmpty), 100);
        assert_eq!(producers.doing(Doing::Running), 0);
        assert_eq!(producers.total(), 100);
    }

    #[test]
    fn slots_tell_which_producers_item_they_hold() {
        let bytes = slot_bytes(&[(0, 0), (7, 2)]);
        let slots = Slots::new(10, &bytes);
        assert_eq!(slots.get(10), None);
        assert_eq!(
            slots.get(11),
            Some(Filled {
                item: 7,
                producer: 2
            })
        );
        assert!(!slots.holds(12) && slots.get(12).is_none() && slots.get(3).is_none());
        assert_eq!(slots.filled(0..100), 1);
    }

    #[test]
    fn the_ends_come_from_the_slots_when_all_are_known() {
        // Items 5, 6, 7 lie in slots 3, 0, 1 of four.
        let bytes = slot_bytes(&[(6, 1), (7, 1), (0, 0), (5, 1)]);
        let slots = Slots::new(0, &bytes);
        let ends_of = |slots| ends(4, slots, 1000, 1000);
        assert_eq!(ends_of(&slots), Some(Ends { put: 2, take: 3 }));
        assert_eq!(ends_of(&Slots::new(0, &[])), Some(Ends { put: 0, take: 0 }));
        assert_eq!(ends(0, &slots, 0, 0), None);
    }

    #[test]
    fn a_full_ring_puts_where_it_takes() {
        let bytes = slot_bytes(&[(3, 1), (4, 1), (2, 1)]);
        assert_eq!(
            ends(3, &Slots::new(0, &bytes), 0, 0),
            Some(Ends { put: 2, take: 2 })
        );
    }

    #[test]
    fn the_cells_of_a_ring_touch_each_other_all_the_way_round() {
        for count in [4, 6, 10, 20, 31, 40] {
            let cells = around(count, 12, 10).unwrap();
            assert_eq!(cells.len(), count);
            for pair in cells.windows(2) {
                let step = pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1);
                assert_eq!(step, 1, "{count}: {pair:?}");
            }
            let (first, last) = (cells[0], cells[count - 1]);
            let gap = first.0.abs_diff(last.0) + first.1.abs_diff(last.1);
            assert!(gap <= 1 + count % 2, "{count}: closes with {gap}");
        }
    }

    #[test]
    fn what_does_not_fit_around_the_edge_is_refused() {
        assert!(around(41, 12, 10).is_none());
        assert!(around(0, 12, 10).is_none());
        assert!(around(5, 0, 10).is_none());
        assert_eq!(around(1, 1, 1), Some(vec![(0, 0)]));
        assert_eq!(around(3, 3, 9), Some(vec![(0, 0), (1, 0), (2, 0)]));
    }
}
