// SPDX-License-Identifier: MIT OR Apache-2.0
//! The threads of producer_consumer, read from the records of its table, and
//! how many of them do what.

use ringside_uapi::producer_consumer::{
    KIND_CONSUMER, KIND_PRODUCER, STATE_DELAY, STATE_PARKED, STATE_RUNNING, STATE_WAITS_EMPTY,
    STATE_WAITS_FULL, ThreadRecord,
};

use super::record::number;

/// Bytes of a record of the table `threads`.
pub(crate) const THREAD_SIZE: usize = size_of::<ThreadRecord>();

/// What a thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It makes items.
    Producer,
    /// It takes them.
    Consumer,
}

impl Kind {
    /// The name of its threads, before the number.
    pub(crate) fn thread_name(self) -> &'static str {
        match self {
            Self::Producer => "Producer",
            Self::Consumer => "Consumer",
        }
    }
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doing {
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
    /// Those that are known, in the order in which they are shown.
    pub(crate) const ALL: [Self; 5] =
        [Self::Running, Self::WaitsEmpty, Self::WaitsFull, Self::Delay, Self::Parked];

    /// In one or two words.
    pub(crate) fn word(self) -> &'static str {
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
    pub(crate) fn letter(self) -> char {
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
    pub(crate) fn meaning(self) -> &'static str {
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
pub(crate) struct Thread {
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
    pub(crate) fn name(&self) -> String {
        let mut name = format!("{}-{}", self.kind.thread_name(), self.index);
        name.truncate(15);
        name
    }
}

/// Reads the table `threads`. Records of a kind nobody knows and a cut-off last
/// record are left out.
pub(crate) fn threads(bytes: &[u8]) -> Vec<Thread> {
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

/// How many threads of a kind do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    counts: [usize; Doing::ALL.len()],
    unknown: usize,
}

impl Tally {
    /// Counts the threads of `kind`.
    pub(crate) fn of(threads: &[Thread], kind: Kind) -> Self {
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
    pub(crate) fn doing(&self, doing: Doing) -> usize {
        match Doing::ALL.iter().position(|known| *known == doing) {
            Some(at) => self.counts[at],
            None => self.unknown,
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        self.counts.iter().sum::<usize>() + self.unknown
    }
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
}
