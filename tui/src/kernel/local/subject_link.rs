// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said between an agent and its subject, over a socket that is the
//! subject's standard input.
//!
//! The agent sends actions, the subject answers each. Instead of an answer may
//! come a [`FaultRecord`], written by the subject's signal handler: fixed bytes,
//! since a handler can't do much.

use std::io::{Error, ErrorKind, Read, Result, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::kernel::api::{Access, Fault, SubjectOutcome, Walk};
use crate::kernel::error::TargetResult;

/// Longer than any message.
const MESSAGE_MAX: u32 = 4 << 20;
/// Stands where a message's length would, before a [`FaultRecord`].
const FAULT: u32 = u32::MAX;
/// The words of a [`FaultRecord`], eight bytes each.
const FAULT_WORDS: usize = 16;
/// The bytes of a [`FaultRecord`], with the word before it.
const FAULT_SIZE: usize = 4 + 8 * FAULT_WORDS;
/// Trap number of a page fault on x86; the error code has a meaning then.
const PAGE_FAULT: u64 = 14;

/// What the kernel leaves in the entry of a page that nobody may touch.
const ENTRY_PROT_NONE: u64 = 1 << 8;

/// Bits of a page fault's error code.
mod error {
    /// The page was there: its entry refused.
    pub(super) const PRESENT: u64 = 1 << 0;
    pub(super) const WRITE: u64 = 1 << 1;
    pub(super) const FETCH: u64 = 1 << 4;
    pub(super) const PROTECTION_KEY: u64 = 1 << 5;
}

/// What a subject sends.
#[derive(Debug)]
pub(crate) enum FromSubject {
    /// What came of an action.
    Answer(TargetResult<SubjectOutcome>),
    /// It is dying of this.
    Fault(FaultRecord),
}

/// What a signal handler knows of a refused access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaultRecord {
    /// The signal.
    pub(crate) signal: i32,
    /// `si_code`.
    pub(crate) code: i32,
    /// `si_addr`.
    pub(crate) address: u64,
    /// The processor's error code.
    pub(crate) error: u64,
    /// The processor's trap number: 14 a page fault, 13 a general protection fault.
    pub(crate) trap: u64,
    /// Was the subject storing when it was told to touch `touched`?
    pub(crate) storing: bool,
    /// The address the subject was touching on command.
    pub(crate) touched: u64,
    /// The permissions of the mapping that covers the place, if one does: `rw-s`.
    pub(crate) permissions: Option<[u8; 4]>,
    /// The page-table entries for the place, where memalloc could be asked.
    pub(crate) walk: Option<Walk>,
}

