// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings: a file of everything that reached a dashboard, with its time.
//!
//! # The format, version 1
//!
//! A file is the eight bytes `RINGSIDE`, two little-endian 16-bit numbers (the
//! version that is described here, 1, and a reserved 0), and segments up to its end.
//! All numbers are little-endian.
//!
//! A segment is a header of 40 bytes and its payload:
//!
//! | at | size | what |
//! |---|---|---|
//! | 0 | 4 | `RSEG` |
//! | 4 | 4 | kind: 1 the start, 2 entries, 3 the end; others are skipped |
//! | 8 | 4 | bytes of the payload |
//! | 12 | 4 | bytes of the payload once it is inflated, at most [`SEGMENT_MAX`] |
//! | 16 | 8 | time of its first entry, in milliseconds since the recording began |
//! | 24 | 8 | time of its last entry |
//! | 32 | 4 | how many entries it has |
//! | 36 | 4 | CRC-32 of the 36 bytes before and of the payload |
//!
//! The payload is raw DEFLATE (RFC 1951). Inflated, it is a row of entries, each a
//! 32-bit length and so many bytes of MessagePack. Structures are maps with the names
//! of their fields, and variants go by their names, so that a reader says nothing of
//! what it does not know: see [`Entry`] and, for what the first segment holds, [`Start`].
//!
//! A segment is written about once a second, in one piece: a file is valid up to the
//! last one, however its writer ended. Each can be read without those before it.
//!
//! **Versions.** A field or a variant that is added does not change the version: a
//! reader leaves out an entry that it can't read, counts it, and takes the default of
//! a field that is missing. Whatever makes an old reader show something wrong is a new
//! version, and a reader refuses the files of versions that it does not know.
//!
//! The guest's memory is not in it, and of a module's image no more than what its
//! `.modinfo` says.

mod entry;
mod error;
mod reader;
mod segment;
mod writer;

pub use entry::{Entry, Place, Reply, Start};
pub use error::TapeError;
pub use reader::{Segment, Tape};
pub use segment::{SEGMENT_MAX, VERSION};
pub use writer::{Recorded, Recorder};
