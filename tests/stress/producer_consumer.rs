// SPDX-License-Identifier: MIT OR Apache-2.0
//! producer_consumer with all its controls written by several at once, while
//! processors come and go. What it shows must agree with itself at every moment,
//! and with what was put and taken once all threads are parked.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::libc;
use ringside_uapi::producer_consumer as pc;

use super::guest::{counter, insmod, rmmod, set, thread_names};
use super::plan::{Random, stress};

const NAME: &str = "producer_consumer";
const PROCESSOR: &str = "/sys/devices/system/cpu/cpu1/online";

/// One moment, as the module tells it.
struct Moment {
    words: Vec<u64>,
    threads: Vec<(u8, u64)>,
    slots: Vec<u64>,
}

/// A number of the contract's struct at the beginning of a snapshot.
macro_rules! number {
    ($moment:expr, $field:ident) => {
        $moment.words[std::mem::offset_of!(pc::Snapshot, $field) / 8]
    };
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

fn moment(threads: usize) -> Moment {
    let bytes = fs::read(format!("/sys/module/{NAME}/counters/snapshot")).expect("a snapshot");
    let (head, rest) = bytes.split_at(size_of::<pc::Snapshot>());
    let (table, slots) = rest.split_at(threads * size_of::<pc::ThreadRecord>());
    let items = std::mem::offset_of!(pc::ThreadRecord, items);
    Moment {
        words: head.chunks_exact(8).map(word).collect(),
        threads: table
            .chunks_exact(size_of::<pc::ThreadRecord>())
            .map(|record| (record[0], word(&record[items..])))
            .collect(),
        slots: slots.chunks_exact(size_of::<pc::SlotRecord>()).map(word).collect(),
    }
}

/// What holds at every moment.
fn assert_sane(moment: &Moment, size: u64) {
    let (produced, consumed) = (number!(moment, produced), number!(moment, consumed));
    let occupancy = number!(moment, occupancy);
    assert_eq!(number!(moment, capacity), size);
    assert!(occupancy <= size && produced - consumed == occupancy, "{:?}", moment.words);
    assert!(number!(moment, empty) <= size - occupancy, "{:?}", moment.words);
    assert!(number!(moment, full) <= occupancy, "{:?}", moment.words);
    let moved = |kind| {
        let of_it = moment.threads.iter().filter(|thread| thread.0 == kind);
        of_it.map(|thread| thread.1).sum::<u64>()
    };
    assert_eq!(moved(pc::KIND_PRODUCER), produced);
    assert_eq!(moved(pc::KIND_CONSUMER), consumed);
    // In the order in which they were made, each in the next slot.
    let held: Vec<u64> = moment.slots.iter().copied().filter(|item| *item != 0).collect();
    assert_eq!(held.len() as u64, occupancy);
    for item in consumed + 1..=produced {
        assert_eq!(moment.slots[((item - 1) % size) as usize], item, "{:?}", moment.slots);
    }
}

/// Writes a control by chance, now and then one that must be refused.
fn write_something(random: &mut Random) {
    let (control, value) = match random.below(6) {
        0 => ("paused", random.below(2).to_string()),
        1 => ("step", random.below(20).to_string()),
        2 | 3 => ("producer_delay", (random.below(3) * random.below(2000)).to_string()),
        4 => ("consumer_delay", (random.below(3) * random.below(2000)).to_string()),
        _ => ("paused", "2".to_owned()),
    };
    match set(NAME, control, &value) {
        Ok(()) => assert_ne!((control, value.as_str()), ("paused", "2"), "out of range"),
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{control}={value}");
            assert!(control == "step" || value == "2", "{control}={value} was refused");
        }
    }
}

/// How many moments there were.
fn round(random: &mut Random, end: Instant) -> u64 {
    let (producers, consumers) = (1 + random.below(8), 1 + random.below(8));
    let size = 1 + random.below(60) as u64;
    insmod(NAME, &format!("prod={producers} cons={consumers} size={size}")).expect("it loads");
    let over = AtomicBool::new(false);
    let mut moments = 0;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (mut random, over) = (random.branch(), &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    write_something(&mut random);
                }
            });
        }
        scope.spawn(|| {
            while fs::exists(PROCESSOR).unwrap_or(false) && !over.load(Ordering::Relaxed) {
                for state in ["0", "1"] {
                    fs::write(PROCESSOR, state).expect("a processor goes and comes");
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        });
        let until = end.min(Instant::now() + Duration::from_secs(2));
        while Instant::now() < until {
            assert_sane(&moment(producers + consumers), size);
            moments += 1;
        }
        over.store(true, Ordering::Relaxed);
    });
    set(NAME, "paused", "1").expect("it pauses");
    let parked = moment(producers + consumers);
    assert_sane(&parked, size);
    let occupancy = number!(parked, occupancy);
    assert_eq!((number!(parked, empty), number!(parked, full)), (size - occupancy, occupancy));
    assert_eq!(counter(NAME, "produced"), number!(parked, produced));
    // Every item that is there can be taken, and nobody is stuck.
    set(NAME, "step", &(4 * size).to_string()).expect("it steps");
    assert!(counter(NAME, "produced") > number!(parked, produced));
    rmmod(NAME).expect("it unloads");
    let left = |name: &String| name.starts_with("Producer-") || name.starts_with("Consumer-");
    assert!(!thread_names().iter().any(left), "threads are left");
    moments
}

#[test]
fn what_it_shows_agrees_whoever_turns_its_knobs() {
    stress("producer_consumer::what_it_shows_agrees_whoever_turns_its_knobs", |random, end| {
        let mut moments = 0;
        while Instant::now() < end {
            moments += round(random, end);
        }
        println!("figure: stress-producer-consumer {moments}");
    });
}
