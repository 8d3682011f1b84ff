// SPDX-License-Identifier: MIT OR Apache-2.0
//! A call as numbers and bytes, and as a line of text.

use std::fmt::{self, Display, Formatter};

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `ioctl` of `/dev/memalloc`: open mode, command, argument's address, its words.
    Memalloc,
    /// `ioctl` of `/dev/kmod`: open mode, command, argument's address, its words, and what
    /// the data is filled with before.
    Kmod,
    /// A load or store: address, value, whether it is stored.
    Touch,
    /// `munmap`: address, length.
    Unmap,
    /// `mprotect`: address, length, protection.
    Protect,
    /// `mremap`: address, length, new length, flags.
    Remap,
    /// `madvise`: address, length, advice.
    Advise,
    /// `mmap` of `/dev/memalloc`: address, length, protection.
    Map,
    /// `pread` of a file in sysfs: which, offset, size.
    Read,
    /// `pwrite` to a file in sysfs: which, offset; the bytes.
    Write,
    /// `pread` or `pwrite` on the stick's node: whether it writes, offset, size, what with.
    Node,
    /// Loads a module again: which; its parameters.
    Reload,
    /// The system call: times.
    Syscall,
    /// The second process is killed, and there is another.
    Restart,
}

/// Each with its name and how many numbers it takes.
pub const OPS: [(Op, &str, usize); 14] = [
    (Op::Memalloc, "memalloc", 5),
    (Op::Kmod, "kmod", 7),
    (Op::Touch, "touch", 3),
    (Op::Unmap, "unmap", 2),
    (Op::Protect, "protect", 3),
    (Op::Remap, "remap", 4),
    (Op::Advise, "advise", 3),
    (Op::Map, "map", 3),
    (Op::Read, "read", 3),
    (Op::Write, "write", 2),
    (Op::Node, "node", 4),
    (Op::Reload, "reload", 1),
    (Op::Syscall, "syscall", 1),
    (Op::Restart, "restart", 0),
];

impl Op {
    fn entry(self) -> &'static (Op, &'static str, usize) {
        OPS.iter().find(|entry| entry.0 == self).expect("each has an entry")
    }

    pub fn name(self) -> &'static str {
        self.entry().1
    }

    pub fn takes(self) -> usize {
        self.entry().2
    }
}

/// One call, of one of two processes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub op: Op,
    pub actor: u8,
    pub numbers: Vec<u64>,
    pub bytes: Vec<u8>,
}

impl Call {
    pub fn number<const N: usize>(&self) -> [u64; N] {
        std::array::from_fn(|at| self.numbers.get(at).copied().unwrap_or_default())
    }

    /// What [`Display`] wrote.
    pub fn parse(line: &str) -> Option<Self> {
        let (head, bytes) = match line.split_once(" \"") {
            Some((head, bytes)) => (head, unescaped(bytes.strip_suffix('"')?)?),
            None => (line, Vec::new()),
        };
        let mut words = head.split_whitespace();
        let name = words.next()?;
        let (op, _, takes) = *OPS.iter().find(|entry| entry.1 == name)?;
        let actor = words.next()?.parse::<u8>().ok().filter(|actor| *actor < 2)?;
        let number = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let numbers: Vec<u64> = words.map(number).collect::<Option<_>>()?;
        (numbers.len() == takes).then_some(Self { op, actor, numbers, bytes })
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op.name(), self.actor)?;
        for number in &self.numbers {
            write!(f, " {number:#x}")?;
        }
        if !self.bytes.is_empty() {
            write!(f, " \"{}\"", escaped(&self.bytes))?;
        }
        Ok(())
    }
}

/// As in a C string, where an octal escape ends after three digits.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'"' | b'\\' | b'?' => text.push_str(&format!("\\{byte:03o}")),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first == b'\\' {
            let (digits, behind) = rest.split_at_checked(3)?;
            rest = behind;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?);
        } else {
            bytes.push(*first);
        }
    }
    Some(bytes)
}

/// Calls that follow each other, from a state that is always the same.
pub type Program = Vec<Call>;

pub fn text(program: &[Call]) -> String {
    program.iter().map(|call| format!("{call}\n")).collect()
}

pub fn parse(text: &str) -> Option<Program> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Call::parse).collect()
}

#[test]
fn a_program_is_read_as_it_was_written() {
    let mut random = crate::random::Random::from(1);
    for _ in 0..2000 {
        let program = super::make::program(&mut random);
        assert_eq!(parse(&text(&program)), Some(program));
    }
}
