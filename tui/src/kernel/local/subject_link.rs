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

use crate::kernel::api::{Access, Fault, SubjectOutcome};
use crate::kernel::error::TargetResult;

/// Longer than any message.
const MESSAGE_MAX: u32 = 4 << 20;
/// Stands where a message's length would, before a [`FaultRecord`].
const FAULT: u32 = u32::MAX;
/// The bytes of a [`FaultRecord`], with the word before it.
const FAULT_SIZE: usize = 44;
/// Trap number of a page fault on x86; the error code has a meaning then.
const PAGE_FAULT: u32 = 14;

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
    /// The processor's error code: bit 1 a write, bit 4 an instruction fetch.
    pub(crate) error: u64,
    /// The processor's trap number: 14 a page fault, 13 a general protection fault.
    pub(crate) trap: u32,
    /// Was the subject storing when it was told to touch `touched`?
    pub(crate) storing: u32,
    /// The address the subject was touching on command.
    pub(crate) touched: u64,
}

impl FaultRecord {
    /// As it travels; safe to call in a signal handler.
    pub(crate) fn to_bytes(self) -> [u8; FAULT_SIZE] {
        let mut bytes = [0; FAULT_SIZE];
        bytes[0..4].copy_from_slice(&FAULT.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.signal.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.code.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.address.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.error.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.trap.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.storing.to_le_bytes());
        bytes[36..44].copy_from_slice(&self.touched.to_le_bytes());
        bytes
    }

    fn read(stream: &mut impl Read) -> Result<Self> {
        let mut bytes = [0; FAULT_SIZE - 4];
        stream.read_exact(&mut bytes)?;
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        Ok(Self {
            signal: word(0) as i32,
            code: word(4) as i32,
            address: long(8),
            error: long(16),
            trap: word(24),
            storing: word(28),
            touched: long(32),
        })
    }

    /// The same in words.
    pub(crate) fn fault(&self) -> Fault {
        let page_fault = self.trap == PAGE_FAULT;
        let access = match (page_fault, self.error & 1 << 4 != 0, self.error & 1 << 1 != 0) {
            (true, true, _) => Access::Execute,
            (true, false, true) => Access::Write,
            (true, false, false) => Access::Read,
            (false, ..) if self.storing != 0 => Access::Write,
            (false, ..) => Access::Read,
        };
        // A general protection fault comes without an address: it is the one
        // that the subject was told to touch.
        let address = if page_fault { self.address } else { self.touched };
        Fault {
            signal: self.signal,
            code: self.code,
            address,
            access,
            cause: cause(self.signal, self.code, access),
        }
    }
}

fn cause(signal: i32, code: i32, access: Access) -> String {
    use nix::libc::{SIGBUS, SIGSEGV};
    let of = match access {
        Access::Read => "read of",
        Access::Write => "write to",
        Access::Execute => "execution of",
    };
    match (signal, code) {
        (_, code) if code <= 0 => "the signal was sent by a process".into(),
        (SIGSEGV, 1) => format!("{of} an address where nothing is mapped"),
        (SIGSEGV, 2) => match access {
            Access::Read => "read of a page that can't be read".into(),
            Access::Write => "write to a read-only page".into(),
            Access::Execute => "execution of a page that holds no code".into(),
        },
        // SI_KERNEL: the processor refused before it looked at any page table.
        (SIGSEGV, 128) => format!("{of} a non-canonical address"),
        (SIGBUS, _) => format!("{of} a page with no memory behind it"),
        _ => format!("{of} an address that was refused (si_code {code})"),
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

    #[test]
    fn a_fault_travels_between_answers() {
        let record = FaultRecord {
            signal: nix::libc::SIGSEGV,
            code: 2,
            address: 0x4000_1234_5678,
            error: 7,
            trap: PAGE_FAULT,
            storing: 1,
            touched: 9,
        };
        let mut bytes = Vec::new();
        send(&mut bytes, &TargetResult::Ok(SubjectOutcome::Done)).unwrap();
        bytes.extend_from_slice(&record.to_bytes());
        let mut stream = &bytes[..];
        assert!(matches!(
            receive_answer(&mut stream).unwrap(),
            FromSubject::Answer(Ok(SubjectOutcome::Done))
        ));
        let FromSubject::Fault(read) = receive_answer(&mut stream).unwrap() else {
            panic!("no fault");
        };
        assert_eq!(read, record);
        let fault = read.fault();
        assert_eq!(fault.address, 0x4000_1234_5678);
        assert_eq!(fault.access, Access::Write);
        assert_eq!(fault.cause, "write to a read-only page");
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
}
