// SPDX-License-Identifier: MIT OR Apache-2.0
//! Subject processes: they use `/dev/memalloc` on command, and may die of it.

use serde::{Deserialize, Serialize};

use super::run::ProgramEnd;

/// The most bytes a subject reads or writes at one time.
pub const SUBJECT_IO_MAX: u32 = 64 * 1024;

/// What happens to a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectEvent {
    /// It runs.
    Started {
        /// Its process id.
        pid: i32,
    },
    /// It is gone; nothing follows but the end of the call.
    Died {
        /// Its process id.
        pid: i32,
        /// How it ended.
        end: ProgramEnd,
        /// The access that killed it, if one did.
        fault: Option<Fault>,
        /// What it was doing on command when it died; `None` when nothing.
        during: Option<SubjectAction>,
    },
}

/// A memory access that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// `SIGSEGV` (11) or `SIGBUS` (7).
    pub signal: i32,
    /// `si_code`: 1 `SEGV_MAPERR`, 2 `SEGV_ACCERR`.
    pub code: i32,
    /// The address that was touched.
    pub address: u64,
    /// How it was touched.
    pub access: Access,
    /// Why it was refused, in words: `write to a read-only page`.
    pub cause: String,
    /// What the mapping that covers the address permits (`r--s`), if one does.
    pub permissions: Option<String>,
    /// The page-table entries for the address at that moment; only where
    /// memalloc could be asked.
    pub walk: Option<Walk>,
}

/// How memory was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// By a load.
    Read,
    /// By a store.
    Write,
    /// By an instruction fetch.
    Execute,
}

/// What a subject can be made to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectAction {
    /// ALLOCATE.
    Allocate {
        /// Where.
        vaddr: u64,
        /// How many pages; not checked here.
        pages: i32,
        /// Writable?
        write: bool,
    },
    /// FREE.
    Free {
        /// The first address of the request.
        vaddr: u64,
    },
    /// Load bytes.
    Read {
        /// From where.
        vaddr: u64,
        /// How many, at most [`SUBJECT_IO_MAX`].
        size: u32,
    },
    /// Store bytes.
    Write {
        /// To where.
        vaddr: u64,
        /// What, at most [`SUBJECT_IO_MAX`].
        bytes: Vec<u8>,
    },
    /// SHAREPAGE.
    Share {
        /// The page.
        vaddr: u64,
        /// The process it is offered to.
        client: i32,
        /// Writable?
        write: bool,
    },
    /// ACCESSPAGE.
    Access {
        /// Where to map the page that was offered.
        vaddr: u64,
    },
    /// WALK.
    Walk {
        /// The address to translate.
        vaddr: u64,
    },
    /// `/proc/self/maps`.
    Maps,
}

/// What a subject did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectOutcome {
    /// It is done, and there is nothing to tell.
    Done,
    /// The bytes read.
    Bytes(Vec<u8>),
    /// The walk.
    Walk(Walk),
    /// The address space.
    Maps(Vec<Mapping>),
}

/// A translation, as WALK reports it; decoding is up to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// The address.
    pub vaddr: u64,
    /// 4 or 5.
    pub levels: u32,
    /// How many entries were read.
    pub depth: u32,
    /// The entries, PGD first.
    pub entry: [u64; 5],
}

/// One line of `/proc/<pid>/maps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// `rw-s`.
    pub permissions: String,
    /// The file or kind; may be empty.
    pub name: String,
}
