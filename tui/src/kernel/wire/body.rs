// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said: messages, their frames, and frames put together again.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{FRAME_COST, Frame, Kind, MESSAGE_MAX, PAYLOAD_MAX, UNFINISHED_MAX, WireError};
use crate::kernel::api::{Item, OutputStream, Request, Signal, TerminalSize};
use crate::kernel::error::TargetResult;

/// One message; [`Kind`] says who sends which.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The client's version.
    Hello(String),
    /// The agent's version, the same.
    Welcome(String),
    /// The agent's version, another.
    Refused(String),
    /// A request; the call's number is in the header.
    Start(Request),
    /// Input of the call.
    Input(Vec<u8>),
    /// The end of the input.
    InputEnd,
    /// The terminal's new size.
    Resize(TerminalSize),
    /// A signal for the program.
    Signal(Signal),
    /// End the call.
    Cancel,
    /// The other end may send this many bytes more in this call.
    Credit(u32),
    /// An item of the answer, any but [`Item::Done`].
    Item(Item),
    /// The call is over.
    Done(TargetResult<()>),
    /// The agent has just begun, on a line that another may have used.
    Begun,
}

impl Body {
    /// An item as it travels: the last one is a message of its own kind.
    pub fn item(item: Item) -> Self {
        match item {
            Item::Done(result) => Self::Done(result),
            item => Self::Item(item),
        }
    }

    /// The frames that carry it, at least one.
    ///
    /// # Errors
    /// When it is longer than [`MESSAGE_MAX`].
    pub fn frames(&self, call: u32) -> Result<Vec<Frame>, WireError> {
        let split = |kind, bytes: &[u8]| split(call, kind, bytes);
        match self {
            Self::Hello(version) => split(Kind::Hello, version.as_bytes()),
            Self::Welcome(version) => split(Kind::Welcome, version.as_bytes()),
            Self::Refused(version) => split(Kind::Refused, version.as_bytes()),
            Self::Start(request) => split(Kind::Start, &encode(Kind::Start, request)?),
            Self::Input(bytes) => split(Kind::Input, bytes),
            Self::InputEnd => split(Kind::InputEnd, &[]),
            Self::Resize(size) => split(Kind::Resize, &encode(Kind::Resize, size)?),
            Self::Signal(signal) => split(Kind::Signal, &encode(Kind::Signal, signal)?),
            Self::Cancel => split(Kind::Cancel, &[]),
            Self::Credit(bytes) => split(Kind::Credit, &bytes.to_le_bytes()),
            Self::Begun => split(Kind::Begun, &[]),
            Self::Item(Item::Output { stream, bytes }) => split(
                match stream {
                    OutputStream::Stdout => Kind::Stdout,
                    OutputStream::Stderr => Kind::Stderr,
                },
                bytes,
            ),
            Self::Item(Item::Console(bytes)) => split(Kind::Console, bytes),
            Self::Item(Item::Done(result)) | Self::Done(result) => {
                split(Kind::Done, &encode(Kind::Done, result)?)
            }
            Self::Item(item) => split(Kind::Item, &encode(Kind::Item, item)?),
        }
    }

    fn decode(kind: Kind, bytes: Vec<u8>) -> Result<Self, WireError> {
        Ok(match kind {
            Kind::Hello => Self::Hello(text(&bytes)),
            Kind::Welcome => Self::Welcome(text(&bytes)),
            Kind::Refused => Self::Refused(text(&bytes)),
            Kind::Start => Self::Start(parse(kind, &bytes)?),
            Kind::Input => Self::Input(bytes),
            Kind::InputEnd => Self::InputEnd,
            Kind::Resize => Self::Resize(parse(kind, &bytes)?),
            Kind::Signal => Self::Signal(parse(kind, &bytes)?),
            Kind::Cancel => Self::Cancel,
            Kind::Credit => match bytes.try_into() {
                Ok(bytes) => Self::Credit(u32::from_le_bytes(bytes)),
                Err(_) => {
                    return Err(WireError::Malformed { kind, why: "not four bytes".into() });
                }
            },
            Kind::Begun => Self::Begun,
            Kind::Item => Self::item(parse(kind, &bytes)?),
            Kind::Stdout => output(OutputStream::Stdout, bytes),
            Kind::Stderr => output(OutputStream::Stderr, bytes),
            Kind::Console => Self::Item(Item::Console(bytes)),
            Kind::Done => Self::Done(parse(kind, &bytes)?),
        })
    }
}

