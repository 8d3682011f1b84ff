// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a page-table walk means: which bits of an address choose which entry,
//! what each bit of an entry says, and which tables came into being between
//! two walks.
//!
//! The kernel hands out raw entries ([`Walk`]); everything here is decoding,
//! after `arch/x86/include/asm/pgtable_types.h` and the processor manuals
//! (Intel SDM volume 3, chapter 5, "Paging").

use crate::target::api::Walk;

/// A level of the page table, from the root down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Page global directory: the root, one per process.
    Pgd,
    /// Page 4th-level directory: there only with five levels.
    P4d,
    /// Page upper directory.
    Pud,
    /// Page middle directory.
    Pmd,
    /// Page table proper: its entries map pages of 4 KiB.
    Pte,
}

/// Bits of a virtual address that count within a page.
pub const OFFSET_BITS: u32 = 12;
/// Bits of a virtual address that choose an entry of one table.
pub const INDEX_BITS: u32 = 9;
/// The bits of an entry that hold a physical address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

impl Level {
    /// The levels of a table with `levels` of them, the root first.
    pub fn of(levels: u32) -> &'static [Self] {
        match levels {
            4 => &[Self::Pgd, Self::Pud, Self::Pmd, Self::Pte],
            _ => &[Self::Pgd, Self::P4d, Self::Pud, Self::Pmd, Self::Pte],
        }
    }

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pgd => "PGD",
            Self::P4d => "P4D",
            Self::Pud => "PUD",
            Self::Pmd => "PMD",
            Self::Pte => "PTE",
        }
    }

    /// What the name stands for.
    pub fn long_name(self) -> &'static str {
        match self {
            Self::Pgd => "page global directory",
            Self::P4d => "page 4th-level directory",
            Self::Pud => "page upper directory",
            Self::Pmd => "page middle directory",
            Self::Pte => "page table",
        }
    }

    /// The lowest bit of the address that belongs to this level's index.
    pub fn shift(self, levels: u32) -> u32 {
        let above_pte = match self {
            Self::Pte => 0,
            Self::Pmd => 1,
            Self::Pud => 2,
            Self::P4d => 3,
            Self::Pgd => levels.clamp(4, 5) - 1,
        };
        OFFSET_BITS + INDEX_BITS * above_pte
    }

    /// Which of the table's 512 entries translates `vaddr`.
    pub fn index(self, vaddr: u64, levels: u32) -> u16 {
        (vaddr >> self.shift(levels)) as u16 & 0x1ff
    }

    /// How many bytes of address space one entry covers.
    pub fn covers(self, levels: u32) -> u64 {
        1 << self.shift(levels)
    }
}

/// A bit of an entry that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Which bit, 0 to 63.
    pub bit: u32,
    /// Its name as the kernel has it, without `_PAGE_`.
    pub name: &'static str,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

const fn flag(bit: u32, name: &'static str, meaning: &'static str) -> Flag {
    Flag { bit, name, meaning }
}

const PRESENT: Flag = flag(0, "Present", "there is something to translate to");
const RW: Flag = flag(1, "RW", "may be written");
const USER: Flag = flag(2, "User", "user space may use it");
const PWT: Flag = flag(3, "PWT", "the cache writes through");
const PCD: Flag = flag(4, "PCD", "not cached");
const ACCESSED: Flag = flag(5, "Accessed", "the processor used it");
const DIRTY: Flag = flag(6, "Dirty", "the processor wrote to the page");
const DIRTY_TABLE: Flag = flag(6, "Dirty", "set by the kernel; no meaning for a table");
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
const NX: Flag = flag(63, "NX", "may not be executed");
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
        /// The number of the 4-KiB page frame it lies in.
        pfn: u64,
    },
    /// A page.
    Page {
        /// The number of its first 4-KiB page frame.
        pfn: u64,
        /// Its size in bytes.
        size: u64,
    },
}

