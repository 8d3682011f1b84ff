// SPDX-License-Identifier: MIT OR Apache-2.0
//! What came of an action, in words.

use crate::app::page_table::{hides_frames, steps};
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
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
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

fn describe_walk(walk: &Walk) -> String {
    let mut text = format!("{} levels", walk.levels);
    let steps = steps(walk, None);
    for step in &steps {
        if let Some(entry) = step.entry {
            text.push_str(&format!("  {} {:#018x}", step.level.name(), entry.0));
        }
    }
    if steps.iter().any(|step| step.entry.is_none()) {
        text.push_str("  (nothing further)");
    }
    if hides_frames(walk) {
        text.push_str("  (page frames hidden: only a process with CAP_SYS_ADMIN may know them)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_of_four_levels_has_no_p4d_and_shows_all_its_entries() {
        let walk =
            Walk { vaddr: 0, levels: 4, depth: 4, entry: [0x1001, 0x2001, 0x3001, 0x4001, 0] };
        assert_eq!(
            describe_walk(&walk),
            "4 levels  PGD 0x0000000000001001  PUD 0x0000000000002001  \
             PMD 0x0000000000003001  PTE 0x0000000000004001"
        );
    }

    #[test]
    fn a_walk_whose_frames_are_hidden_says_so() {
        let walk = Walk { vaddr: 0, levels: 4, depth: 4, entry: [0x67, 0x67, 0x67, 0x25, 0] };
        assert!(describe_walk(&walk).contains("(page frames hidden"), "{}", describe_walk(&walk));
        let walk = Walk { entry: [0x1067, 0x2067, 0x3067, 0x4025, 0], ..walk };
        assert!(!describe_walk(&walk).contains("hidden"), "{}", describe_walk(&walk));
    }

    #[test]
    fn a_walk_that_ended_early_says_so() {
        let walk = Walk { vaddr: 0, levels: 5, depth: 2, entry: [0x1001, 0x2001, 0, 0, 0] };
        assert!(describe_walk(&walk).ends_with("P4D 0x0000000000002001  (nothing further)"));
    }
}
