// SPDX-License-Identifier: GPL-2.0
//! The functions of `helpers.c`, which says what each is for.

use kernel::{
    bindings,
    prelude::*, //
};

extern "C" {
    pub(super) fn ringside_task_size_max() -> c_ulong;
    pub(super) fn ringside_alloc_pages(count: usize, pages: *mut *mut bindings::page) -> usize;
    pub(super) fn ringside_get_page(page: *mut bindings::page);
    pub(super) fn ringside_put_pages(pages: *mut *mut bindings::page, count: c_int);
    pub(super) fn ringside_five_levels() -> bool;
    pub(super) fn ringside_irq_save() -> c_ulong;
    pub(super) fn ringside_irq_restore(flags: c_ulong);
    pub(super) fn ringside_pgd_offset(mm: *mut bindings::mm_struct, address: usize) -> *mut u64;
    pub(super) fn ringside_p4d_offset(from: *mut u64, entry: u64, address: usize) -> *mut u64;
    pub(super) fn ringside_pud_offset(entry: u64, address: usize) -> *mut u64;
    pub(super) fn ringside_pmd_offset(entry: u64, address: usize) -> *mut u64;
    pub(super) fn ringside_pte_offset(entry: u64, address: usize) -> *mut u64;
    pub(super) fn ringside_bdev_size(bdev: *mut bindings::block_device) -> u64;
    pub(super) fn ringside_bdev_logical_block_size(bdev: *mut bindings::block_device) -> c_uint;
}
