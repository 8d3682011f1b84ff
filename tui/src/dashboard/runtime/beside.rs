// SPDX-License-Identifier: MIT OR Apache-2.0
//! Long work that goes on beside a recording that is played: how far it is stands in
//! the header, and with its end the recording ends.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::dashboard::paint::{Canvas, Hits, Look, Role};

/// What is known of it.
#[derive(Debug, Default)]
pub struct Beside {
    line: Mutex<String>,
    changed: AtomicBool,
    over: AtomicBool,
}

impl Beside {
    /// It is this far.
    pub fn say(&self, line: impl Into<String>) {
        *self.line.lock() = line.into();
        self.changed.store(true, Ordering::Relaxed);
    }

    /// It is over.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Is there something else to be read since the last call?
    pub(super) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    /// Paints it over the first row: what stands there is the recording's.
    pub(super) fn draw(&self, buffer: &mut Buffer, hits: &mut Hits, look: Look) {
        let row = Rect { height: 1.min(buffer.area.height), ..buffer.area };
        let mut canvas = Canvas { buffer, look, hits };
        canvas.clear(row);
        canvas.shade(row, Role::Bar);
        let line = self.line.lock().clone();
        let end = canvas.text(row.x + 1, row.y, row.width.saturating_sub(1), &line, Role::Title);
        let rest = "  Meanwhile, a recorded tour; q stops";
        let room = row.right().saturating_sub(end);
        if usize::from(room) >= rest.len() {
            canvas.text(end, row.y, room, rest, Role::Dim);
        }
    }
}