impl FaultRecord {
    /// As it travels; safe to call in a signal handler.
    pub(crate) fn to_bytes(self) -> [u8; FAULT_SIZE] {
        let walk = self.walk.unwrap_or_default();
        let [e0, e1, e2, e3, e4] = walk.entry;
        let words: [u64; FAULT_WORDS] = [
            self.signal as u64,
            self.code as u64,
            self.address,
            self.error,
            self.trap,
            u64::from(self.storing),
            self.touched,
            u64::from(u32::from_le_bytes(self.permissions.unwrap_or_default())),
            // No walk has no levels.
            u64::from(walk.levels),
            u64::from(walk.depth),
            walk.vaddr,
            e0,
            e1,
            e2,
            e3,
            e4,
        ];
        let mut bytes = [0; FAULT_SIZE];
        bytes[..4].copy_from_slice(&FAULT.to_le_bytes());
        for (place, word) in bytes[4..].chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn read(stream: &mut impl Read) -> Result<Self> {
        let mut words = [0; FAULT_WORDS];
        for word in &mut words {
            let mut bytes = [0; 8];
            stream.read_exact(&mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        let [
            signal,
            code,
            address,
            error,
            trap,
            storing,
            touched,
            permissions,
            levels,
            depth,
            vaddr,
            entry @ ..,
        ] = words;
        let walk = Walk { vaddr, levels: levels as u32, depth: depth as u32, entry };
        Ok(Self {
            signal: signal as i32,
            code: code as i32,
            address,
            error,
            trap,
            storing: storing != 0,
            touched,
            permissions: (permissions != 0).then(|| (permissions as u32).to_le_bytes()),
            walk: (walk.levels != 0).then_some(walk),
        })
    }

    /// The address that was refused. A general protection fault comes without
    /// one: it is the one that the subject was told to touch.
    pub(crate) fn place(&self) -> u64 {
        if self.trap == PAGE_FAULT { self.address } else { self.touched }
    }

    fn access(&self) -> Access {
        match self.trap {
            PAGE_FAULT if self.error & error::FETCH != 0 => Access::Execute,
            PAGE_FAULT if self.error & error::WRITE != 0 => Access::Write,
            PAGE_FAULT => Access::Read,
            _ if self.storing => Access::Write,
            _ => Access::Read,
        }
    }

    /// The same in words.
    pub(crate) fn fault(&self) -> Fault {
        let permissions = self.permissions.map(|bytes| String::from_utf8_lossy(&bytes).into());
        Fault {
            signal: self.signal,
            code: self.code,
            address: self.place(),
            access: self.access(),
            cause: self.cause(),
            permissions,
            walk: self.walk,
        }
    }

    /// Why the access was refused: the signal says which kind of refusal, the
    /// error code whether a page was there, and if none was, the mapping what
    /// would have been allowed.
    fn cause(&self) -> String {
        use nix::libc::{SIGBUS, SIGSEGV};
        const MAPERR: i32 = 1;
        const ACCERR: i32 = 2;
        let access = self.access();
        let of = match access {
            Access::Read => "read of",
            Access::Write => "write to",
            Access::Execute => "execution of",
        };
        let present = self.error & error::PRESENT != 0;
        match (self.signal, self.code) {
            (_, code) if code <= 0 => "the signal was sent by a process".into(),
            // The processor refused before it looked at any page table.
            (SIGSEGV, _) if self.trap != PAGE_FAULT => format!("{of} a non-canonical address"),
            // Of its own half the kernel tells nobody whether a page is there.
            (SIGSEGV, MAPERR) if present => format!("{of} an address of the kernel's"),
            (SIGSEGV, MAPERR) => format!("{of} an address where nothing is mapped"),
            (SIGSEGV, _) if self.error & error::PROTECTION_KEY != 0 => {
                format!("{of} a page that a protection key locks")
            }
            (SIGSEGV, ACCERR) => match (access, present) {
                (_, false) if self.nobody_may() => {
                    format!("{of} a page that nobody may touch (PROT_NONE)")
                }
                (Access::Write, true) => "write to a read-only page".into(),
                (Access::Write, false) => {
                    "write to a read-only mapping, whose page is not there yet".into()
                }
                (Access::Execute, _) => "execution of a page that holds no code".into(),
                (Access::Read, true) => "read of a page that only the kernel may use".into(),
                (Access::Read, false) => "read of a mapping that can't be read".into(),
            },
            (SIGBUS, _) => format!("{of} a page with no memory behind it"),
            (_, code) => format!("{of} an address that was refused (si_code {code})"),
        }
    }

    /// Does the mapping, or what is left in the entry, forbid every access?
    fn nobody_may(&self) -> bool {
        let entry = self.walk.and_then(|walk| {
            let last = (walk.depth as usize).checked_sub(1)?;
            walk.entry.get(last).copied()
        });
        match self.permissions {
            Some(permissions) => permissions.starts_with(b"---"),
            None => entry.is_some_and(|entry| entry & ENTRY_PROT_NONE != 0 && entry & 1 == 0),
        }
    }
}

/// Sends a message.
pub(crate) fn send(stream: &mut impl Write, message: &impl Serialize) -> Result<()> {
    let body = postcard::to_stdvec(message).map_err(Error::other)?;
    let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&body);
    stream.write_all(&bytes)
}

/// Receives an action; `None` when the agent is gone.
pub(crate) fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    message(stream, u32::from_le_bytes(length)).map(Some)
}

/// Receives what a subject sends; the end of the stream is an error.
pub(super) fn receive_answer(stream: &mut impl Read) -> Result<FromSubject> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    match u32::from_le_bytes(length) {
        FAULT => FaultRecord::read(stream).map(FromSubject::Fault),
        length => message(stream, length).map(FromSubject::Answer),
    }
}

