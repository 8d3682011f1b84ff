// SPDX-License-Identifier: MIT OR Apache-2.0
//! An entry of a page table: which bits are set, what they mean, and where it
//! leads.

use super::level::{Level, OFFSET_BITS};

/// The bits of an entry that hold a physical address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// A bit of an entry that has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Which bit, 0 to 63.
    pub bit: u32,
    /// Its name as the kernel has it, without `_PAGE_`.
    pub name: &'static str,
    /// Its name in one or two letters, as the processor's manual has it.
    pub short: &'static str,
    /// What it means that it is set, in a few words.
    pub meaning: &'static str,
    /// What it means that it is not; empty where that means nothing.
    pub absent: &'static str,
}

/// A flag that matters only where it is set.
const fn flag(bit: u32, name: &'static str, meaning: &'static str) -> Flag {
    Flag { bit, name, short: name, meaning, absent: "" }
}

/// A flag that says something either way.
const fn both(
    bit: u32,
    (name, short): (&'static str, &'static str),
    meaning: &'static str,
    absent: &'static str,
) -> Flag {
    Flag { bit, name, short, meaning, absent }
}

pub(crate) const PRESENT: Flag =
    both(0, ("Present", "P"), "there is something to translate to", "the walk ends here");
pub(crate) const RW: Flag = both(1, ("RW", "RW"), "may be written", "may not be written");
pub(crate) const USER: Flag =
    both(2, ("User", "US"), "user space may use it", "only the kernel may use it");
const PWT: Flag = flag(3, "PWT", "the cache writes through");
const PCD: Flag = flag(4, "PCD", "not cached");
pub(crate) const ACCESSED: Flag =
    both(5, ("Accessed", "A"), "the processor used it", "the processor did not use it yet");
pub(crate) const DIRTY: Flag = both(
    6,
    ("Dirty", "D"),
    "the processor wrote to the page",
    "the processor did not write to the page yet",
);
const DIRTY_TABLE: Flag =
    both(6, ("Dirty", "D"), "set by the kernel; no meaning for a table", "no meaning for a table");
const PS: Flag = flag(7, "PS", "maps a large page, no table follows");
const PAT: Flag = flag(7, "PAT", "chooses a memory type");
const GLOBAL: Flag = flag(8, "Global", "stays in the TLB across processes");
const SPECIAL: Flag = flag(9, "Special", "the kernel does not count this page");
const SOFTW1: Flag = flag(9, "SoftW1", "free for the kernel's own use");
const UFFD: Flag = flag(10, "Uffd", "watched by userfaultfd");
const SOFT_DIRTY: Flag = flag(11, "SoftDirty", "written since the last check");
const PAT_LARGE: Flag = flag(12, "PAT", "chooses a memory type");
const SOFTW4: Flag = flag(57, "SoftW4", "free for the kernel's own use");
const SAVED_DIRTY: Flag = flag(58, "SavedDirty", "Dirty, set aside while read-only");
const NO_PTI_SHADOW: Flag = flag(58, "NoPtiShadow", "no copy for user-mode tables");

const PKEYS: [Flag; 4] = [
    flag(59, "PKey0", "protection key, bit 1 of 4"),
    flag(60, "PKey1", "protection key, bit 2 of 4"),
    flag(61, "PKey2", "protection key, bit 3 of 4"),
    flag(62, "PKey3", "protection key, bit 4 of 4"),
];

pub(crate) const NX: Flag = both(63, ("NX", "NX"), "may not be executed", "may be executed");
const NOT_PRESENT: Flag = flag(8, "ProtNone", "mapped, but nobody may touch it");

/// A raw entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(pub u64);

/// What an entry leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// The walk ends here: nothing is mapped.
    Nothing,
    /// The next table.
    Table {
        /// The number of the 4-KiB page frame it lies in; `None` if the kernel keeps it to itself.
        pfn: Option<u64>,
    },
    Page {
        /// The number of its first 4-KiB page frame; `None` if the kernel keeps it to itself.
        pfn: Option<u64>,
        /// Its size in bytes.
        size: u64,
    },
}

impl Entry {
    /// Is this bit set?
    pub fn has(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }

    /// Does it lead anywhere?
    pub fn present(self) -> bool {
        self.has(PRESENT.bit)
    }

    /// Does it map a page, so that no table follows?
    pub fn leaf(self, level: Level) -> bool {
        level == Level::Pte || (matches!(level, Level::Pmd | Level::Pud) && self.has(PS.bit))
    }

    pub fn leads_to(self, level: Level, levels: u32) -> LeadsTo {
        if !self.present() {
            LeadsTo::Nothing
        } else if self.leaf(level) {
            let size = level.covers(levels);
            LeadsTo::Page { pfn: frame(self.0 & ADDRESS & !(size - 1)), size }
        } else {
            LeadsTo::Table { pfn: frame(self.0 & ADDRESS) }
        }
    }

