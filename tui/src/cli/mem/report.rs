// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came of an action, in words.

use crate::dashboard::views::memory::page_table::steps;
use crate::dashboard::views::memory::page_table::words;
use crate::kernel::api::{Fault, ProgramEnd, SubjectOutcome, Walk};

pub(super) fn cause(end: ProgramEnd, fault: Option<&Fault>) -> String {
    let how = match end {
        ProgramEnd::Signalled(signal) => nix::sys::signal::Signal::try_from(signal)
            .map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string()),
        other => format!("{other:?}"),
    };
    match fault {
        Some(fault) => format!("{how}, {} at {:#x}", fault.cause, fault.address),
        None => how,
    }
}

pub(super) fn describe(outcome: &SubjectOutcome) -> String {
    match outcome {
        SubjectOutcome::Done => "done".into(),
        SubjectOutcome::Bytes(bytes) => {
            let hex = crate::text::bytes::hex(bytes);
            let text: String = bytes
                .iter()
                .map(|byte| match byte {
                    0x20..=0x7e => char::from(*byte),
                    _ => '.',
                })
                .collect();
            format!("{hex}  {text}")
        }
        SubjectOutcome::Walk(walk) => describe_walk(walk),
        SubjectOutcome::Maps(mappings) => mappings
            .iter()
            .map(|m| format!("\n{:016x}-{:016x} {} {}", m.start, m.end, m.permissions, m.name))
            .collect(),
    }
}

/// A line for each level: the entry as it is, its bits by name, where it leads;
/// and what comes of it all.
fn describe_walk(walk: &Walk) -> String {
    let mut text = format!("{} levels", walk.levels);
    for step in steps(walk, None) {
        let (level, index) = (step.level, step.index);
        text.push_str(&format!("\n  {}[{index:>3}]  ", level.name()));
        let Some(entry) = step.entry else {
            text.push_str("not reached");
            continue;
        };
        let leads = words::leads_to(entry, level, walk.levels);
        let bits = words::bits(entry, level);
        text.push_str(format!("{:#018x}  {bits:<45}  {leads}", entry.0).trim_end());
    }
    text.push_str(&format!("\n  {}", words::outcome(walk, walk.vaddr)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_told_in_words_level_by_level() {
        let walk = Walk {
            vaddr: 0x1000,
            levels: 4,
            depth: 4,
            entry: [0x1067, 0x2067, 0x3067, 0x8000_0000_1234_5025, 0],
        };
        assert_eq!(
            describe_walk(&walk),
            "4 levels
  PGD[  0]  0x0000000000001067  Present=1 RW=1 User=1 Accessed=1 Dirty=1 NX=0  table in frame 0x1
  PUD[  0]  0x0000000000002067  Present=1 RW=1 User=1 Accessed=1 Dirty=1 NX=0  table in frame 0x2
  PMD[  0]  0x0000000000003067  Present=1 RW=1 User=1 Accessed=1 Dirty=1 NX=0  table in frame 0x3
  PTE[  1]  0x8000000012345025  Present=1 RW=0 User=1 Accessed=1 Dirty=0 NX=1  page of 4096 bytes in frame 0x12345
  physical 0x12345000: read-only, user, no execute (RW = 0: a write faults)"
        );
    }

    #[test]
    fn a_walk_that_ended_early_says_where_and_what_was_not_reached() {
        let walk = Walk { vaddr: 0, levels: 5, depth: 2, entry: [1, 0, 0, 0, 0] };
        let told = describe_walk(&walk);
        assert!(told.contains("P4D[  0]  0x0000000000000000  Present=0\n"), "{told}");
        assert!(told.contains("PUD[  0]  not reached\n"), "{told}");
        assert!(told.ends_with("Present = 0 in the P4D: touching it is a page fault"), "{told}");
    }
}
