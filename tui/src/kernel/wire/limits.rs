// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sizes that both ends keep to.

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
pub const WINDOW: u32 = 1024 * 1024;
/// What a frame costs beside its payload: about what it takes in memory.
pub const FRAME_COST: u32 = 256;
