// SPDX-License-Identifier: GPL-2.0
//! Reading a process's page tables: which entries translate an address, and
//! which tables exist along a range.
//!
//! Nothing here is changed, and nothing here takes a page-table lock: the
//! entries are read one by one while the tables can't be freed, as
//! `gup_fast` does it. Other processors may map, unmap and set the accessed
//! and dirty bits meanwhile, so an entry is a snapshot.

use core::ops::Range;
use kernel::{
    bindings,
    fs::File,
    interrupt::local_interrupt_disable,
    mm::{MmWithUser, virt::VmaNew},
    prelude::*,
    sync::rcu,
};

use super::helpers;

/// The entry points to something: a table or a page.
const PRESENT: u64 = 1 << 0;
/// The entry is a leaf: it maps a large page, and no table follows.
const LEAF: u64 = 1 << 7;
/// In an entry that is not present: it maps a page that may not be accessed now (`PROT_NONE`). The
/// processor reads nothing of it then; the kernel keeps the frame there, inverted.
const NO_ACCESS: u64 = 1 << 8;
/// Where the number of a page frame stands.
const FRAME: u64 = (1 << 52) - (1 << 12);
/// In a leaf that maps a large page: not of the frame, but a bit of the memory type.
const LARGE_TYPE: u64 = 1 << 12;
/// The bits that the kernel uses as flags in an entry that is neither present nor `NO_ACCESS`. The
/// others say where in the swap, or which frame is just being moved.
const AWAY_FLAGS: u64 = (1 << 8) - 1;
/// The size of the region that one PTE table translates: 2 MiB.
const PTE_TABLE_SPAN: usize = 1 << 21;
/// The sizes of the regions that one P4D, PUD, PMD, PTE table translates.
const SPANS: [usize; 4] = [1 << 48, 1 << 39, 1 << 30, PTE_TABLE_SPAN];

/// The entries that translate an address.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    /// 5, or 4 where there is no P4D.
    pub(crate) levels: u32,
    /// How many of `entry` were read before the walk came to its end.
    pub(crate) depth: u32,
    /// The raw entries: PGD, P4D, PUD, PMD, PTE, or with four levels PGD, PUD, PMD, PTE.
    pub(crate) entry: [u64; 5],
}

/// May whoever opened the file know in which page frames memory lies? The answer is that of
/// `/proc/<pid>/pagemap`: only with `CAP_SYS_ADMIN` in the first user namespace.
pub(crate) fn may_know_frames(file: &File) -> bool {
    // SAFETY: The file is open, and the first user namespace is always there.
    unsafe {
        bindings::file_ns_capable(
            file.as_ptr(),
            &raw mut bindings::init_user_ns,
            bindings::CAP_SYS_ADMIN as c_int,
        )
    }
}

impl Walk {
    /// The same with 0 for every page frame's number.
    pub(crate) fn without_frames(mut self) -> Self {
        for (index, entry) in self.entry.iter_mut().enumerate() {
            let last = index + 1 == self.levels as usize;
            *entry &= match *entry {
                entry if entry & (PRESENT | NO_ACCESS) == 0 => AWAY_FLAGS,
                entry if entry & LEAF != 0 && !last => !FRAME | LARGE_TYPE,
                _ => !FRAME,
            };
        }
        self
    }
}

/// Where the addresses of user space end.
pub(crate) fn address_limit() -> usize {
    // SAFETY: Takes no arguments.
    unsafe { helpers::ringside_task_size_max() }
}

/// Walks to `address`; takes the mmap lock for reading. `EINVAL` if that is no user address.
pub(crate) fn walk(mm: &MmWithUser, address: usize) -> Result<Walk> {
    if address >= address_limit() {
        return Err(EINVAL);
    }
    let _guard = mm.mmap_read_lock();
    // SAFETY: We hold the mmap lock of `mm`, and `address` is a user address.
    Ok(unsafe { walk_locked(mm.as_raw(), address) })
}

/// How many tables of each kind there are along a range.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tables {
    /// P4D tables.
    pub(crate) p4d: u32,
    /// PUD tables.
    pub(crate) pud: u32,
    /// PMD tables.
    pub(crate) pmd: u32,
    /// PTE tables.
    pub(crate) pte: u32,
}

impl Tables {
    /// The tables along an area that is being set up.
    ///
    /// Faults in neighbouring areas do not take the mmap lock, so a table that the area shares
    /// with a neighbour may come into being between two calls without anyone's doing here.
    pub(crate) fn along(vma: &VmaNew) -> Self {
        let mut tables = Self::default();
        for address in steps(vma.start()..vma.end()) {
            // SAFETY: `vma` is being set up, so the mmap lock is held for writing; its addresses
            // are user addresses.
            let walk = unsafe { walk_locked(vma.mm().as_raw(), address) };
            tables.add(&walk, address, vma.start());
        }
        tables
    }

    /// Those that are here and were not `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            p4d: self.p4d.saturating_sub(before.p4d),
            pud: self.pud.saturating_sub(before.pud),
            pmd: self.pmd.saturating_sub(before.pmd),
            pte: self.pte.saturating_sub(before.pte),
        }
    }

    /// Counts the tables that `walk` went through at `address`, unless an earlier step of a range
    /// that begins at `start` went through them already.
    fn add(&mut self, walk: &Walk, address: usize, start: usize) {
        // An entry read at depth n lies in a table of level n; the PGD is always there.
        let missing = 5 - walk.levels as usize;
        let counts = [&mut self.p4d, &mut self.pud, &mut self.pmd, &mut self.pte];
        for (level, (count, span)) in counts.into_iter().zip(SPANS).enumerate() {
            let read = level >= missing && walk.depth as usize >= level + 2 - missing;
            if read && (address == start || address % span == 0) {
                *count += 1;
            }
        }
    }
}

