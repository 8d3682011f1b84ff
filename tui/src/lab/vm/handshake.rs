// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for the agent of a guest that boots: says hello and waits for the
//! welcome for as long as it takes. Whoever asked for the guest sets the limit
//! and ends the wait by ending QEMU.

use std::os::unix::net::UnixStream;

use crate::kernel::wire::{Assembler, Body, FrameReader, version, write_frames};
use crate::kernel::{TargetError, TargetResult};

/// Returns when the agent at the other end of `port` has answered. Nothing
/// else is taken from the port: an agent says nothing before it is asked.
///
/// # Errors
/// The port ends, or the agent is of another version.
pub(super) fn handshake(port: &UnixStream) -> TargetResult<()> {
    let frames = Body::Hello(version())
        .frames(0)
        .map_err(|error| TargetError::Protocol(error.to_string()))?;
    let gone = |error: std::io::Error| TargetError::Gone(error.to_string());
    write_frames(port, &frames).map_err(gone)?;
    let mut reader = FrameReader::new(port);
    let mut assembler = Assembler::new();
    while let Some(frame) = reader.next_frame().map_err(gone)? {
        match assembler.push(&frame) {
            Ok(Some(Body::Welcome(_))) => return Ok(()),
            Ok(Some(Body::Refused(theirs))) => {
                return Err(TargetError::Protocol(format!(
                    "the agent in the guest speaks protocol {theirs}, not {}",
                    version()
                )));
            }
            _ => {}
        }
    }
    Err(TargetError::Gone("its port ended".into()))
}