fn message<T: DeserializeOwned>(stream: &mut impl Read, length: u32) -> Result<T> {
    if length > MESSAGE_MAX {
        return Err(Error::new(ErrorKind::InvalidData, "a message too long"));
    }
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE_REFUSED: FaultRecord = FaultRecord {
        signal: nix::libc::SIGSEGV,
        code: 2,
        address: 0x4000_1234_5678,
        error: 7,
        trap: PAGE_FAULT,
        storing: true,
        touched: 9,
        permissions: Some(*b"r--s"),
        walk: Some(Walk { vaddr: 0x4000_1234_5678, levels: 5, depth: 5, entry: [1, 2, 3, 4, 5] }),
    };

    #[test]
    fn a_fault_travels_between_answers() {
        let mut bytes = Vec::new();
        send(&mut bytes, &TargetResult::Ok(SubjectOutcome::Done)).unwrap();
        bytes.extend_from_slice(&WRITE_REFUSED.to_bytes());
        let bare = FaultRecord { code: -6, permissions: None, walk: None, ..WRITE_REFUSED };
        bytes.extend_from_slice(&bare.to_bytes());
        let mut stream = &bytes[..];
        assert!(matches!(
            receive_answer(&mut stream).unwrap(),
            FromSubject::Answer(Ok(SubjectOutcome::Done))
        ));
        for record in [WRITE_REFUSED, bare] {
            let FromSubject::Fault(read) = receive_answer(&mut stream).unwrap() else {
                panic!("no fault");
            };
            assert_eq!(read, record);
        }
        let fault = WRITE_REFUSED.fault();
        assert_eq!(fault.address, 0x4000_1234_5678);
        assert_eq!(fault.access, Access::Write);
        assert_eq!(fault.permissions.as_deref(), Some("r--s"));
        assert_eq!(fault.walk.map(|walk| walk.entry), Some([1, 2, 3, 4, 5]));
    }

    #[test]
    fn a_protection_fault_is_told_by_what_was_being_touched() {
        let fault = FaultRecord {
            signal: nix::libc::SIGSEGV,
            code: 128,
            trap: 13,
            touched: 0x8000_0000_0000_0000,
            ..FaultRecord::default()
        }
        .fault();
        assert_eq!(fault.address, 0x8000_0000_0000_0000);
        assert_eq!(fault.cause, "read of a non-canonical address");
    }

    #[test]
    fn the_error_code_the_mapping_and_the_entry_decide_why_an_access_was_refused() {
        let cause = |code, error, permissions: Option<&[u8; 4]>| {
            let permissions = permissions.copied();
            FaultRecord { code, error, permissions, walk: None, ..WRITE_REFUSED }.fault().cause
        };
        assert_eq!(cause(2, 7, Some(b"r--s")), "write to a read-only page");
        assert_eq!(
            cause(2, 6, Some(b"r--p")),
            "write to a read-only mapping, whose page is not there yet"
        );
        assert_eq!(cause(2, 6, Some(b"---p")), "write to a page that nobody may touch (PROT_NONE)");
        assert_eq!(cause(2, 4, Some(b"---p")), "read of a page that nobody may touch (PROT_NONE)");
        assert_eq!(cause(1, 6, None), "write to an address where nothing is mapped");
        assert_eq!(cause(1, 7, None), "write to an address of the kernel's");
        assert_eq!(cause(2, 0x15, Some(b"rw-p")), "execution of a page that holds no code");
        assert_eq!(
            cause(2, 0x14, Some(b"---p")),
            "execution of a page that nobody may touch (PROT_NONE)"
        );
        assert_eq!(cause(4, 0x25, Some(b"rw-p")), "read of a page that a protection key locks");
        // Where the mapping could not be looked at, the entry has it.
        let walk = Walk { depth: 5, entry: [1, 1, 1, 1, 0x1234_5100], ..Walk::default() };
        let record = FaultRecord { error: 6, permissions: None, walk: Some(walk), ..WRITE_REFUSED };
        assert_eq!(record.fault().cause, "write to a page that nobody may touch (PROT_NONE)");
    }
}
