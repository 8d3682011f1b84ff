// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compilers and tools that a kernel was built with, as arguments of make.

use super::super::linux::Kernel;

/// Debug information, also where the kernel has none: gdb and the line of an oops need
/// it. For C, as KCFLAGS, and for Rust, as KRUSTFLAGS.
pub(crate) const DEBUG_INFO: [&str; 2] = ["-g", "-Cdebuginfo=2"];

/// The kernel's own compilers and tools: the arguments of make for every folder.
pub(super) fn arguments(kernel: &Kernel) -> Vec<String> {
    kernel.make_arguments.iter().cloned().chain(compiler(kernel)).collect()
}

/// The kernel's own compiler and tools, said on the command line, where no
/// Makefile's assignment wins over them.
fn compiler(kernel: &Kernel) -> Vec<String> {
    let llvm = kernel.make_arguments.iter().find_map(|argument| argument.strip_prefix("LLVM="));
    let (before, after) = match llvm {
        Some(suffix) if suffix.starts_with('-') => ("", suffix),
        Some(folder) if folder.ends_with('/') => (folder, ""),
        _ => ("", ""),
    };
    let name = |gnu: &str, of_llvm: &str| match llvm {
        Some(_) => format!("{before}{of_llvm}{after}"),
        None => gnu.to_owned(),
    };
    vec![
        format!("CC={}", name("gcc", "clang")),
        format!("LD={}", name("ld", "ld.lld")),
        format!("AR={}", name("ar", "llvm-ar")),
        format!("NM={}", name("nm", "llvm-nm")),
        format!("OBJCOPY={}", name("objcopy", "llvm-objcopy")),
        format!("STRIP={}", name("strip", "llvm-strip")),
        "CROSS_COMPILE=".to_owned(),
        "ARCH=x86_64".to_owned(),
    ]
}
