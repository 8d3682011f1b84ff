// SPDX-License-Identifier: GPL-2.0
//! Single pages of memory, from a pool that has a limit.
//!
//! The pages of a pool have a mapping, as those of a file have: the kernel tells futexes apart by
//! the mapping and the offset of the page that they lie in, and refuses those that processes share
//! in a page without. The mapping is that of an empty tmpfs file that nobody else knows, and the
//! offset is the page's number, which is never used twice. The pages are not in that file's page
//! cache, nor in the kernel's lists of what may be reclaimed: nothing but the pool gives them away
//! or takes them back, and all of them are there from the start. (amdgpu lends its mapping to the
//! pages of its buffers in the same way.) Pages from the file's page cache would do as well, but
//! they come one by one, and `shmem_read_mapping_page_gfp` and the truncation that frees them take
//! longer than the rest: ALLOCATE, touch and FREE were then 1.1 to 1.4 times as fast as `mmap`, and
//! are 1.5 to 3.2 times as fast (`memalloc_bench`). Nor would their reference counts tell who holds
//! them, for the kernel's lists take references, too.
//!
//! A page is given back when the last [`Pages`] that has it goes. Where something else still holds
//! it, a pipe or a disk that writes into it, say, the page goes on counting towards the limit until
//! that lets go, too.
//!
//! Lock order: whatever the caller holds, then the pool's lock, then the lock of a page.

use core::{ops::Range, ptr::NonNull};
use kernel::{
    bindings,
    error::from_err_ptr,
    fs::File,
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex, aref::ARef},
};

use super::helpers;

/// A pointer to an order-0 page.
type Page = *mut bindings::page;

/// Where pages come from.
#[pin_data]
pub(crate) struct Pool {
    /// The mapping of the pages is this file's.
    file: ARef<File>,
    limit: usize,
    #[pin]
    state: Mutex<State>,
}

/// # Invariants
///
/// The pool owns a reference to each page in `held`, and those pages have no mapping any more.
struct State {
    /// Pages that are reserved or not given back yet.
    used: usize,
    /// The number of the next page.
    next: usize,
    /// Pages that no [`Pages`] has any more, but someone else. There is room for all there can be.
    held: KVVec<Page>,
}

// SAFETY: Any thread may use and drop a reference to a page.
unsafe impl Send for State {}

impl Pool {
    /// Of at most `limit` pages; `name` is that of the file.
    pub(crate) fn new(name: &'static CStr, limit: usize) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            file: {
                // SAFETY: `name` is a string that stays.
                let file = unsafe { helpers::ringside_tmpfs_file(name.as_char_ptr()) };
                // SAFETY: The file is open, the reference to it ours, and no process has a
                // descriptor for it.
                unsafe { ARef::from_raw(NonNull::new(from_err_ptr(file)?.cast()).ok_or(ENOMEM)?) }
            },
            limit,
            state <- new_mutex!(State {
                used: 0,
                next: 0,
                held: KVVec::with_capacity(*limit, GFP_KERNEL)?,
            }, "page_pool"),
        }? Error)
    }

    /// Sets `count` pages aside, if there are as many left.
    pub(crate) fn reserve(self: &Arc<Self>, count: usize) -> Option<Pages> {
        let mut state = self.state.lock();
        if state.used.saturating_add(count) > self.limit {
            state.take_back();
        }
        if state.used.saturating_add(count) > self.limit {
            return None;
        }
        let first = state.next;
        state.used += count;
        state.next += count;
        // INVARIANT: The numbers are new, and there is no page yet.
        Some(Pages { pool: self.clone(), numbers: first..first + count, list: KVVec::new() })
    }

    /// How many pages are reserved or not given back yet.
    pub(crate) fn used(&self) -> usize {
        let mut state = self.state.lock();
        state.take_back();
        state.used
    }

    /// The mapping of the pages.
    fn mapping(&self) -> *mut bindings::address_space {
        // SAFETY: The file is open, so it has one; which, never changes.
        unsafe { (*self.file.as_ptr()).f_mapping }
    }
}

impl State {
    /// Gives back the pages that were held by someone else, and are no more.
    fn take_back(&mut self) {
        let before = self.held.len();
        self.held.retain(|page| {
            // SAFETY: By the type invariants, we own a reference to the page.
            let held = unsafe { helpers::ringside_page_is_held(*page) };
            if !held {
                // SAFETY: As above. It is removed from the list, and the reference with it.
                unsafe { helpers::ringside_put_pages(page, 1) };
            }
            held
        });
        self.used -= before - self.held.len();
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: By the type invariants we own a reference to each page, which is given up here;
        // nothing uses `held` afterwards.
        unsafe { helpers::ringside_put_pages(self.held.as_mut_ptr(), self.held.len() as c_int) };
    }
}

/// Pages of a pool, reserved, and filled with zeroes once [`Pages::allocate`] was called.
///
/// # Invariants
///
/// - `list` is empty, or has a page of `pool` for each number in `numbers`. `self` owns a reference
///   to each of them.
/// - `private` of each such page says how many [`Pages`] have it; the pool's lock protects it.
/// - For as long as that is not 0, the page has the pool's mapping.
pub(crate) struct Pages {
    pool: Arc<Pool>,
    numbers: Range<usize>,
    list: KVVec<Page>,
}

// SAFETY: Any thread may use and drop a reference to a page.
unsafe impl Send for Pages {}
// SAFETY: All that `&Pages` allows is to copy pointers and to take further references.
unsafe impl Sync for Pages {}

