// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel at the other end of a byte stream: the client of an agent.
//!
//! One thread reads and hands items to their calls, one writes; a call whose
//! request is a stream has a thread of its own, so that a slow reader of it
//! holds up nobody else and stops its sender by not giving credit back.

mod calls;
mod command;
mod link;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

pub use self::link::{CloseStream, Link};

use self::calls::{OpenCalls, RemoteCall};
use super::api::Request;
use super::call::{Call, Sink, Target};
use super::error::{TargetError, TargetResult};
use super::wire::{
    Assembler, Body, Frame, FrameReader, Kind, Outbox, WireError, check_version, version,
};

/// How long an agent may take to answer the first word. A person may have to
/// type a password for ssh meanwhile.
const WELCOME_WITHIN: Duration = Duration::from_secs(30);
/// More bytes than this before the agent's first word, and it is no agent.
const GREETING_MAX: u64 = 1 << 20;

/// A client of an agent. Dropping it ends the connection and every call; so
/// does an agent that breaks the rules of the protocol.
pub struct Remote {
    calls: Arc<OpenCalls>,
    close: Close,
    reader: Option<JoinHandle<()>>,
}

/// Ends the stream, once.
#[derive(Clone)]
struct Close(Arc<Mutex<Option<CloseStream>>>);

impl Close {
    fn now(&self) {
        let close = self.0.lock().take();
        if let Some(close) = close {
            close();
        }
    }
}

impl Remote {
    /// Says hello over `link` and waits for the agent's welcome.
    ///
    /// # Errors
    /// When no agent answers, or one of another version.
    pub fn connect(link: Link) -> TargetResult<Self> {
        Self::connect_within(link, WELCOME_WITHIN)
    }

