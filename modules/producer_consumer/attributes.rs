// SPDX-License-Identifier: GPL-2.0
//! What sysfs shows of threads and ring, and takes for them.

use super::{control::Control, kind::Kind, snapshot::Picture};
use crate::{
    support::{
        plain::plain,
        sysfs::{Rows, Shows},
    },
    uapi::{
        describe::Module,
        producer_consumer::{self as abi},
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};

plain!(abi::ThreadRecord, abi::SlotRecord, abi::Snapshot);

/// See the module's description.
#[pin_data]
pub(crate) struct Attributes {
    control: Arc<Control>,
    /// The snapshot that is being read. Locked before the buffer's state is.
    #[pin]
    picture: Mutex<Picture>,
}

impl Attributes {
    /// The attributes of these threads.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(control: Arc<Control>, picture: Picture) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                control,
                picture <- new_mutex!(picture),
            }),
            GFP_KERNEL,
        )
    }
}

impl Shows for Attributes {
    const MODULE: &'static Module = &abi::MODULE;

    fn counter(&self, name: &str) -> Option<u64> {
        let buffer = &*self.control.buffer;
        let state = || buffer.state.lock();
        Some(match name {
            "capacity" => state().ring.capacity() as u64,
            "occupancy" => state().ring.occupancy(),
            "empty" => u64::from(buffer.empty.value()),
            "full" => u64::from(buffer.full.value()),
            "produced" => state().ring.produced(),
            "consumed" => state().ring.consumed(),
            "producer_waits" => state().waits(Kind::Producer),
            "consumer_waits" => state().waits(Kind::Consumer),
            _ => return None,
        })
    }

    fn control(&self, name: &str) -> Option<u64> {
        let state = self.control.buffer.state.lock();
        Some(match name {
            "producer_delay" => state.delays.producer,
            "consumer_delay" => state.delays.consumer,
            "paused" => u64::from(state.is_paused()),
            // A step is over when the write returns.
            "step" => 0,
            _ => return None,
        })
    }

    fn set_control(&self, name: &str, value: u64) -> Result {
        let control = &*self.control;
        match (name, value) {
            ("producer_delay", delay) => control.set_delay(Kind::Producer, delay),
            ("consumer_delay", delay) => control.set_delay(Kind::Consumer, delay),
            ("paused", 0) => control.resume()?,
            ("paused", _) => control.pause()?,
            ("step", items) => control.step(items)?,
            _ => return Err(ENOENT),
        }
        Ok(())
    }

    fn table(&self, name: &str) -> Option<usize> {
        let buffer = &*self.control.buffer;
        let capacity = || buffer.state.lock().ring.capacity();
        match name {
            "threads" => Some(buffer.counts.all()),
            "slots" => Some(capacity()),
            "snapshot" => Some(Picture::size(buffer.counts, capacity())),
            _ => None,
        }
    }

    fn read_table(&self, name: &str, first: usize, rows: &mut Rows<'_>) {
        let buffer = &*self.control.buffer;
        match name {
            // At most a page of either, so the lock is held for a moment only.
            "threads" => {
                let state = buffer.state.lock();
                for (record, _) in state.records(first).take(rows.room()) {
                    rows.push(&record);
                }
            }
            "slots" => {
                let state = buffer.state.lock();
                for slot in state.ring.slots_from(first).iter().take(rows.room()) {
                    rows.push(slot);
                }
            }
            "snapshot" => {
                let mut picture = self.picture.lock();
                if first == 0 {
                    picture.take(buffer);
                }
                picture.read(first, rows);
            }
            _ => {}
        }
    }
}
