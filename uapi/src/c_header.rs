// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! The contract as a C header, `include/ringside.h`, for programs in C and C++.
//!
//! It is written from the very constants and structs that the Rust side uses,
//! and says so to the compiler, which checks numbers, sizes and offsets again.
//! Macros of the original contract have their old, bare names; every other one
//! bears the name of its module, so that it meets no other header's.
//! After a change of the contract:
//!
//! ```text
//! cargo run -p ringside-uapi --example header > uapi/include/ringside.h
//! ```

use core::fmt::{self, Write};
use core::mem::{offset_of, size_of};

use crate::describe::without_padding;
use crate::{kmod, memalloc, my_syscall, producer_consumer};

/// Writes one struct: its name in C, what it is for, its Rust type, and each
/// field with its C declaration. Fields that C has only as padding are given as
/// `_`. A field that is left out does not compile, nor does padding that is no field: the modules
/// hand the bytes of these structs to user space.
macro_rules! structure {
    ($out:expr, $name:literal, $help:literal, $type:path {
        $($field:ident: $declaration:tt, $comment:tt;)+
    }) => {{
        type Struct = $type;
        without_padding!(Struct { $($field),+ });
        writeln!($out, "/* {} */\nstruct {} {{", $help, $name)?;
        $(structure!(@field $out, $declaration, $comment);)+
        writeln!($out, "}};")?;
        writeln!(
            $out,
            "RINGSIDE_CHECK(size_of_{}, sizeof(struct {}) == {});",
            $name, $name, size_of::<$type>()
        )?;
        $(structure!(@offset $out, $name, $type, $field, $declaration);)+
        writeln!($out)?;
    }};
    (@field $out:expr, _, $comment:tt) => {};
    (@field $out:expr, $declaration:literal, $comment:literal) => {
        writeln!($out, "\t{}; /* {} */", $declaration, $comment)?
    };
    (@offset $out:expr, $name:literal, $type:path, $field:ident, _) => {};
    (@offset $out:expr, $name:literal, $type:path, $field:ident, $declaration:literal) => {
        writeln!(
            $out,
            "RINGSIDE_CHECK({}_{}, offsetof(struct {}, {}) == {});",
            $name, stringify!($field), $name, stringify!($field), offset_of!($type, $field)
        )?
    };
}

/// Writes commands: what descriptor they need, then of each its name, its number as
/// C makes it, its number, what it is for.
fn commands(
    out: &mut impl Write,
    descriptor: &str,
    commands: &[(&str, &str, u32, &str)],
) -> fmt::Result {
    writeln!(out, "/*\n{descriptor}\n */")?;
    for (name, macro_call, number, help) in commands {
        writeln!(out, "/* {help} */\n#define {name} {macro_call}")?;
        writeln!(out, "RINGSIDE_CHECK({name}, {name} == {number:#010x}u);")?;
    }
    writeln!(out)
}

/// Writes the whole header.
///
/// # Errors
///
/// What `out` says when it can't be written to.
pub fn write(out: &mut impl Write) -> fmt::Result {
    out.write_str(
        "/* SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0 */
/*
 * The binary contract of Ringside's kernel modules, for programs in C (from C99
 * on) and C++ on x86-64.
 *
 * Generated from uapi/src; do not edit. To renew it:
 *
 *	cargo run -p ringside-uapi --example header > uapi/include/ringside.h
 */
#ifndef RINGSIDE_H
#define RINGSIDE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* A declaration that does not compile where this header is wrong. */
#define RINGSIDE_CHECK(name, good) typedef char ringside_check_##name[(good) ? 1 : -1]

",
    )?;
    memalloc(out)?;
    kmod(out)?;
    tables(out)?;
    snapshot(out)?;
    system_call(out)?;
    out.write_str("#endif /* RINGSIDE_H */\n")
}

