// SPDX-License-Identifier: MIT OR Apache-2.0
//! What breaks the protocol.

use super::frame::Kind;
use super::limits::{MESSAGE_MAX, UNFINISHED_MAX};

/// What can be wrong with a message that is about to be sent or was received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A message is longer than [`MESSAGE_MAX`].
    #[error("a message of more than {} MiB, which the protocol does not carry", MESSAGE_MAX >> 20)]
    TooLong,
    /// The bytes of a message can't be understood.
    #[error("a message of kind {kind:?} that can't be understood: {why}")]
    Malformed {
        /// What it said it was.
        kind: Kind,
        /// What the decoder said.
        why: String,
    },
    /// The other end keeps too many messages without an end.
    #[error("more than {} MiB of messages without an end", UNFINISHED_MAX >> 20)]
    Unfinished,
    /// The other end sent data that it had no credit for.
    #[error("more data of call {call} than it had credit for")]
    BeyondCredit {
        /// The call.
        call: u32,
    },
    /// The other end sent what only this end sends.
    #[error("a message of kind {kind:?}, which is not for it to send")]
    WrongEnd {
        /// What it said it was.
        kind: Kind,
    },
}

impl WireError {
    /// Is the other end not to be trusted any more? Anything else concerns the
    /// one message only.
    pub fn breaks_the_rules(&self) -> bool {
        matches!(self, Self::Unfinished | Self::BeyondCredit { .. } | Self::WrongEnd { .. })
    }
}