fn output(stream: OutputStream, bytes: Vec<u8>) -> Body {
    Body::Item(Item::Output { stream, bytes })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn malformed(kind: Kind, error: &postcard::Error) -> WireError {
    WireError::Malformed { kind, why: error.to_string() }
}

fn encode(kind: Kind, value: &impl Serialize) -> Result<Vec<u8>, WireError> {
    postcard::to_stdvec(value).map_err(|error| malformed(kind, &error))
}

fn parse<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => {
            Err(WireError::Malformed { kind, why: format!("{} bytes too many", rest.len()) })
        }
        Err(error) => Err(malformed(kind, &error)),
    }
}

fn split(call: u32, kind: Kind, bytes: &[u8]) -> Result<Vec<Frame>, WireError> {
    if bytes.len() > MESSAGE_MAX {
        return Err(WireError::TooLong);
    }
    if bytes.len() <= PAYLOAD_MAX {
        return Ok(vec![Frame::new(call, kind, false, bytes)]);
    }
    let count = bytes.len().div_ceil(PAYLOAD_MAX);
    let pieces = bytes.chunks(PAYLOAD_MAX).enumerate();
    Ok(pieces.map(|(at, piece)| Frame::new(call, kind, at + 1 < count, piece)).collect())
}

/// Puts messages together from their frames, which may be mixed with those of
/// other calls.
#[derive(Default)]
pub struct Assembler {
    parts: HashMap<(u32, Kind), Vec<u8>>,
    /// Bytes of all of them, and what keeping one costs.
    held: usize,
}

/// What a part counts beside its bytes, so that empty ones are not for nothing.
const PART_COST: usize = FRAME_COST as usize;

impl Assembler {
    /// One that holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next frame; `None` while its message goes on.
    ///
    /// # Errors
    /// When the message is too long or can't be understood: it is dropped, and
    /// the next one is not affected. [`WireError::Unfinished`] when too much has
    /// no end: everything unfinished is dropped.
    pub fn push(&mut self, frame: &Frame) -> Result<Option<Body>, WireError> {
        let header = frame.header();
        let key = (header.call, header.kind);
        if !header.more && !self.parts.contains_key(&key) {
            return Body::decode(header.kind, frame.payload().to_vec()).map(Some);
        }
        let part = self.parts.entry(key).or_insert_with(|| {
            self.held += PART_COST;
            Vec::new()
        });
        if part.len() + header.length > MESSAGE_MAX {
            self.forget(|found| *found == key);
            return Err(WireError::TooLong);
        }
        self.held += header.length;
        if self.held > UNFINISHED_MAX {
            self.forget(|_| true);
            return Err(WireError::Unfinished);
        }
        part.extend_from_slice(frame.payload());
        if header.more {
            return Ok(None);
        }
        let whole = self.parts.remove(&key).unwrap_or_default();
        self.held -= PART_COST + whole.len();
        Body::decode(header.kind, whole).map(Some)
    }

    /// Forgets the unfinished messages of a call that is over.
    pub fn forget_call(&mut self, call: u32) {
        self.forget(|key| key.0 == call);
    }

    /// Forgets every unfinished message: another client has come.
    pub fn forget_all(&mut self) {
        self.forget(|_| true);
    }

