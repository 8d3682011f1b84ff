// SPDX-License-Identifier: GPL-2.0
//! Refuses to compile against a kernel whose structs Rust sees otherwise than C.
//!
//! The kernel makes its Rust bindings with layout tests switched off, and
//! bindgen is known to lose the alignment of an empty aligned struct: without
//! `CONFIG_SCHEDSTATS` every field of `task_struct` behind one is off by 0x30
//! bytes, silently. Kbuild writes the offsets that the C compiler uses (see
//! `layout.c`) into the file that is included here.

use core::mem::{offset_of, size_of};
use kernel::bindings::{file, mm_struct, module, semaphore, task_struct, vm_area_struct};

include!(env!("RINGSIDE_LAYOUT"));

/// Compares one offset or size; the error names the field.
macro_rules! same {
    ($rust:expr, $c:ident, $what:literal) => {
        const _: () = assert!(
            $rust == $c,
            concat!(
                "Rust and C disagree about ",
                $what,
                ": this kernel's Rust bindings are wrong. Enable CONFIG_SCHEDSTATS and rebuild it."
            )
        );
    };
}

// Offsets inside `mm_struct`'s anonymous struct are those of the struct itself:
// it comes first.
same!(offset_of!(task_struct, pid), TASK_PID, "task_struct.pid");
same!(offset_of!(task_struct, tgid), TASK_TGID, "task_struct.tgid");
same!(offset_of!(task_struct, mm), TASK_MM, "task_struct.mm");
same!(offset_of!(task_struct, comm), TASK_COMM, "task_struct.comm");
same!(size_of::<task_struct>(), TASK_SIZE, "the size of task_struct");
same!(offset_of!(mm_struct, __bindgen_anon_1.pgd), MM_PGD, "mm_struct.pgd");
same!(offset_of!(mm_struct, __bindgen_anon_1.mmap_lock), MM_MMAP_LOCK, "mm_struct.mmap_lock");
same!(offset_of!(vm_area_struct, vm_file), VMA_FILE, "vm_area_struct.vm_file");
same!(offset_of!(vm_area_struct, vm_private_data), VMA_PRIVATE, "vm_area_struct.vm_private_data");
same!(offset_of!(file, f_inode), FILE_INODE, "file.f_inode");
same!(offset_of!(file, private_data), FILE_PRIVATE, "file.private_data");
same!(offset_of!(file, f_mapping), FILE_MAPPING, "file.f_mapping");
same!(offset_of!(module, mkobj), MODULE_KOBJECT, "module.mkobj");
same!(size_of::<semaphore>(), SEMAPHORE_SIZE, "the size of semaphore");
