// SPDX-License-Identifier: MIT OR Apache-2.0
//! Serves a target over a byte stream: the agent's side of the protocol.
//!
//! One thread reads and never waits for anything else, so that a cancel or a
//! credit always gets through; one writes. A stream's items wait for credit on
//! the thread they come on; each call's input is fed to it by a thread of its
//! own.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, channel};

use parking_lot::Mutex;

use crate::kernel::wire::{
    Assembler, Body, Credit, Frame, FrameReader, Intake, Kind, Outbox, WireError, check_version,
    version,
};
use crate::kernel::{Call, CallControl, Item, Request, Target, TargetError};

type Calls = Arc<Mutex<HashMap<u32, ServedCall>>>;

/// A call that a client has open here.
struct ServedCall {
    /// `None` until the target has taken the request.
    call: Option<Call>,
    /// For its items.
    credit: Arc<Credit>,
    /// Of its input.
    intake: Arc<Intake>,
    /// To the thread that feeds it, with what each piece cost; `None` after the
    /// end of the input.
    input: Option<mpsc::Sender<(Vec<u8>, u32)>>,
}

/// Answers what comes from `reader` on `writer` with the help of `target`,
/// until `reader` ends; every call still open is then cancelled.
///
/// # Errors
/// Those of `reader`, when no thread can be made, and `InvalidData` when the
/// client breaks the rules of the protocol.
pub fn serve<W: Write + Send + 'static>(
    reader: impl Read,
    writer: W,
    target: &dyn Target,
) -> std::io::Result<()> {
    let mut reader = FrameReader::new(reader);
    // A write fails when the client is gone, which the reader sees as well.
    let outbox = Outbox::new(writer, |_| ())?;
    let mut server =
        Server { target, outbox, calls: Calls::default(), assembler: Assembler::new() };
    let ended = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                if let Err(error) = server.take(&frame) {
                    break Err(std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        format!("the client sent {error}"),
                    ));
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    server.cancel_where(|_| true);
    server.outbox.close();
    ended
}

struct Server<'a> {
    target: &'a dyn Target,
    outbox: Outbox,
    calls: Calls,
    assembler: Assembler,
}

