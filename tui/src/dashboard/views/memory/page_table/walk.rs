// SPDX-License-Identifier: MIT OR Apache-2.0
//! A walk from the root down: its steps, what the whole of it allows, and which
//! tables came into being since an earlier one.

use super::entry::{ACCESSED, DIRTY, Entry, Flag, LeadsTo, NX, PRESENT, RW, USER};
use super::level::{Level, OFFSET_BITS};
use crate::kernel::api::{Access, Walk};

/// One step of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
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
    steps.filter(|step| step.new_table).map(|step| step.level).collect()
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
        /// The physical address; `None` where the kernel keeps it to itself.
        physical: Option<u64>,
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
            physical: pfn.map(|pfn| (pfn << OFFSET_BITS).wrapping_add(walk.vaddr & (size - 1))),
            write,
            user,
            execute,
        }),
        _ => None,
    }
}

/// The bit that decides that an access is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The level whose entry it is in.
    pub level: Level,
    /// The bit.
    pub flag: Flag,
    /// Its value: 1 for NX, 0 for the others.
    pub value: u8,
}

/// The bit that refuses user space this access; `None` when the walk allows
/// it. An entry that is not present comes before all others, as for the
/// processor; of several that forbid it is the one nearest to the root.
pub fn refusal(walk: &Walk, access: Access) -> Option<Refusal> {
    let entries = Level::of(walk.levels).iter().zip(walk.entry).take(walk.depth as usize);
    let first = |flag: Flag, value: u8| {
        let decides = |raw: u64| Entry(raw).has(flag.bit) == (value == 1);
        let (level, _) = entries.clone().find(|(_, raw)| decides(*raw))?;
        Some(Refusal { level: *level, flag, value })
    };
    let allowed = match access {
        Access::Read => None,
        Access::Write => first(RW, 0),
        Access::Execute => first(NX, 1),
    };
    first(PRESENT, 0).or_else(|| first(USER, 0)).or(allowed)
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

    #[test]
    fn a_large_page_ends_the_walk_and_leaves_pat_out_of_its_frame() {
        let entry = Entry(0x4020_1000 | 0x80 | 1);
        assert_eq!(
            entry.leads_to(Level::Pmd, 5),
            LeadsTo::Page { pfn: Some(0x40200), size: 2 << 20 }
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
                physical: Some(0x4020_1234),
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
                physical: Some(0x1234_5abc),
                write: false,
                user: true,
                execute: false
            })
        );
    }

    #[test]
    fn a_walk_ends_where_an_entry_is_not_present() {
        let walk = Walk { depth: 2, entry: [0x1067, 0, 0, 0, 0], ..MAPPED };
        assert_eq!(verdict(&walk), Some(Verdict::Unmapped { at: Level::P4d }));
        let steps = steps(&walk, None);
        assert_eq!(steps.len(), 5);
        assert_eq!(steps[2].entry, None);
        assert_eq!(verdict(&Walk::default()), None);
    }

    #[test]
    fn tables_below_the_entry_that_was_absent_are_new() {
        let earlier = Walk { depth: 3, entry: [0x1067, 0x2067, 0, 0, 0], ..MAPPED };
        assert_eq!(new_tables(&MAPPED, &earlier), [Level::Pmd, Level::Pte]);
        let steps = steps(&MAPPED, Some(&earlier));
        assert!(!steps[2].new_table && steps[2].changed);
        assert!(new_tables(&MAPPED, &MAPPED).is_empty());
    }

    #[test]
    fn the_bit_that_refuses_an_access_is_named_with_its_level() {
        let decides = |walk: &Walk, access| {
            refusal(walk, access).map(|refusal| (refusal.level, refusal.flag.name, refusal.value))
        };
        assert_eq!(decides(&MAPPED, Access::Read), None);
        assert_eq!(decides(&MAPPED, Access::Write), Some((Level::Pte, "RW", 0)));
        assert_eq!(decides(&MAPPED, Access::Execute), Some((Level::Pte, "NX", 1)));
        // A table that may not be written forbids all pages below it.
        let mut above = MAPPED;
        above.entry[2] = 0x3065;
        assert_eq!(decides(&above, Access::Write), Some((Level::Pud, "RW", 0)));
        let kernel = Walk { entry: [0x1067, 0x2067, 0x3067, 0x4067, 0x1234_5003], ..MAPPED };
        assert_eq!(decides(&kernel, Access::Read), Some((Level::Pte, "User", 0)));
        // What is not there comes before what is forbidden above it.
        let gone = Walk { depth: 4, entry: [0x1067, 0x2065, 0x3067, 0, 0], ..MAPPED };
        assert_eq!(decides(&gone, Access::Write), Some((Level::Pmd, "Present", 0)));
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
        let walk = Walk { depth: 99, levels: 77, ..MAPPED };
        assert_eq!(steps(&walk, None).len(), 5);
        assert!(verdict(&walk).is_some());
    }
}
