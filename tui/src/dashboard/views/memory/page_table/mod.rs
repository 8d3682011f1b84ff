// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a page-table walk means: which bits of an address choose which entry
//! ([`level`]), what each bit of an entry says ([`entry`]), and what comes of a
//! walk as a whole and since an earlier one ([`walk`]), and how all that is said
//! ([`words`]).
//!
//! The kernel hands out raw entries; everything here is decoding, after
//! `arch/x86/include/asm/pgtable_types.h` and the processor manuals (Intel SDM
//! volume 3, chapter 5, "Paging").

pub mod entry;
pub mod level;
pub mod walk;
pub mod words;

pub use self::entry::{Entry, Flag, LeadsTo};
pub use self::level::{INDEX_BITS, Level, OFFSET_BITS, Part, split};
pub use self::walk::{Refusal, Step, Verdict, new_tables, refusal, steps, verdict};