fn memalloc(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "/* --- memalloc: pages mapped into the calling process --- */\n")?;
    writeln!(out, "#define MEMALLOC_DEVICE \"{}\"", memalloc::DEVICE)?;
    writeln!(
        out,
        "/* Pages that may be mapped at one time, by all processes together. */\n\
         #define MEMALLOC_PAGES_LIMIT {}",
        memalloc::PAGES_LIMIT
    )?;
    writeln!(
        out,
        "/* Requests that may live at one time, of all processes together. */\n\
         #define MEMALLOC_REQUESTS_LIMIT {}",
        memalloc::REQUESTS_LIMIT
    )?;
    writeln!(
        out,
        "/* errno over the page limit (ENOENT) and over the request limit (ESRCH). */\n\
         #define MEMALLOC_ERRNO_PAGES_LIMIT {}\n#define MEMALLOC_ERRNO_REQUESTS_LIMIT {}\n",
        memalloc::ERRNO_PAGES_LIMIT,
        memalloc::ERRNO_REQUESTS_LIMIT
    )?;
    structure!(out, "alloc_info", "Argument of ALLOCATE.", memalloc::AllocInfo {
        vaddr: "unsigned long vaddr", "where the first page goes; a multiple of 4096";
        num_pages: "int num_pages", "at least 1";
        write: "bool write", "may the pages be written?";
        padding: _, _;
    });
    structure!(out, "free_info", "Argument of FREE.", memalloc::FreeInfo {
        vaddr: "unsigned long vaddr", "the first address of the request";
    });
    structure!(out, "sharepage_info", "Argument of SHAREPAGE.", memalloc::SharepageInfo {
        vaddr: "unsigned long vaddr", "the page to offer";
        client_pid: "int client_pid", "the process it is offered to";
        write: "bool write", "may that process write to it?";
        padding: _, _;
    });
    structure!(out, "accesspage_info", "Argument of ACCESSPAGE.", memalloc::AccesspageInfo {
        vaddr: "unsigned long vaddr", "where to map the page that was offered";
    });
    structure!(out, "walk_info", "Argument and result of MEMALLOC_WALK.", memalloc::WalkInfo {
        vaddr: "__u64 vaddr", "in: the address to translate";
        levels: "__u32 levels", "5, or 4 where there is no P4D";
        depth: "__u32 depth", "how many entries were read";
        entry: "__u64 entry[5]", "raw; PGD, P4D, PUD, PMD, PTE, or with four levels PGD, PUD, PMD, PTE";
    });
    commands(
        out,
        " * ALLOCATE and ACCESSPAGE need a descriptor that is open for reading, and for\n \
         * writing where the pages are to be written (EACCES); MEMALLOC_WALK needs one for\n \
         * reading (EBADF); for the others any will do.",
        &[
            (
                "ALLOCATE",
                "_IOW('a', 'a', struct alloc_info *)",
                memalloc::ALLOCATE,
                "Maps zeroed pages.",
            ),
            (
                "FREE",
                "_IOW('a', 'b', struct free_info *)",
                memalloc::FREE,
                "Gives back a whole request.",
            ),
            (
                "SHAREPAGE",
                "_IOW('a', 'c', struct sharepage_info *)",
                memalloc::SHAREPAGE,
                "Offers a page to another process.",
            ),
            (
                "ACCESSPAGE",
                "_IOW('a', 'd', struct accesspage_info *)",
                memalloc::ACCESSPAGE,
                "Maps the page that was offered to the caller.",
            ),
            (
                "MEMALLOC_WALK",
                "_IOWR('a', 'e', struct walk_info)",
                memalloc::WALK,
                "Reads the page-table entries that translate an address.",
            ),
        ],
    )
}

