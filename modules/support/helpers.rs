// SPDX-License-Identifier: GPL-2.0
//! The functions of `helpers.c`, which says what each is for.

use kernel::{bindings, prelude::*};

#[allow(
    improper_ctypes,
    reason = "as in the kernel's own bindings: its empty structs are no trouble behind a pointer"
)]
extern "C" {
    pub(crate) fn ringside_task_size_max() -> c_ulong;
    pub(crate) fn ringside_alloc_pages(count: usize, pages: *mut *mut bindings::page) -> usize;
    pub(crate) fn ringside_get_page(page: *mut bindings::page);
    pub(crate) fn ringside_put_pages(pages: *mut *mut bindings::page, count: c_int);
    pub(super) fn ringside_tmpfs_file(name: *const c_char) -> *mut bindings::file;
    pub(super) fn ringside_pages_enter(
        pages: *const *mut bindings::page,
        count: usize,
        mapping: *mut bindings::address_space,
        index: usize,
    );
    pub(super) fn ringside_page_share(page: *mut bindings::page);
    pub(super) fn ringside_pages_leave(
        pages: *mut *mut bindings::page,
        count: usize,
        last: &mut usize,
    ) -> usize;
    pub(super) fn ringside_page_is_held(page: *mut bindings::page) -> bool;
    pub(crate) fn ringside_five_levels() -> bool;
    pub(super) fn ringside_table(entry: u64) -> *const u64;
    pub(super) fn ringside_get_words(to: *mut u64, from: *const u64, count: usize) -> bool;
    pub(super) fn ringside_bdev_transfer(
        file: *mut bindings::file,
        write: bool,
        buffer: usize,
        size: usize,
        position: i64,
        bytes: *mut u64,
        transfers: *mut u64,
    ) -> isize;
    pub(crate) fn ringside_bdev_size(bdev: *mut bindings::block_device) -> u64;
    pub(crate) fn ringside_bdev_logical_block_size(bdev: *mut bindings::block_device) -> c_uint;
    pub(crate) fn ringside_bdev_read_only(bdev: *mut bindings::block_device) -> bool;
    pub(super) fn ringside_mutex_lock_killable(mutex: *mut bindings::mutex) -> c_int;
    pub(super) fn ringside_mutex_lock_interruptible(mutex: *mut bindings::mutex) -> c_int;
    pub(super) fn ringside_ratelimit_init(state: *mut bindings::ratelimit_state, lines: c_int);
    pub(super) fn ringside_sema_init(semaphore: *mut bindings::semaphore, value: c_int);
    pub(super) fn ringside_sched_idle(task: *mut bindings::task_struct) -> c_int;
    pub(super) fn ringside_set_interruptible();
    pub(super) fn ringside_set_running();
}
