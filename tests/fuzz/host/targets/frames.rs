// SPDX-License-Identifier: MIT OR Apache-2.0
//! The stream between two ends, and what is in its frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::kernel::wire::{Assembler, Frame, FrameReader, Kind, PAYLOAD_MAX};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = FrameReader::new(bytes);
    let mut assembler = Assembler::new();
    while let Ok(Some(frame)) = reader.next_frame() {
        let _ = assembler.push(&frame);
    }
    // No fuzzer finds the checksum of a frame: they are made around it.
    let Some((kind, payload)) = bytes.split_first() else { return };
    let Some(number) = Kind::from_number(kind % 16 + 1) else { return };
    let payload = &payload[..payload.len().min(PAYLOAD_MAX)];
    let mut assembler = Assembler::new();
    let mut stream = Vec::new();
    for more in [kind & 0x40 != 0, false] {
        let frame = Frame::new(1, number, more, payload);
        stream.extend_from_slice(frame.as_bytes());
        let _ = assembler.push(&frame);
    }
    let mut reader = FrameReader::new(&stream[..]);
    let read = std::iter::from_fn(|| reader.next_frame().ok().flatten()).count();
    assert_eq!((read, reader.skipped()), (2, 0));
});