impl Server<'_> {
    /// Takes one frame.
    ///
    /// # Errors
    /// Nothing more is to be taken from whoever sent it.
    fn take(&mut self, frame: &Frame) -> Result<(), WireError> {
        let header = frame.header();
        let number = header.call;
        // Before anything is kept of it. An agent's words may come from a line
        // that somebody else has used before.
        let open = self.calls.lock().get(&number).map(|call| Arc::clone(&call.intake));
        let wanted = match header.kind {
            Kind::Hello | Kind::Start => true,
            kind => kind.is_a_clients() && open.is_some(),
        };
        if !wanted {
            return Ok(());
        }
        if let Some(intake) = &open
            && let Err(error) = intake.take(header)
        {
            self.refuse(number, &error);
            return Ok(());
        }
        match self.assembler.push(frame) {
            Ok(Some(body)) => self.answer(number, body),
            Ok(None) => {
                if let Some(intake) = open {
                    give(&self.outbox, number, intake.goes_on());
                }
            }
            Err(error) if error.breaks_the_rules() => return Err(error),
            // Half of a request or of an input must not be acted on.
            Err(error) => self.refuse(number, &error),
        }
        Ok(())
    }

    /// Ends a call because what came for it is not to be.
    fn refuse(&mut self, number: u32, error: &WireError) {
        self.assembler.forget_call(number);
        self.cancel_where(|call| call == number);
        self.reply(number, Body::Done(Err(TargetError::Protocol(error.to_string()))));
    }

    fn answer(&mut self, number: u32, body: Body) {
        match body {
            Body::Hello(theirs) => {
                // Another client than before, or the same one again.
                self.leave_all();
                self.assembler.forget_all();
                self.reply(
                    number,
                    match check_version(&theirs) {
                        Ok(()) => Body::Welcome(version()),
                        Err(_) => Body::Refused(version()),
                    },
                );
            }
            Body::Start(request) => self.start(number, request),
            Body::Input(bytes) => {
                if let Some(call) = self.calls.lock().get(&number)
                    && let Some(input) = &call.input
                {
                    drop(input.send((bytes, call.intake.whole())));
                }
            }
            Body::InputEnd => {
                if let Some(call) = self.calls.lock().get_mut(&number) {
                    call.input = None;
                }
            }
            Body::Credit(bytes) => {
                if let Some(call) = self.calls.lock().get(&number) {
                    call.credit.give(bytes);
                }
            }
            Body::Resize(size) => {
                if let Some(control) = self.control(number) {
                    // A program that has just ended has no use for it.
                    drop(control.resize(size));
                }
            }
            Body::Signal(signal) => {
                if let Some(control) = self.control(number) {
                    drop(control.signal(signal));
                }
            }
            Body::Cancel => {
                let credit = self.calls.lock().get(&number).map(|call| call.credit.clone());
                if let Some(credit) = credit {
                    // Frees the call's thread if it waits to send an item.
                    credit.close();
                }
                if let Some(control) = self.control(number) {
                    control.cancel();
                }
            }
            // Only agents say these.
            Body::Welcome(_) | Body::Refused(_) | Body::Item(_) | Body::Done(_) | Body::Begun => {}
        }
    }

    fn control(&self, number: u32) -> Option<Arc<dyn CallControl>> {
        let calls = self.calls.lock();
        Some(calls.get(&number)?.call.as_ref()?.control())
    }

    fn start(&mut self, number: u32, request: Request) {
        let credit = Arc::new(Credit::new());
        let (input, pieces) = channel();
        let intake = Arc::new(Intake::stream());
        let served = ServedCall {
            call: None,
            credit: Arc::clone(&credit),
            intake: Arc::clone(&intake),
            input: Some(input),
        };
        {
            let mut calls = self.calls.lock();
            if calls.contains_key(&number) {
                // A client that uses a number twice harms itself only.
                return;
            }
            calls.insert(number, served);
        }
        let takes_input = matches!(request, Request::Run(_) | Request::Load { .. });
        let sender = Sender {
            number,
            stream: request.is_stream(),
            outbox: self.outbox.clone(),
            credit,
            calls: Arc::clone(&self.calls),
        };
        let sink = Box::new(move |item| sender.send(item));
        match self.target.start(request, sink) {
            Ok(call) => {
                if takes_input && let Err(error) = self.feed(number, call.control(), pieces, intake)
                {
                    call.control().cancel();
                    tracing::warn!("no thread for the input of a call: {error}");
                }
                // A call that is over already has been taken off the table,
                // and dropping it does nothing.
                if let Some(served) = self.calls.lock().get_mut(&number) {
                    served.call = Some(call);
                }
            }
            Err(error) => {
                self.calls.lock().remove(&number);
                self.reply(number, Body::Done(Err(error)));
            }
        }
    }

    /// Starts the thread that hands a call its input.
    fn feed(
        &self,
        number: u32,
        control: Arc<dyn CallControl>,
        pieces: Receiver<(Vec<u8>, u32)>,
        intake: Arc<Intake>,
    ) -> std::io::Result<()> {
        let outbox = self.outbox.clone();
        std::thread::Builder::new().name(format!("input-{number}")).spawn(move || {
            for (piece, cost) in pieces {
                // When nobody takes it (any more), it is consumed as well:
                // the client must not wait for a reader that is gone.
                drop(control.send(&piece));
                give(&outbox, number, intake.consumed(cost));
            }
            drop(control.close_input());
        })?;
        Ok(())
    }

    fn reply(&self, number: u32, body: Body) {
        let frames = body.frames(number).unwrap_or_default();
        self.outbox.send_urgent(frames);
    }

    /// Takes all calls off the table, since their client is gone.
    fn leave_all(&self) {
        let calls: Vec<_> = self.calls.lock().drain().map(|(_, call)| call).collect();
        for served in calls {
            served.credit.close();
            if let Some(call) = &served.call {
                call.control().leave();
            }
        }
    }

    /// Takes calls off the table and cancels them; nothing more is said of them.
    fn cancel_where(&self, gone: impl Fn(u32) -> bool) {
        let calls: Vec<_> =
            self.calls.lock().extract_if(|number, _| gone(*number)).map(|(_, call)| call).collect();
        for served in calls {
            served.credit.close();
            drop(served.call);
        }
    }
}

/// Gives a client credit back, where there is any.
fn give(outbox: &Outbox, number: u32, credit: u32) {
    if credit > 0 {
        outbox.send_urgent(Body::Credit(credit).frames(number).unwrap_or_default());
    }
}

/// Sends the items of one call.
struct Sender {
    number: u32,
    /// Wait for credit, and let everything else go first?
    stream: bool,
    outbox: Outbox,
    credit: Arc<Credit>,
    calls: Calls,
}

impl Sender {
    /// Sends an item, once there is credit for it; the last takes the call off
    /// the table.
    fn send(&self, item: Item) {
        let mut body = Body::item(item);
        loop {
            let served = match body {
                Body::Done(_) => match self.close() {
                    Some(served) => Some(served),
                    None => return,
                },
                _ if self.credit.is_closed() => return,
                _ => None,
            };
            match body.frames(self.number) {
                Ok(frames) => self.put(frames),
                Err(error) => {
                    body = Body::Done(Err(TargetError::Protocol(error.to_string())));
                    continue;
                }
            }
            // Its target has let go of the call before it said the last word.
            drop(served);
            return;
        }
    }

    /// Takes the call off the table; `None` when its client is gone, and the
    /// number may be another's now.
    fn close(&self) -> Option<ServedCall> {
        let mut calls = self.calls.lock();
        let ours = |served: &ServedCall| Arc::ptr_eq(&served.credit, &self.credit);
        calls.get(&self.number).is_some_and(ours).then(|| calls.remove(&self.number))?
    }

    fn put(&self, frames: Vec<Frame>) {
        if !self.stream {
            return self.outbox.send_urgent(frames);
        }
        for frame in frames {
            let header = frame.header();
            let paid = !header.kind.needs_credit() || self.credit.take(header.cost());
            if !paid || !self.outbox.send([frame]) {
                return;
            }
        }
    }
}
