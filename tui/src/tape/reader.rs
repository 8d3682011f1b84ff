// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a recording. Nothing in a file is believed: each size has a bound, each
//! segment a checksum, and what is behind a damaged place is left out.

use std::path::Path;
use std::sync::Arc;

use super::entry::{Entry, Start};
use super::error::TapeError;
use super::segment::{
    END, ENTRIES, ENTRY_MAX, FILE_MAX, HEADER, Header, MAGIC, PREFIX, RAW_MAX, START, VERSION,
};
use crate::plain_file;

/// No recording is longer: a year.
const LONGEST_MS: u64 = 366 * 24 * 3600 * 1000;

/// A recording.
#[derive(Debug)]
pub struct Tape {
    bytes: Vec<u8>,
    start: Start,
    /// Where the payload of each segment of entries begins.
    segments: Vec<(usize, Header)>,
    damage: Option<String>,
    ended: bool,
}

impl Tape {
    /// Reads the recording in a file.
    ///
    /// # Errors
    /// It can't be read, or is no recording that this program knows.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let bytes =
            plain_file::read(path, FILE_MAX).map_err(|error| TapeError::File(error.to_string()))?;
        Self::parse(bytes)
    }

    /// Reads a recording: all of it that is sound.
    ///
    /// # Errors
    /// It is none that this program knows, or not even its beginning is sound.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, TapeError> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(TapeError::Other);
        }
        let damaged = |at: usize, why: String| TapeError::Damaged { at, why };
        let prefix = bytes
            .get(..PREFIX)
            .ok_or_else(|| damaged(bytes.len(), "it ends in its first bytes".into()))?;
        let version = u16::from_le_bytes([prefix[8], prefix[9]]);
        if version != VERSION {
            return Err(TapeError::Version(version));
        }
        let first = Header::read(&bytes[PREFIX..]).map_err(|why| damaged(PREFIX, why))?;
        if first.kind != START {
            return Err(damaged(PREFIX, "it does not begin with its start".into()));
        }
        let mut at = PREFIX + HEADER;
        let raw = first
            .inflate(&bytes[at..at + first.stored as usize])
            .map_err(|why| damaged(PREFIX, why))?;
        let start = unpack(&raw).next().and_then(|packed| rmp_serde::from_slice(packed).ok());
        let start = start.ok_or_else(|| damaged(PREFIX, "its start can't be read".into()))?;
        at += first.stored as usize;
        let mut tape = Self { bytes, start, segments: Vec::new(), damage: None, ended: false };
        tape.scan(at);
        Ok(tape)
    }

    /// Finds the segments, up to the first that is not sound.
    fn scan(&mut self, mut at: usize) {
        let (mut now_ms, mut inflated) = (0, 0);
        while at < self.bytes.len() {
            let sound = Header::read(&self.bytes[at..]).and_then(|header| {
                inflated += u64::from(header.raw);
                if header.first_ms < now_ms || header.last_ms < header.first_ms {
                    return Err("time goes backwards".into());
                }
                if header.last_ms > LONGEST_MS || inflated > RAW_MAX {
                    return Err("it says that it is longer than any recording".into());
                }
                Ok(header)
            });
            let header = match sound {
                Ok(header) => header,
                Err(why) => {
                    self.damage = Some(TapeError::Damaged { at, why }.to_string());
                    return;
                }
            };
            now_ms = header.last_ms;
            at += HEADER;
            match header.kind {
                ENTRIES => self.segments.push((at, header)),
                END => self.ended = true,
                _ => {}
            }
            at += header.stored as usize;
        }
    }

    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What is wrong with it: where it was cut off or damaged.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Did its writer end it, and did not just die?
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.segments.last().map_or(0, |(_, header)| header.last_ms)
    }

    /// How many segments it has.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// When the first entry of a segment happened; of none behind the last.
    pub fn segment_ms(&self, segment: usize) -> Option<u64> {
        self.segments.get(segment).map(|(_, header)| header.first_ms)
    }

    /// A segment, to be read entry by entry.
    ///
    /// # Errors
    /// There is no such segment, or it can't be inflated.
    pub fn segment(&self, segment: usize) -> Result<Segment, TapeError> {
        let none = || TapeError::File(format!("the recording has no segment {segment}"));
        let (at, header) = self.segments.get(segment).ok_or_else(none)?;
        let payload = &self.bytes[*at..*at + header.stored as usize];
        let raw = header.inflate(payload).map_err(|why| TapeError::Damaged { at: *at, why })?;
        Ok(Segment {
            raw: raw.into(),
            at: 0,
            now_ms: header.first_ms,
            last_ms: header.last_ms,
            unknown: 0,
        })
    }

    /// The entries of a segment and how many of them this program can't read.
    ///
    /// # Errors
    /// There is no such segment, or it can't be inflated.
    pub fn entries(&self, segment: usize) -> Result<(Vec<Entry<'static>>, usize), TapeError> {
        let mut segment = self.segment(segment)?;
        let entries = segment.by_ref().collect();
        Ok((entries, segment.unknown))
    }
}

/// What is left of a segment: entries are made one at a time, since what is a byte in
/// a file may be many in memory.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    raw: Arc<[u8]>,
    /// Where the next entry lies.
    at: usize,
    now_ms: u64,
    last_ms: u64,
    unknown: usize,
}

impl Segment {
    /// How many entries this program could not read so far; they are counted once.
    pub fn take_unknown(&mut self) -> usize {
        std::mem::take(&mut self.unknown)
    }
}

impl Iterator for Segment {
    type Item = Entry<'static>;

    fn next(&mut self) -> Option<Entry<'static>> {
        loop {
            let packed = unpack(self.raw.get(self.at..)?).next()?;
            self.at += 4 + packed.len();
            let read = match packed.len() <= ENTRY_MAX {
                true => rmp_serde::from_slice(packed).ok(),
                false => None,
            };
            match read {
                // Time within a segment is the segment's, and does not go backwards.
                Some(Entry::Tick(ms)) => {
                    self.now_ms = ms.clamp(self.now_ms, self.last_ms);
                    return Some(Entry::Tick(self.now_ms));
                }
                Some(entry) => return Some(entry),
                None => self.unknown += 1,
            }
        }
    }
}

/// The packed values in a row, as far as their lengths make sense.
fn unpack(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let packed = behind.get(..length)?;
        rest = &behind[length..];
        Some(packed)
    })
}
