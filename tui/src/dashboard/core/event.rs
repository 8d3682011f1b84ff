// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard is told: keys, time, replies.

use super::effect::CallTag;
use super::host::{HostReply, HostResult};
use super::keys::Key;
use crate::dashboard::data::hit::Hit;
use crate::kernel::{Item, TargetError};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are items")]
pub enum Event {
    /// Time went on. Comes before the other events of a batch, and at least
    /// ten times a second while [`crate::dashboard::core::shared::Shared::wants_ticks`].
    Tick {
        /// Milliseconds since the dashboard started.
        now_ms: u64,
    },
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The screen was clicked where something had been drawn.
    Click(Hit),
    /// The wheel was turned: up or down.
    Wheel {
        /// Upwards?
        up: bool,
    },
    /// The terminal has a new size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// A piece of a reply.
    Item(CallTag, Item),
    /// A call could not even be sent; nothing else comes of it.
    CallFailed(CallTag, TargetError),
    /// What this machine was asked for, or in a few lines why it can't be had.
    Host(CallTag, HostResult),
    /// What this machine says on the way to that.
    HostSays(CallTag, HostReply),
    /// There is time for a slice of long work; comes while [`crate::dashboard::core::shared::Shared::has_work`].
    Work,
}

/// Where to move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
}

impl Move {
    /// The new position in a list of `count`, where a page has `page` rows.
    pub fn apply(self, position: usize, count: usize, page: usize) -> usize {
        let last = count.saturating_sub(1);
        let page = page.max(1);
        match self {
            Self::Up | Self::Left => position.saturating_sub(1),
            Self::Down | Self::Right => position.saturating_add(1),
            Self::PageUp => position.saturating_sub(page),
            Self::PageDown => position.saturating_add(page),
            Self::Home => 0,
            Self::End => last,
        }
        .min(last)
    }
}
