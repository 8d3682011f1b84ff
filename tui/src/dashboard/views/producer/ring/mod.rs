// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ring of producer_consumer as the kernel shows it: threads and slots read
//! from the records of its tables, and what is worth telling about them.

mod record;
mod slots;
mod snapshot;
mod threads;

pub(crate) use self::slots::{Filled, SLOT_SIZE, Slots};
pub(crate) use self::snapshot::{LastMove, Phase, SNAPSHOT_SIZE, Snapshot};
pub(crate) use self::threads::{Doing, Kind, THREAD_SIZE, Tally, Thread, threads};
