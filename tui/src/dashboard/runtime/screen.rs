// SPDX-License-Identifier: MIT OR Apache-2.0
//! The terminal: taken over, drawn to, and given back exactly once.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{clipboard, cursor, execute, queue};
use ratatui::layout::Rect;

use crate::dashboard::paint::{Hits, Look};

/// Is the terminal ours? Whoever turns this from `true` to `false` restores it:
/// the loop, the panic hook or the thread that gets the signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ownership(Arc<AtomicBool>);

impl Ownership {
    /// Restores the terminal, if nobody did so before.
    pub(crate) fn release(&self) {
        if self.0.swap(false, Ordering::SeqCst) {
            // Nothing can be done about a terminal that is gone.
            drop(execute!(
                io::stdout(),
                DisableMouseCapture,
                DisableBracketedPaste,
                LeaveAlternateScreen,
                cursor::Show
            ));
            drop(disable_raw_mode());
        }
    }

    fn is_held(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The terminal and what is on it.
pub(crate) struct Screen {
    backend: CrosstermBackend<BufWriter<Stdout>>,
    shown: Buffer,
    next: Buffer,
    hits: Hits,
    look: Look,
    mouse: bool,
    ownership: Ownership,
}

impl Screen {
    /// Takes the terminal over.
    pub(crate) fn new(look: Look, mouse: bool, ownership: Ownership) -> io::Result<Self> {
        let mut screen = Self {
            backend: CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            shown: Buffer::empty(Rect::ZERO),
            next: Buffer::empty(Rect::ZERO),
            hits: Hits::default(),
            look,
            mouse,
            ownership,
        };
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal (again): raw mode, the alternate screen, no cursor.
    pub(crate) fn take(&mut self) -> io::Result<()> {
        // Raw mode that is believed to be on is not set again: off with it first.
        disable_raw_mode()?;
        enable_raw_mode()?;
        self.ownership.0.store(true, Ordering::SeqCst);
        execute!(self.backend, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            execute!(self.backend, EnableMouseCapture)?;
        }
        self.redraw()
    }

    /// Forgets what is on the screen, so that all of it is drawn again.
    pub(crate) fn redraw(&mut self) -> io::Result<()> {
        let size = self.backend.size()?;
        self.resize(size.width, size.height);
        queue!(self.backend, Clear(ClearType::All))
    }

    /// The terminal has another size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        let area = Rect::new(0, 0, width, height);
        self.shown = Buffer::empty(area);
        self.next = Buffer::empty(area);
        drop(queue!(self.backend, Clear(ClearType::All)));
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (u16, u16) {
        (self.shown.area.width, self.shown.area.height)
    }

    /// Draws what is painted. Where nothing differs from what is on the screen, not
    /// one byte is written.
    pub(crate) fn draw(
        &mut self,
        paint: impl FnOnce(&mut Buffer, &mut Hits, Look),
    ) -> io::Result<()> {
        if !self.ownership.is_held() {
            return Ok(());
        }
        self.next.reset();
        paint(&mut self.next, &mut self.hits, self.look);
        let changes = self.shown.diff(&self.next);
        if !changes.is_empty() {
            queue!(self.backend, BeginSynchronizedUpdate)?;
            self.backend.draw(changes.into_iter())?;
            queue!(self.backend, EndSynchronizedUpdate)?;
            Write::flush(&mut self.backend)?;
            std::mem::swap(&mut self.shown, &mut self.next);
        }
        Ok(())
    }

    /// What is drawn at a place.
    pub(crate) fn hits(&self) -> &Hits {
        &self.hits
    }

    /// Puts text on the clipboard of the terminal.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.backend, clipboard::CopyToClipboard::to_clipboard_from(text))
    }

    /// Captures the mouse, or leaves it to the terminal.
    pub(crate) fn capture_mouse(&mut self, capture: bool) -> io::Result<()> {
        self.mouse = capture;
        if capture {
            execute!(self.backend, EnableMouseCapture)
        } else {
            execute!(self.backend, DisableMouseCapture)
        }
    }

    /// Gives the terminal back.
    pub(crate) fn release(&mut self) {
        drop(Write::flush(&mut self.backend));
        self.ownership.release();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.release();
    }
}
