// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads frames from a stream that may hold anything between them.

use std::io::{Error, ErrorKind, Read, Result};

use super::frame::MAGIC;
use super::{FRAME_MAX, Frame, HEADER, Header};

/// Bytes of payload that may be looked at in vain at once. A payload is looked
/// at as a whole before it turns out to be damaged, and the next frame may begin
/// anywhere in it; so a stream could be made of headers of which each costs a
/// look at the following 64 KiB. Each byte that is read earns a look at one more.
const IN_VAIN: u64 = 64 * FRAME_MAX as u64;

/// Takes frames out of a stream. What is no frame is skipped and counted.
pub struct FrameReader<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    skipped: u64,
    limit: u64,
    /// Bytes that may still be looked at in vain.
    looks: u64,
}

impl<R: Read> FrameReader<R> {
    /// Reads from `stream`; no buffering is needed below it.
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: vec![0; 2 * FRAME_MAX],
            start: 0,
            end: 0,
            skipped: 0,
            limit: u64::MAX,
            looks: IN_VAIN,
        }
    }

    /// Bytes so far that belonged to no frame.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Gives a stream up once this many bytes have belonged to no frame; `None`:
    /// never.
    pub fn limit_skipped(&mut self, limit: Option<u64>) {
        self.limit = limit.unwrap_or(u64::MAX);
    }

    /// The stream below.
    pub fn stream(&self) -> &R {
        &self.stream
    }

    /// The next frame; `None` at the end of the stream. A frame that was cut
    /// off by the end is counted as skipped.
    ///
    /// # Errors
    /// Those of the stream; an interrupted read is tried again. `InvalidData`
    /// beyond the limit of [`FrameReader::limit_skipped`], and when the stream
    /// is made of more damaged frames than a broken line makes.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            if self.skipped > self.limit {
                return Err(Error::new(
                    ErrorKind::InvalidData,
                    format!("more than {} bytes that are no frames", self.limit),
                ));
            }
            if !self.fill()? {
                self.skip(self.end - self.start);
                return Ok(None);
            }
        }
    }

    /// A whole frame in the buffer, if there is one.
    fn take(&mut self) -> Result<Option<Frame>> {
        loop {
            self.find_magic();
            let held = &self.buffer[self.start..self.end];
            let Some(header) = held.first_chunk::<HEADER>() else {
                return Ok(None);
            };
            if let Some(header) = Header::parse(header) {
                let Some(whole) = held.get(..HEADER + header.length) else {
                    return Ok(None);
                };
                if let Some(frame) = Frame::checked(header, whole) {
                    self.start += HEADER + header.length;
                    return Ok(Some(frame));
                }
                self.looks = self.looks.checked_sub(header.length as u64).ok_or_else(|| {
                    Error::new(
                        ErrorKind::InvalidData,
                        "one damaged frame inside another, many times",
                    )
                })?;
            }
            // Only the first byte of what looked like a frame: a real one may
            // begin inside, behind one that was cut off.
            self.skip(1);
        }
    }

    /// Skips to where a frame may begin.
    fn find_magic(&mut self) {
        let held = &self.buffer[self.start..self.end];
        let at = held
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == MAGIC[0])
            .map(|(at, _)| at)
            .find(|at| {
                let rest = &held[*at..];
                let known = rest.len().min(MAGIC.len());
                rest[..known] == MAGIC[..known]
            })
            .unwrap_or(held.len());
        self.skip(at);
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.skipped += bytes as u64;
    }

    /// Reads more; `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.buffer.len() - self.start < FRAME_MAX {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.end += read;
                    self.looks = IN_VAIN.min(self.looks + read as u64);
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::wire::frame::checksum;
    use crate::kernel::wire::{Kind, PAYLOAD_MAX};

    #[test]
    fn whatever_a_stream_holds_its_messages_are_read_or_skipped() {
        use crate::kernel::api::{Item, KmsgText, OutputStream, Request, TerminalSize};
        use crate::kernel::wire::{Assembler, Body};
        let bodies = [
            Body::Hello("7".into()),
            Body::Start(Request::Modules),
            Body::Start(Request::Kernel),
            Body::Resize(TerminalSize { rows: 24, columns: 80 }),
            Body::Credit(77),
            Body::Item(Item::Bytes(vec![1; 100])),
            Body::Item(Item::KmsgText(KmsgText { text: "6,1,1,-;x\n".into(), overruns: vec![1] })),
            Body::Item(Item::Output { stream: OutputStream::Stderr, bytes: vec![4] }),
            Body::Done(Ok(())),
        ];
        let frames: Vec<Vec<Frame>> =
            bodies.iter().map(|body| body.frames(3).expect("it is short")).collect();
        let stream: Vec<u8> =
            frames.iter().flatten().flat_map(|frame| frame.as_bytes().to_vec()).collect();
        crate::fuzz::bytes_like(vec![stream], |bytes| {
            let mut reader = FrameReader::new(bytes);
            let mut assembler = Assembler::new();
            while let Ok(Some(frame)) = reader.next_frame() {
                let _ = assembler.push(&frame);
            }
        });
        // What is in a frame is damaged, too, where the sums of the frame are right.
        let payloads: Vec<Vec<u8>> =
            frames.iter().flatten().map(|frame| frame.payload().to_vec()).collect();
        crate::fuzz::bytes_like(payloads, |bytes| {
            let payload = &bytes[..bytes.len().min(PAYLOAD_MAX)];
            for number in 1..=16 {
                let kind = Kind::from_number(number).expect("there are so many");
                for more in [true, false, false] {
                    let _ = Assembler::new().push(&Frame::new(1, kind, more, payload));
                }
            }
        });
    }

    #[test]
    fn a_stream_that_is_cut_at_any_byte_gives_the_frames_before_and_an_end() {
        let frames: Vec<Frame> =
            (0..3).map(|call| Frame::new(call, Kind::Item, false, &[7; 90])).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.as_bytes().to_vec()).collect();
        let whole = frames[0].as_bytes().len();
        for cut in 0..=bytes.len() {
            let (received, skipped) = read_all(bytes[..cut].to_vec(), cut as u64 + 1);
            assert_eq!(received, frames[..cut / whole]);
            assert_eq!(skipped, (cut % whole) as u64);
        }
    }

    /// Numbers that look random and are the same in every run (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % limit as u64) as usize
        }

        fn bytes(&mut self, length: usize) -> Vec<u8> {
            // Many bytes of the magic, so that false beginnings are common.
            (0..length)
                .map(|_| match self.below(4) {
                    0 => MAGIC[self.below(4)],
                    _ => self.below(256) as u8,
                })
                .collect()
        }
    }

    /// Hands out its bytes in pieces of unforeseeable size.
    struct Pieces {
        bytes: Vec<u8>,
        at: usize,
        numbers: Numbers,
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let left = self.bytes.len() - self.at;
            let most = left.min(buffer.len());
            if most == 0 {
                return Ok(0);
            }
            let size = 1 + self.numbers.below(most.min(5000));
            buffer[..size].copy_from_slice(&self.bytes[self.at..self.at + size]);
            self.at += size;
            Ok(size)
        }
    }

    fn read_all(bytes: Vec<u8>, seed: u64) -> (Vec<Frame>, u64) {
        let mut reader = FrameReader::new(Pieces { bytes, at: 0, numbers: Numbers(seed) });
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            frames.push(frame);
        }
        (frames, reader.skipped())
    }

    fn a_frame(numbers: &mut Numbers) -> Frame {
        let length = match numbers.below(4) {
            0 => 0,
            1 => PAYLOAD_MAX - numbers.below(3),
            _ => numbers.below(2000),
        };
        let kind = Kind::from_number(1 + numbers.below(16) as u8).unwrap();
        let call = numbers.below(1000) as u32;
        let payload = numbers.bytes(length);
        Frame::new(call, kind, numbers.below(2) == 0, &payload)
    }

    #[test]
    fn frames_survive_garbage_and_every_way_of_cutting_the_stream() {
        for seed in 1..60 {
            let mut numbers = Numbers(seed * 7919);
            let (mut sent, mut bytes, mut garbage) = (Vec::new(), Vec::new(), 0);
            for _ in 0..12 {
                let noise = numbers.below(300);
                let noise = numbers.bytes(noise);
                garbage += noise.len() as u64;
                bytes.extend_from_slice(&noise);
                let frame = a_frame(&mut numbers);
                bytes.extend_from_slice(frame.as_bytes());
                sent.push(frame);
            }
            let (received, skipped) = read_all(bytes, seed + 1);
            assert_eq!(received, sent, "seed {seed}");
            assert_eq!(skipped, garbage, "seed {seed}");
        }
    }

    #[test]
    fn a_frame_that_was_cut_off_costs_only_itself() {
        for seed in 1..60 {
            let mut numbers = Numbers(seed * 104_729);
            let cut = Frame::new(2, Kind::Item, false, &numbers.bytes(3000));
            let keep = 1 + numbers.below(cut.as_bytes().len() - 1);
            let mut bytes = cut.as_bytes()[..keep].to_vec();
            let mut sent = Vec::new();
            // Enough behind it that the reader stops waiting for the rest.
            for _ in 0..8 {
                let frame = Frame::new(4, Kind::Stdout, false, &numbers.bytes(900));
                bytes.extend_from_slice(frame.as_bytes());
                sent.push(frame);
            }
            let (received, skipped) = read_all(bytes, seed);
            assert_eq!(received, sent, "seed {seed}");
            assert_eq!(skipped, keep as u64, "seed {seed}");
        }
    }

    #[test]
    fn a_damaged_byte_loses_at_most_the_frame_it_is_in() {
        for seed in 1..200 {
            let mut numbers = Numbers(seed * 15_485_863);
            let frames: Vec<_> = (0..3)
                .map(|call| Frame::new(call, Kind::Item, false, &numbers.bytes(200)))
                .collect();
            let mut bytes: Vec<u8> = frames.iter().flat_map(|f| f.as_bytes().to_vec()).collect();
            let at = frames[0].as_bytes().len() + numbers.below(frames[1].as_bytes().len());
            bytes[at] ^= 1 << numbers.below(8);
            let (received, skipped) = read_all(bytes, seed);
            assert_eq!(received, [frames[0].clone(), frames[2].clone()]);
            assert_eq!(skipped, frames[1].as_bytes().len() as u64);
        }
    }

    /// `count` headers, each of which promises the longest payload there is.
    fn overlapping(count: usize) -> Vec<u8> {
        let header = Frame::new(1, Kind::Stdout, false, &[1; PAYLOAD_MAX]);
        header.as_bytes()[..HEADER].repeat(count)
    }

    #[test]
    fn headers_inside_headers_are_looked_at_in_linear_time_and_then_given_up() {
        let bytes = overlapping(400_000);
        let mut reader = FrameReader::new(&bytes[..]);
        let error = reader.next_frame().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("damaged"), "{error}");
        // No more than what may be looked at in vain, and not the 11 MB.
        assert!(reader.skipped() <= IN_VAIN / PAYLOAD_MAX as u64 * HEADER as u64 * 2);
    }

    #[test]
    fn a_line_that_breaks_now_and_then_is_never_given_up() {
        let cut = Frame::new(1, Kind::Stdout, false, &[7; PAYLOAD_MAX]);
        let good = Frame::new(2, Kind::Stdout, false, &[8; PAYLOAD_MAX]);
        let mut bytes = Vec::new();
        for _ in 0..80 {
            bytes.extend_from_slice(&cut.as_bytes()[..5_000]);
            bytes.extend_from_slice(&[0; FRAME_MAX]);
            bytes.extend_from_slice(good.as_bytes());
        }
        let (received, _) = read_all(bytes, 11);
        assert_eq!(received.len(), 80);
        assert!(received.iter().all(|frame| *frame == good));
        // Even some headers inside each other are got over.
        let mut bytes = overlapping(30);
        bytes.extend_from_slice(&[0; FRAME_MAX]);
        bytes.extend_from_slice(good.as_bytes());
        assert_eq!(read_all(bytes, 12).0, [good]);
    }

    #[test]
    fn a_length_beyond_the_bound_is_never_waited_for() {
        let mut bytes = Frame::new(1, Kind::Item, false, b"x").as_bytes().to_vec();
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        let sum = checksum(&bytes[..20]);
        bytes[20..24].copy_from_slice(&sum.to_le_bytes());
        let good = Frame::new(2, Kind::Item, false, b"y");
        bytes.extend_from_slice(good.as_bytes());
        assert_eq!(read_all(bytes, 9).0, [good]);
    }
}
