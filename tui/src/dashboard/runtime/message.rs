// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the threads around the loop tell it.

use ratatui::crossterm::event::Event as TerminalEvent;

use crate::dashboard::core::Event;
use crate::tape::Entry;

/// What the threads tell the loop.
pub(crate) enum Message {
    /// Something for the model.
    App(Box<Event>),
    /// A key, the mouse, a new size.
    Terminal(TerminalEvent),
    /// The terminal can't be read any more.
    TerminalGone(std::io::Error),
    /// A signal asks for the end.
    Signal(i32),
    /// A signal asks to stop.
    Suspend,
    /// The process goes on after it was stopped.
    Continued,
    /// A thread panicked.
    Panicked,
    /// Something beside the model, to be recorded.
    Aside(Box<Entry<'static>>),
    /// The recording is over.
    Over,
}
