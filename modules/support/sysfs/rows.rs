// SPDX-License-Identifier: GPL-2.0
//! Where the records of a table go.

use kernel::{prelude::*, transmute::AsBytes};

/// Where the records of a table go.
pub(crate) struct Rows<'a> {
    room: &'a mut [u8],
    record: usize,
    used: usize,
}

impl<'a> Rows<'a> {
    /// Room for records of `record` bytes.
    pub(super) fn new(room: &'a mut [u8], record: usize) -> Self {
        Self { room, record, used: 0 }
    }

    /// How many bytes were written.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// How many more records fit.
    pub(crate) fn room(&self) -> usize {
        let left = self.room.len().saturating_sub(self.used);
        left.checked_div(self.record).unwrap_or(0)
    }

    /// Adds one record. One that does not fit, or that has another size than
    /// the contract says, is left out.
    pub(crate) fn push<R: AsBytes>(&mut self, record: &R) {
        let record = record.as_bytes();
        let room = self.room.get_mut(self.used..).unwrap_or_default();
        if let (true, Some(to)) = (record.len() == self.record, room.get_mut(..record.len())) {
            to.copy_from_slice(record);
            self.used += record.len();
        }
    }

    /// Adds as many of these bytes as fit, to a table whose records are bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let room = self.room.get_mut(self.used..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.used += room.len().min(bytes.len());
    }
}
