// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel log, as `/dev/kmsg` has it, in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::kernel::api::KmsgText;
use ringside::kernel::kmsg::Parser;

fuzz_target!(|text: &str| {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at));
    let (one, other) = text.split_at(middle.unwrap_or_default());
    let mut parser = Parser::new(Some(339));
    for piece in [text, one, other] {
        let overruns = vec![0, 7, piece.len() as u32, u32::MAX];
        let batch = parser.take(&KmsgText { text: piece.into(), overruns });
        assert!(batch.records.iter().all(|record| record.level < 8));
    }
});
