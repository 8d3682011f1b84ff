// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the kernel all the time, and when it was asked for the last time.

use crate::kernel::api::TableRange;

/// What is asked for, and when it was asked for the last time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams {
    pub(crate) kernel_asked: Option<u64>,
    /// Since when the guest runs, and can be expected to answer.
    pub(crate) guest_runs_ms: u64,
    pub(crate) lab_asked: Option<u64>,
    pub(crate) kmsg_asked: Option<u64>,
    pub(crate) watch_asked: Option<u64>,
    pub(crate) console_asked: Option<u64>,
    pub(crate) modules_asked: Option<u64>,
    pub(crate) watched: Option<Vec<TableRange>>,
    /// The tables of every view are read, whichever is on the screen: somebody may
    /// want to see another one later.
    pub(crate) all_tables: bool,
    pub(crate) watch_failed: bool,
    pub(crate) lab_failed: bool,
    pub(crate) drawn_ms: u64,
    pub(crate) generation: u32,
}
