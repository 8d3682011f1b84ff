// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a recording: entries are packed where they arise, compressed and written
//! by a thread of its own.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use serde::Serialize;

use super::entry::{Entry, Start};
use super::error::TapeError;
use super::segment::{
    END, ENTRIES, ENTRY_MAX, FILE_MAX, HEADER, Header, RAW_MAX, SEGMENT_MAX, START, prefix,
};
use crate::plain_file;

/// A segment is written after so much time.
const SEGMENT_MS: u64 = 1000;
/// And when it has so many bytes.
const SEGMENT_BYTES: usize = 1 << 20;
/// Segments that wait for the disk.
const QUEUE: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub path: PathBuf,
    /// Milliseconds.
    pub ms: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes a recording.
pub struct Recorder {
    path: PathBuf,
    raw: Vec<u8>,
    header: Header,
    segments: Option<SyncSender<(Header, Vec<u8>)>>,
    writer: Option<JoinHandle<io::Result<u64>>>,
    failed: Option<TapeError>,
    /// Is the disk waited for?
    patient: bool,
}

impl Recorder {
    /// Starts a recording in a new file.
    ///
    /// # Errors
    /// There is such a file, or it can't be written.
    pub fn create(path: &Path, start: &Start) -> Result<Self, TapeError> {
        let write = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists(path.to_owned()),
            _ => TapeError::Begin { path: path.to_owned(), source },
        };
        let mut raw = Vec::new();
        pack(&mut raw, start);
        let first = Header { kind: START, entries: 1, ..Header::default() };
        let mut beginning = prefix();
        beginning.extend(first.segment(&raw).map_err(write)?);
        let mut file =
            plain_file::create(path, |file| file.write_all(&beginning)).map_err(write)?;
        let (segments, receive) = sync_channel(QUEUE);
        let size = beginning.len() as u64;
        let writer = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || write_all(&mut file, size, &receive))
            .map_err(write)?;
        Ok(Self {
            path: path.to_owned(),
            raw: Vec::new(),
            header: Header { kind: ENTRIES, ..Header::default() },
            segments: Some(segments),
            writer: Some(writer),
            failed: None,
            patient: false,
        })
    }

    /// One that waits for the disk where more comes than it takes, since nobody waits
    /// for a picture.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records an entry.
    pub fn write(&mut self, entry: &Entry<'_>) {
        if self.segments.is_none() {
            return;
        }
        if let Entry::Tick(now_ms) = entry {
            let old = now_ms.saturating_sub(self.header.first_ms) >= SEGMENT_MS;
            if self.header.entries > 0 && (old || self.raw.len() >= SEGMENT_BYTES) {
                self.flush();
            }
            if self.header.entries == 0 {
                self.header.first_ms = *now_ms;
            }
            self.header.last_ms = *now_ms;
        }
        let before = self.raw.len();
        pack(&mut self.raw, entry);
        if self.raw.len() - before > ENTRY_MAX {
            self.raw.truncate(before);
            return;
        }
        self.header.entries += 1;
        if self.raw.len() > SEGMENT_MAX - ENTRY_MAX {
            self.flush();
        }
    }

    /// Hands what was packed to the thread that writes.
    fn flush(&mut self) {
        let Some(segments) = &self.segments else { return };
        if self.header.entries == 0 {
            return;
        }
        let raw = std::mem::take(&mut self.raw);
        let sent = if self.patient {
            let sent = segments.send((self.header, raw));
            sent.map_err(|error| TrySendError::Disconnected(error.0))
        } else {
            segments.try_send((self.header, raw))
        };
        match sent {
            Ok(()) => {
                let last_ms = self.header.last_ms;
                self.header =
                    Header { kind: ENTRIES, first_ms: last_ms, last_ms, ..Header::default() };
            }
            // The disk is behind: more is packed into the same segment meanwhile.
            Err(TrySendError::Full((_, raw))) => {
                self.raw = raw;
                if self.raw.len() > SEGMENT_MAX - ENTRY_MAX {
                    self.segments = None;
                    self.failed = Some(TapeError::Slow(self.path.clone()));
                }
            }
            Err(TrySendError::Disconnected(_)) => {
                self.stop();
            }
        }
    }

    /// The thread that writes has ended, or is to end.
    fn stop(&mut self) -> u64 {
        self.segments = None;
        let Some(writer) = self.writer.take() else {
            return 0;
        };
        let result = writer.join().unwrap_or_else(|_| Err(io::Error::other("its thread panicked")));
        result.unwrap_or_else(|source| {
            self.failed.get_or_insert(TapeError::Write { path: self.path.clone(), source });
            0
        })
    }

    /// Why nothing is recorded any more; once.
    pub fn failure(&mut self) -> Option<TapeError> {
        self.failed.take()
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// Not all of it could be written.
    pub fn finish(mut self) -> Result<Recorded, TapeError> {
        let ms = self.header.last_ms;
        let bytes = self.end();
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(Recorded { path: self.path.clone(), ms, bytes }),
        }
    }

    fn end(&mut self) -> u64 {
        if let Some(segments) = &self.segments {
            let last_ms = self.header.last_ms;
            let end = Header { kind: END, first_ms: last_ms, last_ms, ..Header::default() };
            let raw = std::mem::take(&mut self.raw);
            let last = (self.header.entries > 0).then_some((self.header, raw));
            for segment in last.into_iter().chain([(end, Vec::new())]) {
                // Its thread says why when it joins.
                drop(segments.send(segment));
            }
            self.header = Header { kind: ENTRIES, ..Header::default() };
        }
        self.stop()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

fn write_all(
    file: &mut File,
    mut size: u64,
    segments: &Receiver<(Header, Vec<u8>)>,
) -> io::Result<u64> {
    let mut inflated = 0;
    while let Ok((header, raw)) = segments.recv() {
        let segment = header.segment(&raw)?;
        inflated += raw.len() as u64;
        // What is written now must be readable, with an end behind it.
        let full = size + (segment.len() + HEADER) as u64 > FILE_MAX || inflated > RAW_MAX;
        if full && header.kind != END {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        file.write_all(&segment)?;
        size += segment.len() as u64;
    }
    Ok(size)
}

/// Packs a value with its length.
pub(super) fn pack(raw: &mut Vec<u8>, value: &impl Serialize) {
    let at = raw.len();
    raw.extend_from_slice(&[0; 4]);
    match rmp_serde::encode::write_named(raw, value) {
        Ok(()) => {
            let size = (raw.len() - at - 4) as u32;
            raw[at..at + 4].copy_from_slice(&size.to_le_bytes());
        }
        Err(error) => {
            // Nothing in an entry is of a kind that can't be packed.
            tracing::error!("an entry of the recording can't be packed: {error}");
            raw.truncate(at);
            raw.extend_from_slice(&[0; 4]);
        }
    }
}
