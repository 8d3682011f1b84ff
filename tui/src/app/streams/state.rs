// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked for all the time, and when it was asked for the last time.

use crate::kernel::api::TableRange;

/// What is asked for, and when it was asked for the last time.
#[derive(Clone, Debug, Default)]
pub(in crate::app) struct Streams {
    pub(super) kernel_asked: Option<u64>,
    pub(super) lab_asked: Option<u64>,
    pub(super) kmsg_asked: Option<u64>,
    pub(super) watch_asked: Option<u64>,
    pub(super) console_asked: Option<u64>,
    pub(super) modules_asked: Option<u64>,
    pub(super) modules_stale: bool,
    pub(super) watched: Option<Vec<TableRange>>,
    pub(super) watch_failed: bool,
    pub(super) lab_failed: bool,
    pub(super) drawn_ms: u64,
    pub(super) generation: u32,
}

impl Streams {
    /// The list of modules is out of date.
    pub(in crate::app) fn modules_changed(&mut self) {
        self.modules_stale = true;
        // Taint and memory may have changed with them.
        self.kernel_asked = None;
    }
}