impl Pages {
    /// Takes the pages from the system and fills them with zeroes. `ENOMEM` if there
    /// are not as many; may sleep.
    pub(crate) fn allocate(mut self) -> Result<Self> {
        let count = self.numbers.len();
        let mut list = KVVec::from_elem(core::ptr::null_mut(), count, GFP_KERNEL)?;
        let mut have = 0;
        while have < count {
            let rest = &mut list.as_mut_slice()[have..];
            // SAFETY: `rest` is an array of null pointers, as many as are given as its length.
            match unsafe { helpers::ringside_alloc_pages(rest.len(), rest.as_mut_ptr()) } {
                0 => break,
                got => have += got,
            }
        }
        if have < count {
            // SAFETY: The first `have` elements were allocated, and nobody knows of them yet.
            unsafe { helpers::ringside_put_pages(list.as_mut_ptr(), have as c_int) };
            return Err(ENOMEM);
        }
        // SAFETY: The pages are ours alone, as many as are given as the length. `self` gets them,
        // and keeps the pool, which keeps the mapping.
        unsafe {
            helpers::ringside_pages_enter(
                list.as_ptr(),
                count,
                self.pool.mapping(),
                self.numbers.start,
            )
        };
        // INVARIANT: All pages were allocated, each with one reference, which is ours, and the
        // mapping; `private` is 1.
        self.list = list;
        Ok(self)
    }

    /// The page at `index` once more. `EINVAL` if there is no such page.
    pub(crate) fn share(&self, index: usize) -> Result<Self> {
        let page = *self.list.get(index).ok_or(EINVAL)?;
        let number = self.numbers.start + index;
        let list = KVVec::from_elem(page, 1, GFP_KERNEL)?;
        let _state = self.pool.state.lock();
        // SAFETY: By the type invariants the page is alive, and we hold the pool's lock.
        unsafe { helpers::ringside_page_share(page) };
        // INVARIANT: We just took the reference, and counted it.
        Ok(Self { pool: self.pool.clone(), numbers: number..number + 1, list })
    }

    /// The numbers of the pages in their pool: two that are the same are the same page.
    pub(crate) fn numbers(&self) -> &Range<usize> {
        &self.numbers
    }

    /// The pages as the kernel's functions take them.
    ///
    /// The pages stay alive for as long as `self` does.
    pub(crate) fn as_slice(&self) -> &[Page] {
        &self.list
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let (pages, count) = (self.list.as_mut_ptr(), self.list.len());
        let mut state = self.pool.state.lock();
        if count == 0 {
            state.used -= self.numbers.len();
            return;
        }
        let mut last = 0;
        // SAFETY: By the type invariants each page is alive, has the mapping and counts us; we hold
        // the pool's lock.
        let free = unsafe { helpers::ringside_pages_leave(pages, count, &mut last) };
        state.used -= last;
        for page in self.list.iter().skip(free) {
            // INVARIANT: The page has no mapping any more, and our reference becomes the pool's.
            // There is room: no more pages are held than are used.
            let _ = state.held.push_within_capacity(*page);
        }
        // SAFETY: By the type invariants each page has a reference of ours, which is given up here;
        // nothing uses `list` afterwards.
        unsafe { helpers::ringside_put_pages(pages, free as c_int) };
    }
}

#[cfg(memalloc)]
#[kunit_tests(ringside_pages)]
mod tests {
    use super::*;

    fn pool(limit: usize) -> Arc<Pool> {
        Arc::pin_init(Pool::new(c"test", limit), GFP_KERNEL).unwrap()
    }

    fn allocate(pool: &Arc<Pool>, count: usize) -> Pages {
        pool.reserve(count).unwrap().allocate().unwrap()
    }

    #[test]
    fn the_last_page_can_be_had_and_one_more_cannot() {
        let pool = pool(4);
        let three = pool.reserve(3).unwrap();
        assert!(pool.reserve(2).is_none());
        let last = allocate(&pool, 1);
        assert!(pool.reserve(1).is_none());
        assert!(pool.reserve(usize::MAX).is_none());
        drop(three);
        assert_eq!(pool.used(), 1);
        drop(last);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn no_two_pages_have_the_same_number() {
        let pool = pool(4);
        let first = allocate(&pool, 2).numbers().clone();
        let second = allocate(&pool, 2);
        assert!(first.end <= second.numbers().start);
    }

    #[test]
    fn a_shared_page_counts_once_and_until_the_last_who_has_it_is_gone() {
        let pool = pool(4);
        let three = allocate(&pool, 3);
        let one = three.share(1).unwrap();
        assert!(three.share(3).is_err());
        assert_eq!(*one.numbers(), three.numbers().start + 1..three.numbers().start + 2);
        assert_eq!(one.as_slice()[0], three.as_slice()[1]);
        assert_eq!(pool.used(), 3);
        drop(three);
        assert_eq!(pool.used(), 1);
        drop(one);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn a_page_that_something_else_holds_counts_until_that_lets_go() {
        let pool = pool(2);
        let two = allocate(&pool, 2);
        let mut page = two.as_slice()[0];
        // SAFETY: The page is alive.
        unsafe { helpers::ringside_get_page(page) };
        drop(two);
        assert_eq!(pool.used(), 1);
        assert!(pool.reserve(2).is_none());
        // SAFETY: We took this reference above.
        unsafe { helpers::ringside_put_pages(&mut page, 1) };
        assert!(pool.reserve(2).is_some());
    }
}
