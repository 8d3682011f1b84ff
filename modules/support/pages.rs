// SPDX-License-Identifier: GPL-2.0
//! Single pages of memory, owned together.

use core::ptr;
use kernel::{
    bindings,
    prelude::*, //
};

use super::helpers;

/// Pages of 4096 bytes; each goes when the last that holds a reference to it
/// lets go: this, or a page table that maps it, or another [`Pages`].
///
/// # Invariants
///
/// Every element of `list` points to an order-0 page, and `self` owns one
/// reference to it.
pub(crate) struct Pages {
    list: KVVec<*mut bindings::page>,
}

// SAFETY: A reference to a page may be dropped by any thread.
unsafe impl Send for Pages {}
// SAFETY: All that `&Pages` allows is to compare pointers and to take further references.
unsafe impl Sync for Pages {}

impl Pages {
    /// Takes `count` pages from the system and fills them with zeroes. `ENOMEM` if there
    /// are not as many; may sleep.
    pub(crate) fn zeroed(count: usize) -> Result<Self> {
        let mut list = KVVec::from_elem(ptr::null_mut(), count, GFP_KERNEL)?;
        let mut have = 0;
        while have < count {
            let rest = &mut list.as_mut_slice()[have..];
            // SAFETY: `rest` is an array of null pointers, as many as are given as its length.
            let got = unsafe { helpers::ringside_alloc_pages(rest.len(), rest.as_mut_ptr()) };
            if got == 0 {
                list.truncate(have);
                // INVARIANT: The first `have` elements were allocated; drop gives them back.
                drop(Self { list });
                return Err(ENOMEM);
            }
            have += got;
        }
        // INVARIANT: All `count` pages were allocated, each with one reference, which is ours.
        Ok(Self { list })
    }

    /// The page at `index` once more, owned on its own. `EINVAL` if there is no such page.
    pub(crate) fn share(&self, index: usize) -> Result<Self> {
        let page = *self.list.get(index).ok_or(EINVAL)?;
        let mut list = KVVec::with_capacity(1, GFP_KERNEL)?;
        list.push(page, GFP_KERNEL)?;
        // SAFETY: By the type invariants the page is alive.
        unsafe { helpers::ringside_get_page(page) };
        // INVARIANT: We just took the reference.
        Ok(Self { list })
    }

    /// How many pages there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Are the page at `index` here and the page at `other_index` in `other` the same memory?
    pub(crate) fn same(&self, index: usize, other: &Self, other_index: usize) -> bool {
        match (self.list.get(index), other.list.get(other_index)) {
            (Some(page), Some(other)) => ptr::eq(*page, *other),
            _ => false,
        }
    }

    /// The pages as the kernel's functions take them.
    ///
    /// The pages stay alive for as long as `self` does.
    pub(crate) fn as_slice(&self) -> &[*mut bindings::page] {
        &self.list
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: By the type invariants each page has a reference of ours, which is given up
        // here; nothing uses `list` afterwards.
        unsafe { helpers::ringside_put_pages(self.list.as_mut_ptr(), self.list.len() as c_int) };
    }
}
