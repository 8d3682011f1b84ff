// SPDX-License-Identifier: MIT OR Apache-2.0
//! The control channel to QEMU (QMP): commands with a deadline, and events as
//! they happen.
//!
//! The `qapi` crate was tried for this: without an async runtime it receives
//! events only while a command runs, and it can't pass descriptors. A dozen
//! commands over serde_json are all that a lab needs.

use std::io::{BufRead, BufReader, IoSlice, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::error::{VmError, VmResult};

/// How long QEMU may take for one command.
const DEADLINE: Duration = Duration::from_secs(10);

/// Something that QEMU says unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QmpEvent {
    /// The guest's kernel told pvpanic that it is dead.
    Panicked,
    /// The guest stopped for good.
    Shutdown {
        /// QEMU's word for why: `guest-shutdown`, `guest-reset`, `host-signal`, …
        reason: String,
    },
    /// A device that was pulled out is gone.
    DeviceDeleted {
        /// Its id.
        device: String,
    },
    /// The host had no room for what the guest wrote to a device.
    NoRoom,
    /// The channel ended, and so did QEMU.
    Closed,
    /// Any other, by name.
    Other(String),
}

/// A connection to QEMU.
pub struct Qmp {
    line: Mutex<Line>,
}

struct Line {
    stream: UnixStream,
    replies: Receiver<Value>,
    number: u64,
}

impl Qmp {
    /// Greets QEMU at the other end of `stream` and hands every event to
    /// `events`, on a thread of its own, [`QmpEvent::Closed`] last.
    ///
    /// # Errors
    /// QEMU does not answer.
    pub fn connect(
        stream: UnixStream,
        mut events: impl FnMut(QmpEvent) + Send + 'static,
    ) -> VmResult<Self> {
        let input = stream.try_clone().map_err(VmError::io("share the control channel to QEMU"))?;
        let (send, replies) = channel();
        thread::Builder::new()
            .name("qmp".into())
            .spawn(move || {
                for line in BufReader::new(input).split(b'\n') {
                    let Ok(line) = line else { break };
                    let Ok(message) = serde_json::from_slice::<Value>(&line) else {
                        continue;
                    };
                    if let Some(event) = event(&message) {
                        events(event);
                    } else if message.get("QMP").is_none() {
                        // Nobody may be waiting any more.
                        drop(send.send(message));
                    }
                }
                events(QmpEvent::Closed);
            })
            .map_err(VmError::io("start a thread"))?;
        let qmp = Self { line: Mutex::new(Line { stream, replies, number: 0 }) };
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and returns its answer.
    ///
    /// # Errors
    /// QEMU refuses, is silent for 10 s, or is gone.
    pub fn execute(&self, command: &str, arguments: Value) -> VmResult<Value> {
        self.run(command, arguments, None)
    }

    /// The same, with a descriptor that QEMU gets a copy of.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_with(
        &self,
        command: &str,
        arguments: Value,
        descriptor: BorrowedFd<'_>,
    ) -> VmResult<Value> {
        self.run(command, arguments, Some(descriptor))
    }

    fn run(
        &self,
        command: &str,
        arguments: Value,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> VmResult<Value> {
        let mut line = self.line.lock();
        line.number += 1;
        let number = line.number;
        let mut text =
            json!({"execute": command, "arguments": arguments, "id": number}).to_string();
        text.push('\n');
        line.send(text.as_bytes(), descriptor)
            .map_err(VmError::io(format!("tell QEMU to {command}")))?;
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let reply = match line.replies.recv_timeout(left) {
                Ok(reply) => reply,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(VmError::Silent { command: command.into(), after: DEADLINE });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(VmError::Ended {
                        how: format!("it closed its control channel during {command}"),
                    });
                }
            };
            // A late answer to a command that was given up.
            if reply.get("id").and_then(Value::as_u64) != Some(number) {
                continue;
            }
            if let Some(error) = reply.get("error") {
                return Err(VmError::Refused {
                    command: command.into(),
                    why: error["desc"].as_str().unwrap_or("no reason").into(),
                });
            }
            return Ok(reply.get("return").cloned().unwrap_or(Value::Null));
        }
    }
}