impl Entry {
    fn has(self, bit: u32) -> bool {
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

    /// What it leads to.
    pub fn leads_to(self, level: Level, levels: u32) -> LeadsTo {
        if !self.present() {
            LeadsTo::Nothing
        } else if self.leaf(level) {
            let size = level.covers(levels);
            LeadsTo::Page {
                pfn: (self.0 & ADDRESS & !(size - 1)) >> OFFSET_BITS,
                size,
            }
        } else {
            LeadsTo::Table {
                pfn: (self.0 & ADDRESS) >> OFFSET_BITS,
            }
        }
    }

    /// The bits that are set, lowest first, but for the address. What is left
    /// in an entry that is not present is the kernel's (a swap entry).
    pub fn flags(self, level: Level) -> Vec<Flag> {
        if !self.present() {
            return self
                .has(NOT_PRESENT.bit)
                .then_some(NOT_PRESENT)
                .into_iter()
                .collect();
        }
        let leaf = self.leaf(level);
        let dirty = if leaf { DIRTY } else { DIRTY_TABLE };
        let bit7 = if level == Level::Pte { PAT } else { PS };
        let bit9 = if leaf { SPECIAL } else { SOFTW1 };
        let bit58 = if level == Level::Pgd {
            NO_PTI_SHADOW
        } else {
            SAVED_DIRTY
        };
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
}

/// One step of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The level.
    pub level: Level,
    /// Which entry of its table, 0 to 511.
    pub index: u16,
    /// The entry; `None` when the walk ended above.
    pub entry: Option<Entry>,
    /// The table this entry lies in came into being since the earlier walk.
    pub new_table: bool,
    /// The entry was absent, or another one, in the earlier walk.
    pub changed: bool,
}

/// The steps of a walk, all levels of them, compared with an `earlier` walk of
/// an address under the same tables.
pub fn steps(walk: &Walk, earlier: Option<&Walk>) -> Vec<Step> {
    let levels = Level::of(walk.levels);
    let read = |walk: &Walk, at: usize| {
        let there = at < walk.depth as usize && at < walk.entry.len();
        there.then(|| Entry(walk.entry[at]))
    };
    levels
        .iter()
        .enumerate()
        .map(|(at, level)| {
            let entry = read(walk, at);
            let before = earlier.map(|earlier| read(earlier, at));
            Step {
                level: *level,
                index: level.index(walk.vaddr, walk.levels),
                entry,
                new_table: entry.is_some() && before == Some(None),
                changed: before.is_some_and(|before| {
                    entry.is_some_and(Entry::present)
                        && before.map(without_marks) != entry.map(without_marks)
                }),
            }
        })
        .collect()
}

/// The processor sets Accessed and Dirty as it goes: no change of the table.
fn without_marks(entry: Entry) -> u64 {
    entry.0 & !(1 << ACCESSED.bit | 1 << DIRTY.bit)
}

/// The names of the tables that are new since the `earlier` walk, from the root down.
pub fn new_tables(walk: &Walk, earlier: &Walk) -> Vec<Level> {
    let steps = steps(walk, Some(earlier)).into_iter();
    steps
        .filter(|step| step.new_table)
        .map(|step| step.level)
        .collect()
}

/// What the walk as a whole allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is mapped: any access is a fault.
    Unmapped {
        /// The level whose entry is not present.
        at: Level,
    },
    /// It translates.
    Mapped {
        /// The physical address.
        physical: u64,
        /// User space may write: RW at every level.
        write: bool,
        /// User space may use it at all: User at every level.
        user: bool,
        /// It may be executed: NX at no level.
        execute: bool,
    },
}

/// What comes of the walk. `None` when it read nothing.
pub fn verdict(walk: &Walk) -> Option<Verdict> {
    let levels = Level::of(walk.levels);
    let (mut write, mut user, mut execute) = (true, true, true);
    let mut last = None;
    for (level, raw) in levels.iter().zip(walk.entry).take(walk.depth as usize) {
        let entry = Entry(raw);
        match entry.leads_to(*level, walk.levels) {
            LeadsTo::Nothing => return Some(Verdict::Unmapped { at: *level }),
            LeadsTo::Table { .. } | LeadsTo::Page { .. } => {
                write &= entry.has(RW.bit);
                user &= entry.has(USER.bit);
                execute &= !entry.has(NX.bit);
            }
        }
        last = Some((*level, entry));
    }
    let (level, entry) = last?;
    match entry.leads_to(level, walk.levels) {
        LeadsTo::Page { pfn, size } => Some(Verdict::Mapped {
            physical: (pfn << OFFSET_BITS) + (walk.vaddr & (size - 1)),
            write,
            user,
            execute,
        }),
        _ => None,
    }
}

/// A bit field of a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The level it chooses an entry for; `None`: the offset within the page.
    pub level: Option<Level>,
    /// Its highest bit.
    pub high: u32,
    /// Its lowest bit.
    pub low: u32,
    /// Its value.
    pub value: u16,
}

impl Part {
    /// Its bits as digits, highest first.
    pub fn digits(&self) -> String {
        let width = (self.high - self.low + 1) as usize;
        format!("{:0width$b}", self.value)
    }
}

