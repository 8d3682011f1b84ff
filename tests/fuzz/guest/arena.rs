// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where things lie in the memory of both processes that give calls: at the same
//! addresses, so that a call is the same numbers whoever gives it.

pub const PAGE: u64 = 4096;

/// A piece of memory that both share, with nothing behind it.
#[derive(Clone, Copy)]
pub struct Zone {
    pub start: u64,
    pub size: u64,
    pub writable: bool,
}

impl Zone {
    pub const fn end(&self) -> u64 {
        self.start + self.size
    }
}

/// Where the structures lie that commands point to.
pub const ARGUMENTS: Zone = Zone { start: 0x10_0000_0000, size: 2 * PAGE, writable: true };
pub const READ_ONLY: Zone = Zone { start: 0x10_0010_0000, size: 16 * PAGE, writable: false };
/// Where data comes from and goes to.
pub const DATA: Zone = Zone { start: 0x10_0100_0000, size: 1 << 20, writable: true };
pub const ZONES: [Zone; 3] = [ARGUMENTS, READ_ONLY, DATA];
/// Nothing else is mapped between these.
const AROUND: std::ops::Range<u64> = 0x10_0000_0000..0x11_0000_0000;

/// Where requests of memalloc go, close to each other.
pub const SLOTS: u64 = 0x11_0000_0000;
/// How many pages that is.
pub const SLOT_PAGES: u64 = 32;
/// And where each needs tables of its own.
pub const FAR: [u64; 6] =
    [0x11_0020_0000, 0x11_4000_0000, 0x12_0000_0000, 0x80_0000_0000, 0x2000_0000_0000, 0x7000_0000];
/// Nothing is ever mapped here.
pub const NOWHERE: u64 = 0x14_0000_0000;

/// Is this where only requests of memalloc are mapped?
pub fn is_for_requests(address: u64) -> bool {
    let near = |start: u64| (start..start + SLOT_PAGES * PAGE).contains(&address);
    near(SLOTS) || FAR.into_iter().any(near)
}

/// How many bytes from `address` on can be read, or written; `None` where that depends.
pub fn accessible(address: u64, size: u64, write: bool) -> Option<u64> {
    let zone = ZONES.iter().find(|zone| (zone.start..zone.end()).contains(&address));
    match zone {
        Some(zone) if zone.writable || !write => Some(size.min(zone.end() - address)),
        Some(_) => Some(0),
        None if AROUND.contains(&address) => Some(0),
        // The first page is never mapped, and the upper half is the kernel's.
        None if address < PAGE || address >> 63 == 1 => Some(0),
        None => None,
    }
}
