// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stream to an agent.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// Ends both directions of a stream.
pub type CloseStream = Box<dyn FnOnce() + Send>;

/// Both directions of a stream to an agent, and how to end it.
pub struct Link {
    /// What comes from the agent.
    pub reader: Box<dyn Read + Send>,
    /// What goes to it.
    pub writer: Box<dyn Write + Send>,
    /// Ends both directions, so that a read or write under way returns.
    pub close: CloseStream,
    /// Asked once the stream has ended: why, if that can be known.
    pub explain: Box<dyn FnOnce() -> Option<String> + Send>,
}

impl Link {
    /// Over a connected socket.
    ///
    /// # Errors
    /// When the descriptor can't be duplicated.
    pub fn socket(stream: UnixStream) -> std::io::Result<Self> {
        let (reader, ending) = (stream.try_clone()?, stream.try_clone()?);
        Ok(Self {
            reader: Box::new(reader),
            writer: Box::new(stream),
            close: Box::new(move || drop(ending.shutdown(std::net::Shutdown::Both))),
            explain: Box::new(|| None),
        })
    }
}