fn kmod(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "/* --- kmod: reads and writes of a block device --- */\n")?;
    writeln!(out, "#define KMOD_DEVICE \"{}\"", kmod::DEVICE)?;
    writeln!(
        out,
        "/* The most bytes that one call moves. */\n#define KMOD_MAX_TRANSFER {:#x}",
        kmod::MAX_TRANSFER
    )?;
    writeln!(
        out,
        "/* Flags of block_info: it can't be written; it was taken away. */\n\
         #define KMOD_FLAG_READ_ONLY {}u\n#define KMOD_FLAG_GONE {}u\n",
        kmod::FLAG_READ_ONLY,
        kmod::FLAG_GONE
    )?;
    structure!(out, "block_rw_ops", "Argument of BREAD and BWRITE.", kmod::BlockRwOps {
        data: "char *data", "the caller's buffer";
        size: "unsigned int size", "bytes to move";
        padding: _, _;
    });
    structure!(
        out,
        "block_rwoffset_ops",
        "Argument of BREADOFFSET and BWRITEOFFSET.",
        kmod::BlockRwOffsetOps {
            data: "char *data", "the caller's buffer";
            size: "unsigned int size", "bytes to move";
            offset: "unsigned int offset", "where on the device, in bytes";
        }
    );
    structure!(out, "block_info", "Result of KMOD_INFO.", kmod::BlockInfo {
        size: "__u64 size", "of the device, in bytes";
        position: "__u64 position", "where BREAD and BWRITE go on, in bytes";
        logical_block_size: "__u32 logical_block_size", "in bytes";
        flags: "__u32 flags", "KMOD_FLAG_...";
    });
    structure!(out, "block_io", "Argument of KMOD_READ64 and KMOD_WRITE64.", kmod::BlockIo {
        data: "__u64 data", "the address of the caller's buffer";
        offset: "__u64 offset", "where on the device, in bytes";
        size: "__u32 size", "bytes to move";
        reserved: "__u32 reserved", "must be 0";
    });
    commands(
        out,
        " * Reads need a descriptor that is open for reading, writes one that is open for\n \
         * writing (EBADF); for KMOD_INFO and KMOD_SYNC any will do.",
        &[
            (
                "BREAD",
                "_IOW('a', 'a', struct block_rw_ops)",
                kmod::BREAD,
                "Reads on from the position.",
            ),
            (
                "BWRITE",
                "_IOW('a', 'b', struct block_rw_ops)",
                kmod::BWRITE,
                "Writes on from the position.",
            ),
            (
                "BREADOFFSET",
                "_IOW('a', 'c', struct block_rwoffset_ops)",
                kmod::BREADOFFSET,
                "Goes to an offset, then reads.",
            ),
            (
                "BWRITEOFFSET",
                "_IOW('a', 'd', struct block_rwoffset_ops)",
                kmod::BWRITEOFFSET,
                "Goes to an offset, then writes.",
            ),
            ("KMOD_INFO", "_IOR('a', 'e', struct block_info)", kmod::INFO, "Describes the device."),
            (
                "KMOD_SYNC",
                "_IO('a', 'f')",
                kmod::SYNC,
                "Makes every write durable, or says that some were lost.",
            ),
            (
                "KMOD_READ64",
                "_IOW('a', 'g', struct block_io)",
                kmod::READ64,
                "Reads anywhere; the position stays.",
            ),
            (
                "KMOD_WRITE64",
                "_IOW('a', 'h', struct block_io)",
                kmod::WRITE64,
                "Writes anywhere; the position stays.",
            ),
        ],
    )
}

fn tables(out: &mut impl Write) -> fmt::Result {
    use producer_consumer::{
        KIND_CONSUMER, KIND_PRODUCER, STATE_DELAY, STATE_PARKED, STATE_RUNNING, STATE_WAITS_EMPTY,
        STATE_WAITS_FULL, SlotRecord, ThreadRecord,
    };
    writeln!(
        out,
        "/* --- producer_consumer: records of the files counters/threads and counters/slots --- */\n"
    )?;
    structure!(out, "thread_record", "One thread, producers first.", ThreadRecord {
        kind: "__u8 kind", "PRODUCER_CONSUMER_KIND_...";
        state: "__u8 state", "PRODUCER_CONSUMER_STATE_...";
        reserved: "__u16 reserved", "0";
        index: "__u32 index", "the number in its name, from 1";
        items: "__u64 items", "how many it moved";
        waits: "__u64 waits", "how often it waited for its semaphore";
    });
    structure!(out, "slot_record", "One slot of the ring.", SlotRecord {
        item: "__u64 item", "the item's number, from 1; 0: the slot is empty";
        producer: "__u32 producer", "the index of the producer that made it; 0: the slot is empty";
        reserved: "__u32 reserved", "0";
    });
    for (name, value) in [
        ("KIND_PRODUCER", KIND_PRODUCER),
        ("KIND_CONSUMER", KIND_CONSUMER),
        ("STATE_RUNNING", STATE_RUNNING),
        ("STATE_WAITS_EMPTY", STATE_WAITS_EMPTY),
        ("STATE_WAITS_FULL", STATE_WAITS_FULL),
        ("STATE_DELAY", STATE_DELAY),
        ("STATE_PARKED", STATE_PARKED),
    ] {
        writeln!(out, "#define PRODUCER_CONSUMER_{name} {value}")?;
    }
    writeln!(out)
}

