// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings, read from their first segment to their last and played to their end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::tape::Tape;

/// Entries of a segment that are made: a few bytes may stand for very many.
const MOST: usize = 1000;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tape) = Tape::parse(bytes.to_vec()) else { return };
    let _ = (tape.start().size, tape.damage(), tape.ended(), tape.length_ms());
    for number in 0..tape.segments().min(20) {
        assert!(tape.segment_ms(number).is_some());
        if let Ok(segment) = tape.segment(number) {
            drop(segment.take(MOST).count());
        }
    }
});
