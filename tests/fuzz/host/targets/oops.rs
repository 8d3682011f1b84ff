// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of an oops, folded, filtered and explained in the log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::dashboard::data::log::{Log, Pattern, Trace, readable};
use ringside::kernel::api::{KmsgBatch, KmsgRecord};

fuzz_target!(|text: &str| {
    let mut log = Log::new(40);
    for (number, line) in text.lines().enumerate() {
        let sequence = (line.len() as u64) << (number % 60);
        let level = (number % 8) as u8;
        let record = KmsgRecord { sequence, level, text: line.into(), ..KmsgRecord::default() };
        log.push(KmsgBatch { records: vec![record] });
        if number % 7 == 3 {
            log.wound_back(number as u64);
        }
    }
    log.set_pattern(Pattern::new(text.lines().next().unwrap_or_default(), true).ok());
    for row in log.start()..log.end() {
        log.toggle_fold(row);
        let Some(row) = log.row(row) else { continue };
        let _ = (row.line(), row.first_line(), log.source(row));
        if let Some(trace) = log.trace(row) {
            (0..90).for_each(|width| drop(trace.headline(width, "…")));
        }
    }
    let _ = Trace::last_of(text.lines());
    let _ = text.lines().map(readable).count();
});
