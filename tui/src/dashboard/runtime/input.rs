// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that reads the terminal.

use std::sync::mpsc::Sender;
use std::thread;

use ratatui::crossterm::event::{self, KeyEventKind};

use super::message::Message;

/// Starts the thread. It sleeps until there is input, and ends with the process
/// or with the terminal.
pub(crate) fn start(send: Sender<Message>) -> std::io::Result<()> {
    let read = move || {
        loop {
            let message = match event::read() {
                Ok(event::Event::Key(key)) if key.kind == KeyEventKind::Release => continue,
                Ok(event) => Message::Terminal(event),
                Err(error) => Message::TerminalGone(error),
            };
            let last = matches!(message, Message::TerminalGone(_));
            if send.send(message).is_err() || last {
                return;
            }
        }
    };
    thread::Builder::new().name("input".into()).spawn(read)?;
    Ok(())
}