/// The address cut into its fields, the root's first. What lies above (16 bits
/// with four levels, 7 with five) repeats the highest bit shown.
pub fn split(vaddr: u64, levels: u32) -> Vec<Part> {
    let indices = Level::of(levels).iter().map(|level| {
        let low = level.shift(levels);
        Part {
            level: Some(*level),
            high: low + INDEX_BITS - 1,
            low,
            value: level.index(vaddr, levels),
        }
    });
    let offset = Part {
        level: None,
        high: OFFSET_BITS - 1,
        low: 0,
        value: vaddr as u16 & 0xfff,
    };
    indices.chain([offset]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page mapped read-only at the lowest address of the second PGD entry.
    const MAPPED: Walk = Walk {
        vaddr: 1 << 48 | 0x1abc,
        levels: 5,
        depth: 5,
        entry: [0x1067, 0x2067, 0x3067, 0x4067, 0x8000_0000_1234_5025],
    };

    fn names(flags: &[Flag]) -> Vec<&'static str> {
        flags.iter().map(|flag| flag.name).collect()
    }

    #[test]
    fn an_address_splits_into_9_9_9_9_9_12_bits() {
        let vaddr = (3 << 48) | (5 << 39) | (7 << 30) | (11 << 21) | (13 << 12) | 0x123;
        let parts = split(vaddr, 5);
        let values: Vec<u16> = parts.iter().map(|part| part.value).collect();
        assert_eq!(values, [3, 5, 7, 11, 13, 0x123]);
        let widths: Vec<usize> = parts.iter().map(|part| part.digits().len()).collect();
        assert_eq!(widths, [9, 9, 9, 9, 9, 12]);
        assert_eq!(parts[0].high, 56);
    }

    #[test]
    fn with_four_levels_the_pgd_takes_the_bits_of_the_p4d() {
        let vaddr = (5 << 39) | (7 << 30);
        let parts = split(vaddr, 4);
        assert_eq!(parts.len(), 5);
        assert_eq!((parts[0].level, parts[0].high), (Some(Level::Pgd), 47));
        assert_eq!(parts[0].value, 5);
        assert_eq!(parts[1].level, Some(Level::Pud));
    }

    #[test]
    fn a_pages_flags_are_spelled_out() {
        let entry = Entry(MAPPED.entry[4]);
        assert_eq!(
            names(&entry.flags(Level::Pte)),
            ["Present", "User", "Accessed", "NX"]
        );
        let table = Entry(0x67);
        let flags = table.flags(Level::Pmd);
        assert_eq!(
            names(&flags),
            ["Present", "RW", "User", "Accessed", "Dirty"]
        );
    }

    #[test]
    fn bit_7_is_ps_above_the_pte_and_pat_in_it() {
        assert!(names(&Entry(0x81).flags(Level::Pmd)).contains(&"PS"));
        assert!(names(&Entry(0x81).flags(Level::Pte)).contains(&"PAT"));
    }

    #[test]
    fn an_entry_that_is_not_present_has_no_hardware_flags() {
        assert!(Entry(0xfff0_0000_0000_0002).flags(Level::Pte).is_empty());
        assert_eq!(names(&Entry(0x100).flags(Level::Pte)), ["ProtNone"]);
    }

    #[test]
    fn a_large_page_ends_the_walk_and_leaves_pat_out_of_its_frame() {
        let entry = Entry(0x4020_1000 | 0x80 | 1);
        assert_eq!(
            entry.leads_to(Level::Pmd, 5),
            LeadsTo::Page {
                pfn: 0x40200,
                size: 2 << 20
            }
        );
        let walk = Walk {
            vaddr: 0x1234,
            levels: 4,
            depth: 3,
            entry: [0x1067, 0x2067, 0x4020_0000 | 0xe7, 0, 0],
        };
        assert_eq!(
            verdict(&walk),
            Some(Verdict::Mapped {
                physical: 0x4020_1234,
                write: true,
                user: true,
                execute: true
            })
        );
    }

    #[test]
    fn one_level_without_rw_makes_the_page_read_only() {
        assert_eq!(
            verdict(&MAPPED),
            Some(Verdict::Mapped {
                physical: 0x1234_5abc,
                write: false,
                user: true,
                execute: false
            })
        );
    }

    #[test]
    fn a_walk_ends_where_an_entry_is_not_present() {
        let walk = Walk {
            depth: 2,
            entry: [0x1067, 0, 0, 0, 0],
            ..MAPPED
        };
        assert_eq!(verdict(&walk), Some(Verdict::Unmapped { at: Level::P4d }));
        let steps = steps(&walk, None);
        assert_eq!(steps.len(), 5);
        assert_eq!(steps[2].entry, None);
        assert_eq!(verdict(&Walk::default()), None);
    }

    #[test]
    fn tables_below_the_entry_that_was_absent_are_new() {
        let earlier = Walk {
            depth: 3,
            entry: [0x1067, 0x2067, 0, 0, 0],
            ..MAPPED
        };
        assert_eq!(new_tables(&MAPPED, &earlier), [Level::Pmd, Level::Pte]);
        let steps = steps(&MAPPED, Some(&earlier));
        assert!(!steps[2].new_table && steps[2].changed);
        assert!(new_tables(&MAPPED, &MAPPED).is_empty());
    }

    #[test]
    fn touching_a_page_changes_no_table() {
        let mut touched = MAPPED;
        touched.entry[4] |= 0x40;
        let steps = steps(&touched, Some(&MAPPED));
        assert!(steps.iter().all(|step| !step.changed && !step.new_table));
    }

    #[test]
    fn a_walk_deeper_than_it_can_be_is_no_panic() {
        let walk = Walk {
            depth: 99,
            levels: 77,
            ..MAPPED
        };
        assert_eq!(steps(&walk, None).len(), 5);
        assert!(verdict(&walk).is_some());
    }
}
