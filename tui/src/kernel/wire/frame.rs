// SPDX-License-Identifier: MIT OR Apache-2.0
//! One frame, kept as the bytes that travel, so that passing it on costs no
//! encoding.

use std::io::Write;

use xxhash_rust::xxh64::xxh64;

use super::limits::{FRAME_COST, FRAME_MAX, HEADER, PAYLOAD_MAX};

/// The bytes every frame begins with: none of them ASCII text but the middle two.
pub(super) const MAGIC: [u8; 4] = [0xf5, b'R', b'S', 0x0a];
const MORE: u8 = 1;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Client: the version it speaks, in UTF-8. The first frame of a session.
    Hello = 1,
    /// Agent: the version it speaks, the same one.
    Welcome = 2,
    /// Agent: the version it speaks, another one. Nothing follows.
    Refused = 3,
    /// Client: a request, in postcard.
    Start = 4,
    /// Client: input of a call, as it is.
    Input = 5,
    /// Client: no more input comes.
    InputEnd = 6,
    /// Client: the terminal's size, in postcard.
    Resize = 7,
    /// Client: a signal, in postcard.
    Signal = 8,
    /// Client: end the call.
    Cancel = 9,
    /// Either: the other may send this many bytes more (u32, little endian).
    Credit = 10,
    /// Agent: an item, in postcard.
    Item = 11,
    /// Agent: what a program wrote to its standard output, as it is.
    Stdout = 12,
    /// Agent: what a program wrote to its standard error, as it is.
    Stderr = 13,
    /// Lab: bytes of the serial console, as they are.
    Console = 14,
    /// Agent: the call is over; its result, in postcard.
    Done = 15,
    /// Agent on a serial line: it has just begun; whatever an agent before it
    /// had open there is gone.
    Begun = 16,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Hello,
        Self::Welcome,
        Self::Refused,
        Self::Start,
        Self::Input,
        Self::InputEnd,
        Self::Resize,
        Self::Signal,
        Self::Cancel,
        Self::Credit,
        Self::Item,
        Self::Stdout,
        Self::Stderr,
        Self::Console,
        Self::Done,
        Self::Begun,
    ];

    /// The kind with this number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .get(usize::from(number).wrapping_sub(1))
            .copied()
            .filter(|kind| *kind as u8 == number)
    }

    /// Does its payload use up the sender's credit?
    pub fn needs_credit(self) -> bool {
        matches!(self, Self::Input | Self::Item | Self::Stdout | Self::Stderr | Self::Console)
    }

    /// May an agent (or a lab) send it?
    pub fn is_an_agents(self) -> bool {
        match self {
            Self::Welcome
            | Self::Refused
            | Self::Credit
            | Self::Item
            | Self::Stdout
            | Self::Stderr
            | Self::Console
            | Self::Done
            | Self::Begun => true,
            Self::Hello
            | Self::Start
            | Self::Input
            | Self::InputEnd
            | Self::Resize
            | Self::Signal
            | Self::Cancel => false,
        }
    }

    /// May a client (or a router) send it?
    pub fn is_a_clients(self) -> bool {
        !self.is_an_agents() || self == Self::Credit
    }
}

/// What stands in a frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The call, 0 for what concerns the session.
    pub call: u32,
    /// What it carries.
    pub kind: Kind,
    /// Does the message go on in another frame?
    pub more: bool,
    /// Bytes of payload.
    pub length: usize,
}

impl Header {
    /// The credit that the frame uses up.
    pub fn cost(&self) -> u32 {
        match self.kind.needs_credit() {
            true => self.length as u32 + FRAME_COST,
            false => 0,
        }
    }

    /// Reads a header; `None` when `bytes` hold none (or an unknown kind).
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        if bytes[..4] != MAGIC || word(bytes, 20) != checksum(&bytes[..20]) {
            return None;
        }
        let length = word(bytes, 12) as usize;
        if length > PAYLOAD_MAX {
            return None;
        }
        Some(Self {
            call: word(bytes, 4),
            kind: Kind::from_number(bytes[8])?,
            more: bytes[9] & MORE != 0,
            length,
        })
    }
}

/// XXH64, cut to 32 bits: a guest that is emulated makes it of ten times as many bytes a
/// second as a CRC.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    xxh64(bytes, 0) as u32
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// A frame: header and payload in one buffer.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    header: Header,
    bytes: Vec<u8>,
}

impl Frame {
    /// A frame of `kind` with `payload`.
    ///
    /// # Panics
    /// When `payload` is longer than [`PAYLOAD_MAX`]; [`super::Body::frames`] splits.
    pub fn new(call: u32, kind: Kind, more: bool, payload: &[u8]) -> Self {
        assert!(payload.len() <= PAYLOAD_MAX, "the sender splits messages");
        let mut bytes = Vec::with_capacity(HEADER + payload.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&call.to_le_bytes());
        bytes.extend_from_slice(&[kind as u8, u8::from(more) * MORE, 0, 0]);
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&checksum(payload).to_le_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        bytes.extend_from_slice(payload);
        Self { header: Header { call, kind, more, length: payload.len() }, bytes }
    }

    /// The frame at the beginning of `bytes`, whose header is `header`; `None`
    /// when the payload does not fit its checksum.
    pub(super) fn checked(header: Header, bytes: &[u8]) -> Option<Self> {
        debug_assert!(bytes.len() == HEADER + header.length && bytes.len() <= FRAME_MAX);
        (word(bytes, 16) == checksum(&bytes[HEADER..]))
            .then(|| Self { header, bytes: bytes.to_vec() })
    }

    /// What stands in the header.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }

    /// The whole frame as it travels.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.header.fmt(f)
    }
}

/// Writes frames, for whoever has the stream for itself.
///
/// # Errors
/// Those of the stream; half a frame may then be under way.
pub fn write_frames(mut stream: impl Write, frames: &[Frame]) -> std::io::Result<()> {
    frames.iter().try_for_each(|frame| stream.write_all(frame.as_bytes()))?;
    stream.flush()
}