    /// The bits that are set, lowest first, but for the address. What is left
    /// in an entry that is not present is the kernel's (a swap entry).
    pub fn flags(self, level: Level) -> Vec<Flag> {
        if !self.present() {
            return self.has(NOT_PRESENT.bit).then_some(NOT_PRESENT).into_iter().collect();
        }
        let leaf = self.leaf(level);
        let dirty = if leaf { DIRTY } else { DIRTY_TABLE };
        let bit7 = if level == Level::Pte { PAT } else { PS };
        let bit9 = if leaf { SPECIAL } else { SOFTW1 };
        let bit58 = if level == Level::Pgd { NO_PTI_SHADOW } else { SAVED_DIRTY };
        let mut known = vec![
            PRESENT, RW, USER, PWT, PCD, ACCESSED, dirty, bit7, GLOBAL, bit9, UFFD, SOFT_DIRTY,
        ];
        if leaf && level != Level::Pte {
            known.push(PAT_LARGE);
        }
        known.extend([SOFTW4, bit58]);
        known.extend(PKEYS);
        known.push(NX);
        known.retain(|flag| self.has(flag.bit));
        known
    }

    /// The bits worth showing, lowest first: those that are set, and those that
    /// say something by not being set. Of an entry that is not present it is
    /// little more than that.
    pub fn bits(self, level: Level) -> Vec<Flag> {
        let mut bits = self.flags(level);
        let telling: &[Flag] = match (self.present(), self.leaf(level)) {
            (false, _) => &[PRESENT],
            (true, true) => &[PRESENT, RW, USER, ACCESSED, DIRTY, NX],
            (true, false) => &[PRESENT, RW, USER, ACCESSED, NX],
        };
        bits.extend(telling.iter().filter(|flag| !self.has(flag.bit)));
        bits.sort_by_key(|flag| flag.bit);
        bits
    }
}

/// The number of the page frame at a physical address. Frame 0 is the firmware's, and never a
/// process's: where it stands, the kernel hides the number.
fn frame(physical: u64) -> Option<u64> {
    Some(physical >> OFFSET_BITS).filter(|pfn| *pfn != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(flags: &[Flag]) -> Vec<&'static str> {
        flags.iter().map(|flag| flag.name).collect()
    }

    #[test]
    fn a_pages_flags_are_spelled_out() {
        let entry = Entry(0x8000_0000_1234_5025);
        assert_eq!(names(&entry.flags(Level::Pte)), ["Present", "User", "Accessed", "NX"]);
        let table = Entry(0x67);
        let flags = table.flags(Level::Pmd);
        assert_eq!(names(&flags), ["Present", "RW", "User", "Accessed", "Dirty"]);
    }

    #[test]
    fn the_bits_that_say_something_by_being_0_are_shown_too() {
        let read_only = Entry(0x8000_0000_1234_5025);
        let bits = read_only.bits(Level::Pte);
        assert_eq!(names(&bits), ["Present", "RW", "User", "Accessed", "Dirty", "NX"]);
        let set: Vec<bool> = bits.iter().map(|flag| read_only.has(flag.bit)).collect();
        assert_eq!(set, [true, false, true, true, false, true]);
        assert!(bits.iter().all(|flag| !flag.absent.is_empty()));
        // Dirty says nothing about a table.
        assert_eq!(
            names(&Entry(0x27).bits(Level::Pmd)),
            ["Present", "RW", "User", "Accessed", "NX"]
        );
        assert_eq!(names(&Entry(0).bits(Level::Pte)), ["Present"]);
        assert_eq!(names(&Entry(0x100).bits(Level::Pte)), ["Present", "ProtNone"]);
    }

    #[test]
    fn bit_7_is_ps_above_the_pte_and_pat_in_it() {
        assert!(names(&Entry(0x81).flags(Level::Pmd)).contains(&"PS"));
        assert!(names(&Entry(0x81).flags(Level::Pte)).contains(&"PAT"));
    }

    #[test]
    fn a_frame_that_the_kernel_hides_is_not_frame_0() {
        let (table, page) = (Entry(0x8000_0000_0000_0067), Entry(0x8000_0000_0000_0025));
        assert_eq!(table.leads_to(Level::Pmd, 5), LeadsTo::Table { pfn: None });
        assert_eq!(page.leads_to(Level::Pte, 5), LeadsTo::Page { pfn: None, size: 4096 });
        // A large page whose memory type has bit 12 set.
        let large = Entry(0x10e7);
        assert_eq!(large.leads_to(Level::Pmd, 5), LeadsTo::Page { pfn: None, size: 2 << 20 });
    }

    #[test]
    fn an_entry_that_is_not_present_has_no_hardware_flags() {
        assert!(Entry(0xfff0_0000_0000_0002).flags(Level::Pte).is_empty());
        assert_eq!(names(&Entry(0x100).flags(Level::Pte)), ["ProtNone"]);
    }
}
