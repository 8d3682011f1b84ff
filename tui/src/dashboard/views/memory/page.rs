// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pages of an address space, and which are memalloc's.

use crate::kernel::api::Mapping;

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Address space that one PTE table translates.
pub(crate) const TABLE: u64 = 1 << 21;
/// Where the first pages are suggested: half of the lower 47 bits, far from
/// everything else, so that tables of every level come into being for them.
pub const SUGGESTED: u64 = 1 << 46;

/// The first address of the page that holds `address`.
pub fn page_of(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// Is the mapping memalloc's?
pub fn is_ours(mapping: &Mapping) -> bool {
    mapping.name.starts_with("/dev/memalloc")
}