impl Line {
    fn send(&mut self, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> std::io::Result<()> {
        let Some(descriptor) = descriptor else {
            return self.stream.write_all(bytes);
        };
        let descriptors = [descriptor.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let sent = sendmsg::<()>(
            self.stream.as_raw_fd(),
            &[IoSlice::new(bytes)],
            &rights,
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        self.stream.write_all(&bytes[sent..])
    }
}

/// How QEMU, which speaks no other language here, says ENOSPC and EDQUOT.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

fn event(message: &Value) -> Option<QmpEvent> {
    let name = message.get("event")?.as_str()?;
    let text = |key: &str| message["data"][key].as_str().unwrap_or_default().to_owned();
    Some(match name {
        "GUEST_PANICKED" => QmpEvent::Panicked,
        "SHUTDOWN" => QmpEvent::Shutdown { reason: text("reason") },
        "DEVICE_DELETED" => QmpEvent::DeviceDeleted { device: text("device") },
        // QEMU has a flag for it, and leaves it out where the guest gets the error.
        "BLOCK_IO_ERROR" if NO_ROOM.contains(&text("reason").as_str()) => QmpEvent::NoRoom,
        other => QmpEvent::Other(other.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_qemu_says_a_command_has_its_reply_or_fails() {
        crate::fuzz::bytes("qmp", |bytes| {
            let (ours, theirs) = UnixStream::pair().unwrap();
            // All of it fits into the socket; then nobody is there any more.
            let mut theirs = theirs;
            theirs.set_nonblocking(true).unwrap();
            drop(theirs.write_all(&bytes[..bytes.len().min(60_000)]));
            theirs.shutdown(std::net::Shutdown::Write).unwrap();
            let qmp = Qmp::connect(ours, |_| ());
            if let Ok(qmp) = qmp {
                let _ = qmp.execute("query-status", json!({}));
            }
        });
    }

    /// A QEMU that answers every command with what `answer` says.
    fn scripted(answer: fn(&Value) -> String) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        thread::spawn(move || {
            let mut out = theirs.try_clone().unwrap();
            out.write_all(b"{\"QMP\": {\"version\": {}}}\r\n").unwrap();
            for line in BufReader::new(theirs).lines() {
                let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
                if out.write_all(answer(&command).as_bytes()).is_err() {
                    return;
                }
            }
        });
        ours
    }

    #[test]
    fn events_between_commands_are_heard_and_a_refusal_carries_qemus_words() {
        let stream = scripted(|command| {
            let id = &command["id"];
            if command["execute"] == "stop" {
                format!(
                    "{{\"event\": \"GUEST_PANICKED\", \"data\": {{}}}}\r\n{{\"id\": {id}, \"error\": {{\"class\": \"GenericError\", \"desc\": \"not now\"}}}}\r\n"
                )
            } else {
                format!("{{\"id\": {id}, \"return\": {{}}}}\r\n")
            }
        });
        let (send, events) = channel();
        let qmp = Qmp::connect(stream, move |event| drop(send.send(event))).unwrap();
        let error = qmp.execute("stop", json!({})).unwrap_err();
        assert_eq!(error.to_string(), "QEMU refused stop: not now");
        assert_eq!(events.recv().unwrap(), QmpEvent::Panicked);
    }

    #[test]
    fn an_answer_to_another_command_is_not_taken_for_ours() {
        let stream = scripted(|command| {
            let id = command["id"].as_u64().unwrap();
            format!(
                "{{\"id\": {}, \"return\": \"stale\"}}\r\n{{\"id\": {id}, \"return\": \"fresh\"}}\r\n",
                id + 7
            )
        });
        let qmp = Qmp::connect(stream, |_| ()).unwrap();
        assert_eq!(qmp.execute("query-status", json!({})).unwrap(), "fresh");
    }

    #[test]
    fn a_qemu_that_hangs_up_is_told_at_once() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(Qmp::connect(ours, |_| ()).is_err());
    }
}
