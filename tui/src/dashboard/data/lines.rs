// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines that a person would have typed or coded: shell commands with every
//! word quoted as a shell needs it, calls in C. Addresses and offsets are in
//! hex, counts in decimal. Numbers come as [`Display`], so that a form can show
//! [`UNKNOWN`] where what was typed is none.

use std::fmt::Display;

use crate::kernel::parameters;

/// Stands for a number that is not known yet.
pub const UNKNOWN: &str = "?";

/// The most bytes of data that are spelled out.
const SPELLED: usize = 8;

/// A word as a shell needs it.
pub fn quote(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| format!("{text:?}"), |quoted| quoted.into_owned())
}

/// A program and its arguments as a shell needs them.
pub fn program(arguments: &[Vec<u8>]) -> String {
    let words = arguments.iter().map(|word| quote(&String::from_utf8_lossy(word)));
    words.collect::<Vec<_>>().join(" ")
}

/// A path as a shell needs it; `~/` stays the home folder.
pub fn quote_path(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some("") => "~/".into(),
        Some(rest) => format!("~/{}", quote(rest)),
        None => quote(path),
    }
}

pub fn c_text(text: &[u8]) -> String {
    format!("\"{}\"", text.escape_ascii())
}

/// An address or an offset.
pub fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// `insmod FILE NAME=VALUE…`, from parameters as the kernel takes them.
pub fn insmod(file: &str, line: &str) -> String {
    let words = parameters::words(line).map(|word| match word.split_once('=') {
        Some((name, value)) if !value.is_empty() => format!(" {}={}", quote(name), quote(value)),
        Some((name, _)) => format!(" {}=", quote(name)),
        None => format!(" {}", quote(word)),
    });
    format!("insmod {}{}", quote_path(file), words.collect::<String>())
}

/// The file that holds a module of this name.
pub fn module_file(name: &str) -> String {
    if name.ends_with(".ko") { name.to_owned() } else { format!("{name}.ko") }
}

/// `rmmod MODULE`.
pub fn rmmod(module: &str) -> String {
    format!("rmmod {}", quote(module))
}

/// `echo VALUE > FILE`.
pub fn echo(value: &str, file: &str) -> String {
    format!("echo {} > {}", quote(value), quote_path(file))
}

/// As often as is said.
pub fn syscalls(times: impl Display) -> String {
    format!("for (i = 0; i < {times}; i++) syscall(my_syscall)")
}

/// A line of C that a subject is made to execute.
pub fn by_subject(pid: i32, line: &str) -> String {
    format!("[{pid}] {line}")
}

pub fn allocate(vaddr: impl Display, pages: impl Display, write: bool) -> String {
    let write = u8::from(write);
    format!("ioctl(memalloc, ALLOCATE, {{vaddr {vaddr}, num_pages {pages}, write {write}}})")
}

/// FREE, ACCESSPAGE, WALK: what takes an address alone.
pub fn at(operation: &str, vaddr: impl Display) -> String {
    format!("ioctl(memalloc, {operation}, {{vaddr {vaddr}}})")
}

/// SHAREPAGE.
pub fn share(vaddr: impl Display, client: impl Display, write: bool) -> String {
    let write = u8::from(write);
    format!("ioctl(memalloc, SHAREPAGE, {{vaddr {vaddr}, client_pid {client}, write {write}}})")
}

/// Loads of a stretch.
pub fn load(vaddr: impl Display, size: impl Display) -> String {
    format!("memcpy(buf, {vaddr}, {size})")
}

/// Stores of bytes, with the buffer as C has it.
pub fn store(vaddr: impl Display, buffer: &str, size: impl Display) -> String {
    format!("memcpy({vaddr}, {buffer}, {size})")
}

/// BREAD or BWRITE, with the buffer as C has it.
pub fn moved(operation: &str, buffer: &str, size: impl Display) -> String {
    format!("ioctl(kmod, {operation}, {{{buffer}, {size}}})")
}

/// BREADOFFSET or BWRITEOFFSET.
pub fn moved_at(operation: &str, buffer: &str, size: impl Display, offset: impl Display) -> String {
    format!("ioctl(kmod, {operation}, {{{buffer}, {size}, {offset}}})")
}

/// READ64 or WRITE64.
pub fn moved_64(operation: &str, buffer: &str, size: impl Display, offset: impl Display) -> String {
    format!("ioctl(kmod, {operation}, {{{buffer}, offset {offset}, size {size}}})")
}

/// `pread` of a node.
pub fn pread(path: &str, size: impl Display, offset: impl Display) -> String {
    format!("pread(open({}), buf, {size}, {offset})", c_text(path.as_bytes()))
}

/// The first bytes as C would have them.
pub fn spell(bytes: &[u8]) -> String {
    let shown = bytes[..bytes.len().min(SPELLED)].escape_ascii();
    let more = if bytes.len() > SPELLED { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that a shell makes of a line.
    fn shell(line: &str) -> Vec<String> {
        shlex::split(line).unwrap()
    }

    #[test]
    fn a_file_with_a_space_and_a_value_with_quotes_reach_insmod_as_they_are() {
        let line = insmod("/tmp/my copy.ko", "intParameter=2025 charParameter=\"Summer term\"");
        assert_eq!(
            line,
            "insmod '/tmp/my copy.ko' intParameter=2025 charParameter='\"Summer term\"'"
        );
        assert_eq!(
            shell(&line),
            ["insmod", "/tmp/my copy.ko", "intParameter=2025", "charParameter=\"Summer term\""]
        );
        assert_eq!(insmod("my_name.ko", ""), "insmod my_name.ko");
        assert_eq!(insmod("a;b.ko", "x=$(id) flag y="), "insmod 'a;b.ko' x='$(id)' flag y=");
    }

    #[test]
    fn the_home_folder_is_still_the_shells_to_find() {
        assert_eq!(quote_path("~/a b.ko"), "~/'a b.ko'");
        assert_eq!(quote_path("~/a.ko"), "~/a.ko");
        assert_eq!(quote_path("a b"), "'a b'");
    }

    #[test]
    fn a_path_in_c_is_quoted_as_c_does() {
        assert_eq!(
            pread("/dev/a\"b\u{e9}", 512, "0x1000"),
            "pread(open(\"/dev/a\\\"b\\xc3\\xa9\"), buf, 512, 0x1000)"
        );
    }

    #[test]
    fn what_is_not_known_is_a_question_mark() {
        assert_eq!(
            allocate(UNKNOWN, 4, true),
            "ioctl(memalloc, ALLOCATE, {vaddr ?, num_pages 4, write 1})"
        );
    }
}
