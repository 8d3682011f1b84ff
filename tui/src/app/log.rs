// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel log as it was received.

use std::collections::VecDeque;

use crate::target::api::KmsgRecord;

/// The kernel log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    records: VecDeque<KmsgRecord>,
    first: u64,
    limit: usize,
}

impl Log {
    /// A log that keeps so many records.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The number after the newest record; numbers are never used twice.
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Is there filtering or searching left to do?
    pub fn has_work(&self) -> bool {
        false
    }
}
