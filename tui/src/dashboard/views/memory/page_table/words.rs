// SPDX-License-Identifier: MIT OR Apache-2.0
//! A walk in words.

use super::entry::{Entry, Flag, LeadsTo};
use super::level::Level;
use super::walk::{Refusal, Verdict, refusal, verdict};
use crate::kernel::api::{Access, Walk};

/// A bit with its value: `RW=0`.
pub fn bit(entry: Entry, flag: &Flag) -> String {
    format!("{}={}", flag.name, u8::from(entry.has(flag.bit)))
}

/// The bits of an entry that are worth showing: `Present=1 RW=0 User=1`.
pub fn bits(entry: Entry, level: Level) -> String {
    let words = entry.bits(level).iter().map(|flag| bit(entry, flag)).collect::<Vec<_>>();
    words.join(" ")
}

/// Where an entry leads: `table in frame 0x1234`, `page of 4096 bytes in frame
/// 0x1234`; empty where it leads nowhere.
pub fn leads_to(entry: Entry, level: Level, levels: u32) -> String {
    let (what, pfn) = match entry.leads_to(level, levels) {
        LeadsTo::Nothing => return String::new(),
        LeadsTo::Table { pfn } => ("table".to_owned(), pfn),
        LeadsTo::Page { pfn, size } => (format!("page of {size} bytes"), pfn),
    };
    match pfn {
        Some(pfn) => format!("{what} in frame {pfn:#x}"),
        None => format!("{what}, its frame hidden"),
    }
}

/// `RW = 0`.
fn deciding(refusal: &Refusal) -> String {
    format!("{} = {}", refusal.flag.name, refusal.value)
}

/// What comes of a walk, for an address in its page: where it leads and what
/// user space may do there.
pub fn outcome(walk: &Walk, address: u64) -> String {
    match verdict(walk) {
        None => "the walk read no entry".into(),
        Some(Verdict::Unmapped { at }) => {
            format!("Present = 0 in the {}: touching it is a page fault", at.name())
        }
        Some(Verdict::Mapped { physical, write, user, execute }) => {
            let physical = match physical {
                Some(physical) => {
                    format!("physical {:#x}", physical + address.saturating_sub(walk.vaddr))
                }
                None => "its frame only CAP_SYS_ADMIN may know".into(),
            };
            let access = if write { "read-write" } else { "read-only" };
            let user = if user { "user" } else { "kernel only" };
            let execute = if execute { "executable" } else { "no execute" };
            let decides = refusal(walk, Access::Read).or_else(|| refusal(walk, Access::Write));
            let why = match decides {
                Some(decides) if user == "user" => {
                    format!(" ({}: a write faults)", deciding(&decides))
                }
                Some(decides) => format!(" ({}: any access faults)", deciding(&decides)),
                None => String::new(),
            };
            format!("{physical}: {access}, {user}, {execute}{why}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_ONLY: Walk = Walk {
        vaddr: 0x1000,
        levels: 5,
        depth: 5,
        entry: [0x1067, 0x2067, 0x3067, 0x4067, 0x8000_0000_1234_5025],
    };

    #[test]
    fn every_entry_and_the_outcome_have_words() {
        let page = Entry(READ_ONLY.entry[4]);
        assert_eq!(bits(page, Level::Pte), "Present=1 RW=0 User=1 Accessed=1 Dirty=0 NX=1");
        assert_eq!(leads_to(page, Level::Pte, 5), "page of 4096 bytes in frame 0x12345");
        assert_eq!(leads_to(Entry(0x1067), Level::Pgd, 5), "table in frame 0x1");
        assert_eq!(leads_to(Entry(0), Level::Pmd, 5), "");
        assert_eq!(
            outcome(&READ_ONLY, 0x1234),
            "physical 0x12345234: read-only, user, no execute (RW = 0: a write faults)"
        );
        let gone = Walk { depth: 4, entry: [0x1067, 0x2067, 0x3067, 0, 0], ..READ_ONLY };
        assert_eq!(outcome(&gone, 0x1000), "Present = 0 in the PMD: touching it is a page fault");
        let kernel = Walk { entry: [0x1067, 0x2067, 0x3067, 0x4067, 0x1234_5003], ..READ_ONLY };
        assert!(
            outcome(&kernel, 0x1000)
                .ends_with("read-write, kernel only, executable (User = 0: any access faults)")
        );
    }

    #[test]
    fn a_frame_that_the_kernel_keeps_to_itself_is_not_called_0() {
        let hidden = Walk { entry: [0x67, 0x67, 0x67, 0x67, 0x67], ..READ_ONLY };
        assert_eq!(leads_to(Entry(0x67), Level::Pte, 5), "page of 4096 bytes, its frame hidden");
        assert_eq!(
            outcome(&hidden, 0x1000),
            "its frame only CAP_SYS_ADMIN may know: read-write, user, executable"
        );
    }
}
