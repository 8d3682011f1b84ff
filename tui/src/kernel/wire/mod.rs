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
//! | 16–19 | XXH64 of the payload, its low 32 bits |
//! | 20–23 | XXH64 of bytes 0–19, its low 32 bits |
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

mod body;
mod credit;
mod error;
mod frame;
mod limits;
mod outbox;
mod reader;
mod version;

pub use body::{Assembler, Body};
pub use credit::{Credit, Intake};
pub use error::WireError;
pub use frame::{Frame, Header, Kind, write_frames};
pub use limits::{
    ANSWER_MAX, FRAME_COST, FRAME_MAX, HEADER, MESSAGE_MAX, PAYLOAD_MAX, QUEUED_MAX, RESYNCHRONISE,
    UNFINISHED_MAX, WINDOW,
};
pub use outbox::Outbox;
pub use reader::FrameReader;
pub use version::{check_version, version};