fn snapshot(out: &mut impl Write) -> fmt::Result {
    use producer_consumer::{
        PHASE_PAUSED, PHASE_PAUSING, PHASE_RUNNING, PHASE_STOPPING, SNAPSHOT_SLOTS_MAX, Snapshot,
    };
    writeln!(
        out,
        "/* --- producer_consumer: the file counters/snapshot, all of it of one moment --- */\n\n\
         /*\n \
         * A read from offset 0 takes the moment; what is read from other offsets is of the moment\n \
         * that was taken last, which `sequence` tells from others.\n \
         */"
    )?;
    structure!(
        out,
        "producer_consumer_snapshot",
        "The file's beginning; thread_records follow, then slot_records.",
        Snapshot {
            size: "__u32 size", "bytes of this struct";
            phase: "__u32 phase", "PRODUCER_CONSUMER_PHASE_...";
            sequence: "__u64 sequence", "how many snapshots were taken, this one included";
            capacity: "__u64 capacity", "slots of the ring";
            occupancy: "__u64 occupancy", "slots that hold an item";
            empty: "__u64 empty", "what the semaphore empty holds";
            full: "__u64 full", "what the semaphore full holds";
            produced: "__u64 produced", "items ever put into the ring";
            consumed: "__u64 consumed", "items ever taken out of it";
            producer_waits: "__u64 producer_waits", "how often a producer waited";
            consumer_waits: "__u64 consumer_waits", "how often a consumer waited";
            producer_delay: "__u64 producer_delay", "microseconds";
            consumer_delay: "__u64 consumer_delay", "microseconds";
            paused: "__u64 paused", "the control paused";
            step: "__u64 step", "the control step";
            producers: "__u32 producers", "producer threads";
            consumers: "__u32 consumers", "consumer threads";
            producers_waiting: "__u32 producers_waiting", "those that wait on empty";
            consumers_waiting: "__u32 consumers_waiting", "those that wait on full";
            last_item: "__u64 last_item", "the item moved last; 0: none was";
            last_slot: "__u64 last_slot", "the slot it was put into or taken from";
            last_producer: "__u32 last_producer", "the index of the producer that made it";
            last_kind: "__u32 last_kind", "who moved it: PRODUCER_CONSUMER_KIND_...";
            last_thread: "__u32 last_thread", "the index of the thread that moved it";
            slots: "__u32 slots", "slot records that follow";
        }
    );
    for (name, value) in [
        ("PHASE_RUNNING", PHASE_RUNNING),
        ("PHASE_PAUSING", PHASE_PAUSING),
        ("PHASE_PAUSED", PHASE_PAUSED),
        ("PHASE_STOPPING", PHASE_STOPPING),
    ] {
        writeln!(out, "#define PRODUCER_CONSUMER_{name} {value}u")?;
    }
    writeln!(
        out,
        "/* The most slots of a snapshot; of a larger ring it has none. */\n\
         #define PRODUCER_CONSUMER_SNAPSHOT_SLOTS_MAX {SNAPSHOT_SLOTS_MAX}\n"
    )
}

fn system_call(out: &mut impl Write) -> fmt::Result {
    writeln!(
        out,
        "/* --- my_syscall: ask this file for the number of the system call --- */\n\n\
         #define MY_SYSCALL_NUMBER_FILE \"{}/{}\"\n",
        my_syscall::FOLDER,
        my_syscall::NUMBER
    )
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn what_is_not_of_the_original_contract_bears_its_modules_name() {
        let original = [
            "ALLOCATE",
            "FREE",
            "SHAREPAGE",
            "ACCESSPAGE",
            "BREAD",
            "BWRITE",
            "BREADOFFSET",
            "BWRITEOFFSET",
        ];
        let mut made = String::new();
        assert!(super::write(&mut made).is_ok());
        let macros = made.lines().filter_map(|line| line.strip_prefix("#define "));
        let mut bare: Vec<&str> = macros
            .map(|rest| rest.split([' ', '(']).next().unwrap_or_default())
            .filter(|name| !name.starts_with("RINGSIDE_"))
            .filter(|name| {
                let of = |module: &&crate::Module| {
                    name.starts_with(&std::format!("{}_", module.name.to_uppercase()))
                };
                !crate::MODULES.iter().any(of) && !name.starts_with("MY_SYSCALL_")
            })
            .collect();
        bare.sort_unstable();
        let mut original = original.to_vec();
        original.sort_unstable();
        assert_eq!(bare, original);
    }

    #[test]
    fn the_header_in_the_repository_is_the_one_that_the_contract_makes() {
        let mut made = String::new();
        assert!(super::write(&mut made).is_ok());
        let kept = include_str!("../include/ringside.h");
        assert!(
            made == kept,
            "uapi/include/ringside.h is out of date: \
             cargo run -p ringside-uapi --example header > uapi/include/ringside.h"
        );
    }
}