    fn connect_within(link: Link, within: Duration) -> TargetResult<Self> {
        let Link { reader, writer, close, explain } = link;
        let thread = |error: &std::io::Error| TargetError::io(error, "start a thread");
        let close = Close(Arc::new(Mutex::new(Some(close))));
        // A write fails when the agent is gone; the reader sees its end too and
        // ends the calls, with what the agent may have said last. It sees none
        // where the agent is there and does not read.
        let closing = close.clone();
        let outbox = Outbox::new(writer, move |_| closing.now()).map_err(|error| thread(&error))?;
        let calls = Arc::new(OpenCalls::new(outbox));
        calls.say(&Body::Hello(version()))?;
        let (welcomed, welcome) = channel();
        let (for_reader, closing) = (Arc::clone(&calls), close.clone());
        let reader = std::thread::Builder::new()
            .name("wire-in".into())
            .spawn(move || read(reader, &for_reader, welcomed, &closing, explain))
            .map_err(|error| thread(&error))?;
        let remote = Self { calls, close, reader: Some(reader) };
        match welcome.recv_timeout(within) {
            Ok(Ok(())) => Ok(remote),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => {
                Err(TargetError::Silent(format!("no agent answered within {} s", within.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(TargetError::Gone("the connection ended".into()))
            }
        }
    }

    /// Over a connected socket.
    ///
    /// # Errors
    /// As [`Remote::connect`].
    pub fn over_socket(stream: UnixStream) -> TargetResult<Self> {
        Self::over_socket_within(stream, WELCOME_WITHIN)
    }

    /// The same with an agent that is to answer `within` a time.
    ///
    /// # Errors
    /// As [`Remote::connect`].
    pub fn over_socket_within(stream: UnixStream, within: Duration) -> TargetResult<Self> {
        let link = Link::socket(stream)
            .map_err(|error| TargetError::io(&error, "use the agent's socket"))?;
        Self::connect_within(link, within)
    }

    /// Starts `program` and talks to the agent on its standard input and
    /// output. It is ended with the connection.
    ///
    /// # Errors
    /// When it can't be started, and as [`Remote::connect`].
    pub fn over_command(program: &str, arguments: &[String]) -> TargetResult<Self> {
        Self::connect(command::start(program, arguments)?)
    }
}

impl Target for Remote {
    fn start(&self, request: Request, sink: Sink) -> TargetResult<Call> {
        let open = self.calls.open(request, sink)?;
        Ok(Call::new(Arc::new(RemoteCall::new(Arc::clone(&self.calls), open))))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.calls.end("the connection was closed");
        self.close.now();
        if let Some(reader) = self.reader.take() {
            // A sink may drop the last handle; a thread can't wait for itself.
            if reader.thread().id() != std::thread::current().id() {
                drop(reader.join());
            }
        }
    }
}

/// The reading thread.
fn read(
    stream: Box<dyn Read + Send>,
    calls: &OpenCalls,
    welcomed: Sender<TargetResult<()>>,
    close: &Close,
    explain: Box<dyn FnOnce() -> Option<String> + Send>,
) {
    let mut reader = FrameReader::new(stream);
    let mut assembler = Assembler::new();
    let greeting = greet(&mut reader, &mut assembler);
    let met = greeting.is_ok();
    let ended = match greeting {
        Ok(()) => {
            drop(welcomed.send(Ok(())));
            match receive(&mut reader, &mut assembler, calls) {
                // It is there and must not be listened to any more.
                End::Broken(how) => {
                    close.now();
                    format!(
                        "the agent broke the rules of the protocol and was cut off: it sent {how}"
                    )
                }
                End::Stream(error) => match (explain(), error) {
                    (Some(why), _) => format!("the agent is gone: {why}"),
                    (None, Some(error)) => format!("the connection to the agent ended: {error}"),
                    (None, None) => "the connection to the agent ended".into(),
                },
            }
        }
        Err(TargetError::Gone(text)) => match explain() {
            Some(why) => format!("{text}: {why}"),
            None => text,
        },
        Err(error) => {
            drop(welcomed.send(Err(error)));
            return calls.end("the connection was refused");
        }
    };
    calls.end(&ended);
    if !met {
        drop(welcomed.send(Err(TargetError::Gone(ended))));
    }
}

/// Waits for the agent's first word.
fn greet(
    reader: &mut FrameReader<Box<dyn Read + Send>>,
    assembler: &mut Assembler,
) -> TargetResult<()> {
    let no_agent = |what: &str| {
        TargetError::Protocol(format!("what answers is no ringside agent: it sent {what}"))
    };
    reader.limit_skipped(Some(GREETING_MAX));
    loop {
        let frame = match reader.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Err(TargetError::Gone("no agent answered".into())),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(no_agent("a megabyte of something else"));
            }
            Err(error) => {
                return Err(TargetError::Gone(format!("no agent answered: {error}")));
            }
        };
        if !matches!(frame.header().kind, Kind::Hello | Kind::Welcome | Kind::Refused) {
            // From a conversation that somebody else had before.
            continue;
        }
        match assembler.push(&frame) {
            Ok(Some(Body::Welcome(theirs))) | Ok(Some(Body::Refused(theirs))) => {
                reader.limit_skipped(None);
                return check_version(&theirs).map_err(TargetError::Protocol);
            }
            Ok(Some(Body::Hello(_))) => return Err(no_agent("our own words back")),
            Ok(_) | Err(_) => {}
        }
    }
}

/// How a conversation ended.
enum End {
    /// With its stream, and the error if there was one.
    Stream(Option<std::io::Error>),
    /// With what an agent must not send.
    Broken(String),
}

/// Hands out what comes until the stream ends or makes no sense any more.
fn receive(
    reader: &mut FrameReader<Box<dyn Read + Send>>,
    assembler: &mut Assembler,
    calls: &OpenCalls,
) -> End {
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                if let Err(error) = take(&frame, assembler, calls) {
                    return End::Broken(error.to_string());
                }
            }
            Ok(None) => return End::Stream(None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return End::Broken(error.to_string());
            }
            Err(error) => return End::Stream(Some(error)),
        }
    }
}

/// Takes one frame.
///
/// # Errors
/// It breaks the rules.
fn take(frame: &Frame, assembler: &mut Assembler, calls: &OpenCalls) -> Result<(), WireError> {
    let header = frame.header();
    // Before anything is kept of it.
    if !calls.admit(header)? {
        return Ok(());
    }
    match assembler.push(frame) {
        Ok(Some(body)) => {
            if matches!(body, Body::Done(_)) {
                assembler.forget_call(header.call);
            }
            calls.deliver(header.call, body);
        }
        // The rest of the message follows only when this part is paid for.
        Ok(None) => calls.goes_on(header.call),
        Err(error) if error.breaks_the_rules() => return Err(error),
        Err(error) => {
            assembler.forget_call(header.call);
            calls.fail(header.call, &TargetError::Protocol(error.to_string()));
        }
    }
    Ok(())
}
