// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ring of producer_consumer as the kernel shows it: threads and slots read
//! from the records of its tables, and what is worth telling about them.

mod slots;
mod threads;

pub use self::slots::{Ends, Filled, SLOT_SIZE, Slots, ends};
pub use self::threads::{Doing, Kind, THREAD_SIZE, Tally, Thread, threads};

/// A little-endian number of `size` bytes at `at`, both within the record.
fn number(record: &[u8], at: usize, size: usize) -> u64 {
    let bytes = record.iter().skip(at).take(size).rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
