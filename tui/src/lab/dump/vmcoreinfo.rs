// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's note: what it is and where its page tables lie
//! (`Documentation/admin-guide/kdump/vmcoreinfo.rst`). Our kernels lie where they
//! were linked, at every boot.

use std::fmt::Write as _;
use std::fs;
use std::io;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSymbol};

use crate::lab::linux::Kernel;

/// Five levels of page tables are in use (CR4.LA57).
const LA57: u64 = 1 << 12;
/// What the note calls the kernel's page table is another name on x86-64.
const SYMBOLS: [(&str, &str); 3] =
    [("init_uts_ns", "init_uts_ns"), ("_stext", "_stext"), ("swapper_pg_dir", "init_top_pgt")];

pub(super) fn text(kernel: &Kernel, cr4: u64) -> io::Result<String> {
    let bytes = fs::read(&kernel.vmlinux)?;
    let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let elf = ElfFile64::<Endianness>::parse(bytes.as_slice())
        .map_err(|error| wrong(format!("{}: {error}", kernel.vmlinux.display())))?;
    let mut text = format!("OSRELEASE={}\n", kernel.release);
    if let Ok(Some(id)) = elf.build_id() {
        let hex = crate::text::bytes::hex(id);
        // Writing to a string can't fail.
        let _ = writeln!(text, "BUILD-ID={hex}");
    }
    text.push_str("PAGESIZE=4096\n");
    for (name, symbol) in SYMBOLS {
        let found = elf.symbols().find(|candidate| candidate.name() == Ok(symbol));
        let found = found.ok_or_else(|| wrong(format!("the kernel has no symbol {symbol}")))?;
        let _ = writeln!(text, "SYMBOL({name})={:x}", found.address());
    }
    text.push_str("NUMBER(phys_base)=0\nKERNELOFFSET=0\n");
    let five = u8::from(cr4 & LA57 != 0);
    let _ = writeln!(text, "NUMBER(pgtable_l5_enabled)={five}");
    Ok(text)
}
