// SPDX-License-Identifier: MIT OR Apache-2.0
//! Object files with debug information, in which the lines of an oops are looked up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::lab::symbols::{Frame, in_image};

fuzz_target!(|bytes: &[u8]| {
    let texts = ["first+0x0/0x9 [a]", "second+0x3/0x20 [a]", "x+0xffffffffffffffff/0x1"];
    let frames = texts.map(|text| Frame { text, exact: false });
    if let Ok(found) = in_image(bytes, &frames) {
        assert_eq!(found.len(), frames.len());
    }
});
