// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest's serial console: its last lines.

use std::collections::VecDeque;

use super::log::Trace;

/// How many lines are kept.
pub const KEPT: usize = 5000;
/// A line is cut after so many bytes.
const LONGEST: usize = 4096;

/// The console's text, cut into lines.
#[derive(Clone, Debug, Default)]
pub struct Console {
    lines: VecDeque<String>,
    open: Vec<u8>,
    /// Why there is none, when there is none.
    pub missing: Option<String>,
}

impl Console {
    /// Takes bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_line();
            } else if self.open.len() < LONGEST {
                self.open.push(*byte);
            }
        }
    }

    fn end_line(&mut self) {
        let text = String::from_utf8_lossy(&self.open);
        let line = text.trim_end_matches('\r').to_owned();
        self.open.clear();
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The full lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.lines.iter().map(String::as_str)
    }

    /// The last oops or panic in it.
    pub fn trace(&self) -> Option<Trace> {
        let of_guest = |line: &&String| !line.starts_with("--- guest ");
        let start = self.lines.iter().rev().take_while(of_guest).count();
        let lines = self.lines.range(self.lines.len() - start..);
        Trace::last_of(lines.map(String::as_str))
    }

    /// What came after the last line's end.
    pub fn open_line(&self) -> String {
        String::from_utf8_lossy(&self.open).into_owned()
    }

    /// Another guest writes from here on.
    pub fn new_guest(&mut self, generation: u32) {
        if !self.open.is_empty() {
            self.end_line();
        }
        self.push(format!("--- guest {generation} ---\n").as_bytes());
    }

    /// Forgets all: it is read again from its beginning.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.open.clear();
    }
}
