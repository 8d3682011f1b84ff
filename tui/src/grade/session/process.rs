// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that act for a test.

use crate::kernel::{Replies, question};

/// A process that acts on command.
pub(super) struct Actor {
    pub(super) pid: i32,
    pub(super) events: Replies<question::Subject>,
}
