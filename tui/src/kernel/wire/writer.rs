// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes frames to a stream that many threads share, commands before data.

use std::io::{Result, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{FRAME_MAX, Frame};

/// Writes whole frames. A frame without need of credit goes before those that
/// wait with data, so that at most one frame of data is ahead of a command.
pub struct FrameWriter<W> {
    line: Mutex<Line>,
    free: Condvar,
    stream: Mutex<W>,
}

#[derive(Default)]
struct Line {
    busy: bool,
    urgent: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked in here left either no trace or half a frame,
    // and readers get over half a frame.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Write> FrameWriter<W> {
    /// Writes to `stream`; a buffer below it is flushed after each frame.
    pub fn new(stream: W) -> Self {
        Self { line: Mutex::default(), free: Condvar::new(), stream: Mutex::new(stream) }
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// Those of the stream; half a frame may then be under way.
    pub fn write(&self, frame: &Frame) -> Result<()> {
        self.write_bytes(frame.as_bytes(), !frame.header().kind.needs_credit())
    }

    /// Writes frames one by one; others may come in between.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write_all<'a>(&self, frames: impl IntoIterator<Item = &'a Frame>) -> Result<()> {
        frames.into_iter().try_for_each(|frame| self.write(frame))
    }

    /// Frees a reader that waits for the rest of a frame whose writer died, by
    /// bytes that are no frame. To be called before the first frame on a line
    /// that somebody else may have used before.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn resynchronise(&self) -> Result<()> {
        self.write_bytes(&[0; FRAME_MAX], true)
    }

    /// Ends the writer and gives the stream back.
    pub fn into_inner(self) -> W {
        self.stream.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_bytes(&self, bytes: &[u8], urgent: bool) -> Result<()> {
        let mut line = lock(&self.line);
        line.urgent += usize::from(urgent);
        while line.busy || (!urgent && line.urgent > 0) {
            line = self.free.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.urgent -= usize::from(urgent);
        line.busy = true;
        drop(line);
        let mut stream = lock(&self.stream);
        let written = stream.write_all(bytes).and_then(|()| stream.flush());
        drop(stream);
        lock(&self.line).busy = false;
        self.free.notify_all();
        written
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::*;
    use crate::kernel::wire::{FrameReader, Kind};

    /// A line on which each write takes a while.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            std::thread::sleep(std::time::Duration::from_millis(1));
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_command_overtakes_data_that_waits() {
        let writer = Arc::new(FrameWriter::new(Slow(Vec::new())));
        let begin = Arc::new(Barrier::new(5));
        let threads: Vec<_> = (0..4)
            .map(|call| {
                let (writer, begin) = (Arc::clone(&writer), Arc::clone(&begin));
                std::thread::spawn(move || {
                    begin.wait();
                    for _ in 0..100 {
                        let frame = Frame::new(0, call, Kind::Stdout, false, &[0; 64]);
                        writer.write(&frame).unwrap();
                    }
                })
            })
            .collect();
        begin.wait();
        for call in 100..120 {
            let frame = Frame::new(0, call, Kind::Cancel, false, &[]);
            writer.write(&frame).unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
        let bytes = Arc::into_inner(writer).unwrap().into_inner().0;
        let mut reader = FrameReader::new(&bytes[..]);
        let mut kinds = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            kinds.push(frame.header().kind);
        }
        assert_eq!(kinds.len(), 420);
        let last = kinds.iter().rposition(|kind| *kind == Kind::Cancel);
        assert!(last.is_some_and(|at| at < 100), "last command at {last:?}");
    }
}
