// SPDX-License-Identifier: GPL-2.0
//! Which addresses a request may be for.

use core::ops::Range;
use kernel::{page::PAGE_SIZE, prelude::*};

use crate::support::argument::Wrong;

/// The addresses of `count` pages from `start`, in a process whose addresses end at `limit`.
pub(crate) fn pages(start: u64, count: i32, limit: usize) -> Result<Range<usize>, Wrong> {
    let wrong = |why, value| Err(Wrong { error: EINVAL, why, value });
    let size = match usize::try_from(count) {
        Err(_) | Ok(0) => return wrong("num_pages must be at least 1", count as u32 as u64),
        // Fits: fewer than 2^31 times 2^12.
        Ok(count) => count * PAGE_SIZE,
    };
    let first = page(start, limit)?;
    match first.checked_add(size) {
        Some(end) if end <= limit => Ok(first..end),
        _ => wrong("the pages from vaddr on do not all lie in user space", start),
    }
}

/// The address of one page, in a process whose addresses end at `limit`.
pub(crate) fn page(address: u64, limit: usize) -> Result<usize, Wrong> {
    let wrong = |why| Err(Wrong { error: EINVAL, why, value: address });
    let address = usize::try_from(address).unwrap_or(usize::MAX);
    if address == 0 {
        // The kernel lets root map it, and then null pointers would point to something.
        wrong("vaddr is 0")
    } else if address % PAGE_SIZE != 0 {
        wrong("vaddr is not a multiple of 4096")
    } else if address > limit - PAGE_SIZE {
        wrong("vaddr does not lie in user space")
    } else {
        Ok(address)
    }
}

#[kunit_tests(memalloc_range)]
mod tests {
    use super::*;

    const FOUR_LEVELS: usize = (1 << 47) - PAGE_SIZE;

    fn refused(start: u64, count: i32) -> bool {
        pages(start, count, FOUR_LEVELS).is_err()
    }

    #[test]
    fn a_range_ends_after_its_last_page() {
        assert_eq!(pages(0x10000, 3, FOUR_LEVELS), Ok(0x10000..0x13000));
    }

    #[test]
    fn a_count_that_is_not_positive_is_refused() {
        for count in [0, -1, i32::MIN] {
            assert!(refused(0x10000, count));
        }
    }

    #[test]
    fn address_0_and_addresses_within_a_page_are_refused() {
        for start in [0, 1, 0xfff, 0x10001, u64::MAX] {
            assert!(refused(start, 1));
        }
    }

    #[test]
    fn the_last_page_of_user_space_can_be_had_and_the_next_one_cannot() {
        let last = FOUR_LEVELS - PAGE_SIZE;
        assert_eq!(pages(last as u64, 1, FOUR_LEVELS), Ok(last..FOUR_LEVELS));
        assert!(refused(last as u64, 2));
        assert!(refused(FOUR_LEVELS as u64, 1));
    }

    #[test]
    fn addresses_of_the_kernel_and_of_nobody_are_refused() {
        // Non-canonical; the first of the kernel's; its text; the very last page.
        for start in [1 << 57, 0xffff_8000_0000_0000, 0xffff_ffff_8000_0000, u64::MAX - 0xfff] {
            assert!(refused(start, 1));
            assert!(refused(start, i32::MAX));
        }
    }
}