    fn forget(&mut self, mut over: impl FnMut(&(u32, Kind)) -> bool) {
        self.parts.retain(|key, _| !over(key));
        self.held = self.parts.values().map(|part| PART_COST + part.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{BlockAction, BlockOutcome};
    use crate::kernel::error::TargetError;

    #[test]
    fn every_kind_of_message_comes_back_as_it_was() {
        let bodies = [
            Body::Hello("1".into()),
            Body::Welcome("2".into()),
            Body::Refused("3".into()),
            Body::Start(Request::Modules),
            Body::Input(vec![1, 2, 3]),
            Body::InputEnd,
            Body::Resize(TerminalSize { rows: 24, columns: 80 }),
            Body::Signal(Signal(2)),
            Body::Cancel,
            Body::Credit(77),
            Body::Begun,
            Body::Item(Item::Bytes(vec![0; 10])),
            Body::Item(Item::Console(vec![9])),
            Body::Item(Item::Output { stream: OutputStream::Stderr, bytes: vec![4] }),
            Body::Done(Err(TargetError::errno(16, "unload module x").with_hint("h"))),
        ];
        let mut assembler = Assembler::new();
        for body in bodies {
            let frames = body.frames(2).unwrap();
            assert_eq!(frames.len(), 1);
            assert_eq!(assembler.push(&frames[0]), Ok(Some(body)));
        }
    }

    #[test]
    fn long_messages_of_two_calls_may_be_mixed() {
        let read = Body::Item(Item::Block(BlockOutcome::Bytes(vec![7; 1 << 20])));
        let write = Body::Start(Request::Block(BlockAction::Write {
            data: (0..1_000_000_u32).map(|n| n as u8).collect(),
        }));
        let (a, b) = (read.frames(1).unwrap(), write.frames(2).unwrap());
        assert!(a.len() > 10 && b.len() > 10);
        let mut assembler = Assembler::new();
        let mut received = Vec::new();
        for at in 0..a.len().max(b.len()) {
            for frame in [a.get(at), b.get(at)].into_iter().flatten() {
                received.extend(assembler.push(frame).unwrap());
            }
        }
        received.sort_by_key(|body| matches!(body, Body::Start(_)));
        assert_eq!(received, [read, write]);
    }

    #[test]
    fn a_message_without_end_is_given_up() {
        let mut assembler = Assembler::new();
        let frame = Frame::new(1, Kind::Item, true, &[0; PAYLOAD_MAX]);
        let refused =
            (0..=MESSAGE_MAX / PAYLOAD_MAX).map(|_| assembler.push(&frame)).find(Result::is_err);
        assert_eq!(refused, Some(Err(WireError::TooLong)));
        assert!(assembler.parts.is_empty());
    }

    #[test]
    fn unfinished_messages_of_many_calls_are_bounded_in_all() {
        let mut assembler = Assembler::new();
        let push = |assembler: &mut Assembler, call, payload: &[u8]| {
            assembler.push(&Frame::new(call, Kind::Item, true, payload))
        };
        let mut frames = 0;
        let refused = (0..).find_map(|call| {
            frames += 1;
            push(&mut assembler, call, &[0; PAYLOAD_MAX]).err()
        });
        assert_eq!(refused, Some(WireError::Unfinished));
        assert!(frames * PAYLOAD_MAX <= UNFINISHED_MAX + PAYLOAD_MAX, "{frames}");
        assert!(assembler.parts.is_empty());
        // Empty ones cost something, too.
        let refused = (0..=UNFINISHED_MAX / PART_COST)
            .find_map(|call| push(&mut assembler, call as u32, &[]).err());
        assert_eq!(refused, Some(WireError::Unfinished));
    }

    #[test]
    fn what_is_finished_or_forgotten_does_not_count_as_unfinished() {
        let mut assembler = Assembler::new();
        let long = Body::Item(Item::Bytes(vec![1; 3 * PAYLOAD_MAX]));
        for call in 0..40 {
            let frames = long.frames(call).unwrap();
            let (last, first) = frames.split_last().unwrap();
            for frame in first {
                assert_eq!(assembler.push(frame), Ok(None));
            }
            match call % 3 {
                0 => assert_eq!(assembler.push(last), Ok(Some(long.clone()))),
                1 => assembler.forget_call(call),
                _ => assembler.forget_all(),
            }
        }
        assert_eq!(assembler.held, 0);
    }

    #[test]
    fn nonsense_in_a_sound_frame_is_an_error_and_no_more() {
        let mut assembler = Assembler::new();
        let frame = Frame::new(1, Kind::Start, false, &[0xff; 9]);
        assert!(matches!(
            assembler.push(&frame),
            Err(WireError::Malformed { kind: Kind::Start, .. })
        ));
        let good = Body::Start(Request::Kernel).frames(2).unwrap();
        assert_eq!(assembler.push(&good[0]), Ok(Some(Body::Start(Request::Kernel))));
    }
}
