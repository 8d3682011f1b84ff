// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protocol between a client and an agent, over any byte stream, a serial
//! line included.
//!
//! **What it offers.** [`Frame`]s that survive garbage, read by a
//! [`FrameReader`], written by an [`Outbox`] that many threads share; [`Body`]s
//! (what is said), turned into frames by [`Body::frames`] and back by an
//! [`Assembler`]; [`Credit`], which a sender of data waits for.
//!
//! **Frame.** 24 bytes of header, then the payload (at most [`PAYLOAD_MAX`]):
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | magic `f5 52 53 0a` |
//! | 4–7 | call, little endian |
//! | 8 | [`Kind`] |
//! | 9 | flags: 1 = the message goes on in the next frame of this kind and call |
//! | 10–11 | 0 |
//! | 12–15 | length of the payload |
//! | 16–19 | CRC-32 of the payload |
//! | 20–23 | CRC-32 of bytes 0–19 |
//!
//! The header has a checksum of its own, so that a damaged length is noticed at
//! once. What is no frame is skipped and counted. A reader that was left in the
//! middle of a frame (the writer died) is freed by [`RESYNCHRONISE`].
//!
//! **Conversation.** A client opens with Hello in call 0 and waits for Welcome
//! or Refused; both tell [`version`], which must be equal on both sides. Then
//! it starts calls (numbers from 1, never used twice): Start, Input…, InputEnd,
//! Cancel. The agent answers each with items and, exactly once and last, Done.
//! Whatever comes for a call that is over is dropped by whoever gets it.
//!
//! A serial line does not end when the agent dies. One that is started in its
//! place begins with bytes that end a half frame, and Begun; whoever gets Begun
//! in a conversation takes every open call for lost, and may go on with others.
//!
//! A client has a stream for itself. Another one may come after it, and says Hello
//! as well: the agent then cancels what the one before had open.
//!
//! **Credit.** Each direction of each call starts with [`WINDOW`] bytes. Input,
//! Item, Stdout, Stderr and Console frames use it up ([`Kind::needs_credit`]),
//! each by its [`Header::cost`]; the receiver gives it back with Credit frames
//! as it consumes. A frame whose message goes on is consumed as soon as no whole
//! message waits before it. Everything else needs none, so a program's output
//! never holds up a command or the log; nor does the answer to a request that is
//! no stream ([`Request::is_stream`](crate::kernel::Request::is_stream)), which
//! is sent as a whole and has at most [`ANSWER_MAX`] bytes.
//!
//! **Trust.** Either end may be hostile, a guest whose kernel anybody changes
//! above all. So each receiver counts along ([`Intake`]) and keeps at most
//! [`UNFINISHED_MAX`] bytes of messages without an end, a queue towards an end
//! that does not read has at most [`QUEUED_MAX`] bytes, and looking for frames
//! in what is none takes a time in proportion to its length ([`FrameReader`]).
//! Whoever breaks these rules loses the connection.

use std::io::Write;

mod body;
mod credit;
mod frame;
mod outbox;
mod reader;
mod version;

pub use body::{Assembler, Body};
pub use credit::{Credit, Intake};
pub use frame::{Frame, Header, Kind};
pub use outbox::Outbox;
pub use reader::FrameReader;
pub use version::{check_version, version};

/// The bytes of a frame's header.
pub const HEADER: usize = 24;
/// The most bytes of a whole frame: what a serial line of virtio takes in two writes.
pub const FRAME_MAX: usize = 64 * 1024;
/// The most bytes of a frame's payload.
pub const PAYLOAD_MAX: usize = FRAME_MAX - HEADER;
/// Bytes that are no frame, for a line that somebody else may have used before: they
/// free a reader that waits for the rest of a frame whose writer died.
pub const RESYNCHRONISE: &[u8] = &[0; FRAME_MAX];
/// The most bytes of a message, which may take many frames.
pub const MESSAGE_MAX: usize = 4 << 20;
/// The most bytes, over all calls, of messages whose end has not come yet.
pub const UNFINISHED_MAX: usize = 8 * MESSAGE_MAX;
/// The most bytes of the whole answer to a request that is no stream, by the
/// cost of its frames.
pub const ANSWER_MAX: u32 = 2 * MESSAGE_MAX as u32;
/// The most bytes that wait to be written to the other end.
pub const QUEUED_MAX: usize = 128 << 20;
/// The credit that each direction of a call starts with, in bytes.
pub const WINDOW: u32 = 512 * 1024;
/// What a frame costs beside its payload: about what it takes in memory.
pub const FRAME_COST: u32 = 256;

/// Writes frames, for whoever has the stream for itself.
///
/// # Errors
/// Those of the stream; half a frame may then be under way.
pub fn write_frames(mut stream: impl Write, frames: &[Frame]) -> std::io::Result<()> {
    frames.iter().try_for_each(|frame| stream.write_all(frame.as_bytes()))?;
    stream.flush()
}

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