/// One address for each PTE table that `range` touches: its start, then each multiple of 2 MiB.
fn steps(range: Range<usize>) -> impl Iterator<Item = usize> {
    core::iter::successors(Some(range.start), |address| {
        (address | (PTE_TABLE_SPAN - 1)).checked_add(1)
    })
    .take_while(move |address| *address < range.end)
}

/// # Safety
///
/// `mm` must be valid, its mmap lock held, and `address` a user address: the tables for the
/// kernel's own addresses may go without warning.
unsafe fn walk_locked(mm: *mut bindings::mm_struct, address: usize) -> Walk {
    // SAFETY: Takes no arguments.
    let levels = if unsafe { helpers::ringside_five_levels() } { 5 } else { 4 };
    let mut walk = Walk { levels, depth: 0, entry: [0; 5] };

    // The tables of a range that is being unmapped may be freed under us even with the mmap lock
    // held for reading; they are freed by RCU, or after an interrupt to every processor. Both
    // wait for the end of this section, which is short and does not sleep.
    let _rcu = rcu::read_lock();
    let _interrupts = local_interrupt_disable();

    // SAFETY: `mm` is valid, and its root table lives as long as it does.
    let mut table: *const u64 = unsafe { (*mm).__bindgen_anon_1.pgd }.cast();
    for (read, slot) in walk.entry.iter_mut().take(levels as usize).enumerate() {
        let index = address >> (12 + 9 * (levels as usize - 1 - read)) & 511;
        // SAFETY: `table` points to a table, of 512 entries, that can't be freed now. Volatile,
        // because the processor and other threads change entries at any time.
        let entry = unsafe { table.add(index).read_volatile() };
        *slot = entry;
        walk.depth += 1;
        if entry & PRESENT == 0 || entry & LEAF != 0 {
            break;
        }
        // SAFETY: Any entry will do. That of the last level leads to no table, but nor is there
        // a next turn.
        table = unsafe { helpers::ringside_table(entry) };
    }
    walk
}

#[cfg(memalloc)]
#[kunit_tests(ringside_page_table)]
mod tests {
    use super::*;

    fn walk(levels: u32, depth: u32) -> Walk {
        Walk { levels, depth, entry: [0; 5] }
    }

    #[test]
    fn a_hidden_frame_is_0_and_the_flags_stay() {
        let hidden = |levels, entry| Walk { levels, depth: levels, entry }.without_frames().entry;
        let table = 0x8000_0001_2345_6067;
        let page = 0x8400_000f_ffff_f8e7;
        assert_eq!(
            hidden(5, [table, table, table, table, page]),
            [
                0x8000_0000_0000_0067,
                0x8000_0000_0000_0067,
                0x8000_0000_0000_0067,
                0x8000_0000_0000_0067,
                0x8400_0000_0000_08e7
            ]
        );
        // A page of 2 MiB, whose bit 12 is of its memory type; one of 4 KiB, where it is not.
        assert_eq!(hidden(4, [0, 0, 0x1234_10e7, 0, 0])[2], 0x10e7);
        assert_eq!(hidden(4, [0, 0, 0, 0x1234_10e7, 0])[3], 0xe7);
        // PROT_NONE: the frame is there, inverted. In the swap: all but the flags says where.
        assert_eq!(hidden(5, [0, 0, 0, 0, 0x800f_ffff_edcb_a120])[4], 0x8000_0000_0000_0120);
        assert_eq!(hidden(5, [0, 0, 0, 0, 0x07ff_ffff_ffff_fe02])[4], 0x02);
    }

    #[test]
    fn a_range_is_stepped_through_once_per_pte_table() {
        assert_eq!(steps(0x1000..0x2000).count(), 1);
        assert_eq!(steps(0x1f_f000..0x20_1000).count(), 2);
        assert_eq!(steps(0x20_0000..0x40_0000).count(), 1);
        // 4096 pages, not aligned to 2 MiB, touch nine tables.
        assert_eq!(steps(0x1000..0x1000 + (4096 << 12)).count(), 9);
        assert_eq!(steps(usize::MAX - 0xfff..usize::MAX).count(), 1);
    }

    #[test]
    fn a_table_that_two_steps_share_counts_once() {
        let mut tables = Tables::default();
        tables.add(&walk(5, 5), 0x1f_f000, 0x1f_f000);
        tables.add(&walk(5, 5), 0x20_0000, 0x1f_f000);
        assert_eq!(tables, Tables { p4d: 1, pud: 1, pmd: 1, pte: 2 });
    }

    #[test]
    fn with_four_levels_there_is_no_p4d_table() {
        let mut tables = Tables::default();
        tables.add(&walk(4, 3), 0x1000, 0x1000);
        assert_eq!(tables, Tables { p4d: 0, pud: 1, pmd: 1, pte: 0 });
    }

    #[test]
    fn a_walk_that_ends_at_the_pgd_went_through_no_table() {
        let mut tables = Tables::default();
        tables.add(&walk(5, 1), 0x1000, 0x1000);
        assert_eq!(tables, Tables::default());
    }
}
