// SPDX-License-Identifier: MIT OR Apache-2.0
//! Segments: how entries lie in the file.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// What a file begins with.
pub(super) const MAGIC: &[u8; 8] = b"RINGSIDE";
/// The version of the format.
pub const VERSION: u16 = 1;
/// Bytes before the first segment.
pub(super) const PREFIX: usize = 12;
/// What a segment begins with.
const MARK: &[u8; 4] = b"RSEG";
/// Bytes of a segment's header.
pub(super) const HEADER: usize = 40;
/// The most bytes of a segment, inflated.
pub const SEGMENT_MAX: usize = 32 << 20;

/// The largest entry that is recorded and read: what it takes in memory is some dozens
/// of times that at worst.
pub(super) const ENTRY_MAX: usize = 4 << 20;
/// The largest file.
pub(super) const FILE_MAX: u64 = 1 << 30;
/// The most bytes that all segments have together, inflated.
pub(super) const RAW_MAX: u64 = 16 << 30;

/// The first segment: a [`super::Start`].
pub(super) const START: u32 = 1;
pub(super) const ENTRIES: u32 = 2;
/// The writer ended the recording itself.
pub(super) const END: u32 = 3;

/// What a file begins with, whole.
pub(super) fn prefix() -> Vec<u8> {
    let mut prefix = MAGIC.to_vec();
    prefix.extend_from_slice(&VERSION.to_le_bytes());
    prefix.extend_from_slice(&[0; 2]);
    prefix
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u32,
    pub(super) stored: u32,
    pub(super) raw: u32,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    pub(super) entries: u32,
}

impl Header {
    fn bytes(&self) -> [u8; HEADER - 4] {
        let mut bytes = [0; HEADER - 4];
        bytes[..4].copy_from_slice(MARK);
        bytes[4..8].copy_from_slice(&self.kind.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.stored.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.raw.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_ms.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last_ms.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.entries.to_le_bytes());
        bytes
    }

    /// A whole segment of these inflated bytes, ready to be written.
    pub(super) fn segment(mut self, raw: &[u8]) -> io::Result<Vec<u8>> {
        let mut encoder = DeflateEncoder::new(vec![0; HEADER], Compression::new(6));
        encoder.write_all(raw)?;
        let mut segment = encoder.finish()?;
        self.stored = (segment.len() - HEADER) as u32;
        self.raw = raw.len() as u32;
        let header = self.bytes();
        let sum = sum(&header, &segment[HEADER..]);
        segment[..HEADER - 4].copy_from_slice(&header);
        segment[HEADER - 4..HEADER].copy_from_slice(&sum.to_le_bytes());
        Ok(segment)
    }

    /// Reads the segment that `bytes` begin with; `Err` says what is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let header = bytes.get(..HEADER).ok_or("it ends in the header of a segment")?;
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&header[at..at + 4]);
            u32::from_le_bytes(word)
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if &header[..4] != MARK {
            return Err("no segment begins here".into());
        }
        let found = Self {
            kind: word(4),
            stored: word(8),
            raw: word(12),
            first_ms: long(16),
            last_ms: long(24),
            entries: word(32),
        };
        if found.raw as usize > SEGMENT_MAX || found.stored as usize > 2 * SEGMENT_MAX {
            return Err(format!("a segment of {} bytes is larger than any", found.raw));
        }
        let payload = bytes
            .get(HEADER..HEADER + found.stored as usize)
            .ok_or("it ends in the middle of a segment")?;
        if sum(&header[..HEADER - 4], payload) != word(HEADER - 4) {
            return Err("the checksum of a segment is wrong".into());
        }
        Ok(found)
    }

    /// Inflates the payload of this segment: no more than the header says, however
    /// much there is.
    pub(super) fn inflate(&self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut raw = Vec::new();
        DeflateDecoder::new(payload)
            .take(u64::from(self.raw) + 1)
            .read_to_end(&mut raw)
            .map_err(|error| format!("a segment can't be inflated: {error}"))?;
        if raw.len() != self.raw as usize {
            return Err("a segment has another size than its header says".into());
        }
        Ok(raw)
    }
}

fn sum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}
